//! `Courier`: what waits for a destination of events, and what was given up. One object per destination.

use core::cell::Cell;
use core::time::Duration;
use std::rc::Rc;

use worker::{Env, Error, Result, SqlStorageValue, State};

use super::entry::settings;
use super::exported::{Object, exported};
use super::object::{self, Table, column, json, number, ring_by};
use super::platform::Workers;
use crate::alarm::{Work, next_alarm};
use crate::ask::{Answer, Ask};
use crate::audit::ledger_name::LedgerName;
use crate::courier::command::Command;
use crate::courier::delivery::{Condition, Delivery, Numbered};
use crate::courier::rows::Rows;
use crate::courier::shard::apply;
use crate::endpoint::courier::{Course, Mailbox};
use crate::endpoint::platform::Unavailable;
use crate::endpoint::server::Server;
use crate::time::Timestamp;

/// How long a courier waits before it asks again for a destination that cannot be read, or that is switched off.
const AGAIN: Duration = Duration::from_secs(60);

const SCHEMA: &[&str] = &[
    // For a dead delivery, `due` is when it is deleted.
    "CREATE TABLE IF NOT EXISTS deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, is_dead INTEGER NOT NULL, due INTEGER NOT NULL, record TEXT NOT NULL
    )",
    "CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (is_dead, due, seq)",
    "CREATE TABLE IF NOT EXISTS heard (ledger TEXT PRIMARY KEY, seq INTEGER NOT NULL, ends_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS condition (one INTEGER PRIMARY KEY CHECK (one = 1), record TEXT NOT NULL)",
];

/// Keeps deliveries, and delivers them in its alarm.
pub(super) struct Courier {
    state: State,
    env: Env,
    table: Rc<Table>,
    alarm: Cell<Option<Timestamp>>,
}

exported!(ExportedCourier: Courier);

impl Object for Courier {
    fn new(state: State, env: Env) -> Self {
        let table = Rc::new(Table::open(&state, SCHEMA));
        Self { state, env, table, alarm: Cell::default() }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command: Command = object::parsed(text)?;
        let wakes = matches!(command, Command::Wake(_));
        let answer = self.transact(command)?;
        let due = if wakes { Ok(Some(object::now())) } else { self.due(None) };
        ring_by(&self.state, &self.alarm, due).await;
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        self.alarm.set(None);
        if let Err(error) = self.sweep(object::now()) {
            object::complain("sweep", &error);
        }
        #[cfg(feature = "panic-probe")]
        super::probe::in_courier();
        let again = match self.deliver().await {
            Ok(Course::Goes) => None,
            Ok(Course::Off) => Some(object::now() + AGAIN),
            Ok(Course::Gone) => return self.end().await,
            Err(error) => {
                object::complain("courier", &error);
                Some(object::now() + AGAIN)
            }
        };
        ring_by(&self.state, &self.alarm, self.due(again)).await;
        Ok(())
    }
}

impl Courier {
    fn transact(&self, command: Command) -> Result<Answer> {
        let (table, now) = (Rc::clone(&self.table), object::now());
        object::transaction(&self.state, move || apply(&*table, command, now))
    }

    async fn deliver(&self) -> Result<Course> {
        let settings = settings(&self.env).map_err(|bad| Error::RustError(bad.to_string()))?;
        let workers = Workers::new(self.env.clone(), &settings)?;
        // Without a name, it would look as if the destination were gone, and everything would be deleted.
        let name = self.state.id().name().ok_or_else(|| Error::from("the object has no name"))?;
        let course = Server::new(settings, workers).deliver(&name, self).await;
        course.map_err(|Unavailable| Error::from("the destination or a row could not be read"))
    }

    /// Deletes everything, because the destination was deleted.
    async fn end(&self) -> Result<()> {
        if let Err(error) = self.state.storage().delete_all().await {
            object::complain("sweep", &error);
            ring_by(&self.state, &self.alarm, Ok(Some(object::now() + AGAIN))).await;
        }
        Ok(())
    }

    fn sweep(&self, now: Timestamp) -> Result<()> {
        self.table.remove_ended(now)?;
        self.table.run("DELETE FROM heard WHERE ends_at <= ?", vec![column(now)])
    }

