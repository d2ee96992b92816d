//! What the `Registry` object holds: clients and signing keys.

pub mod clients;
pub mod command;
pub mod key_schedule;
pub mod quota;
pub mod scopes;
pub mod signing_keys;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::format::Format;
use crate::scope;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::{Algorithm, PublicKey, StoredKey};
use key_schedule::{KeySchedule, Signing};
use quota::Size;
use signing_keys::NewKey;

/// What may be read without asking the registry: published in KV, cached in each isolate.
///
/// Client secrets are in it as digests of 256 random bits, from which nothing can be guessed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Snapshot {
    /// Of this record.
    pub format: Format<1>,
    /// Every client.
    pub clients: Vec<Client>,
    /// Every scope, and what it lets a client do, in plain words.
    pub scopes: BTreeMap<String, String>,
    /// How the claims of a scope are mapped, by scope; most have no rules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope_claims: BTreeMap<String, Rules>,
    /// Every key that verifies a token.
    pub keys: Vec<PublicKey>,
}

impl Snapshot {
    /// Finds a client.
    #[must_use]
    pub fn client(&self, client_id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.client_id == client_id)
    }

    /// The first scope that a client may have and that nothing describes: nobody could consent to it.
    fn undescribed(&self) -> Option<(&Client, &str)> {
        let described = |token: &&str| self.scopes.get(*token).is_some_and(|words| !words.is_empty());
        self.clients.iter().find_map(|client| {
            let token = client.scope.iter().find(|token| !described(token))?;
            Some((client, token))
        })
    }
}

/// The scopes that a new registry knows.
#[must_use]
pub fn standard_scopes() -> BTreeMap<String, String> {
    let pair = |(name, words): &(&str, &str)| ((*name).to_owned(), (*words).to_owned());
    scope::DESCRIPTIONS.iter().map(pair).collect()
}

/// Asks the registry for something.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The whole, as it is now.
    Snapshot,
    /// One client and the keys that sign, as they are now.
    AtSource {
        /// The client's identifier.
        client_id: String,
    },
    /// The signing keys, wrapped. Generated if there are none.
    Keys,
    /// Stores clients that were never there; one that was deleted stays away.
    Seed {
        /// The clients.
        clients: Vec<Client>,
    },
    /// What an operator does.
    Manage(command::Command),
}

/// What the registry answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `Snapshot` and `Seed`.
    Snapshot(Box<Snapshot>),
    /// To `AtSource`.
    AtSource(Box<AtSource>),
    /// To `Keys`.
    Keys(Vec<StoredKey>),
    /// To `Manage`.
    Managed(command::Reply),
    /// To `Snapshot` and `Seed`: a client may have a scope that nothing describes, so nothing is served.
    Undescribed {
        /// The client.
        client_id: String,
        /// The scope.
        scope: String,
    },
}

/// What a redemption or a refresh rests on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AtSource {
    /// The client, if there is one.
    pub client: Option<Client>,
    /// The keys that sign: a key that was retired signs nothing more, whatever an isolate remembers.
    pub signing: Vec<Signing>,
    /// When that was so.
    pub at: Timestamp,
}

/// The rows of the registry.
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    /// Every client.
    fn clients(&self) -> Result<Vec<Client>, Self::Error>;
    /// One client.
    fn client(&self, client_id: &str) -> Result<Option<Client>, Self::Error>;
    /// At most `limit` clients whose identifiers come after `after`, in the order of these.
    fn clients_after(&self, after: Option<&str>, limit: u32) -> Result<Vec<Client>, Self::Error>;
    /// How much the clients are.
    fn size(&self) -> Result<Size, Self::Error>;
    /// Writes a client.
    fn put_client(&self, client: &Client) -> Result<(), Self::Error>;
    /// Removes a client, and remembers that it was there.
    fn remove_client(&self, client_id: &str) -> Result<(), Self::Error>;
    /// Whether a client of that identifier was ever removed.
    fn was_removed(&self, client_id: &str) -> Result<bool, Self::Error>;
    /// Writes a scope.
    fn put_scope(&self, name: &str, description: &str) -> Result<(), Self::Error>;
    /// Removes a scope.
    fn remove_scope(&self, name: &str) -> Result<(), Self::Error>;
    /// Every scope with its description; the standard ones at first.
    fn scopes(&self) -> Result<BTreeMap<String, String>, Self::Error>;
    /// The claim mapping of the scopes that have one.
    fn scope_claims(&self) -> Result<BTreeMap<String, Rules>, Self::Error>;
    /// Writes the claim mapping of a scope, or removes it if it has no rules.
    fn put_scope_claims(&self, scope: &str, claims: &Rules) -> Result<(), Self::Error>;
    /// Every signing key.
    fn keys(&self) -> Result<Vec<StoredKey>, Self::Error>;
    /// Writes a signing key.
    fn put_key(&self, key: &StoredKey) -> Result<(), Self::Error>;
    /// Removes a signing key.
    fn remove_key(&self, kid: &str) -> Result<(), Self::Error>;
    /// A key pair that was made beforehand, if one was; it is handed out once.
    fn new_key(&self, alg: Algorithm) -> Option<NewKey>;
}

/// Answers one command. The caller has seen to it that there are keys.
///
/// # Errors
///
/// Those of the rows.
pub fn apply<R: Rows>(rows: &R, command: Command, now: Timestamp) -> Result<Reply, R::Error> {
    match command {
        Command::Snapshot => snapshot(rows, now),
        Command::AtSource { client_id } => {
            let client = rows.client(&client_id)?;
            let signing = KeySchedule::new(&rows.keys()?).signing(now);
            Ok(Reply::AtSource(Box::new(AtSource { client, signing, at: now })))
        }
        Command::Keys => rows.keys().map(Reply::Keys),
        Command::Seed { clients } => {
            for client in &clients {
                if rows.client(&client.client_id)?.is_none() && !rows.was_removed(&client.client_id)? {
                    rows.put_client(client)?;
                }
            }
            snapshot(rows, now)
        }
        Command::Manage(command) => command::apply(rows, command, now).map(Reply::Managed),
    }
}

fn snapshot<R: Rows>(rows: &R, now: Timestamp) -> Result<Reply, R::Error> {
    let keys = KeySchedule::new(&rows.keys()?).published(now);
    let (clients, scopes) = (rows.clients()?, rows.scopes()?);
    let snapshot = Snapshot { format: Format, clients, scopes, scope_claims: rows.scope_claims()?, keys };
    if let Some((client, scope)) = snapshot.undescribed() {
        return Ok(Reply::Undescribed { client_id: client.client_id.clone(), scope: scope.to_owned() });
    }
    Ok(Reply::Snapshot(Box::new(snapshot)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::demo;
    use crate::scope::Scope;

    #[test]
    fn a_scope_without_a_description_is_found_out() {
        let mut snapshot = Snapshot {
            format: Format,
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
