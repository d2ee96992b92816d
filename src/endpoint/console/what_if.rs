//! What would the policy decide? About a login that is described, an approval of the past, or the approvals of the last days.

use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone};
use super::exceptions::{conditions, parsed};
use super::form;
use super::value::{cell, count, list, text, texts};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

/// Days whose approvals a draft is tried on.
const DAYS: u64 = 7;

pub(super) fn page() -> Page {
    let login = Form {
        step: "login",
        intro: "Describe a login. What stays empty is not known.".to_owned(),
        fields: vec![
            Field::line("client_id", "Client", "A client_id."),
            Field::line("account", "Person", "The key of an account, such as local:bob."),
            Field::line("groups", "Groups", "One on each line. If it stays empty: those of the account.")
                .of(Kind::Lines(2)),
            Field::line(
                "scope",
                "Scopes",
                "With spaces between them. If it stays empty: those of the client.",
            ),
            Field::line("country", "Country of the device", "Such as DE."),
            Field::line(
                "others",
                "Other facts",
                "As JSON, such as {\"verdict\": \"far\", \"sign_in\": {\"age\": 60}}. May stay empty.",
            )
            .of(Kind::Lines(3)),
        ],
        button: "Ask about this login",
        ..Form::default()
    };
    let past = Form {
        step: "event",
        intro: "Judge an approval of the past again, by the policy as it is now.".to_owned(),
        fields: vec![Field::line(
            "event",
            "Event",
            "The name of the event in the ledger, such as weur/3/17.",
        )],
        button: "Ask about this approval",
        ..Form::default()
    };
    let days = Form {
        step: "days",
        intro: "Judge all approvals of the last days again. A draft is tried on its own page.".to_owned(),
        fields: vec![Field::line("days", "Days", "From 1 to 90.").of(Kind::Number).with(DAYS.to_string())],
        button: "Ask about these days",
        ..Form::default()
    };
    let blocks = vec![
        Block::Text("Asking changes nothing.".to_owned()),
        Block::Form(login),
        Block::Form(past),
        Block::Form(days),
        Block::Call("POST /admin/api/policy/what-if".to_owned()),
    ];
    Page::new("What would the policy decide?", blocks).below("/policy", "Policy")
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    let mut blocks = match step {
        "login" => {
            let login = described(sent)?;
            let answer = ask(api, &json!({ "request": login })).await?;
            vec![
                Block::Facts(vec![("Login", Cell::Lines(conditions(&login)))]),
                Block::Table(judgments(&list(&answer, "present"))),
            ]
        }
        "event" => {
            let answer = ask(api, &json!({ "event": form::required(sent, "event")? })).await?;
            let recorded = &answer["recorded"];
            vec![
                Block::Facts(vec![
                    ("Client", cell(&answer["event"], "client_id")),
                    ("Then decided", cell(recorded, "decided_by")),
                    ("By version", cell(recorded, "version")),
                ]),
                Block::Table(judgments(&[answer["present"].clone()])),
            ]
        }
        "days" => changes(&ask(api, &json!({ "days": form::number(sent, "days")? })).await?),
        _ => return Err(form::unknown(step)),
    };
    blocks.push(Block::Call("POST /admin/api/policy/what-if".to_owned()));
    Ok(Acted::Shown(Page::new("What the policy would decide", blocks).below("/policy/what-if", "Ask again")))
}

async fn ask<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>, question: &Value) -> Result<Value, Problem> {
    Ok(api.send("POST", "/policy/what-if", Some(question), None).await?.body)
}

fn described(sent: &Sent) -> Result<Value, Problem> {
    let mut login: Map<String, Value> = if sent.get("others").is_some() {
        let others = parsed(sent, "others")?;
        let wrong = || Problem::Malformed("Other facts must be a JSON object.".to_owned());
        others.as_object().cloned().ok_or_else(wrong)?
    } else {
        Map::new()
    };
    for name in ["client_id", "account", "scope"].into_iter().filter(|name| sent.get(name).is_some()) {
        login.insert(name.to_owned(), form::member(sent, name));
    }
    let groups = form::lines(sent, "groups");
    if !groups.is_empty() {
        login.insert("groups".to_owned(), json!(groups));
    }
    if let Some(country) = sent.get("country") {
        let device = login.entry("device").or_insert_with(|| json!({})).as_object_mut();
        let device = device.ok_or_else(|| Problem::Malformed("device must be a JSON object.".to_owned()))?;
        device.insert("country".to_owned(), country.trim().into());
    }
    Ok(login.into())
}

/// Returns what decides at each point.
fn judgments(judgments: &[Value]) -> Table {
    let row = |judgment: &Value| {
        vec![
            Cell::Text(text(judgment, "point").replace('_', " ")),
            fate(judgment),
            cell(judgment, "decided_by"),
            Cell::Lines(texts(judgment, "matched").into_iter().map(Cell::Mono).collect()),
            Cell::Lines(conditions(&judgment["would"])),
        ]
    };
    Table {
        caption: "What is decided at each point",
        columns: &["Point", "Outcome", "Decided by", "Rules that apply", "Report-only rules would"],
        rows: judgments.iter().map(row).collect(),
        empty: "Nothing is decided.",
        next: None,
    }
}

fn fate(judgment: &Value) -> Cell {
    let outcome = text(judgment, "outcome");
    let tone = if outcome.starts_with("allow") { Tone::Good } else { Tone::Warning };
    Cell::Badge(tone, outcome.replace('_', " "))
}

/// Returns what a draft would have changed about the approvals of the last days.
pub(super) async fn last_days<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    policy: &Value,
) -> Result<Vec<Block>, Problem> {
    Ok(changes(&ask(api, &json!({ "policy": policy, "days": DAYS })).await?))
}

fn changes(answer: &Value) -> Vec<Block> {
    let row = |change: &Value| {
        vec![
            cell(change, "client_id"),
            Cell::Text(text(change, "before").replace('_', " ")),
            Cell::Text(text(change, "after").replace('_', " ")),
            cell(change, "decided_by"),
            cell(change, "count"),
        ]
    };
    let table = Table {
        caption: "Approvals that would have come out otherwise",
        columns: &["Client", "Was", "Would be", "Decided by", "How often"],
        rows: list(answer, "changes").iter().map(row).collect(),
        empty: "No approval would have come out otherwise.",
        next: None,
    };
    let more =
        if answer["next_cursor"].is_string() { " There are more: the API has the next ones." } else { "" };
    let (judged, unchanged) = (count(answer, "judged"), count(answer, "unchanged"));
    let said = format!("Of {judged} approvals, {unchanged} would have come out as they did.{more}");
    vec![Block::Text(said), Block::Table(table)]
}
