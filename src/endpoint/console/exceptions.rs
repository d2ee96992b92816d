//! Exceptions from the policy: a list with the form for a new one, and a page for each.

use core::time::Duration;

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone, VERSION};
use super::form;
use super::value::{actor, cell, duration, encoded, link, list, mono, next, pretty, query, text, texts};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::fault::Fault;
use crate::json;
use crate::order;
use crate::time::Timestamp;

/// The last days of an exception, in which its end should catch the eye.
const SOON: u64 = 7;
const A_DAY: u64 = 86_400_000;
/// The members that a link to the form can fill in.
const DRAFT: [&str; 6] = ["id", "when", "lifts", "owner", "reason", "ticket"];

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let now = api.context.now;
    let answer = api.get(&format!("/exceptions{}", query(&sent, &["cursor"]))).await?.body;
    let (live, over): (Vec<Value>, Vec<Value>) =
        list(&answer, "exceptions").into_iter().partition(|exception| exception["is_live"] == true);
    let rows = |exceptions: &[Value]| exceptions.iter().map(|exception| row(exception, now)).collect();
    let live = Table {
        caption: "Exceptions that count",
        columns: &["Exception", "Lets through", "Owner", "Ends", "State"],
        rows: rows(&live),
        empty: "No exception lets anybody through. Add one below, or grant an access request.",
        next: next("/exceptions", &sent, &[], &answer),
    };
    let mut blocks = vec![
        Block::Text("An exception lets the clients and people that it names through until its end. It then ends by itself.".to_owned()),
        Block::Table(live),
        Block::Form(creation(&sent, now)),
    ];
    if !over.is_empty() {
        let over = Table {
            caption: "Exceptions that have ended",
            columns: &["Exception", "Let through", "Owner", "Ended", "State"],
            rows: rows(&over),
            ..Table::default()
        };
        blocks.extend([Block::Heading("Ended"), Block::Table(over)]);
    }
    blocks.push(Block::Call("GET /admin/api/exceptions, POST /admin/api/exceptions".to_owned()));
    Ok(Page::new("Exceptions", blocks))
}

fn row(exception: &Value, now: Timestamp) -> Vec<Cell> {
    vec![
        link(exception, "id", "/exceptions"),
        Cell::Lines(conditions(&exception["when"])),
        cell(exception, "owner"),
        end(exception),
        state(exception, now),
    ]
}

/// Returns conditions, one to a line: `clients: photo-cli, photo-tv`.
pub(super) fn conditions(when: &Value) -> Vec<Cell> {
    let members = when.as_object().into_iter().flatten();
    let line = |(name, value): (&String, &Value)| {
        let name_of = if name == "asn" { "network".to_owned() } else { name.replace('_', " ") };
        Cell::Text(format!("{name_of}: {}", brief(name, value)))
    };
    members.map(line).collect()
}

/// Returns the value of a condition, a requirement or a limit. Ages and lifetimes are in seconds.
fn brief(name: &str, value: &Value) -> String {
    match value {
        Value::Array(all) => all.iter().map(|one| brief(name, one)).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), brief(name, value)));
            members.collect::<Vec<_>>().join("; ")
        }
        Value::Number(number) if name.ends_with("age") || name.ends_with("lifetime") => {
            number.as_u64().map_or_else(|| number.to_string(), duration)
        }
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            super::value::written(value)
        }
    }
}

fn end(exception: &Value) -> Cell {
    let at = Timestamp::parse(text(exception, "expires_at"));
    at.map_or_else(|| cell(exception, "expires_at"), Cell::Time)
}

/// Returns how long an exception still lives, and whether it lets through more than it should.
fn state(exception: &Value, now: Timestamp) -> Cell {
    if exception["is_live"] != true {
        return Cell::Badge(Tone::Plain, "ended".to_owned());
    }
    let mut states = vec![days_left(exception, now)];
    if exception["wide"] == true {
        states.push(Cell::Badge(Tone::Warning, "wide".to_owned()));
    }
    Cell::Lines(states)
}

fn days_left(exception: &Value, now: Timestamp) -> Cell {
    let end = Timestamp::parse(text(exception, "expires_at")).unwrap_or(now);
    let days = end.millis().saturating_sub(now.millis()) / A_DAY;
    let said = match days {
        0 => "less than a day left".to_owned(),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    };
    Cell::Badge(if days < SOON { Tone::Warning } else { Tone::Good }, said)
}

/// Returns the form for a new exception, with what a link has filled in.
fn creation(sent: &Sent, now: Timestamp) -> Form {
    let with = |field: Field| {
        let value = sent.get(field.name).unwrap_or_default().to_owned();
        field.with(value)
    };
    let latest = (now + Duration::from_secs(30 * 86_400)).to_string();
    let fields = [
        Field::line("id", "Name", "Small letters, digits and hyphens, such as bob-lisbon."),
        Field::line(
            "when",
            "What it lets through",
            "Conditions as JSON, as in a rule. Without clients, or without accounts and groups, the exception is marked as wide.",
        )
        .of(Kind::Lines(8)),
        Field::line(
            "lifts",
            "Rules that it lifts",
            "Names of rules that deny, one on each line. May stay empty.",
        )
        .of(Kind::Lines(2)),
        Field::line("owner", "Owner", "Who answers for it, and hears before its end."),
        Field::line("reason", "Reason", "Why it is needed."),
        Field::line("ticket", "Ticket", "Where that was decided."),
    ];
    let mut fields: Vec<Field> = fields.into_iter().map(with).collect();
    if fields[1].value.is_empty() {
        "{\n  \"clients\": [\"\"],\n  \"accounts\": [\"local:\"]\n}".clone_into(&mut fields[1].value);
    } else if let Ok(when) = json::read(&fields[1].value) {
        fields[1].value = pretty(&when);
    }
    let end =
        Field::line("expires_at", "Ends", "In UTC. The policy limits how many days an exception can last.");
    fields.push(end.of(Kind::Instant).with(latest.get(..16).unwrap_or_default()));
    Form {
        step: "create",
        intro: "Everything but the rules is required.".to_owned(),
        fields,
        button: "Add an exception",
        folded: DRAFT.iter().all(|name| sent.get(name).is_none()),
        ..Form::default()
    }
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "create" => {
            let answer = api.send("POST", "/exceptions", Some(&created(sent)?), None).await?.body;
            let warnings = texts(&answer, "warnings");
            let said = format!("The exception {} is in force. {}", text(&answer, "id"), warnings.join(" "));
            Ok(Acted::Done(said.trim_end().to_owned()))
        }
        _ => Err(form::unknown(step)),
    }
}

