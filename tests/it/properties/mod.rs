//! Laws that hold for every input, and the formats of stored records.

mod grant_shard;
mod laws;
mod messages;
mod shard_model;
mod stored_format;
mod stored_registry;
