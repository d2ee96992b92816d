//! The [`Platform`] on Workers: Durable Objects, the snapshot in KV, a rate limit, signatures, and other
//! servers.

use core::pin::pin;
use core::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::{ByteStream, Delay, Env, Error, RateLimiter, Result};

use super::hop::Call;
use super::intl::RuntimeIntl;
use super::object::{broken, complain, written};
use super::{fetch, hop, request_id, webcrypto};
use crate::ask::Ask;
use crate::counts::command::{Tell, Told};
use crate::courier::command::Hear;
use crate::derived_keys::{Keyring, Purpose};
use crate::endpoint::intl::Intl;
use crate::endpoint::platform::{
    FetchedDocument, Incoming, NotFetched, NotPushed, Outgoing, Platform, Push, Unavailable,
};
use crate::endpoint::socket::Socket;
use crate::grant::instant::{Listen, Refusal};
use crate::json;
use crate::registry::leases::LONGEST_LEASE;
use crate::registry::replica::Replicated;
use crate::registry::rows::StoredKey;
use crate::registry::snapshot::{Reader, Snapshot};
use crate::settings::Settings;
use crate::sharding::{AccountShard, Region, Replica, Shard, limiter_of};
use crate::token::signing_key::PublicKey;
use crate::{audit, counts, courier, grant, identity, limiter, registry, secret};

#[wasm_bindgen(module = "/src/cloudflare/objects.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn listen(object: &JsValue, ask: String) -> core::result::Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn snapshot(object: &JsValue) -> core::result::Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/src/cloudflare/build.js")]
extern "C" {
    /// Returns the digest that `scripts/build` put into the bundle.
    #[wasm_bindgen(js_name = namedWasm)]
    fn named_wasm() -> String;
}

// The bindings, as `wrangler.toml` names them.
const GRANTS: &str = "GRANTS";
const ACCOUNTS: &str = "ACCOUNTS";
const LIMITS: &str = "LIMITS";
pub(super) const REGISTRY: &str = "REGISTRY";
const VERSION: &str = "VERSION";
const NETWORK_LIMIT: &str = "NETWORK_LIMIT";
pub(super) const LEDGER: &str = "LEDGER";
const COUNTS: &str = "COUNTS";
const COURIERS: &str = "COURIERS";
pub(super) const SNAPSHOT: &str = "SNAPSHOT";
/// An object that has not answered by then counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(10);
/// A Worker waits this long for a replica, and a replica for the registry. Then the Worker asks the registry. A start waits as
/// long for a shard of its network while there is another.
pub(super) const SHORT_PATIENCE: Duration = Duration::from_secs(3);
/// A change waits until the longest lease of a replica has ended.
const PATIENCE_WITH_REPLICAS: Duration = Duration::from_secs(LONGEST_LEASE).saturating_add(PATIENCE);
/// Name of the registry object.
pub(super) const THE_REGISTRY: &str = "registry";
/// Bytes of a snapshot that are copied at a time, so that the whole text is never in this memory.
const PIECE: u32 = 65_536;

/// Returns the key in KV under which the registry object with this identifier publishes. Because the key
/// contains the identifier, a namespace that previews share, or that outlives an object, never serves the
/// snapshot of another registry.
pub(super) fn snapshot_key(object: &str) -> String {
    format!("registry/{object}")
}

/// The bindings of this deployment.
pub(super) struct Workers {
    /// Where the registry publishes: see [`snapshot_key`].
    snapshot_key: String,
    /// Where the platform creates the registry.
    location: Option<Region>,
    /// The platform's rate limit, if there is one.
    limit: Option<RateLimiter>,
    env: Env,
    keyring: Keyring,
}

impl Workers {
    pub(super) fn new(env: Env, settings: &Settings) -> Result<Self> {
        for binding in [GRANTS, ACCOUNTS, LIMITS, LEDGER, COUNTS, COURIERS] {
            env.durable_object(binding)?;
        }
        let (keyring, location) = (settings.keyring.clone(), settings.replicas.location);
        let limit = env.rate_limiter(NETWORK_LIMIT).ok();
        Ok(Self { snapshot_key: snapshot_key(&registry_id(&env)?), location, limit, env, keyring })
    }

    fn hint(&self) -> Option<&'static str> {
        self.location.map(Region::hint)
    }
}

/// Returns the identifier of the registry object.
pub(super) fn registry_id(env: &Env) -> Result<String> {
    Ok(env.durable_object(REGISTRY)?.id_from_name(THE_REGISTRY)?.to_string())
}

