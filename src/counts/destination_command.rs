//! The messages to the object that counts about the destinations of events.

use serde::{Deserialize, Serialize};

use crate::audit::change::{Actor, Changed};
use crate::client::history::Expected;
use crate::courier::destination::Destination;
use crate::format::is_false;
use crate::policy::name::Name;

/// Lists every destination, in the order of the identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListDestinations {}

/// Adds a destination.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct CreateDestination {
    pub destination: Box<Destination>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Replaces the destination with the same identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct ReplaceDestination {
    pub destination: Box<Destination>,
    /// The version that the destination must still have.
    pub expected: Expected,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Deletes a destination. Its courier then deletes what waits and what is dead.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct DeleteDestination {
    pub id: Name,
    /// The version that the destination must still have.
    pub expected: Expected,
    pub by: Actor,
}

/// Notes that deliveries of a destination are deleted or sent again. Its courier, which has them, has no events.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NoteDeliveries {
    /// The destination.
    pub id: Name,
    /// [`Changed::DeliveryDiscarded`] or [`Changed::DeliveriesResent`].
    pub what: Changed,
    /// The event that one delivery has; `None` for all dead letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Who does it.
    pub by: Actor,
}

/// Why a change of destinations is refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationRefusal {
    /// There is no such destination.
    Missing,
    /// A destination with this identifier exists already.
    Exists,
    /// The destination does not have the expected version.
    Stale,
    /// There is no room for another destination.
    Full,
    /// The kind of a destination cannot be changed.
    OtherKind,
}
