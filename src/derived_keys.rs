//! All symmetric keys of the server, derived from `MASTER_KEY` with HKDF and one label per use.
//!
//! A pair is a master key and a number of shards per region. The server holds at most two pairs, the current
//! and the previous one. While codes of the previous pair may be live, a user code is looked up under both
//! pairs; a device code names its pair. Of retired pairs, the server knows only the number and the shards, so
//! that it finds the families of their refresh tokens.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::secret;

const NONCE: usize = 24;

/// The secret that all keys are derived from: at least 32 bytes.
#[derive(Clone, Eq, PartialEq)]
pub struct MasterKey(Vec<u8>);

impl MasterKey {
    /// Decodes base64 of at least 32 bytes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        secret::decode_lenient(text).filter(|bytes| bytes.len() >= 32).map(Self)
    }

    /// Returns whether this is [`DEVELOPMENT_KEY`], which everybody can read in the repository.
    #[must_use]
    pub fn is_for_development(&self) -> bool {
        Self::parse(DEVELOPMENT_KEY).is_some_and(|known| known.0 == self.0)
    }

    fn derive(&self, label: &str) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(b"device-grant"), &self.0)
            .expand(label.as_bytes(), &mut key)
            .expect("32 bytes are within HKDF's limit");
        key
    }
}

/// The `MASTER_KEY` of `make dev`. Previews and production refuse it.
pub const DEVELOPMENT_KEY: &str = "ZGV2ZWxvcG1lbnQta2V5LW5ldmVyLWluLXByb2R1Y3Rpb24";

/// The way in which a user code leads to its shard. A new one makes new pairs, so that no device code of the old one is
/// looked for in the wrong shard.
const MAPPING: u8 = 2;

/// The keys of one pair: a master key and a number of shards per region.
#[derive(Clone)]
pub struct Keys {
    /// Identifies the pair in device codes and refresh tokens.
    pub pair: u16,
    /// Number of shards in each region under this pair.
    pub shards_per_region: u8,
    user_code: MacKey,
    permutation: MacKey,
    network_shard: MacKey,
    device_code: MacKey,
    refresh_token: MacKey,
    dpop_nonce: MacKey,
    browser: [u8; 32],
    csrf: MacKey,
    pseudonym: MacKey,
    wrapping: [u8; 32],
    access_token: [u8; 32],
    link: MacKey,
    provider: [u8; 32],
}

impl Keys {
    /// Derives the keys of a pair.
    #[must_use]
    pub fn derive(master: &MasterKey, shards_per_region: u8) -> Self {
        Self {
            pair: number(master, MAPPING, shards_per_region),
            shards_per_region,
            user_code: MacKey::new(&master.derive("user code")),
            permutation: MacKey::new(&master.derive("user code permutation")),
            network_shard: MacKey::new(&master.derive("network shard")),
            device_code: MacKey::new(&master.derive("device code")),
            refresh_token: MacKey::new(&master.derive("refresh token")),
            dpop_nonce: MacKey::new(&master.derive("dpop nonce")),
            browser: master.derive("browser"),
            csrf: MacKey::new(&master.derive("csrf")),
            pseudonym: MacKey::new(&master.derive("pseudonym")),
            wrapping: master.derive("wrapping"),
            access_token: master.derive("access token"),
            link: MacKey::new(&master.derive("link")),
            provider: master.derive("provider"),
        }
    }

    /// Returns a keyed digest of a user code. Its first half is the row key.
    #[must_use]
    pub fn user_code(&self, code: &str) -> [u8; 32] {
        self.user_code.mac(&[code.as_bytes()])
    }

    /// Returns the key of the permutation of user codes.
    #[must_use]
    pub fn permutation(&self) -> RoundKey {
        RoundKey(self.permutation.0.clone())
    }

    /// Returns 64 bits that select the shards of a network. `prefix` is its widest prefix, as counters know it.
    #[must_use]
    pub fn network_shard(&self, prefix: &str) -> u64 {
        let [first, _] = halves(&self.network_shard.mac(&[prefix.as_bytes()]));
        first
    }

    /// Returns the tag of a device code for `client_id`.
    #[must_use]
    pub fn device_code(&self, body: &[u8], client_id: &str) -> [u8; 32] {
        self.device_code.mac(&[body, client_id.as_bytes()])
    }

    /// Returns the tag of a link to the verification page with `code` that is good until `end`.
    #[must_use]
    pub fn link(&self, code: &str, end: [u8; 4]) -> [u8; 32] {
        self.link.mac(&[&end, code.as_bytes()])
    }

    /// Returns the tag of a refresh token for `client_id`.
    #[must_use]
    pub fn refresh_token(&self, body: &[u8], client_id: &str) -> [u8; 32] {
        self.refresh_token.mac(&[body, client_id.as_bytes()])
    }

