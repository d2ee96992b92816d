//! What the endpoints need from outside: Durable Objects, the published snapshot, a rate limit, signatures,
//! and other servers.

use super::intl::Intl;
use crate::ask::Ask;
use crate::registry::rows::StoredKey;
use crate::registry::snapshot::Snapshot;
use crate::sharding::{AccountShard, Shard};
use crate::token::signing_key::PublicKey;
use crate::{audit, grant, identity, limiter, registry};

/// Something could not be reached; as far as is known, nothing has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unavailable;

/// The outside world. One implementation runs on Workers; the tests have one in memory.
#[expect(async_fn_in_trait, reason = "one thread: nothing here needs to be Send")]
pub trait Platform {
    /// Sends a command to a `GrantShard`.
    async fn grants<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>;

    /// Sends a command to an `AccountShard`.
    async fn accounts<A>(&self, shard: AccountShard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = identity::command::Command>;

    /// Sends a command to the `LimiterShard` that has the command's row.
    async fn limits<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = limiter::command::Command>;

    /// Sends a command to the registry.
    async fn registry<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>;

    /// Sends a command to the `Ledger` with this name.
    async fn ledger<A>(&self, name: &str, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = audit::ledger::Command>;

    /// Returns the published snapshot, which may be a minute old. It only saves time: without a
    /// snapshot, callers ask the registry.
    async fn published(&self) -> Option<Snapshot>;

    /// Takes a snapshot at the registry.
    async fn take_snapshot(&self) -> Result<Snapshot, Unavailable>;

    /// Returns whether one more request of `key` is within the platform's own rate limit. The limit only
    /// saves work: a platform without one returns `true`.
    async fn within_limit(&self, key: &str) -> bool;

    /// Returns the JWS signature (RFC 7515 §5.1) of `input` by the private half of `key`.
    async fn sign(&self, key: &StoredKey, input: &[u8]) -> Result<Vec<u8>, Unavailable>;

    /// Returns whether `signature` over `input` was made with the private half of `key`.
    async fn verify(&self, key: &PublicKey, input: &[u8], signature: &[u8]) -> Result<bool, Unavailable>;

    /// Posts a form to another server. Returns the body of a response with status 2xx or 4xx; a redirect is
    /// an error.
    async fn post_form(&self, url: &str, form: &str) -> Result<String, Unavailable>;

    /// Fetches a document, with limits on time and size. A redirect is an error.
    async fn fetch_text(&self, url: &str) -> Result<String, Unavailable>;

    /// Returns the rules of languages.
    fn intl(&self) -> &dyn Intl;

    /// Returns the version of this build, for `/healthz`.
    fn version(&self) -> String;
}
