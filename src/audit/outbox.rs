//! The outbox of an object: events wait there until they are shipped to a ledger.
//!
//! A ledger takes the events of one object and one day, and at most [`BLOCK`] of them. So a ledger that refuses its
//! events, or does not answer, delays nothing that belongs to another.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::Event;
use super::ledger::{OutboxReport, Receipt, Record, Shipment};
use super::ledger_name::LedgerName;
use crate::alarm::Shipping;
use crate::json;
use crate::time::Timestamp;

/// Where a domain leaves its events, in the same transaction as the changes that they report.
pub trait Outbox {
    /// Why a row could not be read or written.
    type Error;

    /// Appends an event to the outbox.
    fn tell(&self, event: &Event) -> Result<(), Self::Error>;
}

/// The most events in a ledger: less than 1 GB, a tenth of what an object can store.
const BLOCK: i64 = 1_000_000;
/// The most events in a batch. A ledger takes a batch in one request, so the rate of a ledger is this number, or
/// [`BATCH_BYTES`] of events, times its requests per second.
pub const BATCH_EVENTS: usize = 2_000;
/// A batch ends with the event that reaches this size: 1 MiB. A message may have 32 MiB, but both ends hold it in memory
/// several times over, and may share an isolate.
pub const BATCH_BYTES: usize = 1_048_576;
/// The most batches in one alarm. The rest waits for the next alarm. One call of another object per batch, and one for
/// the report, are within the 50 calls that the platform's free plan allows.
pub const BATCHES: u32 = 25;
const DAY_MILLIS: i64 = 86_400_000;
/// The most bytes in an event. Those of this server have less than 1 KiB.
const MOST_BYTES: usize = 65_536;
/// An alarm starts no batch after this time.
const ROUND: Duration = Duration::from_secs(30);
/// A ledger that failed is tried again after the age of its oldest event, so after twice the time at each failure, within
/// these bounds.
const SHORTEST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// An object whose oldest event has waited for longer than this complains in the log.
const LATE: Duration = Duration::from_secs(600);
/// The most events that an object keeps aside. Further ones are deleted.
pub const MOST_ASIDE: usize = 1_000;

/// A row of an outbox.
#[derive(Clone, Debug)]
pub struct Row {
    /// Counts up, and is never used again.
    pub number: i64,
    /// When the event happened, in milliseconds since 1970.
    pub at: i64,
    /// The event as JSON; `None` if the column is not a text.
    pub event: Option<String>,
}

/// A ledger of an object: the day since 1970, and the block of its events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Lane {
    day: i64,
    block: i64,
}

impl Lane {
    const fn of(row: &Row) -> Self {
        Self { day: row.at.div_euclid(DAY_MILLIS), block: row.number.div_euclid(BLOCK) }
    }
}

/// Events for one ledger, oldest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch {
    /// The name of the ledger: day, object and block, such as `20412/weur/3/0`.
    pub ledger: String,
    /// The object that the events come from.
    pub object: String,
    /// The events that can be shipped.
    pub shipments: Vec<Shipment>,
    /// The numbers of the events that cannot be shipped, each with the reason.
    pub bad: Vec<(i64, String)>,
    /// The number of the first event. Once the ledger has the batch, its events can be deleted: those from `first` to
    /// `last` that happened from [`Batch::begins`] until before [`Batch::ends`].
    pub first: i64,
    /// The number of the last event.
    pub last: i64,
    /// When the first event happened.
    oldest: Timestamp,
    lane: Lane,
}

impl Batch {
    /// Builds a batch from events that wait in the object named `object`, oldest first, up to the first event for
    /// another ledger; `None` if no event waits. Reads no more rows than the batch has room for, and one more.
    #[must_use]
    pub fn first(object: &str, rows: impl IntoIterator<Item = Row>) -> Option<Self> {
        let mut rows = rows.into_iter().peekable();
        let mut batch = Self::begin(object, rows.peek()?);
        let (lane, mut count, mut bytes) = (batch.lane, 0, 0);
        for row in rows.take_while(|row| Lane::of(row) == lane) {
            count += 1;
            bytes += row.event.as_ref().map_or(0, String::len);
            batch.add(row);
            if count == BATCH_EVENTS || bytes >= BATCH_BYTES {
                break;
            }
        }
        Some(batch)
    }

    fn begin(object: &str, first: &Row) -> Self {
        let lane = Lane::of(first);
        Self {
            ledger: format!("{}/{object}/{}", lane.day, lane.block),
            object: object.to_owned(),
            shipments: Vec::new(),
            bad: Vec::new(),
            first: first.number,
            last: first.number,
            oldest: Timestamp::from_millis(u64::try_from(first.at).unwrap_or_default()),
            lane,
        }
    }

    fn add(&mut self, Row { number, event, .. }: Row) {
        self.last = number;
        match readable(event.as_deref()) {
            Ok(event) => self.shipments.push(Shipment { id: format!("{}/{number}", self.object), event }),
            Err(why) => self.bad.push((number, why)),
        }
    }

    /// Returns the command for the ledger.
    #[must_use]
    pub fn record(&self) -> Record {
        Record { shipments: self.shipments.clone() }
    }

