//! The messages to the object that counts.

use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertId};
use super::detection::Detection;
use super::kind::Tallied;
use super::usage::Usage;
use crate::ask::commands;
use crate::audit::change::Actor;
use crate::audit::ledger_name::LedgerName;

commands! {
    /// Every command that the object answers.
    pub enum Command {
        Tell => (),
        NoteWrongCodes => (),
        ReadTotals => Totals,
        ListAlerts => Vec<Alert>,
        CloseAlert => Option<Alert>,
        ReadUsage => Vec<Usage>,
    }
}

/// Tells what a ledger has recorded. Records that the object has counted already change nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tell {
    /// The ledger that has the records.
    pub ledger: LedgerName,
    /// The number of the last record.
    pub up_to: i64,
    /// The records with their numbers, in order, as the ledger stores them.
    pub records: Vec<(i64, String)>,
}

/// Notes that people entered wrong codes. There is no event of a wrong code.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NoteWrongCodes {
    /// How many by the AS number of the person's network; 0 if it is not known.
    pub by_network: Vec<(u32, u64)>,
}

/// Reads the counts since the first record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReadTotals {}

/// The result of [`ReadTotals`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Totals {
    /// In the order of kind and key.
    pub counts: Vec<Tallied>,
    /// How many alerts are open, by detection.
    pub open_alerts: Vec<(Detection, u64)>,
}

/// Lists alerts, newest first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListAlerts {
    /// Only those that are open, or only those that are closed.
    pub is_open: bool,
    /// Only those with lower numbers; `None` to begin.
    pub before: Option<AlertId>,
    /// The most alerts to return.
    pub limit: u32,
}

/// Closes an alert. Returns it; `None` if there is no such alert. An alert that is closed stays as it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what they are")]
pub struct CloseAlert {
    pub id: AlertId,
    pub by: Actor,
}

/// Reads how clients are used, in the order of their identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReadUsage {
    /// Only clients after this one; empty to begin.
    pub after: String,
    /// The most clients to return.
    pub limit: u32,
}
