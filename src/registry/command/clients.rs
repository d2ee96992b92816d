//! Commands about clients, and about what a client needs at a redemption.

use serde::{Deserialize, Serialize};

use crate::audit::change::Actor;
use crate::client::Client;
use crate::client::history::Expected;
use crate::fault::Fault;
use crate::logo::Logo;
use crate::scope::Scope;
use crate::secret::Digest;

/// Stores those clients whose identifiers were never registered. A deleted client is not stored again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what they are")]
pub struct SeedClients {
    pub clients: Vec<Client>,
}

/// Lists at most `limit` clients whose identifiers come after `after`, in the order of the identifiers.
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
    /// The image at its `logo_uri`, if it was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// If present, nothing is written.
    pub dry_run: Option<Trial>,
    /// Who makes the change, for its event.
    pub by: Actor,
}

/// Replaces the client with the same identifier. An existing secret stays.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ReplaceClient {
    /// The client, with a new secret that is used only if the client has none.
    pub client: Box<Client>,
    /// The image at its `logo_uri`, if it was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// The version that the client must still have.
    pub expected: Expected,
    /// If present, nothing is written.
    pub dry_run: Option<Trial>,
    /// Who replaces the client.
    pub by: Actor,
}

/// Deletes a client.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct DeleteClient {
    pub client_id: String,
    /// The version that the client must still have.
    pub expected: Expected,
    /// Who deletes the client.
    pub by: Actor,
}

/// Replaces the secret of a client.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct RotateSecret {
    pub client_id: String,
    /// The version that the client must still have.
    pub expected: Expected,
    /// Digest of the new secret.
    pub secret: Digest,
    /// Seconds for which the old secret remains valid.
    pub overlap: u64,
    /// Who replaces the secret.
    pub by: Actor,
}

/// A dry run of a change.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trial {
    /// Scopes to treat as described, because they will be when the change is made.
    pub scopes: Scope,
}

/// A client after a change, or as it would be after a dry run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what the other field is")]
pub struct ClientNow {
    pub client: Box<Client>,
    /// Whether the secret that came with the command is now the client's.
    pub is_new_secret: bool,
}

/// Why a change of clients or scopes is refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryRefusal {
    /// There is no such client or scope.
    Missing,
    /// A client with this identifier exists already.
    Exists,
    /// The client registers itself under a name that looks like that of an operator's client.
    NameTaken,
    /// The client does not have the expected version.
    Stale,
    /// There is no room for another client or scope, or for a larger client.
    Full,
    /// The client has no secret.
    NoSecret,
    /// Scopes of the client have no description.
    Unknown(Vec<Fault>),
    /// The tokens of a client could become too large.
    TooMuch(Fault),
    /// This many clients are registered for the scope; the string is the identifier of the first of them.
    InUse(usize, String),
    /// The scope is one of the standard ones.
    Standard,
}
