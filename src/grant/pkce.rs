//! PKCE at the device grant (RFC 7636), S256 only: whoever redeems a code is whoever asked for it.

use crate::secret;
use crate::secret::Digest;

/// The one method there is (RFC 7636 §4.2). `plain` would show the verifier to whoever sees the first request.
pub const METHOD: &str = "S256";

/// Whether `text` is an S256 challenge: a SHA-256 digest, base64url (RFC 7636 §4.2).
#[must_use]
pub fn is_challenge(text: &str) -> bool {
    secret::decode(text).is_some_and(|bytes| bytes.len() == 32)
}

/// A `code_verifier`, kept as the digest that its challenge must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verifier(Digest);

impl Verifier {
    /// Reads a verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let sound = (43..=128).contains(&text.len()) && text.bytes().all(unreserved);
        sound.then(|| Self(Digest::of(text.as_bytes())))
    }

    /// Whether it is the one of `challenge` (RFC 7636 §4.6). In constant time.
    #[must_use]
    fn answers(self, challenge: &str) -> bool {
        let bytes = secret::decode(challenge).and_then(|bytes| bytes.try_into().ok());
        bytes.is_some_and(|bytes: [u8; 32]| crate::derived_keys::same(self.0.bytes(), &bytes))
    }
}

/// Whether a token request may go on: with a challenge the right verifier, without one none at all.
///
/// A verifier without a challenge means that somebody took the challenge out on the way (RFC 9700 §2.1.1).
#[must_use]
pub fn is_answered(challenge: Option<&str>, verifier: Option<Verifier>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => verifier.answers(challenge),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_rfc_7636_holds() {
        assert!(is_challenge(CHALLENGE));
        assert!(is_answered(Some(CHALLENGE), Verifier::parse(VERIFIER)));
    }

    #[test]
    fn a_missing_a_wrong_and_an_unexpected_verifier_are_refused() {
        let wrong = Verifier::parse(&VERIFIER.replace('d', "e"));

        assert!(is_answered(None, None));
        assert!(!is_answered(Some(CHALLENGE), None));
        assert!(!is_answered(Some(CHALLENGE), wrong));
        assert!(!is_answered(None, Verifier::parse(VERIFIER)), "a downgrade");
        assert!(!is_answered(Some("damaged"), Verifier::parse(VERIFIER)));
    }

    #[test]
    fn a_verifier_is_43_to_128_unreserved_characters() {
        for good in ["a".repeat(43), "~".repeat(128), "-._~".repeat(20)] {
            assert!(Verifier::parse(&good).is_some(), "{good}");
        }
        for bad in ["a".repeat(42), "a".repeat(129), "é".repeat(30), format!("{VERIFIER}+"), String::new()] {
            assert!(Verifier::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_challenge_is_a_digest() {
        for bad in ["", "short", &VERIFIER.repeat(2), &CHALLENGE.replace('c', "=")] {
            assert!(!is_challenge(bad), "{bad}");
        }
    }
}
