//! The messages to a ledger, and to the object that knows the state of all outboxes.

use serde::{Deserialize, Serialize};

use super::chain::link;
use super::closing::{
    self, CloseLedger, ContinueClosing, Head, KeepHeads, KeepRoot, ReadHeads, ReadRoots, Seal, SignedRoot,
    Step,
};
use super::ledger_name::LedgerName;
use super::reading::{EventPage, MOST_LOOKED_AT, ReadEvents};
use super::verification::{Link, MOST_VERIFIED, Verified, VerifyLedger};
use crate::ask::{Answer, commands};
use crate::json;
use crate::time::Timestamp;

/// Name of the `Ledger` object that keeps no events, but the last report of each outbox and the names of all ledgers.
pub const OUTBOXES: &str = "outboxes";

/// Days after which a ledger is emptied, counted from its first event.
pub const RETENTION_DAYS: u32 = 400;

commands! {
    /// Every command that a ledger answers.
    pub enum Command {
        Record => Receipt,
        ReportOutbox => (),
        ListOutboxes => Vec<OutboxReport>,
        NoteLedger => bool,
        FindLedgers => Vec<LedgerName>,
        ReadEvents => EventPage,
        FindRecord => Option<serde_json::Value>,
        VerifyLedger => Verified,
        CloseLedger => Seal,
        ContinueClosing => Option<Step>,
        KeepHeads => (),
        KeepRoot => (),
        ReadRoots => Vec<SignedRoot>,
        ReadHeads => Vec<Head>,
    }
}

/// An event on its way to the ledger. If the same `id` is shipped twice, it is recorded once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Shipment {
    /// The object's name and the event's number there: `weur/3/17`.
    pub id: String,
    /// The event as JSON, not as a type of this version, so that members that a newer version wrote are not lost. Its
    /// numbers are whole: `serde_json` does not keep every digit of others, and its feature that does adds 22 kB of wasm.
    pub event: serde_json::Value,
}

/// Records events in a ledger, in this order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Record {
    /// The ledger skips shipments that it has already.
    pub shipments: Vec<Shipment>,
}

/// The reply of a ledger to [`Record`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Receipt {
    /// The shipments that came too late, by their identifiers: the ledger is closed, and does not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
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

/// Notes in the object [`OUTBOXES`] that a ledger is about to get its first events. So every ledger with events is
/// listed there, and looking for events creates no object. The reply says whether the ledger may get them: its day may be
/// closed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct NoteLedger {
    pub name: LedgerName,
}

/// Lists the noted ledgers from `first` to the end of `last_day`, in order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct FindLedgers {
    pub first: LedgerName,
    pub last_day: u32,
    pub limit: u32,
}

/// Finds the record of an event by its identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindRecord {
    pub id: String,
}

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
    /// Number of codes that have not ended, if the object has codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_codes: Option<u64>,
}

/// The rows of a ledger, or of the object [`OUTBOXES`].
#[expect(missing_docs, reason = "the names of the other methods say it all")]
pub trait Rows: closing::Rows {
    fn has(&self, id: &str) -> Result<bool, Self::Error>;
    fn record(&self, id: &str) -> Result<Option<String>, Self::Error>;
    /// Returns the head after the last record; empty if there is none.
    fn head(&self) -> Result<String, Self::Error>;
    fn append(&self, id: &str, record: &str, head: &str) -> Result<(), Self::Error>;
    /// Returns the first records whose number is higher, with their numbers.
    fn records_after(&self, number: i64, limit: u32) -> Result<Vec<(i64, String)>, Self::Error>;
    /// Returns the first rows whose number is higher.
    fn links_after(&self, number: i64, limit: u32) -> Result<Vec<Link>, Self::Error>;
    fn put_report(&self, report: &OutboxReport) -> Result<(), Self::Error>;
    fn reports(&self) -> Result<Vec<OutboxReport>, Self::Error>;
    /// Notes a ledger, and forgets those of days before `first_day`.
    fn note(&self, name: &LedgerName, first_day: u32) -> Result<(), Self::Error>;
    fn noted(&self, first: &LedgerName, last_day: u32, limit: u32) -> Result<Vec<LedgerName>, Self::Error>;
}

/// Applies one command.
///
/// # Errors
///
/// A row could not be read or written. Nothing is written then if the caller wraps the call in a transaction.
pub fn apply<R: Rows>(rows: &R, command: Command) -> Result<Answer, R::Error> {
    Ok(match command {
        Command::Record(ask) => Answer::to::<Record>(&record(rows, &ask)?),
        Command::ReportOutbox(ask) => Answer::to::<ReportOutbox>(&rows.put_report(&ask.report)?),
        Command::ListOutboxes(_) => Answer::to::<ListOutboxes>(&rows.reports()?),
        Command::NoteLedger(NoteLedger { name }) => {
            let is_open = closing::is_open(rows, name.day)?;
            if is_open {
                rows.note(&name, name.day.saturating_sub(RETENTION_DAYS + 1))?;
            }
            Answer::to::<NoteLedger>(&is_open)
        }
        Command::FindLedgers(FindLedgers { first, last_day, limit }) => {
            Answer::to::<FindLedgers>(&rows.noted(&first, last_day, limit)?)
        }
        Command::ReadEvents(ask) => {
            let found = rows.records_after(ask.after, MOST_LOOKED_AT + 1)?;
            Answer::to::<ReadEvents>(&EventPage::of(&ask, &found))
        }
        Command::FindRecord(ask) => {
            let found = rows.record(&ask.id)?.and_then(|record| json::read(&record).ok());
            Answer::to::<FindRecord>(&found)
        }
        Command::VerifyLedger(ask) => {
            let links = rows.links_after(ask.after.row, MOST_VERIFIED + 1)?;
            Answer::to::<VerifyLedger>(&ask.verify(&links))
        }
        Command::CloseLedger(_) => Answer::to::<CloseLedger>(&closing::close(rows)?),
        Command::ContinueClosing(ask) => Answer::to::<ContinueClosing>(&closing::go_on(rows, ask.now)?),
        Command::KeepHeads(ask) => Answer::to::<KeepHeads>(&closing::keep(rows, &ask)?),
        Command::KeepRoot(ask) => Answer::to::<KeepRoot>(&rows.put_root(&ask.root)?),
        Command::ReadRoots(ask) => Answer::to::<ReadRoots>(&rows.roots(&ask)?),
        Command::ReadHeads(ask) => Answer::to::<ReadHeads>(&rows.heads(&ask)?),
    })
}

/// Appends shipments. Skips those that the ledger has already: an object ships an event again until it hears that the
/// event has arrived. A closed ledger takes none that it does not have.
fn record<R: Rows>(rows: &R, ask: &Record) -> Result<Receipt, R::Error> {
    let (mut head, is_closed) = (rows.head()?, rows.is_closed()?);
    let mut receipt = Receipt::default();
    for shipment in &ask.shipments {
        if rows.has(&shipment.id)? {
            continue;
        }
        if is_closed {
            receipt.late.push(shipment.id.clone());
        } else {
            let record = serde_json::to_string(shipment).expect("a JSON value can always be written");
            head = link(&head, &record);
            rows.append(&shipment.id, &record, &head)?;
        }
    }
    Ok(receipt)
}
