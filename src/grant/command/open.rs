//! The command that stores a new grant.

use serde::{Deserialize, Serialize};

use crate::audit::policy_record::PolicyRecord;
use crate::grant::Grant;
use crate::network::Width;
use crate::row_key::RowKey;

/// Stores a new grant, unless its key is taken or the shard is full.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Open {
    pub key: RowKey,
    pub grant: Box<Grant>,
    pub caps: Caps,
    /// What policy decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
}

/// The most live codes that a shard may have.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Caps {
    /// Of one client in the narrowest prefix of a network. Wider prefixes may have more: see [`Width::factor`].
    pub client: u64,
    /// Of all clients and networks.
    pub shard: u64,
}

/// The result of [`Open`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Opened {
    /// The grant is stored, and the shard now has this many live codes.
    Live(u64),
    /// Another grant has this key, so the caller must draw another user code.
    Taken,
    /// The client has too many live codes within a prefix of the grant's network. There is room in this many seconds.
    ClientFull(Width, u64),
    /// The shard has too many live codes. The first of them ends in this many seconds.
    Full(u64),
    /// A prefix of the grant's network has too large a part of the shard's room. The first of its codes there
    /// ends in this many seconds.
    Crowded(Width, u64),
}
