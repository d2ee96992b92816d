//! `Ledger`: the events of one object and one day, in a hash chain; and, in one object of its own, the reports of all
//! outboxes, the names of all ledgers, and what is left of closed days: heads and signed roots.

use core::cell::Cell;
use core::time::Duration;
use std::rc::Rc;

use worker::{Env, Error, Result, SqlStorageValue, State};

use super::entry::settings;
use super::exported::{Object, exported};
use super::object::{self, Table, broken, column, json, number, ring_by, text, written};
use super::platform::{LEDGER, Workers, ask, tell_counts, tell_courier};
use crate::ask::{Answer, Ask};
use crate::audit::closing::{
    self, Head, NewestClosing, ReadHeads, ReadRoots, Rows as _, Seal, SignedRoot, next_closing,
};
use crate::audit::ledger::{Command, NoteLedger, OUTBOXES, OutboxReport, RETENTION_DAYS, Rows, apply};
use crate::audit::ledger_name::LedgerName;
use crate::audit::verification::Link;
use crate::counts::telling;
use crate::courier::destination::Destination;
use crate::courier::feeding;
use crate::endpoint::at_once::all;
use crate::endpoint::closing::Index;
use crate::endpoint::platform::Unavailable;
use crate::endpoint::server::Server;
use crate::time::Timestamp;

/// How long a ledger that could not be emptied waits before it tries again.
const AGAIN: Duration = Duration::from_hours(1);

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL, head TEXT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS outboxes (object TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS ledgers (
        day INTEGER NOT NULL, object TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (day, object, block)
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS closed (one INTEGER PRIMARY KEY CHECK (one = 1))",
    "CREATE TABLE IF NOT EXISTS heads (
        day INTEGER NOT NULL, object TEXT NOT NULL, block INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, head TEXT NOT NULL, PRIMARY KEY (day, object, block)
    ) WITHOUT ROWID",
    // `root` is null while the day is being closed.
    "CREATE TABLE IF NOT EXISTS roots (day INTEGER PRIMARY KEY, root TEXT)",
    // The number of the last record that was counted, and when the ledger is emptied.
    "CREATE TABLE IF NOT EXISTS told (
        one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, ends_at INTEGER NOT NULL
    )",
    // The number of the last record that was looked at for a courier.
    "CREATE TABLE IF NOT EXISTS fed (courier TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
];

/// Stores the events of one object and one day, tells them to `Counts`, feeds couriers with them, and deletes them after [`RETENTION_DAYS`]. The object [`OUTBOXES`] closes
/// days instead.
pub(super) struct Ledger {
    state: State,
    env: Env,
    table: Rc<Table>,
    alarm: Cell<Option<Timestamp>>,
}

exported!(ExportedLedger: Ledger);

impl Object for Ledger {
    fn new(state: State, env: Env) -> Self {
        let table = Rc::new(Table::open(&state, SCHEMA));
        Self { state, env, table, alarm: Cell::default() }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command: Command = object::parsed(text)?;
        #[cfg(feature = "panic-probe")]
        super::probe::delay_ledger().await;
        let records = matches!(command, Command::Record(_));
        let notes = matches!(command, Command::NoteLedger(_));
        if records && self.table.head()?.is_empty() && !self.be_noted().await? {
            self.table.close()?;
        }
        let answer = self.transact(command)?;
        if notes {
            ring_by(&self.state, &self.alarm, next_closing(&*self.table)).await;
        }
        if records {
            let now = object::now();
            self.table.begin_telling(now + Duration::from_hours(24) * RETENTION_DAYS)?;
            ring_by(&self.state, &self.alarm, Ok(Some(now + telling::SOON))).await;
        }
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        if self.state.id().name().as_deref() == Some(OUTBOXES) {
            return self.close_days().await;
        }
        self.alarm.set(None);
        // The runtime gives up an alarm that keeps failing, so a failure is logged, and another alarm tries again.
        let due = self.tell_or_end().await.unwrap_or_else(|error| {
            object::complain("counts", &error);
            Some(object::now() + telling::AGAIN)
        });
        ring_by(&self.state, &self.alarm, Ok(due)).await;
        Ok(())
    }
}

