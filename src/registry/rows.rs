//! The rows of the registry.

use std::collections::BTreeMap;

use super::quota::Size;
use crate::client::Client;
use crate::format::Format;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::{Algorithm, PublicKey, StoredKey};

/// A key pair that was just made or brought.
#[derive(Clone)]
pub struct NewKey {
    /// The public half.
    pub public: PublicKey,
    /// The private half, sealed: as [`StoredKey::wrapped`].
    pub wrapped: String,
}

impl NewKey {
    /// The row of this key, which signs from `signs_from`.
    pub(super) fn stored(self, signs_from: Timestamp, imported: bool, now: Timestamp) -> StoredKey {
        let (public, wrapped) = (self.public, self.wrapped);
        StoredKey { format: Format, public, wrapped, created_at: now, signs_from, retired_at: None, imported }
    }
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
