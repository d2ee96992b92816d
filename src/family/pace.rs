//! How often a family may be refreshed, so that one client cannot make events and rows without bound.
//!
//! Each rotation takes [`SPACING`] of a budget that refills with time and holds [`BURST`] rotations. A client that
//! refreshes when its access token ends never meets the limit: no access token lives shorter than a minute. Nor does one
//! that repeats a refresh whose response was lost ([`RACE`](super::renewal::RACE)).

use core::time::Duration;

use crate::time::{Timestamp, ceil_seconds};

/// One rotation in this time, on average: 10 a minute.
pub const SPACING: Duration = Duration::from_secs(6);
/// The most rotations at once.
pub const BURST: u32 = 10;

/// Returns the seconds until a family may be refreshed, whose budget is full again at `full_at`; `None` if it may be
/// refreshed now.
#[must_use]
pub fn wait(full_at: Timestamp, now: Timestamp) -> Option<u64> {
    let over = full_at.since(now).checked_sub(SPACING * (BURST - 1))?;
    (!over.is_zero()).then(|| ceil_seconds(over))
}

/// Returns when the budget is full again after a rotation at `now`.
#[must_use]
pub fn after_rotation(full_at: Timestamp, now: Timestamp) -> Timestamp {
    full_at.max(now) + SPACING
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::ACCESS_TOKEN;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn ten_rotations_at_once_and_ten_a_minute_are_allowed() {
        let full_at = (0..BURST).fold(Timestamp::default(), |full_at, _| {
            assert_eq!(wait(full_at, START), None);
            after_rotation(full_at, START)
        });

        assert_eq!(wait(full_at, START), Some(6));
        assert_eq!(wait(full_at, START + Duration::from_millis(5_001)), Some(1));
        assert_eq!(wait(full_at, START + SPACING), None);
        assert_eq!(wait(full_at, START + Duration::from_secs(3_600)), None);
    }

    #[test]
    fn a_client_with_the_shortest_access_tokens_never_waits() {
        let every = Duration::from_secs(*ACCESS_TOKEN.start());
        let mut now = START;
        (0..1_000).fold(Timestamp::default(), |full_at, _| {
            now = now + every;
            assert_eq!(wait(full_at, now), None);
            after_rotation(full_at, now)
        });
    }
}
