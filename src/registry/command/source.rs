//! Reads at the source or at a replica, for Workers whose snapshot is missing or too old, and what the source and its
//! replicas say to each other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::client::document::entry::Entry;
use crate::format::is_false;
use crate::identity::demand::Demand;
use crate::policy::governance::Governance;
use crate::registry::key_schedule::Signing;
use crate::sharding::Replica;
use crate::time::Timestamp;

/// Takes the outline, for a Worker that has no snapshot yet. A whole [`Snapshot`](super::snapshot::Snapshot) is no reply
/// to a command, because it travels as text, not as JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TakeOutline {}

/// Reads a client, which keys sign, and the governance if it has changed, at the source. The reply is newer than any snapshot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what the other field is")]
pub struct FindAtSource {
    pub client_id: String,
    /// Whether the client is about to redeem or refresh, which counts as a use: see [`Client::ends_at`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub using: bool,
    /// The revision of the governance that the Worker has; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Who keeps the reply; `None` if nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeper: Option<Keeper>,
}

/// A replica that keeps a reply of the source, and answers with it for as long as its lease.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Keeper {
    /// The replica.
    pub replica: Replica,
    /// Seconds from when the replica asked. The Worker says so, to the replica and through it to the source, so that both
    /// mean the same lease even while a deployment changes the setting.
    pub lease: u64,
}

/// Tells a replica that the registry has changed: it forgets what it keeps.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Invalidate {}

/// Waits until no replica answers with what was before the latest change: until each has confirmed the change or its lease
/// has ended. The reply names those whose lease has ended. Whoever changes the registry sends it before the change is
/// acknowledged.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AwaitReplicas {}

/// A client, which keys sign, what scopes demand, and the governance, as the registry has them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AtSource {
    /// `None` if there is no such client.
    pub client: Option<Client>,
    /// The entry of the allow list for the document at `client_id`, if there is no such client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Entry>,
    /// The keys that sign, so that a retired key signs nothing more, whatever keys an isolate has cached.
    pub signing: Vec<Signing>,
    /// What the scopes demand of a sign-in, of those that demand something.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope_demands: BTreeMap<String, Demand>,
    /// `None` if the Worker has the governance already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governance: Option<Box<Governance>>,
    /// When the registry read all of it.
    pub at: Timestamp,
}
