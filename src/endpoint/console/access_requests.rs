//! What people who are refused have asked for: a list, and a page for each request with the answer to give.

use core::time::Duration;

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone};
use super::form;
use super::value::{actor, cell, count, encoded, link, list, mono, next, question, sentences, text, texts};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::time::Timestamp;

const STATES: [(&str, &str); 4] =
    [("open", "Open"), ("granted", "Granted"), ("refused", "Refused"), ("lapsed", "Lapsed")];
/// How long access is granted for, unless the administrator says otherwise.
const A_WEEK: Duration = Duration::from_secs(7 * 86_400);

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let state = sent.get("state").unwrap_or("open").to_owned();
    let cursor = sent.get("cursor").unwrap_or_default().to_owned();
    let asked = question([("state", state.clone()), ("cursor", cursor)]);
    let answer = api.get(&format!("/access-requests{asked}")).await?.body;
    let table = Table {
        caption: "Access requests",
        columns: &["Person", "Client", "Reason", "Asked", "State"],
        rows: list(&answer, "access_requests").iter().map(row).collect(),
        empty: "There is no such request. People who are refused can ask for access if the policy has access_requests = true.",
        next: next("/access-requests", &sent, &["state"], &answer),
    };
    let states = STATES.map(|(value, name)| (value.to_owned(), name.to_owned()));
    let search = Form {
        step: "search",
        searches: true,
        fields: vec![Field::line("state", "State", "").of(Kind::Choice(states.to_vec())).with(state)],
        button: "Show",
        ..Form::default()
    };
    let call = "GET /admin/api/access-requests".to_owned();
    Ok(Page::new("Access requests", vec![Block::Form(search), Block::Table(table), Block::Call(call)]))
}

fn row(request: &Value) -> Vec<Cell> {
    let id = encoded(text(request, "id"));
    vec![
        Cell::Lines(vec![
            Cell::link(format!("/access-requests/{id}"), text(request, "name")),
            mono(request, "account"),
        ]),
        mono(request, "client_id"),
        cell(request, "reason"),
        instant(text(request, "asked_at")),
        state(request),
    ]
}

fn instant(text: &str) -> Cell {
    Timestamp::parse(text).map_or_else(|| Cell::of(Some(text)), Cell::Time)
}

fn state(request: &Value) -> Cell {
    let name = text(request, "state");
    let tone = match name {
        "open" => Tone::Warning,
        "granted" => Tone::Good,
        _ => Tone::Plain,
    };
    Cell::Badge(tone, name.to_owned())
}

pub(super) async fn one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
) -> Result<Page, Problem> {
    let request = api.get(&format!("/access-requests/{}", encoded(id))).await?.body;
    let mut blocks =
        vec![Block::Facts(facts(&request)), Block::Heading("Where"), Block::Facts(places(&request))];
    if text(&request, "state") == "open" {
        let owner = api.visitor.account.name.clone();
        let note = "Granting makes an exception for this person and this client. It approves no login: the person still decides on the consent page.";
        blocks.extend([Block::Heading("Answer"), Block::Text(note.to_owned())]);
        let warnings = sentences(&texts(&request, "warnings"));
        blocks.extend(warnings.into_iter().map(|warning| Block::Notice(Tone::Warning, warning)));
        blocks.extend([Block::Form(granting(&owner, api.context.now)), Block::Form(refusing())]);
    } else {
        blocks.extend([Block::Heading("Answer"), Block::Facts(outcome(&request))]);
    }
    let id = encoded(id);
    blocks.push(Block::Call(format!(
        "GET /admin/api/access-requests/{id}, POST /admin/api/access-requests/{id}/grant, POST /admin/api/access-requests/{id}/refuse"
    )));
    let title = format!("{} asks for {}", text(&request, "name"), text(&request, "client_name"));
    Ok(Page::new(title, blocks).below("/access-requests", "Access requests"))
}

fn facts(request: &Value) -> Vec<(&'static str, Cell)> {
    let links = texts(request, "exceptions");
    let links =
        links.iter().map(|id| Cell::link(format!("/exceptions/{}", encoded(id)), id.as_str())).collect();
    vec![
        ("Reason", cell(request, "reason")),
        ("Person", link(request, "account", "/people")),
        ("Groups", cell(request, "groups")),
        ("Client", link(request, "client_id", "/clients")),
        ("Scopes", cell(request, "scope")),
        ("Refused by", denied_by(request)),
        ("Has exceptions", Cell::Lines(links)),
        ("Asked", instant(text(request, "asked_at"))),
        ("State", state(request)),
    ]
}

