//! The ledger: a search, and a page for an event.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::{Block, Cell, Field, Form, Kind, Page, Table, Tone};
use super::form;
use super::value::{capitalized, cell, encoded, list, millis, mono, next, pretty, question, text};
use crate::endpoint::admin::event::MOST_DAYS;
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::time::Timestamp;

/// The fields of the search, with what the API calls them. The API takes seconds since 1970 for the first two.
const FILTERS: [&str; 7] = ["from", "to", "what", "outcome", "client_id", "account", "asn"];
/// Seconds in a day.
const DAY: u64 = 86_400;
/// The most calls to find one event.
const MOST_SPANS: u64 = 4;

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let search = Block::Form(search(&sent));
    let answer = match asked(&sent) {
        Ok(asked) => api.get(&format!("/events{asked}")).await,
        Err(problem) => Err(problem),
    };
    let mut blocks = vec![Block::Text(
        "Every decision and every change, in chains that show whether somebody altered them.".to_owned(),
    )];
    match answer {
        Ok(answer) => blocks.extend([search, Block::Table(events(&answer.body, &sent))]),
        // The search stays, so that what was wrong can be changed.
        Err(problem @ (Problem::Invalid(_) | Problem::Malformed(_))) => {
            blocks.extend([Block::Notice(Tone::Bad, faults(&problem)), search]);
        }
        Err(problem) => return Err(problem),
    }
    blocks.extend([
        Block::Facts(vec![("Verify", Cell::link("/ledger/verify", "Find out whether a day was altered"))]),
        Block::Call("GET /admin/api/events; GET /admin/api/events/export for a program".to_owned()),
    ]);
    Ok(Page::new("Ledger", blocks))
}

pub(super) fn faults(problem: &Problem) -> String {
    let faults: Vec<String> = problem.errors().iter().map(|fault| fault.detail.clone()).collect();
    if faults.is_empty() { problem.detail() } else { faults.join(" · ") }
}

fn search(sent: &Sent) -> Form {
    let with = |field: Field| {
        let value = sent.get(field.name).unwrap_or_default().to_owned();
        field.with(value)
    };
    let fields = vec![
        Field::line("from", "From", "In UTC. Empty: a day before the end.").of(Kind::Instant),
        Field::line("to", "To", "In UTC. Empty: now.").of(Kind::Instant),
        Field::line(
            "what",
            "Kind of event",
            "Such as approved, or policy_changed: docs/ledger.md lists them.",
        ),
        Field::line("outcome", "Outcome", "Such as refused: docs/ledger.md lists them."),
        Field::line("client_id", "Client ID", ""),
        Field::line("account", "Account", "Its sub."),
        Field::line("asn", "Network", "An AS number, such as 64500."),
    ];
    let fields = fields.into_iter().map(with).collect();
    let folded = FILTERS.iter().all(|name| sent.get(name).is_none());
    Form { step: "search", searches: true, fields, button: "Search", folded, ..Form::default() }
}

/// Returns what the API is asked for.
fn asked(sent: &Sent) -> Result<String, Problem> {
    let mut parameters = Vec::new();
    for name in FILTERS.iter().chain(&["cursor"]) {
        let value = sent.get(name).unwrap_or_default().trim();
        let value = match *name {
            "from" | "to" if !value.is_empty() => seconds(&form::instant(sent, name)?),
            _ => value.to_owned(),
        };
        parameters.push((*name, value));
    }
    Ok(question(parameters))
}

fn seconds(instant: &str) -> String {
    Timestamp::parse(instant).map(|at| at.seconds().to_string()).unwrap_or_default()
}

fn events(answer: &Value, sent: &Sent) -> Table {
    let next = next("/ledger", sent, &FILTERS, answer);
    let empty = match next {
        Some(_) => "No event on this page matches. Go on to the next one.",
        None => "No event matches. Without From and To, these are the last 24 hours.",
    };
    Table {
        caption: "Events",
        columns: &["When", "What", "Outcome", "Client", "Account", "Event"],
        rows: list(answer, "events").iter().map(row).collect(),
        empty,
        next,
    }
}

