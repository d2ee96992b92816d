//! Initiation verification: the person who approved is shown four digits, and types them at the device (RFC 10027 §6.1.16).
//! So an approval is worth nothing to a device that the person does not have in front of them.
//!
//! `docs/verification.md` says what devices send and get.

use core::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use subtle::ConstantTimeEq as _;

use crate::secret;

/// How many different digits there are.
const ALL: u16 = 10_000;

/// Four decimal digits, as text: `0042`. Somebody who guesses three times is right once in 3,333 grants.
#[derive(Clone)]
pub struct Digits([u8; 4]);

impl Digits {
    /// Draws digits uniformly at random.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        // 60,000 is the largest multiple of 10,000 that fits: the remainder alone would favor small numbers.
        const FAIR: u16 = u16::MAX / ALL * ALL;
        loop {
            let drawn = u16::from_be_bytes(secret::random(rng));
            if drawn < FAIR {
                let digit = |unit: u16| b'0'.saturating_add((drawn / unit % 10).to_le_bytes()[0]);
                return Self([digit(1_000), digit(100), digit(10), digit(1)]);
            }
        }
    }

    /// Reads four ASCII digits; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 4] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// Returns the digits as text, to be shown to the person who approved and to nobody else.
    #[must_use]
    pub fn shown(&self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }
}

/// Compares in constant time.
impl PartialEq for Digits {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digits {}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digits(..)")
    }
}

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("four digits were expected"))
    }
}

/// The digits that the person was shown, and what was typed at the device so far.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Verification {
    /// What the person was shown.
    pub digits: Digits,
    /// The wrong digits that the device has sent, each once. A device that repeats a request because it heard no answer
    /// loses no try.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<Digits>,
}

impl Verification {
    /// Returns a verification for which nothing was typed yet.
    #[must_use]
    pub const fn of(digits: Digits) -> Self {
        Self { digits, wrong: Vec::new() }
    }

    /// Compares what the device has sent. Spends nothing.
    #[must_use]
    pub fn compare(&self, digits: &Digits) -> Match {
        if self.digits == *digits { Match::Right } else { Match::Wrong }
    }
}

/// Whether the device has sent the digits that the person was shown.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    Right,
    Wrong,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn all_digits_are_drawn_about_equally_often() {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let mut drawn = BTreeMap::<String, u32>::new();
        for _ in 0..200_000 {
            *drawn.entry(Digits::draw(&mut rng).shown()).or_default() += 1;
        }

        // 20 each on average, with a deviation of 4.5. Without the rejection, the first 5,536 would come 21.4 times, the
        // others 18.3 times.
        assert!(drawn.len() == 10_000 && drawn.values().all(|times| (1..60).contains(times)));
        let low: u32 =
            drawn.iter().filter(|(digits, _)| digits.as_str() < "5536").map(|(_, times)| times).sum();
        assert!((109_720..=111_720).contains(&low), "{low}");
    }

    #[test]
    fn four_ascii_digits_are_read_and_nothing_else() {
        for text in ["0000", "0042", "9999"] {
            assert_eq!(Digits::parse(text).unwrap().shown(), text);
        }
        for text in ["", "123", "12345", "12 4", "12a4", "+123", "１２３４", "1.23"] {
            assert_eq!(Digits::parse(text), None, "{text}");
        }
    }

    #[test]
    fn digits_are_shown_only_to_those_who_ask_for_that() {
        let digits = Digits::parse("4711").unwrap();
        assert_eq!(
            format!("{:?}", Verification::of(digits.clone())),
            "Verification { digits: Digits(..), wrong: [] }"
        );
        assert_eq!(serde_json::to_string(&digits).unwrap(), "\"4711\"");
        assert!(serde_json::from_str::<Digits>("\"471\"").is_err());
    }
}
