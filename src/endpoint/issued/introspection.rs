//! `POST /introspect` (RFC 7662): whether a token is valid, and what it says.

use serde::Serialize;
use serde_json::{Map, Value};

use super::live_tokens;
use super::live_tokens::Live;
use crate::client::Client;
use crate::client::authentication::{ClientRefusal, Requirement};
use crate::endpoint::client_auth::Caller;
use crate::endpoint::client_auth::envelope::{Answered, AssertionUse, Envelope};
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::presented;
use crate::endpoint::server::Context;
use crate::endpoint::token::mint::RefreshExpiration;
use crate::family::refresh_token::RefreshToken;
use crate::scope::{PROFILE, Scope};
use crate::token::access::AccessToken;
use crate::token::claims::{AccessClaims, Audience};
use crate::token::confirmation::Confirmation;

/// A valid token.
struct Found {
    live: Live,
    /// `None` for a refresh token.
    access: Option<AccessToken>,
}

/// Answers `POST /introspect`. A client sees its own tokens, and a resource server those that are for it: see
/// `docs/decisions/0026-where-tokens-are-good.md`.
pub(crate) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    let envelope =
        Envelope { what: "introspection", required: Requirement::Always, assertion: AssertionUse::First };
    let introspect = async |caller: &Caller, form: &Form| {
        if !caller.is_confidential() {
            return Err(Error::Unproven(ClientRefusal::NoProof));
        }
        let found = find(context, &caller.client, form.require("token")?).await?;
        let body = found.map(|found| Introspection::of(context, &found)).unwrap_or_default();
        let outcome = if body.active { "active" } else { "inactive" };
        Ok(Answered { body, outcome: Some(outcome) })
    };
    envelope.answer(context, introspect).await
}

/// The response of RFC 7662 §2.2. For an inactive token it is `{"active":false}` and nothing else.
#[derive(Default, Serialize)]
struct Introspection {
    active: bool,
    #[serde(flatten)]
    token: Option<TokenFacts>,
}

#[derive(Serialize)]
struct TokenFacts {
    iss: String,
    sub: String,
    client_id: String,
    scope: Scope,
    exp: u64,
    /// Only with the scope `profile`, which lets a client see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
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
    /// Seconds since 1970 (RFC 9470 §6.2).
    auth_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    /// Only for a refresh token.
    #[serde(flatten)]
    expiration: Option<RefreshExpiration>,
    /// Claims added by claim mapping, and how the access came about.
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Introspection {
    fn of<P>(context: Context<'_, P>, Found { live, access }: &Found) -> Self {
        let Live { family, account, .. } = live;
        let claims = access.as_ref().map(|access| &access.claims);
        let cnf = claims.map_or(&family.cnf, |claims| &claims.cnf).clone();
        let token_type = if cnf.jkt.is_some() { "DPoP" } else { "Bearer" };
        let scope = claims.map_or(&family.scope, |claims| &claims.scope);
        let token = TokenFacts {
            iss: context.issuer.as_str().to_owned(),
            sub: account.sub.as_str().to_owned(),
            client_id: family.client_id.clone(),
            scope: scope.clone(),
            exp: access.as_ref().map_or(family.refresh_ends_at().seconds(), |access| access.exp),
            username: scope.has(PROFILE).then(|| account.username.clone()),
            aud: claims.map(|claims| claims.aud.clone()),
            iat: access.as_ref().map(|access| access.iat),
            jti: claims.map(|claims| claims.jti.clone()),
            token_type: access.as_ref().map(|_| token_type),
            cnf,
            auth_time: family.auth_time.seconds(),
            acr: family.acr.clone(),
            expiration: access.is_none().then(|| {
                RefreshExpiration::of(family.refresh_ends_at(), family.refreshable_until, context.now)
            }),
            others: {
                let mut others = claims.map(|claims| claims.others.clone()).unwrap_or_default();
                others.extend(family.provenance.claims());
                others
            },
        };
        Self { active: true, token: Some(token) }
    }
}

/// Returns whether `caller` may see a token: as the client that the token was issued to, or as a resource
/// server in the token's `aud`.
///
/// A resource server is an enabled client without grant types. Its resources are its `audience`.
fn may_see(caller: &Client, claims: &AccessClaims) -> bool {
    let is_for = |resource: &String| claims.aud.has(resource);
    let serves = caller.enabled && caller.grant_types.is_empty() && caller.tokens.audience.iter().any(is_for);
    claims.client_id == caller.client_id || serves
}

/// Returns the token if it is valid and `caller` may see it.
async fn find<P: Platform>(
    context: Context<'_, P>,
    caller: &Client,
    token: &str,
) -> Result<Option<Found>, Error> {
    if let Some(refresh) = presented::read_if_any(context, token, &caller.client_id).await? {
        return Ok(find_refresh(context, caller, refresh).await?);
    }
    let access = live_tokens::verify(context, token).await?;
    let Some(access) = access.filter(|access| may_see(caller, &access.claims)) else { return Ok(None) };
    let live = live_tokens::of_access(context, &access).await?;
    Ok(live.map(|live| Found { live, access: Some(access) }))
}

async fn find_refresh<P: Platform>(
    context: Context<'_, P>,
    caller: &Client,
    refresh: RefreshToken,
) -> Result<Option<Found>, Unavailable> {
    let live = live_tokens::of_family(context, refresh.shard, refresh.family, None).await?;
    let live = live.filter(|live| {
        let current = live.family.good_until(&refresh.secret, context.now).is_some();
        current && live.family.client_id == caller.client_id
    });
    Ok(live.map(|live| Found { live, access: None }))
}
