//! The keys and certificates that a client registered (RFC 7517 §5).

use serde_json::Value;

use crate::secret;
use crate::secret::Digest;
use crate::token::jwk::Jwk;
use crate::token::signing_key::{Algorithm, PublicKey};

/// Most keys in a client's set, of one that it has elsewhere the first ones: a signature may have to be tried with each.
pub(super) const MOST_KEYS: usize = 20;

/// A JWK set, as far as it is of use here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeySet {
    keys: Vec<Jwk>,
    /// The SHA-256 of each key's own certificate, base64url.
    certificates: Vec<String>,
}

impl KeySet {
    /// Reads a set; `None` if it is none. A member that is not of use here is passed over, as RFC 7517 §5 has it.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let members = value.get("keys")?.as_array()?;
        let members = || members.iter().take(MOST_KEYS);
        Some(Self {
            keys: members().filter_map(|member| Jwk::parse(member).ok()).collect(),
            certificates: members().filter_map(fingerprint).collect(),
        })
    }

    /// Reads a set from the text of a document.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(&serde_json::from_str(text).ok()?)
    }

    /// The keys that may have made a signature by `alg`. One without a name goes by any.
    pub fn candidates(&self, kid: Option<&str>, alg: Algorithm) -> impl Iterator<Item = PublicKey> {
        let named = move |key: &&Jwk| match (kid, &key.kid) {
            (Some(kid), Some(own)) => kid == own,
            (None, _) | (_, None) => true,
        };
        self.keys.iter().filter(named).filter_map(move |key| key.for_algorithm(alg))
    }

    /// Whether a certificate with this SHA-256 was registered (RFC 8705 §2.2).
    #[must_use]
    pub fn has_certificate(&self, sha256: &str) -> bool {
        self.certificates.iter().any(|own| own == sha256)
    }
}

/// RFC 7517 §4.7: the first of `x5c` is the key's own; it is base64, not base64url.
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
    fn keys_are_found_by_name_or_by_kind() {
        let set =
            json!({ "keys": [key(Some("a"), 1), key(Some("b"), 2), key(None, 3), { "kty": "oct" }, 7] });
        let set = KeySet::read(&set).unwrap();

        assert_eq!(count(&set, Some("a"), Algorithm::Es256), 2, "it, and the one without a name");
        assert_eq!(count(&set, Some("c"), Algorithm::Es256), 1);
        assert_eq!(count(&set, None, Algorithm::Es256), 3);
        assert_eq!(count(&set, None, Algorithm::Rs256), 0);
    }

    #[test]
    fn what_is_not_a_set_is_none_and_a_large_one_is_cut() {
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
    fn a_certificate_is_known_by_the_first_of_its_chain() {
        let set = json!({ "keys": [{ "kty": "EC", "crv": "P-384", "x5c": ["+/8=", "AAAA"] }] });
        let set = KeySet::read(&set).unwrap();
        let sha256 = |der: &[u8]| secret::encode(Digest::of(der).bytes());

        assert!(set.has_certificate(&sha256(&[0xfb, 0xff])));
        assert!(!set.has_certificate(&sha256(&[0, 0, 0])), "it is only the issuer's");
    }
}
