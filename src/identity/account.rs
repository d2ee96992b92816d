//! The accounts of people.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::account_key::AccountKey;
use super::group::Group;
use super::passkey::Passkey;
use crate::format::Format;
use crate::sub::Sub;
use crate::time::Timestamp;

/// An account as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Account {
    pub format: Format<1>,
    pub key: AccountKey,
    /// Counts the changes. A change names the version that it is based on, so that no two changes get lost in each other.
    pub version: u64,
    /// Made once, and never used for another account.
    pub sub: Sub,
    pub username: String,
    /// The full name.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the e-mail address is known to be this person's.
    pub email_verified: bool,
    pub groups: Vec<Group>,
    /// Argon2id hash as a PHC string; `None` if the account has no password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    pub standing: Standing,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<Passkey>,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sign_in: Option<Timestamp>,
    /// The `userName` of the user as which the provider pushes the account by SCIM; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim_name: Option<String>,
}

/// Whether an account may be used.
#[expect(missing_docs, reason = "the names of the other members say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", try_from = "Written")]
pub enum Standing {
    /// The account may be used.
    #[default]
    Active,
    /// Nobody can sign in or get tokens until the block is lifted.
    Blocked {
        at: Timestamp,
        by: Authority,
        /// For administrators to read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The account is gone. Its row stays, so that the same person does not get a new account by signing in.
    Deleted { at: Timestamp, by: Authority },
}

/// Who blocked or deleted an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// An administrator.
    Administrator,
    /// The provider with this identifier. It lifts only blocks of its own.
    Provider(String),
}

/// A [`Standing`] as records have it: flat. What serde derives for an enum with a tag reads from a copy of all members.
#[derive(Deserialize)]
struct Written {
    is: Is,
    at: Option<Timestamp>,
    by: Option<Authority>,
    why: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Is {
    Active,
    Blocked,
    Deleted,
}

impl TryFrom<Written> for Standing {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { is, at, by, why } = written;
        match (is, at.zip(by)) {
            (Is::Active, _) => Ok(Self::Active),
            (Is::Blocked, Some((at, by))) => Ok(Self::Blocked { at, by, why }),
            (Is::Deleted, Some((at, by))) => Ok(Self::Deleted { at, by }),
            (Is::Blocked | Is::Deleted, None) => Err("a standing lacks a member"),
        }
    }
}

impl Standing {
    /// Returns whether the account may be used.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        match self {
            Self::Active => true,
            Self::Blocked { .. } | Self::Deleted { .. } => false,
        }
    }
}

impl Authority {
    /// Returns whether this party may change a standing: a provider only one that it gave, an administrator any.
    #[must_use]
    pub fn has_say(&self, standing: &Standing) -> bool {
        match (self, standing) {
            (Self::Administrator, _) | (Self::Provider(_), Standing::Active) => true,
            (Self::Provider(_), Standing::Blocked { by, .. } | Standing::Deleted { by, .. }) => by == self,
        }
    }
}

/// Shows only the key: neither the password hash nor the e-mail address.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("key", &self.key).finish_non_exhaustive()
    }
}
