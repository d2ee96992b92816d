//! The allow list of client ID metadata documents: which clients that nobody registered may sign people in, and to what.

use serde::Serialize;
use serde_json::json;

use super::clients::trial;
use super::done::Done;
use super::problem::Problem;
use super::registry::ask;
use super::{body, registry};
use crate::audit::change::Actor;
use crate::client::document::entry::{Admitted, Entry};
use crate::client::registration::json_members::Members;
use crate::client::registration::rules;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::format::Format;
use crate::registry::command::{AllowDocument, ListDocuments, RemoveDocument};
use crate::scope::Scope;

/// An entry as it is shown, with its defaults.
#[derive(Serialize)]
struct Shown<'a> {
    entry: &'a str,
    scope: &'a Scope,
    audience: &'a [String],
    enabled: bool,
}

impl<'a> Shown<'a> {
    fn of(Entry { entry, scope, audience, enabled, .. }: &'a Entry) -> Self {
        Self { entry: entry.as_str(), scope, audience, enabled: *enabled }
    }
}

/// Answers `GET /documents`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let entries = registry::read(context, ListDocuments {}).await?;
    let entries: Vec<Shown<'_>> = entries.iter().map(Shown::of).collect();
    Ok(Done::read(Response::json(200, &json!({ "documents": entries }))))
}

/// Answers `GET /documents/{entry}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let entries = registry::read(context, ListDocuments {}).await?;
    let entry = entries.iter().find(|entry| entry.entry.as_str() == name).ok_or(Problem::NotFound)?;
    Ok(Done::read(Response::json(200, &Shown::of(entry))))
}

/// Answers `PUT /documents/{entry}`.
pub(super) async fn allow<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let dry_run = trial(context)?;
    let entry = read_body(context, name)?;
    let (is_trial, answer) = (dry_run.is_some(), |status| Response::json(status, &Shown::of(&entry)));
    let is_new = ask(context, AllowDocument { entry: Box::new(entry.clone()), dry_run, by }).await?;
    if is_trial {
        return Ok(Done { outcome: "document_tried", ..Done::read(answer(200)) });
    }
    Ok(Done { outcome: "document_allowed", ..Done::read(answer(if is_new { 201 } else { 200 })) })
}

/// Answers `DELETE /documents/{entry}`.
pub(super) async fn remove<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    ask(context, RemoveDocument { entry: name.to_owned(), by }).await?;
    Ok(Done { outcome: "document_removed", ..Done::read(Response::empty()) })
}

/// Reads an entry from the address and the body.
fn read_body<P>(context: Context<'_, P>, name: &str) -> Result<Entry, Problem> {
    const SCOPE: &str = "space-separated scopes of visible ASCII characters other than \" and \\";
    let mut members = Members::of(body::object(context.request)?);
    members.text("entry", "the one in the address", |text| text == name);
    let scope =
        members.text("scope", SCOPE, |text| Scope::parse(text).is_some_and(|scope| !scope.is_empty()));
    if scope.is_none() && !members.is_refused("scope") {
        members.refuse("scope", "scope is missing: it says what the clients of the entry may have");
    }
    let audience = rules::audience(&mut members);
    let enabled = members.flag("enabled", true);
    let mut faults = members.finish(true);
    let entry = Admitted::parse(name, context.server.settings.is_development());
    let entry = entry.map_err(|flaw| {
        let allowed = "the https URL of a document, or a host, such as tool.example.com";
        faults.push(Fault::at("entry", format!("the entry {flaw}: it must be {allowed}")));
    });
    match (entry, scope.as_deref().and_then(Scope::parse)) {
        (Ok(entry), Some(scope)) if faults.is_empty() => {
            Ok(Entry { format: Format, entry, scope, audience, enabled })
        }
        (Ok(_) | Err(()), _) => Err(Problem::Invalid(faults)),
    }
}
