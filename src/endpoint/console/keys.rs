//! The keys that sign tokens.

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone};
use super::form;
use super::value::{cell, encoded, list, mono, text, time};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let keys = list(&api.get("/keys").await?.body, "keys");
    let table = Table {
        caption: "Signing keys",
        columns: &["Algorithm", "Key ID", "State", "Signs from", "Verifies until", "Retire"],
        rows: keys.iter().map(row).collect(),
        empty: "There is no key yet: the first token makes one.",
        next: None,
    };
    let intro = "Tokens are signed with the active key of their algorithm. An announced key is published, and becomes active next.";
    Ok(Page::new(
        "Keys",
        vec![
            Block::Text(intro.to_owned()),
            Block::Table(table),
            Block::Form(rotation(&keys)),
            Block::Call(
                "GET /admin/api/keys, POST /admin/api/keys/rotate, POST /admin/api/keys/{kid}/retire"
                    .to_owned(),
            ),
        ],
    ))
}

fn row(key: &Value) -> Vec<Cell> {
    let (kid, state) = (text(key, "kid"), text(key, "state"));
    let tone = match state {
        "active" => Tone::Good,
        "retired" => Tone::Warning,
        _ => Tone::Plain,
    };
    let retire = Cell::button("retire", ("kid", kid), "Retire", &format!("the key {kid}"));
    vec![
        cell(key, "alg"),
        mono(key, "kid"),
        Cell::Badge(tone, state.to_owned()),
        time(key, "signs_from"),
        time(key, "verifies_until"),
        if matches!(state, "retired" | "ended") { Cell::of(None) } else { retire },
    ]
}

fn rotation(keys: &[Value]) -> Form {
    let mut algorithms = vec![(String::new(), "all that are in use".to_owned())];
    for key in keys {
        let alg = text(key, "alg").to_owned();
        if algorithms.iter().all(|(other, _)| *other != alg) {
            algorithms.push((alg.clone(), alg));
        }
    }
    let hint = "Only if the present key may be known to others: APIs that keep the published keys for a while refuse new tokens until then.";
    Form {
        step: "rotate",
        intro: "The announced key becomes active, and a new one is announced. Tokens that were signed before stay good.".to_owned(),
        fields: vec![
            Field::line("alg", "Algorithm", "").of(Kind::Choice(algorithms)),
            Field::line("at_once", "With a key that nobody has seen yet", hint).of(Kind::Tick),
        ],
        button: "Rotate the keys",
        folded: true,
        ..Form::default()
    }
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "rotate" => {
            let body = json!({ "alg": form::member(sent, "alg"), "at_once": sent.get("at_once").is_some() });
            api.send("POST", "/keys/rotate", Some(&body), None).await?;
            Ok(Acted::Done("The keys are rotated.".to_owned()))
        }
        "retire" => Ok(Acted::Shown(confirm(form::required(sent, "kid")?))),
        "retire_now" => {
            let kid = form::required(sent, "kid")?;
            api.send("POST", &format!("/keys/{}/retire", encoded(kid)), None, None).await?;
            Ok(Acted::Done(format!("The key {kid} is retired.")))
        }
        _ => Err(form::unknown(step)),
    }
}

/// Says what retiring a key ends, before it is done.
fn confirm(kid: &str) -> Page {
    let said = "Every token that this key signed stops being good at once, wherever it is verified with the published keys. \
                Do it if the key may be known to others; otherwise rotate.";
    let hidden = vec![("kid", kid.to_owned())];
    let blocks = vec![
        Block::Notice(Tone::Warning, said.to_owned()),
        Block::Form(Form { ends: true, ..Form::button("retire_now", hidden, "Retire the key for ever") }),
        Block::Call(format!("POST /admin/api/keys/{}/retire", encoded(kid))),
    ];
    Page::new(format!("Retire the key {kid}?"), blocks).below("/keys", "Keys")
}
