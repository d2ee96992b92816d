//! Changes of the registry: one event for each, stored in the same transaction as the change.

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::secret::Digest;
use crate::time::Timestamp;

/// A change of the registry. It names what was changed, and contains no value, so no secret either.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    pub format: Format<1>,
    pub what: Changed,
    pub at: Timestamp,
    /// The client, the scope, the `kid` of the key, or the algorithm whose key was replaced; `None` if the keys of all
    /// algorithms were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub by: Actor,
    /// The members of the client that differ from before, by name. Empty for all other changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
}

/// A kind of change.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// A client was registered.
    ClientCreated,
    /// Members of a client were changed.
    ClientChanged,
    /// A client was deleted.
    ClientDeleted,
    /// A client got a new secret.
    ClientSecretRotated,
    /// A scope got a description, or another one.
    ScopeDescribed,
    /// The claim mapping of a scope was set or removed.
    ScopeMapped,
    /// A scope was removed.
    ScopeRemoved,
    /// Keys that sign were replaced.
    KeysRotated,
    /// A key was taken out of use.
    KeyRetired,
    /// An operator supplied a key.
    KeyImported,
}

/// Who changes the registry.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The holder of an admin token. Carries the first eight hex digits of the token's SHA-256, as they stand in the
    /// setting.
    Operator(String),
    /// A client that registered itself. It also deletes the unused clients whose place it takes.
    Registration,
}

impl Actor {
    /// Returns the holder of the admin token with this digest.
    #[must_use]
    pub fn operator(token: &Digest) -> Self {
        let [a, b, c, d, ..] = *token.bytes();
        Self::Operator(format!("{:08x}", u32::from_be_bytes([a, b, c, d])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_named_as_in_the_setting() {
        // printf %s test | sha256sum
        assert_eq!(Actor::operator(&Digest::of(b"test")), Actor::Operator("9f86d081".to_owned()));
    }
}
