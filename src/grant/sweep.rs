//! When a shard's alarm rings next: to remove rows that have ended, and to ship events.

use core::time::Duration;

use crate::time::Timestamp;

/// At most one sweep in this time.
pub const PAUSE: Duration = Duration::from_secs(60);
/// Rows or events handled in one go.
pub const BATCH: u32 = 200;

/// What there is to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// When the first row ends.
    pub first_end: Option<Timestamp>,
    /// Whether events wait to be shipped.
    pub events: bool,
}

/// When the alarm should ring, if `now` is the time and `last` that of the sweep before.
#[must_use]
pub fn next_alarm(work: Work, last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let shipping = work.events.then_some(now + PAUSE);
    let due = [work.first_end, shipping].into_iter().flatten().min()?;
    let earliest = last.map_or(now, |last| last + PAUSE);
    Some(due.max(earliest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn nothing_to_do_means_no_alarm() {
        assert_eq!(next_alarm(Work::default(), None, at(0)), None);
    }

    #[test]
    fn the_first_end_is_met_to_the_second_unless_a_sweep_just_ran() {
        let work = Work { first_end: Some(at(10)), events: true };

        assert_eq!(next_alarm(work, None, at(0)), Some(at(10)));
        assert_eq!(next_alarm(work, Some(at(0)), at(0)), Some(at(60)));
    }

    #[test]
    fn events_wait_no_longer_than_a_minute() {
        let work = Work { first_end: Some(at(360)), events: true };

        assert_eq!(next_alarm(work, None, at(0)), Some(at(60)));
        assert_eq!(next_alarm(work, Some(at(0)), at(30)), Some(at(90)));
    }
}
