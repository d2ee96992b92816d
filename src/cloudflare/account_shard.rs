//! `AccountShard`: accounts and their sessions.

use core::cell::Cell;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::object;
use super::object::{Table, column, json, ring_by};
use crate::alarm::{Work, next_alarm};
use crate::identity::account::{Account, AccountKey};
use crate::identity::session::Session;
use crate::identity::shard::{Rows, apply};
use crate::secret;
use crate::secret::Digest;
use crate::time::Timestamp;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS accounts (key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS sessions (
        id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS sessions_ends_at ON sessions (ends_at)",
];

/// Stores accounts and sessions, and deletes sessions that have ended.
#[durable_object(alarm)]
pub struct AccountShard {
    state: State,
    table: Table,
    alarm: Cell<Option<Timestamp>>,
}

impl DurableObject for AccountShard {
    fn new(state: State, _: Env) -> Self {
        let table = Table::open(&state, SCHEMA);
        Self { state, table, alarm: Cell::default() }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let command = object::command(request).await?;
        let now = object::now();
        let answer = apply(&self.table, command, now)?;
        ring_by(&self.state, &self.alarm, self.due(now)).await;
        object::reply(answer)
    }

    async fn alarm(&self) -> Result<Response> {
        let now = object::now();
        self.alarm.set(None);
        // A failure is logged, and the next alarm tries again: see `GrantShard`.
        if let Err(error) = self.table.run("DELETE FROM sessions WHERE ends_at <= ?", vec![column(now)]) {
            object::complain("sweep", &error);
        }
        ring_by(&self.state, &self.alarm, self.due(now)).await;
        Response::empty()
    }
}

impl AccountShard {
    fn due(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let first_end = self.table.instant("SELECT min(ends_at) FROM sessions", Vec::new())?;
        Ok(next_alarm(Work { first_end, events: None, ..Work::default() }, now))
    }
}

impl Rows for Table {
    type Error = worker::Error;

    fn account(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.record("SELECT record FROM accounts WHERE key = ?", vec![key.as_str().into()])
    }

    fn put_account(&self, account: &Account) -> Result<()> {
        let values = vec![account.key.as_str().into(), json(account)?];
        self.run("INSERT OR REPLACE INTO accounts (key, record) VALUES (?, ?)", values)
    }

    fn session(&self, id: &Digest) -> Result<Option<Session>> {
        self.record("SELECT record FROM sessions WHERE id = ?", vec![secret::encode(id.bytes()).into()])
    }

    fn put_session(&self, id: &Digest, session: &Session) -> Result<()> {
        let values = vec![secret::encode(id.bytes()).into(), column(session.ends_at), json(session)?];
        self.run("INSERT OR REPLACE INTO sessions (id, ends_at, record) VALUES (?, ?, ?)", values)
    }

    fn remove_session(&self, id: &Digest) -> Result<()> {
        self.run("DELETE FROM sessions WHERE id = ?", vec![secret::encode(id.bytes()).into()])
    }
}