fn created(sent: &Sent) -> Result<Value, Problem> {
    let texts = ["id", "owner", "reason", "ticket"].map(|name| (name.to_owned(), form::member(sent, name)));
    let lifts = form::lines(sent, "lifts");
    let others = [
        ("when".to_owned(), parsed(sent, "when")?),
        ("lifts".to_owned(), if lifts.is_empty() { Value::Null } else { json!(lifts) }),
        ("expires_at".to_owned(), form::instant(sent, "expires_at")?.into()),
    ];
    Ok(order::object(texts.into_iter().chain(others)).into())
}

/// Reads a field with JSON.
pub(super) fn parsed(sent: &Sent, name: &str) -> Result<Value, Problem> {
    let value = form::required(sent, name)?;
    json::read(value).map_err(|flaw| {
        let (line, column) = flaw.line_and_column(value.as_bytes());
        let detail = format!("{name} is not valid JSON: see line {line}, column {column}");
        Problem::Invalid(vec![Fault::at(name, detail)])
    })
}

pub(super) async fn one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
) -> Result<Page, Problem> {
    let found = api.get(&format!("/exceptions/{}", encoded(id))).await?;
    let (exception, etag, now) = (found.body, found.etag.unwrap_or_default(), api.context.now);
    let mut blocks: Vec<Block> = texts(&exception, "warnings")
        .into_iter()
        .map(|warning| Block::Notice(Tone::Warning, warning))
        .collect();
    blocks.push(Block::Facts(facts(&exception, now)));
    blocks.push(Block::Form(renewal(&etag)));
    if exception["is_live"] == true {
        blocks.push(Block::Form(ending(&etag)));
    }
    let id = encoded(id);
    blocks.push(Block::Call(format!(
        "GET /admin/api/exceptions/{id}, POST /admin/api/exceptions/{id}/renew, POST /admin/api/exceptions/{id}/end"
    )));
    Ok(Page::new(text(&exception, "id"), blocks).below("/exceptions", "Exceptions"))
}

fn facts(exception: &Value, now: Timestamp) -> Vec<(&'static str, Cell)> {
    let renewals = list(exception, "renewals");
    let renewed = renewals.iter().map(|renewal| Cell::Text(text(renewal, "reason").to_owned()));
    let mut facts = vec![
        ("Lets through", Cell::Lines(conditions(&exception["when"]))),
        ("Lifts", cell(exception, "lifts")),
        ("Owner", cell(exception, "owner")),
        ("Reason", cell(exception, "reason")),
        ("Ticket", cell(exception, "ticket")),
        ("Ends", end(exception)),
        ("State", state(exception, now)),
        ("Created by", actor(&exception["created_by"])),
        (
            "Created",
            Timestamp::parse(text(exception, "created_at"))
                .map_or_else(|| mono(exception, "created_at"), Cell::Time),
        ),
    ];
    facts.extend((!renewals.is_empty()).then(|| ("Renewed because", Cell::Lines(renewed.collect()))));
    facts
}

fn renewal(etag: &str) -> Form {
    Form {
        step: "renew",
        intro: "A renewal needs a new reason, and an administrator whom the exception does not name. If it names nobody: one who neither owns it nor has made it. One that has ended begins again."
            .to_owned(),
        hidden: vec![(VERSION, etag.to_owned())],
        fields: vec![
            Field::line("expires_at", "New end", "In UTC.").of(Kind::Instant),
            Field::line("reason", "Reason", "Why it is still needed."),
        ],
        button: "Renew it",
        ..Form::default()
    }
}

fn ending(etag: &str) -> Form {
    Form {
        step: "end",
        intro: "The people that it lets through are refused from now on, unless a rule allows them. After that, only a renewal brings it back.".to_owned(),
        hidden: vec![(VERSION, etag.to_owned())],
        button: "End it now",
        ends: true,
        ..Form::default()
    }
}

pub(super) async fn act_one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    let path = format!("/exceptions/{}", encoded(id));
    let etag = sent.get(VERSION);
    match step {
        "renew" => {
            let end = form::instant(sent, "expires_at")?;
            let body = json!({ "expires_at": end, "reason": form::member(sent, "reason") });
            api.send("POST", &format!("{path}/renew"), Some(&body), etag).await?;
            Ok(Acted::Done("The exception has its new end.".to_owned()))
        }
        "end" => {
            api.send("POST", &format!("{path}/end"), None, etag).await?;
            Ok(Acted::Done("The exception has ended.".to_owned()))
        }
        _ => Err(form::unknown(step)),
    }
}