impl Ledger {
    fn transact(&self, command: Command) -> Result<Answer> {
        let table = Rc::clone(&self.table);
        object::transaction(&self.state, move || apply(&*table, command))
    }

    /// Tells the records that are not counted yet, or empties the ledger if its time is over. Returns when to go on; `None` if
    /// nothing is left.
    async fn tell_or_end(&self) -> Result<Option<Timestamp>> {
        let ends_at = self.table.ends_at()?;
        if ends_at.is_none_or(|ends_at| ends_at <= object::now()) {
            let deleted = self.state.storage().delete_all().await;
            let failed = deleted.map_err(|error| object::complain("sweep", &error)).is_err();
            return Ok(failed.then(|| object::now() + AGAIN));
        }
        let Some(Ok(name)) = self.state.id().name().map(|name| name.parse()) else { return Ok(ends_at) };
        let (is_all_told, destinations) = self.tell(&name).await?;
        let is_all_fed = self.feed(&name, destinations).await?;
        Ok(if is_all_told && is_all_fed { ends_at } else { Some(object::now() + telling::SOON) })
    }

    /// Tells `Counts` the records that it has not acknowledged, within the bounds of one alarm. Returns whether that was all, and
    /// where events are delivered; `None` if nothing was to be told.
    async fn tell(&self, name: &LedgerName) -> Result<(bool, Option<Vec<Destination>>)> {
        let mut destinations = None;
        for _ in 0..telling::MESSAGES {
            let records = self.table.records_after(self.table.told()?, telling::MOST)?;
            let Some(message) = telling::message(name, records) else { return Ok((true, destinations)) };
            let up_to = message.up_to;
            let told = tell_counts(message).await?;
            let known = told.map(|told| told.destinations).unwrap_or_default();
            // Together, so that no crash leaves a courier without what the others hear about now.
            self.table.keep_fed(&known)?;
            destinations = Some(known);
            self.table.run("UPDATE told SET seq = ?", vec![SqlStorageValue::Integer(up_to)])?;
        }
        Ok((false, destinations))
    }

    /// Feeds the couriers with what their destinations want, within the bounds of one alarm. Returns whether that was all. A
    /// courier that does not answer delays no other.
    async fn feed(&self, name: &LedgerName, known: Option<Vec<Destination>>) -> Result<bool> {
        let destinations = match known {
            Some(destinations) => destinations,
            None if self.table.is_behind()? => {
                let told = tell_counts(telling::question(name)).await?;
                let known = told.map(|told| told.destinations).unwrap_or_default();
                self.table.keep_fed(&known)?;
                known
            }
            None => return Ok(true),
        };
        let fed = all(destinations.iter().map(|destination| self.feed_one(name, destination))).await;
        fed.into_iter().try_fold(true, |is_all, fed| fed.map(|is_done| is_all && is_done))
    }

    async fn feed_one(&self, name: &LedgerName, destination: &Destination) -> Result<bool> {
        let courier = destination.courier();
        for _ in 0..feeding::STEPS {
            let records = self.table.records_after(self.table.fed(&courier)?, feeding::MOST)?;
            let Some(step) = feeding::step(name, destination, records) else { return Ok(true) };
            if let Some(message) = step.message {
                tell_courier(&courier, message).await?;
            }
            self.table.put_fed(&courier, step.up_to)?;
        }
        Ok(false)
    }

    /// Closes the days that are over.
    async fn close_days(&self) -> Result<()> {
        self.alarm.set(None);
        let settings = settings(&self.env).map_err(|bad| Error::RustError(bad.to_string()))?;
        let workers = Workers::new(self.env.clone(), &settings)?;
        let again = Server::new(settings, workers).close_days(self, object::now()).await;
        let due = again.map_or_else(|| next_closing(&*self.table), |at| Ok(Some(at)));
        ring_by(&self.state, &self.alarm, due).await;
        Ok(())
    }

