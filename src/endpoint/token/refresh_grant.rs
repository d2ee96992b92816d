//! The refresh grant (RFC 6749 §6): judges a refresh token, and rotates it.
//!
//! Like a redemption, a refresh takes two hops: the first judges the token and spends nothing, the second
//! replaces the token.

use futures_util::future::join;
use rand_core::CryptoRng;

use super::mint::{Subject, Tokens, good_until, mint};
use super::resource;
use crate::client::Client;
use crate::endpoint::client_auth::{Caller, certificate};
use crate::endpoint::dpop::Proven;
use crate::endpoint::error::{Error, Limit, shown};
use crate::endpoint::form::Form;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::ask::Permit;
use crate::endpoint::policy::facts::AtToken;
use crate::endpoint::policy::tokens::{ask_for_tokens, check_binding, untold};
use crate::endpoint::presented;
use crate::endpoint::server::Context;
use crate::endpoint::upstream::recheck;
use crate::family::command::{PresentToken, RotateToken};
use crate::family::id::{AttemptId, SessionId};
use crate::family::refresh_token::RefreshToken;
use crate::family::{Current, Family, Holder, Presented, Rotation};
use crate::grant::command::{NoteRefusal, Refused};
use crate::identity::account::Account;
use crate::identity::command::UseDevice;
use crate::identity::device::DeviceId;
use crate::policy::Point;
use crate::policy::requirement::Limits;
use crate::policy::shortfall::Shortfall;
use crate::scope::{OFFLINE_ACCESS, Scope};
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// Answers a refresh request with new tokens.
pub(crate) async fn refresh<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    proven: &Proven,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let client_id = &caller.client.client_id;
    let text = form.require("refresh_token")?;
    let token = presented::read(context, text, client_id).await?;
    let resources = resource::asked(form)?;
    let holder = Holder { client_id: client_id.clone(), proven: proven.cnf.clone() };
    let ask = PresentToken { id: token.family, secret: token.secret, genuine: token.genuine, holder };
    let family = current(context.server.platform.grants(token.shard, ask).await?)?;
    let scope = asked_scope(form.get("scope"), &family.scope)?;
    let checked = Usable::check(context, caller, proven, &token, family, &scope, &resources).await;
    let usable = noted(context, &token, checked).await?;
    noted(context, &token, recheck::check(context, &usable.account.key, rng).await).await?;
    usable.rotate(rng).await
}

/// Writes the event of a refresh that was refused although the token was good. The log has its line in any case.
async fn noted<P: Platform, T>(
    context: Context<'_, P>,
    token: &RefreshToken,
    result: Result<T, Error>,
) -> Result<T, Error> {
    if let Err(error) = &result
        && let Some((why, policy)) = error.refusal()
    {
        let refusal = NoteRefusal { of: Refused::Refresh(token.family), why, policy, person: None };
        let _: Result<(), Unavailable> = context.server.platform.grants(token.shard, refusal).await;
    }
    result
}

/// Returns the family if the token may be used, or the error of the token's state.
fn current(presented: Presented) -> Result<Family, Error> {
    match presented {
        Presented::Current(family) => Ok(*family),
        Presented::TooSoon(wait) => Err(Error::TooMany(Limit::Refreshes, wait)),
        Presented::Raced => Err(Error::LostRefresh),
        Presented::Reused => Err(Error::ReusedRefreshToken),
        Presented::WithoutKey => Err(Error::RefreshWithoutKey),
        Presented::Dead => Err(Error::DeadRefreshToken),
    }
}

/// Returns the scope for the new tokens: what is requested of what was granted (RFC 6749 §6). As at the start, the rest
/// is cut. A client may thus repeat the scope that it requested at the start.
fn asked_scope(asked: Option<&str>, granted: &Scope) -> Result<Scope, Error> {
    let Some(text) = asked else { return Ok(granted.clone()) };
    let asked = Scope::parse(text).ok_or_else(|| Error::MalformedScope(shown(text)))?;
    let scope = asked.narrowed_to(granted);
    if scope.is_empty() && !asked.is_empty() { Err(Error::ScopeNotAllowed(asked, None)) } else { Ok(scope) }
}

/// A refresh token that may be used, with everything that its rotation needs.
struct Usable<'a, P> {
    context: Context<'a, P>,
    proven: &'a Proven,
    token: &'a RefreshToken,
    family: Family,
    client: Client,
    account: Account,
    permit: Permit,
    audience: Vec<String>,
    cnf: Confirmation,
}

