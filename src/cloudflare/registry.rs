//! `Registry`: the clients, the scopes and the signing keys of the issuer; publishes its snapshot.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use worker::{DurableObject, Env, Request, Response, Result, SqlStorageValue, State, durable_object};

use super::entry::settings;
use super::object;
use super::object::{Table, json};
use super::platform::{SNAPSHOT, snapshot_key};
use crate::client::Client;
use crate::registry::quota::Size;
use crate::registry::signing_keys::NewKey;
use crate::registry::{Command, Reply, Rows, Snapshot, apply, command, signing_keys, standard_scopes};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::{Algorithm, StoredKey};

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS clients (client_id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS removed_clients (client_id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scopes (name TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scope_claims (name TEXT PRIMARY KEY, rules TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS signing_keys (kid TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
];

/// How long what is published is good for, in seconds; then the source is asked, and publishes anew.
const PUBLISHED_SECONDS: u64 = 300;
/// How long after one publication the next may be.
const PUBLISHING_PAUSE: Duration = Duration::from_millis(1_100);
/// How often the publication of a change is tried.
const PUBLISHING_TRIES: usize = 3;

/// The object.
#[durable_object(fetch)]
pub struct Registry {
    pub(super) state: State,
    env: Env,
    pub(super) table: Rc<Stored>,
    /// When this object last saw to its keys. A new `MASTER_KEY` comes with a deployment, and so a new object.
    pub(super) tended_at: Cell<Option<Timestamp>>,
    /// Changes so far, and when one was published last.
    changes: Cell<u64>,
    published_at: Cell<Timestamp>,
}

/// What the object is asked.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Keys { keys: signing_keys::Command },
    Registry(Command),
}

impl DurableObject for Registry {
    fn new(state: State, env: Env) -> Self {
        let table = Table::open(&state, SCHEMA);
        let table = Rc::new(Stored { table, has_new_clients: Cell::new(false), made: RefCell::default() });
        Self {
            state,
            env,
            table,
            tended_at: Cell::default(),
            changes: Cell::new(0),
            published_at: Cell::new(Timestamp::default()),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let message = object::command(request).await?;
        let now = object::now();
        self.tend(now).await?;
        match message {
            Message::Keys { keys } => object::reply(&self.about_keys(keys, now).await?),
            Message::Registry(command) => object::reply(&self.about_clients(command, now).await?),
        }
    }
}

impl Registry {
    async fn about_clients(&self, command: Command, now: Timestamp) -> Result<Reply> {
        let may_change = matches!(&command, Command::Manage(command) if command.is_change());
        let mut reply = self.transact(command, now)?;
        if self.table.has_new_clients.take() {
            self.tended_at.set(None);
            self.tend(now).await?;
            if matches!(reply, Reply::Snapshot(_)) {
                reply = apply(&*self.table, Command::Snapshot, now)?;
            }
        }
        if may_change && !matches!(reply, Reply::Managed(command::Reply::Refused(_))) {
            self.publish_changes().await;
        }
        match &reply {
            Reply::Snapshot(snapshot) if self.until_publication().is_zero() => {
                self.publish(snapshot).await;
            }
            Reply::Undescribed { client_id, scope } => worker::console_error!(
                "client {client_id:?} may have scope {scope:?}, which has no description: nothing is served"
            ),
            Reply::Snapshot(_) | Reply::AtSource(_) | Reply::Keys(_) | Reply::Managed(_) => {}
        }
        Ok(reply)
    }

    /// All of a command or none of it.
    fn transact(&self, command: Command, now: Timestamp) -> Result<Reply> {
        let table = Rc::clone(&self.table);
        object::transaction(&self.state, move || apply(&*table, command, now))
    }

    /// What was changed is believed everywhere the sooner. KV takes one write a second of a key: changes that come
    /// faster wait, and the last of them is published for all. What KV refuses is tried again; after that it is
    /// believed when the copy ends.
    async fn publish_changes(&self) {
        if self.env.kv(SNAPSHOT).is_err() {
            return;
        }
        let change = self.changes.get() + 1;
        self.changes.set(change);
        for _ in 0..PUBLISHING_TRIES {
            let wait = self.until_publication();
            if !wait.is_zero() {
                worker::Delay::from(wait).await;
            }
            if self.changes.get() != change || self.publish_source().await {
                return;
            }
        }
    }

    /// How long KV is left alone.
    fn until_publication(&self) -> Duration {
        (self.published_at.get() + PUBLISHING_PAUSE).since(object::now())
    }

    /// Publishes what is so now; whether there is nothing left to do.
    async fn publish_source(&self) -> bool {
        match apply(&*self.table, Command::Snapshot, object::now()) {
            Ok(Reply::Snapshot(snapshot)) => self.publish(&snapshot).await,
            Ok(_) => true,
            Err(error) => {
                object::complain("publish", &error);
                false
            }
        }
    }

    /// Answers a command about keys. After a change others stand by, and all are published.
    async fn about_keys(
        &self,
        command: signing_keys::Command,
        now: Timestamp,
    ) -> Result<signing_keys::Reply> {
        let is_change = command.is_change();
        let mut reply = self.change_keys(command, now).await?;
        if is_change {
            self.tended_at.set(None);
            match self.tend(now).await {
                Ok(()) => reply = signing_keys::current(&*self.table, reply, now)?,
                // The change was made; the next request tends again.
                Err(error) => object::complain("tend", &error),
            }
            self.publish_changes().await;
        }
        Ok(reply)
    }

    pub(super) fn settings(&self) -> Result<Settings> {
        settings(&self.env).map_err(|bad| worker::Error::RustError(bad.to_string()))
    }

    /// Puts the snapshot where it is read without asking here; `false` if that failed. KV only makes things faster:
    /// without it there is nothing to do.
    async fn publish(&self, snapshot: &Snapshot) -> bool {
        let Ok(kv) = self.env.kv(SNAPSHOT) else { return true };
        self.published_at.set(object::now());
        let key = snapshot_key(&self.state.id().to_string());
        let put = async {
            let text = serde_json::to_string(snapshot).map_err(object::broken)?;
            kv.put(&key, text.as_str())?.expiration_ttl(PUBLISHED_SECONDS).execute().await?;
            Ok(())
        };
        let put: Result<()> = put.await;
        put.inspect_err(|error| object::complain("publish", error)).is_ok()
    }
}

pub(super) struct Stored {
    table: Table,
    /// Whether a client was written: it may use an algorithm that there is no key for.
    has_new_clients: Cell<bool>,
    /// Keys that were made and wait to be used.
    pub(super) made: RefCell<Vec<NewKey>>,
}

impl Rows for Stored {
    type Error = worker::Error;

    fn clients(&self) -> Result<Vec<Client>> {
        self.table.records("SELECT record FROM clients ORDER BY client_id", Vec::new())
    }

    fn client(&self, client_id: &str) -> Result<Option<Client>> {
        self.table.record("SELECT record FROM clients WHERE client_id = ?", vec![client_id.into()])
    }

    fn size(&self) -> Result<Size> {
        let query = "SELECT count(*), coalesce(sum(length(CAST(record AS BLOB))), 0) FROM clients";
        let row = self.table.rows(query, Vec::new())?.into_iter().next().unwrap_or_default();
        let mut counted = row.iter().map(|value| object::count(value).unwrap_or(usize::MAX));
        let (clients, bytes) = (counted.next().unwrap_or_default(), counted.next().unwrap_or_default());
        Ok(Size { clients, bytes })
    }

    fn put_client(&self, client: &Client) -> Result<()> {
        let values = vec![client.client_id.as_str().into(), json(client)?];
        self.has_new_clients.set(true);
        self.table.run("INSERT OR REPLACE INTO clients (client_id, record) VALUES (?, ?)", values)
    }

    fn clients_after(&self, after: Option<&str>, limit: u32) -> Result<Vec<Client>> {
        // No identifier is empty, so every one comes after that.
        let values = vec![after.unwrap_or_default().into(), object::number(limit)];
        self.table
            .records("SELECT record FROM clients WHERE client_id > ? ORDER BY client_id LIMIT ?", values)
    }

    fn remove_client(&self, client_id: &str) -> Result<()> {
        self.table.run("DELETE FROM clients WHERE client_id = ?", vec![client_id.into()])?;
        self.table.run("INSERT OR IGNORE INTO removed_clients (client_id) VALUES (?)", vec![client_id.into()])
    }

    fn was_removed(&self, client_id: &str) -> Result<bool> {
        let query = "SELECT client_id FROM removed_clients WHERE client_id = ?";
        Ok(!self.table.rows(query, vec![client_id.into()])?.is_empty())
    }

    fn put_scope(&self, name: &str, description: &str) -> Result<()> {
        let values = vec![name.into(), description.into()];
        self.table.run("INSERT OR REPLACE INTO scopes (name, description) VALUES (?, ?)", values)
    }

    fn remove_scope(&self, name: &str) -> Result<()> {
        self.table.run("DELETE FROM scopes WHERE name = ?", vec![name.into()])
    }

    fn scopes(&self) -> Result<BTreeMap<String, String>> {
        let mut scopes = standard_scopes();
        for row in self.table.rows("SELECT name, description FROM scopes", Vec::new())? {
            if let [SqlStorageValue::String(name), SqlStorageValue::String(words)] = row.as_slice() {
                scopes.insert(name.clone(), words.clone());
            }
        }
        Ok(scopes)
    }

    fn scope_claims(&self) -> Result<BTreeMap<String, Rules>> {
        let mut claims = BTreeMap::new();
        for row in self.table.rows("SELECT name, rules FROM scope_claims", Vec::new())? {
            if let [SqlStorageValue::String(name), SqlStorageValue::String(rules)] = row.as_slice() {
                claims.insert(name.clone(), serde_json::from_str(rules).map_err(object::broken)?);
            }
        }
        Ok(claims)
    }

    fn put_scope_claims(&self, scope: &str, claims: &Rules) -> Result<()> {
        if claims.is_empty() {
            return self.table.run("DELETE FROM scope_claims WHERE name = ?", vec![scope.into()]);
        }
        let values = vec![scope.into(), json(claims)?];
        self.table.run("INSERT OR REPLACE INTO scope_claims (name, rules) VALUES (?, ?)", values)
    }

    fn keys(&self) -> Result<Vec<StoredKey>> {
        self.table.records("SELECT record FROM signing_keys ORDER BY kid", Vec::new())
    }

    fn put_key(&self, key: &StoredKey) -> Result<()> {
        let values = vec![key.public.kid.as_str().into(), json(key)?];
        self.table.run("INSERT OR REPLACE INTO signing_keys (kid, record) VALUES (?, ?)", values)
    }

    fn remove_key(&self, kid: &str) -> Result<()> {
        self.table.run("DELETE FROM signing_keys WHERE kid = ?", vec![kid.into()])
    }

    fn new_key(&self, alg: Algorithm) -> Option<NewKey> {
        let mut made = self.made.borrow_mut();
        let index = made.iter().position(|key| key.public.alg == alg)?;
        Some(made.swap_remove(index))
    }
}
