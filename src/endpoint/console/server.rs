//! The server itself: its settings, and what it finds out about itself.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::{Acted, Block, Cell, Form, Page, Table, Tone};
use super::form;
use super::value::{cell, list, text};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let (set, others): (Vec<Value>, Vec<Value>) = list(&api.get("/settings").await?.body, "settings")
        .into_iter()
        .partition(|setting| setting["is_set"] == true);
    let table = Table {
        caption: "Settings",
        columns: &["Name", "Value"],
        rows: set.iter().map(setting).collect(),
        empty: "No setting is set: all have their defaults.",
        next: None,
    };
    let others: Vec<&str> = others.iter().map(|setting| text(setting, "name")).collect();
    let intro = "The doctor looks at every object, client, key and provider, and says what is wrong and what to do. It changes nothing.";
    let doctor = Form { intro: intro.to_owned(), ..Form::button("examine", Vec::new(), "Ask the doctor") };
    Ok(Page::new(
        "Settings",
        vec![
            Block::Form(doctor),
            Block::Heading("Settings that are set"),
            Block::Text(
                "They change with a deployment: docs/settings.md explains each. Secrets are not shown."
                    .to_owned(),
            ),
            Block::Table(table),
            Block::Heading("Settings that have their default"),
            Block::Code(others.join("\n")),
            Block::Call("GET /admin/api/settings, GET /admin/api/doctor".to_owned()),
        ],
    ))
}

fn setting(setting: &Value) -> Vec<Cell> {
    let value = match setting["value"].as_str() {
        Some(value) => Cell::Mono(value.to_owned()),
        None => Cell::Text("a secret".to_owned()),
    };
    vec![Cell::Mono(text(setting, "name").to_owned()), value]
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, _): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "examine" => Ok(Acted::Shown(findings(&list(&api.get("/doctor").await?.body, "checks")))),
        _ => Err(form::unknown(step)),
    }
}

fn findings(checks: &[Value]) -> Page {
    let problems = checks.iter().filter(|check| text(check, "state") == "problem").count();
    let notice = match problems {
        0 => Block::Notice(Tone::Good, "The doctor found nothing that does not work.".to_owned()),
        1 => Block::Notice(Tone::Bad, "The doctor found something that does not work.".to_owned()),
        several => Block::Notice(Tone::Bad, format!("The doctor found {several} things that do not work.")),
    };
    let row = |check: &Value| {
        let state = text(check, "state");
        let tone = match state {
            "ok" => Tone::Good,
            "problem" => Tone::Bad,
            "notice" => Tone::Warning,
            _ => Tone::Plain,
        };
        let mut found = vec![cell(check, "found")];
        found.extend((!text(check, "todo").is_empty()).then(|| cell(check, "todo")));
        let name = text(check, "name").replace('_', " ");
        vec![Cell::Text(name), Cell::Badge(tone, state.to_owned()), Cell::Lines(found)]
    };
    let table = Table {
        caption: "What the doctor found",
        columns: &["What", "State", "Found, and what to do"],
        rows: checks.iter().map(row).collect(),
        empty: "",
        next: None,
    };
    let call = Block::Call("GET /admin/api/doctor; make doctor".to_owned());
    Page::new("Doctor", vec![notice, Block::Table(table), call]).below("/settings", "Settings")
}
