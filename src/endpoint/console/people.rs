//! The people: a list of accounts, and a page for each.

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone, VERSION};
use super::value::{cell, encoded, list, mono, next, query, stage, text, texts, time};
use super::{access, form};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let answer = api.get(&format!("/accounts{}", query(&sent, &["prefix", "cursor"]))).await?.body;
    let table = Table {
        caption: "People",
        columns: &["Name", "Account", "Groups", "Last sign-in", "State"],
        rows: list(&answer, "accounts").iter().map(row).collect(),
        empty: "There is no such account. Invite somebody, or let them sign in with a provider.",
        next: next("/people", &sent, &["prefix"], &answer),
    };
    let prefix =
        Field::line("prefix", "Account begins with", "Such as local:a, or the id of a provider and a colon.")
            .with(sent.get("prefix").unwrap_or_default());
    let search =
        Form { step: "search", searches: true, fields: vec![prefix], button: "Search", ..Form::default() };
    Ok(Page::new(
        "People",
        vec![
            Block::Form(search),
            Block::Table(table),
            Block::Form(creation()),
            Block::Call("GET /admin/api/accounts, POST /admin/api/accounts".to_owned()),
        ],
    ))
}

fn row(account: &Value) -> Vec<Cell> {
    let key = text(account, "account");
    vec![
        Cell::link(format!("/people/{}", encoded(key)), text(account, "name")),
        mono(account, "account"),
        cell(account, "groups"),
        time(account, "last_sign_in"),
        standing(account),
    ]
}

fn standing(account: &Value) -> Cell {
    let is = text(&account["standing"], "is");
    Cell::Badge(if is == "active" { Tone::Good } else { Tone::Warning }, is.to_owned())
}

fn creation() -> Form {
    let intro = "Makes an account in which nobody can sign in yet. Invite the person with the same username afterwards, as a recovery, \
                 so that they choose how they sign in. To invite somebody new, an invitation is enough.";
    Form {
        step: "create",
        intro: intro.to_owned(),
        fields: vec![
            Field::line("username", "Username", ""),
            Field::line("name", "Name", ""),
            Field::line("email", "Email address", "May stay empty."),
            Field::line("groups", "Groups", "One on each line, such as local:staff.").of(Kind::Lines(3)),
        ],
        button: "Create an account",
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
            let body = json!({
                "username": form::member(sent, "username"),
                "name": form::member(sent, "name"),
                "email": form::member(sent, "email"),
                "groups": form::lines(sent, "groups"),
            });
            let account = api.send("POST", "/accounts", Some(&body), None).await?.body;
            Ok(Acted::Done(format!("The account {} is created.", text(&account, "account"))))
        }
        _ => Err(form::unknown(step)),
    }
}

pub(super) async fn one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    key: &str,
) -> Result<Page, Problem> {
    let path = format!("/accounts/{}", encoded(key));
    let found = api.get(&path).await?;
    let (account, etag) = (found.body, found.etag.unwrap_or_default());
    let devices = api.get(&format!("{path}/devices")).await?.body;
    let sessions = api.get(&format!("{path}/sessions")).await?.body;
    let mut blocks =
        vec![Block::Facts(facts(&account)), Block::Heading("Groups"), Block::Form(groups(&account, &etag))];
    blocks.extend([
        Block::Heading("Passkeys"),
        Block::Table(passkeys(&account)),
        Block::Heading("Devices"),
        Block::Table(devices_of(key, &devices)),
        Block::Heading("Sessions"),
        Block::Table(sessions_of(&sessions)),
    ]);
    if !list(&sessions, "sessions").is_empty() {
        let form = Form::button("end_sessions", Vec::new(), "Sign the person out everywhere");
        blocks.push(Block::Form(Form { ends: true, ..form }));
    }
    blocks.extend([Block::Heading("Access of the whole account"), Block::Form(blocking(&account, &etag))]);
    let deletion = Form::button("delete", vec![(VERSION, etag)], "Delete the account");
    blocks.push(Block::Form(Form { ends: true, ..deletion }));
    blocks.push(Block::Call(format!(
        "GET, DELETE /admin/api{path}, PUT …/groups, POST …/block, …/unblock, …/devices/end, …/sessions/end"
    )));
    Ok(Page::new(text(&account, "name"), blocks).below("/people", "People"))
}

fn facts(account: &Value) -> Vec<(&'static str, Cell)> {
    let (key, sub) = (text(account, "account"), text(account, "sub"));
    let mut facts = vec![
        ("Account", mono(account, "account")),
        ("sub", mono(account, "sub")),
        ("State", standing(account)),
        ("Username", cell(account, "username")),
        ("Email address", cell(account, "email")),
        ("Has a password", cell(account, "has_password")),
        ("Created", time(account, "created_at")),
        ("Last sign-in", time(account, "last_sign_in")),
        ("Events", Cell::link(format!("/ledger?account={}", encoded(sub)), "What the ledger says about it")),
        ("Devices", Cell::link(format!("/devices?account={}", encoded(key)), "Search and end devices")),
    ];
    let why = text(&account["standing"], "why");
    if !why.is_empty() {
        facts.insert(3, ("Why", Cell::Text(why.to_owned())));
    }
    facts
}

