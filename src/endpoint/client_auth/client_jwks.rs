//! The keys of clients: registered, or fetched from the client's `jwks_uri`.

use core::time::Duration;
use std::rc::Rc;

use crate::client::Client;
use crate::client::jwks::KeySet;
use crate::client::rules::ClientKeys;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Server;
use crate::time::Timestamp;

/// Maximum age of a fetched set. A key that the client has removed from the set may be accepted for that
/// long.
pub const KEY_SET_AGE: Duration = Duration::from_secs(300);
/// Maximum age of a fetched set that the server relies on to refuse a client, whose key may be newer than the
/// set. Also the shortest time between two successful fetches.
pub const KEY_SET_REFUSAL_AGE: Duration = Duration::from_secs(60);

impl<P: Platform> Server<P> {
    /// Returns the keys of `client`. A fetched set is younger than `age`, or younger than [`KEY_SET_AGE`] if
    /// it cannot be fetched now.
    pub(crate) async fn key_set(
        &self,
        client: &Client,
        age: Duration,
        now: Timestamp,
    ) -> Result<Rc<KeySet>, Unavailable> {
        match &client.keys {
            ClientKeys { jwks_uri: Some(uri), .. } if self.settings.may_fetch(uri) => {
                self.fetched_keys(uri, age, now).await
            }
            ClientKeys { jwks_uri: Some(_), .. } => Err(Unavailable),
            ClientKeys { jwks, jwks_uri: None } => {
                Ok(Rc::new(jwks.as_ref().and_then(KeySet::read).unwrap_or_default()))
            }
        }
    }

    /// Returns the keys at `uri`, which the server may fetch. Their age is as for [`Server::key_set`].
    pub(crate) async fn fetched_keys(
        &self,
        uri: &str,
        age: Duration,
        now: Timestamp,
    ) -> Result<Rc<KeySet>, Unavailable> {
        let fetch = async || KeySet::parse(&self.platform.fetch_text(uri).await.ok()?);
        let found = self.cache.key_sets.find(uri, (age, KEY_SET_AGE), now, fetch).await;
        found.ok_or(Unavailable)
    }
}
