//! The allow list of client ID metadata documents.

use super::command::{AllowDocument, RegistryRefusal, RemoveDocument};
use super::quota::overweight_entry;
use super::rows::Rows;
use super::scopes::undescribed;
use super::told::tell;
use crate::audit::change::Changed;
use crate::client::document::address::DocumentUrl;
use crate::client::document::entry::{self, Entry, MOST_ENTRIES};
use crate::fault::Fault;
use crate::time::Timestamp;

/// The result of a change, or why it is refused. The outer error means that a row could not be read or
/// written.
type Outcome<T, R> = Result<Result<T, RegistryRefusal>, <R as Rows>::Error>;

/// Returns the entry that lets a client in, if its `client_id` is the URL of a document.
pub(super) fn find<R: Rows>(rows: &R, client_id: &str) -> Result<Option<Entry>, R::Error> {
    // The Worker checks whether this machine is allowed.
    let Ok(url) = DocumentUrl::parse(client_id, true) else { return Ok(None) };
    Ok(entry::find(&rows.documents()?, &url).cloned())
}

/// Writes an entry. Returns `true` if it is new.
pub(super) fn allow<R: Rows>(rows: &R, ask: AllowDocument, now: Timestamp) -> Outcome<bool, R> {
    let AllowDocument { entry, dry_run, by } = ask;
    let entries = rows.documents()?;
    let is_new = !entries.iter().any(|other| other.entry == entry.entry);
    if is_new && entries.len() >= MOST_ENTRIES {
        return Ok(Err(RegistryRefusal::Full));
    }
    let known = rows.scopes()?;
    let assumed = dry_run.as_ref().map(|trial| &trial.scopes);
    let is_known = |name: &str| known.contains_key(name) || assumed.is_some_and(|scopes| scopes.has(name));
    let unknown: Vec<Fault> = entry.scope.iter().filter(|name| !is_known(name)).map(undescribed).collect();
    if !unknown.is_empty() {
        return Ok(Err(RegistryRefusal::Unknown(unknown)));
    }
    if let Some(fault) = overweight_entry(&entry, &rows.scope_claims()?) {
        return Ok(Err(RegistryRefusal::TooMuch(fault)));
    }
    if dry_run.is_none() {
        rows.put_document(&entry)?;
        tell(rows, Changed::DocumentAllowed, Some(entry.entry.as_str()), by, now)?;
    }
    Ok(Ok(is_new))
}

pub(super) fn remove<R: Rows>(rows: &R, ask: RemoveDocument, now: Timestamp) -> Outcome<(), R> {
    if !rows.documents()?.iter().any(|entry| entry.entry.as_str() == ask.entry) {
        return Ok(Err(RegistryRefusal::Missing));
    }
    rows.remove_document(&ask.entry)?;
    tell(rows, Changed::DocumentRemoved, Some(&ask.entry), ask.by, now)?;
    Ok(Ok(()))
}
