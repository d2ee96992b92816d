//! The messages between a Worker and a `LimiterShard`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ask::commands;
use crate::network::{Network, Width};
use crate::time::Timestamp;

commands! {
    /// Every command that a `LimiterShard` answers.
    #[derive(PartialEq)]
    pub enum Command {
        Take => Room,
        GiveBack => (),
        UseOnce => bool,
        Expose => bool,
        FindDocument => DocumentNow,
        KeepDocument => (),
    }
}

/// Takes one attempt from the row `key`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what the others are")]
pub struct Take {
    pub key: String,
    pub rule: Rule,
    /// The network of the attempt, if the row counts a network. Each of its prefixes must have room; if one
    /// has not, nothing is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// Gives back the attempt of `network` that was taken from the row `key` at `at`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct GiveBack {
    pub key: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// Uses up a name that may be used once, such as a `jti`. The reply is `true` the first time. `key` is the
/// name or its digest, and is remembered until `until`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct UseOnce {
    pub key: String,
    pub until: Timestamp,
}

/// Adds code entries and numbers of live codes to the row `key`. The reply is `true` if guessing has become
/// too easy.
#[expect(missing_docs, reason = "the type's comment says what the key is")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Expose {
    pub key: String,
    /// Number of live codes by shard, for the shards from which an isolate has heard lately.
    pub live: BTreeMap<String, u64>,
    /// Number of wrong codes entered just now.
    pub wrong: u64,
    /// Number of right codes entered since the last report.
    #[serde(default)]
    pub right: u64,
    /// Seconds for which the numbers count: the lifetime of a code.
    pub window: u64,
    /// The largest allowed product of guesses and live codes: see
    /// [`allowed_exposure`](super::budgets::allowed_exposure).
    pub allowed: u64,
}

/// Reads the document of the row `key`, or takes the turn to fetch it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what the other is")]
pub struct FindDocument {
    pub key: String,
    /// Seconds until the next turn.
    pub pause: u64,
}

/// Keeps a document that was fetched. `None` forgets the one before: there is none any more, or it cannot be used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct KeepDocument {
    pub key: String,
    pub document: Option<KeptDocument>,
}

/// A document, as it was fetched.
#[expect(missing_docs, reason = "the name says what it is")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeptDocument {
    pub text: String,
    /// Until when nobody fetches it again.
    pub fresh_until: Timestamp,
}

/// What to do about a document. One that is stale counts only if no newer one can be fetched.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub enum DocumentNow {
    /// Use this one.
    Fresh(KeptDocument),
    /// Fetch it now.
    Fetch { stale: Option<KeptDocument> },
    /// Somebody has just fetched it, or tried to: the next turn is after these seconds.
    Wait { seconds: u64, stale: Option<KeptDocument> },
}

impl Command {
    /// Returns the key of the row that the command concerns.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Take(ask) => &ask.key,
            Self::GiveBack(ask) => &ask.key,
            Self::UseOnce(ask) => &ask.key,
            Self::Expose(ask) => &ask.key,
            Self::FindDocument(ask) => &ask.key,
            Self::KeepDocument(ask) => &ask.key,
        }
    }
}

/// How attempts are limited. The numbers hold for an account, or for the narrowest prefix of a network. In a
/// wider prefix, `limit` and `free` are multiplied by its [factor](Width::factor).
#[expect(missing_docs, reason = "the comments of the variants say what they are")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// `limit` attempts in any `window` seconds, then a wait until the oldest of them is `window` seconds
    /// old.
    Window { limit: u64, window: u64 },
    /// `free` attempts at once, then waits of 1, 2, 4 … `longest` seconds, which slow guessing down but never
    /// lock anybody out. An attempt counts for `window` seconds.
    Backoff { free: u64, longest: u64, window: u64 },
}

/// Whether there was room for one more attempt.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    /// The attempt is counted as of this instant.
    Taken(Timestamp),
    /// There is no room, and nothing was taken.
    Wait(Full),
}

/// What has no room, and until when.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Full {
    /// Try again after this many seconds.
    pub seconds: u64,
    /// The prefix that is full, if the row counts a network. If several are full, the one that needs the
    /// longest wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Width>,
}
