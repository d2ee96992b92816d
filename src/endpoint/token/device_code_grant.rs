//! The device's poll, and the redemption that it may turn into (RFC 8628 §3.4, §3.5).
//!
//! Two hops: the first looks and spends nothing; then everything that can fail is done; the second
//! spends the approval, and its one winner answers.

use core::time::Duration;

use rand_core::CryptoRng;

use super::mint::{Session, Subject, Tokens, mint};
use super::{pkce, resource};
use crate::client::Client;
use crate::endpoint::client_auth::{Caller, certificate};
use crate::endpoint::device_authorization::live_codes::release;
use crate::endpoint::dpop::Proven;
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::{Context, Platform};
use crate::family::refresh_token::new_family;
use crate::family::renewal::Renewal;
use crate::family::{Current, Family};
use crate::format::Format;
use crate::grant::command::{Command, Reply};
use crate::grant::device_code::DeviceCode;
use crate::grant::pkce::is_answered;
use crate::grant::{Denial, Poll, Ready, Redemption};
use crate::identity::account::Account;
use crate::policy::{Point, PolicyDecision, PolicyFacts};
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use crate::{policy, secret};

pub(crate) async fn poll<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    proven: &Proven,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let (device_code, verifier) = (form.require("device_code")?, pkce::verifier(form)?);
    let settings = &context.server.settings;
    let asked = resource::asked(form)?;
    let code = DeviceCode::parse(device_code, &caller.client.client_id, &settings.keyring);
    let code = code.ok_or(Error::ForgedDeviceCode)?;
    if context.now >= code.expires_at + Duration::from_secs(settings.grace) {
        return Err(Error::Expired);
    }
    let command = Command::Poll {
        key: code.address.key,
        secret: code.secret,
        reissue: may_reissue(context, caller, None),
        reissue_bound: settings.reissue_lost_answers,
        proven: proven.cnf.clone(),
    };
    let Reply::Polled(poll) = context.server.platform.grants(code.address.shard, &command).await? else {
        return Err(Error::Unavailable);
    };
    match poll {
        Poll::Ready(ready) if !ready.request.cnf.is_met_by(&proven.cnf) => Err(Error::WithoutKey),
        Poll::Ready(ready) if !is_answered(ready.request.code_challenge.as_deref(), verifier) => {
            Err(Error::WrongVerifier)
        }
        Poll::Ready(ready) => {
            // Until now there was nothing to be had for an assertion, so a poll that waits need not ask whether it
            // was used: that is the one hop more.
            caller.use_up(context).await?;
            redeem(context, caller, proven, &code, *ready, &asked, rng).await
        }
        Poll::WithoutKey => Err(Error::WithoutKey),
        Poll::Pending(interval) => Err(Error::Pending(interval)),
        Poll::TooSoon(interval) => Err(Error::TooSoon(interval)),
        Poll::Denied(how) => Err(refusal(how)),
        Poll::Expired => Err(Error::Expired),
        Poll::Spent => Err(Error::SpentDeviceCode),
        Poll::Replayed => Err(Error::ReplayedDeviceCode),
        Poll::Unknown => Err(Error::UnknownDeviceCode),
    }
}

/// Whether a lost answer may be given anew: only to a client that has proved more than having the code. What the
/// code is bound to it has proved having, or it would not have come so far.
fn may_reissue<P>(context: Context<'_, P>, caller: &Caller, code: Option<&Confirmation>) -> bool {
    let proved = caller.is_confidential() || code.is_some_and(|cnf| !cnf.is_empty());
    context.server.settings.reissue_lost_answers && proved
}

const fn refusal(how: Denial) -> Error {
    match how {
        Denial::Denied => Error::Denied,
        Denial::Reported => Error::Reported,
        Denial::Contested => Error::Contested,
    }
}

async fn redeem<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    proven: &Proven,
    code: &DeviceCode,
    ready: Ready,
    asked: &[&str],
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let client = caller.at_source(context).await?;
    let account = context.server.account(&ready.approval.account).await?;
    let (Some(client), Some(account)) = (client, account) else { return Err(Error::RedemptionRefused) };
    let scope = allowed(&client, &account, &ready.approval.scope)?;
    let audience = resource::narrowed(context, &client, asked, &ready.request.resource, &scope)?;
    let cnf = proven.confirmation(context, &client)?;
    let attempt = secret::random_id(rng);
    let session = Session { shard: code.address.shard, family: new_family(rng) };
    let subject = Subject {
        client: &client,
        account: &account,
        scope: &scope,
        auth_time: ready.approval.auth_time,
        amr: &ready.approval.amr,
        acr: ready.approval.acr.as_deref(),
        audience: &audience,
        cnf: &cnf,
        nonce: ready.request.nonce.as_deref(),
        attempt: &attempt,
        session,
    };
    let mut tokens = mint(context, &subject, rng).await?;
    let until = refreshable_until(context, &client);
    let refresh = subject.may_refresh().then(|| tokens.add_refresh_token(context, &subject, until, rng));
    let ends_at = tokens.ends_at(refresh.as_ref(), context.now);
    let family = Box::new(family(&subject, ready.request.resource, refresh, until, ends_at));
    let (key, secret, id) = (code.address.key, code.secret, secret::encode(&session.family));
    let reissue = may_reissue(context, caller, Some(&ready.request.cnf));
    proven.burn(context).await?;
    spend(context, code, Command::Redeem { key, secret, attempt, id, family, reissue }).await?;
    release(context, &ready.request.gauge, code.address).await;
    Ok(tokens)
}

/// What policy leaves of the scope that was approved.
fn allowed(client: &Client, account: &Account, approved: &Scope) -> Result<Scope, Error> {
    let facts = PolicyFacts { client: Some(client), account: Some(account), scope: approved };
    match policy::decide(Point::Redemption, facts) {
        PolicyDecision::Allow(scope) => Ok(scope),
        PolicyDecision::Refuse(_) => Err(Error::RedemptionRefused),
    }
}

/// RFC 9700 §4.14.2: however often it is refreshed, an approval is not for ever.
fn refreshable_until<P>(context: Context<'_, P>, client: &Client) -> Timestamp {
    let lifetime = client.tokens.refresh_token_lifetime;
    context.now + Duration::from_secs(lifetime.unwrap_or(context.server.settings.refresh_token))
}

/// The family that a redemption starts.
fn family(
    subject: &Subject<'_>,
    resource: Vec<String>,
    refresh: Option<Current>,
    until: Timestamp,
    ends_at: Timestamp,
) -> Family {
    let renewal = Renewal { until: refresh.as_ref().map(|_| until), ..Renewal::default() };
    let cnf = certificate::of_refresh_tokens(subject.client, subject.cnf);
    Family {
        format: Format,
        client_id: subject.client.client_id.clone(),
        account: subject.account.key.clone(),
        scope: subject.scope.clone(),
        auth_time: subject.auth_time,
        amr: subject.amr.to_vec(),
        ends_at,
        cnf: if refresh.is_some() { cnf } else { Confirmation::default() },
        refresh,
        ended: None,
        resource,
        acr: subject.acr.map(str::to_owned),
        renewal,
    }
}

/// The second hop. Nothing that can fail may come after it.
async fn spend<P: Platform>(
    context: Context<'_, P>,
    code: &DeviceCode,
    command: Command,
) -> Result<(), Error> {
    let Reply::Redeemed(redemption) = context.server.platform.grants(code.address.shard, &command).await?
    else {
        return Err(Error::Unavailable);
    };
    match redemption {
        Redemption::Won | Redemption::Again => Ok(()),
        Redemption::Lost => Err(Error::SpentDeviceCode),
    }
}
