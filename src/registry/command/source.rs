//! Reads at the source, for Workers whose snapshot is missing or too old.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::format::is_false;
use crate::identity::demand::Demand;
use crate::policy::governance::Governance;
use crate::registry::key_schedule::Signing;
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
}

/// A client, which keys sign, what scopes demand, and the governance, as the registry has them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AtSource {
    /// `None` if there is no such client.
    pub client: Option<Client>,
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
