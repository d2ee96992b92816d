//! The tables of the `Registry` object, and what a command has changed in them.

use core::cell::{Cell, RefCell};

use worker::{Env, Result, SqlStorageValue, State};

use crate::audit::webhook::Webhook;
use crate::client::Client;
use crate::cloudflare::object::{self, Table, column, json};
use crate::cloudflare::{shipping, warnings};
use crate::registry::command::Keeper;
use crate::registry::rows::NewKey;
use crate::sharding::Replica;
use crate::time::Timestamp;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS clients (client_id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS open_clients (client_id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS removed_clients (client_id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scopes (name TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scope_claims (name TEXT PRIMARY KEY, rules TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scope_demands (name TEXT PRIMARY KEY, demand TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS logos (owner TEXT PRIMARY KEY, name TEXT NOT NULL, record TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS logos_by_name ON logos (name)",
    "CREATE TABLE IF NOT EXISTS providers (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS provider_sources (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS documents (entry TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS inventory (identifier TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS signing_keys (kid TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS admin_tokens (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS invitations (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS replicas (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS governance (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS policies (version INTEGER PRIMARY KEY, record TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS exceptions (
        id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, due INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS exceptions_by_due ON exceptions (due)",
    "CREATE TABLE IF NOT EXISTS kills (id TEXT PRIMARY KEY, until INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS kills_by_until ON kills (until)",
    "CREATE TABLE IF NOT EXISTS access_requests (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, state TEXT NOT NULL, due INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS access_requests_by_account ON access_requests (account, id)",
    "CREATE INDEX IF NOT EXISTS access_requests_by_state ON access_requests (state, id)",
    "CREATE INDEX IF NOT EXISTS access_requests_by_due ON access_requests (due)",
    "CREATE TABLE IF NOT EXISTS first_issuer (one INTEGER PRIMARY KEY CHECK (one = 1), issuer TEXT NOT NULL)",
    shipping::OUTBOX,
    shipping::OUTBOX_END,
    shipping::OUTBOX_GONE,
    shipping::SET_ASIDE,
    warnings::DELIVERIES,
];

pub(super) struct Stored {
    pub(super) table: Table,
    /// Whether a row that is published was written since this was last reset.
    pub(super) written: Cell<bool>,
    /// Whether a row that replicas depend on was written since this was last reset.
    pub(super) replicated: Cell<bool>,
    /// Whether an event was stored since this was last reset.
    pub(super) told: Cell<bool>,
    /// New keys that no command has used yet.
    pub(super) made: RefCell<Vec<NewKey>>,
    pub(super) webhook: Option<Webhook>,
    /// Lines for the log, written once the transaction has succeeded.
    pub(super) warnings: RefCell<Vec<String>>,
}

impl Stored {
    /// Opens the tables. The source makes those that are missing; a replica has none.
    pub(super) fn open(state: &State, env: &Env, is_source: bool) -> Self {
        Self {
            table: Table::open(state, if is_source { SCHEMA } else { &[] }),
            written: Cell::default(),
            replicated: Cell::default(),
            told: Cell::default(),
            made: RefCell::default(),
            webhook: warnings::webhook(env),
            warnings: RefCell::default(),
        }
    }

    /// Forgets what a command before, which might have failed, has left.
    pub(super) fn forget_progress(&self) {
        self.written.set(false);
        self.replicated.set(false);
        self.told.set(false);
        self.warnings.take();
    }

    pub(super) fn run(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        self.written.set(true);
        self.replicated.set(true);
        self.table.run(statement, values)
    }

    /// Returns the replicas that may have a lease, with their longest leases.
    pub(super) fn replicas(&self) -> Result<Vec<Keeper>> {
        self.table.records("SELECT record FROM replicas", Vec::new())
    }

    pub(super) fn put_replica(&self, keeper: Keeper) -> Result<()> {
        let values = vec![keeper.replica.to_string().into(), json(&keeper)?];
        self.table.run("INSERT OR REPLACE INTO replicas (name, record) VALUES (?, ?)", values)
    }

    pub(super) fn remove_replica(&self, replica: Replica) -> Result<()> {
        self.table.run("DELETE FROM replicas WHERE name = ?", vec![replica.to_string().into()])
    }

    /// Returns the number that a query counts.
    pub(super) fn counted(&self, query: &str) -> Result<usize> {
        let counted = self.table.rows(query, Vec::new())?;
        Ok(counted.first().and_then(|row| row.first()).and_then(object::count).unwrap_or(usize::MAX))
    }

    /// Returns when the first client of open registration ends.
    pub(super) fn first_end(&self) -> Result<Option<Timestamp>> {
        self.table.instant("SELECT min(ends_at) FROM open_clients", Vec::new())
    }

    /// Returns when something is due for the first exception, kill switch or request for access.
    pub(super) fn first_due(&self) -> Result<Option<Timestamp>> {
        let due = "SELECT min(at) FROM (SELECT min(due) AS at FROM exceptions UNION ALL SELECT min(until) FROM kills
                   UNION ALL SELECT min(due) FROM access_requests)";
        self.table.instant(due, Vec::new())
    }

    /// Writes a client, and when it ends if it does.
    pub(super) fn write_client(&self, client: &Client) -> Result<()> {
        let client_id = || SqlStorageValue::from(client.client_id.as_str());
        let record = "INSERT OR REPLACE INTO clients (client_id, record) VALUES (?, ?)";
        self.table.run(record, vec![client_id(), json(client)?])?;
        let Some(end) = client.ends_at() else { return Ok(()) };
        let row = "INSERT OR REPLACE INTO open_clients (client_id, ends_at) VALUES (?, ?)";
        self.table.run(row, vec![client_id(), column(end)])
    }
}
