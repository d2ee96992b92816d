//! Budgets: how often a wrong code or password may be tried, and how many codes may be live.
//!
//! An attempt is taken in the statement that checks the budget, before anything is looked up; a right one
//! is given back, and never resets the count.

pub mod budgets;

use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::time::{Timestamp, ceil_seconds};

/// Asks a `LimiterShard` for something. `key` names the row.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Takes one attempt.
    Take {
        /// Which row.
        key: String,
        /// By which rule.
        rule: Rule,
    },
    /// Gives one attempt back.
    GiveBack {
        /// Which row.
        key: String,
        /// When it was taken.
        at: Timestamp,
    },
    /// Counts a live code, unless there are `cap` already.
    Admit {
        /// Which row.
        key: String,
        /// Names the code here.
        id: String,
        /// When it ends by itself.
        until: Timestamp,
        /// Most live codes.
        cap: u64,
    },
    /// Counts it no longer.
    Release {
        /// Which row.
        key: String,
        /// The name it was admitted under.
        id: String,
    },
    /// Takes a name that may be used once, such as a `jti`: `Wait` if it was taken before.
    Once {
        /// Which row: the name itself, or its digest.
        key: String,
        /// It is remembered so long.
        until: Timestamp,
    },
    /// Notes what shards saw, and tells whether guessing has become too easy.
    Expose {
        /// Which row.
        key: String,
        /// How many codes are live, by shard, as far as it was noticed lately.
        live: BTreeMap<String, u64>,
        /// How many wrong codes were just entered.
        wrong: u64,
        /// For how long these count, in seconds: a code's lifetime.
        window: u64,
        /// Wrong entries times live codes up to this are within the target.
        allowed: u64,
    },
}

impl Command {
    /// The row it concerns.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Take { key, .. }
            | Self::GiveBack { key, .. }
            | Self::Admit { key, .. }
            | Self::Release { key, .. }
            | Self::Once { key, .. }
            | Self::Expose { key, .. } => key,
        }
    }
}

/// How attempts are limited.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// So many in any `window` seconds, then a wait until the oldest of them is that old.
    Window {
        /// How many.
        limit: usize,
        /// In how many seconds.
        window: u64,
    },
    /// `free` at once, then waits of 1, 2, 4 … `longest` seconds: slowed, never locked.
    Backoff {
        /// How many.
        free: usize,
        /// The longest wait, in seconds.
        longest: u64,
        /// For how long an attempt counts, in seconds.
        window: u64,
    },
}

/// What a limiter answers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The attempt, or the live code, is counted as of this instant.
    Taken(Timestamp),
    /// Too many; in so many seconds there is room.
    Wait(u64),
    /// Nothing more to say.
    Done,
    /// To `Expose`: whether new codes should be longer.
    Strained(bool),
}

/// A row.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Row {
    /// Of this record.
    pub format: Format<1>,
    /// Attempts that still count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Timestamp>,
    /// Live codes, by name, with their ends.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, Timestamp>,
    /// Live codes by shard, as last seen, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shards: BTreeMap<String, (u64, Timestamp)>,
    /// When nothing in it counts any more.
    pub ends_at: Timestamp,
}

impl Row {
    /// Answers one command at `now`.
    pub fn apply(&mut self, command: &Command, now: Timestamp) -> Reply {
        match command {
            Command::Take { rule, .. } => self.take(*rule, now),
            Command::GiveBack { at, .. } => {
                if let Some(position) = self.attempts.iter().position(|taken| taken == at) {
                    self.attempts.remove(position);
                }
                Reply::Done
            }
            Command::Admit { id, until, cap, .. } => self.admit(id, *until, *cap, now),
            Command::Release { id, .. } => {
                self.codes.remove(id);
                Reply::Done
            }
            Command::Once { until, .. } => self.once(*until, now),
            Command::Expose { live, wrong, window, allowed, .. } => {
                self.expose(live, *wrong, Duration::from_secs(*window), *allowed, now)
            }
        }
    }

    fn take(&mut self, rule: Rule, now: Timestamp) -> Reply {
        let window = Duration::from_secs(rule.window());
        self.attempts.retain(|at| now.since(*at) < window);
        let free_at = rule.free_at(&self.attempts);
        if now < free_at {
            return Reply::Wait(ceil_seconds(free_at.since(now)).max(1));
        }
        self.attempts.push(now);
        self.ends_at = self.ends_at.max(now + window);
        Reply::Taken(now)
    }

    fn admit(&mut self, id: &str, until: Timestamp, cap: u64, now: Timestamp) -> Reply {
        self.codes.retain(|_, end| now < *end);
        if u64::try_from(self.codes.len()).unwrap_or(u64::MAX) >= cap {
            let first = self.codes.values().min().copied().unwrap_or(now);
            return Reply::Wait(ceil_seconds(first.since(now)).max(1));
        }
        self.codes.insert(id.to_owned(), until);
        self.ends_at = self.ends_at.max(until);
        Reply::Taken(now)
    }

    fn once(&mut self, until: Timestamp, now: Timestamp) -> Reply {
        // What ends by now was judged fresh by an earlier clock: remembering it would remember nothing.
        if now < self.ends_at || until <= now {
            return Reply::Wait(ceil_seconds(self.ends_at.max(until).since(now)).max(1));
        }
        self.ends_at = until;
        Reply::Taken(now)
    }

