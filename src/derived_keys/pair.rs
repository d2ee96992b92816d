//! The keys of one pair, one for each use.

use super::mac::{MacKey, RoundKey, halves};
use super::master_key::MasterKey;
use crate::secret;

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
    pub(super) browser: [u8; 32],
    csrf: MacKey,
    pseudonym: MacKey,
    pub(super) wrapping: [u8; 32],
    pub(super) access_token: [u8; 32],
    link: MacKey,
    pub(super) provider: [u8; 32],
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
        self.permutation.for_rounds()
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

    fn keys(fill: u8) -> Keys {
        Keys::derive(&MasterKey::parse(&secret::encode(&[fill; 32])).unwrap(), 8)
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
