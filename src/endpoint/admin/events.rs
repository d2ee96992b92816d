//! The events, out of the ledgers.
//!
//! There is a ledger for each object and day. A page comes from as many of them as it takes, in the order of day,
//! object and block, but from no more than [`MOST_LEDGERS`]. So it can have fewer events than it may, even none, and
//! still name a next page.

use core::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use super::done::Done;
use super::problem::Problem;
use crate::audit::What;
use crate::audit::alert::AlertKind;
use crate::audit::change::Changed;
use crate::audit::ledger::{FindLedgers, OUTBOXES};
use crate::audit::ledger_name::LedgerName;
use crate::audit::outcome::Outcome;
use crate::audit::policy_record::VERDICTS;
use crate::audit::reading::{Filter, ReadEvents};
use crate::audit::sign_in::SignInKind;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::json;
use crate::secret;
use crate::time::Timestamp;

/// The most ledgers that a page is read from. With the list of ledgers, these are 21 calls.
const MOST_LEDGERS: u32 = 20;
/// The parameters of an export.
const FILTERS: [&str; 9] =
    ["from", "to", "client_id", "account", "what", "outcome", "asn", "policy", "cursor"];
/// Default number of events per page.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 500;
/// Events that come too late for the ledger of their day are in one of a later day. They are looked for this long.
pub(super) const LATE_DAYS: u32 = 2;
/// Seconds in a day.
const DAY: u64 = 86_400;
/// Longest filter, in bytes.
const LONGEST: usize = 256;
/// Seconds from 1970 to the year 9999, the last instant that can be asked for.
pub(super) const LAST: u64 = 253_402_300_799;

/// A page of events.
#[derive(Serialize)]
pub(super) struct Page {
    pub(super) events: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// Where a page begins: after a record of a ledger.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Cursor {
    ledger: LedgerName,
    after: i64,
}

impl Cursor {
    /// Returns the beginning of the page of a filter that begins there, or at the cursor.
    pub(super) fn begin(cursor: Option<Self>, from: Timestamp) -> Self {
        let begin = Self { ledger: LedgerName::before_all_of(day(from)), after: 0 };
        cursor.filter(|cursor| cursor.ledger > begin.ledger).unwrap_or(begin)
    }

    fn encode(&self) -> String {
        secret::encode(format!("{}:{}", self.ledger, self.after).as_bytes())
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(secret::decode(text)?).ok()?;
        let (ledger, after) = text.rsplit_once(':')?;
        Some(Self { ledger: ledger.parse().ok()?, after: after.parse().ok()? })
    }
}

/// Answers `GET /events`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &[&FILTERS[..], &["limit"]].concat())?;
    let (limit, filter) =
        (number(&query, "limit", u64::from(PAGE), 1, u64::from(LARGEST_PAGE))?, filter(&query, context.now)?);
    let cursor = cursor(&query, &filter)?;
    let page = collect(context, cursor, &filter, u32::try_from(limit).unwrap_or(PAGE)).await?;
    Ok(Done::read(Response::json(200, &page)))
}

/// Answers `GET /events/export` with a line of JSON for each event. The response goes on with the answer for the next
/// cursor, and so on to the last one: each is made when the client has read the one before.
pub(super) async fn export<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &FILTERS)?;
    let filter = filter(&query, context.now)?;
    let page = collect(context, cursor(&query, &filter)?, &filter, LARGEST_PAGE).await?;
    let lines = page.events.iter().fold(String::new(), |lines, event| lines + &event.to_string() + "\n");
    let response =
        Response::new(200, "application/x-ndjson", lines).with("cache-control", "no-store".to_owned());
    let rest = page.next_cursor.map(|cursor| rest(&context.request.path, &query, &filter, &cursor));
    Ok(Done::read(Response { rest, ..response }))
}

