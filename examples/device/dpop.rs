//! Binds the device's tokens to a key that never leaves it (RFC 9449).

use std::error::Error;
use std::time::SystemTime;

use device_grant::secret::{Digest, encode};
use jwt_compact::alg::Es256;
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm, AlgorithmExt as _, Claims, Header};
use oauth2::HttpRequest;
use oauth2::http::HeaderValue;
use serde::Serialize;

/// The device's private key. A real device keeps it where nobody can read it.
pub(crate) struct Key(<Es256 as Algorithm>::SigningKey);

#[derive(Serialize)]
struct PublicKey<'a> {
    jwk: JsonWebKey<'a>,
}

/// The claims of a DPoP proof (RFC 9449 §4.2).
#[derive(Serialize)]
struct Proof<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

impl Key {
    pub(crate) fn generate() -> Result<Self, Box<dyn Error>> {
        let key = <Es256 as Algorithm>::SigningKey::from_slice(&random::<32>()?);
        Ok(Self(key.map_err(|error| error.to_string())?))
    }

    /// Adds a proof to a request. `token` is the access token that the request carries.
    pub(crate) fn sign(
        &self,
        request: &mut HttpRequest,
        token: Option<&str>,
        nonce: Option<String>,
    ) -> Result<(), Box<dyn Error>> {
        let address = request.uri().to_string();
        let header = Header::new(PublicKey { jwk: JsonWebKey::from(self.0.verifying_key()) });
        let claims = Proof {
            jti: encode(&random::<16>()?),
            htm: request.method().as_str(),
            htu: address.split('?').next().unwrap_or_default(),
            iat: seconds()?,
            ath: token.map(|token| encode(Digest::of(token.as_bytes()).bytes())),
            nonce,
        };
        let proof = Es256.token(&header.with_token_type("dpop+jwt"), &Claims::new(claims), &self.0);
        let proof = proof.map_err(|error| error.to_string())?;
        request.headers_mut().insert("dpop", HeaderValue::try_from(proof)?);
        Ok(())
    }
}

fn random<const N: usize>() -> Result<[u8; N], Box<dyn Error>> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[expect(clippy::disallowed_methods, reason = "the device reads its own clock")]
fn seconds() -> Result<u64, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())
}
