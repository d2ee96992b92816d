//! `Ledger`: the events of one object and one day, in a hash chain; and, in one object of its own, the reports of all
//! outboxes, the names of all ledgers, and what is left of closed days: heads and signed roots.

mod closing;
mod progress;
mod rows;

use core::cell::Cell;
use core::time::Duration;
use std::rc::Rc;

use worker::{Env, Error, Result, SqlStorageValue, State};

use super::entry::settings;
use super::exported::{Object, exported};
use super::object::{self, Table, broken, ring_by, written};
use super::platform::{LEDGER, Workers, ask, tell_counts, tell_courier};
use crate::ask::{Answer, Ask};
use crate::audit::closing::{Rows as _, next_closing};
use crate::audit::ledger::{Command, NoteLedger, OUTBOXES, RETENTION_DAYS, Rows as _, apply};
use crate::audit::ledger_name::LedgerName;
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
