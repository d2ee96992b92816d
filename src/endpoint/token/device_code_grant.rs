//! Polls, which redeem the device code once the grant is approved (RFC 8628 §3.4, §3.5).
//!
//! A redemption takes two hops to the shard. The first judges the code and spends nothing. Everything that
//! can fail happens between the hops. The second hop spends the approval; only the attempt that wins it
//! answers with tokens.

use core::time::Duration;

use rand_core::CryptoRng;

use super::mint::{Subject, Tokens, good_until, may_refresh, mint};
use super::{pkce, resource};
use crate::client::Client;
use crate::endpoint::client_auth::{Caller, certificate};
use crate::endpoint::dpop::Proven;
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::family::id::{AttemptId, FamilyId, SessionId};
use crate::family::renewal::Renewal;
use crate::family::{Current, Family};
use crate::format::Format;
use crate::grant::Denial;
use crate::grant::command::{NoteRefusal, PollCode, Redeem, RefuseElsewhere, Refused};
use crate::grant::device_code::DeviceCode;
use crate::grant::pkce::is_answered;
use crate::grant::poll::{Poll, Ready};
use crate::grant::redemption::Redemption;
use crate::identity::account::Account;
use crate::identity::command::EnterDevice;
use crate::identity::device::{Device, DeviceId, State};
use crate::place::{Journey, Place};
use crate::policy;
use crate::policy::{Point, PolicyDecision, PolicyFacts};
use crate::provenance::Provenance;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// Answers a poll with tokens if the grant is approved, or else with the error of its state.
pub(crate) async fn poll<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    proven: &Proven,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let verifier = pkce::verifier(form)?;
    let resources = resource::asked(form)?;
    let code = unexpired(context, caller, form.require("device_code")?)?;
    let ask = PollCode {
        key: code.address.key,
        secret: code.secret,
        reissue: may_reissue(context, caller, None),
        reissue_bound: context.server.settings.reissue_lost_answers,
        proven: proven.cnf.clone(),
        by_header: context.request.authorization.is_some(),
    };
    let ready = approved(context.server.platform.grants(code.address.shard, ask).await?)?;
    if !is_answered(ready.request.code_challenge.as_deref(), verifier) {
        return Err(Error::WrongVerifier);
    }
    // An assertion is used up only now: a pending poll hands out nothing, so it need not pay for that hop.
    caller.use_up(context).await?;
    let checked = Approved::check(context, caller, proven, &code, ready, &resources).await;
    let approved = noted(context, &code, checked).await?;
    if !approved.is_allowed_here() {
        return Err(approved.refuse().await?);
    }
    noted(context, &code, approved.redeem(rng).await).await
}

/// Writes the event of tokens that were refused although the code was good. The log has its line in any case.
async fn noted<P: Platform, T>(
    context: Context<'_, P>,
    code: &DeviceCode,
    result: Result<T, Error>,
) -> Result<T, Error> {
    if let Err(Error::RedemptionRefused(why)) = &result {
        let refusal = NoteRefusal { of: Refused::Redemption(code.address.key), why: (*why).to_owned() };
        let _: Result<(), Unavailable> = context.server.platform.grants(code.address.shard, refusal).await;
    }
    result
}

/// Parses the device code. Refuses a forged or expired code by its MAC and expiry alone, without asking an
/// object.
fn unexpired<P>(context: Context<'_, P>, caller: &Caller, device_code: &str) -> Result<DeviceCode, Error> {
    let settings = &context.server.settings;
    let code = DeviceCode::parse(device_code, &caller.client.client_id, &settings.keyring);
    let code = code.ok_or(Error::ForgedDeviceCode)?;
    let is_over = context.now >= code.expires_at + Duration::from_secs(settings.grace);
    if is_over { Err(Error::Expired) } else { Ok(code) }
}