/// Returns the rules that refused the person.
fn denied_by(request: &Value) -> Cell {
    match texts(request, "denied_by").as_slice() {
        [] => Cell::Text("the default: no rule allows it".to_owned()),
        rules => Cell::Lines(rules.iter().cloned().map(Cell::Mono).collect()),
    }
}

/// Returns both places and how far they are apart; only the person's if no device was there.
fn places(request: &Value) -> Vec<(&'static str, Cell)> {
    let comparison = &request["comparison"];
    if comparison.is_null() {
        return vec![("Person", place(&request["person"]))];
    }
    let kilometers = comparison["kilometers"].as_u64();
    let distance = kilometers.map_or_else(String::new, |kilometers| format!(", {}", apart(kilometers)));
    let is = text(&comparison["verdict"], "is");
    let tone = if is == "near" { Tone::Good } else { Tone::Warning };
    vec![
        ("Device", place(&comparison["device"])),
        ("Person", place(&comparison["person"])),
        ("Verdict", Cell::Badge(tone, format!("{is}{distance}"))),
    ]
}

fn apart(kilometers: u64) -> String {
    if kilometers == 0 { "less than 1 km apart".to_owned() } else { format!("about {kilometers} km apart") }
}

fn place(of: &Value) -> Cell {
    let parts = ["city", "region", "country"].map(|name| text(of, name));
    let place: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let place = if place.is_empty() { "an unknown place".to_owned() } else { place.join(", ") };
    let network = match count(of, "asn") {
        0 => None,
        asn => Some(Cell::Mono(format!("AS{asn}"))),
    };
    let mut lines = vec![Cell::Text(place)];
    lines.extend(network);
    lines.push(cell(of, "kind"));
    Cell::Lines(lines)
}

fn granting(owner: &str, now: Timestamp) -> Form {
    let end = (now + A_WEEK).to_string();
    Form {
        step: "grant",
        intro: "Let this person use this client, for a limited time.".to_owned(),
        fields: vec![
            Field::line("expires_at", "Until", "In UTC.")
                .of(Kind::Instant)
                .with(end.get(..16).unwrap_or_default()),
            Field::line("owner", "Owner", "Who answers for the exception.").with(owner),
            Field::line("reason", "Reason", "If it stays empty: the reason of the person."),
            Field::line("ticket", "Ticket", "If it stays empty: the name of this request."),
        ],
        button: "Grant access",
        ..Form::default()
    }
}

fn refusing() -> Form {
    Form {
        step: "refuse",
        intro: "The person reads your message.".to_owned(),
        fields: vec![Field::line("message", "Message", "May stay empty.")],
        button: "Refuse the request",
        ends: true,
        ..Form::default()
    }
}

fn outcome(request: &Value) -> Vec<(&'static str, Cell)> {
    let granted = &request["granted"];
    if granted.is_object() {
        return vec![
            ("Granted by", actor(&granted["by"])),
            ("Granted", instant(text(granted, "at"))),
            ("Until", instant(text(granted, "until"))),
            ("Exception", link(granted, "exception", "/exceptions")),
        ];
    }
    let refused = &request["refused"];
    if refused.is_object() {
        return vec![
            ("Refused by", actor(&refused["by"])),
            ("Refused", instant(text(refused, "at"))),
            ("Message", cell(refused, "message")),
        ];
    }
    vec![("Lapsed", instant(text(request, "lapsed_at")))]
}

pub(super) async fn act_one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    let path = format!("/access-requests/{}", encoded(id));
    match step {
        "grant" => {
            let end = form::instant(sent, "expires_at")?;
            let terms = ["owner", "reason", "ticket"].map(|name| (name.to_owned(), form::member(sent, name)));
            let body = crate::order::object(terms.into_iter().chain([("expires_at".to_owned(), end.into())]));
            let answer = api.send("POST", &format!("{path}/grant"), Some(&body.into()), None).await?.body;
            let warnings = sentences(&texts(&answer, "warnings"));
            let said = format!("Access is granted. {}", warnings.join(" "));
            Ok(Acted::Done(said.trim_end().to_owned()))
        }
        "refuse" => {
            let body = json!({ "message": form::member(sent, "message") });
            api.send("POST", &format!("{path}/refuse"), Some(&body), None).await?;
            Ok(Acted::Done("The request is refused, and the person can read it.".to_owned()))
        }
        _ => Err(form::unknown(step)),
    }
}
