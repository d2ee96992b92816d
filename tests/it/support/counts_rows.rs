//! The rows of the object that counts, in maps.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;

use device_grant::audit::alert::AlertEvent;
use device_grant::audit::change::Change;
use device_grant::counts::alert::{Alert, AlertId};
use device_grant::counts::command::ListAlerts;
use device_grant::counts::detection::Detection;
use device_grant::counts::kind::{Kind, Tallied};
use device_grant::counts::rows::{Place, Rows, Space};
use device_grant::counts::subject::Subject;
use device_grant::counts::usage::ClientUse;
use device_grant::courier::destination::Destination;
use device_grant::policy::name::Name;
use device_grant::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(test)]
use super::event_schema::valid;

/// The fuzz targets send commands that no endpoint sends, so their events are not judged.
#[cfg(not(test))]
fn valid<E: Clone>(event: &E) -> E {
    event.clone()
}

#[derive(Default)]
pub(crate) struct CountsRows {
    pub(crate) counts: RefCell<BTreeMap<(u32, String, String), u64>>,
    pub(crate) memories: RefCell<BTreeMap<Place, (Timestamp, String)>>,
    pub(crate) alerts: RefCell<BTreeMap<AlertId, Alert>>,
    pub(crate) told: RefCell<Vec<AlertEvent>>,
    pub(crate) destinations: RefCell<BTreeMap<Name, Destination>>,
    pub(crate) changes: RefCell<Vec<Change>>,
    pub(crate) writes: Cell<u32>,
    /// What was remembered, in order.
    pub(crate) remembered: RefCell<Vec<Place>>,
}

impl Rows for CountsRows {
    type Error = Infallible;

    fn count(&self, day: u32, kind: Kind, key: &str) -> Result<Option<u64>, Infallible> {
        Ok(self.counts.borrow().get(&(day, kind.name(), key.to_owned())).copied())
    }

    fn keys(&self, day: u32, kind: Kind) -> Result<u32, Infallible> {
        let counts = self.counts.borrow();
        let own = counts.keys().filter(|(other, name, _)| *other == day && *name == kind.name());
        Ok(u32::try_from(own.count()).unwrap())
    }

    fn put_count(&self, day: u32, kind: Kind, key: &str, count: u64) -> Result<(), Infallible> {
        self.writes.set(self.writes.get() + 1);
        self.counts.borrow_mut().insert((day, kind.name(), key.to_owned()), count);
        Ok(())
    }

    fn counts(&self, day: u32) -> Result<Vec<Tallied>, Infallible> {
        let counts = self.counts.borrow();
        let own = counts.iter().filter(|((other, ..), _)| *other == day);
        let tallied = |((_, kind, key), count): (&(u32, String, String), &u64)| Tallied {
            kind: Kind::named(kind).unwrap(),
            key: key.clone(),
            count: *count,
        };
        Ok(own.map(tallied).collect())
    }

    fn memory<T: DeserializeOwned>(&self, place: &Place) -> Result<Option<T>, Infallible> {
        let memories = self.memories.borrow();
        Ok(memories.get(place).map(|(_, record)| device_grant::json::read(record).unwrap()))
    }

    fn remember<T: Serialize>(&self, place: &Place, memory: &T, until: Timestamp) -> Result<(), Infallible> {
        self.writes.set(self.writes.get() + 1);
        let record = serde_json::to_string(memory).unwrap();
        self.remembered.borrow_mut().push(place.clone());
        self.memories.borrow_mut().insert(place.clone(), (until, record));
        Ok(())
    }

    fn forget(&self, place: &Place) -> Result<(), Infallible> {
        self.memories.borrow_mut().remove(place);
        Ok(())
    }

    fn parts(&self, space: Space, key: &str, most: u32) -> Result<u32, Infallible> {
        let memories = self.memories.borrow();
        let own = memories.keys().filter(|place| place.space == space && place.key == key);
        Ok(u32::try_from(own.take(most as usize).count()).unwrap())
    }

    fn memories<T: DeserializeOwned>(
        &self,
        (space, key): (Space, &str),
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, T)>, Infallible> {
        let memories = self.memories.borrow();
        let own = memories
            .iter()
            .filter(|(place, _)| place.space == space && place.key == key && place.part.as_str() > after);
        let read = |(place, (_, record)): (&Place, &(Timestamp, String))| {
            (place.part.clone(), device_grant::json::read(record).unwrap())
        };
        Ok(own.take(limit as usize).map(read).collect())
    }

    fn clients(&self, after: &str, limit: u32) -> Result<Vec<(String, ClientUse)>, Infallible> {
        let memories = self.memories.borrow();
        let own =
            memories.iter().filter(|(place, _)| place.space == Space::Client && place.key.as_str() > after);
        let read = |(place, (_, record)): (&Place, &(Timestamp, String))| {
            (place.key.clone(), device_grant::json::read(record).unwrap())
        };
        Ok(own.take(limit as usize).map(read).collect())
    }

    fn alert(&self, id: AlertId) -> Result<Option<Alert>, Infallible> {
        Ok(self.alerts.borrow().get(&id).cloned())
    }

    fn open_alert(&self, detection: Detection, subject: &Subject) -> Result<Option<Alert>, Infallible> {
        let alerts = self.alerts.borrow();
        let mut open = alerts.values().filter(|alert| alert.is_open() && alert.detection == detection);
        Ok(open.find(|alert| alert.subject == *subject).cloned())
    }

    fn alerts(&self, ask: &ListAlerts) -> Result<Vec<Alert>, Infallible> {
        let alerts = self.alerts.borrow();
        let wanted = alerts.range(..ask.before.unwrap_or(AlertId::MAX)).rev();
        let wanted = wanted.map(|(_, alert)| alert).filter(|alert| alert.is_open() == ask.is_open);
        Ok(wanted.take(ask.limit as usize).cloned().collect())
    }

    fn open_alerts(&self, detection: Detection) -> Result<u64, Infallible> {
        let alerts = self.alerts.borrow();
        Ok(alerts.values().filter(|alert| alert.is_open() && alert.detection == detection).count() as u64)
    }

    fn newest_alert(&self) -> Result<AlertId, Infallible> {
        Ok(self.alerts.borrow().keys().last().copied().unwrap_or_default())
    }

    fn put_alert(&self, alert: &Alert) -> Result<(), Infallible> {
        self.alerts.borrow_mut().insert(alert.id, alert.clone());
        Ok(())
    }

    fn remove_oldest_open(&self, detection: Detection) -> Result<(), Infallible> {
        let mut alerts = self.alerts.borrow_mut();
        let oldest = alerts.values().find(|alert| alert.is_open() && alert.detection == detection);
        if let Some(id) = oldest.map(|alert| alert.id) {
            alerts.remove(&id);
        }
        Ok(())
    }

    fn destinations(&self) -> Result<Vec<Destination>, Infallible> {
        Ok(self.destinations.borrow().values().cloned().collect())
    }

    fn put_destination(&self, destination: &Destination) -> Result<(), Infallible> {
        self.destinations.borrow_mut().insert(destination.id.clone(), destination.clone());
        Ok(())
    }

    fn remove_destination(&self, id: &Name) -> Result<(), Infallible> {
        self.destinations.borrow_mut().remove(id);
        Ok(())
    }

    fn tell_change(&self, change: &Change) -> Result<(), Infallible> {
        self.changes.borrow_mut().push(valid(change));
        Ok(())
    }

    fn tell(&self, event: &AlertEvent) -> Result<(), Infallible> {
        self.told.borrow_mut().push(valid(event));
        Ok(())
    }
}
