//! `Registry`: the clients, the scopes and the signing keys of the issuer; publishes its snapshot.

use core::cell::Cell;
use std::collections::BTreeMap;

use worker::{DurableObject, Env, Request, Response, Result, SqlStorageValue, State, durable_object};

use super::entry::settings;
use super::object::{self, Table, json};
use super::platform::{SNAPSHOT, snapshot_key};
use super::webcrypto;
use crate::client::Client;
use crate::client::registry::{Reply, Rows, Snapshot, apply, standard_scopes};
use crate::format::Format;
use crate::keyring::Purpose;
use crate::secret;
use crate::settings::Settings;
use crate::token::key::{Algorithm, StoredKey};

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS clients (client_id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scopes (name TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS signing_keys (kid TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
];

/// How long what is published is good for, in seconds; then the source is asked, and publishes anew.
const PUBLISHED_SECONDS: u64 = 300;

/// The object.
#[durable_object(fetch)]
pub struct Registry {
    state: State,
    env: Env,
    table: Stored,
    /// Whether this object has seen to its keys. A new `MASTER_KEY` comes with a deployment, and so a new object.
    has_keys: Cell<bool>,
}

impl DurableObject for Registry {
    fn new(state: State, env: Env) -> Self {
        let table = Stored(Table::open(&state, SCHEMA));
        Self { state, env, table, has_keys: Cell::new(false) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let command = object::command(request).await?;
        if !self.has_keys.get() {
            self.ensure_keys().await?;
            self.has_keys.set(true);
        }
        let reply = apply(&self.table, command, object::now())?;
        match &reply {
            Reply::Snapshot(snapshot) => self.publish(snapshot).await,
            Reply::Undescribed { client_id, scope } => worker::console_error!(
                "client {client_id:?} may have scope {scope:?}, which has no description: nothing is served"
            ),
            Reply::Client(_) | Reply::Keys(_) => {}
        }
        object::reply(&reply)
    }
}

impl Registry {
    /// Makes the signing keys that are missing, and seals anew those that only the previous `MASTER_KEY` opens.
    async fn ensure_keys(&self) -> Result<()> {
        let keys = self.table.keys()?;
        let has = |keys: &[StoredKey], alg| keys.iter().any(|key| key.public.alg == alg);
        let missing = Algorithm::FIRST.into_iter().filter(|alg| !has(&keys, *alg));
        for alg in missing {
            let (public, private) = webcrypto::generate(alg).await?;
            let wrapped = self.seal(&private)?;
            // Another request may have made one while this one was waiting.
            if !has(&self.table.keys()?, alg) {
                self.table.put_key(&StoredKey {
                    format: Format,
                    public,
                    wrapped,
                    created_at: object::now(),
                })?;
            }
        }
        keys.into_iter().try_for_each(|key| self.reseal(key))
    }

    fn reseal(&self, key: StoredKey) -> Result<()> {
        let keyring = self.settings()?.keyring;
        let sealed = secret::decode(&key.wrapped).unwrap_or_default();
        if keyring.is_current(Purpose::SigningKey, &sealed) {
            return Ok(());
        }
        if let Some(private) = keyring.open(Purpose::SigningKey, &sealed) {
            return self.table.put_key(&StoredKey { wrapped: self.seal(&private)?, ..key });
        }
        worker::console_error!("signing key {} opens under no MASTER_KEY that is set", key.public.kid);
        Ok(())
    }

    fn seal(&self, private: &[u8]) -> Result<String> {
        let keyring = self.settings()?.keyring;
        Ok(secret::encode(&keyring.seal(Purpose::SigningKey, private, &mut object::rng())))
    }

    fn settings(&self) -> Result<Settings> {
        settings(&self.env).map_err(|bad| worker::Error::RustError(bad.to_string()))
    }

    /// Puts the snapshot where it is read without asking here. KV only makes things faster: without it, or while it
    /// fails, there is nothing to do.
    async fn publish(&self, snapshot: &Snapshot) {
        let Ok(kv) = self.env.kv(SNAPSHOT) else { return };
        let key = snapshot_key(&self.state.id().to_string());
        let put = async {
            let text = serde_json::to_string(snapshot).map_err(object::broken)?;
            kv.put(&key, text.as_str())?.expiration_ttl(PUBLISHED_SECONDS).execute().await?;
            Ok(())
        };
        if let Err(error) = put.await {
            object::complain("publish", &error);
        }
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
