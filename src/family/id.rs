//! Identifiers of families, and of the attempts that issued their tokens.

use core::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::secret;
use crate::sharding::Shard;

/// A family's row key: 128 random bits, written in base64url.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FamilyId([u8; 16]);

impl FamilyId {
    /// Draws the identifier of a new family.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(secret::random(rng))
    }

    /// Returns the identifier with the bytes that a token carries.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes for a token to carry.
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

/// The name of one attempt to redeem a grant or refresh a family: the `jti` of its access token. If the
/// platform delivers the command of the attempt twice, both copies carry the same name and get the same
/// reply.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AttemptId(String);

impl AttemptId {
    /// Draws the name of a new attempt: 128 random bits in base64url.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(secret::random_id(rng))
    }

    /// Returns the name of the attempt that issued the access token with this `jti`.
    #[must_use]
    pub fn of_jti(jti: &str) -> Self {
        Self(jti.to_owned())
    }

    /// Returns the `jti` of the access token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A family and its shard. Displays as the `sid` of the family's tokens: base64url(shard ‖ family).
#[expect(missing_docs, reason = "the types say what each field is")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionId {
    pub shard: Shard,
    pub family: FamilyId,
}

impl SessionId {
    /// Reads a `sid`. Returns `None` if it has the wrong form, or names a shard that cannot exist.
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
