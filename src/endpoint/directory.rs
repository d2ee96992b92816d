//! Clients, accounts and keys: from memory where a minute does not matter, at the source where it does.

use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::platform::{Platform, Unavailable};
use super::server::{Context, Server};
use crate::ask::Ask;
use crate::client::{Client, demo};
use crate::identity;
use crate::identity::account::{Account, AccountKey};
use crate::identity::shard::{FindAccount, SeedAccount};
use crate::limiter::budgets;
use crate::limiter::command::Expose;
use crate::registry;
use crate::registry::command::{FindAtSource, FindKeys, SeedClients, TakeSnapshot};
use crate::registry::key_schedule::{KeySchedule, PUBLICATION};
use crate::registry::snapshot::Snapshot;
use crate::settings::{Turnstile, When};
use crate::sharding::Shard;
use crate::time::Timestamp;
use crate::token::signing_key::{Algorithm, PublicKey, StoredKey};

/// How old the snapshot in an isolate's memory may be.
pub const SNAPSHOT_AGE: Duration = Duration::from_secs(10);

// `max-age`, the age of what is in KV, the age of what an isolate remembers.
const _: () = assert!(
    PUBLICATION.as_secs() > 300 + 60 + SNAPSHOT_AGE.as_secs(),
    "no copy of the keys is older than the next one"
);

/// How old the keys may be that `/jwks.json` shows and that tokens are verified with. Short, because a key may be
/// retired, and another sign in its place from one moment to the next; not nothing, because anyone may ask.
const KEYS_AGE: Duration = Duration::from_secs(1);
/// How old the word on which keys sign may be. A redemption or refresh has just had it, with the client.
const SIGNING_AGE: Duration = Duration::from_secs(5);

impl<P: Platform> Server<P> {
    /// The registry's public parts, at most [`SNAPSHOT_AGE`] older than what is published.
    pub async fn snapshot(&self, now: Timestamp) -> Result<Rc<Snapshot>, Unavailable> {
        if let Some(snapshot) = self.cache.snapshot.fresh(SNAPSHOT_AGE, now) {
            return Ok(snapshot);
        }
        let snapshot = match self.platform.published().await.filter(|snapshot| self.is_complete(snapshot)) {
            Some(snapshot) => snapshot,
            None => self.snapshot_at_source().await?,
        };
        Ok(self.cache.snapshot.keep(Rc::new(snapshot), now))
    }

    /// Forgets the snapshot: it has just been changed. The keys with it, as a client may bring an algorithm along.
    pub(super) fn forget_snapshot(&self) {
        self.cache.snapshot.forget();
        self.cache.keys.forget();
    }

    /// In development a snapshot without the demo clients is one from before they were stored.
    fn is_complete(&self, snapshot: &Snapshot) -> bool {
        let has = |client: &Client| snapshot.client(&client.client_id).is_some();
        !snapshot.keys.is_empty() && (!self.settings.is_development() || demo::clients().iter().all(has))
    }

    async fn snapshot_at_source(&self) -> Result<Snapshot, Unavailable> {
        if self.settings.is_development() {
            self.platform.registry(SeedClients { clients: demo::clients() }).await?;
        }
        self.platform.registry(TakeSnapshot {}).await?.map(|snapshot| *snapshot).map_err(|_| Unavailable)
    }

    /// A client: from the snapshot, or at the source if it is not there.
    pub async fn client(&self, client_id: &str, now: Timestamp) -> Result<Option<Client>, Unavailable> {
        match self.snapshot(now).await?.client(client_id) {
            Some(client) => Ok(Some(client.clone())),
            None => self.client_at_source(client_id).await,
        }
    }

    /// A client as it is now: for approval, redemption and refresh, and before refusing one.
    pub async fn client_at_source(&self, client_id: &str) -> Result<Option<Client>, Unavailable> {
        let found = self.platform.registry(FindAtSource { client_id: client_id.to_owned() }).await?;
        self.cache.signing.keep(found.signing.into(), found.at);
        Ok(found.client)
    }

    /// An account as it is now. In development the demo accounts are stored at their first use.
    pub async fn account(&self, key: &AccountKey) -> Result<Option<Account>, Unavailable> {
        let found = self.platform.accounts(key, FindAccount { account: key.clone() }).await?;
        let demo = identity::demo::accounts().into_iter().find(|account| account.key == *key);
        match (found, demo) {
            (None, Some(account)) if self.settings.is_development() => {
                self.platform.accounts(key, SeedAccount { account: Box::new(account) }).await
            }
            (found, _) => Ok(found),
        }
    }

