//! The destinations of events. They are here because each ledger tells this object its records, and the reply can say where
//! events go, without another call.

use serde_json::{Map, Value};

use super::destination_command::{
    CreateDestination, DeleteDestination, DestinationRefusal, NoteDeliveries, ReplaceDestination,
};
use super::rows::Rows;
use crate::audit::change::{Actor, Change, Changed};
use crate::client::history::{Expected, History};
use crate::courier::destination::{Destination, MOST_DESTINATIONS, Receiver};
use crate::order;
use crate::policy::name::Name;
use crate::time::Timestamp;

/// Members that change whenever a destination does, and those that stand for others.
const ALWAYS: [&str; 3] = ["changed_at", "version", "has_authorization"];

/// The result of a change, or why it is refused. The outer error means that a row could not be read or written.
type Outcome<T, R> = Result<Result<T, DestinationRefusal>, <R as Rows>::Error>;

pub(super) fn create<R: Rows>(rows: &R, ask: CreateDestination, now: Timestamp) -> Outcome<Destination, R> {
    let CreateDestination { destination, dry_run, by } = ask;
    let destination = Destination { history: History::beginning(now), ..*destination };
    let all = rows.destinations()?;
    if all.iter().any(|other| other.id == destination.id) {
        return Ok(Err(DestinationRefusal::Exists));
    }
    if all.len() >= MOST_DESTINATIONS {
        return Ok(Err(DestinationRefusal::Full));
    }
    if !dry_run {
        rows.put_destination(&destination)?;
        rows.tell_change(&Change::of(Changed::DestinationCreated, Some(destination.id.as_str()), by, now))?;
    }
    Ok(Ok(destination))
}

pub(super) fn replace<R: Rows>(rows: &R, ask: ReplaceDestination, now: Timestamp) -> Outcome<Destination, R> {
    let ReplaceDestination { destination, expected, dry_run, by } = ask;
    let before = match find(rows, &destination.id, &expected)? {
        Ok(before) => before,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if before.receiver.kind() != destination.receiver.kind() {
        return Ok(Err(DestinationRefusal::OtherKind));
    }
    let destination = Destination { history: before.history.changed(now), ..*destination };
    if !dry_run {
        rows.put_destination(&destination)?;
        rows.tell_change(&event(&before, &destination, by, now))?;
    }
    Ok(Ok(destination))
}

/// Returns the event of a change. A new secret of a webhook is an event of its own.
fn event(before: &Destination, after: &Destination, by: Actor, now: Timestamp) -> Change {
    let id = Some(after.id.as_str());
    let mut members = changed(&before.view(), &after.view());
    match (&before.receiver, &after.receiver) {
        (Receiver::Webhook { secrets: old }, Receiver::Webhook { secrets: new }) if old != new => {
            return Change::of(Changed::DestinationSecretRotated, id, by, now);
        }
        (
            Receiver::SharedSignals { authorization: old, .. },
            Receiver::SharedSignals { authorization: new, .. },
        ) if old != new => members.push("authorization".to_owned()),
        (Receiver::Webhook { .. } | Receiver::SharedSignals { .. }, _) => {}
    }
    order::sort(&mut members);
    Change { members, ..Change::of(Changed::DestinationChanged, id, by, now) }
}

/// Returns the names of the members that differ.
fn changed(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let differs = |name: &&String| before.get(*name) != after.get(*name) && !ALWAYS.contains(&name.as_str());
    after.keys().filter(differs).cloned().collect()
}

pub(super) fn delete<R: Rows>(rows: &R, ask: DeleteDestination, now: Timestamp) -> Outcome<(), R> {
    if let Err(refusal) = find(rows, &ask.id, &ask.expected)? {
        return Ok(Err(refusal));
    }
    rows.remove_destination(&ask.id)?;
    rows.tell_change(&Change::of(Changed::DestinationDeleted, Some(ask.id.as_str()), ask.by, now))?;
    Ok(Ok(()))
}

pub(super) fn note<R: Rows>(rows: &R, ask: NoteDeliveries, now: Timestamp) -> Result<(), R::Error> {
    let NoteDeliveries { id, what, event, by } = ask;
    let members = event.into_iter().collect();
    rows.tell_change(&Change { members, ..Change::of(what, Some(id.as_str()), by, now) })
}

fn find<R: Rows>(rows: &R, id: &Name, expected: &Expected) -> Outcome<Destination, R> {
    Ok(match rows.destinations()?.into_iter().find(|destination| destination.id == *id) {
        None => Err(DestinationRefusal::Missing),
        Some(destination) if expected.holds(&destination.history) => Ok(destination),
        Some(_) => Err(DestinationRefusal::Stale),
    })
}
