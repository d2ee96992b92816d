//! The key of a grant's row, which names the grant in records and events.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::secret;

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