    /// Makes this ledger known before its first record. Returns whether it may have records. If that fails, the records are
    /// shipped again.
    async fn be_noted(&self) -> Result<bool> {
        let Some(Ok(name)) = self.state.id().name().map(|name| name.parse()) else { return Ok(true) };
        let command: Command = NoteLedger { name }.into();
        // Without a timer: whoever wants a record here has one.
        let answer = ask(LEDGER, OUTBOXES, None, written(&command)).await?;
        crate::json::read(&answer).map_err(broken)
    }
}

impl Index for Ledger {
    fn apply<A: Ask<Command = Command>>(&self, ask: A) -> core::result::Result<A::Reply, Unavailable> {
        let answer = self.transact(ask.into()).and_then(|answer| answer.read::<A>().map_err(broken));
        answer.map_err(|error| {
            object::complain("ledger", &error);
            Unavailable
        })
    }
}

impl Table {
    fn begin_telling(&self, ends_at: Timestamp) -> Result<()> {
        self.run("INSERT OR IGNORE INTO told (one, seq, ends_at) VALUES (1, 0, ?)", vec![column(ends_at)])
    }

    fn ends_at(&self) -> Result<Option<Timestamp>> {
        self.instant("SELECT ends_at FROM told", Vec::new())
    }

    /// Returns whether the courier of a destination that is known here lacks records.
    fn is_behind(&self) -> Result<bool> {
        let behind = "SELECT 1 FROM fed WHERE seq < (SELECT max(seq) FROM events) LIMIT 1";
        Ok(!self.rows(behind, Vec::new())?.is_empty())
    }

    /// Notes the couriers of all destinations, and forgets those of destinations that are gone.
    fn keep_fed(&self, destinations: &[Destination]) -> Result<()> {
        let known = names_in(self.rows("SELECT courier FROM fed", Vec::new())?);
        let is_gone = |courier: &String| !destinations.iter().any(|one| one.courier() == *courier);
        known
            .into_iter()
            .filter(is_gone)
            .try_for_each(|courier| self.run("DELETE FROM fed WHERE courier = ?", vec![courier.into()]))?;
        let note = "INSERT OR IGNORE INTO fed (courier, seq) VALUES (?, 0)";
        destinations.iter().try_for_each(|one| self.run(note, vec![one.courier().into()]))
    }

    /// Returns the number of the last record that was looked at for a courier.
    fn fed(&self, courier: &str) -> Result<i64> {
        let rows = self.rows("SELECT seq FROM fed WHERE courier = ?", vec![courier.into()])?;
        let fed = rows.first().and_then(|row| row.first());
        Ok(if let Some(SqlStorageValue::Integer(fed)) = fed { *fed } else { 0 })
    }

    fn put_fed(&self, courier: &str, seq: i64) -> Result<()> {
        let values = vec![courier.into(), SqlStorageValue::Integer(seq)];
        self.run("INSERT OR REPLACE INTO fed (courier, seq) VALUES (?, ?)", values)
    }

    /// Returns the number of the last record that was counted.
    fn told(&self) -> Result<i64> {
        let rows = self.rows("SELECT seq FROM told", Vec::new())?;
        let told = rows.first().and_then(|row| row.first());
        Ok(if let Some(SqlStorageValue::Integer(told)) = told { *told } else { 0 })
    }
}

impl closing::Rows for Table {
    type Error = Error;

    fn is_closed(&self) -> Result<bool> {
        Ok(!self.rows("SELECT 1 FROM closed", Vec::new())?.is_empty())
    }

    fn close(&self) -> Result<()> {
        self.run("INSERT OR IGNORE INTO closed (one) VALUES (1)", Vec::new())
    }

    fn seal(&self) -> Result<Seal> {
        let query = "SELECT (SELECT min(seq) FROM events), (SELECT max(seq) FROM events)";
        let ends = self.rows(query, Vec::new())?.into_iter().next();
        let [first, last] = match ends.as_deref() {
            Some([SqlStorageValue::Integer(first), SqlStorageValue::Integer(last)]) => [*first, *last],
            Some(_) | None => [0, 0],
        };
        Ok(Seal { first, last, head: self.head()? })
    }