impl<'a, P: Platform> Usable<'a, P> {
    /// Checks the client, the account and the policy again, with the client and the account as they are now.
    async fn check(
        context: Context<'a, P>,
        caller: &Caller,
        proven: &'a Proven,
        token: &'a RefreshToken,
        family: Family,
        asked: &Scope,
        resources: &[&str],
    ) -> Result<Self, Error> {
        let session = SessionId { shard: token.shard, family: token.family };
        let good_until = good_until(context, &caller.client, family.refreshable_until);
        let used = UseDevice { id: DeviceId::from(session.to_string()), good_until };
        let account = context.server.platform.accounts(family.account.shard(), used);
        let (client, account) = join(caller.as_it_is_now(context, token.shard), account).await;
        let client = client?.ok_or(Error::RefreshRefused("client_refused"))?;
        let account = account?.ok_or(Error::RefreshRefused("account_refused"))?;
        let mut permit = allowed(context, &family, (&client, &account), asked)?;
        let audience = resource::narrowed(context, &client, resources, &family.resource, &permit.scope)?;
        let cnf = proven.confirmation(context, &client)?;
        check_binding(&mut permit, &cnf)?;
        Ok(Self { context, proven, token, family, client, account, permit, audience, cnf })
    }

    /// Makes the tokens and replaces the refresh token. Nothing may fail after the second hop.
    async fn rotate(self, rng: &mut impl CryptoRng) -> Result<Tokens, Error> {
        let context = self.context;
        let attempt = AttemptId::draw(rng);
        let subject = self.subject(&attempt);
        let mut tokens = mint(context, &subject, rng).await?;
        let until = refreshable_until(&self.family, &self.permit.limits);
        let next = tokens.add_refresh_token(context, &subject, until, rng);
        let ends_at = tokens.ends_at(Some(&next), context.now);
        self.proven.burn(context).await?;
        self.spend(next, ends_at).await.map(|()| tokens)
    }

    fn subject<'s>(&'s self, attempt: &'s AttemptId) -> Subject<'s> {
        Subject {
            client: &self.client,
            account: &self.account,
            scope: &self.permit.scope,
            limits: &self.permit.limits,
            auth_time: self.family.auth_time,
            amr: &self.family.amr,
            acr: self.family.acr.as_deref(),
            audience: &self.audience,
            cnf: &self.cnf,
            nonce: None,
            provenance: &self.family.provenance,
            attempt,
            session: SessionId { shard: self.token.shard, family: self.token.family },
        }
    }

    /// Replaces the refresh token: the second hop.
    async fn spend(&self, next: Current, ends_at: Timestamp) -> Result<(), Error> {
        let (id, secret) = (self.token.family, self.token.secret);
        let cnf = certificate::of_refresh_tokens(&self.client, &self.cnf);
        let ask = RotateToken { id, secret, next, ends_at, cnf, policy: self.permit.record.clone() };
        match self.context.server.platform.grants(self.token.shard, ask).await? {
            Rotation::Rotated | Rotation::Again => Ok(()),
            Rotation::TooSoon(wait) => Err(Error::TooMany(Limit::Refreshes, wait)),
            Rotation::Lost => Err(Error::LostRefresh),
        }
    }
}

/// Asks policy. Refuses the refresh, too, if the client may no longer have `offline_access`, or if policy would give it no
/// refresh token any more. The family stays as it is, so that a policy that is taken back lets it go on.
fn allowed<P: Platform>(
    context: Context<'_, P>,
    family: &Family,
    (client, account): (&Client, &Account),
    asked: &Scope,
) -> Result<Permit, Error> {
    let governance = context.server.governance_at_source()?;
    let step = AtToken {
        point: Point::Refresh,
        now: context.now,
        client_id: &client.client_id,
        scope: asked,
        account: &account.key,
        groups: &account.groups,
        auth_time: family.auth_time,
        amr: &family.amr,
        recorded: &family.recorded,
        provenance: &family.provenance,
        is_verified: false,
        place: &context.request.place,
        marks: &context.marks(&governance),
    };
    let mut permit = ask_for_tokens(&governance, (client, Some(account)), step)?;
    let lack = Shortfall::NoRefresh;
    if !client.scope.has(OFFLINE_ACCESS) || context.now >= family.refreshable_until {
        return Err(Error::RefreshRefused(lack.name()));
    }
    if !may_refresh(family, &permit.limits, context.now) {
        return Err(untold(Point::Refresh, lack.name(), permit.record));
    }
    if permit.would.as_ref().is_some_and(|would| !may_refresh(family, &would.limits, context.now)) {
        permit.would_lack(lack);
    }
    Ok(permit)
}

/// Returns whether limits allow a refresh now.
fn may_refresh(family: &Family, limits: &Limits, now: Timestamp) -> bool {
    let has_scope = limits.scope.as_ref().is_none_or(|most| most.has(OFFLINE_ACCESS));
    !limits.no_refresh && has_scope && now < refreshable_until(family, limits)
}

/// Returns until when the family can be refreshed, by what policy limits now.
fn refreshable_until(family: &Family, limits: &Limits) -> Timestamp {
    limits.refreshable_until(family.refreshable_until, family.provenance.approved.at)
}
