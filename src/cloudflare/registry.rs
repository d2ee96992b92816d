//! `Registry`: the issuer's clients, scopes, OpenID Providers and signing keys.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, Error, Result, SqlStorageValue, State};

use super::entry::settings;
use super::exported::{Object, answered, exported};
use super::object;
use super::object::{Table, column, json, ring_by};
use super::platform::{SNAPSHOT, snapshot_key};
use super::shipping::{self, Shipper};
use super::warnings;
use crate::alarm::{Shipping, Work, next_alarm};
use crate::ask::Answer;
use crate::audit::change::Change;
use crate::audit::warning::line_of_change;
use crate::audit::webhook::Webhook;
use crate::client::Client;
use crate::client::registered_by::UNUSED;
use crate::identity::demand::Demand;
use crate::registry::admin_token::AdminToken;
use crate::registry::command::Command;
use crate::registry::invitation::Invitation;
use crate::registry::outline::standard_scopes;
use crate::registry::publication::{Next, PUBLISHED_SECONDS, Publications};
use crate::registry::quota::Size;
use crate::registry::rows::{NewKey, Rows, StoredKey, StoredLogo};
use crate::registry::snapshot::Undescribed;
use crate::registry::{apply, clients, snapshot};
use crate::secret::{Digest, encode};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::Algorithm;
use crate::upstream::provider::{Provider, ProviderId, Source};

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
    "CREATE TABLE IF NOT EXISTS signing_keys (kid TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS admin_tokens (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS invitations (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS first_issuer (one INTEGER PRIMARY KEY CHECK (one = 1), issuer TEXT NOT NULL)",
    shipping::OUTBOX,
    shipping::SET_ASIDE,
    warnings::DELIVERIES,
];

/// Stores clients, scopes, providers and signing keys, publishes snapshots of them in KV, ships the events of changes, and deletes
/// clients from open registration that nobody uses.
pub(super) struct Registry {
    pub(super) state: State,
    env: Env,
    pub(super) table: Rc<Stored>,
    /// When this object last tended its keys; `None` if the next request must do so. A new `MASTER_KEY` comes
    /// with a deployment, which restarts the object, so the next request tends the keys.
    pub(super) tended_at: Cell<Option<Timestamp>>,
    publications: Publications,
    alarm: Cell<Option<Timestamp>>,
    shipper: Shipper,
}

exported!(ExportedRegistry: Registry);

impl Object for Registry {
    fn new(state: State, env: Env) -> Self {
        let table = Table::open(&state, SCHEMA);
        let table = Rc::new(Stored {
            table,
            written: Cell::default(),
            told: Cell::default(),
            made: RefCell::default(),
            webhook: warnings::webhook(&env),
            warnings: RefCell::default(),
        });
        let (tended_at, publications) = (Cell::default(), Publications::default());
        Self {
            state,
            env,
            table,
            tended_at,
            publications,
            alarm: Cell::default(),
            shipper: Shipper::default(),
        }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command: Command = object::parsed(text)?;
        #[cfg(feature = "panic-probe")]
        super::probe::in_registry().await?;
        let now = object::now();
        self.tend(now).await?;
        let adopted = self.prepare(&command, now).await?;
        self.table.forget_progress();
        let answer = self.transact(command, adopted, now)?;
        self.table.made.borrow_mut().clear();
        for line in self.table.warnings.take() {
            worker::console_warn!("{line}");
        }
        if self.table.written.get() || self.table.told.get() {
            let events = shipping::has_events(&self.table.table).map(|any| any.then_some(Shipping::Soon));
            self.ring(events, now).await;
        }
        if self.table.written.replace(false) {
            self.follow_up(now).await;
        }
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        let now = object::now();
        self.alarm.set(None);
        let table = Rc::clone(&self.table);
        let swept = object::transaction(&self.state, move || clients::sweep(&*table, now));
        let rest = self.shipper.ship(&self.state, &self.table.table).await;
        warnings::deliver(&self.state, &self.table.table, self.table.webhook.as_ref()).await;
        self.ring(Ok(rest), object::now()).await;
        match swept {
            Ok(true) => {
                self.table.written.set(false);
                self.publish_change().await;
            }
            Ok(false) => {}
            Err(error) => object::complain("sweep", &error),
        }
        Ok(())
    }
}

