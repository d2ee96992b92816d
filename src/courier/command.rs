//! The messages to a courier, and those that its alarm sends to itself.

use serde::{Deserialize, Serialize};

use super::delivery::{Condition, Numbered, Outcome};
use crate::ask::commands;
use crate::audit::ledger_name::LedgerName;
use crate::time::Timestamp;

commands! {
    /// Every command that a courier answers.
    pub enum Command {
        Hear => (),
        ReadCourier => CourierState,
        ListDeliveries => Vec<Numbered>,
        Resend => u32,
        Discard => bool,
        FindDue => Option<Numbered>,
        Settle => (),
        Wake => (),
    }
}

/// Tells records of a ledger that the destination wants. Records that the courier has heard about change nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hear {
    /// The ledger that has the records.
    pub ledger: LedgerName,
    /// The number of the last record that the ledger has looked at.
    pub up_to: i64,
    /// The records with their numbers, in order, as the ledger stores them.
    pub records: Vec<(i64, String)>,
}

/// Reads how the destination does.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReadCourier {}

/// The result of [`ReadCourier`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct CourierState {
    /// Number of deliveries that wait.
    pub waiting: u32,
    /// Number of dead letters.
    pub dead: u32,
    /// Since when the first delivery waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
    /// What the last tries led to.
    pub condition: Condition,
}

/// Lists deliveries by number.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListDeliveries {
    /// Those that are dead, or those that wait.
    pub is_dead: bool,
    /// Only higher numbers; 0 to begin.
    pub after: i64,
    /// The most deliveries to return.
    pub limit: u32,
}

/// Lets dead letters wait again: one, or the first [`MOST_RESENT`](super::shard::MOST_RESENT). Returns how many.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Resend {
    /// The number; `None` for as many as are resent at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
}

/// Deletes a delivery, whether it waits or is dead. Returns whether there was one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct Discard {
    pub number: i64,
}

/// Returns the delivery that has been due for the longest time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindDue {}

/// Notes what has become of a try.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Settle {
    /// The number of the delivery.
    pub number: i64,
    /// What has become of it.
    pub outcome: Outcome,
    /// The earliest instant for the next try of any delivery; `None` if nothing has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Timestamp>,
}

/// Lets the alarm ring at once. The courier then finds out whether its destination is gone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Wake {}
