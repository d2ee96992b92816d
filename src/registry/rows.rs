//! The rows of the registry.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::admin_token::AdminToken;
use super::governance::version::{Edit, PolicyVersion};
use super::invitation::Invitation;
use super::quota::Size;
use crate::audit::change::Change;
use crate::client::Client;
use crate::client::document::entry::Entry;
use crate::format::{Format, is_false};
use crate::identity::account_key::AccountKey;
use crate::identity::demand::Demand;
use crate::logo::Logo;
use crate::policy::access_request::{AccessRequest, Standing};
use crate::policy::exception::Exception;
use crate::policy::inventory;
use crate::policy::inventory::Identifier;
use crate::policy::kill::KillSwitch;
use crate::policy::name::Name;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::{Algorithm, PublicKey};
use crate::upstream::provider::{Provider, ProviderId, Source};

/// A signing key as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct StoredKey {
    pub format: Format<1>,
    pub public: PublicKey,
    /// The private half: PKCS #8, sealed with a key derived from `MASTER_KEY`, base64url. Empty once retired.
    pub wrapped: String,
    /// When the key was created and published.
    pub created_at: Timestamp,
    /// When the key starts to sign, or started to.
    pub signs_from: Timestamp,
    /// When an operator retired the key; `None` if nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// Whether an operator supplied the key; otherwise the server made it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub imported: bool,
}

/// Shows only the `kid`: even sealed, the private half does not belong in a log.
impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

/// A key pair that was just made or imported.
#[derive(Clone)]
pub struct NewKey {
    /// The public half.
    pub public: PublicKey,
    /// The sealed private half, as in [`StoredKey::wrapped`].
    pub wrapped: String,
}

impl NewKey {
    /// Returns the row of this key, which signs from `signs_from`.
    pub(super) fn stored(self, signs_from: Timestamp, imported: bool, now: Timestamp) -> StoredKey {
        let (public, wrapped) = (self.public, self.wrapped);
        StoredKey { format: Format, public, wrapped, created_at: now, signs_from, retired_at: None, imported }
    }
}

/// An image as its row stores it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name of the other field says it all")]
pub struct StoredLogo {
    pub format: Format<1>,
    /// The last part of its address.
    pub name: String,
    pub image: Logo,
}

