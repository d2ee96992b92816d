//! The devices and sessions of all accounts: list and end them, by account, client, approval, network, country and time.

use serde_json::{Map, Value, json};

use super::body;
use super::devices::{DeviceView, SessionView, selection, sessions_selection};
use super::done::Done;
use super::problem::Problem;
use super::walk::{Cursor, Walk};
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::access::End;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::family::Ending;
use crate::fault::Fault;
use crate::identity::account_key::AccountKey;
use crate::identity::command::{EndListedSessions, WalkDevices, WalkSessions};
use crate::identity::device::{Device, DeviceId, Selection};
use crate::identity::session::{Session, SessionSelection};
use crate::identity::walk::Bounds;
use crate::order;
use crate::secret::Digest;

/// Default number of rows per page.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;
/// The most devices or sessions that a request ends.
const MOST: u32 = 100;
/// The conditions that a query can have, besides `account`.
const DEVICE_CONDITIONS: [&str; 6] = ["client_id", "approval_id", "country", "asn", "from", "to"];
const SESSION_CONDITIONS: [&str; 5] = ["provider", "country", "asn", "from", "to"];

/// Answers `GET /devices`: those that have tokens now.
pub(super) async fn devices<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let (query, mut members) = conditions(context, &DEVICE_CONDITIONS)?;
    let (account, selection) = (account(&mut members), selection(&mut members));
    body::sound(members)?;
    let mut walk = Walk::begin(Cursor::read(&query)?, account.as_ref(), limit(&query)?);
    walk_devices(context, &mut walk, account.as_ref(), &selection).await?;
    let views: Vec<Value> =
        walk.found.iter().map(|found| owned(&found.1.account, DeviceView::of(found))).collect();
    Ok(Done::read(page("devices", views.into(), walk.cursor())))
}

/// Collects devices that have tokens.
async fn walk_devices<P: Platform>(
    context: Context<'_, P>,
    walk: &mut Walk<(DeviceId, Device)>,
    account: Option<&AccountKey>,
    selection: &Selection,
) -> Result<(), Problem> {
    while let Some((shard, after, bounds)) = walk.next() {
        let (account, selection) = (account.cloned(), selection.clone());
        let ask = WalkDevices { account, selection, after: after.map(DeviceId::from), bounds };
        let found = walk.take(context.server.platform.accounts(shard, ask).await?);
        walk.found.extend(context.server.settled(shard, found).await?);
    }
    Ok(())
}

/// Answers `POST /devices/end`. The body selects devices; at least one condition is needed.
pub(super) async fn end_devices<P: Platform>(context: Context<'_, P>, by: Actor) -> Result<Done, Problem> {
    let (query, mut members) = some_conditions(context)?;
    let (account, selection) = (account(&mut members), selection(&mut members));
    body::sound(members)?;
    let mut walk = Walk::begin(Cursor::read(&query)?, account.as_ref(), MOST);
    if body::is_dry_run(&query)? {
        walk_devices(context, &mut walk, account.as_ref(), &selection).await?;
        let count = walk.found.len() as u64;
        return Ok(Done { outcome: "devices_counted", ..Done::read(counted(count, walk.cursor())) });
    }
    let (end, mut count) = (End { why: Ending::EndedByAdministrator, by: Some(by) }, 0);
    while let Some((shard, after, bounds)) = walk.next() {
        let (account, selection) = (account.clone(), selection.clone());
        let ask = WalkDevices { account, selection, after: after.map(DeviceId::from), bounds };
        let found = walk.take(context.server.platform.accounts(shard, ask).await?);
        let ids: Vec<DeviceId> = found.into_iter().map(|(id, _)| id).collect();
        if !ids.is_empty() {
            count += context.server.end_devices(shard, ids, &end).await?;
        }
    }
    Ok(Done { outcome: "devices_ended", ..Done::read(counted(count, walk.cursor())) })
}

/// Answers `GET /sessions`.
pub(super) async fn sessions<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let (query, mut members) = conditions(context, &SESSION_CONDITIONS)?;
    let (account, selection) = (account(&mut members), sessions_selection(&mut members));
    body::sound(members)?;
    let mut walk = Walk::begin(Cursor::read(&query)?, account.as_ref(), limit(&query)?);
    while let Some((shard, after, bounds)) = walk.next() {
        let ask = walking(account.as_ref(), &selection, after, bounds);
        let found = walk.take(context.server.platform.accounts(shard, ask).await?);
        walk.found.extend(found.into_iter().map(|(_, session)| session));
    }
    let view = |session: &Session| owned(&session.account, SessionView::of(session));
    let views: Vec<Value> = walk.found.iter().map(view).collect();
    Ok(Done::read(page("sessions", views.into(), walk.cursor())))
}

