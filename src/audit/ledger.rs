//! The messages to a ledger, and to the object that knows the state of all outboxes.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ask::commands;
use crate::secret;
use crate::time::Timestamp;

/// Name of the `Ledger` object that keeps no events, but the last report of each outbox.
pub const OUTBOXES: &str = "outboxes";

commands! {
    /// Every command that a ledger answers.
    pub enum Command {
        Record => (),
        ReportOutbox => (),
        ListOutboxes => Vec<OutboxReport>,
    }
}

/// An event on its way to the ledger. If the same `id` is shipped twice, it is recorded once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Shipment {
    /// The object's name and the event's number there: `weur/3/17`.
    pub id: String,
    /// The event as JSON, not as a type of this version, so that members that a newer version wrote are not lost.
    pub event: serde_json::Value,
}

/// Records events in a ledger, in this order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Record {
    /// The ledger skips shipments that it has already.
    pub shipments: Vec<Shipment>,
}

/// Reports the state of an outbox to the object [`OUTBOXES`], in place of the previous report.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct ReportOutbox {
    pub report: OutboxReport,
}

/// Lists the last reports of all outboxes, by name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListOutboxes {}

/// The state of an object's outbox after its last alarm.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OutboxReport {
    /// The object's name, such as `weur/3` or `registry`.
    pub object: String,
    /// When the report was made.
    pub at: Timestamp,
    /// Number of events that are not in a ledger.
    pub waiting: u64,
    /// When the oldest of them happened; `None` if none is waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
    /// Number of events that were set aside, because they cannot be shipped.
    pub set_aside: u64,
}

/// Returns the head of a hash chain after one more record: SHA-256 of the previous head, a newline and the
/// record, in base64url. The first head is the empty string.
#[must_use]
pub fn link(head: &str, record: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(head.as_bytes());
    hash.update(b"\n");
    hash.update(record.as_bytes());
    secret::encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_record_changes_every_head_after_it() {
        let honest = link(&link("", "one"), "two");

        assert_eq!(honest, link(&link("", "one"), "two"));
        assert_ne!(honest, link(&link("", "0ne"), "two"));
        assert_ne!(honest, link(&link("", "two"), "one"));
    }
}