/// The rows of the registry.
#[expect(missing_docs, reason = "the names of the other methods say it all")]
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    /// Passes every client to `see`, one at a time and in the order of the identifiers, because all of them together are
    /// large. Nothing must be written meanwhile.
    fn each_client(&self, see: impl FnMut(Client)) -> Result<(), Self::Error>;
    fn client(&self, client_id: &str) -> Result<Option<Client>, Self::Error>;
    /// Returns at most `limit` clients whose identifiers come after `after`, in the order of the identifiers.
    fn clients_after(&self, after: Option<&str>, limit: u32) -> Result<Vec<Client>, Self::Error>;
    /// Returns the size of the clients from open registration, or of all others.
    fn size(&self, of_anyone: bool) -> Result<Size, Self::Error>;
    fn put_client(&self, client: &Client) -> Result<(), Self::Error>;
    /// Writes a client of which only [`Client::used_at`] is new, which need not be published.
    fn stamp_client(&self, client: &Client) -> Result<(), Self::Error>;
    /// Returns at most `limit` clients that have ended: see [`Client::ends_at`].
    fn ended_clients(&self, now: Timestamp, limit: u32) -> Result<Vec<Client>, Self::Error>;
    /// Returns at most `limit` clients from open registration that were never used and had registered by then, oldest
    /// first.
    fn unused_clients(&self, until: Timestamp, limit: u32) -> Result<Vec<Client>, Self::Error>;
    /// Removes a client without a trace. Its random identifier is never given again.
    fn forget_client(&self, client_id: &str) -> Result<(), Self::Error>;
    /// Removes a client, and remembers its identifier.
    fn remove_client(&self, client_id: &str) -> Result<(), Self::Error>;
    /// Returns whether a client with this identifier was ever removed.
    fn was_removed(&self, client_id: &str) -> Result<bool, Self::Error>;
    fn logo(&self, name: &str) -> Result<Option<StoredLogo>, Self::Error>;
    /// Writes the logo of `owner`, in place of an earlier one. It need not be published.
    fn put_logo(&self, owner: &str, logo: &StoredLogo) -> Result<(), Self::Error>;
    /// Removes the logo of `owner`, if there is one.
    fn remove_logo(&self, owner: &str) -> Result<(), Self::Error>;
    fn put_scope(&self, name: &str, description: &str) -> Result<(), Self::Error>;
    fn remove_scope(&self, name: &str) -> Result<(), Self::Error>;
    /// Returns every scope with its description. The standard scopes are always among them.
    fn scopes(&self) -> Result<BTreeMap<String, String>, Self::Error>;
    /// Returns the claim mappings by scope, of the scopes that have one.
    fn scope_claims(&self) -> Result<BTreeMap<String, Rules>, Self::Error>;
    /// Writes the claim mapping of a scope, or removes it if there are no rules.
    fn put_scope_claims(&self, scope: &str, claims: &Rules) -> Result<(), Self::Error>;
    /// Returns what scopes demand of a sign-in, by scope, of the scopes that demand something.
    fn scope_demands(&self) -> Result<BTreeMap<String, Demand>, Self::Error>;
    /// Writes what a scope demands, or removes it if that is nothing.
    fn put_scope_demand(&self, scope: &str, demand: &Demand) -> Result<(), Self::Error>;
    /// Returns every provider, in the order of the identifiers.
    fn providers(&self) -> Result<Vec<Provider>, Self::Error>;
    fn provider(&self, id: &ProviderId) -> Result<Option<Provider>, Self::Error>;
    /// Writes a provider, and its [source](Provider::source), which stays when the provider is removed.
    fn put_provider(&self, provider: &Provider) -> Result<(), Self::Error>;
    fn remove_provider(&self, id: &ProviderId) -> Result<(), Self::Error>;
    /// Returns the source that this identifier stands for, if it was ever a provider's.
    fn source_of(&self, id: &ProviderId) -> Result<Option<Source>, Self::Error>;
    /// Returns the allow list of documents, in the order of the texts of its entries.
    fn documents(&self) -> Result<Vec<Entry>, Self::Error>;
    fn put_document(&self, entry: &Entry) -> Result<(), Self::Error>;
    fn remove_document(&self, entry: &str) -> Result<(), Self::Error>;
    /// Returns at most `limit` entries of the inventory whose identifiers come after `after`, in the order of the
    /// identifiers.
    fn inventory_after(&self, after: Option<&str>, limit: u32) -> Result<Vec<inventory::Entry>, Self::Error>;
    fn inventory_entry(&self, identifier: &Identifier) -> Result<Option<inventory::Entry>, Self::Error>;
    fn put_inventory(&self, entry: &inventory::Entry) -> Result<(), Self::Error>;
    fn remove_inventory(&self, identifier: &Identifier) -> Result<(), Self::Error>;
    fn keys(&self) -> Result<Vec<StoredKey>, Self::Error>;
    fn put_key(&self, key: &StoredKey) -> Result<(), Self::Error>;
    fn remove_key(&self, kid: &str) -> Result<(), Self::Error>;
    /// Returns every named admin token, by `id`.
    fn admin_tokens(&self) -> Result<Vec<AdminToken>, Self::Error>;
    fn admin_token(&self, digest: &Digest) -> Result<Option<AdminToken>, Self::Error>;
    fn put_admin_token(&self, token: &AdminToken) -> Result<(), Self::Error>;
    fn remove_admin_token(&self, id: &str) -> Result<(), Self::Error>;
    /// Returns every invitation, by `id`.
    fn invitations(&self) -> Result<Vec<Invitation>, Self::Error>;
    fn invitation(&self, digest: &Digest) -> Result<Option<Invitation>, Self::Error>;
    fn put_invitation(&self, invitation: &Invitation) -> Result<(), Self::Error>;
    fn remove_invitation(&self, id: &str) -> Result<(), Self::Error>;
    /// Returns how often the policy, the exceptions or the kill switches have changed.
    fn revision(&self) -> Result<u64, Self::Error>;
    fn put_revision(&self, revision: u64) -> Result<(), Self::Error>;
    /// Returns a version of the policy, or the newest.
    fn policy(&self, version: Option<u64>) -> Result<Option<PolicyVersion>, Self::Error>;
    /// Returns every version of the policy without its document, newest first.
    fn edits(&self) -> Result<Vec<Edit>, Self::Error>;
    fn put_policy(&self, version: &PolicyVersion) -> Result<(), Self::Error>;
    /// Removes the versions up to this one.
    fn remove_policies(&self, last: u64) -> Result<(), Self::Error>;
    /// Returns the exceptions that have not lapsed, in the order of the identifiers.
    fn live_exceptions(&self, now: Timestamp) -> Result<Vec<Exception>, Self::Error>;
    fn exception(&self, id: &Name) -> Result<Option<Exception>, Self::Error>;
    /// Returns at most `limit` exceptions, also those that have lapsed, whose identifiers come after `after`, in the order of
    /// the identifiers.
    fn exceptions_after(&self, after: Option<&Name>, limit: u32) -> Result<Vec<Exception>, Self::Error>;
    /// Returns the number of exceptions, those that have lapsed included.
    fn exception_count(&self) -> Result<usize, Self::Error>;
    /// Returns at most `limit` exceptions for which something is due, and since when, the oldest first.
    fn due_exceptions(&self, now: Timestamp, limit: u32) -> Result<Vec<(Exception, Timestamp)>, Self::Error>;
    fn remove_exception(&self, id: &Name) -> Result<(), Self::Error>;
    /// Writes an exception, and when something is due for it.
    fn put_exception(&self, exception: &Exception, due: Timestamp) -> Result<(), Self::Error>;
    /// Returns the kill switches that are on, in the order of the identifiers.
    fn kill_switches(&self, now: Timestamp) -> Result<Vec<KillSwitch>, Self::Error>;
    /// Returns a kill switch, also one that has run out and was not removed yet.
    fn kill_switch(&self, id: &Name) -> Result<Option<KillSwitch>, Self::Error>;
    /// Returns at most `limit` kill switches that have run out.
    fn ended_kill_switches(&self, now: Timestamp, limit: u32) -> Result<Vec<KillSwitch>, Self::Error>;
    fn remove_kill_switch(&self, id: &Name) -> Result<(), Self::Error>;
    fn put_kill_switch(&self, switch: &KillSwitch) -> Result<(), Self::Error>;
    fn access_request(&self, id: &Name) -> Result<Option<AccessRequest>, Self::Error>;
    /// Returns at most `limit` requests for access whose identifiers come after `after`, in the order of the identifiers:
    /// those that are stored in this state, or all.
    fn access_requests_after(
        &self,
        after: Option<&Name>,
        state: Option<Standing>,
        limit: u32,
    ) -> Result<Vec<AccessRequest>, Self::Error>;
    /// Returns at most `limit` requests of an account, newest first.
    fn access_requests_of(&self, account: &AccountKey, limit: u32)
    -> Result<Vec<AccessRequest>, Self::Error>;
    /// Returns the number of requests that are stored as open.
    fn open_access_requests(&self) -> Result<usize, Self::Error>;
    /// Returns the number of requests, those that are over included.
    fn access_request_count(&self) -> Result<usize, Self::Error>;
    /// Returns at most `limit` requests for which something is due, the oldest first.
    fn due_access_requests(&self, now: Timestamp, limit: u32) -> Result<Vec<AccessRequest>, Self::Error>;
    fn put_access_request(&self, request: &AccessRequest) -> Result<(), Self::Error>;
    fn remove_access_request(&self, id: &Name) -> Result<(), Self::Error>;
    /// Removes the oldest request that is over, if there is one.
    fn forget_answered_request(&self) -> Result<(), Self::Error>;
    fn first_issuer(&self) -> Result<Option<String>, Self::Error>;
    fn put_first_issuer(&self, issuer: &str) -> Result<(), Self::Error>;
    /// Appends an event to the outbox.
    fn tell(&self, change: &Change) -> Result<(), Self::Error>;
    /// Hands out a key pair for `alg` that was made beforehand, each pair only once; `None` if none is left.
    fn new_key(&self, alg: Algorithm) -> Option<NewKey>;
}
