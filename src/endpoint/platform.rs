//! What the endpoints need of the world: objects, a signature, a published snapshot, a rate limit.

use crate::ask::Ask;
use crate::identity::account::AccountKey;
use crate::registry::snapshot::Snapshot;
use crate::sharding::Shard;
use crate::token::signing_key::{PublicKey, StoredKey};
use crate::{grant, identity, limiter, registry};

/// Something could not be reached, and nothing is known to have changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unavailable;

/// The world outside. One implementation runs on Workers, one in memory for tests.
#[expect(async_fn_in_trait, reason = "one thread: nothing here needs to be Send")]
pub trait Platform {
    /// Sends a command to a shard of grants.
    async fn grants<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>;

    /// Sends a command to the shard of an account.
    async fn accounts<A>(&self, account: &AccountKey, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = identity::shard::Command>;

    /// Sends a command to the limiter that has the command's row.
    async fn limits<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = limiter::command::Command>;

    /// Sends a command to the registry.
    async fn registry<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>;

    /// The published snapshot, where there is one. An accelerator: it may be a minute old.
    async fn published(&self) -> Option<Snapshot>;

    /// Whether one more request of `key` is within the platform's own rate limit. An accelerator, too.
    async fn within_limit(&self, key: &str) -> bool;

    /// Signs `input` with the private half of `key`, as JWS wants it (RFC 7515 §5.1).
    async fn sign(&self, key: &StoredKey, input: &[u8]) -> Result<Vec<u8>, Unavailable>;

    /// Whether `signature` over `input` is that of `key`'s private half.
    async fn verify(&self, key: &PublicKey, input: &[u8], signature: &[u8]) -> Result<bool, Unavailable>;

    /// Posts a form to another server, and gives what it answers with 2xx or 4xx. Follows no redirection.
    async fn post_form(&self, url: &str, form: &str) -> Result<String, Unavailable>;

    /// Fetches a document, within bounds of time and size; a redirect is a failure.
    async fn fetch_text(&self, url: &str) -> Result<String, Unavailable>;

    /// The version of this build, for `/healthz`.
    fn version(&self) -> String;
}
