//! The rows of families in a shard.

use super::Family;
use super::id::FamilyId;
use crate::audit::outbox::Outbox;

/// Reads and writes families by their identifiers. Every method is synchronous, so that nothing can interrupt
/// a command.
#[expect(missing_docs, reason = "the names of the methods say it all")]
pub trait Rows: Outbox {
    fn family(&self, id: FamilyId) -> Result<Option<Family>, Self::Error>;
    fn put_family(&self, id: FamilyId, family: &Family) -> Result<(), Self::Error>;
}
