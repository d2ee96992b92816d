//! What an isolate remembers between requests: cached values, used names, unknown and newer clients, documents of other
//! servers, and admin tokens.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::client_documents::ClientDocuments;
use super::forged_codes::ForgedCodes;
use super::governance_cache::GovernanceCache;
use super::refused_starts::RefusedStarts;
use super::slot::Slot;
use super::snapshot_cache::SnapshotCache;
use super::wrong_codes::WrongCodes;
use crate::client::Client;
use crate::client::jwks::KeySet;
use crate::identity::demand::Demand;
use crate::limiter::command::UseOnce;
use crate::logo::Logo;
use crate::registry::key_schedule::Signing;
use crate::registry::rows::StoredKey;
use crate::secret::Digest;
use crate::settings::issuer::Issuer;
use crate::sharding::Replica;
use crate::time::Timestamp;
use crate::upstream::discovery::{Discovery, DiscoveryFlaw};

/// Pause after a failed fetch of a document, before the next try.
const RETRY: Duration = Duration::from_secs(10);
/// Limit on the documents of a kind that an isolate remembers.
const MOST: usize = 100;

#[derive(Default)]
pub(super) struct Cache {
    /// The issuer of the last request, if each request names its own.
    pub(super) issuer: RefCell<Option<Issuer>>,
    pub(super) snapshot: SnapshotCache,
    pub(super) unknown: Unknown,
    pub(super) forged_codes: ForgedCodes,
    pub(super) wrong_codes: WrongCodes,
    pub(super) refused_starts: RefusedStarts,
    pub(super) newer: Newer,
    pub(super) keys: Slot<Rc<[StoredKey]>>,
    /// The replica of the registry that this isolate last read a client from.
    pub(super) replica: Cell<Option<Replica>>,
    /// When this isolate asked the registry to make its first keys.
    pub(super) keys_requested: Slot<()>,
    pub(super) signing: Slot<Rc<[Signing]>>,
    /// What scopes demand of a sign-in, as the registry said it with the client that was last read at its source.
    pub(super) scope_demands: Slot<Rc<BTreeMap<String, Demand>>>,
    pub(super) governance: GovernanceCache,
    /// Whether guessing user codes has become too easy, according to the limiter's last reply.
    pub(super) strained: Slot<bool>,
    /// The same, according to the limiter's reply to this isolate's last report of live codes.
    pub(super) told: Slot<bool>,
    /// When this isolate began to report behind the answer to a start.
    pub(super) reporting: Slot<()>,
    /// Number of live codes by shard, for the next report to the limiter.
    pub(super) live: RefCell<BTreeMap<String, u64>>,
    /// Number of right codes entered, for the next report to the limiter.
    pub(super) right: Cell<u64>,
    pub(super) key_sets: Documents<KeySet>,
    pub(super) discoveries: Documents<Result<Discovery, DiscoveryFlaw>>,
    pub(super) client_documents: ClientDocuments,
    pub(super) known_tokens: KnownTokens,
    pub(super) logos: Logos,
}

/// Names that this isolate has seen used, each with the time until which it counts as used.
#[derive(Default)]
pub(super) struct Used(RefCell<HashMap<String, Timestamp>>);

impl Used {
    /// At this many names, the isolate drops those that have expired; if none has, it drops all of them.
    const MOST: usize = 10_000;

    pub(super) fn has(&self, name: &UseOnce, now: Timestamp) -> bool {
        self.0.borrow().get(&name.key).is_some_and(|until| now < *until)
    }

    pub(super) fn note(&self, name: &UseOnce, now: Timestamp) {
        let mut used = self.0.borrow_mut();
        if used.len() >= Self::MOST {
            used.retain(|_, until| now < *until);
        }
        if used.len() >= Self::MOST {
            used.clear();
        }
        used.insert(name.key.clone(), name.until);
    }
}

/// Clients that the registry did not have a moment ago, by SHA-256 of the `client_id` that a stranger sent.
#[derive(Default)]
pub(super) struct Unknown(RefCell<HashMap<[u8; 32], Timestamp>>);

impl Unknown {
    /// How long a client counts as unknown.
    const AGE: Duration = Duration::from_secs(10);
    /// Limit on the remembered clients. So an isolate asks the registry for at most this many unknown clients in
    /// [`Unknown::AGE`], however many identifiers strangers make up.
    pub(super) const MOST: usize = 100;

    pub(super) fn has(&self, client_id: &str, now: Timestamp) -> bool {
        let digest = Digest::of(client_id.as_bytes());
        self.0.borrow().get(digest.bytes()).is_some_and(|until| now < *until)
    }

    /// Returns whether the limit is reached, so that a client that the snapshot does not have counts as unknown.
    pub(super) fn is_full(&self, now: Timestamp) -> bool {
        let mut unknown = self.0.borrow_mut();
        if unknown.len() >= Self::MOST {
            unknown.retain(|_, until| now < *until);
        }
        unknown.len() >= Self::MOST
    }

    pub(super) fn note(&self, client_id: &str, now: Timestamp) {
        if !self.is_full(now) {
            self.0.borrow_mut().insert(*Digest::of(client_id.as_bytes()).bytes(), now + Self::AGE);
        }
    }

    pub(super) fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

/// Clients that have just authenticated at the registry, because they or their credentials are newer than the snapshot.
#[derive(Default)]
pub(super) struct Newer(RefCell<BTreeMap<String, (Client, Timestamp)>>);

impl Newer {
    /// How long a client is remembered.
    const AGE: Duration = Duration::from_secs(10);
    /// At this many clients, the isolate drops all of them.
    const MOST: usize = 20;

