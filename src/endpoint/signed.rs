//! JSON that this server signs as a JWS, besides its tokens.

use super::platform::{Platform, Unavailable};
use super::server::Server;
use crate::secret;
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;

impl<P: Platform> Server<P> {
    /// Signs a payload with the issuer's ES256 key. Returns the JWS in its compact form (RFC 7515 §3.1).
    pub(super) async fn signed(
        &self,
        typ: &str,
        payload: &str,
        now: Timestamp,
    ) -> Result<String, Unavailable> {
        let key = self.signing_key(Algorithm::Es256, now).await?;
        let header = serde_json::json!({ "alg": key.public.alg.name(), "kid": key.public.kid, "typ": typ });
        let (header, payload) =
            (secret::encode(header.to_string().as_bytes()), secret::encode(payload.as_bytes()));
        let input = format!("{header}.{payload}");
        let signature = self.platform.sign(&key, input.as_bytes()).await?;
        Ok(format!("{input}.{}", secret::encode(&signature)))
    }
}
