//! DPoP proofs (RFC 9449 §4): a proof is a JWT that shows for one request that its sender has a key.
//!
//! This module parses a proof, compares it with the request and checks its age. The caller verifies the
//! signature with [`Platform::verify`](crate::endpoint::platform::Platform::verify).

pub mod nonce;
pub mod uri;

use core::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::jwk::Jwk;
use super::jws::Compact;
use super::signing_key::{Algorithm, PublicKey};
use crate::derived_keys::Keyring;
use crate::json;
use crate::presence::is_present;
use crate::secret;
use crate::secret::Digest;
use crate::time::Timestamp;

/// The `typ` of a proof (RFC 9449 §4.2).
const TYPE: &str = "dpop+jwt";
/// How far `iat` may be from the server's clock in a proof without a nonce (RFC 9449 §11.1).
const WINDOW: Duration = Duration::from_secs(60);

/// Why a proof is refused (RFC 9449 §4.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// The request has more than one proof.
    Several,
    /// The proof is not a JWT, one of its members is missing or of the wrong type, or it has a `crit`.
    Malformed,
    /// `typ` is not `dpop+jwt`.
    Type,
    /// `alg` is not supported.
    Algorithm,
    /// `jwk` is not a public key for `alg`.
    Key,
    /// The signature does not verify with `jwk`.
    Signature,
    /// `htm` is not the method of the request.
    Method,
    /// `htu` is not the URI of the request.
    Uri,
    /// `ath` is not the hash of the access token.
    AccessToken,
    /// The `jti` was used before.
    Replayed,
}

impl Flaw {
    /// Returns the flaw as the log states it.
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

    /// Returns the error description for the client's developer.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Several => "The request has more than one DPoP proof.",
            Self::Malformed => "The DPoP proof is not a JWT with typ, alg, jwk, jti, htm, htu and iat.",
            Self::Type => "The typ of the DPoP proof is not dpop+jwt.",
            Self::Algorithm => "The alg of the DPoP proof is not supported.",
            Self::Key => "The jwk of the DPoP proof is not a public key for its alg.",
            Self::Signature => "The signature of the DPoP proof does not verify with its jwk.",
            Self::Method => "The htm of the DPoP proof is not the method of this request.",
            Self::Uri => "The htu of the DPoP proof is not the URI of this request.",
            Self::AccessToken => "The ath of the DPoP proof is not the hash of the access token.",
            Self::Replayed => "The jti of the DPoP proof was used before.",
        }
    }
}

/// Whether a proof needs a nonce.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Nonces {
    /// Without a nonce, the age of a proof is judged by its `iat`.
    Optional,
    /// A proof without a nonce is refused.
    Required,
}

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The HTTP method, which is case-sensitive.
    pub method: &'a str,
    /// Normalized, without query and fragment.
    pub uri: &'a str,
    /// The access token in the request; `None` except at `/userinfo`.
    pub access_token: Option<&'a str>,
}

/// A parsed proof that is not verified yet.
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
    /// Extensions that a verifier must understand (RFC 7515 §4.1.11); this server understands none.
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

/// The claims of a proof (RFC 9449 §4.2).
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
    /// Parses the value of the `DPoP` header. A comma means several headers, because a JWT contains no comma.
    ///
    /// # Errors
    ///
    /// The proof violates RFC 9449 §4.3, items 1 to 5 or 7.
    pub fn parse(header: &'a str) -> Result<Self, Flaw> {
        if header.contains(',') {
            return Err(Flaw::Several);
        }
        let jws = Compact::parse(header.trim()).ok_or(Flaw::Malformed)?;
        let head: Header = json::read_bytes(&jws.header).map_err(|_| Flaw::Malformed)?;
        if head.crit {
            return Err(Flaw::Malformed);
        }
        let key = key(&head)?;
        let claims: Claims = json::read_bytes(&jws.payload).map_err(|_| Flaw::Malformed)?;
        if claims.jti.is_empty() {
            return Err(Flaw::Malformed);
        }
        Ok(Self { key, jws, claims })
    }

    /// Returns the key in the header, which must verify the signature.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.jws.input.as_bytes()
    }

    /// Returns the decoded signature, which is not verified.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.jws.signature
    }

    /// Checks that the proof is for the request `target`.
    ///
    /// # Errors
    ///
    /// The proof violates RFC 9449 §4.3, items 8, 9 or the first half of 12.
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

    /// Returns the end of the proof's freshness (RFC 9449 §4.3, items 10 and 11); `None` if the proof is not
    /// fresh, in which case the client can retry with a nonce.
    ///
    /// A nonce dates a proof by this server's clock, so that a device with a wrong clock can get tokens, too.
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

    /// Turns the proof into a verified one. Call this only after verifying the signature.
    #[must_use]
    pub fn proven(self, fresh_until: Timestamp) -> Proof {
        let name = [self.key.kid.as_bytes(), b"/", self.claims.jti.as_bytes()].concat();
        Proof { jkt: self.key.kid, once: secret::encode(Digest::of(&name).bytes()), fresh_until }
    }
}

/// A verified proof.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// JWK thumbprint of the key, base64url (RFC 9449 §6.1).
    pub jkt: String,
    /// The name under which a use is remembered: a digest of key and `jti`, base64url.
    pub once: String,
    /// Until when a use must be remembered; after that, the proof is no longer fresh.
    pub fresh_until: Timestamp,
}

/// Returns whether `text` has the form of a JWK thumbprint: a SHA-256 digest, base64url (RFC 9449 §10).
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
