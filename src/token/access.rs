//! Reads access tokens that are presented to this server, before and after their signature is verified.

mod written;

use serde::{Deserialize, Serialize};

use super::claims::AccessClaims;
use super::jws::Compact;
use super::signing_key::{Algorithm, PublicKey};
use crate::json;
use crate::time::Timestamp;

/// The `typ` of an access token (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// A parsed JWT whose signature is not verified yet.
pub struct Unverified<'a> {
    header: Header,
    jws: Compact<'a>,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: String,
    typ: String,
}

/// All claims of an access token.
#[derive(Clone, Debug, Serialize)]
pub struct AccessToken {
    /// All but `iat` and `exp`.
    #[serde(flatten)]
    pub claims: AccessClaims,
    /// When the token was issued, in seconds since 1970.
    pub iat: u64,
    /// When the token expires, in seconds since 1970.
    pub exp: u64,
}

impl AccessToken {
    /// Returns whether the token is from `issuer` and not expired (RFC 9068 §4).
    #[must_use]
    pub fn is_good(&self, issuer: &str, now: Timestamp) -> bool {
        self.claims.iss == issuer && now.seconds() < self.exp
    }
}

impl<'a> Unverified<'a> {
    /// Parses a token; `None` if it is not a JWT with a supported algorithm.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let jws = Compact::parse(text)?;
        Some(Self { header: json::read_bytes(&jws.header).ok()?, jws })
    }

    /// Returns the key that the header names; `None` if `keys` does not contain it, if it is for another
    /// algorithm, or if the token is not an access token.
    #[must_use]
    pub fn key<'k>(&self, keys: &'k [PublicKey]) -> Option<&'k PublicKey> {
        let named = keys.iter().find(|key| key.kid == self.header.kid && key.alg == self.header.alg);
        named.filter(|_| self.header.typ.eq_ignore_ascii_case(TYPE))
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

    /// Returns the claims; call this only after verifying the signature. Returns `None` if the token is from
    /// another issuer or has expired (RFC 9068 §4).
    #[must_use]
    pub fn claims(&self, issuer: &str, now: Timestamp) -> Option<AccessToken> {
        let token: AccessToken = json::read_bytes(&self.jws.payload).ok()?;
        token.is_good(issuer, now).then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret;

    #[test]
    fn text_that_is_not_a_jwt_with_a_supported_algorithm_is_not_parsed() {
        let none = secret::encode(br#"{"alg":"none","kid":"k","typ":"at+jwt"}"#);

        for text in ["", ".", "..", "a.b.c", &format!("{none}.e30."), "e30.e30.AA"] {
            assert!(Unverified::parse(text).is_none(), "{text:?}");
        }
    }
}