#[wasm_bindgen]
impl ExportedRegistry {
    /// Takes a snapshot: a `Uint8Array`.
    pub fn snapshot(&self) -> core::result::Result<JsValue, JsValue> {
        let registry = Rc::clone(&self.0);
        answered(async move {
            let snapshot = registry.snapshot().await?;
            Ok(Uint8Array::from(snapshot.as_bytes()).into())
        })
    }
}

impl Registry {
    /// Applies a command in one transaction.
    fn transact(&self, command: Command, adopted: Option<NewKey>, now: Timestamp) -> Result<Answer> {
        let table = Rc::clone(&self.table);
        object::transaction(&self.state, move || apply(&*table, command, adopted, now))
    }

    /// Makes sure that the alarm rings when `events` are to be shipped, when a warning is to be delivered, and when a
    /// client ends.
    async fn ring(&self, events: Result<Option<Shipping>>, now: Timestamp) {
        let due = events.and_then(|events| {
            let first_end = self.table.first_end()?;
            let first_delivery = warnings::first_due(&self.table.table)?;
            Ok(next_alarm(Work { first_end, events, first_delivery }, now))
        });
        ring_by(&self.state, &self.alarm, due).await;
    }

    /// Takes a snapshot, and publishes it if the last publication is not too recent.
    async fn snapshot(&self) -> Result<String> {
        let now = object::now();
        self.tend(now).await?;
        let snapshot = match snapshot::take(&*self.table, now)? {
            Ok(snapshot) => snapshot,
            Err(Undescribed { client_id, scope }) => {
                worker::console_error!(
                    "client {client_id:?} is registered for scope {scope:?}, which has no description: no snapshot can \
                     be taken"
                );
                return Err(Error::from("no snapshot can be taken"));
            }
        };
        if self.publications.is_due(now) {
            self.publish(&snapshot).await;
        }
        Ok(snapshot)
    }

    /// Tends the keys after a change, and publishes the change. The change stands even if tending fails: the
    /// next request tends again.
    async fn follow_up(&self, now: Timestamp) {
        self.tended_at.set(None);
        if let Err(error) = self.tend(now).await {
            object::complain("tend", &error);
        }
        self.publish_change().await;
    }

    async fn publish_change(&self) {
        if self.env.kv(SNAPSHOT).is_err() {
            return;
        }
        let mut publication = self.publications.change();
        loop {
            match publication.next(&self.publications, object::now()) {
                Next::Wait(pause) => worker::Delay::from(pause).await,
                Next::Publish => {
                    if self.publish_now().await {
                        return;
                    }
                }
                Next::GiveUp => return,
            }
        }
    }

    /// Publishes the registry as it is now. Returns `false` if that failed.
    async fn publish_now(&self) -> bool {
        match snapshot::take(&*self.table, object::now()) {
            Ok(Ok(snapshot)) => self.publish(&snapshot).await,
            Ok(Err(_)) => true,
            Err(error) => {
                object::complain("publish", &error);
                false
            }
        }
    }

    pub(super) fn settings(&self) -> Result<Settings> {
        settings(&self.env).map_err(|bad| Error::RustError(bad.to_string()))
    }

    /// Writes the snapshot to KV, where Workers read it without asking this object. Returns `false` if that
    /// failed. A deployment without KV does not publish: KV only saves time.
    async fn publish(&self, snapshot: &str) -> bool {
        let Ok(kv) = self.env.kv(SNAPSHOT) else { return true };
        self.publications.published(object::now());
        let key = snapshot_key(&self.state.id().to_string());
        let put = async {
            let put = kv.put_bytes(&key, snapshot.as_bytes())?;
            put.expiration_ttl(PUBLISHED_SECONDS).execute().await?;
            Ok(())
        };
        let put: Result<()> = put.await;
        put.inspect_err(|error| object::complain("publish", error)).is_ok()
    }
}

