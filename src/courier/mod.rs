//! Delivery of events to other servers, each with an object of its own: see decision 68.
//!
//! The object `Counts` keeps the [destinations](destination), because every ledger tells it every record and hears about them in its
//! answer. A ledger then sends the records that a destination wants to the destination's courier, by number, so the courier
//! [keeps](shard) each of them once, tries until the receiver has it, and keeps what it had to give up.

pub mod answer;
pub mod command;
pub mod delivery;
pub mod destination;
pub mod feeding;
pub mod filter;
pub mod rows;
pub mod security_event;
pub mod shard;
pub mod written;
