//! Applies commands to the rows of the object that counts.

use super::alert::{Alert, AlertState, KEPT};
use super::blocked::{Blocked, Step};
use super::blocking::Blocking;
use super::command::{
    BlockedPage, CloseAlert, Command, ListAlerts, NoteRefusedStarts, NoteWrongCodes, ReadBlocked,
    ReadOverview, ReadTotals, ReadUsage, RefusedStarts, Tell, Told, Totals,
};
use super::day::{EVER, Sums};
use super::destination_command::{
    CreateDestination, DeleteDestination, ListDestinations, NoteDeliveries, ReplaceDestination,
};
use super::destinations;
use super::detection::Detection;
use super::kind::Kind;
use super::rows::{Place, Rows, Space};
use super::sighting::{Distance, Sighting, Spot};
use super::survey::overview;
use super::usage::{MOST_PEOPLE, Usage};
use super::watch::Watch;
use crate::ask::Answer;
use crate::audit::alert::AlertKind;
use crate::policy::Point;
use crate::time::Timestamp;

/// What a client counts as in sums that nobody registered.
const UNREGISTERED: &str = "unregistered";

/// Applies one command.
///
/// # Errors
///
/// A row could not be read or written. Nothing is written then if the caller wraps the call in a transaction.
pub fn apply<R: Rows>(rows: &R, command: Command, now: Timestamp) -> Result<Answer, R::Error> {
    Ok(match command {
        Command::Tell(ask) => Answer::to::<Tell>(&told(rows, &ask, now)?),
        Command::NoteWrongCodes(ask) => Answer::to::<NoteWrongCodes>(&wrong_codes(rows, &ask, now)?),
        Command::ReadTotals(_) => Answer::to::<ReadTotals>(&totals(rows)?),
        Command::ListAlerts(ask) => Answer::to::<ListAlerts>(&rows.alerts(&ask)?),
        Command::CloseAlert(ask) => Answer::to::<CloseAlert>(&close(rows, ask, now)?),
        Command::ReadUsage(ask) => Answer::to::<ReadUsage>(&usage(rows, &ask)?),
        Command::ListDestinations(_) => Answer::to::<ListDestinations>(&rows.destinations()?),
        Command::CreateDestination(ask) => {
            Answer::to::<CreateDestination>(&destinations::create(rows, ask, now)?)
        }
        Command::ReplaceDestination(ask) => {
            Answer::to::<ReplaceDestination>(&destinations::replace(rows, ask, now)?)
        }
        Command::DeleteDestination(ask) => {
            Answer::to::<DeleteDestination>(&destinations::delete(rows, ask, now)?)
        }
        Command::NoteDeliveries(ask) => Answer::to::<NoteDeliveries>(&destinations::note(rows, ask, now)?),
        Command::ReadOverview(ask) => Answer::to::<ReadOverview>(&overview(rows, &ask)?),
        Command::NoteRefusedStarts(ask) => Answer::to::<NoteRefusedStarts>(&refused_starts(rows, ask, now)?),
        Command::ReadBlocked(ask) => Answer::to::<ReadBlocked>(&blocked(rows, &ask)?),
    })
}

/// Counts, and says where events are delivered.
fn told<R: Rows>(rows: &R, ask: &Tell, now: Timestamp) -> Result<Option<Told>, R::Error> {
    count(rows, ask, now)?;
    let destinations = rows.destinations()?;
    // Without destinations, a ledger of an earlier version understands the reply.
    Ok((!destinations.is_empty()).then_some(Told { destinations }))
}

/// Counts the records that were not counted before.
fn count<R: Rows>(rows: &R, ask: &Tell, now: Timestamp) -> Result<(), R::Error> {
    let place = Place::of(Space::Ledger, &ask.ledger.to_string(), "");
    let counted: i64 = rows.memory(&place)?.unwrap_or_default();
    if ask.up_to <= counted {
        return Ok(());
    }
    let (mut sums, mut watch, mut blocking) = (Sums::default(), Watch::default(), Blocking::default());
    for (_, record) in ask.records.iter().filter(|(number, _)| *number > counted) {
        if let Some(seen) = Sighting::of(record) {
            sums.see(&seen);
            watch.see(rows, &seen, 1)?;
            if let Some(step) = Step::of(&seen) {
                blocking.see(rows, &step)?;
            }
        }
    }
    watch.write(rows, &mut sums, now)?;
    blocking.write(rows)?;
    sums.write(rows)?;
    // Longer than the ledger lives, which then has nothing to tell.
    rows.remember(&place, &ask.up_to, now + 2 * KEPT)
}

