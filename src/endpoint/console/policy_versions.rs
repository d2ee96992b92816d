//! The versions of the policy: a list, and a page for each, with the way back to it.

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Page, Table, VERSION};
use super::form;
use super::policy::{differences, document, instant};
use super::value::{actor, cell, encoded, list, pretty, written};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

const CHANGED: &str = "What this version changed";
const BACK: &str = "What going back to it would change";

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let answer = api.get("/policy/versions").await?.body;
    let row = |edit: &Value| {
        let version = written(&edit["version"]);
        vec![
            Cell::link(format!("/policy/versions/{version}"), format!("Version {version}")),
            instant(edit, "changed_at"),
            actor(&edit["author"]),
            cell(edit, "reason"),
        ]
    };
    let table = Table {
        caption: "Versions of the policy",
        columns: &["Version", "Made", "Author", "Reason"],
        rows: list(&answer, "versions").iter().map(row).collect(),
        empty: "Nobody has written a policy yet.",
        next: None,
    };
    let text =
        Block::Text("The last 200 versions are kept. Any of them can be made the newest again.".to_owned());
    let call = Block::Call("GET /admin/api/policy/versions".to_owned());
    Ok(Page::new("History of the policy", vec![text, Block::Table(table), call]).below("/policy", "Policy"))
}

pub(super) async fn one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    number: &str,
) -> Result<Page, Problem> {
    let found = api.get(&format!("/policy/versions/{}", encoded(number))).await?.body;
    let present = api.get("/policy").await?;
    let facts = vec![
        ("Made", instant(&found, "changed_at")),
        ("Author", actor(&found["author"])),
        ("Reason", cell(&found, "reason")),
    ];
    let mut blocks = vec![Block::Facts(facts)];
    if found["changes"].is_array() {
        blocks.extend([Block::Heading(CHANGED), Block::Table(differences(CHANGED, &found))]);
    }
    blocks.extend([Block::Heading("The document"), Block::Code(pretty(&document(found)))]);
    let newest = written(&present.body["version"]);
    if newest != number {
        let against = format!("/policy/versions/{}?against={newest}", encoded(number));
        let since = api.get(&against).await?.body;
        blocks.extend([
            Block::Heading(BACK),
            Block::Table(differences(BACK, &since)),
            Block::Form(rollback(present.etag.unwrap_or_default())),
        ]);
    }
    blocks.push(Block::Call(format!(
        "GET /admin/api/policy/versions/{number}, POST /admin/api/policy/rollback"
    )));
    Ok(Page::new(format!("Version {number}"), blocks).below("/policy/versions", "History of the policy"))
}

fn rollback(etag: String) -> Form {
    Form {
        step: "rollback",
        intro: "Make this document the newest version again. It is in force at once.".to_owned(),
        hidden: vec![(VERSION, etag)],
        fields: vec![Field::line("reason", "Reason", "Why you go back. It stays in the history.")],
        button: "Go back to this version",
        ..Form::default()
    }
}

pub(super) async fn act_one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    number: &str,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "rollback" => {
            let number: u64 = number.parse().map_err(|_| Problem::NotFound)?;
            let body = json!({ "version": number, "reason": form::member(sent, "reason") });
            let etag = sent.get(VERSION);
            let now = api.send("POST", "/policy/rollback", Some(&body), etag).await?.body;
            Ok(Acted::Done(format!("Version {} is in force, with this document.", written(&now["version"]))))
        }
        _ => Err(form::unknown(step)),
    }
}
