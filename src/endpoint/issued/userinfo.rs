//! `GET` or `POST /userinfo` (OpenID Connect Core §5.3).

use super::bearer::{Scheme, challenge, presented};
use super::live_tokens;
use super::live_tokens::Live;
use crate::endpoint::client_auth::certificate;
use crate::endpoint::dpop;
use crate::endpoint::error::Error;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::token::mint;
use crate::scope::OPENID;
use crate::token::access::AccessToken;
use crate::token::claims::{AccessClaims, issued};
use crate::token::mapping;
use crate::token::resource::Own;

/// The `what` of log lines.
const WHAT: &str = "userinfo";

pub(crate) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    let (scheme, token) = match presented(context) {
        Ok(Some(presented)) => presented,
        Ok(None) => return dpop::challenge_all(context).noting(WHAT, None, "refused", "no_token"),
        Err(error) => return error.response().noting(WHAT, None, error.code(), error.reason()),
    };
    match tell(context, scheme, &token).await {
        Ok(answer) => answer,
        Err(Unavailable) => Error::Unavailable.response().noting(WHAT, None, "unavailable", "unavailable"),
    }
}

/// Answers with the claims. Checks that the sender may have the token before it asks the family, because the
/// family notes that the token arrived.
async fn tell<P: Platform>(
    context: Context<'_, P>,
    scheme: Scheme,
    token: &str,
) -> Result<Response, Unavailable> {
    let refuse = |status, error, client| {
        challenge(context, status, scheme, Some(error)).noting(WHAT, client, "refused", error)
    };
    let access = live_tokens::verify(context, token).await?;
    let Some(access) = access.filter(|access| is_for_us(context, access) && is_shown(context, access)) else {
        return Ok(refuse(401, "invalid_token", None));
    };
    let client = Some(access.claims.client_id.as_str());
    if let Err(error) = dpop::held(context, scheme, token, Some(&access.claims.cnf)).await {
        return Ok(not_held(context, &error).noting(WHAT, client, error.code(), error.reason()));
    }
    let Some(live) = live_tokens::of_access(context, &access).await? else {
        return Ok(refuse(401, "invalid_token", client));
    };
    if !access.claims.scope.has(OPENID) {
        return Ok(refuse(403, "insufficient_scope", client));
    }
    Ok(match describe(context, &live, &access.claims).await {
        Ok(answer) => answer.noting(WHAT, client, "answered", "answered"),
        Err(error) => error.response().noting(WHAT, client, error.code(), error.reason()),
    })
}

/// Refuses a sender that did not prove that it has the key of a bound token.
fn not_held<P>(context: Context<'_, P>, error: &Error) -> Response {
    if *error == Error::Unavailable {
        return error.response();
    }
    challenge(context, 401, Scheme::DPoP, Some(error.code()))
}

/// Returns whether the token is for this server (RFC 9068 §4).
fn is_for_us<P>(context: Context<'_, P>, access: &AccessToken) -> bool {
    let own = Own::of(context.issuer.as_str());
    access.claims.aud.resources().iter().any(|resource| own.has(resource))
}

fn is_shown<P>(context: Context<'_, P>, access: &AccessToken) -> bool {
    certificate::is_shown(context, &access.claims.cnf)
}

/// Returns the claims that the token discloses: as plain JSON, or signed if the client is registered for
/// that.
async fn describe<P: Platform>(
    context: Context<'_, P>,
    Live { client, account, .. }: &Live,
    claims: &AccessClaims,
) -> Result<Response, Error> {
    let outline = context.server.outline(context.now).await?;
    let AccessClaims { scope, aud, .. } = claims;
    let person = mapping::apply::MappingFacts {
        account,
        client_id: &client.client_id,
        scope,
        resource: aud.resources(),
    };
    let alg = client.tokens.userinfo_signed_response_alg;
    let answer = mint::userinfo(context, person, client, &outline.scope_claims, alg.is_some());
    let Some(alg) = alg else { return Ok(Response::json(200, &answer)) };
    let token = mint::sign(context, "JWT", alg, issued(answer, context.now)).await?;
    Ok(Response::new(200, "application/jwt", token).with("cache-control", "no-store".to_owned()))
}
