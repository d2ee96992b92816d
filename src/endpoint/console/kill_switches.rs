//! Kill switches: those that are on, and the form that sets one after it has counted what that would end.

use core::time::Duration;

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone};
use super::value::{actor, cell, count, encoded, list, question, some, text, texts};
use super::{exceptions, form};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::order;
use crate::time::Timestamp;

const A_DAY: Duration = Duration::from_secs(86_400);
/// The fields of the form, which a link can fill in.
const NAMES: [&str; 12] = [
    "id", "reason", "until", "client", "account", "approval", "code", "country", "asn", "networks", "from",
    "to",
];

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let answer = api.get("/kill-switches").await?.body;
    let table = Table {
        caption: "Kill switches that are on",
        columns: &["Name", "Refuses", "Reason", "Until", "Set by", "End"],
        rows: list(&answer, "kill_switches").iter().map(row).collect(),
        empty: "No kill switch is on. The form below sets one, for an attack that goes on right now.",
        next: None,
    };
    let form = creation(&sent, api.context.now);
    let blocks = vec![
        Block::Text("A kill switch ends the devices, sessions and codes that it selects, and refuses new ones until its end. What it has ended stays ended.".to_owned()),
        Block::Table(table),
        Block::Heading("Stop something"),
        Block::Form(form),
        Block::Call("GET /admin/api/kill-switches, POST /admin/api/kill-switches?dry_run=true".to_owned()),
    ];
    Ok(Page::new("Kill switches", blocks))
}

fn row(switch: &Value) -> Vec<Cell> {
    let id = text(switch, "id");
    vec![
        Cell::Mono(id.to_owned()),
        Cell::Lines(exceptions::conditions(&switch["target"])),
        cell(switch, "reason"),
        instant(switch, "until"),
        actor(&switch["by"]),
        Cell::button("end", ("id", id), "End", &format!("the kill switch {id}")),
    ]
}

fn instant(of: &Value, name: &str) -> Cell {
    Timestamp::parse(text(of, name)).map_or_else(|| cell(of, name), Cell::Time)
}

/// Returns the address of the form, filled in with a draft of the API.
pub(super) fn draft_address(draft: &Value) -> String {
    let target = &draft["target"];
    let member = |name: &str| match name {
        "id" | "reason" => text(draft, name).to_owned(),
        "until" => minute(text(draft, name)),
        "from" | "to" => minute(text(&target["started"], name)),
        "networks" => texts(target, name).join("\n"),
        _ => text(target, name).to_owned(),
    };
    format!("/kill-switches{}", question(NAMES.map(|name| (name, member(name)))))
}

/// Returns an instant as a field for it takes it: to the minute.
fn minute(text: &str) -> String {
    text.get(..16).unwrap_or_default().to_owned()
}

fn creation(sent: &Sent, now: Timestamp) -> Form {
    let fields = [
        Field::line("id", "Name", "Small letters, digits and hyphens, such as campaign-7."),
        Field::line("reason", "Reason", "Why it is needed."),
        Field::line("until", "Until", "In UTC. Until then, it refuses new logins.").of(Kind::Instant),
        Field::line("client", "Client", "A client_id."),
        Field::line(
            "account",
            "Account",
            "The key of an account, such as local:bob. Also ends its sessions.",
        ),
        Field::line(
            "approval",
            "Approval",
            "An approval_id. Selects everything that followed from the approval.",
        ),
        Field::line(
            "code",
            "Code",
            "A user code, such as one from a phishing mail. Selects it, and everything that followed from its approval.",
        ),
        Field::line(
            "country",
            "Country",
            "Where the code was requested, such as DE; XX if that is not known.",
        ),
        Field::line("asn", "Network by number", "Such as AS64500."),
        Field::line(
            "networks",
            "Networks by address",
            "One on each line: an address, a /24, or a /48, /56 or /64.",
        )
        .of(Kind::Lines(2)),
        Field::line("from", "Codes requested from", "In UTC. May stay empty.").of(Kind::Instant),
        Field::line("to", "Codes requested before", "In UTC. May stay empty.").of(Kind::Instant),
    ];
    let mut fields = fields.map(|field| {
        let value = sent.get(field.name).unwrap_or_default().to_owned();
        field.with(value)
    });
    if fields[2].value.is_empty() {
        fields[2].value = minute(&(now + A_DAY).to_string());
    }
    Form {
        step: "try",
        intro: "Select what to end, with one condition or several: a login must meet all of them. The next page counts what would end. Nothing ends before that.".to_owned(),
        fields: fields.into(),
        button: "Count what it would end",
        ..Form::default()
    }
}

