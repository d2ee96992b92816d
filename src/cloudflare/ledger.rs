//! `Ledger`: the events of one object and one day, in a hash chain; and, in one object of its own, the reports of all
//! outboxes and the names of all ledgers.

use core::time::Duration;
use std::rc::Rc;

use worker::{Env, Result, SqlStorageValue, State};

use super::exported::{Object, exported};
use super::object::{self, Table, json, number, text};
use super::platform::{LEDGER, send};
use crate::ask::Answer;
use crate::audit::ledger::{Command, NoteLedger, OUTBOXES, OutboxReport, RETENTION_DAYS, Rows, apply};
use crate::audit::ledger_name::LedgerName;

/// How long a ledger that could not be deleted waits before it tries again.
const AGAIN: Duration = Duration::from_hours(1);

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL, head TEXT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS outboxes (object TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS ledgers (
        day INTEGER NOT NULL, object TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (day, object, block)
    ) WITHOUT ROWID",
];

/// Stores the events of one object and one day, and deletes them after [`RETENTION_DAYS`].
pub(super) struct Ledger {
    state: State,
    table: Rc<Table>,
}

exported!(ExportedLedger: Ledger);

impl Object for Ledger {
    fn new(state: State, _: Env) -> Self {
        let table = Rc::new(Table::open(&state, SCHEMA));
        Self { state, table }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command: Command = object::parsed(text)?;
        #[cfg(feature = "panic-probe")]
        super::probe::delay_ledger().await;
        let records = matches!(command, Command::Record(_));
        if records && self.table.head()?.is_empty() {
            self.be_noted().await?;
        }
        let answer = self.transact(command)?;
        if records && self.state.storage().get_alarm().await?.is_none() {
            self.state.storage().set_alarm(Duration::from_hours(24) * RETENTION_DAYS).await?;
        }
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        // The runtime gives up an alarm that keeps failing, so a failure is logged, and another alarm tries again.
        if let Err(error) = self.state.storage().delete_all().await {
            object::complain("sweep", &error);
            self.state.storage().set_alarm(AGAIN).await?;
        }
        Ok(())
    }
}

impl Ledger {
    fn transact(&self, command: Command) -> Result<Answer> {
        let table = Rc::clone(&self.table);
        object::transaction(&self.state, move || apply(&*table, command))
    }

    /// Makes this ledger known before its first record. If that fails, the records are shipped again.
    async fn be_noted(&self) -> Result<()> {
        let Some(Ok(name)) = self.state.id().name().map(|name| name.parse()) else { return Ok(()) };
        let command: Command = NoteLedger { name }.into();
        send(LEDGER, OUTBOXES, None, &command).await
    }
}

impl Rows for Table {
    type Error = worker::Error;

    fn has(&self, id: &str) -> Result<bool> {
        Ok(!self.rows("SELECT 1 FROM events WHERE id = ?", vec![id.into()])?.is_empty())
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
        let names =
            self.rows(query, values)?.into_iter().filter_map(|row| row.into_iter().next().and_then(text));
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }
}
