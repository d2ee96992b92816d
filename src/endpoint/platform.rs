//! What the endpoints need from outside: Durable Objects, the published snapshot, a rate limit, signatures,
//! and other servers.

use core::fmt;

use super::intl::Intl;
use super::socket::Socket;
use crate::ask::Ask;
use crate::grant::instant::{Listen, Refusal};
use crate::registry::replica::Replicated;
use crate::registry::rows::StoredKey;
use crate::registry::snapshot::Snapshot;
use crate::sharding::{AccountShard, Replica, Shard};
use crate::token::signing_key::PublicKey;
use crate::{audit, counts, courier, grant, identity, limiter, registry};

/// Something could not be reached; as far as is known, nothing has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unavailable;

/// Why a file could not be fetched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotFetched {
    /// The other server cannot be reached, or took too long.
    Unreachable,
    /// The response has this status, which is not 200.
    Status(u16),
    /// The file has more bytes than this.
    Large(usize),
}

impl fmt::Display for NotFetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("the server at that address did not send it within 5 seconds"),
            Self::Status(status @ 300..=399) => {
                write!(f, "the response has status {status}, and redirects are not followed")
            }
            Self::Status(status) => write!(f, "the response has status {status}"),
            Self::Large(most) => write!(f, "it has more than {most} bytes"),
        }
    }
}

/// A document of another server, with what its headers say about it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct FetchedDocument {
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub age: Option<String>,
    pub body: Vec<u8>,
}

/// A request to another server: a POST of a form, or a GET without one.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// An absolute https URL, or http on loopback.
    pub url: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Cookie` header.
    pub cookie: Option<&'a str>,
    /// The body.
    pub form: Option<&'a str>,
}

/// A message to a receiver of events.
#[derive(Clone, Copy)]
pub struct Push<'a> {
    /// An absolute https URL, or http on loopback.
    pub url: &'a str,
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: &'a [(&'static str, String)],
    /// The body of a POST.
    pub body: &'a str,
    /// Whether the body of the response is read.
    pub reads: bool,
}

/// Why a receiver of events gave no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotPushed {
    /// It took too long.
    Late,
    /// It cannot be reached, or broke off.
    Unreachable,
}

/// The response of another server.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct Incoming {
    pub status: u16,
    pub body: String,
}

/// The outside world. One implementation runs on Workers; the tests have one in memory.
#[expect(async_fn_in_trait, reason = "one thread: nothing here needs to be Send")]
pub trait Platform {
    /// Sends a command to a `GrantShard`.
    async fn grants<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>;

    /// Does the same where another shard can answer instead. One that does not answer within seconds counts as unavailable,
    /// although it may still carry out the command.
    async fn grants_soon<A>(&self, shard: Shard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = grant::command::Command>;

    /// Asks a `GrantShard` for a WebSocket.
    async fn listen(&self, shard: Shard, ask: Listen) -> Result<Result<Socket, Refusal>, Unavailable>;

    /// Sends a command to an `AccountShard`.
    async fn accounts<A>(&self, shard: AccountShard, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = identity::command::Command>;

    /// Sends a command to the `LimiterShard` that has the command's row.
    async fn limits<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = limiter::command::Command>;

    /// Sends a read to a replica of the registry. Fails soon if the replica does not answer, because the caller then asks the
    /// registry.
    async fn replica<A>(&self, replica: Replica, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Replicated;

    /// Sends a command to the registry.
    async fn registry<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = registry::command::Command>;

    /// Sends a command to the `Ledger` with this name.
    async fn ledger<A>(&self, name: &str, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = audit::ledger::Command>;

    /// Sends a command to the object that counts.
    async fn counts<A>(&self, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = counts::command::Command>;

    /// Sends a command to the courier with this name.
    async fn courier<A>(&self, name: &str, ask: A) -> Result<A::Reply, Unavailable>
    where
        A: Ask<Command = courier::command::Command>;

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

    /// Fetches a file of at most `most` bytes, with a limit on time. A redirect is an error.
    async fn fetch_bytes(&self, url: &str, most: usize) -> Result<Vec<u8>, NotFetched>;

    /// Fetches a JSON document of at most `most` bytes, with a limit on time. A redirect is an error.
    async fn fetch_document(&self, url: &str, most: usize) -> Result<FetchedDocument, NotFetched>;

    /// Sends a request to another server, with limits on time and size. Returns the response, whatever its status, but a
    /// redirect is an error.
    async fn exchange(&self, request: Outgoing<'_>) -> Result<Incoming, Unavailable>;

    /// Sends a message to a receiver of events, with limits on time and size. Returns the response, whatever its status;
    /// redirects are not followed. The body is empty unless it was to be read.
    async fn push(&self, push: Push<'_>) -> Result<Incoming, NotPushed>;

    /// Returns the rules of languages.
    fn intl(&self) -> &dyn Intl;

    /// Returns the names of the optional bindings that are missing: `SNAPSHOT`, `NETWORK_LIMIT`.
    fn missing_bindings(&self) -> Vec<&'static str>;

    /// Returns the version of this build, for `/healthz`.
    fn version(&self) -> String;

    /// Returns the SHA-256 digest, in hexadecimal, of the file with the names of this build's functions, for `/healthz`:
    /// `build/index_bg.named.wasm`.
    fn named_wasm(&self) -> String;
}