/// Answers `POST /sessions/end`. The body selects sessions; at least one condition is needed.
pub(super) async fn end_sessions<P: Platform>(context: Context<'_, P>, by: Actor) -> Result<Done, Problem> {
    let (query, mut members) = some_conditions(context)?;
    let (account, selection) = (account(&mut members), sessions_selection(&mut members));
    body::sound(members)?;
    let dry_run = body::is_dry_run(&query)?;
    let mut walk: Walk<Digest> = Walk::begin(Cursor::read(&query)?, account.as_ref(), MOST);
    let mut count = 0;
    while let Some((shard, after, bounds)) = walk.next() {
        let ask = walking(account.as_ref(), &selection, after, bounds);
        let found = walk.take(context.server.platform.accounts(shard, ask).await?);
        count += found.len() as u64;
        if !dry_run && !found.is_empty() {
            let ids = found.into_iter().map(|(id, _)| id).collect();
            let end = EndListedSessions { ids, by: by.clone() };
            context.server.platform.accounts(shard, end).await?;
        }
    }
    let outcome = if dry_run { "sessions_counted" } else { "sessions_ended" };
    Ok(Done { outcome, ..Done::read(counted(count, walk.cursor())) })
}

fn walking(
    account: Option<&AccountKey>,
    selection: &SessionSelection,
    after: Option<String>,
    bounds: Bounds,
) -> WalkSessions {
    let after = after.and_then(|after| Digest::parse(&after));
    WalkSessions { account: account.cloned(), selection: selection.clone(), after, bounds }
}

/// Reads a query, and its conditions as members, of which those that are numbers become numbers.
fn conditions<P>(context: Context<'_, P>, known: &[&str]) -> Result<(Form, Members), Problem> {
    let query = body::query(context.request, &[known, &["account", "limit", "cursor"][..]].concat())?;
    let mut members = Map::new();
    for name in known.iter().chain(&["account"]) {
        if let Some(text) = query.get(name) {
            let number = if matches!(*name, "asn" | "from" | "to") { text.parse::<u64>().ok() } else { None };
            members.insert((*name).to_owned(), number.map_or_else(|| Value::from(text), Value::from));
        }
    }
    Ok((query, Members::of(members)))
}

/// Reads a body that has at least one condition: nobody should end the access of everybody by leaving something out.
fn some_conditions<P>(context: Context<'_, P>) -> Result<(Form, Members), Problem> {
    let query = body::query(context.request, &["dry_run", "cursor"])?;
    let members = body::object(context.request)?;
    if members.values().all(Value::is_null) {
        let detail = "name at least one condition: without one, everybody would lose their access";
        return Err(Problem::Invalid(vec![Fault::at("", detail)]));
    }
    Ok((query, Members::of(members)))
}

fn account(members: &mut Members) -> Option<AccountKey> {
    let allowed = "the key of an account, such as local:alice";
    let text = members.text("account", allowed, |text| AccountKey::parse(text).is_some());
    text.as_deref().and_then(AccountKey::parse)
}

fn limit(query: &Form) -> Result<u32, Problem> {
    let Some(text) = query.get("limit") else { return Ok(PAGE) };
    let limit = text.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
    let detail = || format!("limit is {text:?}: it must be a whole number from 1 to {LARGEST_PAGE}");
    limit.ok_or_else(|| Problem::Invalid(vec![Fault::at("limit", detail())]))
}

/// Adds the account to what is shown of a row.
fn owned(account: &AccountKey, view: impl serde::Serialize) -> Value {
    let mut view = serde_json::to_value(view).expect("a view has text keys");
    if let Some(members) = view.as_object_mut() {
        members.insert("account".to_owned(), account.as_str().into());
    }
    view
}

fn page(name: &str, rows: Value, cursor: Option<String>) -> Response {
    let mut page = order::object([(name.to_owned(), rows)]);
    page.extend(cursor.map(|cursor| ("next_cursor".to_owned(), cursor.into())));
    Response::json(200, &page)
}

fn counted(count: u64, cursor: Option<String>) -> Response {
    page("count", json!(count), cursor)
}
