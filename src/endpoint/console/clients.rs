//! The clients: a list, and a page for each.

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone, VERSION};
use super::value::{cell, encoded, list, mono, next, on, pretty, query, text};
use super::{form, usage};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::{json as parser, order};

const GRANTS: [&str; 2] = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"];
const METHODS: [(&str, &str); 3] = [
    ("none", "none: a device that cannot keep a secret"),
    ("client_secret_basic", "client_secret_basic: a secret in the header"),
    ("client_secret_post", "client_secret_post: a secret in the body"),
];

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let answer = api.get(&format!("/clients{}", query(&sent, &["cursor"]))).await?.body;
    let table = Table {
        caption: "Clients",
        columns: &["Name", "Client ID", "Scopes", "Authenticates with", "State"],
        rows: list(&answer, "clients").iter().map(row).collect(),
        empty: "There is no client yet. Create the first one below.",
        next: next("/clients", &sent, &[], &answer),
    };
    Ok(Page::new(
        "Clients",
        vec![
            Block::Text("Programs and devices that can ask people to sign in.".to_owned()),
            Block::Table(table),
            Block::Form(creation()),
            Block::Call("GET /admin/api/clients, POST /admin/api/clients".to_owned()),
        ],
    ))
}

fn row(client: &Value) -> Vec<Cell> {
    let id = text(client, "client_id");
    vec![
        Cell::link(format!("/clients/{}", encoded(id)), text(client, "client_name")),
        mono(client, "client_id"),
        cell(client, "scope"),
        mono(client, "token_endpoint_auth_method"),
        on(client["enabled"].as_bool().unwrap_or(true), "enabled", "disabled"),
    ]
}

fn creation() -> Form {
    let methods = METHODS.map(|(value, name)| (value.to_owned(), name.to_owned()));
    Form {
        step: "create",
        intro: "The client may use the device grant. Everything else can be set on its own page afterwards."
            .to_owned(),
        fields: vec![
            Field::line("client_name", "Name", "People see it when they decide."),
            Field::line("client_id", "Client ID", "Leave it empty for a random one."),
            Field::line("scope", "Scopes", "With spaces between them. Each must have a description.")
                .with("openid"),
            Field::line("owner", "Owner", "Who answers for it. May stay empty."),
            Field::line("token_endpoint_auth_method", "How it authenticates", "")
                .of(Kind::Choice(methods.to_vec())),
            Field::line("refresh_token", "It gets refresh tokens", "").of(Kind::Tick),
        ],
        button: "Create a client",
        folded: true,
        ..Form::default()
    }
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "create" => {
            let client = api.send("POST", "/clients", Some(&created(sent)), None).await?.body;
            Ok(Acted::Shown(with_secret(&client, "The client is created.")))
        }
        _ => Err(form::unknown(step)),
    }
}

fn created(sent: &Sent) -> Value {
    let grants = if sent.get("refresh_token").is_some() { &GRANTS[..] } else { &GRANTS[..1] };
    let members = ["client_name", "client_id", "scope", "owner", "token_endpoint_auth_method"];
    let texts = members.map(|name| (name.to_owned(), form::member(sent, name)));
    order::object(texts.into_iter().chain([("grant_types".to_owned(), json!(grants))])).into()
}

/// Shows a client with its new secret, if it has one: only once.
fn with_secret(client: &Value, said: &str) -> Page {
    let id = text(client, "client_id");
    let mut facts = vec![("Client ID", mono(client, "client_id"))];
    let mut blocks = Vec::new();
    if let Some(secret) = client["client_secret"].as_str() {
        facts.push(("Secret", Cell::Mono(secret.to_owned())));
        let once = "Copy the secret now: the server keeps only its digest, so this is the only time that it is shown.";
        blocks.push(Block::Notice(Tone::Warning, once.to_owned()));
    }
    facts.push(("Its page", Cell::link(format!("/clients/{}", encoded(id)), text(client, "client_name"))));
    blocks.push(Block::Facts(facts));
    Page::new(text(client, "client_name"), blocks).below("/clients", "Clients").saying(said.to_owned())
}

pub(super) async fn one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
) -> Result<Page, Problem> {
    let path = format!("/clients/{}", encoded(id));
    let found = api.get(&path).await?;
    let (client, etag) = (found.body, found.etag.unwrap_or_default());
    let has_secret = text(&client, "token_endpoint_auth_method").starts_with("client_secret_");
    let mut blocks = vec![
        Block::Facts(facts(&client)),
        Block::Heading("Use"),
        Block::Facts(usage::facts(api, id).await?),
        Block::Heading("Change the client"),
        Block::Form(change(&client, &etag)),
    ];
    blocks.push(Block::Form(members_form("Change any member", &etag)));
    if has_secret {
        blocks.push(Block::Form(rotation(&etag)));
    }
    let is_on = client["enabled"].as_bool().unwrap_or(true);
    let (step, button) =
        if is_on { ("disable", "Disable the client") } else { ("enable", "Enable the client") };
    let hidden = vec![(VERSION, etag.clone())];
    blocks.push(Block::Form(Form { ends: is_on, ..Form::button(step, hidden.clone(), button) }));
    blocks.push(Block::Form(Form { ends: true, ..Form::button("delete", hidden, "Delete the client") }));
    blocks.extend([
        Block::Heading("All members"),
        Block::Code(pretty(&client)),
        Block::Call(format!(
            "GET, PATCH, DELETE /admin/api{path}, POST /admin/api{path}/secret, GET /admin/api/usage"
        )),
    ]);
    Ok(Page::new(text(&client, "client_name"), blocks).below("/clients", "Clients"))
}

