//! How often a device may poll (RFC 8628 §3.5).

use core::time::Duration;

use crate::time::Timestamp;

/// RFC 8628 §3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests".
pub const STEP_SECONDS: u64 = 5;
/// The interval does not grow beyond this, so that a client that starts to obey recovers within a minute. The
/// step is shorter than [`STEP_SECONDS`] when it reaches this limit, which the RFC does not provide for.
pub const CAP_SECONDS: u64 = 60;
/// A poll that comes this much too early is still on time. Delays in the network differ, so a poll can arrive
/// early although the client waited exactly `interval`.
pub const LEEWAY: Duration = Duration::from_secs(1);

/// Whether a poll of a pending grant was on time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// `authorization_pending`.
    OnTime,
    /// `slow_down`, with the new interval in seconds.
    TooSoon(u64),
}

/// Judges a poll at `now`, given the time of the previous poll that authenticated in the same way, and the
/// required interval in seconds, which is one for both ways.
///
/// The first poll is always on time. `last` is the previous poll whatever its answer was, so a client that
/// obeys the new interval once is on time again.
#[must_use]
pub fn judge(last: Option<Timestamp>, interval: u64, now: Timestamp) -> Verdict {
    let required = Duration::from_secs(interval).saturating_sub(LEEWAY);
    match last {
        Some(last) if now.since(last) < required => {
            Verdict::TooSoon((interval + STEP_SECONDS).min(CAP_SECONDS.max(interval)))
        }
        Some(_) | None => Verdict::OnTime,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn the_first_poll_is_on_time() {
        assert_eq!(judge(None, 5, at(0)), Verdict::OnTime);
    }

    #[test]
    fn a_second_of_jitter_is_forgiven_and_no_more() {
        assert_eq!(judge(Some(at(0)), 5, at(4_000)), Verdict::OnTime);
        assert_eq!(judge(Some(at(0)), 5, at(3_999)), Verdict::TooSoon(10));
    }

    #[test]
    fn the_interval_grows_to_the_cap_and_stays() {
        assert_eq!(judge(Some(at(0)), 58, at(0)), Verdict::TooSoon(60));
        assert_eq!(judge(Some(at(0)), 60, at(0)), Verdict::TooSoon(60));
    }
}
