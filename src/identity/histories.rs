//! Applies commands about histories to the rows of one `AccountShard`.

use super::account::Account;
use super::command::{ConfirmAccess, EnterDevice, NoteDecision};
use super::history::History;
use super::rows::Rows;
use crate::audit::{Event, What};
use crate::time::Timestamp;

pub(super) fn note<R: Rows>(rows: &R, ask: NoteDecision) -> Result<(), R::Error> {
    let NoteDecision { account, decision } = ask;
    let mut history = rows.history(&account)?.unwrap_or_default();
    if history.note(*decision) { rows.put_history(&account, &history) } else { Ok(()) }
}

pub(super) fn confirm<R: Rows>(rows: &R, ask: &ConfirmAccess) -> Result<(), R::Error> {
    let mut history = rows.history(&ask.account)?.unwrap_or_default();
    if history.confirm(&ask.client_id) { rows.put_history(&ask.account, &history) } else { Ok(()) }
}

/// Remembers the client and the country of a new device, and reports the first access of the client.
pub(super) fn admit<R: Rows>(
    rows: &R,
    EnterDevice { id, device, .. }: &EnterDevice,
    account: &Account,
    now: Timestamp,
) -> Result<(), R::Error> {
    let mut history: History = rows.history(&account.key)?.unwrap_or_default();
    let (is_new_client, is_new_country) = (history.admit(id, device), history.visit(device));
    if is_new_client || is_new_country {
        rows.put_history(&account.key, &history)?;
    }
    if !is_new_client {
        return Ok(());
    }
    let event = Event::of(What::FirstAccess, now, id.as_str().to_owned(), device.client_id.clone());
    let account = Some(account.sub.clone());
    rows.tell_of_device(&Event { account, ..event.following(&device.provenance) })
}
