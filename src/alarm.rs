//! When an object's alarm rings next: to remove rows that have ended, and to ship events.

use core::time::Duration;

use crate::time::Timestamp;

/// Alarms ring on the minute, so at most once in one: each costs a request and a write.
const MINUTE: u64 = 60_000;
/// Events wait so long to be shipped, and then for the minute to be full.
const SHIPPING: Duration = Duration::from_secs(60);
/// Rows or events handled in one go.
pub const BATCH: u32 = 200;
/// How many goes an alarm has; what is left waits for the next.
pub const BATCHES: u32 = 25;

/// What there is to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// When the first row ends.
    pub first_end: Option<Timestamp>,
    /// Whether events wait to be shipped.
    pub events: bool,
}

/// When the alarm should ring, if `now` is the time; `None` if there is nothing to do.
#[must_use]
pub fn next_alarm(work: Work, now: Timestamp) -> Option<Timestamp> {
    let shipping = work.events.then_some(now + SHIPPING);
    let due = [work.first_end, shipping].into_iter().flatten().min()?;
    // Later than `now`, or an alarm that has just rung would ring again.
    let due = due.max(now + Duration::from_millis(1));
    Some(Timestamp::from_millis(due.millis().div_ceil(MINUTE) * MINUTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn nothing_to_do_means_no_alarm() {
        assert_eq!(next_alarm(Work::default(), at(0)), None);
    }

    #[test]
    fn a_row_is_removed_within_a_minute_of_its_end() {
        let work = Work { first_end: Some(at(70)), events: false };

        assert_eq!(next_alarm(work, at(0)), Some(at(120)));
        assert_eq!(next_alarm(work, at(120)), Some(at(180)), "not twice in a minute");
    }

    #[test]
    fn events_do_not_wait_for_a_row_to_end() {
        let work = Work { first_end: Some(at(360)), events: true };

        assert_eq!(next_alarm(work, at(30)), Some(at(120)));
    }
}