fn facts(client: &Value) -> Vec<(&'static str, Cell)> {
    let id = encoded(text(client, "client_id"));
    vec![
        ("Client ID", mono(client, "client_id")),
        ("State", on(client["enabled"].as_bool().unwrap_or(true), "enabled", "disabled")),
        ("Owner", cell(client, "owner")),
        ("Scopes", cell(client, "scope")),
        ("Grants", cell(client, "grant_types")),
        ("Authenticates with", mono(client, "token_endpoint_auth_method")),
        ("Registered by", cell(client, "registered_by")),
        ("Devices", Cell::link(format!("/devices?client_id={id}"), "Devices that have access through it")),
        ("Events", Cell::link(format!("/ledger?client_id={id}"), "What the ledger says about it")),
    ]
}

fn change(client: &Value, etag: &str) -> Form {
    Form {
        step: "change",
        hidden: vec![(VERSION, etag.to_owned())],
        fields: vec![
            Field::line("client_name", "Name", "").with(text(client, "client_name")),
            Field::line("scope", "Scopes", "With spaces between them.").with(text(client, "scope")),
            Field::line("owner", "Owner", "Who answers for it.").with(text(client, "owner")),
        ],
        button: "Save",
        ..Form::default()
    }
}

/// Returns a form for any member, as the API takes them.
pub(super) fn members_form(button: &'static str, etag: &str) -> Form {
    let hint =
        "A JSON object with the members to change, such as {\"enabled\": false}. null takes a member away.";
    Form {
        step: "members",
        hidden: vec![(VERSION, etag.to_owned())],
        fields: vec![Field::line("members", "Members", hint).of(Kind::Lines(8))],
        button,
        folded: true,
        ..Form::default()
    }
}

/// Reads what was written in the field of [`members_form`].
pub(super) fn members(sent: &Sent) -> Result<Value, Problem> {
    let text = form::required(sent, "members")?;
    let wrong = "The members must be a JSON object, such as {\"enabled\": false}.";
    match parser::read::<Value>(text) {
        Ok(Value::Object(members)) => Ok(members.into()),
        Ok(_) | Err(_) => Err(Problem::Malformed(wrong.to_owned())),
    }
}

fn rotation(etag: &str) -> Form {
    let hint = "For how many seconds the old secret still works. Empty: it stops working at once.";
    Form {
        step: "rotate",
        hidden: vec![(VERSION, etag.to_owned())],
        fields: vec![Field::line("overlap", "Overlap", hint).of(Kind::Number)],
        button: "Make a new secret",
        folded: true,
        ..Form::default()
    }
}

pub(super) async fn act_one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    let path = format!("/clients/{}", encoded(id));
    let etag = sent.get(VERSION);
    let change = match step {
        "change" => changed(sent),
        "members" => members(sent)?,
        "disable" => json!({ "enabled": false }),
        "enable" => json!({ "enabled": true }),
        "rotate" => {
            let body = json!({ "overlap": form::number(sent, "overlap")? });
            let client = api.send("POST", &format!("{path}/secret"), Some(&body), etag).await?.body;
            return Ok(Acted::Shown(with_secret(&client, "The client has a new secret.")));
        }
        "delete" => return confirm(api, id, etag.unwrap_or_default()).await,
        "delete_now" => {
            api.send("DELETE", &path, None, etag).await?;
            return Ok(Acted::Shown(gone(id)));
        }
        _ => return Err(form::unknown(step)),
    };
    let client = api.send("PATCH", &path, Some(&change), etag).await?.body;
    if client["client_secret"].is_string() {
        return Ok(Acted::Shown(with_secret(&client, "The client is changed, and has a new secret.")));
    }
    Ok(Acted::Done("The client is changed.".to_owned()))
}

fn changed(sent: &Sent) -> Value {
    let members = ["client_name", "scope", "owner"].map(|name| (name.to_owned(), form::member(sent, name)));
    order::object(members).into()
}

/// Says what deleting a client ends, before it is done.
async fn confirm<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    id: &str,
    etag: &str,
) -> Result<Acted, Problem> {
    let counted = super::access::count(api, "/devices/end", &json!({ "client_id": id })).await?;
    let said = format!(
        "{} through this client. Once it is deleted, none of them can refresh its tokens.",
        counted.devices()
    );
    let hidden = vec![(VERSION, etag.to_owned())];
    let blocks = vec![
        Block::Notice(Tone::Warning, said),
        Block::Form(Form { ends: true, ..Form::button("delete_now", hidden, "Delete the client for ever") }),
        Block::Call(format!("DELETE /admin/api/clients/{}", encoded(id))),
    ];
    let page = Page::new(format!("Delete {id}?"), blocks);
    Ok(Acted::Shown(page.below(format!("/clients/{}", encoded(id)), "Back to the client")))
}

fn gone(id: &str) -> Page {
    let said = format!("The client {id} is deleted.");
    Page::new("Deleted", Vec::new()).below("/clients", "Clients").saying(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_client_has_the_device_grant_and_refresh_tokens_only_if_they_are_ticked() {
        let sent = |form: &str| created(&Sent::parse(form.as_bytes()).unwrap());

        let without = sent("client_name=TV&scope=openid");
        assert_eq!(without["grant_types"], json!([GRANTS[0]]));
        assert_eq!((&without["client_name"], &without["client_id"]), (&json!("TV"), &Value::Null));
        assert_eq!(sent("client_name=TV&refresh_token=yes")["grant_types"], json!(GRANTS));
    }

    #[test]
    fn members_that_are_no_object_are_refused() {
        let read = |text: &str| members(&Sent::of_link(&format!("members={}", encoded(text))));
        assert_eq!(read(r#"{"enabled": false}"#), Ok(json!({ "enabled": false })));
        for text in ["", "[]", "{", "1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