    pub(super) fn find(&self, client_id: &str, now: Timestamp) -> Option<Client> {
        let newer = self.0.borrow();
        newer.get(client_id).filter(|(_, at)| now.since(*at) < Self::AGE).map(|(client, _)| client.clone())
    }

    pub(super) fn keep(&self, client: &Client, now: Timestamp) {
        let mut newer = self.0.borrow_mut();
        if newer.len() >= Self::MOST {
            newer.clear();
        }
        newer.insert(client.client_id.clone(), (client.clone(), now));
    }

    pub(super) fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

/// Digests of the named admin tokens that were right at their last use.
#[derive(Default)]
pub(super) struct KnownTokens(RefCell<Vec<Digest>>);

impl KnownTokens {
    /// At this many tokens, the isolate forgets the oldest.
    const MOST: usize = 20;

    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.0.borrow().contains(digest)
    }

    pub(super) fn note(&self, digest: &Digest) {
        let mut known = self.0.borrow_mut();
        if known.len() >= Self::MOST {
            known.remove(0);
        }
        known.push(*digest);
    }

    pub(super) fn forget(&self, digest: &Digest) {
        self.0.borrow_mut().retain(|known| known != digest);
    }
}

/// The last logos that pages have shown, by the last part of their addresses.
#[derive(Default)]
pub(super) struct Logos {
    kept: RefCell<BTreeMap<String, Rc<Logo>>>,
    /// When the logo of the service could not be fetched.
    failed_at: Cell<Option<Timestamp>>,
}

impl Logos {
    /// At this many logos, the isolate drops all of them: together they have at most 512 KiB.
    const MOST: usize = 16;

    pub(super) fn find(&self, name: &str) -> Option<Rc<Logo>> {
        self.kept.borrow().get(name).cloned()
    }

    pub(super) fn keep(&self, name: &str, logo: Logo) -> Rc<Logo> {
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= Self::MOST {
            kept.clear();
        }
        let logo = Rc::new(logo);
        kept.insert(name.to_owned(), Rc::clone(&logo));
        logo
    }

    pub(super) fn has_just_failed(&self, pause: Duration, now: Timestamp) -> bool {
        self.failed_at.get().is_some_and(|at| now.since(at) < pause)
    }

    pub(super) fn note_failure(&self, now: Timestamp) {
        self.failed_at.set(Some(now));
    }
}

/// Documents of other servers by URL, parsed.
pub(crate) struct Documents<T>(RefCell<BTreeMap<String, Fetched<T>>>);

struct Fetched<T> {
    document: Option<(Rc<T>, Timestamp)>,
    failed_at: Option<Timestamp>,
}

impl<T> Fetched<T> {
    fn within(&self, age: Duration, now: Timestamp) -> Option<Rc<T>> {
        self.document.as_ref().filter(|(_, at)| now.since(*at) < age).map(|(document, _)| Rc::clone(document))
    }

    fn has_just_failed(&self, now: Timestamp) -> bool {
        self.failed_at.is_some_and(|at| now.since(at) < RETRY)
    }
}

impl<T> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        Self { document: self.document.clone(), failed_at: self.failed_at }
    }
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self { document: None, failed_at: None }
    }
}

impl<T> Default for Documents<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Documents<T> {
    /// Returns the document at `uri`: one that is younger than `age`, or what `fetch` returns, or if that fails one that is
    /// younger than `stale`. After a failure, waits [`RETRY`] before the next try.
    pub(super) async fn find(
        &self,
        uri: &str,
        (age, stale): (Duration, Duration),
        now: Timestamp,
        fetch: impl AsyncFnOnce() -> Option<T>,
    ) -> Option<Rc<T>> {
        let known = self.0.borrow().get(uri).cloned().unwrap_or_default();
        if let Some(document) = known.within(age, now) {
            return Some(document);
        }
        if !known.has_just_failed(now) {
            if let Some(document) = fetch().await {
                let document = Rc::new(document);
                self.keep(uri, Fetched { document: Some((Rc::clone(&document), now)), failed_at: None });
                return Some(document);
            }
            self.keep(uri, Fetched { failed_at: Some(now), ..known.clone() });
        }
        known.within(stale, now)
    }

    fn keep(&self, uri: &str, fetched: Fetched<T>) {
        let mut documents = self.0.borrow_mut();
        if documents.len() >= MOST {
            documents.clear();
        }
        documents.insert(uri.to_owned(), fetched);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isolate_remembers_a_limited_number_of_names_and_always_the_last_one() {
        let used = Used::default();
        let (now, later) = (Timestamp::from_millis(1_000), Timestamp::from_millis(2_000));
        let once = |number: usize, until| UseOnce { key: number.to_string(), until };
        (0..Used::MOST - 1).for_each(|number| used.note(&once(number, now), now));
        used.note(&once(Used::MOST, later), now);

        used.note(&once(Used::MOST + 1, later), now);
        assert!(used.has(&once(Used::MOST, later), now) && used.has(&once(Used::MOST + 1, later), now));
        assert_eq!(used.0.borrow().len(), 2, "expired names are dropped");

        (0..Used::MOST).for_each(|number| used.note(&once(number, later), now));
        assert!(used.0.borrow().len() <= Used::MOST);
        assert!(used.has(&once(Used::MOST - 1, later), now));
    }
}