    /// Returns when something is due: a delivery, not before `again`, or the end of a dead letter or of a number.
    fn due(&self, again: Option<Timestamp>) -> Result<Option<Timestamp>> {
        let first_delivery =
            self.table.instant("SELECT min(due) FROM deliveries WHERE is_dead = 0", Vec::new())?;
        let paused_until = self.table.condition()?.paused_until;
        let first_delivery =
            first_delivery.map(|due| [again, paused_until].into_iter().flatten().fold(due, Timestamp::max));
        let ends = "SELECT min(at) FROM (SELECT min(due) AS at FROM deliveries WHERE is_dead = 1
                                         UNION ALL SELECT min(ends_at) FROM heard)";
        let first_end = self.table.instant(ends, Vec::new())?;
        Ok(next_alarm(Work { first_end, first_delivery, ..Work::default() }, object::now()))
    }
}

impl Mailbox for Courier {
    fn apply<A: Ask<Command = Command>>(&self, ask: A) -> core::result::Result<A::Reply, Unavailable> {
        let answer = self.transact(ask.into()).and_then(|answer| answer.read::<A>().map_err(object::broken));
        answer.map_err(|error| {
            object::complain("courier", &error);
            Unavailable
        })
    }

    fn now(&self) -> Timestamp {
        object::now()
    }
}

/// The start of a query for deliveries, each as one text.
const NUMBERED: &str = "SELECT json_object('number', seq, 'delivery', json(record)) FROM deliveries";

impl Rows for Table {
    type Error = Error;

    fn heard(&self, ledger: &LedgerName) -> Result<Option<i64>> {
        let rows = self.rows("SELECT seq FROM heard WHERE ledger = ?", vec![ledger.to_string().into()])?;
        let Some(SqlStorageValue::Integer(heard)) = rows.first().and_then(|row| row.first()) else {
            return Ok(None);
        };
        Ok(Some(*heard))
    }

    fn put_heard(&self, ledger: &LedgerName, number: i64, until: Timestamp) -> Result<()> {
        let values = vec![ledger.to_string().into(), SqlStorageValue::Integer(number), column(until)];
        self.run("INSERT OR REPLACE INTO heard (ledger, seq, ends_at) VALUES (?, ?, ?)", values)
    }

    fn count(&self, is_dead: bool) -> Result<u32> {
        let query = "SELECT count(*) FROM deliveries WHERE is_dead = ?";
        let rows = self.rows(query, vec![number(u32::from(is_dead))])?;
        let count = rows.first().and_then(|row| row.first()).and_then(object::count).unwrap_or_default();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn add(&self, delivery: &Delivery, due: Timestamp) -> Result<()> {
        let values = vec![number(u32::from(delivery.died_at.is_some())), column(due), json(delivery)?];
        self.run("INSERT INTO deliveries (is_dead, due, record) VALUES (?, ?, ?)", values)
    }

    fn put(&self, Numbered { number: seq, delivery }: &Numbered, due: Timestamp) -> Result<()> {
        let is_dead = number(u32::from(delivery.died_at.is_some()));
        let values = vec![is_dead, column(due), json(delivery)?, SqlStorageValue::Integer(*seq)];
        self.run("UPDATE deliveries SET is_dead = ?, due = ?, record = ? WHERE seq = ?", values)
    }

    fn remove(&self, number: i64) -> Result<()> {
        self.run("DELETE FROM deliveries WHERE seq = ?", vec![SqlStorageValue::Integer(number)])
    }

    fn delivery(&self, number: i64) -> Result<Option<Delivery>> {
        self.record("SELECT record FROM deliveries WHERE seq = ?", vec![SqlStorageValue::Integer(number)])
    }

    fn deliveries(&self, is_dead: bool, after: i64, limit: u32) -> Result<Vec<Numbered>> {
        let values = vec![number(u32::from(is_dead)), SqlStorageValue::Integer(after), number(limit)];
        self.records(&format!("{NUMBERED} WHERE is_dead = ? AND seq > ? ORDER BY seq LIMIT ?"), values)
    }

    fn due(&self, now: Timestamp) -> Result<Option<Numbered>> {
        let query = format!("{NUMBERED} WHERE is_dead = 0 AND due <= ? ORDER BY due, seq LIMIT 1");
        self.record(&query, vec![column(now)])
    }

    fn remove_ended(&self, now: Timestamp) -> Result<()> {
        self.run("DELETE FROM deliveries WHERE is_dead = 1 AND due <= ?", vec![column(now)])
    }

    fn condition(&self) -> Result<Condition> {
        Ok(self.record("SELECT record FROM condition", Vec::new())?.unwrap_or_default())
    }

    fn put_condition(&self, condition: &Condition) -> Result<()> {
        self.run("INSERT OR REPLACE INTO condition (one, record) VALUES (1, ?)", vec![json(condition)?])
    }
}
