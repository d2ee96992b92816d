//! What the object that counts keeps.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::alert::{Alert, AlertId};
use super::command::ListAlerts;
use super::detection::Detection;
use super::kind::{Kind, Tallied};
use super::subject::Subject;
use super::usage::ClientUse;
use crate::audit::alert::AlertEvent;
use crate::audit::change::Change;
use crate::courier::destination::Destination;
use crate::policy::name::Name;
use crate::time::Timestamp;

/// Kinds of memories: what a record is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Space {
    /// The number of the last record of a ledger that was counted, by the ledger's name.
    Ledger,
    /// A [`Window`](super::window::Window), by detection and subject.
    Window,
    /// The [`Habits`](super::habits::Habits) of an account.
    Account,
    /// A [`ClientUse`], by client.
    Client,
    /// When an account last got tokens from a client, by client and account.
    Person,
    /// A row of [`Blocked`](super::blocked::Blocked), by kind of row and key.
    Blocked,
}

impl Space {
    /// Returns the name, as rows have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Window => "window",
            Self::Account => "account",
            Self::Client => "client",
            Self::Person => "person",
            Self::Blocked => "blocked",
        }
    }
}

/// Where a memory is: in its space, under a key and, within that, a part, which can be empty.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct Place {
    pub space: Space,
    pub key: String,
    pub part: String,
}

impl Place {
    /// Returns a place.
    #[must_use]
    pub fn of(space: Space, key: &str, part: &str) -> Self {
        Self { space, key: key.to_owned(), part: part.to_owned() }
    }
}

/// The rows of the object.
#[expect(missing_docs, reason = "the names of the other methods say it all")]
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    fn count(&self, day: u32, kind: Kind, key: &str) -> Result<Option<u64>, Self::Error>;
    /// Returns how many keys a day has counts of.
    fn keys(&self, day: u32, kind: Kind) -> Result<u32, Self::Error>;
    fn put_count(&self, day: u32, kind: Kind, key: &str, count: u64) -> Result<(), Self::Error>;
    /// Returns all counts of a day, in the order of kind and key.
    fn counts(&self, day: u32) -> Result<Vec<Tallied>, Self::Error>;

    fn memory<T: DeserializeOwned>(&self, place: &Place) -> Result<Option<T>, Self::Error>;
    fn remember<T: Serialize>(&self, place: &Place, memory: &T, until: Timestamp) -> Result<(), Self::Error>;
    fn forget(&self, place: &Place) -> Result<(), Self::Error>;
    /// Returns how many parts a key has, counted up to `most`.
    fn parts(&self, space: Space, key: &str, most: u32) -> Result<u32, Self::Error>;
    /// Returns the parts of a key after one, in order, with their memories.
    fn memories<T: DeserializeOwned>(
        &self,
        of: (Space, &str),
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, T)>, Self::Error>;
    /// Returns the clients after one, in order.
    fn clients(&self, after: &str, limit: u32) -> Result<Vec<(String, ClientUse)>, Self::Error>;

    fn alert(&self, id: AlertId) -> Result<Option<Alert>, Self::Error>;
    fn open_alert(&self, detection: Detection, subject: &Subject) -> Result<Option<Alert>, Self::Error>;
    fn alerts(&self, ask: &ListAlerts) -> Result<Vec<Alert>, Self::Error>;
    fn open_alerts(&self, detection: Detection) -> Result<u64, Self::Error>;
    /// Returns the highest number of an alert; 0 if there is none.
    fn newest_alert(&self) -> Result<AlertId, Self::Error>;
    fn put_alert(&self, alert: &Alert) -> Result<(), Self::Error>;
    /// Deletes the oldest open alert of a detection.
    fn remove_oldest_open(&self, detection: Detection) -> Result<(), Self::Error>;

    /// Returns every destination of events, in the order of the identifiers.
    fn destinations(&self) -> Result<Vec<Destination>, Self::Error>;
    fn put_destination(&self, destination: &Destination) -> Result<(), Self::Error>;
    fn remove_destination(&self, id: &Name) -> Result<(), Self::Error>;

    /// Appends an event about destinations to the outbox.
    fn tell_change(&self, change: &Change) -> Result<(), Self::Error>;
    /// Appends an event to the outbox.
    fn tell(&self, event: &AlertEvent) -> Result<(), Self::Error>;
}
