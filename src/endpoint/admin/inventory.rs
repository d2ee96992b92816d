//! The inventory of devices: which there are, and to whom they are assigned.

use serde::Serialize;

use super::body;
use super::clients::{cursor, limit};
use super::done::Done;
use super::problem::Problem;
use super::registry::{read as ask, send};
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::policy::inventory::{Entry, Identifier, MOST_OWNERS};
use crate::registry::inventory::{FindInventory, ListInventory, PutInventory, RemoveInventory};
use crate::secret;

/// Longest note, in characters.
const LONGEST_NOTE: usize = 300;

/// An entry as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    identifier: &'a Identifier,
    accounts: &'a [AccountKey],
    groups: &'a [Group],
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct Page<'a> {
    inventory: Vec<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(Entry { identifier, accounts, groups, note, .. }: &'a Entry) -> Self {
        Self { identifier, accounts, groups, note: note.as_deref() }
    }
}

/// Answers `GET /inventory`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["limit", "cursor"])?;
    let (limit, after) = (limit(&query)?, cursor(&query)?);
    // One entry more than the page holds shows whether there is a next page.
    let mut entries = ask(context, ListInventory { after, limit: limit + 1 }).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = entries.len() <= limit;
    entries.truncate(limit);
    let last = entries.last().filter(|_| !is_last);
    let next_cursor = last.map(|last| secret::encode(last.identifier.as_str().as_bytes()));
    let inventory = entries.iter().map(Shown::of).collect();
    Ok(Done::read(Response::json(200, &Page { inventory, next_cursor })))
}

/// Answers `GET /inventory/{identifier}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let identifier = Identifier::parse(name).ok_or(Problem::NotFound)?;
    let entry = ask(context, FindInventory { identifier }).await?.ok_or(Problem::NotFound)?;
    Ok(Done::read(Response::json(200, &Shown::of(&entry))))
}

/// Answers `PUT /inventory/{identifier}`.
pub(super) async fn put<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let entry = read_body(context, name)?;
    if dry_run {
        return Ok(Done {
            outcome: "inventory_tried",
            ..Done::read(Response::json(200, &Shown::of(&entry)))
        });
    }
    let is_new = send(context, PutInventory { entry: Box::new(entry.clone()), by }).await?;
    let status = if is_new { 201 } else { 200 };
    Ok(Done { outcome: "inventory_changed", ..Done::read(Response::json(status, &Shown::of(&entry))) })
}

/// Answers `DELETE /inventory/{identifier}`.
pub(super) async fn remove<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let identifier = Identifier::parse(name).ok_or(Problem::NotFound)?;
    if !send(context, RemoveInventory { identifier, by }).await? {
        return Err(Problem::NotFound);
    }
    Ok(Done { outcome: "inventory_removed", ..Done::read(Response::empty()) })
}

/// Reads an entry from the address and the body.
fn read_body<P>(context: Context<'_, P>, name: &str) -> Result<Entry, Problem> {
    let account = "the key of an account, such as \"local:alice\" or \"oidc:corp:<subject>\"";
    let group = "the full name of a group, such as \"local:staff\" or \"corp:<group>\"";
    let mut members = Members::of(body::object(context.request)?);
    let identifier = Identifier::parse(name);
    members.text("identifier", "the one in the address", |text| Identifier::parse(text) == identifier);
    let accounts =
        members.parsed("accounts", MOST_OWNERS, account, |text| AccountKey::parse(text).ok_or(account));
    let groups = members.parsed("groups", MOST_OWNERS, group, |text| Group::parse(text).ok_or(group));
    let note = members.visible("note", LONGEST_NOTE);
    let mut faults = members.finish(true);
    let (accounts, groups) = (accounts.unwrap_or_default(), groups.unwrap_or_default());
    if accounts.is_empty() && groups.is_empty() && faults.is_empty() {
        let detail = "accounts is empty, and so is groups: write to whom the device is assigned";
        faults.push(Fault::at("accounts", detail));
    }
    let Some(identifier) = identifier else {
        let detail = format!("identifier must be {}", Identifier::ALLOWED);
        faults.push(Fault::at("identifier", detail));
        return Err(Problem::Invalid(faults));
    };
    if faults.is_empty() {
        Ok(Entry { format: Format, identifier, accounts, groups, note })
    } else {
        Err(Problem::Invalid(faults))
    }
}
