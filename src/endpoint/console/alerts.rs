//! The alerts: what the server itself has noticed, with the events that show it, and the kill switch that stops it.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table};
use super::value::{actor, count, encoded, list, mono, next, question, text, texts, time};
use super::{form, kill_switches};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

/// The most events that the row of an alert links. The API names more.
const SHOWN: usize = 5;

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let state = sent.get("state").unwrap_or("open").to_owned();
    let cursor = sent.get("cursor").unwrap_or_default().to_owned();
    let asked = question([("state", state.clone()), ("cursor", cursor)]);
    let answer = api.get(&format!("/alerts{asked}")).await?.body;
    let alerts = list(&answer, "alerts");
    let mut blocks = vec![Block::Text(
        "Each alert is something that looks like an attack. docs/detections.md explains every detection, and what to do."
            .to_owned(),
    )];
    blocks.push(Block::Form(search(state.clone())));
    if state == "closed" {
        blocks.push(Block::Table(Table {
            caption: "Closed alerts",
            columns: &["Noticed", "Detection", "About", "Found", "Evidence", "Closed", "By"],
            rows: alerts.iter().map(closed_row).collect(),
            empty: "No alert has been closed.",
            next: next("/alerts", &sent, &["state"], &answer),
        }));
    } else {
        blocks.push(Block::Table(Table {
            caption: "Open alerts",
            columns: &["Noticed", "Detection", "About", "Found", "Evidence", "Stop it", "Close"],
            rows: alerts.iter().map(open_row).collect(),
            empty: "There is no open alert, so there is nothing to do here.",
            next: next("/alerts", &sent, &["state"], &answer),
        }));
    }
    blocks.push(Block::Call("GET /admin/api/alerts, POST /admin/api/alerts/{id}/close".to_owned()));
    Ok(Page::new("Alerts", blocks))
}

fn search(state: String) -> Form {
    let states = [("open", "Open"), ("closed", "Closed")];
    let states = states.map(|(value, name)| (value.to_owned(), name.to_owned())).to_vec();
    Form {
        step: "search",
        searches: true,
        fields: vec![Field::line("state", "State", "").of(Kind::Choice(states)).with(state)],
        button: "Show",
        ..Form::default()
    }
}

fn row(alert: &Value) -> Vec<Cell> {
    vec![
        time(alert, "at"),
        Cell::Text(text(alert, "detection").replace('_', " ")),
        about(alert),
        Cell::Text(count(alert, "count").to_string()),
        evidence(alert),
    ]
}

fn open_row(alert: &Value) -> Vec<Cell> {
    let id = text(alert, "id");
    let draft = &alert["kill_switch"];
    let stop = if draft.is_object() {
        Cell::link(kill_switches::draft_address(draft), "Prepare a kill switch")
    } else {
        Cell::of(None)
    };
    let name = text(alert, "detection").replace('_', " ");
    let mut row = row(alert);
    row.extend([stop, Cell::button("close", ("id", id), "Close", &format!("the alert {name} {id}"))]);
    row
}

fn closed_row(alert: &Value) -> Vec<Cell> {
    let mut row = row(alert);
    row.extend([time(alert, "closed_at"), actor(&alert["closed_by"])]);
    row
}

fn about(alert: &Value) -> Cell {
    let mut lines: Vec<Cell> = ["client_id", "account"]
        .iter()
        .filter(|name| alert[**name].is_string())
        .map(|name| mono(alert, name))
        .collect();
    lines.extend(alert["asn"].as_u64().map(|asn| Cell::Mono(format!("AS{asn}"))));
    if lines.is_empty() { Cell::of(None) } else { Cell::Lines(lines) }
}

/// Returns links to the events. They happened before the last one that was found, and at most a day before the first.
fn evidence(alert: &Value) -> Cell {
    let ids = texts(alert, "evidence");
    let (from, to) = (count(alert, "at").saturating_sub(86_400), count(alert, "last_at") + 1);
    let of = |id: &String| {
        let [from, to] = [from, to].map(|at| at.to_string());
        let query = question([("at", from), ("to", to), ("id", id.clone())]);
        Cell::link(format!("/ledger/event{query}"), id.as_str())
    };
    let mut lines: Vec<Cell> = ids.iter().take(SHOWN).map(of).collect();
    let more = ids.len().saturating_sub(SHOWN);
    lines.extend((more > 0).then(|| Cell::Text(format!("and {more} more"))));
    Cell::Lines(lines)
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "close" => {
            let id = form::required(sent, "id")?;
            api.send("POST", &format!("/alerts/{}/close", encoded(id)), None, None).await?;
            Ok(Acted::Done("The alert is closed.".to_owned()))
        }
        _ => Err(form::unknown(step)),
    }
}
