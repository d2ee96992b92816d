//! Budgets: how often a wrong code or password may be tried, and how many codes may be live.
//!
//! An attempt is taken in the same step that checks the budget, before anything is looked up. A right attempt
//! is given back, but never resets the count.

pub mod budgets;
pub mod command;

use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ask::Answer;
use crate::format::Format;
use crate::time::{Timestamp, ceil_seconds};
use command::{Admit, Command, Expose, GiveBack, Release, Room, Rule, Take, UseOnce};

/// A row of a `LimiterShard`.
#[expect(missing_docs, reason = "the name of the other field says it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Row {
    pub format: Format<1>,
    /// Attempts that still count, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Timestamp>,
    /// Live codes by name, with the time when each ends.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, Timestamp>,
    /// Number of live codes by shard, and when it was seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shards: BTreeMap<String, (u64, Timestamp)>,
    /// When nothing in the row counts any more.
    pub ends_at: Timestamp,
}

impl Row {
    /// Applies one command at `now`.
    pub fn apply(&mut self, command: &Command, now: Timestamp) -> Answer {
        match command {
            Command::Take(ask) => Answer::to::<Take>(&self.take(ask.rule, now)),
            Command::GiveBack(ask) => {
                self.give_back(ask.at);
                Answer::to::<GiveBack>(&())
            }
            Command::Admit(ask) => Answer::to::<Admit>(&self.admit(&ask.id, ask.until, ask.cap, now)),
            Command::Release(ask) => {
                self.release(&ask.id);
                Answer::to::<Release>(&())
            }
            Command::UseOnce(ask) => Answer::to::<UseOnce>(&self.use_once(ask.until, now)),
            Command::Expose(ask) => Answer::to::<Expose>(&self.expose(ask, now)),
        }
    }

    fn take(&mut self, rule: Rule, now: Timestamp) -> Room {
        let window = Duration::from_secs(rule.window());
        self.attempts.retain(|at| now.since(*at) < window);
        let free_at = rule.free_at(&self.attempts);
        if now < free_at {
            return Room::Wait(ceil_seconds(free_at.since(now)).max(1));
        }
        self.attempts.push(now);
        self.ends_at = self.ends_at.max(now + window);
        Room::Taken(now)
    }

    fn admit(&mut self, id: &str, until: Timestamp, cap: u64, now: Timestamp) -> Room {
        self.codes.retain(|_, end| now < *end);
        if u64::try_from(self.codes.len()).unwrap_or(u64::MAX) >= cap {
            let first = self.codes.values().min().copied().unwrap_or(now);
            return Room::Wait(ceil_seconds(first.since(now)).max(1));
        }
        self.codes.insert(id.to_owned(), until);
        self.ends_at = self.ends_at.max(until);
        Room::Taken(now)
    }

    fn give_back(&mut self, at: Timestamp) {
        if let Some(position) = self.attempts.iter().position(|taken| *taken == at) {
            self.attempts.remove(position);
        }
    }

    fn release(&mut self, id: &str) {
        self.codes.remove(id);
    }

    fn use_once(&mut self, until: Timestamp, now: Timestamp) -> bool {
        // If `until` has passed, the Worker took the name for fresh because its clock is behind. The row
        // cannot remember such a name, so a second use would go unnoticed.
        if now < self.ends_at || until <= now {
            return false;
        }
        self.ends_at = until;
        true
    }

    fn expose(&mut self, ask: &Expose, now: Timestamp) -> bool {
        let window = Duration::from_secs(ask.window);
        let counts = |at: Timestamp| now.since(at) < window;
        // A command that adds nothing also changes nothing: it does not even remove entries that have ended.
        if ask.wrong > 0 || !ask.live.is_empty() {
            self.attempts.retain(|at| counts(*at));
            self.shards.retain(|_, (_, at)| counts(*at));
            self.attempts.extend((0..ask.wrong).map(|_| now));
            self.shards.extend(ask.live.iter().map(|(shard, live)| (shard.clone(), (*live, now))));
            self.ends_at = now + window;
        }
        let guesses = self.attempts.iter().filter(|at| counts(**at)).count();
        let targets: u64 = self.shards.values().filter(|(_, at)| counts(*at)).map(|(live, _)| live).sum();
        u64::try_from(guesses).unwrap_or(u64::MAX).saturating_mul(targets) > ask.allowed
    }
}

impl Rule {
    const fn window(self) -> u64 {
        match self {
            Self::Window { window, .. } | Self::Backoff { window, .. } => window,
        }
    }

