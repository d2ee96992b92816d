//! Rows that lead to an account from something else that names it.

use serde::{Deserialize, Serialize};

use super::account_key::AccountKey;
use super::credential_id::CredentialId;
use crate::sharding::AccountShard;
use crate::sub::Sub;
use crate::time::Timestamp;

/// What leads to an account: the row is at the shard of this text, which is mostly not the account's.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Pointer(String);

/// What a pointer leads to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Target {
    /// The account's key.
    pub account: AccountKey,
    /// When the row can be deleted; `None` if only its account can release it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

impl Pointer {
    /// Returns the pointer of a `sub` of this server.
    #[must_use]
    pub fn sub(sub: &Sub) -> Self {
        Self(format!("sub:{}", sub.as_str()))
    }

    /// Returns the pointer of a passkey.
    #[must_use]
    pub fn credential(id: &CredentialId) -> Self {
        Self(format!("credential:{id}"))
    }

    /// Returns the pointer of a user name at a provider, where case does not matter (RFC 7643 §4.1.1).
    #[must_use]
    pub fn name(provider: &str, username: &str) -> Self {
        Self(format!("name:{provider}:{}", username.to_lowercase()))
    }

    /// Returns the pointer of a session at a provider, by its `sid`.
    #[must_use]
    pub fn session(provider: &str, sid: &str) -> Self {
        Self(format!("session:{provider}:{sid}"))
    }

    /// Returns the pointer of a `sub` at a provider, whose accounts are known by another claim.
    #[must_use]
    pub fn subject(provider: &str, sub: &str) -> Self {
        Self(format!("subject:{provider}:{sub}"))
    }

    /// Returns the text, which is the key of the row.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the shard that has the row.
    #[must_use]
    pub fn shard(&self) -> AccountShard {
        AccountShard::of(&self.0)
    }
}
