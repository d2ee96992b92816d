//! Ships the events of an object's outbox to its ledgers. The rules are in [`crate::audit::outbox`].

use core::cell::RefCell;

use futures_util::future::join;
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Error, Result, SqlStorageValue, State};

use super::object::{self, Table, column, count, number};
use super::platform::ask_ledger;
use super::{request_id, warnings};
use crate::alarm::Shipping;
use crate::audit::ledger::{OUTBOXES, OutboxReport, ReportOutbox};
use crate::audit::outbox::{Batch, From, MOST_ASIDE, Next, Round, Row, Waits, lateness};
use crate::audit::told::Told;
use crate::audit::webhook::Webhook;
use crate::endpoint::boxed::boxed;
use crate::time::Timestamp;

/// The tables that an object with an outbox has.
pub(super) const OUTBOX: &str = "CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, event TEXT NOT NULL, note TEXT
)";
/// Number and note of the newest event, once it is no longer in the outbox. `AUTOINCREMENT` would write a row for each event
/// to remember the number.
pub(super) const OUTBOX_END: &str =
    "CREATE TABLE IF NOT EXISTS outbox_end (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, note TEXT)";
/// How many events have left the outbox. As events are numbered without gaps, those that wait need not be counted.
pub(super) const OUTBOX_GONE: &str =
    "CREATE TABLE IF NOT EXISTS outbox_gone (id INTEGER PRIMARY KEY, events INTEGER NOT NULL)";
pub(super) const SET_ASIDE: &str = "CREATE TABLE IF NOT EXISTS set_aside (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, event TEXT NOT NULL)";

/// The number of the newest event, whether it waits or has left; 0 before the first one.
const NEWEST: &str = "max(ifnull((SELECT max(seq) FROM outbox), 0), ifnull((SELECT seq FROM outbox_end), 0))";

/// Appends an event to the outbox, with the request that led to it.
pub(super) fn tell<E: Serialize>(table: &Table, event: &E, at: Timestamp) -> Result<()> {
    tell_with(table, event, at, SqlStorageValue::Null)
}

/// Does what [`tell`] does, and stores a text with the event, to be read by [`note`]: so it costs no row of its own.
pub(super) fn tell_with<E: Serialize>(
    table: &Table,
    event: &E,
    at: Timestamp,
    note: SqlStorageValue,
) -> Result<()> {
    let request = request_id::current();
    let event = Told { event, request_id: request.as_deref() };
    let insert = format!("INSERT INTO outbox (seq, at, event, note) VALUES (1 + {NEWEST}, ?, ?, ?)");
    table.run(&insert, vec![column(at), object::json(&event)?, note])
}

/// Returns the record that was stored with the newest event, shipped or not.
pub(super) fn note<T: DeserializeOwned>(table: &Table) -> Result<Option<T>> {
    let newest = "SELECT note FROM (SELECT seq, note FROM outbox_end
        UNION ALL SELECT seq, note FROM (SELECT seq, note FROM outbox ORDER BY seq DESC LIMIT 1)) ORDER BY seq DESC LIMIT 1";
    table.record(newest, Vec::new())
}

/// Returns whether events are waiting.
pub(super) fn has_events(table: &Table) -> Result<bool> {
    Ok(!table.rows("SELECT 1 FROM outbox LIMIT 1", Vec::new())?.is_empty())
}

/// What an object keeps in memory about its outbox.
#[derive(Default)]
pub(super) struct Shipper {
    waits: RefCell<Waits>,
    /// The last report, if it said that nothing was left. It need not be repeated.
    clear: RefCell<Option<OutboxReport>>,
}

impl Shipper {
    /// Ships as [`Shipper::ship`] does, and delivers what waits for the webhook: neither waits for the other.
    pub(super) async fn ship_and_warn(
        &self,
        state: &State,
        table: &Table,
        live_codes: Option<u64>,
        webhook: Option<&Webhook>,
    ) -> Option<Shipping> {
        let shipped = boxed(self.ship(state, table, live_codes));
        join(shipped, boxed(warnings::deliver(state, table, webhook))).await.0
    }

    /// Ships what waits in the outbox, within the bounds of one alarm, and reports what is left, with the live codes of an
    /// object that has codes. Returns when to ship the rest; `None` if nothing is left. A failure is logged.
    async fn ship(&self, state: &State, table: &Table, live_codes: Option<u64>) -> Option<Shipping> {
        let shipped = self.try_to_ship(state, table, live_codes).await;
        shipped.unwrap_or_else(|error| {
            object::complain("outbox", &error);
            Some(Shipping::Soon)
        })
    }

    async fn try_to_ship(
        &self,
        state: &State,
        table: &Table,
        live_codes: Option<u64>,
    ) -> Result<Option<Shipping>> {
        let object = state.id().name().ok_or_else(|| Error::from("the object has no name"))?;
        let mut round = Round::begin(object::now());
        while let Some(from) = round.from(object::now()) {
            match read(table, &object, from)? {
                Some(batch) => self.attend(&mut round, &batch, &object, table).await?,
                None => round.end(),
            }
        }
        let rest = has_events(table)?.then(|| round.rest(&self.waits.borrow()));
        self.tell(OutboxReport { live_codes, ..report(table, object)? }).await;
        Ok(rest)
    }

