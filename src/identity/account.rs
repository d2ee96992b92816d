//! The accounts of people.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::format::Format;

/// An account's row key: where the account comes from, a colon, and its name there, as in `local:alice`.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct AccountKey(String);

impl AccountKey {
    /// Returns the key of the account that signs in here as `username`. Surrounding white space and case do
    /// not matter.
    #[must_use]
    pub fn local(username: &str) -> Self {
        Self(format!("local:{}", username.trim().to_lowercase()))
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The `sub` of an account in tokens: opaque, never used for another account (RFC 9700 §4.15), and the same whatever
/// keys the server has. Events name accounts by it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Sub(String);

impl Sub {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Sub {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// An account as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Account {
    pub format: Format<1>,
    pub key: AccountKey,
    /// The subject in tokens: opaque, and never used for another account (RFC 9700 §4.15).
    pub sub: String,
    pub username: String,
    /// The full name.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the e-mail address is known to be this person's.
    pub email_verified: bool,
    pub groups: Vec<String>,
    /// Argon2id hash as a PHC string.
    pub password: String,
    /// If true, policy refuses everything for the account.
    pub blocked: bool,
}

/// Shows only the key: neither the password hash nor the e-mail address.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("key", &self.key).finish_non_exhaustive()
    }
}
