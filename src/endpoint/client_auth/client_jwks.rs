//! The keys of clients: registered, or fetched from the client's `jwks_uri`.

use core::time::Duration;
use std::rc::Rc;

use crate::client::Client;
use crate::client::jwks::KeySet;
use crate::client::rules::ClientKeys;
use crate::endpoint::memory::Fetched;
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
            ClientKeys { jwks_uri: Some(uri), .. } => self.fetched(uri, age, now).await,
            ClientKeys { jwks, jwks_uri: None } => {
                Ok(Rc::new(jwks.as_ref().and_then(KeySet::read).unwrap_or_default()))
            }
        }
    }

    async fn fetched(&self, uri: &str, age: Duration, now: Timestamp) -> Result<Rc<KeySet>, Unavailable> {
        let known = self.cache.key_sets.find(uri);
        if let Some(set) = known.within(age, now) {
            return Ok(set);
        }
        if !known.has_just_failed(now) {
            if let Some(set) = self.fetch_key_set(uri).await {
                let set = Rc::new(set);
                let fetched = Fetched { set: Some((Rc::clone(&set), now)), failed_at: None };
                self.cache.key_sets.keep(uri, fetched);
                return Ok(set);
            }
            self.cache.key_sets.keep(uri, Fetched { failed_at: Some(now), ..known.clone() });
        }
        known.within(KEY_SET_AGE, now).ok_or(Unavailable)
    }

    async fn fetch_key_set(&self, uri: &str) -> Option<KeySet> {
        if !self.settings.may_fetch(uri) {
            return None;
        }
        KeySet::parse(&self.platform.fetch_text(uri).await.ok()?)
    }
}