    fn noted_day_after(&self, day: Option<u32>) -> Result<Option<u32>> {
        let after = SqlStorageValue::Integer(day.map_or(-1, i64::from));
        Ok(first_day(&self.rows("SELECT min(day) FROM ledgers WHERE day > ?", vec![after])?))
    }

    fn newest_closing(&self) -> Result<Option<NewestClosing>> {
        let rows = self.rows("SELECT day, root FROM roots ORDER BY day DESC LIMIT 1", Vec::new())?;
        let is_signed =
            rows.first().is_some_and(|row| matches!(row.get(1), Some(SqlStorageValue::String(_))));
        Ok(first_day(&rows).map(|day| NewestClosing { day, is_signed }))
    }

    fn begin_closing(&self, day: u32) -> Result<()> {
        self.run("INSERT OR IGNORE INTO roots (day) VALUES (?)", vec![number(day)])
    }

    fn without_head(&self, day: u32, limit: u32) -> Result<Vec<LedgerName>> {
        let query = "SELECT day || '/' || object || '/' || block FROM ledgers WHERE day = ? AND NOT EXISTS (
                         SELECT 1 FROM heads WHERE (heads.day, heads.object, heads.block)
                                                 = (ledgers.day, ledgers.object, ledgers.block)
                     ) ORDER BY object, block LIMIT ?";
        Ok(names(self.rows(query, vec![number(day), number(limit)])?))
    }

    fn put_head(&self, Head { ledger, seal }: &Head) -> Result<()> {
        let LedgerName { day, object, block } = ledger;
        let [first, last] = [seal.first, seal.last].map(SqlStorageValue::Integer);
        let name = [number(*day), object.as_str().into(), number(*block)];
        let insert =
            "INSERT OR IGNORE INTO heads (day, object, block, first, last, head) VALUES (?, ?, ?, ?, ?, ?)";
        self.run(insert, name.into_iter().chain([first, last, seal.head.as_str().into()]).collect())
    }

    fn heads(&self, ReadHeads { first, last_day, limit }: &ReadHeads) -> Result<Vec<Head>> {
        let query = "SELECT json_object('ledger', day || '/' || object || '/' || block,
                                        'seal', json_object('first', first, 'last', last, 'head', head))
                     FROM heads WHERE (day, object, block) >= (?, ?, ?) AND day <= ?
                     ORDER BY day, object, block LIMIT ?";
        let LedgerName { day, object, block } = first;
        let values =
            vec![number(*day), object.as_str().into(), number(*block), number(*last_day), number(*limit)];
        self.records(query, values)
    }

    fn put_root(&self, SignedRoot { day, root }: &SignedRoot) -> Result<()> {
        let values = vec![root.as_str().into(), number(*day)];
        self.run("UPDATE roots SET root = ? WHERE day = ? AND root IS NULL", values)
    }

    fn roots(&self, ReadRoots { before, limit }: &ReadRoots) -> Result<Vec<SignedRoot>> {
        let query =
            "SELECT day, root FROM roots WHERE day < ? AND root IS NOT NULL ORDER BY day DESC LIMIT ?";
        let rows = self.rows(query, vec![number(*before), number(*limit)])?;
        let root = |row: Vec<SqlStorageValue>| {
            let day = first_day(core::slice::from_ref(&row))?;
            row.into_iter().nth(1).and_then(text).map(|root| SignedRoot { day, root })
        };
        Ok(rows.into_iter().filter_map(root).collect())
    }
}

/// Reads the day in the first column of the first row.
fn first_day(rows: &[Vec<SqlStorageValue>]) -> Option<u32> {
    let Some(SqlStorageValue::Integer(day)) = rows.first().and_then(|row| row.first()) else { return None };
    u32::try_from(*day).ok()
}

