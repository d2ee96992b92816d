//! The proof that nobody changed, removed or inserted events: verifies the ledgers of a day and its signed root.

use std::collections::BTreeMap;

use futures_util::future::try_join;
use serde::Serialize;

use super::body;
use super::done::Done;
use super::events::{day, invalid, number};
use super::problem::Problem;
use crate::audit::closing::{Head, ReadHeads, ReadRoots, Seal, SignedRoot, digest_of, is_overdue};
use crate::audit::ledger::{FindLedgers, OUTBOXES, RETENTION_DAYS};
use crate::audit::ledger_name::LedgerName;
use crate::audit::verification::{Fault, Position, VerifyLedger};
use crate::endpoint::closing::Signature;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::secret;

/// The most calls of ledgers for one answer. With those of the object that knows them, there are 25.
const MOST_CALLS: u32 = 20;
/// The last day that can be asked for: 9999-12-31.
const LAST_DAY: u64 = 2_932_896;

/// What was verified.
#[derive(Serialize)]
struct Report {
    /// Counted from 1970.
    day: u32,
    /// Number of records that were verified for this answer.
    records: u32,
    /// The ledgers whose end was reached.
    ledgers: Vec<Ledger>,
    faults: Vec<Found>,
    /// Missing unless everything of the day was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<RootState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A ledger whose end was reached.
#[derive(Serialize)]
struct Ledger {
    ledger: LedgerName,
    state: LedgerState,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum LedgerState {
    /// It takes events, and nothing says where it ends.
    Open,
    /// It ends where the root says.
    Sealed,
    /// Its records were deleted, because they are too old.
    Emptied,
}

/// A fault, with its ledger.
#[derive(Serialize)]
struct Found {
    ledger: LedgerName,
    #[serde(flatten)]
    fault: Fault,
}

/// What is known about the root of the day.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RootState {
    /// The day is not closed.
    Open,
    /// The day had no events.
    Empty,
    /// The heads are those that the root links, the root before is the one that it links, and the signature is good.
    Good,
    /// The same, but the key is not published any more. The next root vouches for this one.
    KeyRetired,
    /// The day has events, and should be closed, but has no root, and neither has a later day.
    Overdue,
    /// No root is there, but a later one.
    Missing,
    /// It is no root of this day.
    Unreadable,
    WrongSignature,
    /// The heads are not those that the root links.
    WrongHeads,
    /// The root before is not the one that it links.
    WrongPrevious,
}

/// Where an answer begins: in a ledger, after a record.
struct Cursor {
    ledger: LedgerName,
    after: Position,
}

impl Cursor {
    fn encode(&self) -> String {
        let Position { row, event, head, before } = &self.after;
        secret::encode(format!("{}:{row}:{event}:{head}:{before}", self.ledger).as_bytes())
    }

    fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(secret::decode(text)?).ok()?;
        let mut parts = text.rsplitn(5, ':');
        let (before, head) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let (event, row) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { ledger: parts.next()?.parse().ok()?, after: Position { row, event, head, before } })
    }
}

/// Answers `GET /ledger/verification`.
pub(super) async fn verify<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["day", "cursor"])?;
    let today = day(context.now);
    let day = number(&query, "day", u64::from(today.saturating_sub(1)), 0, LAST_DAY)?;
    let day = u32::try_from(day).unwrap_or_default();
    let begin = Cursor { ledger: LedgerName::before_all_of(day), after: Position::default() };
    let cursor = match query.get("cursor") {
        None => begin,
        Some(text) => Cursor::decode(text).filter(|cursor| cursor.ledger.day == day).ok_or_else(|| {
            invalid(
                "cursor",
                "cursor must be the next_cursor of a previous answer for the same day".to_owned(),
            )
        })?,
    };
    let walk = Walk { context, is_emptied: day + RETENTION_DAYS <= today, calls: 0, report: Report::of(day) };
    Ok(Done::read(Response::json(200, &walk.run(cursor).await?)))
}

impl Report {
    const fn of(day: u32) -> Self {
        Self { day, records: 0, ledgers: Vec::new(), faults: Vec::new(), root: None, next_cursor: None }
    }
}

struct Walk<'a, P> {
    context: Context<'a, P>,
    is_emptied: bool,
    calls: u32,
    report: Report,
}

