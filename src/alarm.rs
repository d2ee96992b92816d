//! When the alarm of a Durable Object is due. The alarm deletes rows that have ended, and ships events.

use core::time::Duration;

use crate::time::Timestamp;

/// Milliseconds in a minute. Alarms ring on the full minute, and so at most once a minute, because each costs
/// a request and a write.
const MINUTE: u64 = 60_000;
/// Events wait this long, and then until the next full minute, before they are shipped.
const SHIPPING: Duration = Duration::from_secs(60);
/// The most rows or events in a batch.
pub const BATCH: u32 = 200;
/// The most batches in one alarm. The rest waits for the next alarm.
pub const BATCHES: u32 = 25;

/// The work that an alarm has to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// When the first row ends; `None` if there are no rows.
    pub first_end: Option<Timestamp>,
    /// Whether events are waiting to be shipped.
    pub events: bool,
}

/// Returns the full minute after `now` at which the alarm is due; `None` if there is nothing to do.
#[must_use]
pub fn next_alarm(work: Work, now: Timestamp) -> Option<Timestamp> {
    let shipping = work.events.then_some(now + SHIPPING);
    let due = [work.first_end, shipping].into_iter().flatten().min()?;
    // The result must be later than `now`: an alarm that rang on this minute must not ring again at once.
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
