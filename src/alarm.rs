//! When the alarm of a Durable Object is due. The alarm deletes rows that have ended, and ships events.

use core::time::Duration;

use crate::time::Timestamp;

/// Milliseconds in a minute. Most alarms ring on the full minute, and so at most once a minute, because each costs a
/// request and a write.
const MINUTE: u64 = 60_000;
/// Events wait this long, and then until the next full minute, before they are shipped.
const SHIPPING: Duration = Duration::from_secs(60);
/// The most rows that an alarm reads at once.
pub const BATCH: u32 = 200;
/// The most batches that an alarm deletes. The rest waits for the next alarm, so that requests are answered in between.
pub const BATCHES: u32 = 25;

/// When the events of an object should be shipped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shipping {
    /// In a minute or two, together with those that follow.
    Soon,
    /// At once: an alarm has shipped all that it may, and more are waiting.
    AtOnce,
    /// On the first full minute after this instant, because their ledger refused them or did not answer.
    After(Timestamp),
}

/// The work that an alarm has to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// When the first row ends; `None` if there are no rows.
    pub first_end: Option<Timestamp>,
    /// Whether an alarm has just deleted as many rows as it may, and others that have ended are left.
    pub is_behind: bool,
    /// `None` if no events are waiting.
    pub events: Option<Shipping>,
    /// When the first delivery to the webhook is due; `None` if none waits. A warning does not wait for a full minute.
    pub first_delivery: Option<Timestamp>,
}

/// Returns when the alarm is due, mostly a full minute after `now`; `None` if there is nothing to do.
#[must_use]
pub fn next_alarm(work: Work, now: Timestamp) -> Option<Timestamp> {
    // The result must be later than `now`: an alarm that rang on this minute must not ring again at once.
    let next = now + Duration::from_millis(1);
    let on_the_minute =
        |due: Timestamp| Timestamp::from_millis(due.max(next).millis().div_ceil(MINUTE) * MINUTE);
    let shipping = work.events.map(|events| match events {
        Shipping::Soon => on_the_minute(now + SHIPPING),
        Shipping::AtOnce => next,
        Shipping::After(at) => on_the_minute(at),
    });
    let sweep = if work.is_behind { Some(next) } else { work.first_end.map(on_the_minute) };
    let delivery = work.first_delivery.map(|due| due.max(next));
    [sweep, shipping, delivery].into_iter().flatten().min()
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
        let work = Work { first_end: Some(at(70)), events: None, ..Work::default() };

        assert_eq!(next_alarm(work, at(0)), Some(at(120)));
        assert_eq!(next_alarm(work, at(120)), Some(at(180)), "not twice in a minute");
    }

    #[test]
    fn an_alarm_that_leaves_ended_rows_rings_again_at_once() {
        let work = Work { first_end: Some(at(70)), is_behind: true, ..Work::default() };

        assert_eq!(next_alarm(work, at(120)), Some(at(120) + Duration::from_millis(1)));
    }

    #[test]
    fn a_delivery_does_not_wait_for_the_minute() {
        let due = |first_delivery| next_alarm(Work { first_delivery, ..Work::default() }, at(30));

        assert_eq!(due(Some(at(35))), Some(at(35)));
        assert_eq!(due(Some(at(20))), Some(at(30) + Duration::from_millis(1)), "but never at once again");
        assert_eq!(due(None), None);
    }

    #[test]
    fn events_do_not_wait_for_a_row_to_end() {
        let due = |events| {
            next_alarm(Work { first_end: Some(at(3_600)), events: Some(events), ..Work::default() }, at(30))
        };

        assert_eq!(due(Shipping::Soon), Some(at(120)));
        assert_eq!(due(Shipping::AtOnce), Some(at(30) + Duration::from_millis(1)));
        assert_eq!(due(Shipping::After(at(130))), Some(at(180)));
        assert_eq!(due(Shipping::After(at(7_200))), Some(at(3_600)), "the row ends before that");
    }
}
