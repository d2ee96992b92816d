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
mod tests;