    fn expose(
        &mut self,
        live: &BTreeMap<String, u64>,
        wrong: u64,
        window: Duration,
        allowed: u64,
        now: Timestamp,
    ) -> Reply {
        let counts = |at: Timestamp| now.since(at) < window;
        // Whoever only asks changes nothing, not even what has ended.
        if wrong > 0 || !live.is_empty() {
            self.attempts.retain(|at| counts(*at));
            self.shards.retain(|_, (_, at)| counts(*at));
            self.attempts.extend((0..wrong).map(|_| now));
            self.shards.extend(live.iter().map(|(shard, live)| (shard.clone(), (*live, now))));
            self.ends_at = now + window;
        }
        let guesses = self.attempts.iter().filter(|at| counts(**at)).count();
        let targets: u64 = self.shards.values().filter(|(_, at)| counts(*at)).map(|(live, _)| live).sum();
        Reply::Strained(u64::try_from(guesses).unwrap_or(u64::MAX).saturating_mul(targets) > allowed)
    }
}

impl Rule {
    const fn window(self) -> u64 {
        match self {
            Self::Window { window, .. } | Self::Backoff { window, .. } => window,
        }
    }

    /// From when on there is room for one more; `attempts` are those that count, oldest first.
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

    fn take(row: &mut Row, rule: Rule, seconds: u64) -> Reply {
        row.apply(&Command::Take { key: String::new(), rule }, at(seconds))
    }

    #[test]
    fn a_budget_is_so_many_in_any_window() {
        let mut row = Row::default();

        assert_eq!(take(&mut row, WINDOW, 0), Reply::Taken(at(0)));
        assert_eq!(take(&mut row, WINDOW, 100), Reply::Taken(at(100)));
        assert_eq!(take(&mut row, WINDOW, 200), Reply::Wait(100), "until the first is 300 s old");
        assert_eq!(take(&mut row, WINDOW, 300), Reply::Taken(at(300)));
        assert_eq!(take(&mut row, WINDOW, 301), Reply::Wait(99));
    }

    #[test]
    fn a_refused_attempt_does_not_count() {
        let mut row = Row::default();
        take(&mut row, WINDOW, 0);
        take(&mut row, WINDOW, 0);

        (1..50).for_each(|second| assert!(matches!(take(&mut row, WINDOW, second), Reply::Wait(_))));

        assert_eq!(take(&mut row, WINDOW, 300), Reply::Taken(at(300)));
    }

    #[test]
    fn a_right_code_gives_back_its_own_attempt_and_no_other() {
        let mut row = Row::default();
        take(&mut row, WINDOW, 0);
        take(&mut row, WINDOW, 1);

        row.apply(&Command::GiveBack { key: String::new(), at: at(1) }, at(1));

        assert_eq!(take(&mut row, WINDOW, 2), Reply::Taken(at(2)));
        assert!(matches!(take(&mut row, WINDOW, 3), Reply::Wait(_)), "the first still counts");
    }

    #[test]
    fn waits_double_up_to_the_longest_and_never_lock() {
        let mut row = Row::default();
        let mut now = 0;
        for wait in [0, 1, 2, 4, 4, 4] {
            if wait > 0 {
                assert_eq!(take(&mut row, BACKOFF, now), Reply::Wait(wait));
            }
            now += wait;
            assert_eq!(take(&mut row, BACKOFF, now), Reply::Taken(at(now)));
        }
    }

    #[test]
    fn live_codes_are_counted_until_they_end_or_are_released() {
        let mut row = Row::default();
        let mut admit = |id: &str, seconds: u64| {
            let command =
                Command::Admit { key: String::new(), id: id.to_owned(), until: at(seconds + 300), cap: 2 };
            let reply = row.apply(&command, at(seconds));
            if id == "c" {
                row.apply(&Command::Release { key: String::new(), id: "b".to_owned() }, at(seconds));
            }
            reply
        };

        assert_eq!(admit("a", 0), Reply::Taken(at(0)));
        assert_eq!(admit("b", 10), Reply::Taken(at(10)));
        assert_eq!(admit("c", 20), Reply::Wait(280));
        assert_eq!(admit("d", 20), Reply::Taken(at(20)), "b was released");
        assert_eq!(admit("e", 300), Reply::Taken(at(300)), "a has ended");
    }

    #[test]
    fn a_name_that_may_be_used_once_is_taken_once() {
        let mut row = Row::default();
        let mut once =
            |until, seconds| row.apply(&Command::Once { key: String::new(), until: at(until) }, at(seconds));

        assert_eq!(once(60, 0), Reply::Taken(at(0)));
        assert_eq!(once(60, 1), Reply::Wait(59));
        assert!(matches!(once(60, 60), Reply::Wait(_)), "too late to remember that it was used");
        assert_eq!(once(120, 60), Reply::Taken(at(60)), "the one before is forgotten");
    }

    #[test]
    fn guesses_times_targets_decide_whether_codes_grow() {
        let mut row = Row::default();
        let mut expose = |shard: &str, live, wrong, seconds| {
            let (key, live) = (String::new(), BTreeMap::from([(shard.to_owned(), live)]));
            row.apply(&Command::Expose { key, live, wrong, window: 300, allowed: 5 }, at(seconds))
        };

        assert_eq!(expose("weur/0", 2, 0, 0), Reply::Strained(false), "no guesses");
        assert_eq!(expose("weur/1", 3, 1, 1), Reply::Strained(false), "one guess at five codes");
        assert_eq!(expose("weur/1", 3, 1, 2), Reply::Strained(true), "two guesses at five codes");
        assert_eq!(expose("weur/1", 3, 0, 400), Reply::Strained(false), "the guesses are forgotten");
    }
}
