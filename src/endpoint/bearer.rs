//! Tokens that come back to the server: introspection, revocation and `/userinfo`.

use serde::Serialize;
use serde_json::{Map, Value};

use super::client_auth::Caller;
use super::dpop::{self, Scheme};
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::{Context, Platform, Unavailable, certificate, mint};
use crate::client::Client;
use crate::client::authentication::Refusal;
use crate::client::scope::{OPENID, Scope};
use crate::grant::command::{Command, Reply};
use crate::grant::routing::Shard;
use crate::identity::account::Account;
use crate::secret::Digest;
use crate::token::access::{AccessToken, Unverified, family_of};
use crate::token::claims::{AccessClaims, Audience, issued};
use crate::token::confirmation::Confirmation;
use crate::token::family::Family;
use crate::token::mapping;
use crate::token::opaque;
use crate::token::refresh_token::RefreshToken;
use crate::token::resource::Own;

/// A token whose family is live, and whose client and account may act.
struct Live {
    family: Family,
    client: Client,
    account: Account,
    access: Option<AccessToken>,
}

/// `POST /introspect` (RFC 7662). A client sees its own tokens, a resource server those that are for it, and nobody any
/// other: see `docs/decisions/0026-where-tokens-are-good.md`.
pub(super) async fn introspect<P: Platform>(context: Context<'_, P>) -> Response {
    let mut known = None;
    let reply = async {
        let form = Form::of(context.request)?;
        let caller = Caller::authenticate(context, &form, true, &mut known).await?;
        if !caller.is_confidential() {
            return Err(Error::Unproven(Refusal::NoProof));
        }
        let live = find(context, &caller.client, form.require("token")?).await?;
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
    /// RFC 9470 §6.2.
    auth_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    /// What claim mapping put into the token.
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Introspection {
    fn of<P>(context: Context<'_, P>, live: &Live) -> Self {
        let Live { family, account, access, .. } = live;
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
            auth_time: family.auth_time.seconds(),
            acr: family.acr.clone(),
            others: claims.map(|claims| claims.others.clone()).unwrap_or_default(),
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
        Ok(Some(live)) if is_for_us(context, &live) && shown(&live) => live,
        Ok(Some(_) | None) => {
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
    let client = Some(live.client.client_id.as_str());
    let cnf = live.access.as_ref().map(|access| &access.claims.cnf);
    if let Err(error) = dpop::held(context, scheme, &token, cnf).await {
        let refusal = if error == Error::Unavailable {
            error.response(false)
        } else {
            challenge(context, 401, Scheme::DPoP, Some(error.code()))
        };
        return refusal.noting(WHAT, client, error.code(), error.reason());
    }
    let Some(access) = live.access.as_ref().filter(|access| access.claims.scope.has(OPENID)) else {
        return challenge(context, 403, scheme, Some("insufficient_scope")).noting(
            WHAT,
            client,
            "refused",
            "insufficient_scope",
        );
    };
    match describe(context, &live, access).await {
        Ok(answer) => answer.noting(WHAT, client, "answered", "answered"),
        Err(error) => error.response(false).noting(WHAT, client, error.code(), error.reason()),
    }
}

/// What the token lets its holder know: plain, or signed if the client is registered so.
async fn describe<P: Platform>(
    context: Context<'_, P>,
    Live { client, account, .. }: &Live,
    access: &AccessToken,
) -> Result<Response, Error> {
    let snapshot = context.server.snapshot(context.now).await?;
    let AccessClaims { scope, aud, .. } = &access.claims;
    let person = mapping::Facts { account, client_id: &client.client_id, scope, resource: aud.resources() };
    let alg = client.tokens.userinfo_signed_response_alg;
    let answer = mint::userinfo(context, person, client, &snapshot.scope_claims, alg.is_some());
    let Some(alg) = alg else { return Ok(Response::json(200, &answer)) };
    let token = mint::sign(context, "JWT", alg, issued(answer, context.now)).await?;
    Ok(Response::new(200, "application/jwt", token).with("cache-control", "no-store".to_owned()))
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

/// Whether `/userinfo` is where the token is good (RFC 9068 §4).
fn is_for_us<P>(context: Context<'_, P>, live: &Live) -> bool {
    let own = Own::of(context.issuer.as_str());
    let claims = live.access.as_ref().map(|access| &access.claims);
    claims.is_some_and(|claims| claims.aud.resources().iter().any(|resource| own.has(resource)))
}

/// Whether `caller` may know of the token: it is its own, or `caller` is a resource server that it is for.
///
/// A resource server is a client with no grant of its own, and with its resources for an audience.
fn may_see(caller: &Client, live: &Live) -> bool {
    let serves = || {
        let claims = live.access.as_ref().map(|access| &access.claims);
        let is_for = |resource: &String| claims.is_some_and(|claims| claims.aud.has(resource));
        caller.enabled && caller.grant_types.is_empty() && caller.tokens.audience.iter().any(is_for)
    };
    live.client.client_id == caller.client_id || serves()
}

/// A token that `caller` may know of, if it is good.
async fn find<P: Platform>(
    context: Context<'_, P>,
    caller: &Client,
    token: &str,
) -> Result<Option<Live>, Unavailable> {
    let Some(refresh) = RefreshToken::parse(token, &caller.client_id, &context.server.settings.keyring)
    else {
        let live = live_access(context, token).await?;
        return Ok(live.filter(|live| may_see(caller, live)));
    };
    let live = live_family(context, refresh.shard, refresh.family, None).await?;
    Ok(live.filter(|live| {
        let current = live.family.good_until(&refresh.secret, context.now);
        current.is_some() && live.client.client_id == caller.client_id
    }))
}

async fn live_access<P: Platform>(context: Context<'_, P>, token: &str) -> Result<Option<Live>, Unavailable> {
    let Some(access) = verify(context, token).await? else { return Ok(None) };
    let Some((shard, id)) = family_of(&access.claims.sid) else { return Ok(None) };
    live_family(context, shard, id, Some(access)).await
}

/// The seal or the signature, the issuer and the time (RFC 9068 §4); not yet whether it was revoked.
async fn verify<P: Platform>(
    context: Context<'_, P>,
    token: &str,
) -> Result<Option<AccessToken>, Unavailable> {
    if let Some(opened) = opaque::open(token, &context.server.settings.keyring) {
        return Ok(Some(opened).filter(|token| token.is_good(context.issuer.as_str(), context.now)));
    }
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
    let client = context.server.client(&family.client_id, context.now).await?;
    let Some(client) = client.filter(|client| client.enabled) else { return Ok(None) };
    let account = context.server.account(&family.account).await?.filter(|account| !account.blocked);
    Ok(account.map(|account| Live { family: *family, client, account, access }))
}