    /// Returns the ledger of today for events whose own ledger is closed, and the command for it; `None` if all have
    /// arrived. It takes the late events of one object and one day.
    #[must_use]
    pub fn late(&self, receipt: &Receipt, now: Timestamp) -> Option<(LedgerName, Record)> {
        if receipt.late.is_empty() {
            return None;
        }
        let late: BTreeSet<&String> = receipt.late.iter().collect();
        let shipments = self.shipments.iter().filter(|shipment| late.contains(&shipment.id));
        let today = now.since(Timestamp::default()).as_secs() / 86_400;
        let ledger = LedgerName {
            day: u32::try_from(today).ok()?,
            object: format!("{}/late", self.object),
            block: u32::try_from(self.lane.day).ok()?,
        };
        Some((ledger, Record { shipments: shipments.cloned().collect() }))
    }

    /// Returns when the day of the ledger begins, in milliseconds since 1970.
    #[must_use]
    pub const fn begins(&self) -> i64 {
        self.lane.day * DAY_MILLIS
    }

    /// Returns when the day of the ledger ends, in milliseconds since 1970.
    #[must_use]
    pub const fn ends(&self) -> i64 {
        (self.lane.day + 1) * DAY_MILLIS
    }
}

/// Parses an event. The error never repeats the event.
fn readable(event: Option<&str>) -> Result<serde_json::Value, String> {
    let text = event.ok_or("it is not a text")?;
    if text.len() > MOST_BYTES {
        return Err(format!("it has {} bytes", text.len()));
    }
    let parsed: serde_json::Value = json::read(text).map_err(|flaw| format!("it does not parse: {flaw}"))?;
    if parsed.is_object() { Ok(parsed) } else { Err("it is not a JSON object".to_owned()) }
}

/// When to try ledgers again that failed. Kept only in memory: an object that lost it tries once too often.
#[derive(Debug, Default)]
pub struct Waits(BTreeMap<String, Timestamp>);

impl Waits {
    fn has(&self, ledger: &str, now: Timestamp) -> bool {
        self.0.get(ledger).is_some_and(|until| now < *until)
    }
}

/// The events to read next: those after a number that do not go to a ledger that was skipped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct From {
    /// The number of the last event so far.
    pub after: i64,
    /// Events with this number or a higher one do not go to the skipped ledger.
    pub block_end: i64,
    /// Nor do events that happened then or later, in milliseconds since 1970.
    pub day_end: i64,
}

/// What one alarm ships: bounded batches until nothing is left that can be shipped, or until it has done enough.
#[derive(Debug)]
pub struct Round {
    from: From,
    began: Timestamp,
    sent: u32,
    /// Whether the end of the outbox was reached.
    is_over: bool,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Send its shipments to the ledger, and report the result.
    Send,
    /// Nothing: the ledger failed lately, or there is no shipment in the batch.
    Skip,
}

impl Round {
    /// Starts at the oldest event.
    #[must_use]
    pub const fn begin(now: Timestamp) -> Self {
        Self { from: From { after: 0, block_end: 0, day_end: 0 }, began: now, sent: 0, is_over: false }
    }

    /// Returns which events to read next; `None` if the round ends here.
    #[must_use]
    pub fn from(&self, now: Timestamp) -> Option<From> {
        let has_room = self.sent < BATCHES && now < self.began + ROUND;
        (has_room && !self.is_over).then_some(self.from)
    }

    /// Notes that no event is left to read.
    pub const fn end(&mut self) {
        self.is_over = true;
    }

    /// Decides what to do with a batch. The caller has set its bad events aside.
    pub fn next(&mut self, batch: &Batch, waits: &Waits, now: Timestamp) -> Next {
        if waits.has(&batch.ledger, now) {
            self.pass_by(batch);
            Next::Skip
        } else if batch.shipments.is_empty() {
            self.from.after = batch.last;
            Next::Skip
        } else {
            self.sent += 1;
            Next::Send
        }
    }

    /// Notes that the ledger has the batch, whose events can now be deleted.
    pub fn arrived(&mut self, batch: &Batch, waits: &mut Waits) {
        waits.0.remove(&batch.ledger);
        self.from.after = batch.last;
    }

    /// Notes that the ledger refused the batch or did not answer. Its events stay, and the round goes on with those of
    /// the next ledger.
    pub fn failed(&mut self, batch: &Batch, waits: &mut Waits, now: Timestamp) {
        let wait = now.since(batch.oldest).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        waits.0.retain(|_, until| now < *until);
        waits.0.insert(batch.ledger.clone(), now + wait);
        self.pass_by(batch);
    }

    const fn pass_by(&mut self, batch: &Batch) {
        let block_end = (batch.lane.block + 1) * BLOCK;
        self.from = From { after: batch.last, block_end, day_end: batch.ends() };
    }

    /// Returns when to ship the events that are left, if there are any.
    #[must_use]
    pub fn rest(&self, waits: &Waits) -> Shipping {
        if !self.is_over {
            return Shipping::AtOnce;
        }
        waits.0.values().min().map_or(Shipping::Soon, |first| Shipping::After(*first))
    }
}

/// Returns the log line about an outbox whose events are late; `None` if they are not.
#[must_use]
pub fn lateness(report: &OutboxReport) -> Option<String> {
    let age = report.at.since(report.oldest?);
    let (waiting, object, seconds) = (report.waiting, &report.object, age.as_secs());
    (age > LATE).then(|| format!("{waiting} events of {object} wait, the oldest for {seconds} s"))
}

#[cfg(test)]
mod tests;
