//! The snapshot of the registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::key_schedule::KeySchedule;
use super::rows::Rows;
use crate::client::Client;
use crate::format::Format;
use crate::scope::DESCRIPTIONS;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::PublicKey;

/// A copy of what the registry publishes, stored in KV and cached in each isolate, so that most requests need
/// not ask the registry.
///
/// It contains client secrets only as digests of 256 random bits, so none can be guessed.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Snapshot {
    pub format: Format<1>,
    /// When the registry took the snapshot, by the clock of its object. Orders the copies that KV returns.
    pub taken_at: Timestamp,
    pub clients: Vec<Client>,
    /// Every scope, with a description of what it lets a client do.
    pub scopes: BTreeMap<String, String>,
    /// Claim mappings by scope, of the scopes that have one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope_claims: BTreeMap<String, Rules>,
    /// Every key that verifies tokens now or will sign them.
    pub keys: Vec<PublicKey>,
}

impl Snapshot {
    /// Returns the client with this identifier.
    #[must_use]
    pub fn client(&self, client_id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.client_id == client_id)
    }

    /// Returns whether an enabled client lists this `Origin` header in `allowed_origins`.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.clients.iter().any(|client| client.allowed_origin(origin).is_some())
    }

    /// Returns the first client with a scope that has no description, and that scope. Nobody could consent to
    /// the scope.
    fn undescribed(&self) -> Option<(&Client, &str)> {
        let described = |token: &&str| self.scopes.get(*token).is_some_and(|words| !words.is_empty());
        self.clients.iter().find_map(|client| {
            let token = client.scope.iter().find(|token| !described(token))?;
            Some((client, token))
        })
    }
}

/// Returns the scopes of a new registry, with their descriptions.
#[must_use]
pub fn standard_scopes() -> BTreeMap<String, String> {
    let pair = |(name, words): &(&str, &str)| ((*name).to_owned(), (*words).to_owned());
    DESCRIPTIONS.iter().map(pair).collect()
}

/// A client with a scope that has no description. Nobody could consent to that scope, so no snapshot is taken
/// and nothing is served.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct Undescribed {
    pub client_id: String,
    pub scope: String,
}

/// Takes a snapshot of the registry.
///
/// # Errors
///
/// A row could not be read.
pub fn take<R: Rows>(rows: &R, now: Timestamp) -> Result<Result<Box<Snapshot>, Undescribed>, R::Error> {
    let mut clients = rows.clients()?;
    clients.retain(|client| !client.has_ended(now));
    let snapshot = Snapshot { clients, ..outline(rows, now)? };
    if let Some((client, scope)) = snapshot.undescribed() {
        return Ok(Err(Undescribed { client_id: client.client_id.clone(), scope: scope.to_owned() }));
    }
    Ok(Ok(Box::new(snapshot)))
}

/// Takes a snapshot without the clients. Unlike the clients, the rest is small.
///
/// # Errors
///
/// A row could not be read.
pub fn outline<R: Rows>(rows: &R, now: Timestamp) -> Result<Snapshot, R::Error> {
    let keys = KeySchedule::new(&rows.keys()?).published(now);
    let (scopes, scope_claims) = (rows.scopes()?, rows.scope_claims()?);
    Ok(Snapshot { format: Format, taken_at: now, clients: Vec::new(), scopes, scope_claims, keys })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::demo;
    use crate::scope::Scope;

    #[test]
    fn a_scope_without_a_description_is_found() {
        let mut snapshot = Snapshot {
            format: Format,
            taken_at: Timestamp::default(),
            clients: demo::clients(),
            scopes: standard_scopes(),
            scope_claims: BTreeMap::new(),
            keys: Vec::new(),
        };
        assert_eq!(snapshot.undescribed(), None);

        snapshot.clients[1].scope = Scope::parse("openid fly").unwrap();

        let found = snapshot.undescribed().map(|(client, scope)| (client.client_id.as_str(), scope));
        assert_eq!(found, Some(("demo-printer", "fly")));
    }
}
