//! Tokens that come back to the server: introspection, revocation and `/userinfo`.

use serde::Serialize;

use super::client_auth::Caller;
use super::dpop::{self, Scheme};
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::{Context, Platform, Unavailable, certificate};
use crate::client::authentication::Refusal;
use crate::client::scope::{OPENID, Scope};
use crate::grant::command::{Command, Reply};
use crate::grant::routing::Shard;
use crate::identity::account::Account;
use crate::secret::Digest;
use crate::token::access::{AccessToken, Unverified, family_of};
use crate::token::claims::{Audience, Person};
use crate::token::confirmation::Confirmation;
use crate::token::family::Family;
use crate::token::refresh_token::RefreshToken;

/// A token whose family is live, and whose account may act.
struct Live {
    family: Family,
    account: Account,
    access: Option<AccessToken>,
}

/// `POST /introspect` (RFC 7662). A client sees its own tokens, and nothing of any other.
pub(super) async fn introspect<P: Platform>(context: Context<'_, P>) -> Response {
    let mut known = None;
    let reply = async {
        let form = Form::of(context.request)?;
        let caller = Caller::authenticate(context, &form, true, &mut known).await?;
        if !caller.is_confidential() {
            return Err(Error::Unproven(Refusal::NoProof));
        }
        let live = find(context, &caller.client.client_id, form.require("token")?).await?;
        Ok(live.map(|live| Introspection::of(context, &live)).unwrap_or_default())
    };
    let reply = reply.await;
    let challenge = context.request.authorization.is_some();
    let client = known.as_deref();
    match reply {
        Ok(answer) => {
            let outcome = if answer.active { "active" } else { "inactive" };
            Response::json(200, &answer).noting("introspection", client, outcome, outcome)
        }
        Err(error) => error.response(challenge).noting("introspection", client, error.code(), error.reason()),
    }
}

/// RFC 7662 §2.2. An inactive token is `{"active":false}` and nothing else.
#[derive(Default, Serialize)]
struct Introspection {
    active: bool,
    #[serde(flatten)]
    token: Option<Facts>,
}

#[derive(Serialize)]
struct Facts {
    iss: String,
    sub: String,
    client_id: String,
    scope: Scope,
    exp: u64,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Confirmation::is_empty")]
    cnf: Confirmation,
}

impl Introspection {
    fn of<P>(context: Context<'_, P>, live: &Live) -> Self {
        let Live { family, account, access } = live;
        let claims = access.as_ref().map(|access| &access.claims);
        let cnf = claims.map_or(&family.cnf, |claims| &claims.cnf).clone();
        let token_type = if cnf.jkt.is_some() { "DPoP" } else { "Bearer" };
        let token = Facts {
            iss: context.issuer.as_str().to_owned(),
            sub: account.sub.clone(),
            client_id: family.client_id.clone(),
            scope: claims.map_or(&family.scope, |claims| &claims.scope).clone(),
            exp: access.as_ref().map_or(family.refresh_ends_at().seconds(), |access| access.exp),
            username: account.username.clone(),
            aud: claims.map(|claims| claims.aud.clone()),
            iat: access.as_ref().map(|access| access.iat),
            jti: claims.map(|claims| claims.jti.clone()),
            token_type: access.as_ref().map(|_| token_type),
            cnf,
        };
        Self { active: true, token: Some(token) }
    }
}

/// `POST /revoke` (RFC 7009). Either token ends the family, and with it every token of the same grant.
pub(super) async fn revoke<P: Platform>(context: Context<'_, P>) -> Response {
    let mut known = None;
    let reply = end(context, &mut known).await;
    let challenge = context.request.authorization.is_some();
    let client = known.as_deref();
    match reply {
        Ok(()) => Response::json(200, &serde_json::json!({})).noting("revocation", client, "done", "done"),
        Err(error) => error.response(challenge).noting("revocation", client, error.code(), error.reason()),
    }
}

