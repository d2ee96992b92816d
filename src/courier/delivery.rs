//! An event on its way to a destination.

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::time::Timestamp;

/// An event as the row of a courier stores it. It is waiting, or dead: the courier has given it up.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Delivery {
    pub format: Format<1>,
    /// The identifier of the event, such as `weur/3/17`. Each try has the same, so that the receiver can tell a repetition.
    pub id: String,
    /// When the event happened.
    pub at: Timestamp,
    /// The event as JSON, as in the ledger.
    pub event: String,
    /// When the courier heard about it, or when somebody last resent it.
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// Why the last try failed: a status, `timeout` or the like, and nothing that the receiver wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was given up; `None` while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_at: Option<Timestamp>,
}

/// A delivery with its number at its courier. Numbers count up, and are never used again.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct Numbered {
    pub number: i64,
    pub delivery: Delivery,
}

/// What has become of a try.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The receiver has the event, or the event says nothing to this kind of receiver.
    Delivered,
    /// The try failed, for this reason, and another might not.
    Again(String),
    /// The receiver refused the event, for this reason, and would refuse it again.
    Refused(String),
}

/// How a destination does.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Condition {
    /// When the first try failed after the last one that succeeded; `None` if the last one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Why the last try failed; `None` if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The earliest instant for the next try of any delivery, if the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
    /// How many dead letters made room for others before their time.
    #[serde(default)]
    pub dropped: u64,
}
