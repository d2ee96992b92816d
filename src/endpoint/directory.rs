//! Finds clients, accounts and keys. Reads a copy where a minute's delay does not matter, and elsewhere asks
//! the source: the Durable Object that stores them.

use core::time::Duration;
use std::rc::Rc;

use super::boxed::boxed;
use super::client_auth::document::NoClient;
use super::platform::{Platform, Unavailable};
use super::server::{Context, Server};
use super::snapshot_cache::SNAPSHOT_STALE_AGE;
use crate::ask::Ask;
use crate::bounds::CODE_LIFETIME;
use crate::client::{Client, demo};
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::demand::Demands;
use crate::registry::command::{AtSource, FindAtSource, FindKeys, SeedClients, TakeOutline};
use crate::registry::key_schedule::{KeySchedule, PUBLICATION};
use crate::registry::leases::LONGEST_LEASE;
use crate::registry::outline::Outline;
use crate::registry::rows::StoredKey;
use crate::registry::snapshot::Snapshot;
use crate::scope::Scope;
use crate::settings::{Turnstile, When};
use crate::time::Timestamp;
use crate::token::signing_key::{Algorithm, PublicKey};
use crate::{identity, registry};

// Copies of the keys age in four places: 300 s in HTTP caches (`max-age` of `/jwks.json`), 60 s in KV, `SNAPSHOT_STALE_AGE`
// in an isolate, and a lease at a replica of the registry.
const _: () = assert!(
    PUBLICATION.as_secs() > 300 + 60 + SNAPSHOT_STALE_AGE.as_secs() + LONGEST_LEASE,
    "when a key begins to sign, every copy from before its publication must have expired"
);

/// Maximum age of the keys that `/jwks.json` shows and that verify tokens. Short, because an operator can
/// retire and replace a key at any moment; not zero, so that a flood of requests does not reach the registry.
const KEYS_AGE: Duration = Duration::from_secs(1);
/// Maximum age of the list of keys that sign. A redemption or refresh has just read it, together with the
/// client.
const SIGNING_AGE: Duration = Duration::from_secs(5);

impl<P: Platform> Server<P> {
    /// Returns the outline of the registry's snapshot. An isolate that has no snapshot, because another request is
    /// loading the first one, reads the outline at the source.
    pub async fn outline(&self, now: Timestamp) -> Result<Rc<Outline>, Unavailable> {
        let outline = match self.snapshot(now).await? {
            Some(snapshot) => Rc::clone(&snapshot.outline),
            None => self.platform.registry(TakeOutline {}).await.map(Rc::new)?,
        };
        self.keep_governance(&outline.governance, outline.taken_at);
        Ok(outline)
    }

    /// Returns the registry's snapshot: at most [`SNAPSHOT_AGE`](super::snapshot_cache::SNAPSHOT_AGE) older than the published one, and while another
    /// request loads it at most [`SNAPSHOT_STALE_AGE`]. `None` if there is no such copy, so that the caller must read
    /// what it needs at the source.
    pub(super) async fn snapshot(&self, now: Timestamp) -> Result<Option<Rc<Snapshot>>, Unavailable> {
        let cache = &self.cache.snapshot;
        if let Some(snapshot) = cache.fresh(now) {
            return Ok(Some(snapshot));
        }
        let Some(lease) = cache.lease(now) else {
            let stale = cache.stale(now);
            if stale.is_none() {
                self.seed().await?;
            }
            return Ok(stale);
        };
        let loaded = self.load().await;
        cache.end(lease);
        match loaded {
            Ok(snapshot) => Ok(Some(cache.keep(lease, snapshot, now))),
            Err(Unavailable) => cache.stale(now).map(Some).ok_or(Unavailable),
        }
    }

    async fn load(&self) -> Result<Rc<Snapshot>, Unavailable> {
        let published = self.platform.published().await.filter(|snapshot| self.is_complete(snapshot));
        match published.and_then(|published| self.cache.snapshot.latest(published)) {
            Some(snapshot) => Ok(snapshot),
            None => self.snapshot_at_source().await,
        }
    }

    /// Forgets the snapshot after a change. Forgets the keys, too, because a new client may need a key for
    /// another algorithm.
    pub fn forget_snapshot(&self) {
        self.cache.snapshot.forget();
        self.cache.unknown.forget();
        self.cache.newer.forget();
        self.cache.keys.forget();
    }