/// Reads the texts in the first column.
fn names_in(rows: Vec<Vec<SqlStorageValue>>) -> Vec<String> {
    rows.into_iter().filter_map(|row| row.into_iter().next().and_then(text)).collect()
}

/// Reads names of ledgers in the first column.
fn names(rows: Vec<Vec<SqlStorageValue>>) -> Vec<LedgerName> {
    names_in(rows).into_iter().filter_map(|name| name.parse().ok()).collect()
}

impl Rows for Table {
    fn has(&self, id: &str) -> Result<bool> {
        Ok(!self.rows("SELECT 1 FROM events WHERE id = ?", vec![id.into()])?.is_empty())
    }

    fn record(&self, id: &str) -> Result<Option<String>> {
        let rows = self.rows("SELECT record FROM events WHERE id = ?", vec![id.into()])?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).and_then(text))
    }

    fn head(&self) -> Result<String> {
        let rows = self.rows("SELECT head FROM events ORDER BY seq DESC LIMIT 1", Vec::new())?;
        let head = rows.into_iter().next().and_then(|row| row.into_iter().next()).and_then(text);
        Ok(head.unwrap_or_default())
    }

    fn append(&self, id: &str, record: &str, head: &str) -> Result<()> {
        let values = vec![id.into(), record.into(), head.into()];
        self.run("INSERT INTO events (id, record, head) VALUES (?, ?, ?)", values)
    }

    fn records_after(&self, after: i64, limit: u32) -> Result<Vec<(i64, String)>> {
        let query = "SELECT seq, record FROM events WHERE seq > ? ORDER BY seq LIMIT ?";
        let rows = self.rows(query, vec![SqlStorageValue::Integer(after), number(limit)])?;
        let record = |row: Vec<SqlStorageValue>| match <[SqlStorageValue; 2]>::try_from(row) {
            Ok([SqlStorageValue::Integer(seq), SqlStorageValue::String(record)]) => Some((seq, record)),
            Ok(_) | Err(_) => None,
        };
        Ok(rows.into_iter().filter_map(record).collect())
    }

    fn links_after(&self, after: i64, limit: u32) -> Result<Vec<Link>> {
        let query = "SELECT seq, record, head FROM events WHERE seq > ? ORDER BY seq LIMIT ?";
        let rows = self.rows(query, vec![SqlStorageValue::Integer(after), number(limit)])?;
        let link = |row: Vec<SqlStorageValue>| {
            let mut columns = row.into_iter();
            let Some(SqlStorageValue::Integer(row)) = columns.next() else { return None };
            let mut column = || columns.next().and_then(text).unwrap_or_default();
            Some(Link { row, record: column(), head: column() })
        };
        Ok(rows.into_iter().filter_map(link).collect())
    }

    fn put_report(&self, report: &OutboxReport) -> Result<()> {
        let values = vec![report.object.as_str().into(), json(report)?];
        self.run("INSERT OR REPLACE INTO outboxes (object, record) VALUES (?, ?)", values)
    }

    fn reports(&self) -> Result<Vec<OutboxReport>> {
        self.records("SELECT record FROM outboxes ORDER BY object", Vec::new())
    }

    fn note(&self, LedgerName { day, object, block }: &LedgerName, first_day: u32) -> Result<()> {
        let values = vec![number(*day), object.as_str().into(), number(*block)];
        self.run("INSERT OR IGNORE INTO ledgers (day, object, block) VALUES (?, ?, ?)", values)?;
        self.run("DELETE FROM ledgers WHERE day < ?", vec![number(first_day)])
    }

    fn noted(&self, first: &LedgerName, last_day: u32, limit: u32) -> Result<Vec<LedgerName>> {
        let query = "SELECT day || '/' || object || '/' || block FROM ledgers
                     WHERE (day, object, block) >= (?, ?, ?) AND day <= ? ORDER BY day, object, block LIMIT ?";
        let LedgerName { day, object, block } = first;
        let values =
            vec![number(*day), object.as_str().into(), number(*block), number(last_day), number(limit)];
        Ok(names(self.rows(query, values)?))
    }
}
