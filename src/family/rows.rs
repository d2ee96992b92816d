//! The rows of families in a shard.

use super::Family;
use super::id::FamilyId;
use crate::audit::outbox::Outbox;

/// Reads and writes families, keyed by their identifiers. Every method is synchronous, so
/// that a command runs without interruption.
pub trait Rows: Outbox {
    /// Reads a family.
    fn family(&self, id: FamilyId) -> Result<Option<Family>, Self::Error>;
    /// Writes a family.
    fn put_family(&self, id: FamilyId, family: &Family) -> Result<(), Self::Error>;
}
