//! The policy: its rules, and a draft with what it would change.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::{Answer, Api};
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone, VERSION};
use super::exceptions::{conditions, parsed};
use super::value::{actor, cell, list, pretty, sentences, text, texts, written};
use super::{form, what_if};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::time::Timestamp;

/// The heading of what a draft changes.
const CHANGES: &str = "What would change in the policy";
/// What an answer of the API says about a policy, and a document does not have.
const TOLD: [&str; 8] =
    ["version", "revision", "author", "reason", "changed_at", "protects", "warnings", "changes"];

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let policy = api.get("/policy").await?.body;
    let rules = Table {
        caption: "Rules",
        columns: &["Rule", "State", "Effect", "When", "Then"],
        rows: list(&policy, "rules").iter().map(rule).collect(),
        empty: "There is no rule yet. Write a draft of a policy.",
        next: None,
    };
    let mut blocks = vec![protection(&policy)];
    blocks.extend(warnings(&policy));
    blocks.extend([
        Block::Facts(vec![
            ("Change it", Cell::link("/policy/draft", "Write a draft")),
            ("Try it", Cell::link("/policy/what-if", "Ask what it would decide")),
            ("Earlier versions", Cell::link("/policy/versions", "Read the history")),
        ]),
        Block::Heading("Rules"),
        Block::Table(rules),
        Block::Heading("The rest of the policy"),
        Block::Facts(facts(&policy)),
        Block::Call("GET /admin/api/policy".to_owned()),
    ]);
    Ok(Page::new("Policy", blocks))
}

/// Says whether the policy protects anybody.
fn protection(policy: &Value) -> Block {
    if policy["protects"] == true {
        Block::Notice(Tone::Good, "Protecting: a login that no rule allows is refused.".to_owned())
    } else {
        let said = "Not protecting: a login that no rule allows goes on. Events and the report say what would have been refused.";
        Block::Notice(Tone::Warning, said.to_owned())
    }
}

/// Returns the warnings of the API, one on each line.
fn warnings(policy: &Value) -> Option<Block> {
    let warnings = texts(policy, "warnings");
    (!warnings.is_empty()).then(|| Block::Notice(Tone::Warning, sentences(&warnings).join("\n")))
}

fn facts(policy: &Value) -> Vec<(&'static str, Cell)> {
    let mut facts = vec![
        ("Default", Cell::Mono(text(policy, "default").to_owned())),
        ("Version", cell(policy, "version")),
        ("Author", actor(&policy["author"])),
        ("Reason", cell(policy, "reason")),
        ("Changed", instant(policy, "changed_at")),
        ("Contact", cell(policy, "contact")),
        ("Help page", cell(policy, "help_uri")),
        ("Longest exception", Cell::Text(format!("{} days", written(&policy["longest_exception_days"])))),
    ];
    if policy["networks"].is_object() {
        facts.push(("Networks", Cell::Lines(conditions(&policy["networks"]))));
    }
    if policy["break_glass"].is_object() {
        facts.push(("Break-glass", Cell::Lines(conditions(&policy["break_glass"]))));
    }
    facts
}

pub(super) fn instant(of: &Value, name: &str) -> Cell {
    Timestamp::parse(text(of, name)).map_or_else(|| cell(of, name), Cell::Time)
}

fn rule(rule: &Value) -> Vec<Cell> {
    let mut when = conditions(&rule["when"]);
    let unless = conditions(&rule["unless"]);
    if !unless.is_empty() {
        when.push(Cell::Text("unless".to_owned()));
        when.extend(unless);
    }
    if when.is_empty() {
        when.push(Cell::Text("always".to_owned()));
    }
    let mut then = conditions(&rule["require"]);
    then.extend(conditions(&rule["limit"]));
    then.extend(rule["message"].as_str().map(|message| Cell::Text(format!("“{message}”"))));
    vec![
        Cell::Lines(vec![Cell::Mono(text(rule, "id").to_owned()), cell(rule, "description")]),
        state(text(rule, "state")),
        cell(rule, "effect"),
        Cell::Lines(when),
        Cell::Lines(then),
    ]
}

fn state(state: &str) -> Cell {
    match state {
        "report_only" => Cell::Badge(Tone::Warning, "report only: not protecting".to_owned()),
        "disabled" => Cell::Badge(Tone::Plain, "disabled".to_owned()),
        state => Cell::Badge(Tone::Good, state.to_owned()),
    }
}

