//! Runs the detections over events.

use core::time::Duration;
use std::collections::BTreeMap;

use super::alert::{Alert, AlertState, Found, KEPT, MOST_OPEN};
use super::day::Sums;
use super::detection::{Detection, Past};
use super::habits::Habits;
use super::kind::Kind;
use super::rows::{Place, Rows, Space};
use super::sighting::Sighting;
use super::subject::Subject;
use super::usage::ClientUse;
use super::window::{Counted, Window};
use crate::audit::alert::AlertKind;
use crate::format::Format;
use crate::time::Timestamp;

/// How exactly the last use of a client by a person is known.
const A_DAY: Duration = Duration::from_hours(24);

/// What the events of one message change, until it is written.
#[derive(Default)]
pub(super) struct Watch {
    windows: BTreeMap<(Detection, Subject), Window>,
    accounts: BTreeMap<String, (Habits, Habits)>,
    clients: BTreeMap<String, ClientUse>,
    found: Vec<(Detection, Subject, Found)>,
}

impl Watch {
    /// Lets all detections see an event that has happened `times` times.
    pub(super) fn see<R: Rows>(&mut self, rows: &R, seen: &Sighting, times: u64) -> Result<(), R::Error> {
        let past = self.past(rows, seen)?;
        for detection in Detection::ALL {
            let Some(subject) = detection.subject(seen, past) else { continue };
            let who = seen.account.clone().unwrap_or_default();
            let counted = Counted { at: seen.at, id: seen.id.clone(), who, times };
            let key = (detection, subject);
            if !self.windows.contains_key(&key) {
                let window = rows.memory(&place(&key))?.unwrap_or_default();
                self.windows.insert(key.clone(), window);
            }
            let window = self.windows.get_mut(&key);
            if let Some(found) = window.and_then(|window| window.add(counted, detection.terms())) {
                self.found.push((key.0, key.1, found));
            }
        }
        Ok(())
    }

    /// Compares an event with what is known of its account and client, and learns from it.
    fn past<R: Rows>(&mut self, rows: &R, seen: &Sighting) -> Result<Past, R::Error> {
        let mut past = Past::default();
        let Some(account) = &seen.account else { return Ok(past) };
        if seen.kind == Kind::Approved {
            let habits = self.habits(rows, account)?;
            past.is_unusual =
                habits.is_some_and(|habits| habits.approve(seen.at, seen.person_country.as_deref()));
        } else if seen.kind == Kind::Redeemed {
            past.is_first = self.habits(rows, account)?.is_some_and(|habits| habits.redeem(seen.at));
            past.was_dormant = self.use_client(rows, seen)?;
            note_person(rows, &seen.client_id, account, seen.at)?;
        }
        Ok(past)
    }

    fn habits<R: Rows>(&mut self, rows: &R, account: &str) -> Result<Option<&mut Habits>, R::Error> {
        if !self.accounts.contains_key(account) {
            let known: Habits = rows.memory(&Place::of(Space::Account, account, ""))?.unwrap_or_default();
            self.accounts.insert(account.to_owned(), (known.clone(), known));
        }
        Ok(self.accounts.get_mut(account).map(|(_, habits)| habits))
    }

    /// Counts a login. Returns whether the client was not used for long before.
    fn use_client<R: Rows>(&mut self, rows: &R, seen: &Sighting) -> Result<bool, R::Error> {
        let client = &seen.client_id;
        if !self.clients.contains_key(client) {
            let start = ClientUse { logins: 0, first_at: seen.at, last_at: seen.at };
            let known = rows.memory(&Place::of(Space::Client, client, ""))?.unwrap_or(start);
            self.clients.insert(client.clone(), known);
        }
        let Some(known) = self.clients.get_mut(client) else { return Ok(false) };
        let was_dormant = seen.at.since(known.last_at) >= Detection::DormantClient.terms().window;
        known.logins += 1;
        known.first_at = known.first_at.min(seen.at);
        known.last_at = known.last_at.max(seen.at);
        Ok(was_dormant)
    }

    /// Writes what has changed, and opens alerts.
    pub(super) fn write<R: Rows>(self, rows: &R, sums: &mut Sums, now: Timestamp) -> Result<(), R::Error> {
        for (key, window) in &self.windows {
            match window.last() {
                Some(last) => rows.remember(&place(key), window, last + key.0.terms().window)?,
                None => rows.forget(&place(key))?,
            }
        }
        for (account, (before, habits)) in self.accounts {
            if habits != before {
                rows.remember(&Place::of(Space::Account, &account, ""), &habits, habits.seen_at + KEPT)?;
            }
        }
        for (client, known) in self.clients {
            rows.remember(&Place::of(Space::Client, &client, ""), &known, known.last_at + KEPT)?;
        }
        self.found.into_iter().try_for_each(|found| alert(rows, found, sums, now))
    }
}

fn place((detection, subject): &(Detection, Subject)) -> Place {
    Place::of(Space::Window, detection.name(), &subject.to_string())
}

/// Notes who uses a client, at most once a day.
fn note_person<R: Rows>(rows: &R, client: &str, account: &str, at: Timestamp) -> Result<(), R::Error> {
    let place = Place::of(Space::Person, client, account);
    let last: Option<Timestamp> = rows.memory(&place)?;
    if last.is_some_and(|last| at.since(last) < A_DAY) {
        return Ok(());
    }
    rows.remember(&place, &at, at + KEPT)
}

/// Adds to the open alert about the subject, or opens one.
fn alert<R: Rows>(
    rows: &R,
    (detection, subject, found): (Detection, Subject, Found),
    sums: &mut Sums,
    now: Timestamp,
) -> Result<(), R::Error> {
    if let Some(open) = rows.open_alert(detection, &subject)? {
        return rows.put_alert(&open.and(found));
    }
    if rows.open_alerts(detection)? >= u64::from(MOST_OPEN) {
        rows.remove_oldest_open(detection)?;
    }
    let Found { at, count, evidence } = found;
    let (id, state) = (now.millis().max(rows.newest_alert()? + 1), AlertState::Open);
    let alert = Alert { format: Format, id, detection, subject, at, last_at: at, count, evidence, state };
    rows.put_alert(&alert)?;
    sums.add(now, Kind::Alert, detection.name().to_owned(), 1);
    rows.tell(&alert.event(AlertKind::AlertOpened, None, now))
}
