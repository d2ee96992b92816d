//! The refresh grant (RFC 6749 §6), rotating at every use (RFC 9700 §2.2.2).
//!
//! Two hops, as a redemption: look, do everything that can fail, spend. What a token that was rotated away means when
//! it comes back is [`Family::present`]'s to say.

use rand_core::CryptoRng;

use super::mint::{Session, Subject, Tokens, mint};
use super::resource;
use crate::client::Client;
use crate::endpoint::client_auth::{Caller, certificate};
use crate::endpoint::dpop::Proven;
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::{Context, Platform};
use crate::family::refresh_token::RefreshToken;
use crate::family::{Current, Family, Presented, Rotation};
use crate::grant::command::{Command, Holder, Reply};
use crate::identity::account::Account;
use crate::policy::{Point, PolicyDecision, PolicyFacts};
use crate::scope::{OFFLINE_ACCESS, Scope};
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use crate::{policy, secret};

pub(crate) async fn refresh<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    proven: &Proven,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let presented = form.require("refresh_token")?;
    let client_id = &caller.client.client_id;
    let token = RefreshToken::parse(presented, client_id, &context.server.settings.keyring);
    let token = token.ok_or(Error::ForgedRefreshToken)?;
    let resources = resource::asked(form)?;
    let (id, secret, genuine) = (token.family.clone(), token.secret, token.genuine);
    let holder = Some(Holder { client_id: client_id.clone(), proven: proven.cnf.clone() });
    let command = Command::Refresh { id, secret, genuine, holder };
    let Reply::Refreshed(presented) = context.server.platform.grants(token.shard, &command).await? else {
        return Err(Error::Unavailable);
    };
    match presented {
        // The object has seen to it; one of an earlier version has not.
        Presented::Current(family) if !family.cnf.is_met_by(&proven.cnf) => Err(Error::RefreshWithoutKey),
        Presented::Current(family) if family.client_id == *client_id => {
            let asked =
                Asked { scope: asked_scope(form.get("scope"), &family.scope)?, resources: &resources };
            rotate(context, caller, proven, &token, &family, asked, rng).await
        }
        Presented::Raced => Err(Error::LostRefresh),
        Presented::Reused => Err(Error::ReusedRefreshToken),
        Presented::WithoutKey => Err(Error::RefreshWithoutKey),
        Presented::Current(_) | Presented::Dead => Err(Error::DeadRefreshToken),
    }
}

/// What a refresh asks for.
struct Asked<'a> {
    scope: Scope,
    resources: &'a [&'a str],
}

/// RFC 6749 §6: a refresh may ask for less, never for more.
fn asked_scope(asked: Option<&str>, granted: &Scope) -> Result<Scope, Error> {
    let Some(text) = asked else { return Ok(granted.clone()) };
    let asked = Scope::parse(text).ok_or(Error::MalformedScope)?;
    if asked.is_within(granted) { Ok(asked) } else { Err(Error::ScopeNotAllowed) }
}

async fn rotate<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    proven: &Proven,
    token: &RefreshToken,
    family: &Family,
    asked: Asked<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let client = caller.at_source(context).await?;
    let account = context.server.account(&family.account).await?;
    let (Some(client), Some(account)) = (client, account) else { return Err(Error::RefreshRefused) };
    let scope = allowed(&client, &account, &asked.scope)?;
    let audience = resource::narrowed(context, &client, asked.resources, &family.resource, &scope)?;
    let cnf = proven.confirmation(context, &client)?;
    let attempt = secret::random_id(rng);
    let subject = Subject {
        client: &client,
        account: &account,
        scope: &scope,
        auth_time: family.auth_time,
        amr: &family.amr,
        acr: family.acr.as_deref(),
        audience: &audience,
        cnf: &cnf,
        nonce: None,
        attempt: &attempt,
        session: Session { shard: token.shard, family: token.family_bytes().ok_or(Error::DeadRefreshToken)? },
    };
    let mut tokens = mint(context, &subject, rng).await?;
    let next = tokens.add_refresh_token(context, &subject, family.refreshable_until(), rng);
    let ends_at = tokens.ends_at(Some(&next), context.now);
    proven.burn(context).await?;
    let binding = certificate::of_refresh_tokens(&client, &cnf);
    spend(context, token, next, ends_at, binding).await.map(|()| tokens)
}

/// What policy leaves of the scope, unless the client may not stay signed in any more.
fn allowed(client: &Client, account: &Account, asked: &Scope) -> Result<Scope, Error> {
    let facts = PolicyFacts { client: Some(client), account: Some(account), scope: asked };
    match policy::decide(Point::Refresh, facts) {
        PolicyDecision::Allow(scope) if client.scope.has(OFFLINE_ACCESS) => Ok(scope),
        PolicyDecision::Allow(_) | PolicyDecision::Refuse(_) => Err(Error::RefreshRefused),
    }
}

/// The second hop. Nothing that can fail may come after it.
async fn spend<P: Platform>(
    context: Context<'_, P>,
    token: &RefreshToken,
    next: Current,
    ends_at: Timestamp,
    cnf: Confirmation,
) -> Result<(), Error> {
    let (id, secret, ends_at) = (token.family.clone(), token.secret, Some(ends_at));
    let command = Command::Rotate { id, secret, next, ends_at, cnf };
    let Reply::Rotated(rotation) = context.server.platform.grants(token.shard, &command).await? else {
        return Err(Error::Unavailable);
    };
    match rotation {
        Rotation::Rotated | Rotation::Again => Ok(()),
        Rotation::Lost => Err(Error::LostRefresh),
    }
}
