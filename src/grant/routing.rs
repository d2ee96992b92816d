//! Which shard holds the grant of a user code, computed from the code alone.
//!
//! `shard = HMAC(K, user_code) mod (regions × shards per region)`. Codes are drawn until one hashes to a
//! shard in the device's region. So the verification pages find the grant without an index and without a
//! routing symbol in the code, and codes look uniform to anyone without the key.

use core::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::user_code::{Shape, UserCode};
use crate::derived_keys::Keys;
use crate::secret;
use crate::sharding::{Region, Shard};

/// After this many draws, the last code is used whatever its region. This happens to less than one code in
/// 10^15.
const MAX_DRAWS: usize = 200;

/// A grant's primary key: the first half of an HMAC of its user code, 16 bytes.
///
/// It is part of the device code, so it must not reveal the user code. Without the HMAC key, it does not.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RowKey(pub [u8; 16]);

impl RowKey {
    /// Reads the text of a key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        secret::decode(text).and_then(|bytes| bytes.try_into().ok()).map(Self)
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&secret::encode(&self.0))
    }
}

impl Serialize for RowKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RowKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a row key is 16 bytes in base64url"))
    }
}

/// Where a grant is stored: the object and the row.
#[expect(missing_docs, reason = "the types say what each field is")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address {
    pub shard: Shard,
    pub key: RowKey,
}

impl Address {
    /// Returns where the grant of `code` is stored under `keys`.
    #[must_use]
    pub fn of(code: &UserCode, keys: &Keys) -> Self {
        let digest = keys.user_code(code.canonical());
        let (key, rest) = digest.split_first_chunk::<16>().expect("a digest has 32 bytes");
        let hash = rest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let per_region = u64::from(keys.shards_per_region.max(1));
        let slot = hash % (per_region * Region::ALL.len() as u64);
        let region = usize::try_from(slot / per_region).ok().and_then(|at| Region::ALL.get(at));
        let index = u8::try_from(slot % per_region).unwrap_or_default();
        Self { shard: Shard { region: region.copied().unwrap_or(Region::Weur), index }, key: RowKey(*key) }
    }
}

/// Draws a user code whose grant is stored in `region`. `longer` is as in [`UserCode::draw`].
pub fn draw_near(
    region: Region,
    shape: &Shape,
    longer: bool,
    keys: &Keys,
    rng: &mut impl CryptoRng,
) -> (UserCode, Address) {
    let mut draws = 0;
    loop {
        let code = UserCode::draw(shape, longer, rng);
        let address = Address::of(&code, keys);
        draws += 1;
        if address.shard.region == region || draws == MAX_DRAWS {
            return (code, address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::{DEVELOPMENT_KEY, MasterKey};
    use crate::grant::user_code::CONSONANTS;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    fn keys() -> Keys {
        Keys::derive(&MasterKey::parse(DEVELOPMENT_KEY).unwrap(), 8)
    }

    #[test]
    fn a_code_is_drawn_for_the_region_of_the_device() {
        let shape = Shape::new(CONSONANTS, 8, false).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(7);

        for region in Region::ALL {
            let (code, address) = draw_near(region, &shape, false, &keys(), &mut rng);

            assert_eq!(address.shard.region, region);
            assert_eq!(Address::of(&code, &keys()), address, "the code alone leads back");
        }
    }

    /// A broken generator that always returns zero.
    struct Zero;

    impl rand_core::TryRng for Zero {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(0)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(0)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(0);
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Zero {}

    #[test]
    fn a_code_is_drawn_even_if_none_is_for_the_region() {
        let shape = Shape::new(CONSONANTS, 8, false).unwrap();
        let drawn = Region::ALL.map(|region| draw_near(region, &shape, false, &keys(), &mut Zero).1);

        assert!(drawn.iter().all(|address| *address == drawn[0]));
    }

    #[test]
    fn every_shard_of_a_region_gets_its_share() {
        let shape = Shape::new(CONSONANTS, 8, false).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        let mut counts = [0_u32; 8];

        for _ in 0..4_000 {
            let (_, address) = draw_near(Region::Apac, &shape, false, &keys(), &mut rng);
            counts[usize::from(address.shard.index)] += 1;
        }

        assert!(counts.iter().all(|count| (400..600).contains(count)), "{counts:?}");
    }
}