    /// Returns whether the snapshot has keys and, in development, the demo clients. A snapshot without them
    /// was taken before they were stored.
    fn is_complete(&self, snapshot: &Snapshot) -> bool {
        let has = |client: &Client| snapshot.has(&client.client_id);
        !snapshot.outline.keys.is_empty()
            && (!self.settings.is_development() || demo::clients().iter().all(has))
    }

    async fn snapshot_at_source(&self) -> Result<Rc<Snapshot>, Unavailable> {
        self.seed().await?;
        self.platform.take_snapshot().await.map(Rc::new)
    }

    /// Stores the demo clients, in development only.
    async fn seed(&self) -> Result<(), Unavailable> {
        if self.settings.is_development() {
            self.platform.registry(SeedClients { clients: demo::clients() }).await?;
        }
        Ok(())
    }

    /// Returns a client from the snapshot, or from the source if the snapshot does not have it.
    pub async fn client(&self, client_id: &str, now: Timestamp) -> Result<Option<Rc<Client>>, Unavailable> {
        let snapshot = self.snapshot(now).await?;
        if let Some(client) = snapshot.as_ref().and_then(|snapshot| snapshot.client(client_id)) {
            return Ok(Some(client));
        }
        let let_in = snapshot.and_then(|snapshot| self.let_in(&snapshot.outline.documents, client_id));
        let client = match let_in {
            Some((url, entry)) => boxed(self.document_client(&url, &entry, now)).await.map(Some),
            None => self.client_at_source(client_id).await,
        };
        client.or_else(NoClient::known).map(|client| client.map(Rc::new))
    }

    /// Returns a registered client as it is now, from the source.
    pub async fn registered_client(&self, client_id: &str) -> Result<Option<Client>, Unavailable> {
        self.at_source(client_id).await.map(|found| found.client)
    }

    /// Returns a client as it is now, from the source, or from its document: before a client is refused.
    pub(super) async fn client_at_source(&self, client_id: &str) -> Result<Option<Client>, NoClient> {
        let found = self.at_source(client_id).await?;
        self.found_client(client_id, found).await
    }

    async fn at_source(&self, client_id: &str) -> Result<AtSource, Unavailable> {
        let find = self.find(client_id, false);
        Ok(self.learn(self.platform.registry(find).await?))
    }

    /// Returns the question about a client. It names the governance that this isolate has, which need not be sent again.
    pub(super) fn find(&self, client_id: &str, using: bool) -> FindAtSource {
        let revision = self.cache.governance.revision();
        FindAtSource { client_id: client_id.to_owned(), using, revision, keeper: None }
    }

    /// Keeps what the registry said with a client, and returns the rest.
    pub(super) fn learn(&self, mut found: AtSource) -> AtSource {
        if let Some(governance) = found.governance.take() {
            self.keep_governance(&Rc::from(governance), found.at);
        }
        self.cache.signing.keep(core::mem::take(&mut found.signing).into(), found.at);
        self.cache.scope_demands.keep(Rc::new(core::mem::take(&mut found.scope_demands)), found.at);
        found
    }

    /// Returns the client that the registry has found, or the one of the document that it lets in.
    pub(super) async fn found_client(
        &self,
        client_id: &str,
        found: AtSource,
    ) -> Result<Option<Client>, NoClient> {
        let AtSource { client, document, at, .. } = found;
        match document.and_then(|entry| self.let_in(&[entry], client_id)) {
            Some((url, entry)) if client.is_none() => {
                boxed(self.document_client(&url, &entry, at)).await.map(Some)
            }
            Some(_) | None => Ok(client),
        }
    }

    /// Returns what a client and the scopes demand of a sign-in. The caller has just read the client as it is now, and with
    /// it what the scopes demand.
    pub(super) fn demands(&self, client: &Client, scope: &Scope) -> Result<Demands, Unavailable> {
        let scopes = self.cache.scope_demands.last().ok_or(Unavailable)?;
        Ok(Demands::of(&client.codes.sign_in, &scopes, scope))
    }

