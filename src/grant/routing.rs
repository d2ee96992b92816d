//! Which shard a code lives in, found from the code alone.
//!
//! `shard = HMAC(K, user_code) mod (regions × shards per region)`. A code is drawn until the hash falls in
//! a shard of the device's own region, so the person's side finds it with no index and no routing symbol
//! in the code, and to anyone without the key the codes stay uniform.

use core::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::user_code::{Shape, UserCode};
use crate::derived_keys::Keys;
use crate::secret;

/// Most shards that a region may have, ever.
pub const MAX_SHARDS: u8 = 64;
/// After this many draws the last one stands, wherever it lives: about one code in 10^15.
const MAX_DRAWS: usize = 200;

/// The places where the platform hosts objects. Hints that host none are folded to a neighbour.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// Western North America.
    Wnam,
    /// Eastern North America, and South America.
    Enam,
    /// Western Europe, and Africa.
    Weur,
    /// Eastern Europe, and the Middle East.
    Eeur,
    /// Asia.
    Apac,
    /// Oceania.
    Oc,
}

impl Region {
    /// Every region; the position of one is its byte in a device code, so the order is for ever.
    pub const ALL: [Self; 6] = [Self::Wnam, Self::Enam, Self::Weur, Self::Eeur, Self::Apac, Self::Oc];

    /// The platform's location hint.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Wnam => "wnam",
            Self::Enam => "enam",
            Self::Weur => "weur",
            Self::Eeur => "eeur",
            Self::Apac => "apac",
            Self::Oc => "oc",
        }
    }

    /// The region nearest to a data centre, by its three-letter code; western Europe if it is unknown.
    #[must_use]
    pub fn nearest(colo: Option<&str>) -> Self {
        let hint = colo.and_then(cf_colo_hint::Colo::from_code).and_then(|colo| colo.location_hint());
        match hint.map_or("weur", |hint| hint.as_str()) {
            "wnam" => Self::Wnam,
            "enam" | "sam" => Self::Enam,
            "eeur" | "me" => Self::Eeur,
            "oc" => Self::Oc,
            asia if asia.starts_with("apac") => Self::Apac,
            _ => Self::Weur,
        }
    }

    fn position(self) -> u8 {
        match self {
            Self::Wnam => 0,
            Self::Enam => 1,
            Self::Weur => 2,
            Self::Eeur => 3,
            Self::Apac => 4,
            Self::Oc => 5,
        }
    }
}

/// One `GrantShard`: displays as its object's name, `weur/3`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Shard {
    /// Where the object lives.
    pub region: Region,
    /// Which of that region's shards.
    pub index: u8,
}

impl Shard {
    /// The two bytes that stand for this shard in codes and tokens.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 2] {
        [self.region.position(), self.index]
    }

    /// Reads them; `None` for a shard that cannot exist, so that what is made up calls up no object that nobody made.
    #[must_use]
    pub fn from_bytes([region, index]: [u8; 2]) -> Option<Self> {
        let region = *Region::ALL.get(usize::from(region))?;
        (index < MAX_SHARDS).then_some(Self { region, index })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region.hint(), self.index)
    }
}

/// A grant's primary key: half of a keyed digest of its user code.
///
/// It travels in the device code, so it must not give the user code away; the key sees to that.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RowKey(pub [u8; 16]);

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
        let bytes = secret::decode(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("a row key is 16 bytes, base64url"))
    }
}

/// Where the grant of a user code lives: its object and its row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address {
    /// The object.
    pub shard: Shard,
    /// The row in it.
    pub key: RowKey,
}

impl Address {
    /// The address of `code` under `keys`.
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

/// Draws a code that lives near `region`.
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
    fn a_code_is_drawn_in_the_region_of_the_device() {
        let shape = Shape::new(CONSONANTS, 8, false).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(7);

        for region in Region::ALL {
            let (code, address) = draw_near(region, &shape, false, &keys(), &mut rng);

            assert_eq!(address.shard.region, region);
            assert_eq!(Address::of(&code, &keys()), address, "the code alone leads back");
        }
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

    #[test]
    fn a_shard_is_two_bytes_and_back() {
        let shard = Shard { region: Region::Oc, index: 31 };

        assert_eq!(Shard::from_bytes(shard.to_bytes()), Some(shard));
        assert_eq!(shard.to_string(), "oc/31");
        assert_eq!(Shard::from_bytes([6, 0]), None);
        assert_eq!(Shard::from_bytes([0, MAX_SHARDS]), None);
        assert!(Shard::from_bytes([5, MAX_SHARDS - 1]).is_some());
    }

    #[test]
    fn hints_that_host_no_objects_are_folded_to_a_neighbour() {
        assert_eq!(Region::nearest(Some("GRU")), Region::Enam);
        assert_eq!(Region::nearest(Some("JNB")), Region::Weur);
        assert_eq!(Region::nearest(Some("CDG")), Region::Weur);
        assert_eq!(Region::nearest(Some("not a colo")), Region::Weur);
    }
}
