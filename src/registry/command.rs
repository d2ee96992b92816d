//! The messages between a Worker and the registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::key_schedule::{Signing, State};
use super::snapshot::{Snapshot, Undescribed};
use crate::ask::commands;
use crate::client::Client;
use crate::client::history::Expected;
use crate::fault::Fault;
use crate::format::is_false;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::private_jwk::PrivateJwk;
use crate::token::signing_key::{Algorithm, StoredKey};

/// Most scopes beside the standard ones.
pub const MOST_SCOPES: usize = 500;

commands! {
    /// Every command that the registry answers.
    pub enum Command {
        TakeSnapshot => Result<Box<Snapshot>, Undescribed>,
        FindAtSource => AtSource,
        FindKeys => Vec<StoredKey>,
        SeedClients => (),
        ListClients => Vec<Client>,
        CreateClient => Result<ClientNow, RegistryRefusal>,
        ReplaceClient => Result<ClientNow, RegistryRefusal>,
        DeleteClient => Result<(), RegistryRefusal>,
        RotateSecret => Result<ClientNow, RegistryRefusal>,
        ListScopes => BTreeMap<String, String>,
        DescribeScope => Result<bool, RegistryRefusal>,
        MapScope => Result<Rules, RegistryRefusal>,
        FindMapping => Result<Rules, RegistryRefusal>,
        RemoveScope => Result<(), RegistryRefusal>,
        ListKeys => Vec<KeyView>,
        RotateKeys => Result<(), KeyRefusal>,
        RetireKey => Result<(), KeyRefusal>,
        ImportKey => Result<(), KeyRefusal>,
    }
}

/// Takes a snapshot of the registry as it is now.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TakeSnapshot {}

/// Reads one client and the names of the keys that sign, as they are now.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindAtSource {
    pub client_id: String,
}

/// Reads the signing keys, their private halves sealed. The registry makes them if there are none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindKeys {}

/// Stores those of the clients whose identifiers were never registered; a deleted client is not stored again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what they are")]
pub struct SeedClients {
    pub clients: Vec<Client>,
}

/// Reads at most `limit` clients with identifiers after `after`, in the order of their identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct ListClients {
    pub after: Option<String>,
    pub limit: u32,
}

/// Adds a client.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CreateClient {
    /// The client, with a new secret if it needs one.
    pub client: Box<Client>,
    /// If given, nothing is written.
    pub dry_run: Option<Trial>,
    /// Whether the client registers itself. Such clients get half of the quota; the other half is the operator's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_itself: bool,
}

/// Replaces the client of the same identifier. An existing secret stays.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ReplaceClient {
    /// The client, with a new secret if it needs one.
    pub client: Box<Client>,
    /// The version that the client must still have.
    pub expected: Expected,
    /// If given, nothing is written.
    pub dry_run: Option<Trial>,
}

/// Deletes a client.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct DeleteClient {
    pub client_id: String,
    /// The version that the client must still have.
    pub expected: Expected,
}

/// Gives a client another secret.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct RotateSecret {
    pub client_id: String,
    /// The version that the client must still have.
    pub expected: Expected,
    /// The digest of the new secret.
    pub secret: Digest,
    /// Seconds for which the previous secret stays valid.
    pub overlap: u64,
}

/// Reads every scope with its description.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListScopes {}

/// Describes a scope. The reply says whether the scope is new.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DescribeScope {
    /// The scope.
    pub name: String,
    /// What the scope lets a client do, in words for the consent page.
    pub description: String,
}

/// Replaces the claim mapping of a scope. The reply is the new mapping.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct MapScope {
    /// The scope.
    pub name: String,
    /// Its rules; an empty list removes the mapping.
    pub claims: Rules,
}

/// Reads the claim mapping of a scope.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindMapping {
    /// The scope.
    pub name: String,
}

/// Removes a scope that no client may have.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RemoveScope {
    /// The scope.
    pub name: String,
}

/// Reads every signing key, as an operator sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListKeys {}

/// Replaces the keys that sign.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RotateKeys {
    /// Only the key of this algorithm; every key that signs, if absent.
    pub alg: Option<Algorithm>,
    /// Whether the new keys sign at once, before every verifier can have read them.
    pub at_once: bool,
}

/// Takes a key out of use, at once and for good.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct RetireKey {
    pub kid: String,
}

/// Stores a key that the operator made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ImportKey {
    /// The private key.
    pub key: Box<PrivateJwk>,
    /// Whether it signs at once, before every verifier can have read it.
    pub at_once: bool,
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

/// A change that is only tried.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trial {
    /// Scopes to take for described: those that will be by the time of the change.
    pub scopes: Scope,
}

/// A client after a change, or as it would be after one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ClientNow {
    /// The client.
    pub client: Box<Client>,
    /// Whether the secret that came with the command is now the client's.
    pub is_new_secret: bool,
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

/// Why nothing about the keys was changed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRefusal {
    /// No key has this `kid`.
    Unknown,
    /// The key is stored already, in this state.
    Known(State),
    /// The private and the public half do not belong together.
    Misfit,
    /// No new key could be made.
    Unmade,
}

/// A key as an operator sees it. Instants are in seconds since 1970.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyView {
    /// Its thumbprint.
    pub kid: String,
    /// Its algorithm.
    pub alg: Algorithm,
    /// What it is there for.
    pub state: State,
    /// When it was made or brought.
    pub created_at: u64,
    /// When it begins to sign, or began to; not while it stands by without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<u64>,
    /// Until when it verifies, once another signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifies_until: Option<u64>,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<u64>,
    /// Whether an operator brought it.
    pub imported: bool,
}

impl Command {
    /// Whether the command may change what is published.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        match self {
            Self::TakeSnapshot(_)
            | Self::FindAtSource(_)
            | Self::FindKeys(_)
            | Self::ListClients(_)
            | Self::ListScopes(_)
            | Self::FindMapping(_)
            | Self::ListKeys(_) => false,
            Self::CreateClient(ask) => ask.dry_run.is_none(),
            Self::ReplaceClient(ask) => ask.dry_run.is_none(),
            Self::SeedClients(_)
            | Self::DeleteClient(_)
            | Self::RotateSecret(_)
            | Self::DescribeScope(_)
            | Self::MapScope(_)
            | Self::RemoveScope(_)
            | Self::RotateKeys(_)
            | Self::RetireKey(_)
            | Self::ImportKey(_) => true,
        }
    }
}
