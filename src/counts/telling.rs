//! How a ledger tells its records: in order, by number, until they are acknowledged.

use core::time::Duration;

use super::command::Tell;
use crate::audit::ledger_name::LedgerName;

/// How long a ledger waits after a record, so that others can come with it.
pub const SOON: Duration = Duration::from_secs(2);
/// How long it waits after a failure.
pub const AGAIN: Duration = Duration::from_secs(60);
/// The most records in a message. A record has about 550 bytes.
pub const MOST: u32 = 500;
/// The most messages in one alarm. The rest waits for the next alarm.
pub const MESSAGES: u32 = 20;

/// Returns the message about the first records that are not acknowledged; `None` if all are.
#[must_use]
pub fn message(ledger: &LedgerName, records: Vec<(i64, String)>) -> Option<Tell> {
    let up_to = records.last()?.0;
    Some(Tell { ledger: ledger.clone(), up_to, records })
}

/// Returns a message about nothing, whose reply says where events are delivered.
#[must_use]
pub fn question(ledger: &LedgerName) -> Tell {
    Tell { ledger: ledger.clone(), up_to: 0, records: Vec::new() }
}
