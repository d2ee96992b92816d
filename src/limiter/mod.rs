//! Budgets: how often a wrong code or password may be tried, and how many codes may be live.
//!
//! An attempt is taken in the same step that checks the budget, before anything is looked up. A right attempt
//! is given back, but never resets the count.
//!
//! A row that counts a network belongs to the widest prefix of that network. It keeps the whole network of each
//! item, so one row counts every prefix, and one command takes from all of them or from none.

pub mod budgets;
pub mod command;

use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ask::Answer;
use crate::format::Format;
use crate::network::{Network, Prefix, Width};
use crate::time::{Timestamp, ceil_seconds};
use command::{Admit, Command, Expose, Full, GiveBack, Release, Room, Rule, Take, UseOnce};

/// The most live codes in a row, whatever its cap, so that the row stays far below the 2 MB that a Durable
/// Object stores in one.
const MOST_CODES: u64 = 10_000;

/// Code entries that are reported within this time are counted as one item, so that the row stays small.
const TOGETHER: Duration = Duration::from_secs(10);
/// One wrong entry to this many right ones is what honest people produce at most. See
/// `docs/decisions/0009-codes-grow-under-guessing.md`.
const HONEST: u64 = 4;

/// A row of a `LimiterShard`.
#[expect(missing_docs, reason = "the name of the other field says it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Row {
    pub format: Format<1>,
    /// Attempts that still count, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Live codes by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, LiveCode>,
    /// Code entries of the whole server, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entries>,
    /// Number of live codes by shard, and when it was seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shards: BTreeMap<String, (u64, Timestamp)>,
    /// When nothing in the row counts any more.
    pub ends_at: Timestamp,
}

/// An attempt that counts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Attempt {
    /// When it was taken.
    pub at: Timestamp,
    /// Where it came from, if the row counts a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// Code entries within [`TOGETHER`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entries {
    /// When the first of them was reported.
    pub at: Timestamp,
    /// Number of wrong codes.
    pub wrong: u64,
    /// Number of right codes.
    pub right: u64,
}

/// A live code that counts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LiveCode {
    /// When the code ends.
    pub until: Timestamp,
    /// Where it was started.
    pub network: Network,
}

impl Row {
    /// Applies one command at `now`.
    pub fn apply(&mut self, command: &Command, now: Timestamp) -> Answer {
        match command {
            Command::Take(ask) => Answer::to::<Take>(&self.take(ask, now)),
            Command::GiveBack(ask) => {
                self.give_back(ask);
                Answer::to::<GiveBack>(&())
            }
            Command::Admit(ask) => Answer::to::<Admit>(&self.admit(ask, now)),
            Command::Release(ask) => {
                self.release(&ask.id);
                Answer::to::<Release>(&())
            }
            Command::UseOnce(ask) => Answer::to::<UseOnce>(&self.use_once(ask.until, now)),
            Command::Expose(ask) => Answer::to::<Expose>(&self.expose(ask, now)),
        }
    }

    fn take(&mut self, ask: &Take, now: Timestamp) -> Room {
        let window = Duration::from_secs(ask.rule.window());
        self.attempts.retain(|attempt| now.since(attempt.at) < window);
        let full = match &ask.network {
            Some(network) => longest(network.prefixes().map(|prefix| self.full(ask.rule, Some(prefix), now))),
            None => self.full(ask.rule, None, now),
        };
        if let Some(full) = full {
            return Room::Wait(full);
        }
        self.attempts.push(Attempt { at: now, network: ask.network.clone() });
        self.ends_at = self.ends_at.max(now + window);
        Room::Taken(now)
    }

