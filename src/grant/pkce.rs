//! PKCE for the device grant (RFC 7636), with S256 only: a code can be redeemed only by the party that
//! requested it.

use crate::secret;
use crate::secret::Digest;

/// The only supported method (RFC 7636 §4.2). `plain` would reveal the verifier to anyone who sees the first
/// request.
pub const METHOD: &str = "S256";

/// Returns whether `text` has the form of an S256 challenge: a SHA-256 digest in base64url (RFC 7636 §4.2).
#[must_use]
pub fn is_challenge(text: &str) -> bool {
    secret::decode(text).is_some_and(|bytes| bytes.len() == 32)
}

/// A `code_verifier`, held as its SHA-256 digest, which must equal the challenge.
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

    /// Returns whether the digest equals `challenge`, compared in constant time (RFC 7636 §4.6).
    #[must_use]
    fn answers(self, challenge: &str) -> bool {
        let bytes = secret::decode(challenge).and_then(|bytes| bytes.try_into().ok());
        bytes.is_some_and(|bytes: [u8; 32]| crate::derived_keys::same(self.0.bytes(), &bytes))
    }
}

/// Returns whether a token request may proceed: it needs the right verifier if the grant has a challenge, and
/// must have no verifier otherwise.
///
/// A verifier without a challenge means that somebody removed the challenge on its way here (RFC 9700
/// §2.1.1).
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
