//! An account.

use crate::format::Format;
use core::fmt;

use serde::{Deserialize, Serialize};

/// An account as its row stores it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Account {
    /// Of this record.
    pub format: Format<1>,
    /// Where it lives: `local:` and the username.
    pub key: String,
    /// What tokens call it: opaque, and never another account's (RFC 9700 §4.15).
    pub sub: String,
    /// What its owner signs in as.
    pub username: String,
    /// Full name.
    pub name: String,
    /// Address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address is known to be theirs.
    pub email_verified: bool,
    /// Groups it is in.
    pub groups: Vec<String>,
    /// Argon2id, as a PHC string.
    pub password: String,
    /// Whether it may do anything at all.
    pub blocked: bool,
}

/// Neither hash nor address.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Where the account of `username` lives. Spelling and case of the name do not matter.
#[must_use]
pub fn key_of(username: &str) -> String {
    format!("local:{}", username.trim().to_lowercase())
}