    /// Returns the wait for the attempts within `prefix`, or for all attempts; `None` if there is room.
    fn full(&self, rule: Rule, prefix: Option<&Prefix>, now: Timestamp) -> Option<Full> {
        let counts = |attempt: &&Attempt| match (prefix, &attempt.network) {
            (Some(prefix), Some(network)) => network.is_within(prefix),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let attempts: Vec<Timestamp> =
            self.attempts.iter().filter(counts).map(|attempt| attempt.at).collect();
        let width = prefix.map(|prefix| prefix.width);
        let free_at = rule.times(width.map_or(1, Width::factor)).free_at(&attempts);
        (now < free_at).then(|| Full { seconds: wait(free_at, now), prefix: width })
    }

    fn admit(&mut self, ask: &Admit, now: Timestamp) -> Room {
        self.codes.retain(|_, code| now < code.until);
        if let Some(full) = longest(ask.network.prefixes().map(|prefix| self.crowded(ask.cap, prefix, now))) {
            return Room::Wait(full);
        }
        self.codes.insert(ask.id.clone(), LiveCode { until: ask.until, network: ask.network.clone() });
        self.ends_at = self.ends_at.max(ask.until);
        Room::Taken(now)
    }

    /// Returns the wait for a live code less within `prefix`; `None` if there is room for one more.
    fn crowded(&self, cap: u64, prefix: &Prefix, now: Timestamp) -> Option<Full> {
        let ends =
            || self.codes.values().filter(|code| code.network.is_within(prefix)).map(|code| code.until);
        let cap = cap.saturating_mul(prefix.width.factor()).min(MOST_CODES);
        if u64::try_from(ends().count()).unwrap_or(u64::MAX) < cap {
            return None;
        }
        let first = ends().min().unwrap_or(now);
        Some(Full { seconds: wait(first, now), prefix: Some(prefix.width) })
    }

    fn give_back(&mut self, ask: &GiveBack) {
        let own = |attempt: &Attempt| attempt.at == ask.at && attempt.network == ask.network;
        if let Some(position) = self.attempts.iter().position(own) {
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
        if ask.wrong > 0 || ask.right > 0 || !ask.live.is_empty() {
            self.entries.retain(|entries| counts(entries.at));
            self.shards.retain(|_, (_, at)| counts(*at));
            self.enter(ask.wrong, ask.right, now);
            self.shards.extend(ask.live.iter().map(|(shard, live)| (shard.clone(), (*live, now))));
            self.ends_at = now + window;
        }
        let entries = || self.entries.iter().filter(|entries| counts(entries.at));
        let wrong: u64 = entries().map(|entries| entries.wrong).sum();
        let right: u64 = entries().map(|entries| entries.right).sum();
        let targets: u64 = self.shards.values().filter(|(_, at)| counts(*at)).map(|(live, _)| live).sum();
        wrong.saturating_sub(right / HONEST).saturating_mul(targets) > ask.allowed
    }

    /// Counts entries, together with those of the last moments.
    fn enter(&mut self, wrong: u64, right: u64, now: Timestamp) {
        match self.entries.last_mut() {
            Some(last) if now.since(last.at) < TOGETHER => {
                last.wrong += wrong;
                last.right += right;
            }
            Some(_) | None if wrong + right > 0 => self.entries.push(Entries { at: now, wrong, right }),
            Some(_) | None => {}
        }
    }
}

/// Returns whole seconds until `at`, at least one.
fn wait(at: Timestamp, now: Timestamp) -> u64 {
    ceil_seconds(at.since(now)).max(1)
}

/// Returns the longest wait.
fn longest(waits: impl Iterator<Item = Option<Full>>) -> Option<Full> {
    waits.flatten().max_by_key(|full| full.seconds)
}

impl Rule {
    /// Returns the rule with `factor` times as many attempts.
    fn times(self, factor: u64) -> Self {
        let times = |number: usize| {
            usize::try_from(factor).map_or(usize::MAX, |factor| number.saturating_mul(factor))
        };
        match self {
            Self::Window { limit, window } => Self::Window { limit: times(limit), window },
            Self::Backoff { free, longest, window } => Self::Backoff { free: times(free), longest, window },
        }
    }

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

    fn full(seconds: u64) -> Room {
        Room::Wait(Full { seconds, prefix: None })
    }

    fn take(row: &mut Row, rule: Rule, seconds: u64) -> Room {
        row.take(&Take { key: String::new(), rule, network: None }, at(seconds))
    }

    #[test]
    fn a_window_never_has_more_attempts_than_its_limit() {
        let mut row = Row::default();

        assert_eq!(take(&mut row, WINDOW, 0), Room::Taken(at(0)));
        assert_eq!(take(&mut row, WINDOW, 100), Room::Taken(at(100)));
        assert_eq!(take(&mut row, WINDOW, 200), full(100), "until the first is 300 s old");
        assert_eq!(take(&mut row, WINDOW, 300), Room::Taken(at(300)));
        assert_eq!(take(&mut row, WINDOW, 301), full(99));
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

        row.give_back(&GiveBack { key: String::new(), at: at(1), network: None });

        assert_eq!(take(&mut row, WINDOW, 2), Room::Taken(at(2)));
        assert!(matches!(take(&mut row, WINDOW, 3), Room::Wait(_)), "the first still counts");
    }

    #[test]
    fn waits_double_up_to_the_longest_and_never_lock() {
        let mut row = Row::default();
        let mut now = 0;
        for wait in [0, 1, 2, 4, 4, 4] {
            if wait > 0 {
                assert_eq!(take(&mut row, BACKOFF, now), full(wait));
            }
            now += wait;
            assert_eq!(take(&mut row, BACKOFF, now), Room::Taken(at(now)));
        }
    }

    #[test]
    fn an_attempt_no_longer_counts_when_its_window_has_passed() {
        let mut row = Row::default();
        take(&mut row, BACKOFF, 0);
        take(&mut row, BACKOFF, 299);

        assert_eq!(take(&mut row, BACKOFF, 300), Room::Taken(at(300)), "only the second still counts");
    }

    #[test]
    fn live_codes_are_counted_until_they_end_or_are_released() {
        let mut row = Row::default();
        let mut admit = |id: &str, seconds: u64| {
            let (key, id, network) = (String::new(), id.to_owned(), Network::default());
            let admit = Admit { key, id, until: at(seconds + 300), cap: 2, network };
            let reply = row.admit(&admit, at(seconds));
            if admit.id == "c" {
                row.release("b");
            }
            reply
        };

        assert_eq!(admit("a", 0), Room::Taken(at(0)));
        assert_eq!(admit("b", 10), Room::Taken(at(10)));
        let unknown = Some(Width::Unknown);
        assert_eq!(admit("c", 20), Room::Wait(Full { seconds: 280, prefix: unknown }));
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

    /// Reports live codes of one shard, and wrong and right entries. Five guesses at one code are allowed.
    fn expose(row: &mut Row, (shard, live): (&str, u64), (wrong, right): (u64, u64), seconds: u64) -> bool {
        let (key, live) = (String::new(), BTreeMap::from([(shard.to_owned(), live)]));
        row.expose(&Expose { key, live, wrong, right, window: 300, allowed: 5 }, at(seconds))
    }

    #[test]
    fn guesses_times_live_codes_decide_whether_guessing_is_too_easy() {
        let mut row = Row::default();

        assert!(!expose(&mut row, ("weur/0", 2), (0, 0), 0), "no guesses");
        assert!(!expose(&mut row, ("weur/1", 3), (1, 0), 1), "one guess at five codes");
        assert!(expose(&mut row, ("weur/1", 3), (1, 0), 2), "two guesses at five codes");
        assert!(!expose(&mut row, ("weur/1", 3), (0, 0), 400), "the guesses are forgotten");
        assert!(expose(&mut row, ("weur/1", 6), (1, 0), 500) && expose(&mut row, ("weur/1", 6), (0, 0), 799));
        assert!(!expose(&mut row, ("weur/1", 6), (0, 0), 800), "a guess counts for 300 s");
    }

    #[test]
    fn one_wrong_entry_to_four_right_ones_is_no_guess() {
        let mut row = Row::default();
        let codes = ("weur/0", 1_000);

        assert!(!expose(&mut row, codes, (25, 100), 0), "as many as honest people may have");
        assert!(expose(&mut row, codes, (1, 0), 1), "one more");
        assert!(!expose(&mut row, codes, (0, 4), 2), "four more right ones");
        assert!(expose(&mut row, codes, (1, 0), 301), "right entries are forgotten, too");
    }

    #[test]
    fn entries_of_a_moment_are_one_item() {
        let mut row = Row::default();
        for second in 0..600 {
            expose(&mut row, ("weur/0", 1), (1, 3), second);
        }

        assert_eq!(row.entries.len(), 30);
        let wrong: u64 = row.entries.iter().map(|entries| entries.wrong).sum();
        assert!((290..=300).contains(&wrong), "{wrong}");
    }

    fn network(address: &str) -> Network {
        Network::of(Some(address), str::to_owned)
    }

    fn take_from(row: &mut Row, address: &str, seconds: u64) -> Room {
        let ask = Take { key: String::new(), rule: WINDOW, network: Some(network(address)) };
        row.take(&ask, at(seconds))
    }

    #[test]
    fn wider_prefixes_of_a_network_have_growing_limits() {
        let mut row = Row::default();
        let mut taken = |address: &str| {
            (0..9).take_while(|_| take_from(&mut row, address, 0) == Room::Taken(at(0))).count()
        };

        assert_eq!(taken("2001:db8:1:100::1"), 2, "a /64");
        assert_eq!(taken("2001:db8:1:101::1"), 2, "another /64 fills the /56");
        assert_eq!(taken("2001:db8:1:102::1"), 0);
        assert_eq!(taken("2001:db8:1:200::1"), 2, "another /56");
        assert_eq!(taken("2001:db8:1:300::1"), 2, "a third /56 fills the /48");
        assert_eq!(taken("2001:db8:1:400::1"), 0);
        let full = Full { seconds: 300, prefix: Some(Width::Site) };
        assert_eq!(take_from(&mut row, "2001:db8:1:400::1", 0), Room::Wait(full));
        assert_eq!(row.attempts.len(), 8, "refused attempts take from no prefix");
    }

    #[test]
    fn a_right_attempt_is_given_back_to_every_prefix() {
        let mut row = Row::default();
        let addresses = ["2001:db8:1:100::1", "2001:db8:1:101::1", "2001:db8:1:200::1", "2001:db8:1:300::1"];
        for address in addresses.into_iter().flat_map(|address| [address; 2]) {
            assert_eq!(take_from(&mut row, address, 0), Room::Taken(at(0)));
        }
        assert!(matches!(take_from(&mut row, "2001:db8:1:400::1", 0), Room::Wait(_)));

        let back = GiveBack { key: String::new(), at: at(0), network: Some(network(addresses[1])) };
        row.give_back(&back);

        assert!(matches!(take_from(&mut row, addresses[0], 0), Room::Wait(_)), "another /64 took its own");
        assert_eq!(take_from(&mut row, addresses[1], 0), Room::Taken(at(0)), "/64, /56 and /48 have room");
        row.give_back(&back);
        assert_eq!(take_from(&mut row, "2001:db8:1:400::1", 0), Room::Taken(at(0)), "the /48 has room");
    }

    #[test]
    fn guesses_count_where_no_live_codes_are_reported_with_them() {
        let mut row = Row::default();
        let mut expose = |live: &[(&str, u64)], wrong, seconds| {
            let live = live.iter().map(|(shard, live)| ((*shard).to_owned(), *live)).collect();
            row.expose(
                &Expose { key: String::new(), live, wrong, right: 0, window: 300, allowed: 5 },
                at(seconds),
            )
        };
        assert!(!expose(&[("weur/0", 3)], 0, 0), "no guesses");
        assert!(!expose(&[], 1, 1), "one guess at three codes");
        assert!(expose(&[], 1, 2), "two guesses at three codes");
    }
}