    /// Sets the bad events of a batch aside, and ships the others unless their ledger failed lately.
    async fn attend(&self, round: &mut Round, batch: &Batch, object: &str, table: &Table) -> Result<()> {
        batch.bad.iter().try_for_each(|(seq, why)| set_aside(table, object, *seq, why))?;
        match round.next(batch, &self.waits.borrow(), object::now()) {
            Next::Skip => return Ok(()),
            Next::Send => {}
        }
        match send(batch).await {
            Ok(()) => {
                delete(table, batch)?;
                round.arrived(batch, &mut self.waits.borrow_mut());
            }
            Err(error) => {
                object::complain("ledger", &error);
                round.failed(batch, &mut self.waits.borrow_mut(), object::now());
            }
        }
        Ok(())
    }

    /// Reports the state of the outbox for `GET /outboxes`, and complains in the log if its events are late.
    async fn tell(&self, report: OutboxReport) {
        if let Some(why) = lateness(&report) {
            object::complain("outbox", &Error::RustError(why));
        }
        let unchanged = |last: &OutboxReport| OutboxReport { at: report.at, ..last.clone() } == report;
        if self.clear.borrow().as_ref().is_some_and(unchanged) {
            return;
        }
        let clear = (report.waiting == 0).then(|| report.clone());
        match ask_ledger(OUTBOXES, ReportOutbox { report }).await {
            Ok(()) => drop(self.clear.replace(clear)),
            Err(error) => object::complain("report", &error),
        }
    }
}

/// Sends a batch to its ledger, and what comes too late for that one to a ledger of today.
async fn send(batch: &Batch) -> Result<()> {
    let receipt = ask_ledger(&batch.ledger, batch.record()).await?;
    let Some((ledger, record)) = batch.late(&receipt, object::now()) else { return Ok(()) };
    let receipt = ask_ledger(&ledger.to_string(), record).await?;
    if receipt.late.is_empty() { Ok(()) } else { Err(Error::from("today's ledger is closed")) }
}

/// Reads the oldest waiting events of one ledger.
fn read(table: &Table, object: &str, from: From) -> Result<Option<Batch>> {
    let query = "SELECT seq, at, event FROM outbox WHERE seq > ? AND (seq >= ? OR at >= ?) ORDER BY seq";
    let values = [from.after, from.block_end, from.day_end].map(SqlStorageValue::Integer);
    let mut failure = None;
    let rows = table.lines(query, values.to_vec())?;
    let rows = rows.map_while(|row| row.map_err(|error| failure = Some(error)).ok());
    let batch = Batch::first(object, rows.filter_map(waiting));
    failure.map_or(Ok(batch), Err)
}

fn waiting(row: Vec<SqlStorageValue>) -> Option<Row> {
    let Ok([SqlStorageValue::Integer(number), at, event]) = <[SqlStorageValue; 3]>::try_from(row) else {
        return None;
    };
    let at = if let SqlStorageValue::Integer(at) = at { at } else { 0 };
    Some(Row { number, at, event: object::text(event) })
}

/// Deletes the events of a batch that has arrived.
fn delete(table: &Table, batch: &Batch) -> Result<()> {
    remember_end(table, batch.last)?;
    let values = [batch.first, batch.last, batch.begins(), batch.ends()].map(SqlStorageValue::Integer);
    table.run("DELETE FROM outbox WHERE seq >= ? AND seq <= ? AND at >= ? AND at < ?", values.to_vec())?;
    count_gone(table, batch.shipments.len())
}

/// Counts events that have just left the outbox.
fn count_gone(table: &Table, events: usize) -> Result<()> {
    let add = "INSERT INTO outbox_gone (id, events) VALUES (1, ?)
        ON CONFLICT (id) DO UPDATE SET events = events + excluded.events";
    table.run(add, vec![number(u32::try_from(events).unwrap_or(u32::MAX))])
}

/// Keeps number and note of an event that leaves the outbox, if it is the newest.
fn remember_end(table: &Table, seq: i64) -> Result<()> {
    let newest = "INSERT OR REPLACE INTO outbox_end (id, seq, note)
        SELECT 1, seq, note FROM outbox WHERE seq = ? AND seq = (SELECT max(seq) FROM outbox)";
    table.run(newest, vec![SqlStorageValue::Integer(seq)])
}

/// Moves an event that cannot be shipped out of the outbox, and logs one line without its content.
fn set_aside(table: &Table, object: &str, seq: i64, why: &str) -> Result<()> {
    let number = || vec![SqlStorageValue::Integer(seq)];
    let has_room = aside(table)? < MOST_ASIDE;
    if has_room {
        table.run("INSERT OR REPLACE INTO set_aside (seq, at, event) SELECT seq, at, event FROM outbox WHERE seq = ?", number())?;
    }
    remember_end(table, seq)?;
    table.run("DELETE FROM outbox WHERE seq = ?", number())?;
    count_gone(table, 1)?;
    let fate = if has_room { "set aside" } else { "deleted, because too many are set aside" };
    object::complain("event", &Error::RustError(format!("event {object}/{seq} was {fate}: {why}")));
    Ok(())
}

fn aside(table: &Table) -> Result<usize> {
    Ok(counted(&table.rows("SELECT count(*) FROM set_aside", Vec::new())?))
}

fn report(table: &Table, object: String) -> Result<OutboxReport> {
    let waiting = format!("SELECT {NEWEST} - ifnull((SELECT events FROM outbox_gone), 0)");
    let waiting = counted(&table.rows(&waiting, Vec::new())?);
    let oldest = table.instant("SELECT at FROM outbox ORDER BY seq LIMIT 1", Vec::new())?;
    let (waiting, set_aside) = (waiting as u64, aside(table)? as u64);
    Ok(OutboxReport { object, at: object::now(), waiting, oldest, set_aside, live_codes: None })
}

fn counted(rows: &[Vec<SqlStorageValue>]) -> usize {
    rows.first().and_then(|row| row.first()).and_then(count).unwrap_or_default()
}
