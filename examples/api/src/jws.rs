//! Signed tokens, parsed but not yet verified (RFC 7515), and the public keys that verify them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// The accepted algorithms, all asymmetric (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). `none` is not
/// accepted, and neither are MACs: anybody who can check a MAC can make one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// Ed25519 under its older name.
    EdDsa,
    /// Ed25519.
    Ed25519,
}

impl Algorithm {
    /// Every accepted algorithm.
    pub const ALL: [Self; 7] =
        [Self::Es256, Self::Rs256, Self::Ps256, Self::Ps384, Self::Ps512, Self::EdDsa, Self::Ed25519];

    /// Returns the registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// Returns the algorithm with this registered name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }
}

/// A public key (RFC 7517), with only the members that verification needs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the members of RFC 7518 §6 and RFC 8037 §2")]
#[serde(tag = "kty")]
pub enum PublicKey {
    /// A point on a curve.
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    /// An RSA key.
    #[serde(rename = "RSA")]
    Rsa { e: String, n: String },
    /// An Edwards key (RFC 8037 §2).
    #[serde(rename = "OKP")]
    Okp { crv: String, x: String },
}

impl PublicKey {
    /// Reads a JWK; `None` if its type is not supported.
    #[must_use]
    pub fn read(jwk: &Map<String, Value>) -> Option<Self> {
        Self::deserialize(jwk).ok()
    }

    /// Returns whether keys of this kind sign with `alg`. RSA keys must have at least 2048 bits
    /// (RFC 7518 §3.3), and at most 4096, so that a caller's own key cannot make verification expensive.
    #[must_use]
    pub fn suits(&self, alg: Algorithm) -> bool {
        match alg {
            Algorithm::Es256 => matches!(self, Self::Ec { crv, .. } if crv == "P-256"),
            Algorithm::EdDsa | Algorithm::Ed25519 => {
                matches!(self, Self::Okp { crv, .. } if crv == "Ed25519")
            }
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => {
                matches!(self, Self::Rsa { e, n } if e.len() <= 6 && (342..=683).contains(&n.len()))
            }
        }
    }

    /// Returns the members that a thumbprint covers, in the order in which they are hashed (RFC 7638 §3.2,
    /// RFC 8037 §2).
    #[must_use]
    pub fn members(&self) -> BTreeMap<&'static str, &str> {
        BTreeMap::from_iter(match self {
            Self::Ec { crv, x, y } => vec![("crv", crv.as_str()), ("kty", "EC"), ("x", x), ("y", y)],
            Self::Rsa { e, n } => vec![("e", e.as_str()), ("kty", "RSA"), ("n", n)],
            Self::Okp { crv, x } => vec![("crv", crv.as_str()), ("kty", "OKP"), ("x", x)],
        })
    }

    /// Returns the SHA-256 thumbprint, base64url (RFC 7638 §3).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        sha256(serde_json::json!(self.members()).to_string().as_bytes())
    }
}

/// Why a token is refused before its signature is verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// It is not a compact JWS.
    NotAJws,
    /// Its `typ` is missing or wrong.
    Type,
    /// Its `alg` is not accepted.
    Algorithm,
    /// It has a critical extension; this API knows none (RFC 7515 §4.1.11).
    Critical,
}

/// A parsed compact JWS (RFC 7515 §3.1), not yet verified.
#[derive(Debug)]
pub struct Jws<'a, H> {
    /// From the header.
    pub alg: Algorithm,
    /// The other members of the header.
    pub header: H,
    input: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header<H> {
    alg: String,
    typ: Option<String>,
    crit: Option<Value>,
    #[serde(flatten)]
    rest: H,
}

impl<'a, H: DeserializeOwned> Jws<'a, H> {
    /// Parses a token whose type must be `typ`.
    pub fn parse(text: &'a str, typ: &str) -> Result<Self, Malformed> {
        let (input, signature) = text.rsplit_once('.').ok_or(Malformed::NotAJws)?;
        let (header, payload) = input.split_once('.').ok_or(Malformed::NotAJws)?;
        let [header, payload, signature] = [header, payload, signature].map(decode);
        let header: Header<H> = json(&header.ok_or(Malformed::NotAJws)?).ok_or(Malformed::NotAJws)?;
        if !header.typ.is_some_and(|given| is_type(&given, typ)) {
            return Err(Malformed::Type);
        }
        if header.crit.is_some() {
            return Err(Malformed::Critical);
        }
        Ok(Self {
            alg: Algorithm::named(&header.alg).ok_or(Malformed::Algorithm)?,
            header: header.rest,
            input,
            payload: payload.ok_or(Malformed::NotAJws)?,
            signature: signature.ok_or(Malformed::NotAJws)?,
        })
    }
}

impl<H> Jws<'_, H> {
    /// Returns the claims, whether or not they are verified; `None` if they do not parse.
    #[must_use]
    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        json(&self.payload)
    }

    /// Returns the signature to verify with `key`.
    #[must_use]
    pub fn signed_by<'k>(&'k self, key: &'k PublicKey) -> Signed<'k> {
        Signed { alg: self.alg, key, input: self.input.as_bytes(), signature: &self.signature }
    }
}

/// A signature over `input`, not yet verified.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct Signed<'a> {
    pub alg: Algorithm,
    /// The key whose private half should have made the signature.
    pub key: &'a PublicKey,
    pub input: &'a [u8],
    pub signature: &'a [u8],
}

/// Returns the SHA-256 of `bytes`, base64url.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

/// Compares media types regardless of case; the prefix `application/` is optional (RFC 7515 §4.1.9).
fn is_type(given: &str, typ: &str) -> bool {
    let given = given.to_ascii_lowercase();
    given.strip_prefix("application/").unwrap_or(&given) == typ
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_match_the_examples_of_rfc_7638_and_rfc_8037() {
        let rsa = PublicKey::Rsa {
            e: "AQAB".to_owned(),
            n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".to_owned(),
        };
        let okp = PublicKey::Okp {
            crv: "Ed25519".to_owned(),
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
        };

        assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(okp.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_serves_its_own_algorithms_only() {
        let rsa = |bits: usize| PublicKey::Rsa { e: "AQAB".to_owned(), n: "A".repeat(bits.div_ceil(6)) };
        let ec = |crv: &str| PublicKey::Ec { crv: crv.to_owned(), x: String::new(), y: String::new() };
        let okp = |crv: &str| PublicKey::Okp { crv: crv.to_owned(), x: String::new() };
        let suited = |key: PublicKey| {
            Algorithm::ALL.into_iter().filter(|alg| key.suits(*alg)).map(Algorithm::name).collect::<Vec<_>>()
        };

        assert_eq!(suited(rsa(2048)), ["RS256", "PS256", "PS384", "PS512"]);
        assert_eq!(suited(ec("P-256")), ["ES256"]);
        assert_eq!(suited(okp("Ed25519")), ["EdDSA", "Ed25519"]);
        for useless in [rsa(1024), rsa(8192), ec("P-384"), okp("X25519")] {
            assert!(suited(useless).is_empty());
        }
    }
}
