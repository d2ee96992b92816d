//! The messages to the object that counts.

use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertId};
use super::blocked::{Blocked, By};
use super::destination_command::{
    CreateDestination, DeleteDestination, DestinationRefusal, ListDestinations, NoteDeliveries,
    ReplaceDestination,
};
use super::detection::Detection;
use super::kind::Tallied;
use super::overview::Overview;
use super::usage::Usage;
use crate::ask::commands;
use crate::audit::change::Actor;
use crate::audit::ledger_name::LedgerName;
use crate::courier::destination::Destination;
use crate::format::is_false;

commands! {
    /// Every command that the object answers.
    pub enum Command {
        Tell => Option<Told>,
        NoteWrongCodes => (),
        ReadTotals => Totals,
        ListAlerts => Vec<Alert>,
        CloseAlert => Option<Alert>,
        ReadUsage => Vec<Usage>,
        ListDestinations => Vec<Destination>,
        CreateDestination => Result<Destination, DestinationRefusal>,
        ReplaceDestination => Result<Destination, DestinationRefusal>,
        DeleteDestination => Result<(), DestinationRefusal>,
        NoteDeliveries => (),
        ReadOverview => Overview,
        NoteRefusedStarts => (),
        ReadBlocked => BlockedPage,
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

/// The reply to [`Tell`], if there is something to say.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Told {
    /// Where events are delivered. The ledger feeds their couriers.
    pub destinations: Vec<Destination>,
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

/// Reads what happened on some days, the last one included.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReadOverview {
    /// The first day, counted from 1970.
    pub first_day: u32,
    /// The last day.
    pub last_day: u32,
    /// The most clients, and the most countries, to return.
    pub most: u32,
}

/// Notes that requests for codes were refused. They reach no object, so there is no event of them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct NoteRefusedStarts {
    pub starts: Vec<RefusedStarts>,
}

/// Refused requests for codes that have all of this in common.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct RefusedStarts {
    /// If nobody registered the client, a text that is safe to show.
    pub client_id: String,
    pub is_registered: bool,
    /// What decided, such as `rule staff-cli` or `grant_not_allowed`.
    pub decided_by: String,
    /// Whether that was the policy, not the client.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_by_policy: bool,
    /// The rules that applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    pub times: u64,
}

/// Reads what policy refused, or would have refused, in the order of the keys of rows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReadBlocked {
    /// By what the rows are told apart.
    pub by: By,
    /// The first day, counted from 1970.
    pub since: u32,
    /// Only rows after this one; empty to begin.
    pub after: String,
    /// The most rows to look at.
    pub limit: u32,
}

/// The result of [`ReadBlocked`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct BlockedPage {
    /// The rows with something to report, with what they say of these days.
    pub rows: Vec<(String, Blocked)>,
    /// The row that was looked at last; `None` if it is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
