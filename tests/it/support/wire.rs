//! Several Workers that share their objects, over a network that loses and doubles messages.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem::replace;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use device_grant::ask::{Answer, Ask};
use device_grant::endpoint::intl::Intl;
use device_grant::endpoint::platform::{
    FetchedDocument, Incoming, NotFetched, NotPushed, Outgoing, Platform, Push, Unavailable,
};
use device_grant::endpoint::socket::Socket;
use device_grant::grant::instant::{Listen, Refusal};
use device_grant::registry::replica::Replicated;
use device_grant::registry::rows::StoredKey;
use device_grant::registry::snapshot::Snapshot;
use device_grant::sharding::{AccountShard, Replica, Shard};
use device_grant::time::Timestamp;
use device_grant::token::signing_key::PublicKey;
use device_grant::{audit, counts, courier, grant, identity, limiter, registry};

use super::intl::TwoLanguages;
use super::memories::Memories;

/// What happens to one message to an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Delivery {
    /// The object gets it, and its reply arrives.
    Once,
    /// The object never gets it.
    Lost,
    /// The object gets it, but its reply never arrives.
    ReplyLost,
    /// The object gets it twice, and the second reply arrives.
    Twice,
}

/// The [`Platform`] of each Worker. Clones share the objects.
#[derive(Clone, Default)]
pub(crate) struct Wire(Rc<Network>);

#[derive(Default)]
struct Network {
    memories: Memories,
    /// What happens to the next messages; those after them are delivered once.
    deliveries: RefCell<VecDeque<Delivery>>,
    /// How many messages were not delivered once.
    faults: Cell<u32>,
}

impl Wire {
    /// Sets the clock of the objects.
    pub(crate) fn set_clock(&self, now: Timestamp) {
        self.0.memories.now.set(now);
    }

    /// Plans what happens to the next messages, and forgets earlier plans.
    pub(crate) fn plan(&self, deliveries: &[Delivery]) {
        self.0.deliveries.replace(deliveries.iter().copied().collect());
        self.0.faults.set(0);
    }

    /// Returns how many messages have been lost or doubled since the last plan.
    pub(crate) fn faults(&self) -> u32 {
        self.0.faults.get()
    }

    /// Returns how many families are live at `now`.
    pub(crate) fn live_families(&self, now: Timestamp) -> usize {
        let shards = self.0.memories.shards.borrow();
        shards.values().map(|rows| rows.families.borrow().values().filter(|f| f.is_live(now)).count()).sum()
    }

    /// Sends a message. Other requests can go on before it arrives, and before its reply arrives.
    async fn deliver(
        &self,
        message: impl Fn() -> Result<Answer, Unavailable>,
    ) -> Result<Answer, Unavailable> {
        let delivery = self.0.deliveries.borrow_mut().pop_front().unwrap_or(Delivery::Once);
        self.0.faults.set(self.0.faults.get() + u32::from(delivery != Delivery::Once));
        pause().await;
        let reply = match delivery {
            Delivery::Once => message(),
            Delivery::Lost => Err(Unavailable),
            Delivery::ReplyLost => message().and(Err(Unavailable)),
            Delivery::Twice => message().and_then(|_| message()),
        };
        pause().await;
        reply
    }
}

