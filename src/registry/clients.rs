//! Creates, replaces and deletes clients, rotates their secrets, and deletes those that nobody uses.

use super::command::{
    ClientNow, CreateClient, DeleteClient, RegistryRefusal, ReplaceClient, RotateSecret, Trial,
};
use super::logos;
use super::quota::{Size, overweight};
use super::rows::Rows;
use super::scopes::undescribed;
use super::told::{tell, tell_members};
use crate::alarm::BATCH;
use crate::audit::change::Changed;
use crate::client::history::{Expected, History};
use crate::client::likeness::skeleton;
use crate::client::registered_by::{KEPT_UNUSED, RegisteredBy};
use crate::client::{Authentication, Client, Retiring};
use crate::fault::Fault;
use crate::time::{Timestamp, span};

/// The most clients that are deleted to make room for a new one. Even if all of them have the smallest size, they take
/// more room than one of the largest size.
const MOST_LEAVING: u32 = 32;

/// The result of a change, or why it is refused. The outer error means that a row could not be read or
/// written.
type Outcome<T, R> = Result<Result<T, RegistryRefusal>, <R as Rows>::Error>;

pub(super) fn create<R: Rows>(rows: &R, ask: CreateClient, now: Timestamp) -> Outcome<ClientNow, R> {
    let CreateClient { client, logo, dry_run, by } = ask;
    if rows.client(&client.client_id)?.is_some() {
        return Ok(Err(RegistryRefusal::Exists));
    }
    let is_new_secret = matches!(client.authentication, Authentication::Secret { .. });
    let kept = logos::name_for(&client, None, logo.as_ref());
    let client = Client { history: History::beginning(now), logo: kept, ..*client };
    let Some(leaving) = leaving_for(rows, &client, now)? else { return Ok(Err(RegistryRefusal::Full)) };
    if client.registered_by.is_itself() && imitates(rows, &client)? {
        return Ok(Err(RegistryRefusal::NameTaken));
    }
    let stored = put(rows, client, is_new_secret, dry_run.as_ref())?;
    if let (Ok(is_now), None) = (&stored, &dry_run) {
        logos::keep(rows, &is_now.client, logo)?;
        for client_id in leaving {
            rows.forget_client(&client_id)?;
            tell(rows, Changed::ClientDeleted, Some(&client_id), by.clone(), now)?;
        }
        tell(rows, Changed::ClientCreated, Some(&is_now.client.client_id), by, now)?;
    }
    Ok(stored)
}

/// Returns the clients that have to go so that a new one fits; `None` if it does not fit. Only a client from open
/// registration takes the place of others: of those that nobody has used in the hour since they registered, the oldest.
fn leaving_for<R: Rows>(rows: &R, client: &Client, now: Timestamp) -> Result<Option<Vec<String>>, R::Error> {
    let by = client.registered_by;
    let mut size = rows.size(by.is_anyone())?.with(None, client);
    let mut leaving = Vec::new();
    if size.fits(by) || !by.is_anyone() {
        return Ok(size.fits(by).then_some(leaving));
    }
    for unused in rows.unused_clients(now.before(KEPT_UNUSED), MOST_LEAVING)? {
        size = size.without(&unused);
        leaving.push(unused.client_id);
        if size.fits(by) {
            return Ok(Some(leaving));
        }
    }
    Ok(None)
}

/// Returns whether the name of a client looks like that of an operator's client.
fn imitates<R: Rows>(rows: &R, client: &Client) -> Result<bool, R::Error> {
    let own = skeleton(&client.client_name);
    let mut found = false;
    rows.each_client(|other| {
        found |= other.registered_by.is_operator() && skeleton(&other.client_name) == own;
    })?;
    Ok(found)
}

