//! The invitations: links with which people make an account, or get into theirs again.

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Kind, Page, Table, Tone};
use super::form;
use super::value::{actor, cell, encoded, list, on, text, time};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

const KINDS: [(&str, &str); 3] = [
    ("account", "A new account"),
    ("recovery", "Another way into an existing account"),
    ("first_administrator", "A new account of an administrator"),
];

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let answer = api.get("/invitations").await?.body;
    let table = Table {
        caption: "Invitations",
        columns: &["For", "Groups", "Invited by", "Ends", "State", "Revoke"],
        rows: list(&answer, "invitations").iter().map(row).collect(),
        empty: "Nobody is invited.",
        next: None,
    };
    Ok(Page::new(
        "Invitations",
        vec![
            Block::Form(invite()),
            Block::Table(table),
            Block::Call("GET, POST /admin/api/invitations, DELETE /admin/api/invitations/{id}".to_owned()),
        ],
    ))
}

fn row(invitation: &Value) -> Vec<Cell> {
    let kind = text(invitation, "kind");
    let name = KINDS.iter().find(|(id, _)| *id == kind).map_or(kind, |(_, name)| name);
    let is_live = invitation["is_live"].as_bool().unwrap_or_default();
    let revoke = Cell::button("revoke", ("id", text(invitation, "id")), "Revoke", "this invitation");
    vec![
        Cell::Lines(vec![Cell::Text(name.to_owned()), cell(invitation, "username")]),
        cell(invitation, "groups"),
        actor(&invitation["created_by"]),
        time(invitation, "ends_at"),
        on(is_live, "open", "ended"),
        if is_live { revoke } else { Cell::of(None) },
    ]
}

fn invite() -> Form {
    let kinds = KINDS.map(|(value, name)| (value.to_owned(), name.to_owned()));
    let hint = "For a new account, leave it empty to let the person choose.";
    Form {
        step: "invite",
        intro: "You get a link once, to give to the person.".to_owned(),
        fields: vec![
            Field::line("kind", "For", "").of(Kind::Choice(kinds.to_vec())),
            Field::line("username", "Username", hint),
            Field::line("groups", "Groups", "Only for a new account: one on each line, such as local:staff.")
                .of(Kind::Lines(3)),
            Field::line("lifetime", "Lifetime in seconds", "Empty: as docs/admin.md says of each kind.")
                .of(Kind::Number),
        ],
        button: "Invite somebody",
        folded: true,
        ..Form::default()
    }
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "invite" => {
            let groups = form::lines(sent, "groups");
            let body = json!({
                "kind": form::member(sent, "kind"),
                "username": form::member(sent, "username"),
                "groups": if groups.is_empty() { Value::Null } else { groups.into() },
                "lifetime": form::number(sent, "lifetime")?,
            });
            let made = api.send("POST", "/invitations", Some(&body), None).await?.body;
            Ok(Acted::Shown(link(&made)))
        }
        "revoke" => {
            let id = form::required(sent, "id")?;
            api.send("DELETE", &format!("/invitations/{}", encoded(id)), None, None).await?;
            Ok(Acted::Done("The invitation is revoked: its link does nothing any more.".to_owned()))
        }
        _ => Err(form::unknown(step)),
    }
}

fn link(made: &Value) -> Page {
    let once =
        "Copy the link now: this is the only time that it is shown. Anybody who has the link can use it.";
    let facts = vec![
        ("Link", Cell::Mono(text(made, "link").to_owned())),
        ("Ends", time(made, "ends_at")),
        ("Groups", cell(made, "groups")),
    ];
    let blocks = vec![Block::Notice(Tone::Warning, once.to_owned()), Block::Facts(facts)];
    Page::new("Invitation", blocks)
        .below("/invitations", "Invitations")
        .saying("The invitation is made.".to_owned())
}
