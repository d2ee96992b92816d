//! The DPoP proof (RFC 9449 §4): a JWT that shows, for one request, that its sender has a key.
//!
//! Read, compared with the request, and dated here; its signature is checked outside, by
//! [`Platform::verify`](crate::endpoint::Platform::verify).

pub mod nonce;
mod uri;

use core::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::jwk::Jwk;
use super::jws::Compact;
use super::signing_key::{Algorithm, PublicKey};
use crate::derived_keys::Keyring;
use crate::secret;
use crate::secret::Digest;
use crate::time::Timestamp;

/// RFC 9449 §4.2.
const TYPE: &str = "dpop+jwt";
/// How far from the server's the clock of a client may be that sends no nonce (RFC 9449 §11.1).
const WINDOW: Duration = Duration::from_secs(60);

/// What is wrong with a proof (RFC 9449 §4.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// There is more than one.
    Several,
    /// It is no JWT, or one of its members is missing or of another kind.
    Malformed,
    /// `typ` is another.
    Type,
    /// `alg` is none of ours.
    Algorithm,
    /// `jwk` is no public key for `alg`.
    Key,
    /// The signature is not the key's.
    Signature,
    /// `htm` is another method.
    Method,
    /// `htu` is another address.
    Uri,
    /// `ath` is another access token's.
    AccessToken,
    /// Its `jti` was used before.
    Replayed,
}

impl Flaw {
    /// For the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Several => "several_proofs",
            Self::Malformed => "malformed_proof",
            Self::Type => "proof_type",
            Self::Algorithm => "proof_algorithm",
            Self::Key => "proof_key",
            Self::Signature => "proof_signature",
            Self::Method => "proof_method",
            Self::Uri => "proof_uri",
            Self::AccessToken => "proof_access_token",
            Self::Replayed => "replayed_proof",
        }
    }

    /// For the client's developer, whose own proof it is.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Several => "There is more than one DPoP proof.",
            Self::Malformed => "The DPoP proof is no JWT with typ, alg, jwk, jti, htm, htu and iat.",
            Self::Type => "The typ of the DPoP proof is not dpop+jwt.",
            Self::Algorithm => "The alg of the DPoP proof is not supported.",
            Self::Key => "The jwk of the DPoP proof is no public key for its alg.",
            Self::Signature => "The signature of the DPoP proof does not verify with its jwk.",
            Self::Method => "The htm of the DPoP proof is not the method of this request.",
            Self::Uri => "The htu of the DPoP proof is not the address of this request.",
            Self::AccessToken => "The ath of the DPoP proof is not that of the access token.",
            Self::Replayed => "The jti of the DPoP proof was used before.",
        }
    }
}

/// Whether a proof must have a nonce.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Nonces {
    /// It may be dated by its `iat`.
    Optional,
    /// It must.
    Required,
}

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its method.
    pub method: &'a str,
    /// Where it was sent, without query and fragment, in normal form.
    pub uri: &'a str,
    /// The access token that came with it, at a resource server.
    pub access_token: Option<&'a str>,
}

/// A proof taken apart and not yet believed.
pub struct Unverified<'a> {
    key: PublicKey,
    jws: Compact<'a>,
    claims: Claims,
}

#[derive(Deserialize)]
struct Header {
    typ: Value,
    alg: Value,
    jwk: Value,
    /// Extensions that must be understood (RFC 7515 §4.1.11): none are.
    crit: Option<Value>,
}

/// RFC 9449 §4.2.
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    /// A `NumericDate`, which may have a fraction (RFC 7519 §2).
    iat: f64,
    nonce: Option<String>,
    ath: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Takes apart the value of the `DPoP` header; several are joined by commas, which no JWT has.
    ///
    /// # Errors
    ///
    /// RFC 9449 §4.3, items 1 to 5 and 7.
    pub fn parse(header: &'a str) -> Result<Self, Flaw> {
        if header.contains(',') {
            return Err(Flaw::Several);
        }
        let jws = Compact::parse(header.trim()).ok_or(Flaw::Malformed)?;
        let head: Header = serde_json::from_slice(&jws.header).map_err(|_| Flaw::Malformed)?;
        if head.crit.is_some() {
            return Err(Flaw::Malformed);
        }
        let key = key(&head)?;
        let claims: Claims = serde_json::from_slice(&jws.payload).map_err(|_| Flaw::Malformed)?;
        if claims.jti.is_empty() {
            return Err(Flaw::Malformed);
        }
        Ok(Self { key, jws, claims })
    }

    /// The key that must have signed it.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What the signature is made over.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.jws.input.as_bytes()
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.jws.signature
    }

    /// Compares it with the request that it came with.
    ///
    /// # Errors
    ///
    /// RFC 9449 §4.3, items 8, 9 and the first half of 12.
    pub fn is_for(&self, target: Target<'_>) -> Result<(), Flaw> {
        if self.claims.htm != target.method {
            return Err(Flaw::Method);
        }
        if uri::normal(&self.claims.htu).as_deref() != Some(target.uri) {
            return Err(Flaw::Uri);
        }
        let ath = target.access_token.map(|token| secret::encode(Digest::of(token.as_bytes()).bytes()));
        if ath.is_some() && ath != self.claims.ath {
            return Err(Flaw::AccessToken);
        }
        Ok(())
    }

    /// Until when it is fresh; `None` if it is not, and a nonce would help (RFC 9449 §4.3, items 10 and 11).
    ///
    /// A nonce dates a proof by this server's clock, so that a device without a right one can have tokens, too.
    #[must_use]
    pub fn fresh_until(&self, nonces: Nonces, keyring: &Keyring, now: Timestamp) -> Option<Timestamp> {
        match (&self.claims.nonce, nonces) {
            (Some(nonce), Nonces::Optional | Nonces::Required) => nonce::good_until(nonce, keyring, now),
            (None, Nonces::Required) => None,
            (None, Nonces::Optional) => {
                let made = Timestamp::default() + Duration::try_from_secs_f64(self.claims.iat).ok()?;
                let near = now.since(made) <= WINDOW && made.since(now) <= WINDOW;
                near.then(|| made + WINDOW + Duration::from_millis(1))
            }
        }
    }

    /// The proof, once its signature held.
    #[must_use]
    pub fn proven(self, fresh_until: Timestamp) -> Proof {
        let name = [self.key.kid.as_bytes(), b"/", self.claims.jti.as_bytes()].concat();
        Proof { jkt: self.key.kid, once: secret::encode(Digest::of(&name).bytes()), fresh_until }
    }
}

/// A proof that held.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// The thumbprint of its key (RFC 9449 §6.1).
    pub jkt: String,
    /// A digest of its key and `jti`: one use of it.
    pub once: String,
    /// It must not be used again until then; afterwards it cannot be.
    pub fresh_until: Timestamp,
}

/// Whether `text` can be a JWK thumbprint: a SHA-256 digest, base64url (RFC 9449 §10).
#[must_use]
pub fn is_thumbprint(text: &str) -> bool {
    secret::decode(text).is_some_and(|bytes| bytes.len() == 32)
}

fn key(head: &Header) -> Result<PublicKey, Flaw> {
    if head.typ.as_str() != Some(TYPE) {
        return Err(Flaw::Type);
    }
    let alg = head.alg.as_str().and_then(Algorithm::named).ok_or(Flaw::Algorithm)?;
    let jwk = Jwk::parse(&head.jwk).map_err(|_| Flaw::Key)?;
    jwk.for_algorithm(alg).ok_or(Flaw::Key)
}

#[cfg(test)]
mod tests;
