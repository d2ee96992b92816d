//! The [`Platform`] of a [`World`](super::World): maps instead of Durable Objects, KV and the network.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use device_grant::ask::{Answer, Ask};
use device_grant::audit::ledger::OUTBOXES;
use device_grant::endpoint::closing::Index;
use device_grant::endpoint::courier::Mailbox;
use device_grant::endpoint::intl::Intl;
use device_grant::endpoint::platform::{
    FetchedDocument, Incoming, NotFetched, NotPushed, Outgoing, Platform, Push, Unavailable,
};
use device_grant::endpoint::socket::Socket;
use device_grant::grant::instant::{Listen, Refusal};
use device_grant::registry::command::AwaitReplicas;
use device_grant::registry::replica::Replicated;
use device_grant::registry::rows::{NewKey, StoredKey};
use device_grant::registry::signing_keys;
use device_grant::registry::snapshot;
use device_grant::registry::snapshot::{Reader, Snapshot};
use device_grant::secret::decode;
use device_grant::sharding::{AccountShard, Replica, Shard};
use device_grant::time::Timestamp;
use device_grant::token::signing_key::{Algorithm, PublicKey};
use device_grant::{audit, counts, courier, grant, identity, limiter, registry};
use jwt_compact::alg::Es256;
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde::de::DeserializeOwned;

use super::counts_rows::CountsRows;
use super::courier_rows::{CourierRows, Receivers};
use super::intl::TwoLanguages;
use super::keys::{es256, p256, rsa_signature};
use super::provider::ScriptedProvider;
use super::rows::{AccountRows, GrantRows, LedgerRows, RegistryRows};
use super::siteverify;

/// All that lies outside the isolate: the rows of the objects, the published snapshot, documents on the web.
#[derive(Default)]
pub(crate) struct Memories {
    pub(crate) shards: RefCell<BTreeMap<String, GrantRows>>,
    pub(crate) accounts: RefCell<BTreeMap<AccountShard, AccountRows>>,
    pub(super) counters: RefCell<BTreeMap<String, limiter::Row>>,
    pub(crate) registry: RegistryRows,
    pub(super) now: Cell<Timestamp>,
    /// How far the registry's clock is ahead of the Workers'.
    pub(crate) registry_ahead: Cell<Duration>,
    /// What cannot be reached: a grant shard such as `weur/3`, `grants`, `accounts`, `limits`, `registry`, `replicas`, `ledger`, `counts`, `couriers`,
    /// `signing`, `siteverify`, `documents` or `rate limit`.
    pub(crate) down: RefCell<BTreeSet<&'static str>>,
    /// The text of the snapshot in KV.
    pub(crate) published: RefCell<Option<String>>,
    pub(crate) siteverify: siteverify::Siteverify,
    /// The OpenID Providers that answer.
    pub(crate) providers: RefCell<Vec<Rc<ScriptedProvider>>>,
    /// What answers to requests that no provider answers, by URL.
    pub(crate) answers: RefCell<BTreeMap<String, Incoming>>,
    /// The cookies of these requests.
    pub(crate) cookies: RefCell<Vec<Option<String>>>,
    /// The bodies of the documents that can be fetched, by URL.
    pub(crate) documents: RefCell<BTreeMap<String, String>>,
    /// The files that can be fetched, by URL; or why they cannot.
    pub(crate) files: RefCell<BTreeMap<String, Result<Vec<u8>, NotFetched>>>,
    /// The client ID metadata documents that can be fetched, by URL; or why they cannot.
    pub(crate) client_documents: RefCell<BTreeMap<String, Result<FetchedDocument, NotFetched>>>,
    /// How many documents were fetched.
    pub(crate) fetches: Cell<u32>,
    /// Calls of grant shards since the last reset.
    pub(crate) grant_hops: Cell<u32>,
    /// Calls of account shards since the last reset.
    pub(crate) account_hops: Cell<u32>,
    /// How many replies to the ends of leaver checks get lost.
    pub(crate) lost_rechecks: Cell<u32>,
    /// Calls of limiters since the last reset.
    pub(crate) limit_hops: Cell<u32>,
    /// The keys whose rate limit on the platform is used up.
    pub(crate) full: RefCell<BTreeSet<String>>,
    /// The keys whose rate limit on the platform was asked for since the last reset.
    pub(crate) rate_keys: RefCell<BTreeSet<String>>,
    pub(super) limit_writes: Cell<u32>,
    /// Whether loads of the whole snapshot wait, from KV and from the registry, until this is reset.
    pub(crate) loads_wait: Cell<bool>,
    /// How often the whole snapshot was requested: from KV, and from the registry.
    pub(crate) loads: Cell<(u32, u32)>,
    /// Calls of the registry since the last reset, except those for the whole snapshot.
    pub(crate) registry_hops: Cell<u32>,
    /// Calls of replicas of the registry since the last reset.
    pub(crate) replica_hops: RefCell<Vec<String>>,
    /// The replicas that confirm no change.
    pub(crate) deaf: RefCell<Vec<Replica>>,
    /// Those of them that the latest change has not waited for yet. Then their leases have ended.
    awaited: RefCell<Vec<Replica>>,
    pub(super) ledgers: RefCell<BTreeMap<String, LedgerRows>>,
    /// Whose replies wait until they are taken out: those of `grants` or, where there is another, of one shard of them, of `accounts`, `registry`,
    /// `ledgers`, `counts`, `couriers`, of other servers to a fetch of `documents`, or of the limiters to `give_back`.
    pub(crate) slow: RefCell<BTreeSet<String>>,
    /// Whether each reply comes only when its request is polled again, so that the number of polls is that of calls one after
    /// the other.
    pub(crate) in_rounds: Cell<bool>,
    /// Those that wait for a reply. `join_all` polls many futures only after they were woken.
    pub(crate) waiting: RefCell<Vec<Waker>>,
    /// Calls of the object that counts since the last reset.
    pub(crate) counts_hops: Cell<u32>,
    /// Calls of couriers since the last reset.
    pub(crate) courier_hops: Cell<u32>,
    /// Calls of ledgers since the last reset.
    pub(crate) ledger_hops: Cell<u32>,
    pub(crate) counts: CountsRows,
    /// The rows of couriers, by name.
    pub(crate) couriers: RefCell<BTreeMap<String, CourierRows>>,
    /// The servers that get events.
    pub(crate) receivers: Receivers,
}

