//! A keyed permutation of all user codes of one length: a Feistel network on numbers.
//!
//! A code of `n` symbols is a pair of numbers: its first `n / 2` symbols, and the rest. Each round adds to one of them a
//! keyed digest of the other, as FF1 of NIST SP 800-38G does, so every pair leads to another one, and back. Decision 58
//! says why HMAC is enough here, and what is known about such networks.

use crate::derived_keys::{Keys, RoundKey};

/// As many as FF1 has.
const ROUNDS: u8 = 10;

/// A number below [`Permutation::highs`] × [`Permutation::lows`], in two parts: it can have more than 128 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Pair {
    pub(super) high: u128,
    pub(super) low: u128,
}

/// The permutation of the codes with `length` symbols out of `radix`.
pub(super) struct Permutation {
    key: RoundKey,
    radix: u8,
    length: u8,
}

impl Permutation {
    pub(super) fn new(keys: &Keys, radix: u8, length: u8) -> Self {
        Self { key: keys.permutation(), radix, length }
    }

    /// Returns the number of symbols in the first part.
    pub(super) const fn high_symbols(&self) -> u8 {
        self.length / 2
    }

    /// Returns the number of symbols in the second part.
    pub(super) const fn low_symbols(&self) -> u8 {
        self.length - self.high_symbols()
    }

    /// Returns the number of values of the first part.
    pub(super) fn highs(&self) -> u128 {
        u128::from(self.radix).pow(self.high_symbols().into())
    }

    /// Returns the number of values of the second part. It is at least that of the first, and below 2^68.
    pub(super) fn lows(&self) -> u128 {
        u128::from(self.radix).pow(self.low_symbols().into())
    }

    /// Permutes.
    pub(super) fn forward(&self, pair: Pair) -> Pair {
        let (highs, lows) = (self.highs(), self.lows());
        (0..ROUNDS).fold(pair, |Pair { high, low }, round| {
            if round % 2 == 0 {
                Pair { high: (high + self.digest(round, low) % highs) % highs, low }
            } else {
                Pair { high, low: (low + self.digest(round, high) % lows) % lows }
            }
        })
    }

    /// Undoes [`Permutation::forward`].
    pub(super) fn backward(&self, pair: Pair) -> Pair {
        let (highs, lows) = (self.highs(), self.lows());
        (0..ROUNDS).rev().fold(pair, |Pair { high, low }, round| {
            if round % 2 == 0 {
                Pair { high: (high + highs - self.digest(round, low) % highs) % highs, low }
            } else {
                Pair { high, low: (low + lows - self.digest(round, high) % lows) % lows }
            }
        })
    }

    /// Returns 128 bits for a round. Their remainder by a number below 2^68 is uniform within 2^-60.
    fn digest(&self, round: u8, half: u128) -> u128 {
        self.key.digest([self.radix, self.length, round], half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::{DEVELOPMENT_KEY, MasterKey};

    fn keys() -> Keys {
        Keys::derive(&MasterKey::parse(DEVELOPMENT_KEY).unwrap(), 8)
    }

    #[test]
    fn every_code_of_a_small_space_is_the_image_of_exactly_one_other() {
        let keys = keys();
        for (radix, length) in [(2, 4), (3, 5), (5, 4), (10, 4), (20, 4)] {
            let permutation = Permutation::new(&keys, radix, length);
            let (highs, lows) = (permutation.highs(), permutation.lows());
            let mut seen = vec![false; usize::try_from(highs * lows).unwrap()];
            for number in 0..highs * lows {
                let pair = Pair { high: number / lows, low: number % lows };
                let image = permutation.forward(pair);
                assert!(image.high < highs && image.low < lows);
                assert_eq!(permutation.backward(image), pair);
                let at = usize::try_from(image.high * lows + image.low).unwrap();
                assert!(!core::mem::replace(&mut seen[at], true), "{radix}^{length}: {image:?} twice");
            }
        }
    }

    #[test]
    fn another_length_radix_or_key_permutes_in_another_way() {
        let (keys, pair) = (keys(), Pair { high: 7, low: 9 });
        let other = Keys::derive(&MasterKey::parse(&crate::secret::encode(&[7; 32])).unwrap(), 8);
        let images = [
            Permutation::new(&keys, 20, 8).forward(pair),
            Permutation::new(&keys, 20, 10).forward(pair),
            Permutation::new(&keys, 21, 8).forward(pair),
            Permutation::new(&other, 20, 8).forward(pair),
        ];

        for (at, image) in images.iter().enumerate() {
            assert!(!images[..at].contains(image));
        }
    }

    #[test]
    fn the_permutation_never_changes() {
        // With another result, no live code would be found.
        let image = Permutation::new(&keys(), 20, 8).forward(Pair { high: 7, low: 9 });
        assert_eq!((image.high, image.low), (78_645, 33_332));
    }
}
