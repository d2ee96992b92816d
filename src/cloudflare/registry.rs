//! `Registry`: the clients, the scopes and the signing keys of the issuer; publishes its snapshot.

use core::cell::RefCell;
use std::collections::BTreeMap;

use worker::{DurableObject, Env, Request, Response, Result, SqlStorageValue, State, durable_object};

use super::entry::settings;
use super::object::{self, Table, json};
use super::platform::{SNAPSHOT, SNAPSHOT_KEY};
use super::webcrypto;
use crate::client::Client;
use crate::client::registry::{Reply, Rows, Snapshot, apply, standard_scopes};
use crate::keyring::Purpose;
use crate::secret;
use crate::token::key::{Algorithm, StoredKey};

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS clients (client_id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scopes (name TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS signing_keys (kid TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
];

/// The object.
#[durable_object(fetch)]
pub struct Registry {
    env: Env,
    table: Stored,
    published: RefCell<Option<String>>,
}

impl DurableObject for Registry {
    fn new(state: State, env: Env) -> Self {
        Self { env, table: Stored(Table::open(&state, SCHEMA)), published: RefCell::default() }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let command = object::command(request).await?;
        self.ensure_keys().await?;
        let reply = apply(&self.table, command)?;
        match &reply {
            Reply::Snapshot(snapshot) => self.publish(snapshot).await?,
            Reply::Undescribed { client_id, scope } => worker::console_error!(
                "client {client_id:?} may have scope {scope:?}, which has no description: nothing is served"
            ),
            Reply::Client(_) | Reply::Keys(_) => {}
        }
        object::reply(&reply)
    }
}

impl Registry {
    /// Makes the signing keys at the first use of the registry.
    async fn ensure_keys(&self) -> Result<()> {
        if !self.table.keys()?.is_empty() {
            return Ok(());
        }
        let settings = settings(&self.env).map_err(|bad| worker::Error::RustError(bad.to_string()))?;
        let mut made = Vec::new();
        for alg in Algorithm::ALL {
            let (public, private) = webcrypto::generate(alg).await?;
            let wrapped = settings.keyring.seal(Purpose::SigningKey, &private, &mut object::rng());
            let wrapped = secret::encode(&wrapped);
            made.push(StoredKey { format: 1, public, wrapped, created_at: object::now() });
        }
        // Another request may have made them while this one was waiting.
        if self.table.keys()?.is_empty() {
            made.iter().try_for_each(|key| self.table.put_key(key))?;
        }
        Ok(())
    }

    /// Puts the snapshot where it is read without asking here. Without KV there is nothing to do.
    async fn publish(&self, snapshot: &Snapshot) -> Result<()> {
        let Ok(kv) = self.env.kv(SNAPSHOT) else { return Ok(()) };
        let text = serde_json::to_string(snapshot).map_err(object::broken)?;
        if self.published.borrow().as_ref() == Some(&text) {
            return Ok(());
        }
        kv.put(SNAPSHOT_KEY, text.as_str())?.execute().await?;
        self.published.replace(Some(text));
        Ok(())
    }
}

struct Stored(Table);

impl Rows for Stored {
    type Error = worker::Error;

    fn clients(&self) -> Result<Vec<Client>> {
        self.0.records("SELECT record FROM clients ORDER BY client_id", Vec::new())
    }

    fn client(&self, client_id: &str) -> Result<Option<Client>> {
        self.0.record("SELECT record FROM clients WHERE client_id = ?", vec![client_id.into()])
    }

    fn put_client(&self, client: &Client) -> Result<()> {
        let values = vec![client.client_id.as_str().into(), json(client)?];
        self.0.run("INSERT OR REPLACE INTO clients (client_id, record) VALUES (?, ?)", values)
    }

    fn scopes(&self) -> Result<BTreeMap<String, String>> {
        let mut scopes = standard_scopes();
        for row in self.0.rows("SELECT name, description FROM scopes", Vec::new())? {
            if let [SqlStorageValue::String(name), SqlStorageValue::String(words)] = row.as_slice() {
                scopes.insert(name.clone(), words.clone());
            }
        }
        Ok(scopes)
    }

    fn keys(&self) -> Result<Vec<StoredKey>> {
        self.0.records("SELECT record FROM signing_keys ORDER BY kid", Vec::new())
    }

    fn put_key(&self, key: &StoredKey) -> Result<()> {
        let values = vec![key.public.kid.as_str().into(), json(key)?];
        self.0.run("INSERT OR REPLACE INTO signing_keys (kid, record) VALUES (?, ?)", values)
    }
}