/// Returns the command as the object reads it: written as JSON and parsed again.
fn sent<A: Ask>(ask: A) -> A::Command
where
    A::Command: DeserializeOwned,
{
    let command: A::Command = ask.into();
    serde_json::from_str(&serde_json::to_string(&command).unwrap()).unwrap()
}

/// Returns the snapshot as an isolate reads it: in pieces, which end anywhere.
fn parsed(text: &str) -> Snapshot {
    let mut reader = Reader::default();
    text.as_bytes().chunks(1_000).for_each(|piece| reader.push(piece).unwrap());
    reader.end().unwrap()
}

impl Memories {
    pub(super) fn apply_to_registry<A>(&self, ask: A) -> Result<A::Reply, Infallible>
    where
        A: Ask<Command = registry::command::Command>,
    {
        let command: registry::command::Command = sent(ask);
        if let registry::command::Command::AwaitReplicas(_) = command {
            return Ok(Answer::to::<AwaitReplicas>(&self.awaited.take()).read::<A>().unwrap());
        }
        let waits = signing_keys::waits(&command);
        if waits {
            self.tend();
        }
        let adopted = if let registry::command::Command::ImportKey(ask) = &command {
            // As in `made`, all bytes of the key are its number, and the number stands for the wrapped key.
            let number = ask.key.members["d"].as_str().and_then(decode).unwrap()[0];
            Some(NewKey { public: ask.key.public.clone(), wrapped: number.to_string() })
        } else {
            None
        };
        let before = self.registry.changes.borrow().len();
        let answer = registry::apply(&self.registry, command, adopted, self.registry_now())?;
        if self.registry.changes.borrow().len() > before {
            self.awaited.replace(self.deaf.borrow().clone());
        }
        if waits {
            self.tend();
        }
        Ok(answer.read::<A>().unwrap())
    }

    fn tend(&self) {
        let Ok(unmade) =
            signing_keys::tend(&self.registry, self.registry.rotation.get(), self.registry_now());
        assert_eq!(unmade, None, "every key can be made natively");
    }

    fn registry_now(&self) -> Timestamp {
        self.now.get() + self.registry_ahead.get()
    }

