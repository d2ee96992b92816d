//! The rows of a `GrantShard`, and the events of their transitions.

use super::Grant;
use super::live_codes::LiveCodes;
use super::routing::RowKey;
use crate::audit::{Event, What};
use crate::family;
use crate::network::Prefix;
use crate::provenance::Stage;
use crate::time::Timestamp;

/// The rows of a shard.
#[expect(missing_docs, reason = "the names of the other methods say it all")]
pub trait Rows: family::rows::Rows {
    fn grant(&self, key: RowKey) -> Result<Option<Grant>, Self::Error>;
    fn put_grant(&self, key: RowKey, grant: &Grant, now: Timestamp) -> Result<(), Self::Error>;
    /// Returns the counts of the live codes of the network with this widest prefix.
    fn codes_of(&self, widest: &Prefix) -> Result<LiveCodes, Self::Error>;
    /// Returns the same for a new grant with this key; `None` if there is a grant with this key already.
    fn codes_unless_taken(&self, key: RowKey, widest: &Prefix) -> Result<Option<LiveCodes>, Self::Error> {
        if self.grant(key)?.is_some() {
            return Ok(None);
        }
        self.codes_of(widest).map(Some)
    }
    /// Stores them, or removes them if they are empty.
    fn put_codes_of(&self, widest: &Prefix, codes: &LiveCodes) -> Result<(), Self::Error>;
    /// Returns the counts of all live codes.
    fn codes(&self) -> Result<LiveCodes, Self::Error>;
    /// Keeps them. They are stored with the next event of the same command.
    fn put_codes(&self, codes: LiveCodes);
    /// Shows grants in the order of their keys, each as `None` if it is not live, until `see` returns `false`: after one of them
    /// or from the first, and at most as many as `most`.
    fn each(
        &self,
        after: Option<RowKey>,
        most: u32,
        now: Timestamp,
        see: impl FnMut(RowKey, Option<Grant>) -> bool,
    ) -> Result<(), Self::Error>;
}

/// Tells an event that no account caused.
pub(super) fn tell<R: Rows>(
    rows: &R,
    what: What,
    key: RowKey,
    grant: &Grant,
    now: Timestamp,
) -> Result<(), R::Error> {
    rows.tell(&event(what, key, grant, now))
}

/// Builds the event of a transition. It names the grant by its row key, never by a code.
#[must_use]
pub fn event(what: What, key: RowKey, grant: &Grant, now: Timestamp) -> Event {
    let event = Event::of(what, now, key.to_string(), grant.request.client_id.clone());
    if let Some(provenance) = grant.provenance(key) {
        return event.following(&provenance);
    }
    let approval_id = grant.decision.as_ref().and_then(|decision| decision.approval_id.clone());
    Event { approval_id, started: Some(Stage::of(&grant.request.origin)), ..event }
}
