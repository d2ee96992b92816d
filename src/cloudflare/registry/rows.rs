//! The rows of the `Registry` object, as its rules read and write them.

use std::collections::BTreeMap;

use worker::{Error, Result, SqlStorageValue};

use super::stored::Stored;
use crate::audit::change::Change;
use crate::audit::warning::line_of_change;
use crate::client::Client;
use crate::client::document::address::is_meant;
use crate::client::document::entry::Entry;
use crate::client::registered_by::UNUSED;
use crate::cloudflare::object::{self, column, json, whole};
use crate::cloudflare::{shipping, warnings};
use crate::identity::account_key::AccountKey;
use crate::identity::demand::Demand;
use crate::json;
use crate::policy::access_request::{AccessRequest, Standing};
use crate::policy::exception::Exception;
use crate::policy::inventory;
use crate::policy::inventory::Identifier;
use crate::policy::kill::KillSwitch;
use crate::policy::name::Name;
use crate::registry::admin_token::AdminToken;
use crate::registry::governance::version::{Edit, PolicyVersion};
use crate::registry::invitation::Invitation;
use crate::registry::outline::standard_scopes;
use crate::registry::quota::Size;
use crate::registry::rows::{NewKey, Rows, StoredKey, StoredLogo};
use crate::secret::{Digest, encode};
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::Algorithm;
use crate::upstream::provider::{Provider, ProviderId, Source};

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
        // A replica keeps nothing about a client that neither exists nor has a document, so no other change concerns it.
        let is_kept = is_meant(&client.client_id) || self.client(&client.client_id)?.is_some();
        self.replicated.set(self.replicated.get() || is_kept);
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
                claims.insert(name.clone(), json::read(rules).map_err(object::broken)?);
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
                demands.insert(name.clone(), json::read(demand).map_err(object::broken)?);
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

    fn documents(&self) -> Result<Vec<Entry>> {
        self.table.records("SELECT record FROM documents ORDER BY entry", Vec::new())
    }

    fn put_document(&self, entry: &Entry) -> Result<()> {
        let values = vec![entry.entry.as_str().into(), json(entry)?];
        self.run("INSERT OR REPLACE INTO documents (entry, record) VALUES (?, ?)", values)
    }

    fn remove_document(&self, entry: &str) -> Result<()> {
        self.run("DELETE FROM documents WHERE entry = ?", vec![entry.into()])
    }

    fn inventory_after(&self, after: Option<&str>, limit: u32) -> Result<Vec<inventory::Entry>> {
        // No identifier is empty, so every identifier comes after the empty string.
        let values = vec![after.unwrap_or_default().into(), object::number(limit)];
        let query = "SELECT record FROM inventory WHERE identifier > ? ORDER BY identifier LIMIT ?";
        self.table.records(query, values)
    }

    fn inventory_entry(&self, identifier: &Identifier) -> Result<Option<inventory::Entry>> {
        let values = vec![identifier.as_str().into()];
        self.table.record("SELECT record FROM inventory WHERE identifier = ?", values)
    }

    fn put_inventory(&self, entry: &inventory::Entry) -> Result<()> {
        let values = vec![entry.identifier.as_str().into(), json(entry)?];
        self.table.run("INSERT OR REPLACE INTO inventory (identifier, record) VALUES (?, ?)", values)
    }

    fn remove_inventory(&self, identifier: &Identifier) -> Result<()> {
        self.table.run("DELETE FROM inventory WHERE identifier = ?", vec![identifier.as_str().into()])
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

    fn revision(&self) -> Result<u64> {
        let rows = self.table.rows("SELECT revision FROM governance", Vec::new())?;
        Ok(rows.first().and_then(|row| row.first()).and_then(object::natural).unwrap_or_default())
    }

    fn put_revision(&self, revision: u64) -> Result<()> {
        let statement = "INSERT OR REPLACE INTO governance (one, revision) VALUES (1, ?)";
        self.run(statement, vec![whole(revision)])
    }

    fn policy(&self, version: Option<u64>) -> Result<Option<PolicyVersion>> {
        match version {
            Some(version) => {
                self.table.record("SELECT record FROM policies WHERE version = ?", vec![whole(version)])
            }
            None => {
                self.table.record("SELECT record FROM policies ORDER BY version DESC LIMIT 1", Vec::new())
            }
        }
    }

    fn edits(&self) -> Result<Vec<Edit>> {
        let query = "SELECT json_remove(record, '$.policy') FROM policies ORDER BY version DESC";
        self.table.records(query, Vec::new())
    }

    fn put_policy(&self, version: &PolicyVersion) -> Result<()> {
        let values = vec![whole(version.version), json(version)?];
        self.run("INSERT INTO policies (version, record) VALUES (?, ?)", values)
    }

    fn remove_policies(&self, last: u64) -> Result<()> {
        self.table.run("DELETE FROM policies WHERE version <= ?", vec![whole(last)])
    }

    fn live_exceptions(&self, now: Timestamp) -> Result<Vec<Exception>> {
        let query = "SELECT record FROM exceptions WHERE ends_at > ? ORDER BY id";
        self.table.records(query, vec![column(now)])
    }

    fn exception(&self, id: &Name) -> Result<Option<Exception>> {
        self.table.record("SELECT record FROM exceptions WHERE id = ?", vec![id.as_str().into()])
    }

    fn exceptions_after(&self, after: Option<&Name>, limit: u32) -> Result<Vec<Exception>> {
        // No name is empty, so every name comes after the empty string.
        let values = vec![after.map(Name::as_str).unwrap_or_default().into(), object::number(limit)];
        self.table.records("SELECT record FROM exceptions WHERE id > ? ORDER BY id LIMIT ?", values)
    }

    fn exception_count(&self) -> Result<usize> {
        self.counted("SELECT count(*) FROM exceptions")
    }

    fn due_exceptions(&self, now: Timestamp, limit: u32) -> Result<Vec<(Exception, Timestamp)>> {
        let query = "SELECT record, due FROM exceptions WHERE due <= ? ORDER BY due LIMIT ?";
        let mut found = Vec::new();
        for row in self.table.rows(query, vec![column(now), object::number(limit)])? {
            if let [SqlStorageValue::String(record), due] = row.as_slice() {
                let exception = json::read(record).map_err(object::broken)?;
                found.push((exception, object::instant(due).unwrap_or_default()));
            }
        }
        Ok(found)
    }

    fn remove_exception(&self, id: &Name) -> Result<()> {
        self.table.run("DELETE FROM exceptions WHERE id = ?", vec![id.as_str().into()])
    }

    fn put_exception(&self, exception: &Exception, due: Timestamp) -> Result<()> {
        let id = exception.id.as_str().into();
        let statement = "INSERT OR REPLACE INTO exceptions (id, ends_at, due, record) VALUES (?, ?, ?, ?)";
        self.table.run(statement, vec![id, column(exception.expires_at), column(due), json(exception)?])
    }

    fn kill_switches(&self, now: Timestamp) -> Result<Vec<KillSwitch>> {
        let query = "SELECT record FROM kills WHERE until > ? ORDER BY id";
        self.table.records(query, vec![column(now)])
    }

    fn kill_switch(&self, id: &Name) -> Result<Option<KillSwitch>> {
        self.table.record("SELECT record FROM kills WHERE id = ?", vec![id.as_str().into()])
    }

    fn ended_kill_switches(&self, now: Timestamp, limit: u32) -> Result<Vec<KillSwitch>> {
        let query = "SELECT record FROM kills WHERE until <= ? ORDER BY until LIMIT ?";
        self.table.records(query, vec![column(now), object::number(limit)])
    }

    // One that has run out decides nothing any more, so its removal need not be published.
    fn remove_kill_switch(&self, id: &Name) -> Result<()> {
        self.table.run("DELETE FROM kills WHERE id = ?", vec![id.as_str().into()])
    }

    fn put_kill_switch(&self, switch: &KillSwitch) -> Result<()> {
        let values = vec![switch.id.as_str().into(), column(switch.until), json(switch)?];
        self.run("INSERT OR REPLACE INTO kills (id, until, record) VALUES (?, ?, ?)", values)
    }

    fn access_request(&self, id: &Name) -> Result<Option<AccessRequest>> {
        self.table.record("SELECT record FROM access_requests WHERE id = ?", vec![id.as_str().into()])
    }

    fn access_requests_after(
        &self,
        after: Option<&Name>,
        state: Option<Standing>,
        limit: u32,
    ) -> Result<Vec<AccessRequest>> {
        // No identifier is empty, so every identifier comes after the empty string.
        let after = || SqlStorageValue::from(after.map(Name::as_str).unwrap_or_default());
        let Some(state) = state else {
            let query = "SELECT record FROM access_requests WHERE id > ? ORDER BY id LIMIT ?";
            return self.table.records(query, vec![after(), object::number(limit)]);
        };
        let query = "SELECT record FROM access_requests WHERE state = ? AND id > ? ORDER BY id LIMIT ?";
        self.table.records(query, vec![state.name().into(), after(), object::number(limit)])
    }

    fn access_requests_of(&self, account: &AccountKey, limit: u32) -> Result<Vec<AccessRequest>> {
        let query = "SELECT record FROM access_requests WHERE account = ? ORDER BY id DESC LIMIT ?";
        self.table.records(query, vec![account.as_str().into(), object::number(limit)])
    }

    fn open_access_requests(&self) -> Result<usize> {
        self.counted("SELECT count(*) FROM access_requests WHERE state = 'open'")
    }

    fn access_request_count(&self) -> Result<usize> {
        self.counted("SELECT count(*) FROM access_requests")
    }

    fn due_access_requests(&self, now: Timestamp, limit: u32) -> Result<Vec<AccessRequest>> {
        let query = "SELECT record FROM access_requests WHERE due <= ? ORDER BY due LIMIT ?";
        self.table.records(query, vec![column(now), object::number(limit)])
    }

    // Workers see the exception that a request leads to, and never the request. So it need not be published.
    fn put_access_request(&self, request: &AccessRequest) -> Result<()> {
        let statement =
            "INSERT OR REPLACE INTO access_requests (id, account, state, due, record) VALUES (?, ?, ?, ?, ?)";
        let state = request.state.standing();
        let (id, account) = (request.id.as_str().into(), request.asker.account.as_str().into());
        self.table
            .run(statement, vec![id, account, state.name().into(), column(request.due()), json(request)?])
    }

    fn remove_access_request(&self, id: &Name) -> Result<()> {
        self.table.run("DELETE FROM access_requests WHERE id = ?", vec![id.as_str().into()])
    }

    fn forget_answered_request(&self) -> Result<()> {
        let statement = "DELETE FROM access_requests WHERE id =
                         (SELECT id FROM access_requests WHERE state <> 'open' ORDER BY id LIMIT 1)";
        self.table.run(statement, Vec::new())
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