impl Platform for Workers {
    async fn grants<A>(&self, shard: Shard, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>,
    {
        let command = written(&question.into());
        reply(ask(GRANTS, &shard.to_string(), Some(shard.region.hint()), command).await)
    }

    async fn grants_soon<A>(&self, shard: Shard, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>,
    {
        let (name, hint) = (shard.to_string(), Some(shard.region.hint()));
        reply(answer_within(SHORT_PATIENCE, GRANTS, &name, hint, written(&question.into())).await)
    }

    async fn listen(
        &self,
        shard: Shard,
        ask: Listen,
    ) -> core::result::Result<core::result::Result<Socket, Refusal>, Unavailable> {
        let answered = async {
            let ask = written(&ask)?;
            let answer =
                listen(&hop::object(GRANTS, &shard.to_string(), Some(shard.region.hint()))?, ask).await?;
            match answer.as_string() {
                Some(refusal) => json::read(&refusal).map(Err).map_err(broken),
                None => Ok(Ok(Socket::new(answer))),
            }
        };
        let answered: Result<_> = answered.await;
        answered.map_err(|error| unavailable("object", &error))
    }

    async fn accounts<A>(
        &self,
        shard: AccountShard,
        question: A,
    ) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = identity::command::Command>,
    {
        let command = written(&question.into());
        reply(ask(ACCOUNTS, &shard.to_string(), None, command).await)
    }

    async fn limits<A>(&self, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = limiter::command::Command>,
    {
        let command = question.into();
        let name = limiter_of(command.key());
        reply(ask(LIMITS, &name, None, written(&command)).await)
    }

    async fn replica<A>(&self, replica: Replica, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Replicated,
    {
        let (name, hint) = (replica.to_string(), Some(replica.region.hint()));
        let answer = answer_within(SHORT_PATIENCE, REGISTRY, &name, hint, written(&question.into())).await;
        read(answer).map_err(|error| unavailable("replica", &error))
    }

    async fn registry<A>(&self, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>,
    {
        let command: registry::command::Command = question.into();
        let waits = matches!(command, registry::command::Command::AwaitReplicas(_));
        let patience = if waits { PATIENCE_WITH_REPLICAS } else { PATIENCE };
        let command = written(&command);
        reply(answer_within(patience, REGISTRY, THE_REGISTRY, self.hint(), command).await)
    }

    async fn ledger<A>(&self, name: &str, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = audit::ledger::Command>,
    {
        reply(answer_in_time(LEDGER, name, written(&question.into())).await)
    }

    async fn counts<A>(&self, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = counts::command::Command>,
    {
        reply(answer_in_time(COUNTS, counts::COUNTS, written(&question.into())).await)
    }

    async fn courier<A>(&self, name: &str, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = courier::command::Command>,
    {
        reply(answer_in_time(COURIERS, name, written(&question.into())).await)
    }

    async fn published(&self) -> Option<Snapshot> {
        let kv = self.env.kv(SNAPSHOT).ok()?;
        let text = kv.get(&self.snapshot_key).stream().await.ok()??;
        read_snapshot(text.into()).await.ok()
    }

    async fn take_snapshot(&self) -> core::result::Result<Snapshot, Unavailable> {
        let taken = async {
            let registry = hop::object(REGISTRY, THE_REGISTRY, self.hint())?;
            let text: Uint8Array = snapshot(&registry).await?.unchecked_into();
            let mut reader = Reader::default();
            for begin in (0..text.length()).step_by(PIECE as usize) {
                let end = (begin + PIECE).min(text.length());
                reader.push(&text.subarray(begin, end).to_vec()).map_err(broken)?;
            }
            reader.end().map_err(broken)
        };
        let taken: Result<Snapshot> = taken.await;
        taken.map_err(|error| unavailable("object", &error))
    }

    async fn within_limit(&self, key: &str) -> bool {
        let Some(limit) = &self.limit else { return true };
        // If the rate limiter fails, the request passes: `LimiterShard` still counts.
        limit.limit(key.to_owned()).await.map_or(true, |outcome| outcome.success)
    }

    async fn sign(&self, key: &StoredKey, input: &[u8]) -> core::result::Result<Vec<u8>, Unavailable> {
        let unwrapped = || self.keyring.open(Purpose::SigningKey, &secret::decode(&key.wrapped)?);
        let signed = webcrypto::sign(key.public.alg, &key.public.kid, unwrapped, input).await;
        signed.map_err(|error| unavailable("signing", &error))
    }

    async fn verify(
        &self,
        key: &PublicKey,
        input: &[u8],
        signature: &[u8],
    ) -> core::result::Result<bool, Unavailable> {
        let verified = webcrypto::verify(key, input, signature).await;
        verified.map_err(|error| unavailable("verifying", &error))
    }

    async fn post_form(&self, url: &str, form: &str) -> core::result::Result<String, Unavailable> {
        fetch::post_form(url, form).await.map_err(|error| unavailable("fetch", &error))
    }

    async fn fetch_text(&self, url: &str) -> core::result::Result<String, Unavailable> {
        fetch::text_at(url).await.map_err(|error| unavailable("document", &error))
    }

    async fn fetch_bytes(&self, url: &str, most: usize) -> core::result::Result<Vec<u8>, NotFetched> {
        fetch::bytes_at(url, most).await
    }

    async fn fetch_document(
        &self,
        url: &str,
        most: usize,
    ) -> core::result::Result<FetchedDocument, NotFetched> {
        fetch::document_at(url, most).await
    }

    async fn exchange(&self, request: Outgoing<'_>) -> core::result::Result<Incoming, Unavailable> {
        fetch::exchange(request).await.map_err(|error| unavailable("exchange", &error))
    }

    async fn push(&self, push: Push<'_>) -> core::result::Result<Incoming, NotPushed> {
        fetch::push(push).await
    }

    fn intl(&self) -> &dyn Intl {
        &RuntimeIntl
    }

    fn missing_bindings(&self) -> Vec<&'static str> {
        let has = [(SNAPSHOT, self.env.kv(SNAPSHOT).is_ok()), (NETWORK_LIMIT, self.limit.is_some())];
        has.into_iter().filter(|(_, is_there)| !is_there).map(|(name, _)| name).collect()
    }

    fn version(&self) -> String {
        const BUILD: &str = env!("CARGO_PKG_VERSION");
        let metadata = self.env.get_binding::<worker::WorkerVersionMetadata>(VERSION);
        let deployed = metadata.map(|metadata| metadata.id()).unwrap_or_default();
        if deployed.is_empty() { BUILD.to_owned() } else { format!("{BUILD}+{deployed}") }
    }

    fn named_wasm(&self) -> String {
        named_wasm()
    }
}

/// Sends a command to a ledger and reads its reply: see [`answer_in_time`].
pub(super) async fn ask_ledger<A: Ask>(name: &str, question: A) -> Result<A::Reply> {
    let answer = answer_in_time(LEDGER, name, written(&question.into())).await?;
    json::read(&answer).map_err(broken)
}

/// Tells the object that counts what a ledger has recorded. Returns what it answers.
pub(super) async fn tell_counts(message: Tell) -> Result<Option<Told>> {
    let command: counts::command::Command = message.into();
    read(answer_in_time(COUNTS, counts::COUNTS, written(&command)).await)
}

/// Tells a courier the records that its destination wants.
pub(super) async fn tell_courier(name: &str, message: Hear) -> Result<()> {
    let command: courier::command::Command = message.into();
    read(answer_in_time(COURIERS, name, written(&command)).await)
}

/// Reads the reply of an object. Logs one line if the object could not be reached, or if the reply does not parse.
#[inline(never)]
fn reply<R: DeserializeOwned>(answer: Result<String>) -> core::result::Result<R, Unavailable> {
    read(answer).map_err(|error| unavailable("object", &error))
}

fn read<R: DeserializeOwned>(answer: Result<String>) -> Result<R> {
    answer.and_then(|text| json::read(&text).map_err(broken))
}

/// Sends a command to an object, and gives up waiting for the answer after [`PATIENCE`]: to the registry, which everybody
/// waits for, and to ledgers. A call of another object concerns one grant, account or counter, and has no timer.
async fn answer_in_time(binding: &'static str, name: &str, command: Result<String>) -> Result<String> {
    answer_within(PATIENCE, binding, name, None, command).await
}

/// Waits for an answer, but not for longer than `patience`. Not generic, so that it is compiled only once.
pub(super) async fn answer_within(
    patience: Duration,
    binding: &'static str,
    name: &str,
    hint: Option<&'static str>,
    command: Result<String>,
) -> Result<String> {
    let answer = pin!(hop::ask_alone(call(binding, name, hint, command?)?));
    match select(answer, Delay::from(patience)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Error::RustError(format!("no answer within {} s", patience.as_secs()))),
    }
}

/// Sends a command to an object and returns its answer. Not generic, so that it is compiled only once.
pub(super) async fn ask(
    binding: &'static str,
    name: &str,
    hint: Option<&'static str>,
    command: Result<String>,
) -> Result<String> {
    hop::ask(call(binding, name, hint, command?)?).await
}

fn call(binding: &'static str, name: &str, hint: Option<&'static str>, command: String) -> Result<Call> {
    Ok(Call { object: hop::object(binding, name, hint)?, command, request: request_id::current() })
}

async fn read_snapshot(mut text: ByteStream) -> Result<Snapshot> {
    let mut reader = Reader::default();
    while let Some(bytes) = text.next().await {
        reader.push(&bytes?).map_err(broken)?;
    }
    reader.end().map_err(broken)
}

fn unavailable(what: &'static str, error: &Error) -> Unavailable {
    complain(what, error);
    Unavailable
}