pub(super) struct Stored {
    table: Table,
    /// Whether a row that is published was written since this was last reset.
    written: Cell<bool>,
    /// Whether an event was stored since this was last reset.
    told: Cell<bool>,
    /// New keys that no command has used yet.
    pub(super) made: RefCell<Vec<NewKey>>,
    webhook: Option<Webhook>,
    /// Lines for the log, written once the transaction has succeeded.
    warnings: RefCell<Vec<String>>,
}

impl Stored {
    /// Forgets what a command before, which might have failed, has left.
    fn forget_progress(&self) {
        self.written.set(false);
        self.told.set(false);
        self.warnings.take();
    }

    fn run(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        self.written.set(true);
        self.table.run(statement, values)
    }

    /// Returns when the first client of open registration ends.
    fn first_end(&self) -> Result<Option<Timestamp>> {
        self.table.instant("SELECT min(ends_at) FROM open_clients", Vec::new())
    }

    /// Writes a client, and when it ends if it does.
    fn write_client(&self, client: &Client) -> Result<()> {
        let client_id = || SqlStorageValue::from(client.client_id.as_str());
        let record = "INSERT OR REPLACE INTO clients (client_id, record) VALUES (?, ?)";
        self.table.run(record, vec![client_id(), json(client)?])?;
        let Some(end) = client.ends_at() else { return Ok(()) };
        let row = "INSERT OR REPLACE INTO open_clients (client_id, ends_at) VALUES (?, ?)";
        self.table.run(row, vec![client_id(), column(end)])
    }
}

impl Rows for Stored {
    type Error = Error;

    fn each_client(&self, mut see: impl FnMut(Client)) -> Result<()> {
        let mut clients = self.table.each("SELECT record FROM clients ORDER BY client_id", Vec::new())?;
        clients.try_for_each(|client| client.map(&mut see))
    }

    fn client(&self, client_id: &str) -> Result<Option<Client>> {
        self.table.record("SELECT record FROM clients WHERE client_id = ?", vec![client_id.into()])
    }

    fn size(&self, of_anyone: bool) -> Result<Size> {
        let query = "SELECT count(*), coalesce(sum(length(CAST(record AS BLOB))), 0) FROM clients
                     WHERE (client_id IN (SELECT client_id FROM open_clients)) = ?";
        let row = self
            .table
            .rows(query, vec![object::number(of_anyone.into())])?
            .into_iter()
            .next()
            .unwrap_or_default();
        let mut counted = row.iter().map(|value| object::count(value).unwrap_or(usize::MAX));
        let (clients, bytes) = (counted.next().unwrap_or_default(), counted.next().unwrap_or_default());
        Ok(Size { clients, bytes })
    }

    fn put_client(&self, client: &Client) -> Result<()> {
        self.written.set(true);
        self.write_client(client)
    }

    fn stamp_client(&self, client: &Client) -> Result<()> {
        self.write_client(client)
    }

    fn ended_clients(&self, now: Timestamp, limit: u32) -> Result<Vec<Client>> {
        let query = "SELECT record FROM clients WHERE client_id IN
                     (SELECT client_id FROM open_clients WHERE ends_at <= ? ORDER BY ends_at LIMIT ?)";
        self.table.records(query, vec![column(now), object::number(limit)])
    }

    fn unused_clients(&self, until: Timestamp, limit: u32) -> Result<Vec<Client>> {
        // A client that was never used ends this long after it registered.
        let query = "SELECT record FROM open_clients JOIN clients USING (client_id)
                     WHERE ends_at <= ? AND json_extract(record, '$.used_at') IS NULL ORDER BY ends_at LIMIT ?";
        self.table.records(query, vec![column(until + UNUSED), object::number(limit)])
    }

