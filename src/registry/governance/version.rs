//! The versions of the policy.

use serde::{Deserialize, Serialize};

use crate::audit::change::Actor;
use crate::client::history::History;
use crate::format::Format;
use crate::policy::document::Policy;
use crate::time::Timestamp;

/// The most versions of the policy that are kept.
pub const MOST_VERSIONS: u64 = 200;

/// A version of the policy as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PolicyVersion {
    pub format: Format<1>,
    /// 1 for the first document; each change adds 1.
    pub version: u64,
    pub policy: Policy,
    pub author: Actor,
    /// Why the author changed the policy.
    pub reason: String,
    pub at: Timestamp,
}

/// A version of the policy without its document.
#[expect(missing_docs, reason = "the fields are those of `PolicyVersion`")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Edit {
    pub version: u64,
    pub author: Actor,
    pub reason: String,
    pub at: Timestamp,
}

impl PolicyVersion {
    /// Returns the version without its document.
    #[must_use]
    pub fn edit(&self) -> Edit {
        let Self { version, at, .. } = *self;
        Edit { version, author: self.author.clone(), reason: self.reason.clone(), at }
    }

    /// Returns version and date, for preconditions.
    #[must_use]
    pub const fn history(&self) -> History {
        History { version: self.version, created_at: Some(self.at), changed_at: None }
    }
}

/// The history of the policy of a server without a document.
pub const WITHOUT_DOCUMENT: History = History { version: 0, created_at: None, changed_at: None };
