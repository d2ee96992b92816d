//! Digests, encodings and randomness for values that must not be guessed or shown.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// SHA-256 of a secret with at least 128 bits of entropy, stored instead of the secret.
///
/// The hash is not keyed: the entropy rules out guessing, and a change of `MASTER_KEY` orphans no record.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of `secret`.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Reads a SHA-256 that was computed elsewhere, in hexadecimal or in either alphabet of base64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = if text.len() == 64 { from_hex(text) } else { decode_lenient(text) };
        bytes?.try_into().ok().map(Self)
    }

    /// Returns the digest as 64 hexadecimal digits in lower case, as `sha256sum` writes it.
    #[must_use]
    pub fn hex(&self) -> String {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
    }

    /// Returns the 32 bytes of the digest.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Compares in constant time.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = decode(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| de::Error::custom("a digest must be 32 bytes of base64url"))
    }
}

/// Encodes as base64url without padding (RFC 4648 §5).
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding; `None` for anything else.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes either alphabet of base64, padded or not, such as the output of `openssl rand -base64 32`.
#[must_use]
pub fn decode_lenient(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim().trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(bare).or_else(|_| STANDARD_NO_PAD.decode(bare)).ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// Returns `N` random bytes.
pub fn random<const N: usize>(rng: &mut impl CryptoRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Returns a random identifier of 128 bits, base64url.
pub fn random_id(rng: &mut impl CryptoRng) -> String {
    encode(&random::<16>(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_the_round_trip_and_debug_shows_nothing() {
        let digest = Digest::of(b"secret");

        let text = serde_json::to_string(&digest).unwrap();

        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
        assert_eq!(format!("{digest:?}"), "Digest(..)");
    }

    #[test]
    fn a_digest_of_another_length_is_refused() {
        assert!(serde_json::from_str::<Digest>("\"c2hvcnQ\"").is_err());
    }

    #[test]
    fn a_digest_is_read_in_hex_and_in_base64() {
        let digest = Digest::of(b"abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015AD";

        assert_eq!((Digest::parse(hex), digest.hex()), (Some(digest), hex.to_lowercase()));
        assert_eq!(Digest::parse(&encode(digest.bytes())), Some(digest));
        for bad in ["abc", &hex.replace('b', "g"), &encode(&[1; 31])] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_are_read_in_every_spelling_of_base64() {
        for spelling in ["+/8=", "+/8", "-_8", "-_8=", " -_8=\n"] {
            assert_eq!(decode_lenient(spelling), Some(vec![0xfb, 0xff]), "{spelling:?}");
        }
    }
}
