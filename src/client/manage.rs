//! What an operator does to the registry. Everything that decides about a change is checked in the command that makes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::history::{Expected, History};
use super::registry::Rows;
use super::room::overweight;
use super::scope::{DESCRIPTIONS, Scope};
use super::{Authentication, Client, Retiring};
use crate::fault::Fault;
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
    Refused(Refusal),
}

/// Why nothing was changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
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
            create(rows, *client, dry_run.as_ref(), by_itself, now)
        }
        Command::Replace { client, expected, dry_run } => {
            replace(rows, *client, &expected, dry_run.as_ref(), now)
        }
        Command::Delete { client_id, expected } => match find(rows, &client_id, &expected)? {
            Ok(_) => rows.remove_client(&client_id).map(|()| Reply::Removed),
            Err(refusal) => Ok(Reply::Refused(refusal)),
        },
        Command::Rotate { client_id, expected, secret, overlap } => {
            match find(rows, &client_id, &expected)? {
                Ok(client) => rotate(rows, client, secret, now + span(overlap), now),
                Err(refusal) => Ok(Reply::Refused(refusal)),
            }
        }
        Command::Scopes => rows.scopes().map(Reply::Scopes),
        Command::Describe { name, description } => describe(rows, &name, &description),
        Command::Map { name, claims } => map(rows, &name, Some(claims)),
        Command::Mapping { name } => map(rows, &name, None),
        Command::Forget { name } => forget(rows, &name),
    }
}

fn create<R: Rows>(
    rows: &R,
    client: Client,
    dry_run: Option<&Trial>,
    by_itself: bool,
    now: Timestamp,
) -> Result<Reply, R::Error> {
    if rows.client(&client.client_id)?.is_some() {
        return Ok(Reply::Refused(Refusal::Exists));
    }
    let is_new_secret = matches!(client.authentication, Authentication::Secret { .. });
    let client = Client { history: History::beginning(now), ..client };
    if !rows.size()?.with(None, &client).fits(if by_itself { 2 } else { 1 }) {
        return Ok(Reply::Refused(Refusal::Full));
    }
    put(rows, client, is_new_secret, dry_run)
}

fn replace<R: Rows>(
    rows: &R,
    client: Client,
    expected: &Expected,
    dry_run: Option<&Trial>,
    now: Timestamp,
) -> Result<Reply, R::Error> {
    let before = match find(rows, &client.client_id, expected)? {
        Ok(before) => before,
        Err(refusal) => return Ok(Reply::Refused(refusal)),
    };
    let size = rows.size()?;
    let history = before.history.changed(now);
    let (authentication, is_new_secret) =
        keep_secret(before.authentication.clone(), client.authentication.clone());
    let client = Client { authentication, history, ..client };
    let after = size.with(Some(&before), &client);
    if after.bytes > size.bytes && !after.fits(1) {
        return Ok(Reply::Refused(Refusal::Full));
    }
    put(rows, client, is_new_secret, dry_run)
}

/// The new way to authenticate, with the secret there was; whether there was none and the new one is it.
fn keep_secret(before: Authentication, after: Authentication) -> (Authentication, bool) {
    match (before, after) {
        (Authentication::Secret { digest, previous, .. }, Authentication::Secret { by, .. }) => {
            (Authentication::Secret { digest, previous, by }, false)
        }
        (_, after @ Authentication::Secret { .. }) => (after, true),
        (_, after) => (after, false),
    }
}

/// Writes a client, unless nobody could consent to what it may have.
fn put<R: Rows>(
    rows: &R,
    client: Client,
    is_new_secret: bool,
    dry_run: Option<&Trial>,
) -> Result<Reply, R::Error> {
    let known = rows.scopes()?;
    let assumed = dry_run.map(|trial| &trial.scopes);
    let is_known = |name: &str| known.contains_key(name) || assumed.is_some_and(|scopes| scopes.has(name));
    let unknown: Vec<Fault> = client.scope.iter().filter(|name| !is_known(name)).map(undescribed).collect();
    if !unknown.is_empty() {
        return Ok(Reply::Refused(Refusal::Unknown(unknown)));
    }
    if let Some(fault) = overweight(&client, &rows.scope_claims()?) {
        return Ok(Reply::Refused(Refusal::TooMuch(fault)));
    }
    if dry_run.is_none() {
        rows.put_client(&client)?;
    }
    Ok(Reply::Client { client: Box::new(client), is_new_secret })
}

