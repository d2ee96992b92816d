//! The keys of clients: registered, or fetched from where the client publishes them.

use core::cell::RefCell;
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::client::Client;
use crate::client::jwks::KeySet;
use crate::client::rules::ClientKeys;
use crate::endpoint::Server;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::time::Timestamp;

/// How old a fetched set may be: so long a key that was taken out of it may still be good.
pub const KEY_SET_AGE: Duration = Duration::from_secs(300);
/// How old it may be when a client is to be refused by it: its key may be newer. A set is fetched no more often.
pub const KEY_SET_REFUSAL_AGE: Duration = Duration::from_secs(60);
/// How long after a fetch that failed there is no other.
const RETRY: Duration = Duration::from_secs(10);
/// How many sets an isolate remembers.
const MOST: usize = 100;

/// The sets that were fetched, by their URLs.
#[derive(Default)]
pub(crate) struct KeySets(RefCell<BTreeMap<String, Fetched>>);

#[derive(Clone, Default)]
struct Fetched {
    set: Option<(Rc<KeySet>, Timestamp)>,
    failed_at: Option<Timestamp>,
}

impl Fetched {
    fn within(&self, age: Duration, now: Timestamp) -> Option<Rc<KeySet>> {
        self.set.as_ref().filter(|(_, at)| now.since(*at) < age).map(|(set, _)| Rc::clone(set))
    }

    fn has_just_failed(&self, now: Timestamp) -> bool {
        self.failed_at.is_some_and(|at| now.since(at) < RETRY)
    }
}

impl KeySets {
    fn find(&self, uri: &str) -> Fetched {
        self.0.borrow().get(uri).cloned().unwrap_or_default()
    }

    fn keep(&self, uri: &str, fetched: Fetched) {
        let mut sets = self.0.borrow_mut();
        if sets.len() >= MOST {
            sets.clear();
        }
        sets.insert(uri.to_owned(), fetched);
    }
}

impl<P: Platform> Server<P> {
    /// The keys of `client`; what was fetched is younger than `age`, or of [`KEY_SET_AGE`] if there is nothing newer.
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
