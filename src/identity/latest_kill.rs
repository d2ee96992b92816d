//! The latest kill switch that a shard of accounts has heard of.
//!
//! A Worker judges by the governance that it knows, which may be some seconds old. The shard names the latest kill switch
//! in answers that the Worker needs anyway, so a Worker that does not know it yet asks the registry, once.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::time::Timestamp;

/// Governance that was read this long after a kill switch has it, whatever its revision: the clocks of a replica and of the
/// registry differ by less. A registry that was put back to an earlier state counts its revisions from there.
const MARGIN: Duration = Duration::from_secs(60);

/// The latest kill switch, as its row stores it.
#[expect(missing_docs, reason = "the name of the other field says it all")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LatestKill {
    pub format: Format<1>,
    /// The first revision of the governance that has it.
    pub revision: u64,
    /// When it was set, by the registry's clock.
    pub at: Timestamp,
}

/// A copy of the governance.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Edition {
    /// Counts the changes of the governance.
    pub revision: u64,
    /// When the registry read it, by the registry's clock.
    pub read_at: Timestamp,
}

impl LatestKill {
    /// Returns whether a copy of the governance has the kill switch.
    #[must_use]
    pub fn is_in(&self, edition: Edition) -> bool {
        self.revision <= edition.revision || self.at + MARGIN <= edition.read_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_kill_switch_if_it_is_as_new_or_was_read_much_later() {
        let at = Timestamp::from_millis(1_000_000);
        let kill = LatestKill { format: Format, revision: 7, at };
        let is_in = |revision, read_at| kill.is_in(Edition { revision, read_at });

        assert!(is_in(7, at) && is_in(8, at.before(MARGIN)));
        assert!(!is_in(6, at) && !is_in(6, at + MARGIN.saturating_sub(Duration::from_millis(1))));
        assert!(is_in(3, at + MARGIN), "the registry counts again");
    }
}
