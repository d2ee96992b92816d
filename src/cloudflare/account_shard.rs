//! `AccountShard`: accounts, their sessions and devices, and pointers to accounts.

use core::cell::Cell;
use std::rc::Rc;

use worker::{Env, Result, SqlStorageValue, State};

use super::exported::{Object, exported};
use super::object;
use super::object::{Table, column, json, number, ring_by};
use super::shipping::{self, Shipper};
use super::warnings;
use crate::alarm::{Shipping, Work, next_alarm};
use crate::ask::Answer;
use crate::audit::Event;
use crate::audit::change::Change;
use crate::audit::sign_in::SignInEvent;
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::command::Command;
use crate::identity::device::{Device, DeviceId};
use crate::identity::history::History;
use crate::identity::latest_kill::LatestKill;
use crate::identity::pointer::{Pointer, Target};
use crate::identity::recheck::Upkeep;
use crate::identity::session::Session;
use crate::identity::shard::{Rows, apply};
use crate::secret;
use crate::secret::Digest;
use crate::time::Timestamp;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS accounts (key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS sessions (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS sessions_account ON sessions (account)",
    "CREATE INDEX IF NOT EXISTS sessions_ends_at ON sessions (ends_at)",
    "CREATE TABLE IF NOT EXISTS pointers (
        pointer TEXT PRIMARY KEY, ends_at INTEGER, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS pointers_ends_at ON pointers (ends_at)",
    "CREATE TABLE IF NOT EXISTS devices (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS devices_account ON devices (account, id)",
    "CREATE INDEX IF NOT EXISTS devices_ends_at ON devices (ends_at)",
    "CREATE TABLE IF NOT EXISTS upkeep (
        account TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS upkeep_ends_at ON upkeep (ends_at)",
    "CREATE TABLE IF NOT EXISTS histories (account TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS latest_kill (one INTEGER PRIMARY KEY CHECK (one = 1), record TEXT NOT NULL)",
    shipping::OUTBOX,
    shipping::OUTBOX_END,
    shipping::OUTBOX_GONE,
    shipping::SET_ASIDE,
    warnings::DELIVERIES,
];

/// Stores accounts, sessions and devices, deletes those that have ended, and ships the events of changes.
pub(super) struct AccountShard {
    state: State,
    env: Env,
    table: Rc<Table>,
    alarm: Cell<Option<Timestamp>>,
    shipper: Shipper,
}

exported!(ExportedAccountShard: AccountShard);

impl Object for AccountShard {
    fn new(state: State, env: Env) -> Self {
        let table = Rc::new(Table::open(&state, SCHEMA));
        Self { state, env, table, alarm: Cell::default(), shipper: Shipper::default() }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command = object::parsed(text)?;
        let now = object::now();
        let answer = self.transact(command, now)?;
        ring_by(&self.state, &self.alarm, self.due(now)).await;
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        let now = object::now();
        self.alarm.set(None);
        // A failure is logged, and the next alarm tries again: see `GrantShard`.
        let is_behind = self.sweep(now).unwrap_or_else(|error| {
            object::complain("sweep", &error);
            false
        });
        let webhook = warnings::webhook(&self.env);
        let rest = self.shipper.ship_and_warn(&self.state, &self.table, None, webhook.as_ref()).await;
        ring_by(&self.state, &self.alarm, self.due_with(rest, is_behind, object::now())).await;
        Ok(())
    }
}

impl AccountShard {
    /// Applies a command in one transaction: all of its writes take effect, or none.
    fn transact(&self, command: Command, now: Timestamp) -> Result<Answer> {
        let table = Rc::clone(&self.table);
        object::transaction(&self.state, move || apply(&*table, command, now))
    }

    /// Deletes rows that have ended. Returns whether others are left.
    fn sweep(&self, now: Timestamp) -> Result<bool> {
        let mut is_behind = false;
        for (table, key) in
            [("sessions", "id"), ("pointers", "pointer"), ("devices", "id"), ("upkeep", "account")]
        {
            is_behind |= self.table.sweep(table, key, now)?;
        }
        Ok(is_behind)
    }

    fn due(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let events = shipping::has_events(&self.table)?.then_some(Shipping::Soon);
        self.due_with(events, false, now)
    }

    fn due_with(
        &self,
        events: Option<Shipping>,
        is_behind: bool,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let ends = "SELECT min(at) FROM (SELECT min(ends_at) AS at FROM sessions
                    UNION ALL SELECT min(ends_at) FROM pointers
                    UNION ALL SELECT min(ends_at) FROM devices
                    UNION ALL SELECT min(ends_at) FROM upkeep)";
        let first_end = self.table.instant(ends, Vec::new())?;
        let first_delivery = warnings::first_due(&self.table)?;
        Ok(next_alarm(Work { first_end, is_behind, events, first_delivery }, now))
    }
}

