//! Who was refused by policy in the last days, and who would have been: each row leads to a draft of an exception.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::{Block, Cell, Field, Form, Kind, Page, Table, Tone};
use super::value::{cell, list, next, question, text, texts, time, written};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

/// What rows can be about.
const BY: [(&str, &str); 6] = [
    ("client", "Client"),
    ("group", "Group"),
    ("country", "Country"),
    ("network", "Network"),
    ("account", "Person"),
    ("unknown_client", "Client that nobody registered"),
];

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let value = |name: &str, otherwise: &str| sent.get(name).unwrap_or(otherwise).to_owned();
    let (by, days, cursor) = (value("by", "client"), value("days", "7"), value("cursor", ""));
    let asked = question([("by", by.clone()), ("days", days.clone()), ("cursor", cursor)]);
    let answer = api.get(&format!("/policy/report{asked}")).await?.body;
    let table = Table {
        caption: "Who was or would have been refused",
        columns: &["Name", "Would be refused", "Refused", "People", "Decided by", "Last", "Let through"],
        rows: list(&answer, "rows").iter().map(row).collect(),
        empty: "Nobody: in these days, the policy refused nothing, and would have refused nothing.",
        next: next("/report", &sent, &["by", "days"], &answer),
    };
    let choices = BY.map(|(value, name)| (value.to_owned(), name.to_owned())).to_vec();
    let search = Form {
        step: "search",
        searches: true,
        fields: vec![
            Field::line("by", "By", "").of(Kind::Choice(choices)).with(by),
            Field::line("days", "Days", "A row is new if it did not occur before these days.")
                .of(Kind::Number)
                .with(days),
        ],
        button: "Show",
        ..Form::default()
    };
    let blocks = vec![
        Block::Text("Look here before you enforce a policy. “Would be refused” counts logins that went on only because a rule, or the whole policy, just reports.".to_owned()),
        Block::Form(search),
        Block::Table(table),
        Block::Call("GET /admin/api/policy/report".to_owned()),
    ];
    Ok(Page::new("Would have been blocked", blocks))
}

fn row(row: &Value) -> Vec<Cell> {
    let mut name = vec![Cell::Mono(text(row, "key").to_owned())];
    if row["new"] == true {
        name.push(Cell::Badge(Tone::Warning, "new".to_owned()));
    }
    let more = if row["more_people"] == true { " or more" } else { "" };
    let draft = &row["draft"];
    let lead = if draft.is_object() {
        Cell::link(draft_address(draft), "Draft an exception")
    } else {
        Cell::of(None)
    };
    vec![
        Cell::Lines(name),
        points(&row["would_refuse"]),
        points(&row["refused"]),
        Cell::Text(format!("{}{more}", written(&row["people"]))),
        cell(row, "decided_by"),
        time(row, "last_at"),
        lead,
    ]
}

/// Returns how often something happened at each point.
fn points(of: &Value) -> Cell {
    let members = of.as_object().into_iter().flatten();
    let lines: Vec<Cell> = members
        .map(|(point, count)| Cell::Text(format!("{} {}", written(count), point.replace('_', " "))))
        .collect();
    if lines.is_empty() { Cell::of(None) } else { Cell::Lines(lines) }
}

/// Returns the address of the form, filled in with a draft of the API.
fn draft_address(draft: &Value) -> String {
    let lifts = texts(draft, "lifts").join("\n");
    let members =
        [("id", text(draft, "id").to_owned()), ("when", draft["when"].to_string()), ("lifts", lifts)];
    format!("/exceptions{}", question(members))
}