/// An unknown token is revoked already (RFC 7009 §2.2); a hint is not needed to tell the kinds apart.
async fn end<P: Platform>(context: Context<'_, P>, known: &mut Option<String>) -> Result<(), Error> {
    let form = Form::of(context.request)?;
    let client_id = Caller::authenticate(context, &form, true, known).await?.client.client_id;
    let token = form.require("token")?;
    if let Some(refresh) = RefreshToken::parse(token, &client_id, &context.server.settings.keyring) {
        let proof = if refresh.genuine { None } else { Some(refresh.secret) };
        return end_family(context, refresh.shard, refresh.family, client_id, proof).await;
    }
    let Some(access) = verify(context, token).await? else { return Ok(()) };
    if access.claims.client_id != client_id {
        return Err(Error::ForeignToken);
    }
    match family_of(&access.claims.sid) {
        Some((shard, id)) => end_family(context, shard, id, client_id, None).await,
        None => Ok(()),
    }
}

/// `proof` is the digest of a refresh token whose tag proves nothing any more: it must be the current one.
async fn end_family<P: Platform>(
    context: Context<'_, P>,
    shard: Shard,
    id: String,
    client_id: String,
    proof: Option<Digest>,
) -> Result<(), Error> {
    let command = Command::Revoke { id, client_id, proof };
    let reply = context.server.platform.grants(shard, &command).await?;
    if reply == Reply::Revoked { Ok(()) } else { Err(Error::Unavailable) }
}

/// `GET` or `POST /userinfo` (OpenID Connect Core §5.3).
pub(super) async fn userinfo<P: Platform>(context: Context<'_, P>) -> Response {
    const WHAT: &str = "userinfo";
    let (scheme, token) = match presented(context) {
        Ok(Some(presented)) => presented,
        Ok(None) => return dpop::challenge_all(context).noting(WHAT, None, "refused", "no_token"),
        Err(error) => return error.response(false).noting(WHAT, None, error.code(), error.reason()),
    };
    let shown = |live: &Live| {
        live.access.as_ref().is_some_and(|access| certificate::is_shown(context, &access.claims.cnf))
    };
    let live = match live_access(context, &token).await {
        Ok(Some(live)) if shown(&live) => live,
        Ok(_) => {
            return challenge(context, 401, scheme, Some("invalid_token")).noting(
                WHAT,
                None,
                "refused",
                "invalid_token",
            );
        }
        Err(Unavailable) => {
            return Error::Unavailable.response(false).noting(WHAT, None, "unavailable", "unavailable");
        }
    };
    let client = Some(live.family.client_id.as_str());
    let cnf = live.access.as_ref().map(|access| &access.claims.cnf);
    if let Err(error) = dpop::held(context, scheme, &token, cnf).await {
        let refusal = if error == Error::Unavailable {
            error.response(false)
        } else {
            challenge(context, 401, Scheme::DPoP, Some(error.code()))
        };
        return refusal.noting(WHAT, client, error.code(), error.reason());
    }
    let Some(access) = live.access.filter(|access| access.claims.scope.has(OPENID)) else {
        return challenge(context, 403, scheme, Some("insufficient_scope")).noting(
            WHAT,
            client,
            "refused",
            "insufficient_scope",
        );
    };
    let person = Person::of(&live.account, &access.claims.scope);
    let answer = UserInfo { sub: &live.account.sub, person };
    Response::json(200, &answer).noting(WHAT, client, "answered", "answered")
}

#[derive(Serialize)]
struct UserInfo<'a> {
    sub: &'a str,
    #[serde(flatten)]
    person: Person,
}

