//! Identifiers of families and of the answers that carried their tokens.

use core::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::secret;
use crate::sharding::Shard;

/// A family's row key: 128 random bits, written as base64url.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct FamilyId([u8; 16]);

impl FamilyId {
    /// Draws the identifier of a new family.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(secret::random(rng))
    }

    /// The identifier that a token carries.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes for a token to carry.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&secret::encode(&self.0))
    }
}

impl Serialize for FamilyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FamilyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = secret::decode(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| de::Error::custom("a family id is 16 bytes in base64url"))
    }
}

/// Names one successful answer: the `jti` of its access token. A retry inside the platform carries the same name and
/// so gets the same result.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AttemptId(String);

impl AttemptId {
    /// Draws the name of a new attempt: 128 random bits in base64url.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(secret::random_id(rng))
    }

    /// The attempt that made the access token with this `jti`.
    #[must_use]
    pub fn of_jti(jti: &str) -> Self {
        Self(jti.to_owned())
    }

    /// The `jti` of its access token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A family and the shard that it lives in: the `sid` of its tokens, as base64url(shard ‖ family).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionId {
    /// Where the family lives.
    pub shard: Shard,
    /// The family.
    pub family: FamilyId,
}

impl SessionId {
    /// Reads the `sid` of a token of this server.
    #[must_use]
    pub fn parse(sid: &str) -> Option<Self> {
        let bytes = secret::decode(sid)?;
        let (shard, family) = bytes.split_first_chunk::<2>()?;
        let shard = Shard::from_bytes(*shard)?;
        family.try_into().ok().map(|family| Self { shard, family: FamilyId(family) })
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&secret::encode(&[&self.shard.to_bytes()[..], &self.family.0].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::Region;

    #[test]
    fn a_sid_leads_back_to_its_family() {
        let session =
            SessionId { shard: Shard { region: Region::Weur, index: 3 }, family: FamilyId([9; 16]) };

        assert_eq!(SessionId::parse(&session.to_string()), Some(session));
        assert!(SessionId::parse("").is_none() && SessionId::parse("AgM").is_none());
        let nowhere = secret::encode(&[&[2, 64][..], &[9; 16]].concat());
        assert!(SessionId::parse(&nowhere).is_none(), "no region has a shard 64");
    }
}