pub(super) fn replace<R: Rows>(rows: &R, ask: ReplaceClient, now: Timestamp) -> Outcome<ClientNow, R> {
    let ReplaceClient { client, logo, expected, dry_run, by } = ask;
    let before = match find(rows, &client.client_id, &expected)? {
        Ok(before) => before,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let RoomOf { by: judged_by, size } = RoomOf::change(rows, &before)?;
    let history = before.history.changed(now);
    let (authentication, is_new_secret) =
        keep_secret(before.authentication.clone(), client.authentication.clone());
    let (registered_by, used_at) = (before.registered_by, before.used_at);
    let mut client = Client { authentication, registered_by, used_at, history, ..*client };
    client.logo = logos::name_for(&client, Some(&before), logo.as_ref());
    let after = size.with(Some(&before), &client);
    if after.bytes > size.bytes && !after.fits(judged_by) {
        return Ok(Err(RegistryRefusal::Full));
    }
    let stored = put(rows, client, is_new_secret, dry_run.as_ref())?;
    if let (Ok(is_now), None) = (&stored, &dry_run) {
        logos::keep(rows, &is_now.client, logo)?;
        tell_members(rows, &before, &is_now.client, by, now)?;
    }
    Ok(stored)
}

/// The room that a change of a client is judged by: a change is an operator's, except that clients from open
/// registration stay within their own room.
struct RoomOf {
    by: RegisteredBy,
    size: Size,
}

impl RoomOf {
    fn change<R: Rows>(rows: &R, before: &Client) -> Result<Self, R::Error> {
        let is_anyone = before.registered_by.is_anyone();
        let by = if is_anyone { RegisteredBy::Anyone } else { RegisteredBy::Operator };
        Ok(Self { by, size: rows.size(is_anyone)? })
    }
}

/// Deletes clients from open registration that were not used for too long: one batch. Returns whether there
/// were any.
///
/// # Errors
///
/// A row could not be read or written.
pub fn sweep<R: Rows>(rows: &R, now: Timestamp) -> Result<bool, R::Error> {
    let ended = rows.ended_clients(now, BATCH)?;
    ended.iter().try_for_each(|client| rows.forget_client(&client.client_id))?;
    Ok(!ended.is_empty())
}

/// Returns the new authentication, with the existing secret if there is one. The flag says whether the client
/// had no secret, so that the new one is used.
fn keep_secret(before: Authentication, after: Authentication) -> (Authentication, bool) {
    match (before, after) {
        (Authentication::Secret { digest, previous, .. }, Authentication::Secret { by, .. }) => {
            (Authentication::Secret { digest, previous, by }, false)
        }
        (_, after @ Authentication::Secret { .. }) => (after, true),
        (_, after) => (after, false),
    }
}

/// Writes a client, unless this is a dry run. Refuses a client with a scope that has no description, because
/// nobody could consent to that scope, and a client whose tokens could become too large.
fn put<R: Rows>(
    rows: &R,
    client: Client,
    is_new_secret: bool,
    dry_run: Option<&Trial>,
) -> Outcome<ClientNow, R> {
    let known = rows.scopes()?;
    let assumed = dry_run.map(|trial| &trial.scopes);
    let is_known = |name: &str| known.contains_key(name) || assumed.is_some_and(|scopes| scopes.has(name));
    let unknown: Vec<Fault> = client.scope.iter().filter(|name| !is_known(name)).map(undescribed).collect();
    if !unknown.is_empty() {
        return Ok(Err(RegistryRefusal::Unknown(unknown)));
    }
    if let Some(fault) = overweight(&client, &rows.scope_claims()?) {
        return Ok(Err(RegistryRefusal::TooMuch(fault)));
    }
    if dry_run.is_none() {
        rows.put_client(&client)?;
    }
    Ok(Ok(ClientNow { client: Box::new(client), is_new_secret }))
}

pub(super) fn delete<R: Rows>(rows: &R, ask: DeleteClient, now: Timestamp) -> Outcome<(), R> {
    if let Err(refusal) = find(rows, &ask.client_id, &ask.expected)? {
        return Ok(Err(refusal));
    }
    rows.remove_client(&ask.client_id)?;
    rows.remove_logo(&ask.client_id)?;
    tell(rows, Changed::ClientDeleted, Some(&ask.client_id), ask.by, now)?;
    Ok(Ok(()))
}

fn find<R: Rows>(rows: &R, client_id: &str, expected: &Expected) -> Outcome<Client, R> {
    Ok(match rows.client(client_id)? {
        None => Err(RegistryRefusal::Missing),
        Some(client) if expected.holds(&client.history) => Ok(client),
        Some(_) => Err(RegistryRefusal::Stale),
    })
}

pub(super) fn rotate<R: Rows>(rows: &R, ask: RotateSecret, now: Timestamp) -> Outcome<ClientNow, R> {
    let client = match find(rows, &ask.client_id, &ask.expected)? {
        Ok(client) => client,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Authentication::Secret { digest, by, .. } = client.authentication else {
        return Ok(Err(RegistryRefusal::NoSecret));
    };
    let until = now + span(ask.overlap);
    let previous = (now < until).then_some(Retiring { digest, until });
    let authentication = Authentication::Secret { digest: ask.secret, previous, by };
    let client = Client { authentication, history: client.history.changed(now), ..client };
    rows.put_client(&client)?;
    tell(rows, Changed::ClientSecretRotated, Some(&client.client_id), ask.by, now)?;
    Ok(Ok(ClientNow { client: Box::new(client), is_new_secret: true }))
}
