//! The [`Platform`] on Workers: Durable Objects, the snapshot in KV, a rate limit, signatures, and other
//! servers.

use core::pin::pin;
use core::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::{ByteStream, Delay, Env, Error, Result};

use super::hop::Call;
use super::intl::RuntimeIntl;
use super::object::{broken, complain};
use super::{fetch, hop, request_id, webcrypto};
use crate::ask::Ask;
use crate::derived_keys::{Keyring, Purpose};
use crate::endpoint::intl::Intl;
use crate::endpoint::platform::{Incoming, NotFetched, Outgoing, Platform, Unavailable};
use crate::endpoint::socket::Socket;
use crate::grant::instant::{Listen, Refusal};
use crate::registry::rows::StoredKey;
use crate::registry::snapshot::{Reader, Snapshot};
use crate::sharding::{AccountShard, Shard, limiter_of};
use crate::token::signing_key::PublicKey;
use crate::{audit, grant, identity, limiter, registry, secret};

#[wasm_bindgen(module = "/src/cloudflare/objects.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn listen(
        binding: &str,
        name: &str,
        hint: Option<&str>,
        ask: String,
    ) -> core::result::Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn snapshot(binding: &str, name: &str) -> core::result::Result<JsValue, JsValue>;
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
const REGISTRY: &str = "REGISTRY";
const VERSION: &str = "VERSION";
const NETWORK_LIMIT: &str = "NETWORK_LIMIT";
pub(super) const LEDGER: &str = "LEDGER";
pub(super) const SNAPSHOT: &str = "SNAPSHOT";
/// An object that has not answered by then counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(10);
/// Name of the registry object.
const THE_REGISTRY: &str = "registry";
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
    env: Env,
    keyring: Keyring,
}

impl Workers {
    pub(super) fn new(env: Env, keyring: Keyring) -> Result<Self> {
        for binding in [GRANTS, ACCOUNTS, LIMITS, LEDGER] {
            env.durable_object(binding)?;
        }
        let registry = env.durable_object(REGISTRY)?.id_from_name(THE_REGISTRY)?.to_string();
        Ok(Self { snapshot_key: snapshot_key(&registry), env, keyring })
    }
}

impl Platform for Workers {
    async fn grants<A>(&self, shard: Shard, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>,
    {
        ask(GRANTS, &shard.to_string(), Some(shard.region.hint()), question).await
    }

    async fn listen(
        &self,
        shard: Shard,
        ask: Listen,
    ) -> core::result::Result<core::result::Result<Socket, Refusal>, Unavailable> {
        let answered = async {
            let ask = serde_json::to_string(&ask).map_err(broken)?;
            let answer = listen(GRANTS, &shard.to_string(), Some(shard.region.hint()), ask).await?;
            match answer.as_string() {
                Some(refusal) => serde_json::from_str(&refusal).map(Err).map_err(broken),
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
        ask(ACCOUNTS, &shard.to_string(), None, question).await
    }

    async fn limits<A>(&self, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = limiter::command::Command>,
    {
        let command = question.into();
        let name = limiter_of(command.key());
        let reply: Result<A::Reply> = send(LIMITS, &name, None, &command).await;
        reply.map_err(|error| unavailable("object", &error))
    }

    async fn registry<A>(&self, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>,
    {
        let reply = ask_patiently(REGISTRY, THE_REGISTRY, question).await;
        reply.map_err(|error| unavailable("object", &error))
    }

    async fn ledger<A>(&self, name: &str, question: A) -> core::result::Result<A::Reply, Unavailable>
    where
        A: Ask<Command = audit::ledger::Command>,
    {
        let reply = ask_patiently(LEDGER, name, question).await;
        reply.map_err(|error| unavailable("object", &error))
    }

    async fn published(&self) -> Option<Snapshot> {
        let kv = self.env.kv(SNAPSHOT).ok()?;
        let text = kv.get(&self.snapshot_key).stream().await.ok()??;
        read_snapshot(text.into()).await.ok()
    }

    async fn take_snapshot(&self) -> core::result::Result<Snapshot, Unavailable> {
        let taken = async {
            let text: Uint8Array = snapshot(REGISTRY, THE_REGISTRY).await?.unchecked_into();
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
        let Ok(limit) = self.env.rate_limiter(NETWORK_LIMIT) else { return true };
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

    async fn exchange(&self, request: Outgoing<'_>) -> core::result::Result<Incoming, Unavailable> {
        fetch::exchange(request).await.map_err(|error| unavailable("exchange", &error))
    }

    fn intl(&self) -> &dyn Intl {
        &RuntimeIntl
    }

    fn missing_bindings(&self) -> Vec<&'static str> {
        let has = [
            (SNAPSHOT, self.env.kv(SNAPSHOT).is_ok()),
            (NETWORK_LIMIT, self.env.rate_limiter(NETWORK_LIMIT).is_ok()),
        ];
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

/// Sends a command to an object. Logs one line if the object cannot be reached, or if the reply does not
/// parse.
async fn ask<A: Ask>(
    binding: &'static str,
    name: &str,
    hint: Option<&'static str>,
    question: A,
) -> core::result::Result<A::Reply, Unavailable> {
    let command: A::Command = question.into();
    send(binding, name, hint, &command).await.map_err(|error| unavailable("object", &error))
}

/// Sends a command to an object, and gives up waiting for the reply after [`PATIENCE`]: to the registry, which everybody
/// waits for, and to ledgers. A call of another object concerns one grant, account or counter, and has no timer.
pub(super) async fn ask_patiently<A: Ask>(
    binding: &'static str,
    name: &str,
    question: A,
) -> Result<A::Reply> {
    let command: A::Command = question.into();
    let reply = pin!(hop::ask_alone(called(binding, name, None, &command)?));
    match select(reply, Delay::from(PATIENCE)).await {
        Either::Left((reply, _)) => serde_json::from_str(&reply?).map_err(broken),
        Either::Right(_) => Err(Error::RustError(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// Sends one command to an object and reads its reply.
pub(super) async fn send<C: Serialize, R: DeserializeOwned>(
    binding: &'static str,
    name: &str,
    hint: Option<&'static str>,
    command: &C,
) -> Result<R> {
    let reply = hop::ask(called(binding, name, hint, command)?).await?;
    serde_json::from_str(&reply).map_err(broken)
}

fn called<C: Serialize>(
    binding: &'static str,
    name: &str,
    hint: Option<&'static str>,
    command: &C,
) -> Result<Call> {
    let command = serde_json::to_string(command).map_err(broken)?;
    Ok(Call { binding, name: name.to_owned(), hint, command, request: request_id::current() })
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
