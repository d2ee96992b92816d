//! An access token that comes back: what it says, before and after its signature is checked.

use serde::{Deserialize, Serialize};

use super::claims::AccessClaims;
use super::jws::Compact;
use super::signing_key::{Algorithm, PublicKey};
use crate::grant::routing::Shard;
use crate::secret;
use crate::time::Timestamp;

/// RFC 9068 §2.1.
const TYPE: &str = "at+jwt";

/// A JWT taken apart and not yet believed.
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

/// What a token of ours says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccessToken {
    /// The claims.
    #[serde(flatten)]
    pub claims: AccessClaims,
    /// When it was issued, in seconds.
    pub iat: u64,
    /// When it expires, in seconds.
    pub exp: u64,
}

impl AccessToken {
    /// Whether it is this issuer's, and has not expired (RFC 9068 §4).
    #[must_use]
    pub fn is_good(&self, issuer: &str, now: Timestamp) -> bool {
        self.claims.iss == issuer && now.seconds() < self.exp
    }
}

impl<'a> Unverified<'a> {
    /// Takes a token apart; `None` if it is not a JWT with an algorithm of ours.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let jws = Compact::parse(text)?;
        Some(Self { header: serde_json::from_slice(&jws.header).ok()?, jws })
    }

    /// The key it names, if it is one of `keys`, for that algorithm, and the token is an access token.
    #[must_use]
    pub fn key<'k>(&self, keys: &'k [PublicKey]) -> Option<&'k PublicKey> {
        let named = keys.iter().find(|key| key.kid == self.header.kid && key.alg == self.header.alg);
        named.filter(|_| self.header.typ.eq_ignore_ascii_case(TYPE))
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

    /// What it says, once its signature held; `None` if it is another issuer's or has expired (RFC 9068 §4).
    #[must_use]
    pub fn claims(&self, issuer: &str, now: Timestamp) -> Option<AccessToken> {
        let token: AccessToken = serde_json::from_slice(&self.jws.payload).ok()?;
        token.is_good(issuer, now).then_some(token)
    }
}

/// Where the family of a `sid` lives, and its key there.
#[must_use]
pub fn family_of(sid: &str) -> Option<(Shard, String)> {
    let bytes = secret::decode(sid)?;
    let (shard, family) = bytes.split_first_chunk::<2>()?;
    let shard = Shard::from_bytes(*shard)?;
    (family.len() == 16).then(|| (shard, secret::encode(family)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_jwt_of_ours_is_not_taken_apart() {
        let none = secret::encode(br#"{"alg":"none","kid":"k","typ":"at+jwt"}"#);

        for text in ["", ".", "..", "a.b.c", &format!("{none}.e30."), "e30.e30.AA"] {
            assert!(Unverified::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_sid_leads_to_its_family() {
        let sid = secret::encode(&[&[2, 3][..], &[9; 16]].concat());

        let (shard, family) = family_of(&sid).unwrap();

        assert_eq!((shard.to_string().as_str(), family), ("weur/3", secret::encode(&[9; 16])));
        assert!(family_of("").is_none() && family_of("AgM").is_none());
        let nowhere = secret::encode(&[&[2, 64][..], &[9; 16]].concat());
        assert!(family_of(&nowhere).is_none(), "no region has so many shards");
    }
}
