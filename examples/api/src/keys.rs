//! The issuer's keys: where to find them (RFC 8414), how long to use them, and when to fetch them again.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jws::PublicKey;

/// Seconds until keys are fetched again.
pub const FRESH: u64 = 300;
/// Seconds for which keys are used while the issuer does not answer.
pub const STALE: u64 = 3600;
/// Seconds without another fetch after one that failed.
pub const RETRY: u64 = 5;
/// Shortest time between two fetches in seconds, while there are usable keys.
pub const PAUSE: u64 = 60;

/// The members that the API reads from the issuer's metadata (RFC 8414 §2).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Returns the URL of an issuer's metadata. The issuer's path, if it has one, comes last (RFC 8414 §3.1).
#[must_use]
pub fn metadata_address(issuer: &str) -> String {
    let after_scheme = issuer.find("://").map_or(0, |found| found + 3);
    let (scheme, rest) = issuer.split_at(after_scheme);
    let (host, path) =
        rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    format!("{scheme}{host}/.well-known/oauth-authorization-server{path}")
}

/// Returns the URL of the keys; `None` if the metadata belong to another issuer (RFC 8414 §3.3).
#[must_use]
pub fn keys_address(metadata: &[u8], issuer: &str) -> Option<String> {
    let metadata: Metadata = serde_json::from_slice(metadata).ok()?;
    (metadata.issuer == issuer).then_some(metadata.jwks_uri)
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Named {
    kid: String,
    /// The only algorithm that the key is for; `None` for every algorithm that it suits.
    alg: Option<String>,
    key: PublicKey,
}

/// The issuer's keys that this isolate knows.
#[derive(Debug, Default)]
pub struct Keys {
    known: Vec<Named>,
    fetched_at: Option<u64>,
    asked_at: u64,
    failed_at: Option<u64>,
}

impl Keys {
    /// Returns whether to fetch keys before looking for `kid`: if there are none, if they are old, or if
    /// `kid` is not among them.
    ///
    /// A caller that makes up names causes at most one fetch per [`PAUSE`]. After a failed fetch, the next
    /// one waits for [`RETRY`], so that an issuer that is down does not get a fetch for every request.
    #[must_use]
    pub fn wanting(&self, kid: &str, now: u64) -> bool {
        if self.failed_at.is_some_and(|at| now < at.saturating_add(RETRY)) {
            return false;
        }
        match self.age(now) {
            Some(age) if age < STALE => {
                let unknown = !self.known.iter().any(|named| named.kid == kid);
                (age >= FRESH || unknown) && now >= self.asked_at.saturating_add(PAUSE)
            }
            Some(_) | None => true,
        }
    }

    /// Notes that keys are being fetched.
    pub fn asking(&mut self, now: u64) {
        self.asked_at = now;
    }

    /// Notes that keys could not be fetched.
    pub fn failed(&mut self, now: u64) {
        self.failed_at = Some(now);
    }

    /// Stores a fetched key set (RFC 7517 §5). Returns `false` if `document` is not one. Skips keys that are
    /// not for signatures, have no `kid`, or have an unsupported type.
    pub fn fetched(&mut self, document: &[u8], now: u64) -> bool {
        #[derive(Deserialize)]
        struct KeySet {
            keys: Vec<Map<String, Value>>,
        }
        let Ok(KeySet { keys }) = serde_json::from_slice(document) else { return false };
        self.known = keys.iter().filter_map(Named::read).collect();
        (self.fetched_at, self.failed_at) = (Some(now), None);
        true
    }

    /// Returns whether there are usable keys.
    #[must_use]
    pub fn are_known(&self, now: u64) -> bool {
        self.age(now).is_some_and(|age| age < STALE)
    }

    /// Returns the key named `kid`, if it may be used with `alg`.
    #[must_use]
    pub fn find(&self, kid: &str, alg: &str) -> Option<PublicKey> {
        let named = self.known.iter().find(|named| named.kid == kid);
        let named = named.filter(|named| named.alg.as_ref().is_none_or(|only| only == alg));
        named.map(|named| named.key.clone())
    }

    fn age(&self, now: u64) -> Option<u64> {
        self.fetched_at.map(|at| now.saturating_sub(at))
    }
}

impl Named {
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name| jwk.get(name).and_then(Value::as_str).map(str::to_owned);
        let verifies = text("use").is_none_or(|usage| usage == "sig");
        let key = PublicKey::read(jwk).filter(|_| verifies)?;
        Some(Self { kid: text("kid")?, alg: text("alg"), key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &[u8] = br#"{"keys":[
        {"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"a","alg":"ES256","use":"sig"},
        {"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"b","use":"enc"},
        {"kty":"oct","k":"AA","kid":"c"},
        {"kty":"OKP","crv":"Ed25519","x":"AA"},
        {"kty":"OKP","crv":"Ed25519","x":"AA","kid":"e"}
    ]}"#;

    #[test]
    fn metadata_urls_follow_rfc_8414() {
        for (issuer, address) in [
            ("https://a.example", "https://a.example/.well-known/oauth-authorization-server"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787/.well-known/oauth-authorization-server"),
            ("https://a.example/t/1", "https://a.example/.well-known/oauth-authorization-server/t/1"),
        ] {
            assert_eq!(metadata_address(issuer), address);
        }
    }

    #[test]
    fn metadata_of_another_issuer_are_ignored() {
        let metadata = br#"{"issuer":"https://a.example","jwks_uri":"https://a.example/keys"}"#;

        assert_eq!(keys_address(metadata, "https://a.example").as_deref(), Some("https://a.example/keys"));
        assert_eq!(keys_address(metadata, "https://b.example"), None);
        assert_eq!(keys_address(b"<html>", "https://a.example"), None);
    }

    #[test]
    fn a_key_is_found_by_its_name_and_for_its_algorithm() {
        let mut keys = Keys::default();

        assert!(keys.fetched(SET, 1000));

        assert!(keys.find("a", "ES256").is_some() && keys.find("e", "EdDSA").is_some());
        for (kid, alg) in [("a", "ES384"), ("b", "ES256"), ("c", "HS256"), ("d", "EdDSA")] {
            assert_eq!(keys.find(kid, alg), None, "{kid} {alg}");
        }
    }

    #[test]
    fn an_unknown_kid_causes_one_fetch_a_minute() {
        let mut keys = Keys::default();
        assert!(keys.wanting("a", 1000), "there are no keys");
        keys.asking(1000);
        assert!(keys.wanting("a", 1000), "there are still no keys");
        keys.fetched(SET, 1000);

        assert!(!keys.wanting("a", 1000) && !keys.wanting("x", 1000 + PAUSE - 1));
        assert!(keys.wanting("x", 1000 + PAUSE) && !keys.wanting("a", 1000 + PAUSE));
        keys.asking(1000 + PAUSE);
        assert!(!keys.wanting("x", 1000 + PAUSE), "a fetch is under way");
    }

    #[test]
    fn an_issuer_that_is_down_is_not_asked_for_every_request() {
        let mut keys = Keys::default();
        keys.asking(1000);
        keys.failed(1000);

        assert!(!keys.wanting("a", 1000 + RETRY - 1) && keys.wanting("a", 1000 + RETRY));
        keys.fetched(SET, 1000 + RETRY);
        keys.failed(1000 + RETRY + STALE);
        assert!(!keys.wanting("a", 1000 + RETRY + STALE), "nor once the last keys are too old");
    }

    #[test]
    fn keys_are_fetched_again_and_used_for_an_hour_while_the_issuer_is_away() {
        let mut keys = Keys::default();
        keys.fetched(SET, 1000);

        assert!(!keys.wanting("a", 1000 + FRESH - 1) && keys.wanting("a", 1000 + FRESH));
        assert!(!keys.fetched(b"<html>", 1000 + FRESH), "the document is not a key set");
        assert!(keys.are_known(1000 + STALE - 1) && keys.find("a", "ES256").is_some());
        keys.asking(1000 + STALE);
        assert!(!keys.are_known(1000 + STALE) && keys.wanting("a", 1000 + STALE));
    }
}
