//! Which WebSockets end, without looking at all of them: the runtime finds those with a tag, and each has the minute and the
//! second in which it ends as tags.

use core::time::Duration;

use super::Note;
use crate::bounds::CODE_LIFETIME;
use crate::time::Timestamp;

const MINUTE: u64 = 60;
/// How many minutes an alarm may be late, such as after a failure. A WebSocket that ended longer ago stays until its device goes
/// away; the device polls all the same.
const LATE: u64 = 10;
/// How many minutes ahead a WebSocket can end: as many as the longest code lives, which may begin and end within a minute.
const AHEAD: u64 = *CODE_LIFETIME.end() / MINUTE + 1;

/// Returns the tags under which a WebSocket is found when it ends.
#[must_use]
pub fn tags(note: &Note) -> [String; 2] {
    let second = note.alarm().seconds();
    [of_minute(second / MINUTE), of_second(second)]
}

fn of_minute(minute: u64) -> String {
    format!("m{minute}")
}

fn of_second(second: u64) -> String {
    format!("s{second}")
}

/// When the next WebSocket ends, as far as an object knows. One that has just been made, such as after it hibernated, knows
/// nothing; then a few dozen tags are looked up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    next: Option<Next>,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    At(Timestamp),
    Never,
}

impl Ends {
    /// Notes a new WebSocket.
    pub fn note(&mut self, note: &Note) {
        self.next = self.next.map(|next| match next {
            Next::At(first) => Next::At(first.min(note.alarm())),
            Next::Never => Next::At(note.alarm()),
        });
    }

    /// Returns the WebSockets that have ended at `now`, and when the alarm must ring for the others. `tagged` returns the open
    /// ones with a tag.
    pub fn due<T>(&mut self, now: Timestamp, tagged: impl Fn(&str) -> Vec<T>) -> (Vec<T>, Option<Timestamp>) {
        match self.next {
            Some(Next::Never) => return (Vec::new(), None),
            Some(Next::At(first)) if now < first => return (Vec::new(), Some(first)),
            Some(Next::At(_)) | None => {}
        }
        let next = first_after(now.seconds(), |tag| !tagged(tag).is_empty());
        self.next = Some(next.map_or(Next::Never, Next::At));
        (ended(now.seconds(), tagged), next)
    }
}

/// Returns the WebSockets whose second is over or has begun.
fn ended<T>(now: u64, tagged: impl Fn(&str) -> Vec<T>) -> Vec<T> {
    let minute = now / MINUTE;
    let minutes = (minute.saturating_sub(LATE)..minute).map(of_minute);
    let seconds = (minute * MINUTE..=now).map(of_second);
    minutes.chain(seconds).flat_map(|tag| tagged(&tag)).collect()
}

/// Returns the first second after `now` in which a WebSocket ends.
fn first_after(now: u64, is_there: impl Fn(&str) -> bool) -> Option<Timestamp> {
    let end_of_minute = (now / MINUTE + 1) * MINUTE;
    let in_seconds = |from: u64, to: u64| (from..to).find(|second| is_there(&of_second(*second)));
    let first = in_seconds(now + 1, end_of_minute).or_else(|| {
        let mut minutes = end_of_minute / MINUTE..=now / MINUTE + AHEAD;
        let minute = minutes.find(|minute| is_there(&of_minute(*minute)))?;
        in_seconds(minute * MINUTE, (minute + 1) * MINUTE)
    });
    first.map(|second| Timestamp::from_millis(0) + Duration::from_secs(second))
}

#[cfg(test)]
mod tests {
    use core::cell::{Cell, RefCell};

    use super::*;

    /// WebSockets by their ends in milliseconds, as the runtime keeps them.
    #[derive(Default)]
    struct Open {
        ends: RefCell<Vec<u64>>,
        lookups: Cell<usize>,
        seen: Cell<usize>,
    }

    const fn note(ends_at: u64) -> Note {
        Note { opened_at: Timestamp::from_millis(0), ends_at: Timestamp::from_millis(ends_at) }
    }

