//! All symmetric keys of the server, derived from `MASTER_KEY` with HKDF and one label per use.
//!
//! A pair is a master key and a number of shards per region. The server holds at most two pairs, the current
//! and the previous one. While codes of the previous pair may be live, a user code is looked up under both
//! pairs; a device code names its pair. Of retired pairs, the server knows only the number and the shards, so
//! that it finds the families of their refresh tokens.

mod mac;
mod master_key;
mod pair;
mod purpose;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand_core::CryptoRng;

pub use self::mac::{RoundKey, same};
pub use self::master_key::{DEVELOPMENT_KEY, MasterKey};
pub use self::pair::Keys;
pub use self::purpose::Purpose;
use crate::secret;

const NONCE: usize = 24;

/// The keys of the current pair and, while they are being replaced, of the previous one.
#[derive(Clone)]
pub struct Keyring {
    /// New codes and tokens are made with these.
    pub current: Keys,
    /// Codes and tokens made with these are still accepted.
    pub previous: Option<Keys>,
    /// Pairs whose master key the server no longer has, at most [`MOST_RETIRED`].
    pub retired: Vec<RetiredPair>,
}

/// The most pairs in `RETIRED_KEY_PAIRS`.
pub const MOST_RETIRED: usize = 8;

/// A pair whose keys are gone. Its refresh tokens are still found, and good if their digest is the current one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetiredPair {
    /// As [`Keys::pair`].
    pub pair: u16,
    /// A token of this pair names a shard below this number. At least 1, and at most
    /// [`MAX_SHARDS`](crate::sharding::MAX_SHARDS).
    pub shards_per_region: u8,
}

impl Keyring {
    /// Iterates over the pairs, the current one first.
    pub fn pairs(&self) -> impl Iterator<Item = &Keys> {
        core::iter::once(&self.current).chain(&self.previous)
    }

    /// Returns the pair that a code names; `None` if the server no longer holds it.
    #[must_use]
    pub fn named(&self, pair: u16) -> Option<&Keys> {
        self.pairs().find(|keys| keys.pair == pair)
    }

    /// Returns the retired pair with this number.
    #[must_use]
    pub fn retired(&self, pair: u16) -> Option<RetiredPair> {
        self.retired.iter().find(|retired| retired.pair == pair).copied()
    }

    /// Encrypts and authenticates `plain` (XChaCha20-Poly1305). The result starts with the random nonce.
    pub fn seal(&self, purpose: Purpose, plain: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        let nonce = secret::random::<NONCE>(rng);
        let payload = Payload { msg: plain, aad: purpose.label() };
        let cipher = XChaCha20Poly1305::new(purpose.key(&self.current).into());
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("encryption into a Vec fails only beyond 256 GiB");
        [&nonce[..], &sealed].concat()
    }

    /// Decrypts a value that was sealed under either pair; `None` if it was sealed with other keys or for
    /// another purpose, or was altered.
    #[must_use]
    pub fn open(&self, purpose: Purpose, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.pairs().find_map(|keys| {
            let payload = Payload { msg: sealed, aad: purpose.label() };
            XChaCha20Poly1305::new(purpose.key(keys).into()).decrypt(&XNonce::from(*nonce), payload).ok()
        })
    }

    /// Returns whether a value was sealed under the current pair.
    #[must_use]
    pub fn is_current(&self, purpose: Purpose, sealed: &[u8]) -> bool {
        Self { current: self.current.clone(), previous: None, retired: Vec::new() }
            .open(purpose, sealed)
            .is_some()
    }

    /// Returns whether `token` is the CSRF token of this browser and session, under either pair.
    #[must_use]
    pub fn is_csrf(&self, token: &str, browser: &str, session: &str) -> bool {
        self.pairs().any(|keys| same(keys.csrf(browser, session).as_bytes(), token.as_bytes()))
    }
}

#[cfg(test)]
pub(crate) use self::mac::DIGESTS;

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    fn keys(fill: u8) -> Keys {
        Keys::derive(&MasterKey::parse(&secret::encode(&[fill; 32])).unwrap(), 8)
    }

    fn ring(current: u8, previous: Option<u8>) -> Keyring {
        Keyring { current: keys(current), previous: previous.map(keys), retired: Vec::new() }
    }

    #[test]
    fn a_sealed_value_opens_only_for_its_purpose() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let sealed = ring(1, None).seal(Purpose::Cookie, b"facts", &mut rng);

        assert_eq!(ring(1, None).open(Purpose::Cookie, &sealed).as_deref(), Some(&b"facts"[..]));
        assert_eq!(ring(1, None).open(Purpose::Transaction, &sealed), None);
        assert_eq!(ring(1, None).open(Purpose::SigningKey, &sealed), None);
        assert_eq!(ring(2, None).open(Purpose::Cookie, &sealed), None);
    }

    #[test]
    fn an_altered_value_does_not_open() {
        let sealed = ring(1, None).seal(Purpose::Cookie, b"facts", &mut ChaCha20Rng::seed_from_u64(1));

        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ring(1, None).open(Purpose::Cookie, &altered), None, "bit {bit}");
        }
        assert_eq!(ring(1, None).open(Purpose::Cookie, b"short"), None);
    }

    #[test]
    fn the_previous_pair_opens_but_does_not_seal() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let old = ring(1, None).seal(Purpose::SigningKey, b"key", &mut rng);
        let new = ring(2, Some(1)).seal(Purpose::SigningKey, b"key", &mut rng);

        assert!(ring(2, Some(1)).open(Purpose::SigningKey, &old).is_some());
        assert!(!ring(2, Some(1)).is_current(Purpose::SigningKey, &old));
        assert!(ring(2, Some(1)).is_current(Purpose::SigningKey, &new));
        assert_eq!(ring(1, None).open(Purpose::SigningKey, &new), None);
    }

    #[test]
    fn a_csrf_token_is_for_one_browser_and_one_session() {
        let token = keys(1).csrf("browser", "session");

        assert!(ring(1, None).is_csrf(&token, "browser", "session"));
        assert!(ring(2, Some(1)).is_csrf(&token, "browser", "session"), "after a change of key");
        assert!(!ring(1, None).is_csrf(&token, "browser", ""));
        assert!(!ring(1, None).is_csrf(&token, "other", "session"));
        assert!(!ring(1, None).is_csrf("", "browser", "session"));
    }
}
