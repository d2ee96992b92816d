//! Events of alerts: what the server itself has noticed in the other events.

use serde::{Deserialize, Serialize};

use super::change::Actor;
use super::outcome::Outcome;
use crate::format::Format;
use crate::time::Timestamp;

/// An alert was opened or closed.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AlertEvent {
    pub format: Format<2>,
    pub what: AlertKind,
    pub outcome: Outcome,
    pub at: Timestamp,
    /// The number of the alert.
    pub subject: String,
    /// What was noticed, such as `campaign`: see docs/detections.md.
    pub detection: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The `sub` of an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The AS number of a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// How much was found: events or people, as the detection counts.
    pub count: u64,
    /// The identifiers of the first events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Who closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
}

/// A kind of event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A detection has reached its threshold.
    AlertOpened,
    /// An administrator has closed the alert.
    AlertClosed,
}

impl AlertKind {
    /// Returns what became of access.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::AlertOpened => Outcome::Noted,
            Self::AlertClosed => Outcome::Changed,
        }
    }

    /// Returns whether the log and the webhook get the event.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        match self {
            Self::AlertOpened => true,
            Self::AlertClosed => false,
        }
    }
}