    fn forget_client(&self, client_id: &str) -> Result<()> {
        self.run("DELETE FROM open_clients WHERE client_id = ?", vec![client_id.into()])?;
        self.run("DELETE FROM clients WHERE client_id = ?", vec![client_id.into()])
    }

    fn clients_after(&self, after: Option<&str>, limit: u32) -> Result<Vec<Client>> {
        // No identifier is empty, so every identifier comes after the empty string.
        let values = vec![after.unwrap_or_default().into(), object::number(limit)];
        self.table
            .records("SELECT record FROM clients WHERE client_id > ? ORDER BY client_id LIMIT ?", values)
    }

    fn remove_client(&self, client_id: &str) -> Result<()> {
        self.forget_client(client_id)?;
        self.run("INSERT OR IGNORE INTO removed_clients (client_id) VALUES (?)", vec![client_id.into()])
    }

    fn was_removed(&self, client_id: &str) -> Result<bool> {
        let query = "SELECT client_id FROM removed_clients WHERE client_id = ?";
        Ok(!self.table.rows(query, vec![client_id.into()])?.is_empty())
    }

    fn logo(&self, name: &str) -> Result<Option<StoredLogo>> {
        self.table.record("SELECT record FROM logos WHERE name = ? LIMIT 1", vec![name.into()])
    }

    fn put_logo(&self, owner: &str, logo: &StoredLogo) -> Result<()> {
        let values = vec![owner.into(), logo.name.as_str().into(), json(logo)?];
        self.table.run("INSERT OR REPLACE INTO logos (owner, name, record) VALUES (?, ?, ?)", values)
    }

    fn remove_logo(&self, owner: &str) -> Result<()> {
        self.table.run("DELETE FROM logos WHERE owner = ?", vec![owner.into()])
    }

    fn put_scope(&self, name: &str, description: &str) -> Result<()> {
        let values = vec![name.into(), description.into()];
        self.run("INSERT OR REPLACE INTO scopes (name, description) VALUES (?, ?)", values)
    }