/// RFC 6750 §2.1, §2.2, RFC 9449 §7.1: in the header, or in the form of a POST; never in the query, and not in both.
fn presented<P>(context: Context<'_, P>) -> Result<Option<(Scheme, String)>, Error> {
    let header = context.request.authorization.as_deref().and_then(|header| header.split_once(' '));
    let by_header =
        header.and_then(|(scheme, token)| Some((Scheme::named(scheme)?, token.trim().to_owned())));
    let by_form = if context.request.is_form() {
        Form::of(context.request)?.get("access_token").map(|token| (Scheme::Bearer, token.to_owned()))
    } else {
        None
    };
    match (by_header, by_form) {
        (Some(_), Some(_)) => Err(Error::TwoMethods),
        (token, None) | (None, token) => Ok(token),
    }
}

/// RFC 6750 §3, RFC 9449 §7.1, and where the resource describes itself (RFC 9728 §5.1).
pub(super) fn challenge<P>(
    context: Context<'_, P>,
    status: u16,
    scheme: Scheme,
    error: Option<&'static str>,
) -> Response {
    let detail = error.map(|error| format!(", error=\"{error}\"")).unwrap_or_default();
    let (origin, path) = (context.issuer.origin(), context.issuer.path());
    let metadata = format!("{origin}/.well-known/oauth-protected-resource{path}/userinfo");
    let (scheme, algs) = (scheme.name(), scheme.algorithms());
    let value = format!("{scheme} realm=\"device-grant\"{detail}{algs}, resource_metadata=\"{metadata}\"");
    let body = serde_json::json!({ "error": error.unwrap_or("invalid_token") });
    Response::json(status, &body).with("www-authenticate", value)
}

/// A token of `client_id`, if it is good.
async fn find<P: Platform>(
    context: Context<'_, P>,
    client_id: &str,
    token: &str,
) -> Result<Option<Live>, Unavailable> {
    let Some(refresh) = RefreshToken::parse(token, client_id, &context.server.settings.keyring) else {
        let live = live_access(context, token).await?;
        return Ok(live.filter(|live| live.family.client_id == client_id));
    };
    let live = live_family(context, refresh.shard, refresh.family, None).await?;
    Ok(live.filter(|live| {
        let current = live.family.good_until(&refresh.secret, context.now);
        current.is_some() && live.family.client_id == client_id
    }))
}

async fn live_access<P: Platform>(context: Context<'_, P>, token: &str) -> Result<Option<Live>, Unavailable> {
    let Some(access) = verify(context, token).await? else { return Ok(None) };
    let Some((shard, id)) = family_of(&access.claims.sid) else { return Ok(None) };
    live_family(context, shard, id, Some(access)).await
}

/// The signature, the issuer and the time (RFC 9068 §4); not yet whether it was revoked.
async fn verify<P: Platform>(
    context: Context<'_, P>,
    token: &str,
) -> Result<Option<AccessToken>, Unavailable> {
    let Some(unverified) = Unverified::parse(token) else { return Ok(None) };
    let keys = context.server.verifying_keys(context.now).await?;
    let Some(key) = unverified.key(&keys) else { return Ok(None) };
    let platform = &context.server.platform;
    let holds = platform.verify(key, unverified.input(), unverified.signature()).await?;
    Ok(if holds { unverified.claims(context.issuer.as_str(), context.now) } else { None })
}

async fn live_family<P: Platform>(
    context: Context<'_, P>,
    shard: Shard,
    id: String,
    access: Option<AccessToken>,
) -> Result<Option<Live>, Unavailable> {
    let jti = access.as_ref().map(|access| access.claims.jti.clone());
    let command = Command::Family { id, seen: jti.clone() };
    let Reply::Family(found) = context.server.platform.grants(shard, &command).await? else {
        return Err(Unavailable);
    };
    let good = |family: &Family| {
        family.is_live(context.now) && !jti.as_deref().is_some_and(|jti| family.has_withdrawn(jti))
    };
    let Some(family) = found.filter(|family| good(family)) else { return Ok(None) };
    let account = context.server.account(&family.account).await?.filter(|account| !account.blocked);
    Ok(account.map(|account| Live { family: *family, account, access }))
}
