//! The messages between a Worker and the registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::admin_token::AdminToken;
use super::admin_tokens::{CreateAdminToken, ListAdminTokens, RevokeAdminToken, TokenRefusal, UseAdminToken};
use super::invitation::Invitation;
use super::invitations::{
    CreateInvitation, FindFirstIssuer, FindInvitation, ListInvitations, RevokeInvitation, SpendInvitation,
};
use super::key_schedule::{Signing, State};
use super::outline::Outline;
use super::passkeys::NotePasskey;
use super::rows::StoredKey;
use crate::ask::commands;
use crate::audit::change::Actor;
use crate::client::Client;
use crate::client::history::Expected;
use crate::fault::Fault;
use crate::format::is_false;
use crate::identity::demand::Demand;
use crate::logo::Logo;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::private_jwk::PrivateJwk;
use crate::token::signing_key::Algorithm;
use crate::upstream::provider::{Provider, ProviderId, Source};

/// The most scopes besides the standard ones.
pub const MOST_SCOPES: usize = 500;
/// The most OpenID Providers.
pub const MOST_PROVIDERS: usize = 50;

commands! {
    /// Every command that the registry answers.
    pub enum Command {
        TakeOutline => Outline,
        FindAtSource => AtSource,
        FindKeys => Vec<StoredKey>,
        SeedClients => (),
        ListClients => Vec<Client>,
        CreateClient => Result<ClientNow, RegistryRefusal>,
        ReplaceClient => Result<ClientNow, RegistryRefusal>,
        DeleteClient => Result<(), RegistryRefusal>,
        RotateSecret => Result<ClientNow, RegistryRefusal>,
        FindLogo => Option<Logo>,
        KeepLogo => (),
        ListScopes => BTreeMap<String, ScopeNow>,
        DescribeScope => Result<bool, RegistryRefusal>,
        MapScope => Result<Rules, RegistryRefusal>,
        FindMapping => Result<Rules, RegistryRefusal>,
        RemoveScope => Result<(), RegistryRefusal>,
        ListKeys => Vec<KeyView>,
        RotateKeys => Result<(), KeyRefusal>,
        RetireKey => Result<(), KeyRefusal>,
        ImportKey => Result<(), KeyRefusal>,
        CreateAdminToken => Result<(), TokenRefusal>,
        ListAdminTokens => Vec<AdminToken>,
        RevokeAdminToken => bool,
        UseAdminToken => Option<AdminToken>,
        CreateInvitation => bool,
        ListInvitations => Vec<Invitation>,
        RevokeInvitation => bool,
        FindInvitation => Option<Invitation>,
        SpendInvitation => Option<Invitation>,
        ListProviders => Vec<Provider>,
        FindProvider => Option<Provider>,
        CreateProvider => Result<Provider, ProviderRefusal>,
        ReplaceProvider => Result<Provider, ProviderRefusal>,
        DeleteProvider => Result<(), ProviderRefusal>,
        NotePasskey => (),
        FindFirstIssuer => Option<String>,
    }
}

/// Takes the outline, for a Worker that has no snapshot yet. A whole [`Snapshot`](super::snapshot::Snapshot) is no reply
/// to a command, because it travels as text, not as JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TakeOutline {}

/// Reads a client, and which keys sign, at the source. The reply is newer than any snapshot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what the other field is")]
pub struct FindAtSource {
    pub client_id: String,
    /// Whether the client is about to redeem or refresh, which counts as a use: see [`Client::ends_at`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub using: bool,
}

/// Reads the signing keys, with their private halves sealed. If there are none, the registry makes them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindKeys {}

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

/// Reads a logo, by the last part of its address. The reply is `None` if there is none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindLogo {
    pub name: String,
}

/// Keeps the logo of the service, which a Worker has fetched.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type of the other field says what it is")]
pub struct KeepLogo {
    /// The last part of its address.
    pub name: String,
    pub logo: Logo,
}

/// Lists every scope.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListScopes {}

