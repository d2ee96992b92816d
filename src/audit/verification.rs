//! Verifies the chain of a ledger, a bounded number of records at a time, and names what does not fit.
//!
//! A record that does not fit is told apart by its neighbors. If the next record follows it, the record was changed, or, if
//! numbers are missing before it, others were removed. If the next record follows the one before it, it was inserted. If somebody
//! changes a record and computes all heads after it again, the chain fits, but it does not end as the root says.

use core::ops::Range;

use serde::{Deserialize, Serialize};

use super::chain::link;
use super::closing::Seal;
use crate::json;

/// The most records that a ledger verifies for one command.
pub const MOST_VERIFIED: u32 = 1_000;
/// The most missing events that are named one by one.
const MOST_NAMED: usize = 10;
/// The most faults that one command finds. It ends with the last one.
const MOST_FAULTS: usize = 100;

/// Verifies records of a ledger, from the first one or after the last one that was verified before.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct VerifyLedger {
    /// The last record that was verified before.
    #[serde(default)]
    pub after: Position,
    /// The end that was sealed; `None` if the ledger is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

/// A place in a chain: after a record, or at the begin.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Position {
    /// The number of the row; 0 at the begin.
    pub row: i64,
    /// The number of the event in its object; 0 at the begin.
    pub event: i64,
    /// The head there.
    pub head: String,
    /// The head before the last record.
    pub before: String,
}

/// What was verified.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Verified {
    /// The number of verified records.
    pub records: u32,
    /// What does not fit, in order.
    pub faults: Vec<Fault>,
    /// Where to go on; `None` at the end of the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Position>,
}

/// A fault in a chain.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Fault {
    /// What happened to the events.
    pub what: Tampering,
    /// The events, such as `weur/3/17`; of many that were removed, the first ten. Empty if they cannot be named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// The records that are missing at the begin or at the end of a sealed ledger: nothing there tells the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Numbers>,
}

/// Records of a ledger, by their numbers, as a seal has them.
#[expect(missing_docs, reason = "the names say what they are")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Numbers {
    pub first: i64,
    pub last: i64,
}

/// What happened to events.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tampering {
    /// The record or its head was changed.
    Changed,
    /// Records were removed.
    Removed,
    /// The record was inserted.
    Inserted,
    /// A record was changed, and all heads from there on were computed again.
    Rewritten,
}

/// A row of a ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct Link {
    pub row: i64,
    pub record: String,
    pub head: String,
}

impl Link {
    /// Returns the identifier of the event, such as `weur/3/17`, and the number in it.
    fn event(&self) -> Option<(String, i64)> {
        #[derive(Deserialize)]
        struct Named {
            id: String,
        }
        let Named { id } = json::read(&self.record).ok()?;
        let number = id.rsplit_once('/')?.1.parse().ok()?;
        Some((id, number))
    }
}

impl VerifyLedger {
    /// Verifies `links`: the first [`MOST_VERIFIED`] plus one that follow [`VerifyLedger::after`].
    #[must_use]
    pub fn verify(&self, links: &[Link]) -> Verified {
        let mut walk = Walk { at: self.after.clone(), faults: Vec::new(), seal: self.seal.as_ref() };
        let mut records = 0;
        for (link, next) in links.iter().zip(links.iter().skip(1).map(Some).chain([None])) {
            if records == MOST_VERIFIED || walk.faults.len() >= MOST_FAULTS {
                return Verified { records, faults: walk.faults, next: Some(walk.at) };
            }
            walk.see(link, next);
            records += 1;
        }
        walk.end();
        Verified { records, faults: walk.faults, next: None }
    }
}

struct Walk<'a> {
    at: Position,
    faults: Vec<Fault>,
    seal: Option<&'a Seal>,
}

impl Walk<'_> {
    fn see(&mut self, link: &Link, next: Option<&Link>) {
        if self.seal.is_some_and(|seal| link.row > seal.last) {
            self.blame(Tampering::Inserted, link);
            self.at.row = link.row;
            return;
        }
        let first = self.seal.map_or(link.row, |seal| seal.first);
        if self.at == Position::default() && link.row > first {
            self.faults.push(cut_off(first, link.row - 1));
            self.accept(link, link.head.clone());
            return;
        }
        let right = follow(&self.at.head, link);
        let is_followed = |head: &str| next.is_some_and(|next| follow(head, next) == next.head);
        if right == link.head {
            self.accept(link, right);
        } else if self.at.row != 0 && follow(&self.at.before, link) == link.head {
            // The record before was inserted, with a head that fits.
            self.blame_numbers(Tampering::Inserted, self.at.event..self.at.event + 1, link);
            self.accept(link, link.head.clone());
        } else if !is_followed(&link.head) && is_followed(&self.at.head) {
            self.blame(Tampering::Inserted, link);
            self.at.row = link.row;
        } else {
            let missing = self.missing_before(link);
            if missing.is_empty() {
                self.blame(Tampering::Changed, link);
            } else {
                self.blame_numbers(Tampering::Removed, missing, link);
            }
            let head = if is_followed(&right) { right } else { link.head.clone() };
            self.accept(link, head);
        }
    }

    fn accept(&mut self, link: &Link, head: String) {
        let event = link.event().map_or(self.at.event + 1, |(_, number)| number);
        let before = core::mem::take(&mut self.at.head);
        self.at = Position { row: link.row, event, head, before };
    }

    /// Returns the numbers of events that are missing before a record. The first record of a ledger has any number.
    fn missing_before(&self, link: &Link) -> Range<i64> {
        let number = link.event().map_or(link.row, |(_, number)| number);
        if self.at == Position::default() { number..number } else { self.at.event + 1..number }
    }

    fn blame(&mut self, what: Tampering, link: &Link) {
        let events = link.event().map(|(id, _)| id).into_iter().collect();
        self.faults.push(Fault { what, events, records: None });
    }

    /// Names other events of the object by their numbers.
    fn blame_numbers(&mut self, what: Tampering, numbers: Range<i64>, link: &Link) {
        let id = link.event().map(|(id, _)| id).unwrap_or_default();
        let object = id.rsplit_once('/').map_or("", |(object, _)| object);
        let events = numbers.take(MOST_NAMED).map(|number| format!("{object}/{number}")).collect();
        self.faults.push(Fault { what, events, records: None });
    }

    /// Compares the end of the chain with the sealed one.
    fn end(&mut self) {
        let Some(seal) = self.seal else { return };
        if self.at.row < seal.last {
            self.faults.push(cut_off(seal.first.max(self.at.row + 1), seal.last));
        } else if self.at.row == seal.last && self.at.head != seal.head {
            self.faults.push(Fault { what: Tampering::Rewritten, events: Vec::new(), records: None });
        }
    }
}

const fn cut_off(first: i64, last: i64) -> Fault {
    Fault { what: Tampering::Removed, events: Vec::new(), records: Some(Numbers { first, last }) }
}

fn follow(head: &str, next: &Link) -> String {
    link(head, &next.record)
}

#[cfg(test)]
mod tests;