fn undescribed(name: &str) -> Fault {
    Fault::at("scope", format!("scope has {name:?}, which nothing describes: describe it first"))
}

fn find<R: Rows>(
    rows: &R,
    client_id: &str,
    expected: &Expected,
) -> Result<Result<Client, Refusal>, R::Error> {
    Ok(match rows.client(client_id)? {
        None => Err(Refusal::Missing),
        Some(client) if expected.holds(&client.history) => Ok(client),
        Some(_) => Err(Refusal::Stale),
    })
}

fn rotate<R: Rows>(
    rows: &R,
    client: Client,
    secret: Digest,
    until: Timestamp,
    now: Timestamp,
) -> Result<Reply, R::Error> {
    let Authentication::Secret { digest, by, .. } = client.authentication else {
        return Ok(Reply::Refused(Refusal::NoSecret));
    };
    let previous = (now < until).then_some(Retiring { digest, until });
    let authentication = Authentication::Secret { digest: secret, previous, by };
    let client = Client { authentication, history: client.history.changed(now), ..client };
    rows.put_client(&client)?;
    Ok(Reply::Client { client: Box::new(client), is_new_secret: true })
}

fn describe<R: Rows>(rows: &R, name: &str, description: &str) -> Result<Reply, R::Error> {
    let scopes = rows.scopes()?;
    let is_new = !scopes.contains_key(name);
    if is_new && scopes.len() >= DESCRIPTIONS.len() + MOST_SCOPES {
        return Ok(Reply::Refused(Refusal::Full));
    }
    rows.put_scope(name, description)?;
    Ok(Reply::Described(is_new))
}

fn map<R: Rows>(rows: &R, name: &str, claims: Option<Rules>) -> Result<Reply, R::Error> {
    if !rows.scopes()?.contains_key(name) {
        return Ok(Reply::Refused(Refusal::Missing));
    }
    if let Some(claims) = claims {
        if let Some(fault) = overweight_by(rows, name, &claims)? {
            return Ok(Reply::Refused(Refusal::TooMuch(fault)));
        }
        rows.put_scope_claims(name, &claims)?;
    }
    let claims = rows.scope_claims()?.remove(name).unwrap_or_default();
    Ok(Reply::Mapped(claims))
}

/// What is wrong if the tokens of a client that may have the scope could get too large.
fn overweight_by<R: Rows>(rows: &R, name: &str, claims: &Rules) -> Result<Option<Fault>, R::Error> {
    let mut scopes = rows.scope_claims()?;
    let before = scopes.insert(name.to_owned(), claims.clone()).unwrap_or_default();
    // Making it lighter is always right.
    if claims.weight() <= before.weight() {
        return Ok(None);
    }
    let users = rows.clients()?.into_iter().filter(|client| client.scope.has(name));
    Ok(users.into_iter().find_map(|client| overweight(&client, &scopes)))
}

fn forget<R: Rows>(rows: &R, name: &str) -> Result<Reply, R::Error> {
    let users = rows.clients()?.into_iter().filter(|client| client.scope.has(name));
    let users: Vec<String> = users.map(|client| client.client_id).collect();
    Ok(match (rows.scopes()?.contains_key(name), users.first()) {
        (false, _) => Reply::Refused(Refusal::Missing),
        (true, _) if DESCRIPTIONS.iter().any(|(standard, _)| *standard == name) => {
            Reply::Refused(Refusal::Standard)
        }
        (true, Some(first)) => Reply::Refused(Refusal::InUse(users.len(), first.clone())),
        (true, None) => {
            rows.remove_scope(name)?;
            rows.put_scope_claims(name, &Rules::default())?;
            Reply::Removed
        }
    })
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
