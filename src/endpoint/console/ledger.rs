//! The ledger: a search, and a page for an event.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::{Block, Cell, Field, Form, Kind, Page, Table, Tone};
use super::form;
use super::value::{capitalized, cell, encoded, list, millis, mono, next, pretty, question, text};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::time::Timestamp;

/// The fields of the search, with what the API calls them. The API takes seconds since 1970 for the first two.
const FILTERS: [&str; 7] = ["from", "to", "what", "outcome", "client_id", "account", "asn"];
/// The most calls for one page.
const MOST_CALLS: u32 = 40;

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
    let client = sent.get("client_id").map(|id| format!("&client_id={}", encoded(id))).unwrap_or_default();
    let mut cursor = String::new();
    for _ in 0..MOST_CALLS {
        let answer = api.get(&format!("/events?from={at}&to={to}{client}{cursor}")).await?.body;
        if let Some(record) = list(&answer, "events").iter().find(|record| text(record, "id") == id) {
            return Ok(shown(record));
        }
        let Some(next) = answer["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={}", encoded(next));
    }
    Err(Problem::NotFound)
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
        Block::Call("GET /admin/api/events; docs/event.schema.json says what each member means".to_owned()),
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
}
