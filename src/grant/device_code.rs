//! The device code. It says where its grant is stored, and proves that this server issued it.
//!
//! `base64url(format ‖ pair ‖ shard ‖ row key ‖ secret ‖ expiry ‖ tag)`. The tag is a MAC over the rest and
//! the `client_id`. So codes that are forged, that belong to another client or that expired long ago are
//! refused without a call to an object. Neither code of a grant can be derived from the other.

use core::fmt;

use rand_core::CryptoRng;

use super::routing::{Address, RowKey};
use crate::derived_keys::{Keyring, Keys, same};
use crate::secret;
use crate::secret::Digest;
use crate::sharding::Shard;
use crate::time::Timestamp;

const FORMAT: u8 = 1;
const TAG: usize = 16;
/// Bytes that the tag covers: format (1), pair (2), shard (2), row key (16), secret (32), expiry (6).
const BODY: usize = 59;

/// A device code whose tag verified: this server issued it to this client.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct DeviceCode {
    pub address: Address,
    /// Digest of the 256 random bits in the code (RFC 8628 §5.2).
    pub secret: Digest,
    pub expires_at: Timestamp,
}

impl DeviceCode {
    /// Issues the code of a new grant. Returns the code for the device, and the digest for the row.
    pub fn issue(
        address: Address,
        client_id: &str,
        expires_at: Timestamp,
        keys: &Keys,
        rng: &mut impl CryptoRng,
    ) -> (String, Digest) {
        let secret = secret::random::<32>(rng);
        let mut body = Vec::with_capacity(BODY + TAG);
        body.push(FORMAT);
        body.extend(keys.pair.to_be_bytes());
        body.extend(address.shard.to_bytes());
        body.extend(address.key.0);
        body.extend(secret);
        body.extend(expires_at.millis().to_be_bytes().iter().skip(2));
        body.extend(keys.device_code(&body, client_id).iter().take(TAG));
        (secret::encode(&body), Digest::of(&secret))
    }

    /// Reads a code presented by `client_id`. Returns `None` if this server did not issue it, if it was
    /// altered, or if it was issued to another client; callers cannot tell these cases apart.
    #[must_use]
    pub fn parse(text: &str, client_id: &str, keyring: &Keyring) -> Option<Self> {
        let bytes = secret::decode(text)?;
        let (body, tag) = bytes.split_at_checked(BODY)?;
        let (&[format, high, low, region, index], rest) = body.split_first_chunk()?;
        let pair = u16::from_be_bytes([high, low]);
        let expected = keyring.named(pair)?.device_code(body, client_id);
        if format != FORMAT || !same(expected.get(..TAG)?, tag) {
            return None;
        }
        let (key, rest) = rest.split_first_chunk::<16>()?;
        let (secret, expiry) = rest.split_first_chunk::<32>()?;
        let millis = expiry.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Some(Self {
            address: Address { shard: Shard::from_bytes([region, index])?, key: RowKey(*key) },
            secret: Digest::of(secret),
            expires_at: Timestamp::from_millis(millis),
        })
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::{DEVELOPMENT_KEY, MasterKey};
    use crate::sharding::Region;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    fn keyring() -> Keyring {
        Keyring {
            current: Keys::derive(&MasterKey::parse(DEVELOPMENT_KEY).unwrap(), 8),
            previous: None,
            retired: Vec::new(),
        }
    }

    fn issue() -> (String, Digest, Address) {
        let address = Address { shard: Shard { region: Region::Apac, index: 3 }, key: RowKey([7; 16]) };
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let at = Timestamp::from_millis(1_763_733_780_123);
        let (text, secret) = DeviceCode::issue(address, "tv", at, &keyring().current, &mut rng);
        (text, secret, address)
    }

    #[test]
    fn a_device_code_leads_back_to_its_row() {
        let (text, secret, address) = issue();

        let code = DeviceCode::parse(&text, "tv", &keyring()).unwrap();

        assert_eq!((code.address, code.secret), (address, secret));
        assert_eq!(code.expires_at, Timestamp::from_millis(1_763_733_780_123));
    }

    #[test]
    fn no_bit_of_a_device_code_can_be_changed() {
        let bytes = secret::decode(&issue().0).unwrap();

        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);

            assert!(DeviceCode::parse(&secret::encode(&forged), "tv", &keyring()).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn another_clients_code_and_other_text_are_refused() {
        let (text, ..) = issue();

        assert!(DeviceCode::parse(&text, "printer", &keyring()).is_none());
        let mut cut = text.clone();
        cut.pop();
        for other in ["", "AAAA", "not base64!", &cut, &format!("{text}AAAA")] {
            assert!(DeviceCode::parse(other, "tv", &keyring()).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_code_survives_one_change_of_master_key_but_not_two() {
        let (text, ..) = issue();
        let old = keyring().current;
        let other = |fill: u8| Keys::derive(&MasterKey::parse(&secret::encode(&[fill; 32])).unwrap(), 8);

        let once = Keyring { current: other(1), previous: Some(old), retired: Vec::new() };
        let twice = Keyring { current: other(2), previous: Some(other(1)), retired: Vec::new() };

        assert!(DeviceCode::parse(&text, "tv", &once).is_some());
        assert!(DeviceCode::parse(&text, "tv", &twice).is_none());
    }
}
