//! Counts of what the ledgers recorded, and alerts about what looks like an attack: see decision 67.
//!
//! A ledger tells its records to the one object [`COUNTS`], from its alarm, until the object has acknowledged them. The object
//! remembers the number of the last record of each ledger, so it counts each record once.

pub mod alert;
pub mod blocked;
mod blocking;
pub mod command;
pub mod day;
pub mod destination_command;
pub mod destinations;
pub mod detection;
pub mod habits;
pub mod kind;
pub mod open_metrics;
pub mod overview;
pub mod rows;
pub mod shard;
pub mod sighting;
pub mod subject;
mod survey;
pub mod telling;
pub mod usage;
mod watch;
pub mod window;

/// Name of the object.
pub const COUNTS: &str = "counts";

/// What a key stands for that found no room.
pub const OTHER: &str = "other";
