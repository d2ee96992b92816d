//! The providers that people sign in with: a list, and a page for each.

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Form, Page, Table, VERSION};
use super::clients::{members, members_form};
use super::form;
use super::value::{cell, encoded, list, mono, on, pretty, text};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let table = Table {
        caption: "Providers",
        columns: &["Name", "ID", "Issuer", "State"],
        rows: list(&api.get("/providers").await?.body, "providers").iter().map(row).collect(),
        empty: "There is no provider: people sign in here, with a passkey or a password. docs/people.md says how to add one.",
        next: None,
    };
    let mut creation = members_form("Add a provider", "");
    "As docs/people.md describes: at least id, name, issuer, client_id and client_secret."
        .clone_into(&mut creation.intro);
    let blocks = vec![
        Block::Table(table),
        Block::Form(creation),
        Block::Call("GET, POST /admin/api/providers".to_owned()),
    ];
    Ok(Page::new("Providers", blocks))
}

fn row(provider: &Value) -> Vec<Cell> {
    let id = text(provider, "id");
    vec![
        Cell::link(format!("/providers/{}", encoded(id)), text(provider, "name")),
        mono(provider, "id"),
        mono(provider, "issuer"),
        on(provider["enabled"].as_bool().unwrap_or(true), "enabled", "disabled"),
    ]
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "members" => {
            let made = api.send("POST", "/providers", Some(&members(sent)?), None).await?.body;
            Ok(Acted::Done(format!("The provider {} is added.", text(&made, "id"))))
        }
        _ => Err(form::unknown(step)),
    }
}

pub(super) async fn one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
) -> Result<Page, Problem> {
    let path = format!("/providers/{}", encoded(id));
    let found = api.get(&path).await?;
    let (provider, etag) = (found.body, found.etag.unwrap_or_default());
    let is_on = provider["enabled"].as_bool().unwrap_or(true);
    let facts = vec![
        ("ID", mono(&provider, "id")),
        ("State", on(is_on, "enabled", "disabled")),
        ("Issuer", mono(&provider, "issuer")),
        ("Client ID there", mono(&provider, "client_id")),
        ("Redirect URI to register there", mono(&provider, "redirect_uri")),
        ("Allowed groups", cell(&provider, "allowed_groups")),
        ("Counts as strong with amr", cell(&provider, "strong_amr")),
        ("Counts as strong with acr", cell(&provider, "strong_acr")),
    ];
    let (step, button) =
        if is_on { ("disable", "Disable the provider") } else { ("enable", "Enable the provider") };
    let switch = Form { ends: is_on, ..Form::button(step, vec![(VERSION, etag.clone())], button) };
    let blocks = vec![
        Block::Facts(facts),
        Block::Form(members_form("Change members", &etag)),
        Block::Form(switch),
        Block::Heading("All members"),
        Block::Code(pretty(&provider)),
        Block::Call(format!("GET, PATCH /admin/api{path}")),
    ];
    Ok(Page::new(text(&provider, "name"), blocks).below("/providers", "Providers"))
}

pub(super) async fn act_one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    let patch = match step {
        "members" => members(sent)?,
        "disable" => json!({ "enabled": false }),
        "enable" => json!({ "enabled": true }),
        _ => return Err(form::unknown(step)),
    };
    api.send("PATCH", &format!("/providers/{}", encoded(id)), Some(&patch), sent.get(VERSION)).await?;
    Ok(Acted::Done("The provider is changed.".to_owned()))
}
