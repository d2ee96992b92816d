//! Properties that hold for every input, and the formats of stored records and messages.

mod account_shard;
mod claim_mapping;
mod distances;
mod grant_life;
mod grant_shard;
mod input;
mod json_texts;
mod messages;
mod networks;
mod policies;
mod records;
mod replicas;
mod resources;
mod shard_model;
mod snapshot_text;
mod stored_format;
mod transactions;
mod two_workers;
mod visible_text;
