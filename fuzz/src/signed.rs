//! What clients sign: tokens, proofs and assertions, and the keys for them. Signatures are not verified here.

use device_grant::client::assertion::{Assertion, Recipient};
use device_grant::secret;
use device_grant::time::Timestamp;
use device_grant::token::dpop::{Target, Unverified, is_thumbprint, uri};
use device_grant::token::jwk::{Jwk, is_private};
use device_grant::token::jws::Compact;
use device_grant::token::signing_key::Algorithm;

use crate::support::START;
use crate::text;

/// A token that is read has one spelling.
pub fn jws(input: &[u8]) {
    let text = text(input);
    let Some(jws) = Compact::parse(text) else { return };
    let [header, payload, signature] =
        [&jws.header, &jws.payload, &jws.signature].map(|part| secret::encode(part));
    assert_eq!(jws.input, format!("{header}.{payload}"));
    assert_eq!(text, format!("{header}.{payload}.{signature}"));
}

/// A key that is read has no private part, and is for one algorithm of its type at least.
pub fn jwk(input: &[u8]) {
    let Ok(value) = serde_json::from_slice(input) else { return };
    let Ok(jwk) = Jwk::parse(&value) else { return };
    assert!(!is_private(&value));
    let keys: Vec<_> = Algorithm::ALL.iter().filter_map(|alg| jwk.for_algorithm(*alg)).collect();
    assert!(!keys.is_empty() && keys.iter().all(|key| is_thumbprint(&key.kid)));
    assert!(jwk.alg.is_none() || keys.len() == 1);
}

/// The first line is the header of a proof, the rest its claims.
pub fn dpop(input: &[u8]) {
    let proof = compact(input);
    let Ok(parsed) = Unverified::parse(&proof) else { return };
    assert_eq!(parsed.input(), proof.rsplit_once('.').expect("it has three parts").0.as_bytes());
    for method in ["POST", "GET"] {
        let target = Target { method, uri: "https://login.example/token", access_token: None };
        let other = Target { uri: "https://login.example/userinfo", ..target };
        assert!(parsed.is_for(target).is_err() || parsed.is_for(other).is_err());
    }
    assert!(is_thumbprint(&parsed.key().kid));
    assert!(is_thumbprint(&parsed.proven(Timestamp::default()).once));
}

/// A normalized address stays as it is, and is an address without query and fragment.
pub fn htu(input: &[u8]) {
    let Some(normal) = uri::normal(text(input)) else { return };
    assert_eq!(uri::normal(&normal).as_deref(), Some(normal.as_str()));
    assert!(normal.starts_with("https://") || normal.starts_with("http://"));
    assert!(!normal.contains(['?', '#']), "{normal}");
    let path = normal.splitn(4, '/').nth(3).expect("a path");
    assert!(path.split('/').all(|segment| segment != "." && segment != ".."), "{normal}");
    assert!(normal.len() <= input.len() + 1);
}

/// The first line is the header of an assertion, the rest its claims.
pub fn assertions(input: &[u8]) {
    let text = compact(input);
    let Ok(assertion) = Assertion::parse(&text) else { return };
    assert_eq!(assertion.input(), text.rsplit_once('.').expect("it has three parts").0.as_bytes());
    assert!(is_thumbprint(&assertion.once()));
    let (issuer, url) = ("https://login.example", Some("https://login.example/token"));
    let now = Timestamp::from_millis(START);
    if assertion.check(Recipient { issuer, url }, now).is_ok() {
        assert!(assertion.until() > now);
        assert!(assertion.check(Recipient { issuer: "https://other.example", url: None }, now).is_err());
        assert!(assertion.check(Recipient { issuer, url }, assertion.until()).is_err());
    }
}

pub fn compact(input: &[u8]) -> String {
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, claims) = input.split_at(at);
    let claims = claims.get(1..).unwrap_or_default();
    format!("{}.{}.AAAA", secret::encode(header), secret::encode(claims))
}