    /// The key that signs with `alg`, as the source said a moment ago.
    pub async fn signing_key(&self, alg: Algorithm, now: Timestamp) -> Result<StoredKey, Unavailable> {
        if let (Some(signing), Some(keys)) =
            (self.cache.signing.fresh(SIGNING_AGE, now), self.cache.keys.last())
            && let Some(named) = signing.iter().find(|signing| signing.alg == alg)
            && let Some(key) = KeySchedule::new(&keys).key(&named.kid)
        {
            return Ok(key.clone());
        }
        let keys = self.keys_at_source(now).await?;
        KeySchedule::new(&keys).active(alg, now).cloned().ok_or(Unavailable)
    }

    /// The keys that verify tokens. While the registry cannot be reached: those that it published last.
    pub async fn verifying_keys(&self, now: Timestamp) -> Result<Vec<PublicKey>, Unavailable> {
        let keys = match self.cache.keys.fresh(KEYS_AGE, now) {
            Some(keys) => Ok(keys),
            None => self.keys_at_source(now).await,
        };
        match keys {
            Ok(keys) => Ok(KeySchedule::new(&keys).published(now)),
            Err(Unavailable) => Ok(self.snapshot(now).await?.keys.clone()),
        }
    }

    async fn keys_at_source(&self, now: Timestamp) -> Result<Rc<[StoredKey]>, Unavailable> {
        let keys = self.platform.registry(FindKeys {}).await?;
        self.cache.signing.keep(KeySchedule::new(&keys).signing(now).into(), now);
        Ok(self.cache.keys.keep(keys.into(), now))
    }

    /// Asks for something about the keys, which may change them: this isolate then forgets what it knew.
    pub(super) async fn change_keys<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>,
    {
        let reply = self.platform.registry(ask).await;
        self.forget_snapshot();
        self.cache.signing.forget();
        reply
    }

    /// Whether codes are being guessed: asked at most every [`SNAPSHOT_AGE`]. Changes nothing, so a page may ask.
    pub async fn is_strained(&self, now: Timestamp) -> bool {
        match self.cache.strained.fresh(SNAPSHOT_AGE, now) {
            Some(strained) => strained,
            None => self.ask_exposure(0, BTreeMap::new(), now).await.unwrap_or(true),
        }
    }

    /// Whether new user codes should be longer; tells of live codes at most every [`SNAPSHOT_AGE`].
    pub async fn is_strained_for_new_codes(&self, now: Timestamp) -> bool {
        match self.cache.told.fresh(SNAPSHOT_AGE, now) {
            Some(strained) => strained,
            None => self.expose(0, now).await,
        }
    }

    /// Remembers how many codes are live in a shard, to be told with the next [`Server::expose`].
    pub(super) fn notice(&self, shard: Shard, live: u64) {
        self.cache.live.borrow_mut().insert(shard.to_string(), live);
    }

    /// The longest life of a code of any client, in seconds: a guess may hit any of them, so attempts count for so long.
    pub(super) async fn longest_code_lifetime(&self, now: Timestamp) -> u64 {
        let snapshot = self.snapshot(now).await.ok();
        let clients = snapshot.iter().flat_map(|snapshot| &snapshot.clients);
        let longest = clients.filter_map(|client| client.codes.code_lifetime).max().unwrap_or_default();
        longest.max(self.settings.code_lifetime)
    }

    /// Tells the limiter of wrong entries just now and of live codes lately; whether that is too many.
    pub async fn expose(&self, wrong: u64, now: Timestamp) -> bool {
        let live = self.cache.live.take();
        if let Ok(strained) = self.ask_exposure(wrong, live.clone(), now).await {
            return self.cache.told.keep(strained, now);
        }
        // Out of reach, the answer is the careful one, and what was noticed is told later.
        self.cache.live.borrow_mut().extend(live);
        true
    }

    async fn ask_exposure(
        &self,
        wrong: u64,
        live: BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        let shape = &self.settings.user_code;
        let expose = Expose {
            key: budgets::EXPOSURE.to_owned(),
            live,
            wrong,
            window: self.longest_code_lifetime(now).await,
            allowed: budgets::allowed_exposure(shape.bits().min(shape.in_digits().bits())),
        };
        let strained = self.platform.limits(expose).await?;
        Ok(self.cache.strained.keep(strained, now))
    }
}

impl<'a, P: Platform> Context<'a, P> {
    /// The Turnstile widget whose token a code needs now; `None` if it needs none.
    pub(super) async fn turnstile(&self) -> Option<&'a Turnstile> {
        let turnstile = self.server.settings.turnstile.as_ref()?;
        let is_needed = match turnstile.when {
            When::Always => true,
            When::Strained => self.server.is_strained(self.now).await,
        };
        is_needed.then_some(turnstile)
    }
}
