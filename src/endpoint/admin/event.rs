//! One event, by its identifier, however many events there are.

use core::time::Duration;

use serde_json::Value;

use super::body;
use super::done::Done;
use super::events::{LAST, LATE_DAYS, day, number};
use super::problem::Problem;
use crate::audit::ledger::{FindLedgers, FindRecord, OUTBOXES};
use crate::audit::ledger_name::LedgerName;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::time::Timestamp;

/// An event is looked for in the ledgers of this many days, if nobody says when it happened.
pub(super) const DAYS: u32 = 7;
/// The most days in which an event may have happened: with those for late ones, 16 lists of ledgers, and a ledger or two each.
pub(crate) const MOST_DAYS: u32 = 14;
/// The most ledgers of an object and a day: one for each million of events, and those for late ones.
const MOST_LEDGERS: u32 = 8;
const DAY: Duration = Duration::from_hours(24);

/// Answers `GET /events/{event}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Done, Problem> {
    let query = body::query(context.request, &["at", "days"])?;
    let default = if query.get("at").is_some() { 1 } else { DAYS };
    let days = number(&query, "days", u64::from(default), 1, u64::from(MOST_DAYS))?;
    let days = u32::try_from(days).unwrap_or(MOST_DAYS);
    let begin = context.now.before(DAY * (days - 1));
    let at = number(&query, "at", begin.seconds(), 0, LAST)?;
    let first = day(Timestamp::from_millis(0) + Duration::from_secs(at));
    let record = find(context, id, (first, first.saturating_add(days - 1 + LATE_DAYS))).await?;
    Ok(Done::read(Response::json(200, &record.ok_or(Problem::NotFound)?)))
}

/// Finds the record of an event in the ledgers of these days, also if it came late.
pub(super) async fn find<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    (first, last): (u32, u32),
) -> Result<Option<Value>, Unavailable> {
    let Some((object, _)) = id.rsplit_once('/') else { return Ok(None) };
    for day in (first..=last.min(day(context.now))).rev() {
        let begin = LedgerName { day, object: object.to_owned(), block: 0 };
        let find = FindLedgers { first: begin, last_day: day, limit: MOST_LEDGERS };
        for name in context.server.platform.ledger(OUTBOXES, find).await? {
            let is_of =
                name.object.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest == "/late");
            if !is_of {
                continue;
            }
            let ask = FindRecord { id: id.to_owned() };
            let found = context.server.platform.ledger(&name.to_string(), ask).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}