impl Rows for Table {
    type Error = worker::Error;

    fn account(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.record("SELECT record FROM accounts WHERE key = ?", vec![key.as_str().into()])
    }

    fn accounts(&self, after: Option<&AccountKey>, prefix: &str, limit: u32) -> Result<Vec<Account>> {
        // The byte 255 comes after every byte of a text, so every key with the prefix comes before the end.
        let query =
            "SELECT record FROM accounts WHERE key >= ? AND key < ? || CAST(X'FF' AS TEXT) AND key <> ?
                     ORDER BY key LIMIT ?";
        let after = after.map_or("", AccountKey::as_str);
        self.records(query, vec![after.max(prefix).into(), prefix.into(), after.into(), number(limit)])
    }

    fn put_account(&self, account: &Account) -> Result<()> {
        let values = vec![account.key.as_str().into(), json(account)?];
        self.run("INSERT OR REPLACE INTO accounts (key, record) VALUES (?, ?)", values)
    }

    fn session(&self, id: &Digest) -> Result<Option<Session>> {
        self.record("SELECT record FROM sessions WHERE id = ?", vec![secret::encode(id.bytes()).into()])
    }

    fn sessions(&self, account: &AccountKey) -> Result<Vec<(Digest, Session)>> {
        let query = "SELECT id, record FROM sessions WHERE account = ?";
        let rows = self.each_keyed(query, vec![account.as_str().into()])?;
        rows.map(|row| {
            let (id, session): (String, Session) = row?;
            Ok((session_key(&id)?, session))
        })
        .collect()
    }

    fn each_session(
        &self,
        account: Option<&AccountKey>,
        after: Option<&Digest>,
        mut see: impl FnMut(Digest, Session) -> bool,
    ) -> Result<()> {
        let after = after.map_or_else(String::new, |after| secret::encode(after.bytes())).into();
        let (query, values) = match account {
            Some(account) => (
                "SELECT id, record FROM sessions WHERE account = ? AND id > ? ORDER BY id",
                vec![account.as_str().into(), after],
            ),
            None => ("SELECT id, record FROM sessions WHERE id > ? ORDER BY id", vec![after]),
        };
        for row in self.each_keyed(query, values)? {
            let (id, session): (String, Session) = row?;
            if !see(session_key(&id)?, session) {
                break;
            }
        }
        Ok(())
    }

    fn put_session(&self, id: &Digest, session: &Session) -> Result<()> {
        let account = session.account.as_str().into();
        let values =
            vec![secret::encode(id.bytes()).into(), account, column(session.ends_at), json(session)?];
        self.run("INSERT OR REPLACE INTO sessions (id, account, ends_at, record) VALUES (?, ?, ?, ?)", values)
    }

    fn remove_session(&self, id: &Digest) -> Result<()> {
        self.run("DELETE FROM sessions WHERE id = ?", vec![secret::encode(id.bytes()).into()])
    }

    fn pointer(&self, pointer: &Pointer) -> Result<Option<Target>> {
        self.record("SELECT record FROM pointers WHERE pointer = ?", vec![pointer.as_str().into()])
    }

    fn put_pointer(&self, pointer: &Pointer, target: &Target) -> Result<()> {
        let ends_at = target.ends_at.map_or(SqlStorageValue::Null, column);
        let values = vec![pointer.as_str().into(), ends_at, json(target)?];
        self.run("INSERT OR REPLACE INTO pointers (pointer, ends_at, record) VALUES (?, ?, ?)", values)
    }

