//! Requests that this server authenticates at a provider.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::time::Duration;
use rand_core::CryptoRng;
use serde::Serialize;

use crate::client::SecretBy;
use crate::client::assertion::JWT_BEARER;
use crate::endpoint::platform::{Incoming, Outgoing, Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::token::mint::sign;
use crate::secret;
use crate::token::claims::dated;
use crate::upstream::authorization::{Parameters, encode, form};
use crate::upstream::provider::{Provider, ProviderAuthentication, SealedSecret};

/// How long an assertion is good.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);

/// The claims of an assertion besides its times (RFC 7523 §3).
#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    /// The issuer, so that no other provider to which it might be sent could use it.
    aud: &'a str,
    jti: String,
}

/// Why a request got no response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotSent {
    /// The provider cannot be reached.
    Unreachable,
    /// The keys that sealed the provider's secret are gone.
    NoSecret,
    /// A part of this server cannot be reached.
    Unavailable,
}

/// Posts parameters to an endpoint of a provider, as the client that this server is there.
pub(crate) async fn post<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    url: &str,
    mut parameters: Parameters,
    rng: &mut impl CryptoRng,
) -> Result<Incoming, NotSent> {
    let mut authorization = None;
    match &provider.authentication {
        ProviderAuthentication::Secret { by: SecretBy::Basic, sealed } => {
            authorization = Some(basic(&provider.client_id, &open(context, sealed)?));
        }
        ProviderAuthentication::Secret { by: SecretBy::Post, sealed } => {
            identify(&mut parameters, provider);
            parameters.push(("client_secret", open(context, sealed)?));
        }
        ProviderAuthentication::PrivateKeyJwt { .. } => {
            identify(&mut parameters, provider);
            parameters.push(("client_assertion_type", JWT_BEARER.to_owned()));
            parameters.push(("client_assertion", assertion(context, provider, rng).await?));
        }
    }
    let form = form(&parameters);
    let request = Outgoing { url, authorization: authorization.as_deref(), cookie: None, form: Some(&form) };
    context.server.platform.exchange(request).await.map_err(|Unavailable| NotSent::Unreachable)
}

/// Adds the `client_id`, unless the parameters have it already.
fn identify(parameters: &mut Parameters, provider: &Provider) {
    if !parameters.iter().any(|(name, _)| *name == "client_id") {
        parameters.push(("client_id", provider.client_id.clone()));
    }
}

fn open<P>(context: Context<'_, P>, sealed: &SealedSecret) -> Result<String, NotSent> {
    sealed.open(&context.server.settings.keyring).ok_or(NotSent::NoSecret)
}

/// Returns the header of HTTP Basic, with identifier and secret encoded as in a form (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret))))
}

async fn assertion<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    rng: &mut impl CryptoRng,
) -> Result<String, NotSent> {
    let client_id = provider.client_id.as_str();
    let jti = secret::random_id(rng);
    let claims = Assertion { iss: client_id, sub: client_id, aud: provider.issuer.as_str(), jti };
    let alg = provider.authentication.signing_alg().ok_or(NotSent::NoSecret)?;
    let claims = dated(claims, context.now, ASSERTION_LIFETIME);
    sign(context, "JWT", alg, claims).await.map_err(|_| NotSent::Unavailable)
}
