//! What `verification_uri_complete` says besides the code: when the code ends, with a MAC.
//!
//! `base64url(end ‖ tag)`, 9 bytes in 12 characters: the end in seconds since 1970, and a tag over end and code. So a
//! link from an old QR code is told to have expired without a look-up and without a try. Nobody gains anything by a
//! forged link: a wrong tag makes the code count as typed. That is why 40 bits suffice, which keeps the QR code small.

use super::user_code::UserCode;
use crate::derived_keys::{Keyring, Keys, same};
use crate::secret;
use crate::time::{Timestamp, span};

/// The name of the parameter. It is short for the sake of the QR code.
pub const PARAMETER: &str = "e";
const TAG: usize = 5;

/// Returns the proof that the link with `code` ends at `end`, whose milliseconds are left out.
#[must_use]
pub fn proof(code: &UserCode, end: Timestamp, keys: &Keys) -> String {
    let end = u32::try_from(end.seconds()).unwrap_or(u32::MAX).to_be_bytes();
    let tag = keys.link(code.canonical(), end);
    secret::encode(&end.iter().chain(tag.iter().take(TAG)).copied().collect::<Vec<u8>>())
}

/// Returns `verification_uri_complete` (RFC 8628 §3.3.1).
#[must_use]
pub fn complete_uri(issuer: &str, code: &UserCode, proof: &str) -> String {
    format!("{issuer}/device?user_code={code}&{PARAMETER}={proof}")
}

/// Returns when the link ends; `None` if this server did not issue it with this code.
#[must_use]
pub fn end(code: &UserCode, proof: &str, keyring: &Keyring) -> Option<Timestamp> {
    let bytes = secret::decode(proof)?;
    let (end, tag) = bytes.split_first_chunk::<4>()?;
    let is_ours =
        |keys: &Keys| keys.link(code.canonical(), *end).get(..TAG).is_some_and(|own| same(own, tag));
    let seconds = u64::from(u32::from_be_bytes(*end));
    keyring.pairs().any(is_ours).then(|| Timestamp::default() + span(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::MasterKey;
    use crate::grant::user_code::{CONSONANTS, Shape};

    const END: Timestamp = Timestamp::from_millis(1_763_733_780_000);

    fn code(text: &str) -> UserCode {
        UserCode::parse(text, &Shape::new(CONSONANTS, 8, false).unwrap()).unwrap()
    }

    fn keys(fill: u8) -> Keys {
        Keys::derive(&MasterKey::parse(&secret::encode(&[fill; 32])).unwrap(), 8)
    }

    fn ring(current: u8, previous: Option<u8>) -> Keyring {
        Keyring { current: keys(current), previous: previous.map(keys), retired: Vec::new() }
    }

    #[test]
    fn a_link_tells_when_its_code_ends() {
        let proof = proof(&code("WDJB-MJHT"), END, &keys(1));

        assert_eq!(proof.len(), 12);
        assert_eq!(end(&code("WDJB-MJHT"), &proof, &ring(1, None)), Some(END));
        assert_eq!(end(&code("WDJB-MJHT"), &proof, &ring(2, Some(1))), Some(END), "after a change of key");
        assert_eq!(end(&code("WDJB-MJHT"), &proof, &ring(2, None)), None);
        assert_eq!(end(&code("WDJB-MJHW"), &proof, &ring(1, None)), None, "another code");
    }

    #[test]
    fn no_bit_of_a_link_can_be_changed() {
        let bytes = secret::decode(&proof(&code("WDJB-MJHT"), END, &keys(1))).unwrap();

        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(end(&code("WDJB-MJHT"), &secret::encode(&forged), &ring(1, None)), None, "bit {bit}");
        }
        for other in ["", "AAAA", "?", &format!("{}AAAA", secret::encode(&bytes))] {
            assert_eq!(end(&code("WDJB-MJHT"), other, &ring(1, None)), None, "{other:?}");
        }
    }
}
