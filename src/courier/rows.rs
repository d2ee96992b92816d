//! What a courier keeps.

use super::delivery::{Condition, Delivery, Numbered};
use crate::audit::ledger_name::LedgerName;
use crate::time::Timestamp;

/// The rows of a courier.
#[expect(missing_docs, reason = "the names of the other methods say it all")]
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    /// Returns the number of the last record of a ledger that was heard about.
    fn heard(&self, ledger: &LedgerName) -> Result<Option<i64>, Self::Error>;
    fn put_heard(&self, ledger: &LedgerName, number: i64, until: Timestamp) -> Result<(), Self::Error>;

    /// Returns how many deliveries are dead, or wait.
    fn count(&self, is_dead: bool) -> Result<u32, Self::Error>;
    /// Adds a delivery. `due` is when to try it, or for a dead one, when to delete it.
    fn add(&self, delivery: &Delivery, due: Timestamp) -> Result<(), Self::Error>;
    fn put(&self, numbered: &Numbered, due: Timestamp) -> Result<(), Self::Error>;
    fn remove(&self, number: i64) -> Result<(), Self::Error>;
    fn delivery(&self, number: i64) -> Result<Option<Delivery>, Self::Error>;
    /// Returns deliveries with higher numbers, in order.
    fn deliveries(&self, is_dead: bool, after: i64, limit: u32) -> Result<Vec<Numbered>, Self::Error>;
    /// Returns the delivery that has been due for the longest time, of two the one with the lower number.
    fn due(&self, now: Timestamp) -> Result<Option<Numbered>, Self::Error>;
    /// Deletes the dead letters whose time is over.
    fn remove_ended(&self, now: Timestamp) -> Result<(), Self::Error>;

    fn condition(&self) -> Result<Condition, Self::Error>;
    fn put_condition(&self, condition: &Condition) -> Result<(), Self::Error>;
}
