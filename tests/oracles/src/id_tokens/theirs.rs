//! The verdict of `openidconnect`.

use std::str::FromStr as _;

use chrono::DateTime;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{AccessToken, AccessTokenHash, ClientId, ClientSecret, IssuerUrl, Nonce};

use device_grant::token::signing_key::Algorithm;

use super::keys::Keys;
use super::{ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, ISSUER, NONCE, NOW};

pub(super) fn judge(keys: &Keys, token: &str) -> Result<(), String> {
    let token = CoreIdToken::from_str(token).map_err(|error| error.to_string())?;
    let verifier = verifier(keys);
    let nonce = Nonce::new(NONCE.to_owned());
    let claims = token.claims(&verifier, &nonce).map_err(|error| error.to_string())?;
    // The crate leaves `at_hash` to its user.
    if let Some(hash) = claims.access_token_hash() {
        let alg = token.signing_alg().map_err(|error| error.to_string())?;
        let key = token.signing_key(&verifier).map_err(|error| error.to_string())?;
        let own = AccessTokenHash::from_token(&AccessToken::new(ACCESS_TOKEN.to_owned()), alg, key);
        if own.map_err(|error| error.to_string())? != *hash {
            return Err("at_hash differs".to_owned());
        }
    }
    Ok(())
}

fn verifier(keys: &Keys) -> CoreIdTokenVerifier<'static> {
    let jwks: CoreJsonWebKeySet = serde_json::from_value(keys.jwks()).expect("it is a key set");
    let alg = match keys.alg() {
        Algorithm::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        _ => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    };
    CoreIdTokenVerifier::new_confidential_client(
        ClientId::new(CLIENT_ID.to_owned()),
        ClientSecret::new(CLIENT_SECRET.to_owned()),
        IssuerUrl::new(ISSUER.to_owned()).expect("it is a URL"),
        jwks,
    )
    .set_allowed_algs([alg])
    .set_time_fn(|| DateTime::from_timestamp(i64::try_from(NOW).expect("it fits"), 0).expect("a date"))
}
