//! How a ledger feeds couriers: in order, by number, until each has acknowledged what its destination wants.

use super::command::Hear;
use super::destination::{Destination, Receiver};
use super::filter::Record;
use super::security_event;
use crate::audit::ledger_name::LedgerName;

/// The most records that are looked at for a message. A record has about 550 bytes.
pub const MOST: u32 = 500;
/// The most steps for a destination in one alarm. The rest waits for the next alarm.
pub const STEPS: u32 = 20;

/// A step on the way through a ledger's records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// The number of the last record that was looked at.
    pub up_to: i64,
    /// What to tell the courier; `None` if the destination wants none of the records.
    pub message: Option<Hear>,
}

/// Returns the step over records that have not been looked at for a destination; `None` if there are none.
#[must_use]
pub fn step(ledger: &LedgerName, destination: &Destination, records: Vec<(i64, String)>) -> Option<Step> {
    let up_to = records.last()?.0;
    let mut wanted = Vec::new();
    if destination.enabled {
        wanted.extend(records.into_iter().filter(|(_, record)| wants(destination, record)));
    }
    let message = (!wanted.is_empty()).then(|| Hear { ledger: ledger.clone(), up_to, records: wanted });
    Some(Step { up_to, message })
}

fn wants(destination: &Destination, text: &str) -> bool {
    let Some(record) = Record::read(text) else { return false };
    let says_something = match destination.receiver {
        Receiver::Webhook { .. } => true,
        Receiver::SharedSignals { .. } => security_event::is_signal(text),
    };
    says_something && record.event.at >= destination.created_at() && destination.filter.matches(&record.event)
}
