//! Proofs that the caller holds the key that a token is bound to (RFC 9449).

use std::collections::{HashSet, VecDeque};

use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::jws::{Jws, Malformed, PublicKey, Signed, sha256};

/// The `typ` of a proof (RFC 9449 §4.2).
const TYPE: &str = "dpop+jwt";
/// How far a proof's `iat` may be in the past or in the future, in seconds (RFC 9449 §11.1).
const WINDOW: u64 = 60;
/// Members of a JWK that are private (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// There is no `DPoP` header.
    Missing,
    /// There is more than one `DPoP` header.
    Several,
    /// It is not a JWS that this API accepts.
    Malformed(Malformed),
    /// It discloses a private key.
    PrivateKey,
    /// It has no public key for its algorithm.
    Key,
    /// Its signature is not valid.
    Signature,
    /// A claim is missing or malformed.
    Claims,
    /// It is for another method.
    Method,
    /// It is for another URL.
    Address,
    /// It is too old or from the future.
    Time,
    /// It is for another token.
    Token,
    /// It was used before.
    Replayed,
}

impl From<Malformed> for Reason {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// A parsed proof, not yet verified.
#[derive(Debug)]
pub struct Proof<'a> {
    jws: Jws<'a, Header>,
    key: PublicKey,
}

#[derive(Debug, Deserialize)]
struct Header {
    jwk: Option<Map<String, Value>>,
}

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Such as `GET`.
    pub method: &'a str,
    /// The URL without query and fragment.
    pub address: &'a str,
    /// The access token that came with it.
    pub token: &'a str,
    /// Seconds since 1970.
    pub now: u64,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: u64,
    ath: Option<String>,
}

impl<'a> Proof<'a> {
    /// Parses the proof of a request. The runtime joins several `DPoP` headers with commas, which a proof
    /// never contains.
    pub fn parse(header: Option<&'a str>) -> Result<Self, Reason> {
        let text = header.ok_or(Reason::Missing)?;
        if text.contains(',') {
            return Err(Reason::Several);
        }
        let jws: Jws<'a, Header> = Jws::parse(text, TYPE)?;
        let jwk = jws.header.jwk.as_ref().ok_or(Reason::Key)?;
        if PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
            return Err(Reason::PrivateKey);
        }
        let key = PublicKey::read(jwk).filter(|key| key.suits(jws.alg)).ok_or(Reason::Key)?;
        Ok(Self { jws, key })
    }

    /// Returns the signature to verify.
    #[must_use]
    pub fn signed(&self) -> Signed<'_> {
        self.jws.signed_by(&self.key)
    }

    /// Returns the thumbprint of the key, which a bound token has as `cnf.jkt`.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        self.key.thumbprint()
    }

    /// Checks the claims of a proof whose signature is verified (RFC 9449 §4.3). Returns the name
    /// under which [`Used`] remembers the proof.
    pub fn accept(&self, expected: Expected<'_>) -> Result<String, Reason> {
        let claims: Claims = self.jws.claims().ok_or(Reason::Claims)?;
        if claims.htm != expected.method {
            return Err(Reason::Method);
        }
        if !same_address(&claims.htu, expected.address) {
            return Err(Reason::Address);
        }
        if claims.iat.abs_diff(expected.now) > WINDOW {
            return Err(Reason::Time);
        }
        if claims.ath.is_none_or(|ath| ath != sha256(expected.token.as_bytes())) {
            return Err(Reason::Token);
        }
        Ok(sha256(format!("{}.{}", self.thumbprint(), claims.jti).as_bytes()))
    }
}

/// Compares two URLs without query and fragment, after normalization (RFC 3986 §6.2.2, §6.2.3).
fn same_address(htu: &str, address: &str) -> bool {
    let normal = |text| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(htu).is_some_and(|htu| normal(address) == Some(htu))
}

/// The used proofs that this isolate knows. This is best effort: see README.md.
#[derive(Debug, Default)]
pub struct Used {
    known: HashSet<String>,
    /// In the order of use, each with the last second in which it could be accepted.
    order: VecDeque<(u64, String)>,
}

impl Used {
    /// Limit on the remembered names; 20,000 are about 2 MB. Beyond it, the oldest are forgotten early.
    const MOST: usize = 20_000;

    /// Notes the use of a proof, by its name from [`Proof::accept`]. Returns whether it is the first use.
    pub fn first_use(&mut self, name: String, now: u64) -> bool {
        while self.order.len() >= Self::MOST || self.order.front().is_some_and(|(stale, _)| *stale < now) {
            let Some((_, forgotten)) = self.order.pop_front() else { break };
            self.known.remove(&forgotten);
        }
        let first = self.known.insert(name.clone());
        if first {
            // A proof dated a whole window ahead is accepted for twice the window.
            self.order.push_back((now.saturating_add(2 * WINDOW), name));
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_after_normalization() {
        let address = "https://api.example.com/payments";

        for same in [
            address,
            "HTTPS://API.example.com:443/payments",
            "https://api.example.com/a/../payments",
            "https://api.example.com/payments?to=1#top",
        ] {
            assert!(same_address(same, address), "{same}");
        }
        for other in [
            "http://api.example.com/payments",
            "https://api.example.com:8443/payments",
            "https://api.example.com/payments/",
            "https://api.example.com/Payments",
            "https://api.example.com.evil.example/payments",
            "/payments",
            "",
        ] {
            assert!(!same_address(other, address), "{other}");
        }
    }

    #[test]
    fn a_proof_is_remembered_for_as_long_as_it_could_be_used() {
        let mut used = Used::default();

        assert!(used.first_use("a".to_owned(), 1000));
        assert!(!used.first_use("a".to_owned(), 1000 + 2 * WINDOW));
        assert!(used.first_use("a".to_owned(), 1001 + 2 * WINDOW), "it is stale by then");
    }

    #[test]
    fn the_number_of_remembered_proofs_is_limited() {
        let mut used = Used::default();

        for name in 0..=Used::MOST {
            assert!(used.first_use(name.to_string(), 1000));
        }

        assert_eq!((used.known.len(), used.order.len()), (Used::MOST, Used::MOST));
        assert!(!used.first_use(Used::MOST.to_string(), 1000), "the newest are remembered");
    }
}
