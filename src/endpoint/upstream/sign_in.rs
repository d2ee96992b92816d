//! Sends people to a provider, and finds out who came back.

use rand_core::CryptoRng;
use serde::Deserialize;
use serde_json::Value;

use super::Stop;
use super::authentication::{NotSent, post};
use super::documents::{Signature, Signed, check};
use crate::endpoint::platform::{Outgoing, Platform, Unavailable};
use crate::endpoint::route::CALLBACK_PREFIX;
use crate::endpoint::server::Context;
use crate::json;
use crate::time::Timestamp;
use crate::upstream::authorization::{AuthorizationRequest, Parameters, Secrets, Wanted, address};
use crate::upstream::discovery::Discovery;
use crate::upstream::failure::{Failure, Stage};
use crate::upstream::id_token::{Authenticated, Expected, IdToken, IdTokenFlaw};
use crate::upstream::profile::{Profile, is_incomplete};
use crate::upstream::provider::{Provider, ProviderId};
use crate::upstream::reach::Reach;
use crate::upstream::token_response::{TokenFlaw, TokenResponse};
use crate::upstream::userinfo;

/// The response of the endpoint for pushed authorization requests (RFC 9126 §2.2).
#[derive(Deserialize)]
struct Pushed {
    request_uri: String,
}

/// A person who came back from a provider.
pub(crate) struct Arrival {
    pub authenticated: Authenticated,
    pub profile: Profile,
    /// For the leaver check.
    pub refresh_token: Option<String>,
}

/// Returns where this server gets the authorization responses of a provider, and of no other: a response that another
/// server was made to send comes to the address of that server (RFC 9700 §4.4.2.2).
pub(crate) fn redirect_uri<P>(context: Context<'_, P>, provider: &ProviderId) -> String {
    format!("{}{CALLBACK_PREFIX}{provider}", context.issuer.as_str())
}

/// Returns how a provider may be reached from this server.
pub(crate) fn reach<P>(context: Context<'_, P>, provider: &Provider) -> Reach {
    Reach::between(context.issuer.as_str(), provider.issuer.as_str())
}

/// Returns the address to send a browser to. If the provider takes them, the parameters go there beforehand, so that the
/// address contains none (RFC 9126).
pub(crate) async fn authorization_address<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    (wanted, secrets): (&Wanted, &Secrets),
    rng: &mut impl CryptoRng,
) -> Result<String, Stop> {
    let discovery = context.server.discovery(provider, reach(context, provider), context.now).await?;
    let request = AuthorizationRequest {
        client_id: &provider.client_id,
        redirect_uri: &redirect_uri(context, &provider.id),
        scope: &provider.scope,
        acr_values: &provider.acr_values,
        wanted,
        secrets,
        ui_locales: context.language.map(crate::language::Language::tag),
    };
    let parameters = request.parameters();
    let parameters = match &discovery.pushed_authorization_request_endpoint {
        Some(endpoint) => push(context, provider, endpoint, parameters, rng).await?,
        None => parameters,
    };
    Ok(address(&discovery.authorization_endpoint, &parameters))
}

/// Pushes the parameters. Returns those that the address needs instead.
async fn push<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    endpoint: &str,
    parameters: Parameters,
    rng: &mut impl CryptoRng,
) -> Result<Parameters, Stop> {
    let answer = post(context, provider, endpoint, parameters, rng).await;
    let answer = answer.map_err(|not_sent| stop(not_sent, Stage::Push))?;
    if !matches!(answer.status, 200 | 201) {
        return Err(Failure::Pushed(TokenFlaw::of(answer.status, &answer.body)).into());
    }
    let pushed: Option<Pushed> = json::read(&answer.body).ok();
    let pushed = pushed.ok_or(Failure::Pushed(TokenFlaw::Malformed))?;
    Ok(vec![("client_id", provider.client_id.clone()), ("request_uri", pushed.request_uri)])
}

fn stop(not_sent: NotSent, stage: Stage) -> Stop {
    match not_sent {
        NotSent::Unreachable => Failure::Unreachable(stage).into(),
        NotSent::NoSecret => Failure::NoSecret.into(),
        NotSent::Unavailable => Stop::Unavailable,
    }
}

/// Redeems an authorization code. Returns who authenticated, if they may sign in here.
pub(crate) async fn redeem<P: Platform>(
    context: Context<'_, P>,
    (provider, discovery): (&Provider, &Discovery),
    code: &str,
    (secrets, max_age, asked_at): (&Secrets, Option<u64>, Timestamp),
    rng: &mut impl CryptoRng,
) -> Result<Arrival, Stop> {
    let tokens = exchange(context, (provider, discovery), code, &secrets.verifier, rng).await?;
    let id_token = tokens.id_token.as_deref().ok_or(Failure::NoIdToken)?;
    let expected = Expected {
        issuer: provider.issuer.as_str(),
        client_id: &provider.client_id,
        nonce: &secrets.nonce,
        access_token: &tokens.access_token,
        alg: provider.id_token_signed_response_alg,
        max_age,
        asked_at,
    };
    let authenticated = verify(context, discovery, id_token, &expected).await?;
    let claims = &authenticated.claims;
    let userinfo = match &discovery.userinfo_endpoint {
        Some(endpoint) if is_incomplete(&provider.claims, claims) => {
            Some(fetch_userinfo(context, endpoint, &tokens.access_token, &authenticated.subject).await?)
        }
        Some(_) | None => None,
    };
    let profile = Profile::read(provider, claims, userinfo.as_ref()).map_err(Failure::Profile)?;
    Ok(Arrival { authenticated, profile, refresh_token: tokens.refresh_token })
}

async fn exchange<P: Platform>(
    context: Context<'_, P>,
    (provider, discovery): (&Provider, &Discovery),
    code: &str,
    verifier: &str,
    rng: &mut impl CryptoRng,
) -> Result<TokenResponse, Stop> {
    let parameters = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", redirect_uri(context, &provider.id)),
        ("code_verifier", verifier.to_owned()),
    ];
    let answer = post(context, provider, &discovery.token_endpoint, parameters, rng).await;
    let answer = answer.map_err(|not_sent| stop(not_sent, Stage::Token))?;
    Ok(TokenResponse::parse(answer.status, &answer.body).map_err(Failure::Token)?)
}

async fn verify<P: Platform>(
    context: Context<'_, P>,
    discovery: &Discovery,
    text: &str,
    expected: &Expected<'_>,
) -> Result<Authenticated, Failure> {
    let token = IdToken::parse(text, expected.alg).map_err(Failure::IdToken)?;
    match check(context, &discovery.jwks_uri, Signed::of(&token.jwt, expected.alg)).await? {
        Signature::Good => token.check(expected, context.now).map_err(Failure::IdToken),
        Signature::Wrong => Err(Failure::IdToken(IdTokenFlaw::WrongSignature)),
        Signature::Unknown => Err(Failure::IdToken(IdTokenFlaw::UnknownKey)),
    }
}

async fn fetch_userinfo<P: Platform>(
    context: Context<'_, P>,
    url: &str,
    access_token: &str,
    subject: &str,
) -> Result<Value, Failure> {
    let authorization = format!("Bearer {access_token}");
    let request = Outgoing { url, authorization: Some(&authorization), cookie: None, form: None };
    let answer = context.server.platform.exchange(request).await;
    let answer = answer.map_err(|Unavailable| Failure::Unreachable(Stage::Userinfo))?;
    userinfo::parse(answer.status, &answer.body, subject).map_err(Failure::Userinfo)
}