pub(super) async fn draft<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let policy = api.get("/policy").await?.body;
    let without = Block::Text(
        "The draft begins as the policy that is in force. The button only shows what the draft would change."
            .to_owned(),
    );
    // A draft that could not be saved is still there.
    let sent = Sent::of(api.context.request).unwrap_or_default();
    let written = sent.get("document").map_or_else(|| pretty(&document(policy)), str::to_owned);
    let form = Block::Form(trial(&written));
    let call = Block::Call("PUT /admin/api/policy?dry_run=true, POST /admin/api/policy/what-if".to_owned());
    Ok(Page::new("Draft of a policy", vec![without, form, call]).below("/policy", "Policy"))
}

/// Returns the document as it is written.
pub(super) fn document(mut policy: Value) -> Value {
    if let Some(members) = policy.as_object_mut() {
        for name in TOLD {
            members.remove(name);
        }
        // Only a development server without a document has this default, and nobody can write it.
        if members.get("default").is_some_and(|default| default == "allow") {
            members.insert("default".to_owned(), "report_only".into());
        }
    }
    policy
}

fn trial(document: &str) -> Form {
    let hint = "A document as PUT /admin/api/policy takes it: docs/governance.md explains each member.";
    Form {
        step: "try",
        fields: vec![Field::line("document", "Policy", hint).of(Kind::Lines(24)).with(document)],
        button: "Show what it would change",
        ..Form::default()
    }
}

pub(super) async fn act_draft<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "try" => {
            // The tag of the policy as it is: saving then fails if somebody else was faster.
            let before = api.get("/policy").await?;
            let tried = put(api, (sent, "A draft"), "?dry_run=true", before.etag.as_deref()).await?.body;
            let policy = reasoned(sent, "A draft")?;
            let changed = what_if::last_days(api, &policy).await?;
            Ok(Acted::Shown(shown(sent, &tried, changed, before.etag.unwrap_or_default())))
        }
        "save" => {
            let reason = form::required(sent, "reason")?;
            let saved = put(api, (sent, reason), "", sent.get(VERSION)).await?.body;
            Ok(Acted::Done(format!("Version {} is in force.", written(&saved["version"]))))
        }
        _ => Err(form::unknown(step)),
    }
}

/// Returns the document that was written, with the reason for it.
fn reasoned(sent: &Sent, reason: &str) -> Result<Value, Problem> {
    let mut document = parsed(sent, "document")?;
    let members = document.as_object_mut();
    let members =
        members.ok_or_else(|| Problem::Malformed("The policy must be a JSON object.".to_owned()))?;
    members.insert("reason".to_owned(), reason.into());
    Ok(document)
}

async fn put<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (sent, reason): (&Sent, &str),
    query: &str,
    etag: Option<&str>,
) -> Result<Answer, Problem> {
    let document = reasoned(sent, reason)?;
    api.send("PUT", &format!("/policy{query}"), Some(&document), etag).await
}

/// Shows what a draft would change, with the button that makes it the policy.
fn shown(sent: &Sent, tried: &Value, changed: Vec<Block>, etag: String) -> Page {
    let written = form::text(sent, "document").to_owned();
    let save = Form {
        step: "save",
        intro: "Make this draft the policy. It is in force at once.".to_owned(),
        hidden: vec![("document", written.clone()), (VERSION, etag)],
        fields: vec![Field::line("reason", "Reason", "Why you change the policy. It stays in the history.")],
        button: "Make it the policy",
        ..Form::default()
    };
    let mut blocks = vec![protection(tried)];
    blocks.extend(warnings(tried));
    blocks.extend([Block::Heading(CHANGES), Block::Table(differences(CHANGES, tried))]);
    blocks.push(Block::Heading("What would have changed in the last days"));
    blocks.extend(changed);
    blocks.push(Block::Heading("Go on"));
    blocks.extend((!list(tried, "changes").is_empty()).then_some(Block::Form(save)));
    blocks.extend([Block::Form(trial(&written)), Block::Call("PUT /admin/api/policy".to_owned())]);
    Page::new("What the draft would change", blocks).below("/policy/draft", "Draft of a policy")
}

/// Returns what differs between two policies. `caption` says which.
pub(super) fn differences(caption: &'static str, of: &Value) -> Table {
    let value = |change: &Value, name: &str| match &change[name] {
        Value::Null => Cell::of(None),
        value @ (Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_)) => Cell::Mono(value.to_string()),
    };
    let row = |change: &Value| {
        vec![Cell::Mono(text(change, "at").to_owned()), value(change, "before"), value(change, "after")]
    };
    Table {
        caption,
        columns: &["Where", "Before", "After"],
        rows: list(of, "changes").iter().map(row).collect(),
        empty: "Nothing: both policies are the same.",
        next: None,
    }
}