    /// Returns when there is room for one more attempt. `attempts` are the attempts that still count, oldest
    /// first.
    fn free_at(self, attempts: &[Timestamp]) -> Timestamp {
        match self {
            Self::Window { limit, window } => {
                let over = attempts.len().checked_sub(limit);
                let oldest = over.and_then(|over| attempts.get(over));
                oldest.map_or(Timestamp::default(), |at| *at + Duration::from_secs(window))
            }
            Self::Backoff { free, longest, .. } => {
                let over = attempts.len().checked_sub(free).and_then(|over| u32::try_from(over).ok());
                let wait = over.map(|over| 1_u64.checked_shl(over).unwrap_or(longest).min(longest));
                match (wait, attempts.last()) {
                    (Some(wait), Some(last)) => *last + Duration::from_secs(wait),
                    (_, None) | (None, _) => Timestamp::default(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Rule = Rule::Window { limit: 2, window: 300 };
    const BACKOFF: Rule = Rule::Backoff { free: 1, longest: 4, window: 300 };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1_000)
    }

    fn take(row: &mut Row, rule: Rule, seconds: u64) -> Room {
        row.take(rule, at(seconds))
    }

    #[test]
    fn a_window_never_has_more_attempts_than_its_limit() {
        let mut row = Row::default();

        assert_eq!(take(&mut row, WINDOW, 0), Room::Taken(at(0)));
        assert_eq!(take(&mut row, WINDOW, 100), Room::Taken(at(100)));
        assert_eq!(take(&mut row, WINDOW, 200), Room::Wait(100), "until the first is 300 s old");
        assert_eq!(take(&mut row, WINDOW, 300), Room::Taken(at(300)));
        assert_eq!(take(&mut row, WINDOW, 301), Room::Wait(99));
    }

    #[test]
    fn a_refused_attempt_does_not_count() {
        let mut row = Row::default();
        take(&mut row, WINDOW, 0);
        take(&mut row, WINDOW, 0);

        (1..50).for_each(|second| assert!(matches!(take(&mut row, WINDOW, second), Room::Wait(_))));

        assert_eq!(take(&mut row, WINDOW, 300), Room::Taken(at(300)));
    }

    #[test]
    fn a_right_code_gives_back_its_own_attempt_and_no_other() {
        let mut row = Row::default();
        take(&mut row, WINDOW, 0);
        take(&mut row, WINDOW, 1);

        row.give_back(at(1));

        assert_eq!(take(&mut row, WINDOW, 2), Room::Taken(at(2)));
        assert!(matches!(take(&mut row, WINDOW, 3), Room::Wait(_)), "the first still counts");
    }

    #[test]
    fn waits_double_up_to_the_longest_and_never_lock() {
        let mut row = Row::default();
        let mut now = 0;
        for wait in [0, 1, 2, 4, 4, 4] {
            if wait > 0 {
                assert_eq!(take(&mut row, BACKOFF, now), Room::Wait(wait));
            }
            now += wait;
            assert_eq!(take(&mut row, BACKOFF, now), Room::Taken(at(now)));
        }
    }

    #[test]
    fn live_codes_are_counted_until_they_end_or_are_released() {
        let mut row = Row::default();
        let mut admit = |id: &str, seconds: u64| {
            let reply = row.admit(id, at(seconds + 300), 2, at(seconds));
            if id == "c" {
                row.release("b");
            }
            reply
        };

        assert_eq!(admit("a", 0), Room::Taken(at(0)));
        assert_eq!(admit("b", 10), Room::Taken(at(10)));
        assert_eq!(admit("c", 20), Room::Wait(280));
        assert_eq!(admit("d", 20), Room::Taken(at(20)), "b was released");
        assert_eq!(admit("e", 300), Room::Taken(at(300)), "a has ended");
    }

    #[test]
    fn a_name_that_may_be_used_once_is_taken_once() {
        let mut row = Row::default();
        let mut once = |until, seconds| row.use_once(at(until), at(seconds));

        assert!(once(60, 0));
        assert!(!once(60, 1));
        assert!(!once(60, 60), "too late to remember that it was used");
        assert!(once(120, 60), "the first use is forgotten");
    }

    #[test]
    fn guesses_times_live_codes_decide_whether_guessing_is_too_easy() {
        let mut row = Row::default();
        let mut expose = |shard: &str, live, wrong, seconds| {
            let (key, live) = (String::new(), BTreeMap::from([(shard.to_owned(), live)]));
            row.expose(&Expose { key, live, wrong, window: 300, allowed: 5 }, at(seconds))
        };

        assert!(!expose("weur/0", 2, 0, 0), "no guesses");
        assert!(!expose("weur/1", 3, 1, 1), "one guess at five codes");
        assert!(expose("weur/1", 3, 1, 2), "two guesses at five codes");
        assert!(!expose("weur/1", 3, 0, 400), "the guesses are forgotten");
    }

    #[test]
    fn guesses_count_where_no_live_codes_are_reported_with_them() {
        let mut row = Row::default();
        let mut expose = |live: &[(&str, u64)], wrong, seconds| {
            let live = live.iter().map(|(shard, live)| ((*shard).to_owned(), *live)).collect();
            row.expose(&Expose { key: String::new(), live, wrong, window: 300, allowed: 5 }, at(seconds))
        };
        assert!(!expose(&[("weur/0", 3)], 0, 0), "no guesses");
        assert!(!expose(&[], 1, 1), "one guess at three codes");
        assert!(expose(&[], 1, 2), "two guesses at three codes");
    }
}