    fn remove_scope(&self, name: &str) -> Result<()> {
        self.run("DELETE FROM scopes WHERE name = ?", vec![name.into()])
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
            return self.run("DELETE FROM scope_claims WHERE name = ?", vec![scope.into()]);
        }
        let values = vec![scope.into(), json(claims)?];
        self.run("INSERT OR REPLACE INTO scope_claims (name, rules) VALUES (?, ?)", values)
    }

    fn scope_demands(&self) -> Result<BTreeMap<String, Demand>> {
        let mut demands = BTreeMap::new();
        for row in self.table.rows("SELECT name, demand FROM scope_demands", Vec::new())? {
            if let [SqlStorageValue::String(name), SqlStorageValue::String(demand)] = row.as_slice() {
                demands.insert(name.clone(), serde_json::from_str(demand).map_err(object::broken)?);
            }
        }
        Ok(demands)
    }

    fn put_scope_demand(&self, scope: &str, demand: &Demand) -> Result<()> {
        if demand.is_empty() {
            return self.run("DELETE FROM scope_demands WHERE name = ?", vec![scope.into()]);
        }
        let values = vec![scope.into(), json(demand)?];
        self.run("INSERT OR REPLACE INTO scope_demands (name, demand) VALUES (?, ?)", values)
    }

    fn providers(&self) -> Result<Vec<Provider>> {
        self.table.records("SELECT record FROM providers ORDER BY id", Vec::new())
    }

    fn provider(&self, id: &ProviderId) -> Result<Option<Provider>> {
        self.table.record("SELECT record FROM providers WHERE id = ?", vec![id.as_str().into()])
    }

    fn put_provider(&self, provider: &Provider) -> Result<()> {
        let id = || SqlStorageValue::from(provider.id.as_str());
        let source = "INSERT OR IGNORE INTO provider_sources (id, record) VALUES (?, ?)";
        self.run(source, vec![id(), json(&provider.source())?])?;
        let record = "INSERT OR REPLACE INTO providers (id, record) VALUES (?, ?)";
        self.run(record, vec![id(), json(provider)?])
    }

    fn remove_provider(&self, id: &ProviderId) -> Result<()> {
        self.run("DELETE FROM providers WHERE id = ?", vec![id.as_str().into()])
    }

    fn source_of(&self, id: &ProviderId) -> Result<Option<Source>> {
        self.table.record("SELECT record FROM provider_sources WHERE id = ?", vec![id.as_str().into()])
    }

    fn keys(&self) -> Result<Vec<StoredKey>> {
        self.table.records("SELECT record FROM signing_keys ORDER BY kid", Vec::new())
    }

    fn put_key(&self, key: &StoredKey) -> Result<()> {
        let values = vec![key.public.kid.as_str().into(), json(key)?];
        self.run("INSERT OR REPLACE INTO signing_keys (kid, record) VALUES (?, ?)", values)
    }

    fn remove_key(&self, kid: &str) -> Result<()> {
        self.run("DELETE FROM signing_keys WHERE kid = ?", vec![kid.into()])
    }

    fn admin_tokens(&self) -> Result<Vec<AdminToken>> {
        self.table.records("SELECT record FROM admin_tokens ORDER BY id", Vec::new())
    }

    fn admin_token(&self, digest: &Digest) -> Result<Option<AdminToken>> {
        let query = "SELECT record FROM admin_tokens WHERE digest = ?";
        self.table.record(query, vec![encode(digest.bytes()).into()])
    }

    fn put_admin_token(&self, token: &AdminToken) -> Result<()> {
        let values = vec![token.id.as_str().into(), encode(token.digest.bytes()).into(), json(token)?];
        self.table.run("INSERT OR REPLACE INTO admin_tokens (id, digest, record) VALUES (?, ?, ?)", values)
    }

    fn remove_admin_token(&self, id: &str) -> Result<()> {
        self.table.run("DELETE FROM admin_tokens WHERE id = ?", vec![id.into()])
    }

    fn invitations(&self) -> Result<Vec<Invitation>> {
        self.table.records("SELECT record FROM invitations ORDER BY id", Vec::new())
    }

    fn invitation(&self, digest: &Digest) -> Result<Option<Invitation>> {
        let query = "SELECT record FROM invitations WHERE digest = ?";
        self.table.record(query, vec![encode(digest.bytes()).into()])
    }

    fn put_invitation(&self, invitation: &Invitation) -> Result<()> {
        let (id, digest) = (invitation.id.as_str().into(), encode(invitation.digest.bytes()).into());
        let statement = "INSERT OR REPLACE INTO invitations (id, digest, record) VALUES (?, ?, ?)";
        self.table.run(statement, vec![id, digest, json(invitation)?])
    }

    fn remove_invitation(&self, id: &str) -> Result<()> {
        self.table.run("DELETE FROM invitations WHERE id = ?", vec![id.into()])
    }

    fn first_issuer(&self) -> Result<Option<String>> {
        let rows = self.table.rows("SELECT issuer FROM first_issuer", Vec::new())?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).and_then(object::text))
    }

    fn put_first_issuer(&self, issuer: &str) -> Result<()> {
        self.table.run("INSERT INTO first_issuer (one, issuer) VALUES (1, ?)", vec![issuer.into()])
    }

    fn tell(&self, change: &Change) -> Result<()> {
        self.told.set(true);
        shipping::tell(&self.table, change, change.at)?;
        let Some(line) = line_of_change(change) else { return Ok(()) };
        self.warnings.borrow_mut().push(line);
        if self.webhook.is_some() { warnings::keep(&self.table) } else { Ok(()) }
    }

    fn new_key(&self, alg: Algorithm) -> Option<NewKey> {
        let mut made = self.made.borrow_mut();
        let index = made.iter().position(|key| key.public.alg == alg)?;
        Some(made.swap_remove(index))
    }
}