fn wrong_codes<R: Rows>(rows: &R, ask: &NoteWrongCodes, now: Timestamp) -> Result<(), R::Error> {
    let (mut sums, mut watch) = (Sums::default(), Watch::default());
    for (asn, times) in &ask.by_network {
        sums.add(now, Kind::WrongCode, asn.to_string(), *times);
        watch.see(rows, &wrong_code(*asn, now), *times)?;
    }
    watch.write(rows, &mut sums, now)?;
    sums.write(rows)
}

fn refused_starts<R: Rows>(rows: &R, ask: NoteRefusedStarts, now: Timestamp) -> Result<(), R::Error> {
    let (mut sums, mut blocking) = (Sums::default(), Blocking::default());
    for starts in ask.starts {
        let label = if starts.is_registered { starts.client_id.as_str() } else { UNREGISTERED };
        sums.add(now, Kind::RefusedStart, label.to_owned(), starts.times);
        if starts.is_by_policy {
            sums.refuse(now, &starts.decided_by, starts.times);
        } else {
            sums.add(now, Kind::RefusedBy, starts.decided_by.clone(), starts.times);
        }
        blocking.see(rows, &refused_start(starts, now))?;
    }
    blocking.write(rows)?;
    sums.write(rows)
}

fn refused_start(starts: RefusedStarts, at: Timestamp) -> Step {
    let RefusedStarts { client_id, is_registered, decided_by, matched, country, asn, times, .. } = starts;
    let (point, groups) = (Point::DeviceAuthorization.name().to_owned(), Vec::new());
    Step {
        at,
        point,
        is_refused: true,
        decided_by,
        matched,
        client_id,
        is_registered,
        account: None,
        groups,
        country,
        asn,
        times,
    }
}

fn blocked<R: Rows>(rows: &R, ask: &ReadBlocked) -> Result<BlockedPage, R::Error> {
    let place = (Space::Blocked, ask.by.name());
    let found: Vec<(String, Blocked)> = rows.memories(place, &ask.after, ask.limit)?;
    let is_full = found.len() as u64 >= u64::from(ask.limit);
    let next = found.last().filter(|_| is_full).map(|(key, _)| key.clone());
    let wanted = |(key, row): (String, Blocked)| Some((key, row.since(ask.since)?));
    Ok(BlockedPage { rows: found.into_iter().filter_map(wanted).collect(), next })
}

/// Returns what stands for wrong codes from a network, of which there is no event.
const fn wrong_code(asn: u32, at: Timestamp) -> Sighting {
    Sighting {
        id: String::new(),
        at,
        kind: Kind::WrongCode,
        client_id: String::new(),
        account: None,
        device: Spot { country: None, asn: Some(asn) },
        person_country: None,
        distance: Distance::Unknown,
        is_elsewhere: false,
        waited: None,
        detail: String::new(),
        policy: None,
    }
}

fn totals<R: Rows>(rows: &R) -> Result<Totals, R::Error> {
    let mut open_alerts = Vec::new();
    for detection in Detection::ALL {
        open_alerts.push((detection, rows.open_alerts(detection)?));
    }
    Ok(Totals { counts: rows.counts(EVER)?, open_alerts })
}

fn close<R: Rows>(rows: &R, ask: CloseAlert, now: Timestamp) -> Result<Option<Alert>, R::Error> {
    let Some(alert) = rows.alert(ask.id)? else { return Ok(None) };
    if !alert.is_open() {
        return Ok(Some(alert));
    }
    let closed = Alert { state: AlertState::Closed { by: ask.by.clone(), at: now }, ..alert };
    rows.put_alert(&closed)?;
    rows.tell(&closed.event(AlertKind::AlertClosed, Some(ask.by), now))?;
    Ok(Some(closed))
}

fn usage<R: Rows>(rows: &R, ask: &ReadUsage) -> Result<Vec<Usage>, R::Error> {
    let mut report = Vec::new();
    for (client_id, known) in rows.clients(&ask.after, ask.limit)? {
        let people = rows.parts(Space::Person, &client_id, MOST_PEOPLE + 1)?;
        let (logins, first_at, last_at) = (known.logins, known.first_at, known.last_at);
        report.push(Usage { client_id, logins, people, first_at, last_at });
    }
    Ok(report)
}