/// Returns the approval that a poll found, or the error of the grant's state.
fn approved(poll: Poll) -> Result<Ready, Error> {
    match poll {
        Poll::Ready(ready) => Ok(*ready),
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

const fn refusal(how: Denial) -> Error {
    match how {
        Denial::Denied => Error::Denied,
        Denial::Reported => Error::Reported,
        Denial::Contested => Error::Contested,
        Denial::Elsewhere => Error::Elsewhere,
        Denial::Withdrawn => Error::Withdrawn,
        Denial::Ended => Error::Ended,
    }
}

/// Returns whether this caller may get a lost answer again. Having the code is not enough: the caller must
/// have authenticated, or hold the key that the code is bound to.
fn may_reissue<P>(context: Context<'_, P>, caller: &Caller, code: Option<&Confirmation>) -> bool {
    let proved = caller.is_confidential() || code.is_some_and(|cnf| !cnf.is_empty());
    context.server.settings.reissue_lost_answers && proved
}

/// An approved grant, with everything that its redemption needs.
struct Approved<'a, P> {
    context: Context<'a, P>,
    caller: &'a Caller,
    proven: &'a Proven,
    code: &'a DeviceCode,
    ready: Ready,
    client: Client,
    scope: Scope,
    audience: Vec<String>,
    cnf: Confirmation,
}

impl<'a, P: Platform> Approved<'a, P> {
    /// Checks the client and the policy again, with the client as it is now. The account follows when its device is
    /// [entered](Self::enter).
    async fn check(
        context: Context<'a, P>,
        caller: &'a Caller,
        proven: &'a Proven,
        code: &'a DeviceCode,
        ready: Ready,
        resources: &[&str],
    ) -> Result<Self, Error> {
        let client = caller.as_it_is_now(context, code.address.shard).await?;
        let client = client.ok_or(Error::RedemptionRefused("client_refused"))?;
        // The client and its scopes may demand more than when the person approved. What counts is how old the sign-in was
        // then.
        let demands = context.server.demands(&client, &ready.approval.scope)?;
        let judged = demands.judge(ready.approval.facts(), ready.approval.stage.at);
        judged.map_err(|_| Error::RedemptionRefused("sign_in_not_enough"))?;
        let scope = allowed(&client, None, &ready.approval.scope)?;
        let audience = resource::narrowed(context, &client, resources, &ready.request.resource, &scope)?;
        let cnf = proven.confirmation(context, &client)?;
        Ok(Self { context, caller, proven, code, ready, client, scope, audience, cnf })
    }

    /// Returns where the grant was started, and where this poll comes from.
    fn places(&self) -> (&Place, &Place) {
        (&self.ready.request.origin.place, &self.context.request.place)
    }

    fn is_allowed_here(&self) -> bool {
        let (start, here) = self.places();
        self.client.codes.redemption_place.allows(start, here)
    }

    /// Ends the grant, because its code came from where the client may not redeem it. Returns the error to answer
    /// with, also if the grant was redeemed or denied in the meantime.
    async fn refuse(self) -> Result<Error, Error> {
        let (context, address) = (self.context, self.code.address);
        let (start, here) = self.places();
        let (key, secret, journey) = (address.key, self.code.secret, Journey::between(start, here));
        self.proven.burn(context).await?;
        let ask = RefuseElsewhere { key, secret, journey };
        let refused = approved(context.server.platform.grants(address.shard, ask).await?);
        Ok(refused.err().unwrap_or(Error::Elsewhere))
    }

    /// Enters the device, makes the tokens and spends the approval. Nothing may fail after the second hop to the shard.
    async fn redeem(self, rng: &mut impl CryptoRng) -> Result<Tokens, Error> {
        let context = self.context;
        let session = SessionId { shard: self.code.address.shard, family: FamilyId::draw(rng) };
        let until = refreshable_until(context, &self.client);
        let Ready { request, approval } = &self.ready;
        let (provenance, attempt) = (approval.provenance(request), AttemptId::draw(rng));
        let account = self.enter(session, &provenance, until).await?;
        let subject = self.subject(&account, &provenance, &attempt, session);
        let mut tokens = mint(context, &subject, rng).await?;
        let refresh = subject.may_refresh().then(|| tokens.add_refresh_token(context, &subject, until, rng));
        let ends_at = tokens.ends_at(refresh.as_ref(), context.now);
        let family = family(&subject, self.ready.request.resource.clone(), refresh, until, ends_at);
        self.proven.burn(context).await?;
        self.spend(attempt.clone(), session.family, family).await?;
        Ok(tokens)
    }

    /// Enters the device at its account, which decides from then on whether its tokens are good. Returns the account as it
    /// is now.
    async fn enter(
        &self,
        session: SessionId,
        provenance: &Provenance,
        until: Timestamp,
    ) -> Result<Account, Error> {
        let (now, key) = (self.context.now, self.ready.approval.account.clone());
        let shard = key.shard();
        let refreshes = may_refresh(&self.client, &self.scope);
        let last_issued = if refreshes { good_until(self.context, &self.client, until) } else { now };
        let device = Box::new(Device {
            format: Format,
            account: key,
            client_id: self.client.client_id.clone(),
            client_name: self.client.client_name.clone(),
            label: None,
            scope: self.scope.clone(),
            provenance: provenance.clone(),
            first_used_at: now,
            last_used_at: now,
            ends_at: Device::end_with(last_issued),
            state: State::Pending,
        });
        let enter = EnterDevice { id: DeviceId::from(session.to_string()), device };
        let account = self.context.server.platform.accounts(shard, enter).await?;
        let account = account.ok_or(Error::RedemptionRefused("account_refused"))?;
        allowed(&self.client, Some(&account), &self.scope).map(|_| account)
    }

    fn subject<'s>(
        &'s self,
        account: &'s Account,
        provenance: &'s Provenance,
        attempt: &'s AttemptId,
        session: SessionId,
    ) -> Subject<'s> {
        let approval = &self.ready.approval;
        Subject {
            client: &self.client,
            account,
            provenance,
            scope: &self.scope,
            auth_time: approval.auth_time,
            amr: &approval.amr,
            acr: approval.acr.as_deref(),
            audience: &self.audience,
            cnf: &self.cnf,
            nonce: self.ready.request.nonce.as_deref(),
            attempt,
            session,
        }
    }

    /// Spends the approval and stores the family: the second hop.
    async fn spend(&self, attempt: AttemptId, id: FamilyId, family: Family) -> Result<(), Error> {
        let (start, here) = self.places();
        let ask = Redeem {
            key: self.code.address.key,
            secret: self.code.secret,
            attempt,
            id,
            family: Box::new(family),
            reissue: may_reissue(self.context, self.caller, Some(&self.ready.request.cnf)),
            journey: Journey::elsewhere(start, here),
        };
        match self.context.server.platform.grants(self.code.address.shard, ask).await? {
            Redemption::Won | Redemption::Again => Ok(()),
            Redemption::Lost => Err(Error::SpentDeviceCode),
        }
    }
}