impl<P: Platform> Walk<'_, P> {
    async fn run(mut self, cursor: Cursor) -> Result<Report, Problem> {
        let ledgers = self.ledgers(&cursor.ledger).await?;
        let is_empty = ledgers.is_empty() && cursor.after == Position::default();
        for (seen, (ledger, seal)) in (0..).zip(ledgers) {
            let after = if ledger == cursor.ledger { cursor.after.clone() } else { Position::default() };
            let rest = if seen == MOST_CALLS { Some(after) } else { self.see(&ledger, seal, after).await? };
            if let Some(after) = rest {
                self.report.next_cursor = Some(Cursor { ledger, after }.encode());
                return Ok(self.report);
            }
        }
        self.report.root = Some(self.root(is_empty).await?);
        Ok(self.report)
    }

    /// Returns the ledgers of the day from `first` on, with their seals: no more than can be looked at, and one.
    async fn ledgers(&self, first: &LedgerName) -> Result<BTreeMap<LedgerName, Option<Seal>>, Unavailable> {
        let (day, limit) = (self.report.day, MOST_CALLS + 1);
        let find = FindLedgers { first: first.clone(), last_day: day, limit };
        let noted = self.context.server.platform.ledger(OUTBOXES, find);
        let (noted, heads) = try_join(noted, self.heads(first.clone(), limit)).await?;
        let mut ledgers: BTreeMap<_, _> = noted.into_iter().map(|ledger| (ledger, None)).collect();
        ledgers.extend(heads.into_iter().map(|Head { ledger, seal }| (ledger, Some(seal))));
        Ok(ledgers.into_iter().take(limit as usize).collect())
    }

    async fn heads(&self, first: LedgerName, limit: u32) -> Result<Vec<Head>, Unavailable> {
        let read = ReadHeads { first, last_day: self.report.day, limit };
        self.context.server.platform.ledger(OUTBOXES, read).await
    }

    /// Verifies a ledger. Returns where to go on if there is too much of it.
    async fn see(
        &mut self,
        ledger: &LedgerName,
        seal: Option<Seal>,
        mut after: Position,
    ) -> Result<Option<Position>, Unavailable> {
        let state = match (&seal, self.is_emptied) {
            (_, true) => LedgerState::Emptied,
            (Some(_), false) => LedgerState::Sealed,
            (None, false) => LedgerState::Open,
        };
        while !self.is_emptied {
            if self.calls == MOST_CALLS {
                return Ok(Some(after));
            }
            self.calls += 1;
            let ask = VerifyLedger { after, seal: seal.clone() };
            let verified = self.context.server.platform.ledger(&ledger.to_string(), ask).await?;
            self.report.records += verified.records;
            let found = |fault| Found { ledger: ledger.clone(), fault };
            self.report.faults.extend(verified.faults.into_iter().map(found));
            match verified.next {
                Some(next) => after = next,
                None => break,
            }
        }
        self.report.ledgers.push(Ledger { ledger: ledger.clone(), state });
        Ok(None)
    }

    async fn root(&self, is_empty: bool) -> Result<RootState, Unavailable> {
        let day = self.report.day;
        let mut roots = self.roots(day + 1, 2).await?.into_iter();
        let Some(root) = roots.next().filter(|root| root.day == day) else {
            let is_later = self.roots(u32::MAX, 1).await?.first().is_some_and(|root| root.day > day);
            return Ok(match (is_later, is_empty) {
                (false, false) if is_overdue(day, self.context.now) => RootState::Overdue,
                (false, _) => RootState::Open,
                (true, true) => RootState::Empty,
                (true, false) => RootState::Missing,
            });
        };
        let read = self.context.server.read_root(&root, self.context.now);
        let heads = self.heads(LedgerName::before_all_of(day), u32::MAX);
        let (Some((payload, signature)), heads) = try_join(read, heads).await? else {
            return Ok(RootState::Unreadable);
        };
        let previous = roots.next().as_ref().map(SignedRoot::digest);
        if payload.day != day {
            return Ok(RootState::Unreadable);
        }
        let is_signed = match signature {
            Signature::Wrong => return Ok(RootState::WrongSignature),
            Signature::Good => RootState::Good,
            Signature::KeyRetired => RootState::KeyRetired,
        };
        if payload.heads != digest_of(&heads) {
            return Ok(RootState::WrongHeads);
        }
        Ok(if payload.previous == previous { is_signed } else { RootState::WrongPrevious })
    }

    async fn roots(&self, before: u32, limit: u32) -> Result<Vec<SignedRoot>, Unavailable> {
        self.context.server.platform.ledger(OUTBOXES, ReadRoots { before, limit }).await
    }
}