fn row(record: &Value) -> Vec<Cell> {
    let event = &record["event"];
    vec![
        millis(event, "at"),
        Cell::Text(text(event, "what").replace('_', " ")),
        cell(event, "outcome"),
        mono(event, "client_id"),
        mono(event, "account"),
        Cell::link(address(record), text(record, "id")),
    ]
}

/// Returns the address of the page of an event. The API finds an event by its time, so the address has it.
fn address(record: &Value) -> String {
    let at = record["event"]["at"].as_u64().unwrap_or_default() / 1_000;
    format!("/ledger/event?at={at}&id={}", encoded(text(record, "id")))
}

/// Shows one event.
pub(super) async fn event<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let at: u64 = sent.get("at").and_then(|at| at.parse().ok()).ok_or(Problem::NotFound)?;
    let id = sent.get("id").ok_or(Problem::NotFound)?;
    // An alert knows only about when it happened.
    let to = sent.get("to").and_then(|to| to.parse().ok()).unwrap_or(at.saturating_add(1));
    for (at, days) in spans(at, to) {
        match api.get(&format!("/events/{}?at={at}&days={days}", encoded(id))).await {
            Ok(answer) => return Ok(shown(&answer.body)),
            Err(Problem::NotFound) => {}
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::NotFound)
}

/// Returns the spans of days in which an event is looked for that happened from `at` until before `to`, in seconds since 1970:
/// the first second of each, and its days, of which the API looks at so many for one call.
fn spans(at: u64, to: u64) -> impl Iterator<Item = (u64, u64)> {
    let (first, last, most) = (at / DAY, to.saturating_sub(1) / DAY, u64::from(MOST_DAYS));
    let begins = (0..MOST_SPANS).map(move |span| first.saturating_add(span * most));
    begins
        .take_while(move |begin| *begin == first || *begin <= last)
        .map(move |begin| (begin * DAY, (last.max(begin) - begin + 1).min(most)))
}

fn shown(record: &Value) -> Page {
    let event = &record["event"];
    let facts = vec![
        ("When", millis(event, "at")),
        ("Outcome", cell(event, "outcome")),
        ("Reason", cell(event, "reason")),
        ("Client", mono(event, "client_id")),
        ("Account", mono(event, "account")),
        ("Where it is", mono(record, "id")),
    ];
    let blocks = vec![
        Block::Facts(facts),
        Block::Heading("The whole event"),
        Block::Code(pretty(event)),
        Block::Call(
            "GET /admin/api/events/{event}; docs/event.schema.json says what each member means".to_owned(),
        ),
    ];
    Page::new(capitalized(&text(event, "what").replace('_', " ")), blocks).below("/ledger", "Ledger")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_search_become_seconds_and_wrong_ones_are_refused() {
        let ask = |query: &str| asked(&Sent::of_link(query));
        assert_eq!(ask("from=1970-01-01T00%3A01&what=approved"), Ok("?from=60&what=approved".to_owned()));
        assert_eq!(ask("client_id=a%20b&cursor=c"), Ok("?client_id=a%20b&cursor=c".to_owned()));
        assert!(ask("to=tomorrow").is_err());
    }

    #[test]
    fn an_event_is_looked_for_on_every_day_on_which_it_may_have_happened() {
        let found = |at, to| spans(at, to).collect::<Vec<_>>();
        assert_eq!(found(5 * DAY + 7, 5 * DAY + 8), [(5 * DAY, 1)]);
        assert_eq!(found(5 * DAY - 1, 5 * DAY + 1), [(4 * DAY, 2)]);
        assert_eq!(found(0, 30 * DAY), [(0, 14), (14 * DAY, 14), (28 * DAY, 2)]);
        assert_eq!(found(9 * DAY, DAY), [(9 * DAY, 1)], "such an address is nobody's link");
        assert_eq!(found(0, u64::MAX).len(), 4);
    }
}