/// Returns what a form describes, as the API takes it.
fn written(sent: &Sent) -> Result<Value, Problem> {
    let texts = ["client", "account", "approval", "code", "country", "asn"].into_iter();
    let texts = texts.filter(|name| !form::text(sent, name).is_empty());
    let mut target = order::object(texts.map(|name| (name.to_owned(), form::member(sent, name))));
    let networks = form::lines(sent, "networks");
    if !networks.is_empty() {
        target.insert("networks".to_owned(), json!(networks));
    }
    if sent.get("from").is_some() || sent.get("to").is_some() {
        let (from, to) = (form::instant(sent, "from")?, form::instant(sent, "to")?);
        target.insert("started".to_owned(), json!({ "from": from, "to": to }));
    }
    let until = form::instant(sent, "until")?;
    Ok(
        json!({ "id": form::member(sent, "id"), "reason": form::member(sent, "reason"), "until": until, "target": target }),
    )
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "try" => {
            let answer = call(api, sent, &[("dry_run", "true".to_owned())]).await?;
            Ok(Acted::Shown(tried(sent, &answer)))
        }
        "set" => {
            let answer = call(api, sent, &[]).await?;
            if answer["next_cursor"].is_string() {
                return Ok(Acted::Shown(unfinished(sent, &answer)));
            }
            let said =
                format!("The kill switch is on. It has ended {}.{}", amount(&answer), outliving(&answer));
            Ok(Acted::Done(said))
        }
        "end" => {
            let id = form::required(sent, "id")?;
            api.send("POST", &format!("/kill-switches/{}/end", encoded(id)), None, None).await?;
            Ok(Acted::Done("The kill switch is off. What it had ended stays ended.".to_owned()))
        }
        _ => Err(form::unknown(step)),
    }
}

async fn call<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    sent: &Sent,
    also: &[(&'static str, String)],
) -> Result<Value, Problem> {
    let cursor = [("cursor", form::text(sent, "cursor").to_owned())];
    let path = format!("/kill-switches{}", question(also.iter().cloned().chain(cursor)));
    Ok(api.send("POST", &path, Some(&written(sent)?), None).await?.body)
}

fn amount(answer: &Value) -> String {
    let [devices, sessions, codes] =
        ["device", "session", "code"].map(|one| some(count(answer, &format!("{one}s")), one));
    format!("{devices}, {sessions} and {codes}")
}

/// Says until when JWTs that have ended here are good elsewhere; nothing if there is none.
fn outliving(answer: &Value) -> String {
    let until = Timestamp::parse(text(answer, "jwts_until"));
    let said =
        |until| format!(" APIs that check JWTs without asking this server may accept them until {until}.");
    until.map(said).unwrap_or_default()
}

/// Shows what a kill switch would end, with the button that sets it.
fn tried(sent: &Sent, answer: &Value) -> Page {
    let more = answer["next_cursor"].as_str().unwrap_or_default();
    let least = if more.is_empty() { "" } else { "at least " };
    let mut blocks = vec![Block::Notice(
        Tone::Warning,
        format!("This would end {least}{}. Nothing has ended yet.", amount(answer)),
    )];
    blocks.push(Block::Facts(facts(answer)));
    if !more.is_empty() {
        blocks.push(Block::Form(again(sent, "try", more, "Count on")));
    }
    let button = Form {
        intro: "It takes effect at once. What it ends cannot be brought back.".to_owned(),
        ends: true,
        ..again(sent, "set", "", "Set the kill switch")
    };
    blocks.push(Block::Form(button));
    blocks.push(Block::Call("POST /admin/api/kill-switches".to_owned()));
    Page::new("What the kill switch would end", blocks).below("/kill-switches", "Kill switches")
}

/// Shows how far a kill switch has come that selects more than one request ends.
fn unfinished(sent: &Sent, answer: &Value) -> Page {
    let said = format!(
        "The kill switch is on, and refuses all that it selects. It has ended {} so far.",
        amount(answer)
    );
    let more = answer["next_cursor"].as_str().unwrap_or_default();
    let form = Block::Form(again(sent, "set", more, "End the rest"));
    Page::new("There is more to end", vec![Block::Facts(facts(answer)), form])
        .below("/kill-switches", "Kill switches")
        .saying(said)
}

fn facts(answer: &Value) -> Vec<(&'static str, Cell)> {
    let mut facts = vec![
        ("Name", Cell::Mono(text(answer, "id").to_owned())),
        ("Selects", Cell::Lines(exceptions::conditions(&answer["target"]))),
        ("Reason", cell(answer, "reason")),
        ("Until", instant(answer, "until")),
    ];
    if answer["jwts_until"].is_string() {
        facts.push(("JWTs may be accepted elsewhere until", instant(answer, "jwts_until")));
    }
    facts
}

/// Returns a button that sends the same kill switch again.
fn again(sent: &Sent, step: &'static str, cursor: &str, button: &'static str) -> Form {
    let same = NAMES.map(|name| (name, form::text(sent, name).to_owned()));
    let hidden = same.into_iter().chain([("cursor", cursor.to_owned())]).collect();
    Form { step, hidden, button, ..Form::default() }
}
