//! How a client is used.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The most people of a client that are counted.
pub const MOST_PEOPLE: u32 = 1_000;

/// The logins of a client, as a row has them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClientUse {
    /// How many codes led to tokens.
    pub logins: u64,
    /// When the first one did.
    pub first_at: Timestamp,
    /// When the last one did.
    pub last_at: Timestamp,
}

/// A line of the report.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "as in `ClientUse`")]
pub struct Usage {
    pub client_id: String,
    pub logins: u64,
    /// How many accounts got tokens in the last 400 days; one more than [`MOST_PEOPLE`] stands for more.
    pub people: u32,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}