fn groups(account: &Value, etag: &str) -> Form {
    let local = texts(account, "groups").into_iter().filter(|group| group.starts_with("local:"));
    let local: Vec<String> = local.collect();
    let hint =
        "One on each line, such as local:staff. Groups of providers come from there, and stay as they are.";
    Form {
        step: "groups",
        hidden: vec![(VERSION, etag.to_owned())],
        fields: vec![Field::line("groups", "Local groups", hint).of(Kind::Lines(4)).with(local.join("\n"))],
        button: "Save the groups",
        ..Form::default()
    }
}

fn blocking(account: &Value, etag: &str) -> Form {
    let hidden = vec![(VERSION, etag.to_owned())];
    if text(&account["standing"], "is") == "blocked" {
        return Form::button("unblock", hidden, "Let the account in again");
    }
    let why = Field::line("why", "Why", "Administrators see it here. May stay empty.");
    Form {
        step: "block",
        intro: "Nobody can sign in to a blocked account, and its devices and sessions end.".to_owned(),
        hidden,
        fields: vec![why],
        button: "Block the account",
        ends: true,
        ..Form::default()
    }
}

fn passkeys(account: &Value) -> Table {
    let row = |passkey: &Value| {
        vec![
            cell(passkey, "name"),
            time(passkey, "created_at"),
            time(passkey, "last_used_at"),
            mono(passkey, "aaguid"),
        ]
    };
    Table {
        caption: "Passkeys",
        columns: &["Name", "Created", "Last used", "Model"],
        rows: list(account, "passkeys").iter().map(row).collect(),
        empty: "The account has no passkey. The person adds one on the page of their account.",
        next: None,
    }
}

fn devices_of(key: &str, devices: &Value) -> Table {
    let row = |device: &Value| {
        let client = Cell::link(
            format!("/clients/{}", encoded(text(device, "client_id"))),
            text(device, "client_name"),
        );
        let (id, about) = (text(device, "id"), format!("this device with {}", text(device, "client_name")));
        vec![
            Cell::Lines(vec![client, cell(device, "scope")]),
            stage(&device["approved"]),
            time(device, "last_used_at"),
            Cell::button("end_device", ("device", &format!("{key} {id}")), "End", &about),
        ]
    };
    Table {
        caption: "Devices",
        columns: &["Client", "Approved", "Last used", "End"],
        rows: list(devices, "devices").iter().map(row).collect(),
        empty: "No device has access.",
        next: None,
    }
}

fn sessions_of(sessions: &Value) -> Table {
    let row = |session: &Value| {
        vec![
            cell(session, "how"),
            stage(&session["started"]),
            time(session, "auth_time"),
            time(session, "ends_at"),
        ]
    };
    Table {
        caption: "Sessions",
        columns: &["Signed in with", "Started", "Authenticated", "Ends"],
        rows: list(sessions, "sessions").iter().map(row).collect(),
        empty: "The person is signed in nowhere.",
        next: None,
    }
}

pub(super) async fn act_one<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    key: &str,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    let path = format!("/accounts/{}", encoded(key));
    let (method, below, body, said) = match step {
        "groups" => (
            "PUT",
            "/groups",
            Some(json!({ "groups": form::lines(sent, "groups") })),
            "The groups are saved.",
        ),
        "block" => {
            let body = json!({ "why": form::member(sent, "why") });
            ("POST", "/block", Some(body), "The account is blocked, and its access is ended.")
        }
        "unblock" => ("POST", "/unblock", None, "The account can be used again."),
        "end_sessions" => ("POST", "/sessions/end", None, "The person is signed out everywhere."),
        "end_device" => return access::end_device(api, sent).await,
        "delete" => return confirm(api, key, sent.get(VERSION).unwrap_or_default()).await,
        "delete_now" => {
            api.send("DELETE", &path, None, sent.get(VERSION)).await?;
            let page = Page::new("Deleted", Vec::new()).below("/people", "People");
            return Ok(Acted::Shown(page.saying(format!("The account {key} is deleted."))));
        }
        _ => return Err(form::unknown(step)),
    };
    api.send(method, &format!("{path}{below}"), body.as_ref(), sent.get(VERSION)).await?;
    Ok(Acted::Done(said.to_owned()))
}

/// Says what deleting an account ends, before it is done.
async fn confirm<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    key: &str,
    etag: &str,
) -> Result<Acted, Problem> {
    let path = format!("/accounts/{}", encoded(key));
    let devices = api.send("POST", &format!("{path}/devices/end?dry_run=true"), None, None).await?.body;
    let sessions = api.send("POST", &format!("{path}/sessions/end?dry_run=true"), None, None).await?.body;
    let count = |of: &Value| of["count"].as_u64().unwrap_or_default();
    let said = format!(
        "This ends {} devices and {} sessions, and takes the passkeys and the name away.",
        count(&devices),
        count(&sessions)
    );
    let form = Form::button("delete_now", vec![(VERSION, etag.to_owned())], "Delete the account for ever");
    let blocks = vec![
        Block::Notice(Tone::Warning, said),
        Block::Form(Form { ends: true, ..form }),
        Block::Call(format!("DELETE /admin/api{path}")),
    ];
    let page = Page::new(format!("Delete {key}?"), blocks);
    Ok(Acted::Shown(page.below(format!("/people/{}", encoded(key)), "Back to the account")))
}