    /// Returns the tag of the DPoP nonce for `period`, the number of a period in big-endian bytes.
    #[must_use]
    pub fn dpop_nonce(&self, period: [u8; 8]) -> [u8; 32] {
        self.dpop_nonce.mac(&[&period])
    }

    /// Returns what counters store instead of a network or an account, so that they contain neither addresses
    /// nor names.
    #[must_use]
    pub fn pseudonym(&self, of: &str) -> String {
        short(&self.pseudonym.mac(&[of.as_bytes()]))
    }

    /// Returns the CSRF token that every form of this browser must carry; it stays the same for the whole
    /// session.
    #[must_use]
    pub fn csrf(&self, browser: &str, session: &str) -> String {
        short(&self.csrf.mac(&[browser.as_bytes(), b"/", session.as_bytes()]))
    }
}

/// A key of HMAC that has been hashed already, which is half of a digest of a short text.
#[derive(Clone)]
struct MacKey(Hmac<Sha256>);

impl MacKey {
    fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
thread_local! {
    /// How many digests the rounds of this thread have taken.
    pub(crate) static DIGESTS: core::cell::Cell<u32> = const { core::cell::Cell::new(0) };
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

/// The purpose of a sealed value. A value sealed for one purpose does not open for another.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// The browser's cookie.
    Cookie,
    /// The hidden field that carries a sign-in or a consent from one form to the next.
    Transaction,
    /// The cookie that remembers the last requests of a browser.
    Recent,
    /// The hidden field that carries the challenge of a passkey.
    Ceremony,
    /// The cookie that remembers the sign-ins that a browser has begun at providers.
    Upstream,
    /// A private signing key at rest.
    SigningKey,
    /// An opaque access token.
    AccessToken,
    /// The secret that a provider issued to this server, at rest.
    ProviderSecret,
    /// A refresh token that a provider issued to this server, at rest.
    UpstreamToken,
    /// A secret of a destination of events, at rest.
    DestinationSecret,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Cookie => b"cookie",
            Self::Transaction => b"transaction",
            Self::Recent => b"recent requests",
            Self::Ceremony => b"passkey ceremony",
            Self::Upstream => b"upstream",
            Self::SigningKey => b"signing key",
            Self::AccessToken => b"access token",
            Self::ProviderSecret => b"provider secret",
            Self::UpstreamToken => b"upstream token",
            Self::DestinationSecret => b"destination secret",
        }
    }

    const fn key(self, keys: &Keys) -> &[u8; 32] {
        match self {
            Self::Cookie | Self::Transaction | Self::Recent | Self::Ceremony | Self::Upstream => {
                &keys.browser
            }
            Self::SigningKey => &keys.wrapping,
            Self::AccessToken => &keys.access_token,
            Self::ProviderSecret | Self::UpstreamToken | Self::DestinationSecret => &keys.provider,
        }
    }
}

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

/// Compares in constant time.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Returns the first two words of a digest.
fn halves(mac: &[u8; 32]) -> [u64; 2] {
    let (words, _) = mac.as_chunks::<8>();
    let mut words = words.iter().map(|word| u64::from_be_bytes(*word));
    [words.next().unwrap_or_default(), words.next().unwrap_or_default()]
}

/// Returns the number of a pair. It also depends on what leads from a code to its shard: a code names the pair under which it is
/// found.
fn number(master: &MasterKey, mapping: u8, shards_per_region: u8) -> u16 {
    let [high, low, ..] = master.derive(&format!("pair/{mapping}/{shards_per_region}"));
    u16::from_be_bytes([high, low])
}

fn short(mac: &[u8; 32]) -> String {
    let (half, _) = mac.split_at(16);
    secret::encode(half)
}

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

    #[test]
    fn another_mapping_or_number_of_shards_makes_another_pair() {
        let master = MasterKey::parse(&secret::encode(&[1; 32])).unwrap();
        let numbers = [(MAPPING, 8), (MAPPING, 16), (MAPPING + 1, 8), (MAPPING - 1, 8)]
            .map(|(mapping, shards)| number(&master, mapping, shards));

        assert_eq!(keys(1).pair, numbers[0]);
        assert_eq!(std::collections::BTreeSet::from(numbers).len(), numbers.len());
    }

    #[test]
    fn every_use_has_a_key_of_its_own() {
        let keys = keys(1);
        let macs = [
            keys.user_code("x").to_vec(),
            keys.device_code(b"x", "").to_vec(),
            keys.refresh_token(b"x", "").to_vec(),
        ];

        assert!(macs[0] != macs[1] && macs[1] != macs[2] && macs[0] != macs[2]);
        assert_ne!(keys.pseudonym("x"), keys.csrf("x", ""));
    }
}