/// Returns the address of the rest: with the same filter, whose times are fixed, and another cursor.
fn rest(path: &str, query: &Form, filter: &Filter, cursor: &str) -> String {
    let mut rest =
        format!("{path}?from={}&to={}&cursor={cursor}", filter.from.seconds(), filter.to.seconds());
    for name in FILTERS.iter().filter(|name| !["from", "to", "cursor"].contains(name)) {
        if let Some(value) = query.get(name) {
            rest.extend(["&", name, "="]);
            rest.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
    }
    rest
}

/// Reads a page of the events that a filter finds.
pub(super) async fn collect<P: Platform>(
    context: Context<'_, P>,
    cursor: Cursor,
    filter: &Filter,
    limit: u32,
) -> Result<Page, Problem> {
    let last_day = day(Timestamp::from_millis(filter.to.millis().saturating_sub(1))) + LATE_DAYS;
    let find = FindLedgers { first: cursor.ledger.clone(), last_day, limit: MOST_LEDGERS + 1 };
    let ledgers = context.server.platform.ledger(OUTBOXES, find).await?;
    let mut events = Vec::new();
    for (read, ledger) in (0..).zip(ledgers) {
        let after = if ledger == cursor.ledger { cursor.after } else { 0 };
        let left = limit.saturating_sub(u32::try_from(events.len()).unwrap_or(u32::MAX));
        if left == 0 || read == MOST_LEDGERS {
            return Ok(Page { events, next_cursor: Some(Cursor { ledger, after }.encode()) });
        }
        let ask = ReadEvents { after, limit: left, filter: filter.clone() };
        let found = context.server.platform.ledger(&ledger.to_string(), ask).await?;
        events.extend(found.records);
        if let Some(after) = found.next {
            return Ok(Page { events, next_cursor: Some(Cursor { ledger, after }.encode()) });
        }
    }
    Ok(Page { events, next_cursor: None })
}

pub(super) fn day(at: Timestamp) -> u32 {
    u32::try_from(at.seconds() / DAY).unwrap_or(u32::MAX)
}

/// Reads the filter. Without `from` and `to`, these are the last 24 hours.
fn filter(query: &Form, now: Timestamp) -> Result<Filter, Problem> {
    let to = number(query, "to", now.seconds() + 1, 0, LAST)?;
    let from = number(query, "from", to.saturating_sub(DAY), 0, LAST)?;
    if from > to {
        return Err(invalid("from", format!("from is {from}: it must not be after to, which is {to}")));
    }
    let at = |seconds| Timestamp::from_millis(0) + Duration::from_secs(seconds);
    let what = text(query, "what")?;
    if let Some(what) = what.as_deref().filter(|what| !is_kind(what)) {
        return Err(invalid("what", format!("what is {what:?}: there is no such kind of event")));
    }
    let outcome = text(query, "outcome")?;
    if let Some(outcome) =
        outcome.as_deref().filter(|name| Outcome::ALL.iter().all(|(known, _)| known != name))
    {
        return Err(invalid("outcome", format!("outcome is {outcome:?}: there is no such outcome")));
    }
    let asn = match query.get("asn") {
        Some(_) => u32::try_from(number(query, "asn", 0, 0, u64::from(u32::MAX))?).ok(),
        None => None,
    };
    let policy = text(query, "policy")?;
    if let Some(policy) = policy.as_deref().filter(|policy| !VERDICTS.contains(policy)) {
        let detail = format!("policy is {policy:?}: it must be one of {}", VERDICTS.join(", "));
        return Err(invalid("policy", detail));
    }
    let (client_id, account) = (text(query, "client_id")?, text(query, "account")?);
    let (from, to) = (at(from), at(to));
    Ok(Filter { from, to, client_id, account, what, outcome, asn, policy, with_facts: false })
}

fn is_kind(text: &str) -> bool {
    json::is_name::<What>(text)
        || json::is_name::<Changed>(text)
        || json::is_name::<SignInKind>(text)
        || json::is_name::<AlertKind>(text)
}

pub(super) fn text(query: &Form, name: &'static str) -> Result<Option<String>, Problem> {
    match query.get(name) {
        Some(text) if text.len() > LONGEST => {
            Err(invalid(name, format!("{name} must have at most {LONGEST} bytes")))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

pub(super) fn number(
    query: &Form,
    name: &'static str,
    default: u64,
    least: u64,
    most: u64,
) -> Result<u64, Problem> {
    let Some(text) = query.get(name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        invalid(name, format!("{name} is {text:?}: it must be a whole number from {least} to {most}"))
    })
}

/// Returns where the page begins, but nowhere before the filter does.
fn cursor(query: &Form, filter: &Filter) -> Result<Cursor, Problem> {
    let Some(text) = query.get("cursor") else { return Ok(Cursor::begin(None, filter.from)) };
    let bad = || invalid("cursor", "cursor must be the next_cursor of a previous page".to_owned());
    Ok(Cursor::begin(Some(Cursor::decode(text).ok_or_else(bad)?), filter.from))
}

pub(super) fn invalid(name: &str, detail: String) -> Problem {
    Problem::Invalid(vec![Fault::at(name, detail)])
}
