//! The record that counts live codes.

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::tally::Tally;
use crate::time::Timestamp;

/// The record that counts live codes by their ends.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct LiveCodes {
    /// The format of the record.
    pub format: Format<1>,
    /// All codes of the network or of the shard. Parts of a network are its narrower prefixes, and every prefix together with
    /// a client.
    pub codes: Tally,
}

impl LiveCodes {
    /// Forgets the codes that have expired.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.codes.forget(now);
        self
    }

    /// Returns when the last code expires; `None` if there are none.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.codes.last(None)
    }
}