    impl Open {
        fn of(ends: &[u64]) -> Self {
            Self { ends: RefCell::new(ends.to_vec()), ..Self::default() }
        }

        fn tagged(&self, tag: &str) -> Vec<u64> {
            let ends = self.ends.borrow();
            let found: Vec<u64> =
                ends.iter().copied().filter(|end| tags(&note(*end)).iter().any(|own| own == tag)).collect();
            self.lookups.set(self.lookups.get() + 1);
            self.seen.set(self.seen.get() + found.len());
            found
        }

        /// Ends those that are due. Returns them, and when the alarm rings next, in milliseconds.
        fn ring(&self, ends: &mut Ends, now: u64) -> (Vec<u64>, Option<u64>) {
            let (due, next) = ends.due(Timestamp::from_millis(now), |tag| self.tagged(tag));
            self.ends.borrow_mut().retain(|end| !due.contains(end));
            (due, next.map(Timestamp::millis))
        }
    }

    #[test]
    fn each_ends_at_its_alarm_and_never_before_its_code() {
        let all: Vec<u64> = (0..400).map(|number| 1_000_000_000 + number * 4_321).collect();
        let (open, mut ends, mut gone) = (Open::of(&all), Ends::default(), Vec::new());
        let mut ringing = Some(999_999_000);
        while let Some(at) = ringing {
            let (due, next) = open.ring(&mut ends, at);
            assert!(due.iter().all(|end| note(*end).alarm().millis() == at), "{at}: {due:?}");
            gone.extend(due);
            ringing = next;
        }

        gone.sort_unstable();
        assert_eq!(gone, all);
    }

    #[test]
    fn an_alarm_sees_those_that_end_and_those_that_are_next_and_no_others() {
        // Ten end in each second of half an hour.
        let all: Vec<u64> = (0..18_000).map(|number| 3_600_000 + number * 100).collect();
        let open = Open::of(&all);
        let mut ends = Ends::default();
        open.ring(&mut ends, 3_600_000);
        open.seen.set(0);
        open.lookups.set(0);

        let (due, next) = open.ring(&mut ends, 3_601_000);

        assert_eq!((due.len(), next), (10, Some(3_602_000)));
        assert!(open.seen.get() <= 20, "{}", open.seen.get());
        assert!(open.lookups.get() <= 20, "{}", open.lookups.get());
        assert_eq!(open.ring(&mut ends, 3_601_500), (vec![], Some(3_602_000)), "an alarm for something else");
        assert!(open.lookups.get() <= 20, "which asks for nothing");
    }

    #[test]
    fn an_object_that_has_just_been_made_finds_the_next_end_in_a_few_lookups() {
        let open = Open::of(&[3_600_000 + 1_799_500]);

        assert_eq!(open.ring(&mut Ends::default(), 3_600_000), (vec![], Some(5_400_000)));
        assert!(open.lookups.get() <= 200, "{}", open.lookups.get());
        assert_eq!(Open::of(&[]).ring(&mut Ends::default(), 3_600_000), (vec![], None));
    }

    #[test]
    fn a_late_alarm_ends_what_ended_meanwhile() {
        let open = Open::of(&[3_600_001, 3_700_000, 4_100_000, 4_199_500, 4_200_500]);

        let (due, next) = open.ring(&mut Ends::default(), 4_200_000);

        assert_eq!((due, next), (vec![3_600_001, 3_700_000, 4_100_000, 4_199_500], Some(4_201_000)));
    }

    #[test]
    fn a_new_one_that_ends_first_is_known_at_once() {
        let open = Open::of(&[]);
        let mut ends = Ends::default();
        assert_eq!(open.ring(&mut ends, 3_600_000).1, None);

        for (end, first) in [(3_700_000, 3_700_000), (3_650_000, 3_650_000), (3_660_000, 3_650_000)] {
            open.ends.borrow_mut().push(end);
            ends.note(&note(end));
            assert_eq!(open.ring(&mut ends, 3_600_000).1, Some(first), "{end}");
        }
    }
}