/// Lets the other requests go on, once.
async fn pause() {
    let mut paused = false;
    poll_fn(|_| if replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Runs requests side by side. Each number in `order` selects, among those that have not ended, the one that
/// goes on to its next message; after the last number, they go on in turn. Returns the results in the order
/// of `requests`.
pub(crate) fn interleaved<T>(requests: Vec<impl Future<Output = T>>, order: &[u8]) -> Vec<T> {
    let mut left: Vec<(usize, Pin<Box<_>>)> = requests.into_iter().map(Box::pin).enumerate().collect();
    let mut ended = Vec::new();
    for step in order.iter().map(|step| usize::from(*step)).chain(0..100_000) {
        if left.is_empty() {
            break;
        }
        let next = step % left.len();
        let (number, request) = left.get_mut(next).unwrap();
        if let Poll::Ready(result) = request.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            ended.push((*number, result));
            drop(left.remove(next));
        }
    }
    assert!(left.is_empty(), "a request never ended");
    ended.sort_by_key(|(number, _)| *number);
    ended.into_iter().map(|(_, result)| result).collect()
}

impl Platform for Wire {
    async fn grants<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>,
    {
        let command: grant::command::Command = ask.into();
        let answer = self.deliver(|| self.0.memories.to_grants(shard, command.clone())).await?;
        Ok(answer.read::<A>().unwrap())
    }

    async fn grants_soon<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>,
    {
        self.grants(shard, ask).await
    }

    async fn listen(&self, shard: Shard, ask: Listen) -> Result<Result<Socket, Refusal>, Unavailable> {
        self.0.memories.to_door(shard, &ask)
    }

    async fn accounts<A>(&self, shard: AccountShard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = identity::command::Command>,
    {
        let command: identity::command::Command = ask.into();
        let answer = self.deliver(|| self.0.memories.to_accounts(shard, command.clone())).await?;
        Ok(answer.read::<A>().unwrap())
    }

    async fn limits<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = limiter::command::Command>,
    {
        let command: limiter::command::Command = ask.into();
        Ok(self.deliver(|| self.0.memories.to_limits(&command)).await?.read::<A>().unwrap())
    }

    async fn replica<A>(&self, replica: Replica, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Replicated,
    {
        pause().await;
        self.0.memories.replica(replica, ask).await
    }

    async fn registry<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>,
    {
        pause().await;
        self.0.memories.registry(ask).await
    }

    async fn ledger<A>(&self, name: &str, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = audit::ledger::Command>,
    {
        self.0.memories.ledger(name, ask).await
    }

    async fn counts<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = counts::command::Command>,
    {
        self.0.memories.counts(ask).await
    }

    async fn courier<A>(&self, name: &str, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = courier::command::Command>,
    {
        self.0.memories.courier(name, ask).await
    }

    async fn published(&self) -> Option<Snapshot> {
        self.0.memories.published().await
    }

    async fn take_snapshot(&self) -> Result<Snapshot, Unavailable> {
        self.0.memories.take_snapshot().await
    }

    async fn within_limit(&self, key: &str) -> bool {
        self.0.memories.within_limit(key).await
    }

    async fn sign(&self, key: &StoredKey, input: &[u8]) -> Result<Vec<u8>, Unavailable> {
        self.0.memories.sign(key, input).await
    }

    async fn verify(&self, key: &PublicKey, input: &[u8], signature: &[u8]) -> Result<bool, Unavailable> {
        self.0.memories.verify(key, input, signature).await
    }

    async fn post_form(&self, url: &str, form: &str) -> Result<String, Unavailable> {
        self.0.memories.post_form(url, form).await
    }

    async fn fetch_text(&self, url: &str) -> Result<String, Unavailable> {
        self.0.memories.fetch_text(url).await
    }

    async fn fetch_bytes(&self, url: &str, most: usize) -> Result<Vec<u8>, NotFetched> {
        self.0.memories.fetch_bytes(url, most).await
    }

    async fn fetch_document(&self, url: &str, most: usize) -> Result<FetchedDocument, NotFetched> {
        self.0.memories.fetch_document(url, most).await
    }

    async fn exchange(&self, request: Outgoing<'_>) -> Result<Incoming, Unavailable> {
        self.0.memories.exchange(request).await
    }

    async fn push(&self, push: Push<'_>) -> Result<Incoming, NotPushed> {
        self.0.memories.push(push).await
    }

    fn intl(&self) -> &dyn Intl {
        &TwoLanguages
    }

    fn missing_bindings(&self) -> Vec<&'static str> {
        self.0.memories.missing_bindings()
    }

    fn version(&self) -> String {
        self.0.memories.version()
    }

    fn named_wasm(&self) -> String {
        self.0.memories.named_wasm()
    }
}
