//! The Workers runtime: the only ring that names `worker`. Thin: load, apply, store.

mod account_shard;
mod entry;
mod fetch;
mod grant_shard;
mod ledger;
mod limiter_shard;
mod object;
mod platform;
mod registry;
mod registry_signing_keys;
mod webcrypto;
