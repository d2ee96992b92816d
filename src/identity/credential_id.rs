//! The identifier of a passkey.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::secret;

/// Length of the longest identifier in bytes (WebAuthn §4, "credential ID").
const LONGEST: usize = 1_023;

/// The identifier that an authenticator gave a passkey: 1 to 1,023 bytes, as text base64url.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// Takes the bytes; `None` if there are none or too many.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=LONGEST).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// Reads base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(&secret::decode(text)?)
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&secret::encode(&self.0))
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialId({self})")
    }
}

impl Serialize for CredentialId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CredentialId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("a credential ID must be 1 to 1023 bytes of base64url"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_one_to_1023_bytes() {
        assert!(CredentialId::new(&[]).is_none());
        assert!(CredentialId::new(&[0; 1_023]).is_some());
        assert!(CredentialId::new(&[0; 1_024]).is_none());
        assert_eq!(CredentialId::parse("AAE").unwrap().to_string(), "AAE");
        assert!(CredentialId::parse("AAE=").is_none() && CredentialId::parse("").is_none());
    }
}