    fn remove_pointer(&self, pointer: &Pointer) -> Result<()> {
        self.run("DELETE FROM pointers WHERE pointer = ?", vec![pointer.as_str().into()])
    }

    fn device(&self, id: &DeviceId) -> Result<Option<Device>> {
        self.record("SELECT record FROM devices WHERE id = ?", vec![id.as_str().into()])
    }

    fn put_device(&self, id: &DeviceId, device: &Device) -> Result<()> {
        let values =
            vec![id.as_str().into(), device.account.as_str().into(), column(device.ends_at), json(device)?];
        self.run("INSERT OR REPLACE INTO devices (id, account, ends_at, record) VALUES (?, ?, ?, ?)", values)
    }

    fn remove_device(&self, id: &DeviceId) -> Result<()> {
        self.run("DELETE FROM devices WHERE id = ?", vec![id.as_str().into()])
    }

    fn each_device(
        &self,
        account: Option<&AccountKey>,
        after: Option<&DeviceId>,
        mut see: impl FnMut(DeviceId, Device) -> bool,
    ) -> Result<()> {
        let after = after.map_or("", DeviceId::as_str).into();
        let (query, values) = match account {
            Some(account) => (
                "SELECT id, record FROM devices WHERE account = ? AND id > ? ORDER BY id",
                vec![account.as_str().into(), after],
            ),
            None => ("SELECT id, record FROM devices WHERE id > ? ORDER BY id", vec![after]),
        };
        for row in self.each_keyed(query, values)? {
            let (id, device): (String, Device) = row?;
            if !see(id.into(), device) {
                break;
            }
        }
        Ok(())
    }

    fn history(&self, account: &AccountKey) -> Result<Option<History>> {
        self.record("SELECT record FROM histories WHERE account = ?", vec![account.as_str().into()])
    }

    fn put_history(&self, account: &AccountKey, history: &History) -> Result<()> {
        let values = vec![account.as_str().into(), json(history)?];
        self.run("INSERT OR REPLACE INTO histories (account, record) VALUES (?, ?)", values)
    }

    fn remove_history(&self, account: &AccountKey) -> Result<()> {
        self.run("DELETE FROM histories WHERE account = ?", vec![account.as_str().into()])
    }

    fn tell_of_device(&self, event: &Event) -> Result<()> {
        shipping::tell(self, event, event.at)?;
        // Without a webhook, the next alarm deletes it.
        if event.is_for_webhook() { warnings::keep(self) } else { Ok(()) }
    }

    fn tell(&self, change: &Change) -> Result<()> {
        shipping::tell(self, change, change.at)
    }

    fn tell_of_sign_in(&self, event: &SignInEvent) -> Result<()> {
        shipping::tell(self, event, event.at)
    }

    fn latest_kill(&self) -> Result<Option<LatestKill>> {
        self.record("SELECT record FROM latest_kill", Vec::new())
    }

    fn put_latest_kill(&self, kill: &LatestKill) -> Result<()> {
        let statement = "INSERT OR REPLACE INTO latest_kill (one, record) VALUES (1, ?)";
        self.run(statement, vec![json(kill)?])
    }

    fn upkeep(&self, account: &AccountKey) -> Result<Option<Upkeep>> {
        self.record("SELECT record FROM upkeep WHERE account = ?", vec![account.as_str().into()])
    }

    fn put_upkeep(&self, upkeep: &Upkeep) -> Result<()> {
        let values = vec![upkeep.account.as_str().into(), column(upkeep.ends_at), json(upkeep)?];
        self.run("INSERT OR REPLACE INTO upkeep (account, ends_at, record) VALUES (?, ?, ?)", values)
    }

    fn remove_upkeep(&self, account: &AccountKey) -> Result<()> {
        self.run("DELETE FROM upkeep WHERE account = ?", vec![account.as_str().into()])
    }
}

fn session_key(id: &str) -> Result<Digest> {
    Digest::parse(id).ok_or_else(|| worker::Error::from("the key of a session is no digest"))
}