    /// Returns every counter that is stored; one that counts nothing is not.
    pub(crate) fn stored_counters(&self) -> BTreeMap<String, limiter::Row> {
        let counters = self.counters.borrow();
        let stored = counters.iter().filter(|(_, row)| **row != limiter::Row::default());
        stored.map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// Returns how many codes each grant shard counts as live.
    pub(crate) fn live_codes(&self) -> Vec<u64> {
        let shards = self.shards.borrow();
        let count = |rows: &GrantRows| rows.codes.borrow().clone().at(self.now.get()).codes.count(None);
        shards.values().map(count).collect()
    }

    /// Returns the stored admin tokens and invitations, as text.
    pub(crate) fn registry_text(&self) -> String {
        let (tokens, invitations) = (&self.registry.admin_tokens, &self.registry.invitations);
        let tokens: Vec<_> = tokens.borrow().values().cloned().collect();
        let invitations: Vec<_> = invitations.borrow().values().cloned().collect();
        serde_json::to_string(&(tokens, invitations)).unwrap()
    }

    /// Returns the names of the grant shards that exist.
    pub(crate) fn shard_names(&self) -> Vec<String> {
        self.shards.borrow().keys().cloned().collect()
    }

    /// Forgets the counters whose keys start with `prefix`.
    pub(crate) fn reset_counters(&self, prefix: &str) {
        self.counters.borrow_mut().retain(|key, _| !key.starts_with(prefix));
    }

    /// Delivers a command to a grant shard.
    pub(super) fn to_grants(
        &self,
        shard: Shard,
        command: grant::command::Command,
    ) -> Result<Answer, Unavailable> {
        self.reach("grants")?;
        if self.down.borrow().iter().any(|name| *name == shard.to_string()) {
            return Err(Unavailable);
        }
        self.grant_hops.set(self.grant_hops.get() + 1);
        let mut shards = self.shards.borrow_mut();
        let rows = shards.entry(shard.to_string()).or_default();
        let Ok(answer) = grant::shard::apply(rows, &mut rows.memory.borrow_mut(), command, self.now.get());
        Ok(answer)
    }

    /// Delivers a request for a WebSocket to a grant shard.
    pub(super) fn to_door(&self, shard: Shard, ask: &Listen) -> Result<Result<Socket, Refusal>, Unavailable> {
        self.reach("grants")?;
        self.grant_hops.set(self.grant_hops.get() + 1);
        let mut shards = self.shards.borrow_mut();
        Ok(shards.entry(shard.to_string()).or_default().listen(ask, self.now.get()))
    }

    /// Delivers a command to an account shard.
    pub(super) fn to_accounts(
        &self,
        shard: AccountShard,
        command: identity::command::Command,
    ) -> Result<Answer, Unavailable> {
        self.reach("accounts")?;
        self.account_hops.set(self.account_hops.get() + 1);
        let is_recheck = matches!(command, identity::command::Command::EndRecheck(_));
        let mut accounts = self.accounts.borrow_mut();
        let Ok(answer) = identity::shard::apply(accounts.entry(shard).or_default(), command, self.now.get());
        let lost = self.lost_rechecks.get();
        if is_recheck && lost > 0 {
            self.lost_rechecks.set(lost - 1);
            return Err(Unavailable);
        }
        Ok(answer)
    }

    /// Delivers a command to a ledger.
    pub(super) fn to_ledger(
        &self,
        name: &str,
        command: audit::ledger::Command,
    ) -> Result<Answer, Unavailable> {
        self.reach("ledger")?;
        self.ledger_hops.set(self.ledger_hops.get() + 1);
        let mut ledgers = self.ledgers.borrow_mut();
        let Ok(answer) = audit::ledger::apply(ledgers.entry(name.to_owned()).or_default(), command);
        Ok(answer)
    }

    /// Shows or changes the rows of a ledger.
    pub(crate) fn with_ledger<T>(&self, name: &str, see: impl FnOnce(&LedgerRows) -> T) -> T {
        see(self.ledgers.borrow_mut().entry(name.to_owned()).or_default())
    }

    /// Returns the names of the ledgers that exist.
    pub(crate) fn ledger_names(&self) -> Vec<String> {
        self.ledgers.borrow().keys().cloned().collect()
    }

    /// Delivers a command to a limiter.
    pub(super) fn to_limits(&self, command: &limiter::command::Command) -> Result<Answer, Unavailable> {
        self.reach("limits")?;
        self.limit_hops.set(self.limit_hops.get() + 1);
        let mut counters = self.counters.borrow_mut();
        let row = counters.entry(command.key().to_owned()).or_default();
        let before = row.clone();
        let answer = row.apply(command, self.now.get());
        self.limit_writes.set(self.limit_writes.get() + u32::from(*row != before));
        Ok(answer)
    }

    /// Waits until the replies of an object are no longer [slow](Memories::slow).
    async fn replied(&self, object: &str) {
        let mut waits = self.in_rounds.get();
        poll_fn(|context| {
            if !std::mem::take(&mut waits) && !self.is_slow(object) {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn is_slow(&self, object: &str) -> bool {
        self.slow.borrow().contains(object)
    }

    /// Waits for the end of [`Memories::loads_wait`].
    async fn loaded(&self) {
        let poll = |_: &mut Context<'_>| if self.loads_wait.get() { Poll::Pending } else { Poll::Ready(()) };
        poll_fn(poll).await;
    }

    fn reach(&self, object: &'static str) -> Result<(), Unavailable> {
        if self.down.borrow().contains(object) { Err(Unavailable) } else { Ok(()) }
    }
}

impl Index for Memories {
    fn apply<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = audit::ledger::Command>,
    {
        Ok(self.to_ledger(OUTBOXES, sent(ask))?.read::<A>().unwrap())
    }
}

/// A courier, for itself.
pub(super) struct OneCourier<'a>(pub(super) &'a Memories, pub(super) String);

impl Mailbox for OneCourier<'_> {
    fn apply<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = courier::command::Command>,
    {
        let mut couriers = self.0.couriers.borrow_mut();
        let rows = couriers.entry(self.1.clone()).or_default();
        let Ok(answer) = courier::shard::apply(rows, sent(ask), self.0.now.get());
        Ok(answer.read::<A>().unwrap())
    }

    fn now(&self) -> Timestamp {
        self.0.now.get()
    }
}

impl Platform for Memories {
    async fn grants<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>,
    {
        let answer = self.to_grants(shard, sent(ask))?;
        self.replied("grants").await;
        Ok(answer.read::<A>().unwrap())
    }

    /// Does not wait for a shard that is slow.
    async fn grants_soon<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>,
    {
        let answer = self.to_grants(shard, sent(ask))?;
        let is_slow = self.is_slow("grants") || self.is_slow(&shard.to_string());
        self.replied("").await;
        if is_slow { Err(Unavailable) } else { Ok(answer.read::<A>().unwrap()) }
    }

    async fn listen(&self, shard: Shard, ask: Listen) -> Result<Result<Socket, Refusal>, Unavailable> {
        let sent = serde_json::from_str(&serde_json::to_string(&ask).unwrap()).unwrap();
        self.to_door(shard, &sent)
    }

    async fn accounts<A>(&self, shard: AccountShard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = identity::command::Command>,
    {
        let answer = self.to_accounts(shard, sent(ask))?;
        self.replied("accounts").await;
        Ok(answer.read::<A>().unwrap())
    }

    async fn limits<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = limiter::command::Command>,
    {
        let command = sent(ask);
        let answer = self.to_limits(&command)?;
        let is_back = matches!(command, limiter::command::Command::GiveBack(_));
        self.replied(if is_back { "give_back" } else { "limits" }).await;
        Ok(answer.read::<A>().unwrap())
    }

    async fn replica<A>(&self, replica: Replica, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Replicated,
    {
        self.replica_hops.borrow_mut().push(replica.to_string());
        self.reach("replicas")?;
        let Ok(reply) = self.apply_to_registry(ask);
        Ok(reply)
    }

    async fn registry<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>,
    {
        self.registry_hops.set(self.registry_hops.get() + 1);
        self.reach("registry")?;
        let Ok(reply) = self.apply_to_registry(ask);
        self.replied("registry").await;
        Ok(reply)
    }

    async fn ledger<A>(&self, name: &str, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = audit::ledger::Command>,
    {
        let answer = self.to_ledger(name, sent(ask))?;
        self.replied("ledgers").await;
        Ok(answer.read::<A>().unwrap())
    }

    async fn counts<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = counts::command::Command>,
    {
        self.reach("counts")?;
        let Ok(answer) = counts::shard::apply(&self.counts, sent(ask), self.now.get());
        self.counts_hops.set(self.counts_hops.get() + 1);
        self.replied("counts").await;
        Ok(answer.read::<A>().unwrap())
    }

    async fn courier<A>(&self, name: &str, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = courier::command::Command>,
    {
        self.reach("couriers")?;
        let answer = {
            let mut couriers = self.couriers.borrow_mut();
            let rows = couriers.entry(name.to_owned()).or_default();
            let Ok(answer) = courier::shard::apply(rows, sent(ask), self.now.get());
            answer
        };
        self.courier_hops.set(self.courier_hops.get() + 1);
        self.replied("couriers").await;
        Ok(answer.read::<A>().unwrap())
    }

    async fn published(&self) -> Option<Snapshot> {
        let (kv, source) = self.loads.get();
        self.loads.set((kv + 1, source));
        self.loaded().await;
        self.published.borrow().as_deref().map(parsed)
    }

    async fn take_snapshot(&self) -> Result<Snapshot, Unavailable> {
        let (kv, source) = self.loads.get();
        self.loads.set((kv, source + 1));
        self.loaded().await;
        self.reach("registry")?;
        let Ok(taken) = snapshot::take(&self.registry, self.now.get());
        taken.map(|text| parsed(&text)).map_err(|_| Unavailable)
    }

    async fn within_limit(&self, key: &str) -> bool {
        self.rate_keys.borrow_mut().insert(key.to_owned());
        !self.down.borrow().contains("rate limit") && !self.full.borrow().contains(key)
    }

    async fn sign(&self, key: &StoredKey, input: &[u8]) -> Result<Vec<u8>, Unavailable> {
        self.reach("signing")?;
        Ok(match key.public.alg {
            Algorithm::Es256 => {
                Es256.sign(&es256(key.wrapped.parse().unwrap()), input).as_bytes().into_owned()
            }
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => vec![0; 256],
            Algorithm::EdDsa => vec![0; 64],
        })
    }

    async fn verify(&self, key: &PublicKey, input: &[u8], signature: &[u8]) -> Result<bool, Unavailable> {
        if let Some(own) = rsa_signature(key, input) {
            return Ok(own == signature);
        }
        let signature = <Es256 as jwt_compact::Algorithm>::Signature::try_from_slice(signature);
        // As WebCrypto, which throws for a signature of the wrong length.
        let signature = signature.map_err(|_| Unavailable)?;
        let Some(key) = p256(key) else { return Ok(false) };
        Ok(Es256.verify_signature(&signature, &key, input))
    }

    async fn post_form(&self, url: &str, form: &str) -> Result<String, Unavailable> {
        self.reach("siteverify")?;
        Ok(self.siteverify.answer(url, form))
    }

    async fn fetch_text(&self, url: &str) -> Result<String, Unavailable> {
        self.fetches.set(self.fetches.get() + 1);
        self.reach("documents")?;
        self.replied("documents").await;
        if let Some(document) = self.providers.borrow().iter().find_map(|provider| provider.document(url)) {
            return document;
        }
        self.documents.borrow().get(url).cloned().ok_or(Unavailable)
    }

    async fn fetch_bytes(&self, url: &str, most: usize) -> Result<Vec<u8>, NotFetched> {
        self.fetches.set(self.fetches.get() + 1);
        let found = self.files.borrow().get(url).cloned().unwrap_or(Err(NotFetched::Unreachable))?;
        if found.len() > most { Err(NotFetched::Large(most)) } else { Ok(found) }
    }

    async fn fetch_document(&self, url: &str, most: usize) -> Result<FetchedDocument, NotFetched> {
        self.fetches.set(self.fetches.get() + 1);
        let found =
            self.client_documents.borrow().get(url).cloned().unwrap_or(Err(NotFetched::Unreachable))?;
        if found.body.len() > most { Err(NotFetched::Large(most)) } else { Ok(found) }
    }

    async fn exchange(&self, request: Outgoing<'_>) -> Result<Incoming, Unavailable> {
        let providers = self.providers.borrow().clone();
        let answer = providers.iter().find_map(|provider| provider.answer(request, self.now.get()));
        answer.unwrap_or_else(|| {
            self.cookies.borrow_mut().push(request.cookie.map(str::to_owned));
            self.answers.borrow().get(request.url).cloned().ok_or(Unavailable)
        })
    }

    async fn push(&self, push: Push<'_>) -> Result<Incoming, NotPushed> {
        self.receivers.push(push)
    }

    fn intl(&self) -> &dyn Intl {
        &TwoLanguages
    }

    fn missing_bindings(&self) -> Vec<&'static str> {
        vec!["NETWORK_LIMIT"]
    }

    fn version(&self) -> String {
        "0.0.0-test".to_owned()
    }

    fn named_wasm(&self) -> String {
        String::new()
    }
}
