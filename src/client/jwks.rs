//! The public keys and certificates of a client (RFC 7517 §5).

use serde_json::Value;

use crate::json;
use crate::secret;
use crate::secret::Digest;
use crate::token::jwk::Jwk;
use crate::token::signing_key::{Algorithm, PublicKey};

/// Limit on the keys in a set, because a signature may have to be verified with each of them. A registered
/// set must not exceed the limit; of a set fetched from the client, only the first 20 keys are used.
pub(super) const MOST_KEYS: usize = 20;

/// The keys and certificates of a JWK set that this server can use.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeySet {
    keys: Vec<Jwk>,
    /// SHA-256 of each key's own certificate, base64url.
    certificates: Vec<String>,
}

impl KeySet {
    /// Reads a JWK set; `None` if `value` is not one. Skips keys that this server cannot use (RFC 7517 §5).
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let members = value.get("keys")?.as_array()?;
        let members = || members.iter().take(MOST_KEYS);
        Some(Self {
            keys: members().filter_map(|member| Jwk::parse(member).ok()).collect(),
            certificates: members().filter_map(fingerprint).collect(),
        })
    }

    /// Parses the JSON text of a JWK set; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(&json::read(text).ok()?)
    }

    /// Returns the keys that may have made a signature with `alg`. Without a `kid`, all of them may; a key
    /// without a `kid` matches every `kid`.
    pub fn candidates(&self, kid: Option<&str>, alg: Algorithm) -> impl Iterator<Item = PublicKey> {
        let named = move |key: &&Jwk| match (kid, &key.kid) {
            (Some(kid), Some(own)) => kid == own,
            (None, _) | (_, None) => true,
        };
        self.keys.iter().filter(named).filter_map(move |key| key.for_algorithm(alg))
    }

    /// Returns whether the set has a certificate with this SHA-256, base64url (RFC 8705 §2.2).
    #[must_use]
    pub fn has_certificate(&self, sha256: &str) -> bool {
        self.certificates.iter().any(|own| own == sha256)
    }
}

/// Returns the SHA-256 of the key's own certificate, which is the first entry of `x5c`, in base64, not
/// base64url (RFC 7517 §4.7).
fn fingerprint(member: &Value) -> Option<String> {
    let der = secret::decode_lenient(member.get("x5c")?.get(0)?.as_str()?)?;
    Some(secret::encode(Digest::of(&der).bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(kid: Option<&str>, first: u8) -> Value {
        let x = secret::encode(&[&[first][..], &[1; 31]].concat());
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": x, "kid": kid })
    }

    fn count(set: &KeySet, kid: Option<&str>, alg: Algorithm) -> usize {
        set.candidates(kid, alg).count()
    }

    #[test]
    fn keys_are_found_by_kid_and_algorithm() {
        let set =
            json!({ "keys": [key(Some("a"), 1), key(Some("b"), 2), key(None, 3), { "kty": "oct" }, 7] });
        let set = KeySet::read(&set).unwrap();

        assert_eq!(count(&set, Some("a"), Algorithm::Es256), 2, "that key and the one without a kid");
        assert_eq!(count(&set, Some("c"), Algorithm::Es256), 1);
        assert_eq!(count(&set, None, Algorithm::Es256), 3);
        assert_eq!(count(&set, None, Algorithm::Rs256), 0);
    }

    #[test]
    fn a_malformed_set_is_none_and_a_large_one_is_cut() {
        for text in ["", "[]", "{}", r#"{"keys":7}"#] {
            assert_eq!(KeySet::parse(text), None, "{text}");
        }
        let many: Vec<Value> = (0..100).map(|first| key(None, first)).collect();
        assert_eq!(
            count(&KeySet::read(&json!({ "keys": many })).unwrap(), None, Algorithm::Es256),
            MOST_KEYS
        );
    }

    #[test]
    fn only_the_first_certificate_of_a_chain_counts() {
        let set = json!({ "keys": [{ "kty": "EC", "crv": "P-384", "x5c": ["+/8=", "AAAA"] }] });
        let set = KeySet::read(&set).unwrap();
        let sha256 = |der: &[u8]| secret::encode(Digest::of(der).bytes());

        assert!(set.has_certificate(&sha256(&[0xfb, 0xff])));
        assert!(!set.has_certificate(&sha256(&[0, 0, 0])), "the issuer's certificate");
    }
}
