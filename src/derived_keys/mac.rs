//! Computes digests under a key (HMAC-SHA-256), and compares them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// A key of HMAC that has been hashed already, which is half of a digest of a short text.
#[derive(Clone)]
pub(super) struct MacKey(Hmac<Sha256>);

impl MacKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Returns the key for the rounds of a permutation.
    pub(super) fn for_rounds(&self) -> RoundKey {
        RoundKey(self.0.clone())
    }
}

/// A key that is ready for many digests.
pub struct RoundKey(Hmac<Sha256>);

impl RoundKey {
    /// Returns the first half of the digest for a round.
    #[must_use]
    pub fn digest(&self, round: [u8; 3], half: u128) -> u128 {
        #[cfg(test)]
        DIGESTS.set(DIGESTS.get() + 1);
        let mut mac = self.0.clone();
        mac.update(&round);
        mac.update(&half.to_be_bytes());
        let [high, low] = halves(&mac.finalize().into_bytes().into());
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Compares in constant time.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Returns the first two words of a digest.
pub(super) fn halves(mac: &[u8; 32]) -> [u64; 2] {
    let (words, _) = mac.as_chunks::<8>();
    let mut words = words.iter().map(|word| u64::from_be_bytes(*word));
    [words.next().unwrap_or_default(), words.next().unwrap_or_default()]
}

#[cfg(test)]
thread_local! {
    /// How many digests the rounds of this thread have taken.
    pub(crate) static DIGESTS: core::cell::Cell<u32> = const { core::cell::Cell::new(0) };
}