    /// Returns an account as it is now. In development, stores a demo account when it is first used.
    pub async fn account(&self, key: &AccountKey) -> Result<Option<Account>, Unavailable> {
        let found = self.stored_account(key).await?;
        let demo = identity::demo::accounts().into_iter().find(|account| account.key == *key);
        match (found, demo) {
            (None, Some(account)) if self.settings.is_development() => {
                match self.create_account(account, None).await? {
                    Some(account) => Ok(Some(account)),
                    None => self.stored_account(key).await,
                }
            }
            (found, _) => Ok(found),
        }
    }

    /// Returns the key that signs with `alg`, according to what the registry said in the last few seconds.
    pub async fn signing_key(&self, alg: Algorithm, now: Timestamp) -> Result<StoredKey, Unavailable> {
        if let (Some(signing), Some(keys)) =
            (self.cache.signing.fresh(SIGNING_AGE, now), self.cache.keys.last())
            && let Some(named) = signing.iter().find(|signing| signing.alg == alg)
            && let Some(key) = KeySchedule::new(&keys).key(&named.kid)
        {
            return Ok(key.clone());
        }
        let signer = |keys: Rc<[StoredKey]>| KeySchedule::new(&keys).signer(alg, now).cloned();
        // A replica may not have heard of an algorithm's first key, which signs at once.
        match signer(self.keys_now(now).await?) {
            Some(key) => Ok(key),
            None => signer(self.keys_at_source(now).await?).ok_or(Unavailable),
        }
    }

    /// Returns the keys that verify tokens. While the registry cannot be reached, these are the last ones
    /// that it published.
    pub async fn verifying_keys(&self, now: Timestamp) -> Result<Vec<PublicKey>, Unavailable> {
        let keys = match self.cache.keys.fresh(KEYS_AGE, now) {
            Some(keys) => Ok(keys),
            None => self.keys_now(now).await,
        };
        match keys {
            Ok(keys) => Ok(KeySchedule::new(&keys).published(now)),
            Err(Unavailable) => Ok(self.outline(now).await?.keys.clone()),
        }
    }

    pub(super) async fn keys_at_source(&self, now: Timestamp) -> Result<Rc<[StoredKey]>, Unavailable> {
        let keys = self.platform.registry(FindKeys::default()).await?;
        Ok(self.keep_keys(keys, now))
    }

    async fn keys_now(&self, now: Timestamp) -> Result<Rc<[StoredKey]>, Unavailable> {
        let keys = self.keys_nearby().await?;
        Ok(self.keep_keys(keys, now))
    }

    fn keep_keys(&self, keys: Vec<StoredKey>, now: Timestamp) -> Rc<[StoredKey]> {
        self.cache.signing.keep(KeySchedule::new(&keys).signing(now).into(), now);
        self.cache.keys.keep(keys.into(), now)
    }

    /// Sends a command that may change the keys, and forgets what this isolate knew about them.
    pub(super) async fn change_keys<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>,
    {
        let reply = self.platform.registry(ask).await;
        self.forget_snapshot();
        self.cache.signing.forget();
        reply
    }

    /// Returns the longest code lifetime of all clients, in seconds; while the clients are not known, the longest that
    /// a client can have. Attempts count for that long, because a guess may hit a code of any client.
    pub(super) async fn longest_code_lifetime(&self, now: Timestamp) -> u64 {
        let Ok(Some(snapshot)) = self.snapshot(now).await else { return *CODE_LIFETIME.end() };
        snapshot.longest_code_lifetime().unwrap_or_default().max(self.settings.code_lifetime)
    }
}

impl<P: Platform> Server<P> {
    /// Returns whether `signature` over `input` is that of `key`'s private half. A signature of the wrong length is
    /// none.
    pub(super) async fn verifies(
        &self,
        key: &PublicKey,
        input: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unavailable> {
        Ok(key.fits(signature) && self.platform.verify(key, input, signature).await?)
    }
}

impl<'a, P: Platform> Context<'a, P> {
    /// Returns the Turnstile widget whose token a code entry needs now; `None` if it needs none.
    pub(super) async fn turnstile(&self) -> Option<&'a Turnstile> {
        let turnstile = self.server.settings.turnstile.as_ref()?;
        let is_needed = match turnstile.when {
            When::Always => true,
            When::Strained => self.server.is_strained(self.now).await,
        };
        is_needed.then_some(turnstile)
    }
}
