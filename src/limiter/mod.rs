//! Budgets: how often a wrong code or password may be tried.
//!
//! An attempt is taken in the same step that checks the budget, before anything is looked up. A right attempt
//! is given back, but never resets the count.
//!
//! A row that counts a network belongs to the widest prefix of that network. Its tally counts the narrower ones as parts, so
//! one row counts every prefix, and one command takes from all of them or from none.

pub mod budgets;
pub mod command;
pub mod document;
pub mod unsaved;

use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ask::Answer;
use crate::format::Format;
use crate::network::{Network, Prefix, Width};
use crate::tally::{Part, Tally};
use crate::time::{Timestamp, ceil_seconds};
use command::{Command, Expose, FindDocument, Full, GiveBack, KeepDocument, Room, Rule, Take, UseOnce};
use document::Shared;

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
    /// Attempts that still count, by when they were taken.
    #[serde(default, skip_serializing_if = "Tally::is_empty")]
    pub attempts: Tally,
    /// Code entries of the whole server, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entries>,
    /// Number of live codes by shard, and when it was seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shards: BTreeMap<String, (u64, Timestamp)>,
    /// A document of another server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Shared>,
    /// When nothing in the row counts any more.
    pub ends_at: Timestamp,
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

impl Row {
    /// Applies one command at `now`.
    pub fn apply(&mut self, command: &Command, now: Timestamp) -> Answer {
        match command {
            Command::Take(ask) => Answer::to::<Take>(&self.take(ask, now)),
            Command::GiveBack(ask) => {
                self.give_back(ask);
                Answer::to::<GiveBack>(&())
            }
            Command::UseOnce(ask) => Answer::to::<UseOnce>(&self.use_once(ask.until, now)),
            Command::Expose(ask) => Answer::to::<Expose>(&self.expose(ask, now)),
            Command::FindDocument(ask) => {
                Answer::to::<FindDocument>(&self.share(|document| document.find(ask, now)))
            }
            Command::KeepDocument(ask) => {
                self.share(|document| document.keep(ask));
                Answer::to::<KeepDocument>(&())
            }
        }
    }

    fn take(&mut self, ask: &Take, now: Timestamp) -> Room {
        let window = Duration::from_secs(ask.rule.window());
        self.attempts.forget(now.before(window));
        let full = match &ask.network {
            Some(network) => longest(
                network
                    .prefixes()
                    .map(|prefix| self.full(ask.rule, (part(network, prefix), Some(prefix.width)), now)),
            ),
            None => self.full(ask.rule, (None, None), now),
        };
        if let Some(full) = full {
            return Room::Wait(full);
        }
        self.attempts.add(now, &parts(ask.network.as_ref()));
        self.ends_at = self.ends_at.max(now + window);
        Room::Taken(now)
    }

    /// Returns the wait for the attempts of a part, or for all attempts; `None` if there is room.
    fn full(&self, rule: Rule, (part, width): (Option<Part>, Option<Width>), now: Timestamp) -> Option<Full> {
        let free_at = rule.times(width.map_or(1, Width::factor)).free_at(&self.attempts, part)?;
        (now < free_at).then(|| Full { seconds: wait(free_at, now), prefix: width })
    }

    fn give_back(&mut self, ask: &GiveBack) {
        self.attempts.remove(ask.at, &parts(ask.network.as_ref()));
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

    /// Reads or changes the document.
    fn share<T>(&mut self, act: impl FnOnce(&mut Shared) -> T) -> T {
        let document = self.document.get_or_insert_default();
        let answer = act(document);
        self.ends_at = document.ends_at();
        answer
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

/// Returns the part of a network's attempts that came from `prefix`; `None` for the widest one, from which all came.
fn part(network: &Network, prefix: &Prefix) -> Option<Part> {
    (prefix != network.widest()).then(|| Part::of(&[&prefix.to_string()]))
}

fn parts(network: Option<&Network>) -> Vec<Part> {
    network.into_iter().flat_map(|own| own.prefixes().filter_map(|prefix| part(own, prefix))).collect()
}

/// Returns the longest wait.
fn longest(waits: impl Iterator<Item = Option<Full>>) -> Option<Full> {
    waits.flatten().max_by_key(|full| full.seconds)
}

impl Rule {
    /// Returns the rule with `factor` times as many attempts.
    const fn times(self, factor: u64) -> Self {
        match self {
            Self::Window { limit, window } => Self::Window { limit: limit.saturating_mul(factor), window },
            Self::Backoff { free, longest, window } => {
                Self::Backoff { free: free.saturating_mul(factor), longest, window }
            }
        }
    }

    const fn window(self) -> u64 {
        match self {
            Self::Window { window, .. } | Self::Backoff { window, .. } => window,
        }
    }

    /// Returns when there is room for one more attempt beside those of a part that still count; `None` for at once.
    fn free_at(self, attempts: &Tally, part: Option<Part>) -> Option<Timestamp> {
        match self {
            Self::Window { limit, window } => {
                attempts.free_at(part, limit).map(|at| at + Duration::from_secs(window))
            }
            Self::Backoff { free, longest, .. } => {
                let over = attempts.count(part).checked_sub(free)?;
                let doubled = u32::try_from(over).ok().and_then(|over| 1_u64.checked_shl(over));
                let wait = doubled.unwrap_or(longest).min(longest);
                attempts.last(part).map(|last| last + Duration::from_secs(wait))
            }
        }
    }
}

#[cfg(test)]
mod tests;
