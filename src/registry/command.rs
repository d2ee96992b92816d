//! What an operator does to the registry. Everything that decides about a change is checked in the command that makes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Rows;
use super::{clients, scopes};
use crate::client::Client;
use crate::client::history::Expected;
use crate::fault::Fault;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::{Timestamp, span};
use crate::token::mapping::Rules;

/// Most scopes beside the standard ones.
pub const MOST_SCOPES: usize = 500;

/// Asks the registry for something only an operator may.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A page of clients, in the order of their identifiers.
    Clients {
        /// Those after this one; all, if there is none.
        after: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// Adds a client.
    Create {
        /// The client, with a new secret if it has one.
        client: Box<Client>,
        /// Whether this is only asked and nothing is to be written.
        dry_run: Option<Trial>,
        /// Whether it registers itself: half of the room is the operator's.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        by_itself: bool,
    },
    /// Puts a client in the place of the one with its identifier. A secret stays unless there was none.
    Replace {
        /// The client, with a new secret if it has one.
        client: Box<Client>,
        /// What the client must be until then.
        expected: Expected,
        /// Whether this is only asked and nothing is to be written.
        dry_run: Option<Trial>,
    },
    /// Removes a client.
    Delete {
        /// Its identifier.
        client_id: String,
        /// What it must be until then.
        expected: Expected,
    },
    /// Gives a client another secret.
    Rotate {
        /// Its identifier.
        client_id: String,
        /// What it must be until then.
        expected: Expected,
        /// The digest of the new secret.
        secret: Digest,
        /// For how long the secret before it stays good, in seconds.
        overlap: u64,
    },
    /// Every scope.
    Scopes,
    /// Describes a scope, a new one or one that is there.
    Describe {
        /// The scope.
        name: String,
        /// What it lets a client do, in plain words.
        description: String,
    },
    /// Puts the claim mapping of a scope in the place of the one there is.
    Map {
        /// The scope.
        name: String,
        /// Its rules; none removes it.
        claims: Rules,
    },
    /// The claim mapping of a scope.
    Mapping {
        /// The scope.
        name: String,
    },
    /// Removes a scope.
    Forget {
        /// The scope.
        name: String,
    },
}

/// A change that is only tried.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trial {
    /// Scopes to take for described: those that will be by the time of the change.
    pub scopes: Scope,
}

/// What the registry answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `Clients`, one more than the limit if there are more.
    Clients(Vec<Client>),
    /// The client as it is now, or would be.
    Client {
        /// The client.
        client: Box<Client>,
        /// Whether the new secret is its secret.
        is_new_secret: bool,
    },
    /// To `Scopes`, with their descriptions.
    Scopes(BTreeMap<String, String>),
    /// To `Describe`: whether the scope is new.
    Described(bool),
    /// To `Map` and `Mapping`: the rules as they are now.
    Mapped(Rules),
    /// It is removed.
    Removed,
    /// Nothing was changed.
    Refused(RegistryRefusal),
}

/// Why nothing was changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryRefusal {
    /// There is no such client or scope.
    Missing,
    /// There is a client with that identifier.
    Exists,
    /// It is not what it was expected to be.
    Stale,
    /// There is no room for more.
    Full,
    /// The client has no secret.
    NoSecret,
    /// The client may have scopes that nothing describes.
    Unknown(Vec<Fault>),
    /// The tokens of a client could get too large.
    TooMuch(Fault),
    /// So many clients may have the scope; the first of them.
    InUse(usize, String),
    /// The scope is one of the standard ones.
    Standard,
}

/// Answers one command.
///
/// # Errors
///
/// Those of the rows.
pub fn apply<R: Rows>(rows: &R, command: Command, now: Timestamp) -> Result<Reply, R::Error> {
    match command {
        Command::Clients { after, limit } => rows.clients_after(after.as_deref(), limit).map(Reply::Clients),
        Command::Create { client, dry_run, by_itself } => {
            clients::create(rows, *client, dry_run.as_ref(), by_itself, now)
        }
        Command::Replace { client, expected, dry_run } => {
            clients::replace(rows, *client, &expected, dry_run.as_ref(), now)
        }
        Command::Delete { client_id, expected } => match clients::find(rows, &client_id, &expected)? {
            Ok(_) => rows.remove_client(&client_id).map(|()| Reply::Removed),
            Err(refusal) => Ok(Reply::Refused(refusal)),
        },
        Command::Rotate { client_id, expected, secret, overlap } => {
            match clients::find(rows, &client_id, &expected)? {
                Ok(client) => clients::rotate(rows, client, secret, now + span(overlap), now),
                Err(refusal) => Ok(Reply::Refused(refusal)),
            }
        }
        Command::Scopes => rows.scopes().map(Reply::Scopes),
        Command::Describe { name, description } => scopes::describe(rows, &name, &description),
        Command::Map { name, claims } => scopes::map(rows, &name, Some(claims)),
        Command::Mapping { name } => scopes::map(rows, &name, None),
        Command::Forget { name } => scopes::forget(rows, &name),
    }
}

impl Command {
    /// Whether it may change what is published.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        match self {
            Self::Clients { .. } | Self::Scopes | Self::Mapping { .. } => false,
            Self::Create { dry_run, .. } | Self::Replace { dry_run, .. } => dry_run.is_none(),
            Self::Delete { .. }
            | Self::Rotate { .. }
            | Self::Describe { .. }
            | Self::Map { .. }
            | Self::Forget { .. } => true,
        }
    }
}