/// Returns the part of the approved scope that policy still allows.
fn allowed(client: &Client, account: Option<&Account>, approved: &Scope) -> Result<Scope, Error> {
    let facts = PolicyFacts { client: Some(client), account, scope: approved };
    match policy::decide(Point::Redemption, facts) {
        PolicyDecision::Allow(scope) => Ok(scope),
        PolicyDecision::Refuse(why) => Err(Error::RedemptionRefused(why.name())),
    }
}

/// Returns when refreshing ends, no matter how often the client refreshes (RFC 9700 §4.14.2).
fn refreshable_until<P>(context: Context<'_, P>, client: &Client) -> Timestamp {
    let lifetime = client.tokens.refresh_token_lifetime;
    context.now + Duration::from_secs(lifetime.unwrap_or(context.server.settings.refresh_token))
}

/// Builds the family that a redemption starts.
fn family(
    subject: &Subject<'_>,
    resource: Vec<String>,
    refresh: Option<Current>,
    until: Timestamp,
    ends_at: Timestamp,
) -> Family {
    let cnf = certificate::of_refresh_tokens(subject.client, subject.cnf);
    Family {
        format: Format,
        client_id: subject.client.client_id.clone(),
        account: subject.account.key.clone(),
        sub: subject.account.sub.clone(),
        provenance: subject.provenance.clone(),
        scope: subject.scope.clone(),
        auth_time: subject.auth_time,
        amr: subject.amr.to_vec(),
        ends_at,
        cnf: if refresh.is_some() { cnf } else { Confirmation::default() },
        refresh,
        ended: None,
        resource,
        acr: subject.acr.map(str::to_owned),
        refreshable_until: until,
        renewal: Renewal::default(),
    }
}