/// A scope as the registry has it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ScopeNow {
    /// What the scope lets a client do, in words for the consent page.
    pub description: String,
    /// What it demands of the sign-in of a person who approves it.
    #[serde(default, skip_serializing_if = "Demand::is_empty")]
    pub sign_in: Demand,
}

/// Describes a scope, and adds the scope if it is new. The reply is `true` if it was new.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct DescribeScope {
    pub name: String,
    /// Description and demand.
    #[serde(flatten)]
    pub now: ScopeNow,
    /// Who describes the scope.
    pub by: Actor,
}

/// Replaces the claim mapping of a scope. The reply is the new mapping.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct MapScope {
    pub name: String,
    /// The new rules. An empty list removes the mapping.
    pub claims: Rules,
    /// Who maps the scope.
    pub by: Actor,
}

/// Reads the claim mapping of a scope.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindMapping {
    pub name: String,
}

/// Removes a scope, unless a client is registered for it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct RemoveScope {
    pub name: String,
    pub by: Actor,
}

/// Lists every signing key as an operator sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListKeys {}

/// Replaces the keys that sign.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RotateKeys {
    /// The algorithm whose key to replace; `None` to replace every key that signs.
    pub alg: Option<Algorithm>,
    /// Whether the new keys sign at once, even if some verifiers have not read them yet.
    pub at_once: bool,
    /// Who replaces the keys.
    pub by: Actor,
}

/// Takes a key out of use, at once and permanently.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct RetireKey {
    pub kid: String,
    pub by: Actor,
}

/// Stores a key that an operator made.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the type says what the other field is")]
pub struct ImportKey {
    pub key: Box<PrivateJwk>,
    /// Whether the key signs at once, even if some verifiers have not read it yet.
    pub at_once: bool,
    /// Who supplies the key.
    pub by: Actor,
}

/// Lists every provider, in the order of the identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListProviders {}

/// Reads a provider at the source.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindProvider {
    pub id: ProviderId,
}

/// Adds a provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct CreateProvider {
    pub provider: Box<Provider>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Replaces the provider with the same identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct ReplaceProvider {
    pub provider: Box<Provider>,
    /// The version that the provider must still have.
    pub expected: Expected,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Deletes a provider. Its identifier stays reserved for its source.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct DeleteProvider {
    pub id: ProviderId,
    /// The version that the provider must still have.
    pub expected: Expected,
    pub by: Actor,
}

/// Why a change of providers is refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderRefusal {
    /// There is no such provider.
    Missing,
    /// A provider with this identifier exists already.
    Exists,
    /// The provider does not have the expected version.
    Stale,
    /// There is no room for another provider.
    Full,
    /// The identifier stands for this other source, now or before its provider was deleted.
    Taken(Source),
}

/// A client, which keys sign, and what scopes demand, as the registry has them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AtSource {
    /// `None` if there is no such client.
    pub client: Option<Client>,
    /// The keys that sign, so that a retired key signs nothing more, whatever keys an isolate has cached.
    pub signing: Vec<Signing>,
    /// What the scopes demand of a sign-in, of those that demand something.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope_demands: BTreeMap<String, Demand>,
    /// When the registry read all of it.
    pub at: Timestamp,
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

/// Why a change of keys is refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRefusal {
    /// No key has this `kid`.
    Unknown,
    /// The key is stored already, in this state.
    Known(State),
    /// The private and the public half of the key do not belong together.
    Misfit,
    /// No new key was made beforehand.
    Unmade,
}

/// A key as an operator sees it. Times are in seconds since 1970.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct KeyView {
    /// JWK thumbprint of the key (RFC 7638).
    pub kid: String,
    pub alg: Algorithm,
    pub state: State,
    /// When the key was made or imported.
    pub created_at: u64,
    /// When the key begins or began to sign; `None` while it stands by indefinitely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<u64>,
    /// Until when the key verifies; `None` unless another key has taken its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifies_until: Option<u64>,
    /// `None` if the key was not retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<u64>,
    /// Whether an operator made the key.
    pub imported: bool,
}
