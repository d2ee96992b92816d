//! Which Durable Object holds a row.
//!
//! Grants and families live in a shard of the device's region. Accounts and the rows of the limiter are each
//! spread over 32 objects, a number that must never change. The registry is one object, with replicas in every region.

use core::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The most shards that a region can have.
pub const MAX_SHARDS: u8 = 64;
/// The most replicas of the registry that a region can have.
pub const MAX_REPLICAS: u8 = 16;

/// A region in which the platform hosts Durable Objects.
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
    /// Every region. The position of a region in this list is its byte in codes and tokens, so the order must
    /// never change.
    pub const ALL: [Self; 6] = [Self::Wnam, Self::Enam, Self::Weur, Self::Eeur, Self::Apac, Self::Oc];

    /// Returns the platform's location hint.
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

    /// Returns the region nearest to the data center with this three-letter code; western Europe if the code
    /// is unknown. Some location hints name places that host no objects; they are mapped to a neighbor.
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

/// A `GrantShard`. Displays as the name of its object, such as `weur/3`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Shard {
    /// Where the platform creates the object.
    pub region: Region,
    /// Number of the shard within its region, counted from 0.
    pub index: u8,
}

impl Shard {
    /// Returns the two bytes that name this shard in codes and tokens.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 2] {
        [self.region.position(), self.index]
    }

    /// Reads the bytes of [`Shard::to_bytes`]. Returns `None` for a shard that cannot exist, so that a
    /// made-up code does not create an object.
    #[must_use]
    pub fn from_bytes([region, index]: [u8; 2]) -> Option<Self> {
        let region = *Region::ALL.get(usize::from(region))?;
        (index < MAX_SHARDS).then_some(Self { region, index })
    }

    /// Reads the name of an object, such as `weur/3`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (hint, index) = name.split_once('/')?;
        let region = Region::ALL.iter().position(|region| region.hint() == hint)?;
        Self::from_bytes([u8::try_from(region).ok()?, index.parse().ok()?])
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region.hint(), self.index)
    }
}

/// A replica of the registry. Displays as the name of its object, such as `replica/weur/0`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Replica {
    /// Where the platform creates the object.
    pub region: Region,
    /// Number of the replica within its region, counted from 0.
    pub index: u8,
}

impl Replica {
    /// Returns the replica that requests about a grant or family in `shard` ask, of `per_region` in each region; `None` if
    /// there are none.
    #[must_use]
    pub fn near(shard: Shard, per_region: u8) -> Option<Self> {
        let index = shard.index.checked_rem(per_region)?;
        Some(Self { region: shard.region, index })
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replica/{}/{}", self.region.hint(), self.index)
    }
}

/// Number of `AccountShard` objects, and also of `LimiterShard` objects. With another number, stored accounts
/// would not be found.
const SHARDS: u8 = 32;

/// An `AccountShard`. Displays as the name of its object, from `0` to `31`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct AccountShard(u8);

impl AccountShard {
    /// Returns the shard of a row: the key of an account, or a pointer to one.
    #[must_use]
    pub fn of(row: &str) -> Self {
        Self(index_of(row))
    }

    /// Returns all shards.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }
}

impl fmt::Display for AccountShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns the name of the `LimiterShard` that holds `key`, from `0` to `31`.
#[must_use]
pub fn limiter_of(key: &str) -> String {
    index_of(key).to_string()
}

/// The hash has no secret, so a new `MASTER_KEY` moves no row.
fn index_of(key: &str) -> u8 {
    let [first, ..]: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    first % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_object_gets_some_of_the_keys() {
        let names: BTreeSet<String> = (0..1_000).map(|number| limiter_of(&number.to_string())).collect();

        assert_eq!(names.len(), usize::from(SHARDS));
        assert_eq!(names, AccountShard::all().map(|shard| shard.to_string()).collect());
    }

    #[test]
    fn a_shard_can_be_read_from_its_two_bytes() {
        let shard = Shard { region: Region::Oc, index: 31 };

        assert_eq!(Shard::from_bytes(shard.to_bytes()), Some(shard));
        assert_eq!(shard.to_string(), "oc/31");
        assert_eq!(Shard::from_bytes([6, 0]), None);
        assert_eq!(Shard::from_bytes([0, MAX_SHARDS]), None);
        assert!(Shard::from_bytes([5, MAX_SHARDS - 1]).is_some());
    }

    #[test]
    fn the_shards_of_a_region_share_its_replicas() {
        let of = |index, per_region| Replica::near(Shard { region: Region::Weur, index }, per_region);
        let names: Vec<_> = (0..5).filter_map(|index| of(index, 3)).map(|near| near.to_string()).collect();

        let [first, second, third] = ["replica/weur/0", "replica/weur/1", "replica/weur/2"];
        assert_eq!(names, [first, second, third, first, second]);
        assert_eq!(of(0, 0), None);
    }

    #[test]
    fn a_data_center_is_in_the_region_of_its_hint() {
        for (colo, region) in [
            ("LAX", Region::Wnam),
            ("CLT", Region::Enam),
            ("DUS", Region::Weur),
            ("ARN", Region::Eeur),
            ("BKK", Region::Apac),
            ("SYD", Region::Oc),
        ] {
            assert_eq!(Region::nearest(Some(colo)), region, "{colo}");
        }
    }

    #[test]
    fn hints_that_host_no_objects_are_mapped_to_a_neighbor() {
        assert_eq!(Region::nearest(Some("GRU")), Region::Enam);
        assert_eq!(Region::nearest(Some("JNB")), Region::Weur);
        assert_eq!(Region::nearest(Some("DOH")), Region::Eeur);
        assert_eq!(Region::nearest(Some("CDG")), Region::Weur);
        assert_eq!(Region::nearest(Some("not a colo")), Region::Weur);
    }
}
