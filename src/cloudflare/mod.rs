//! The Workers runtime. Only this ring uses the `worker` crate. It is thin: it loads, applies and stores.

mod account_shard;
mod counts;
mod courier;
mod entry;
mod exported;
mod fetch;
mod grant_shard;
mod hop;
mod intl;
mod known;
mod ledger;
mod limiter_shard;
mod object;
mod platform;
#[cfg(feature = "panic-probe")]
mod probe;
mod registry;
mod request_id;
mod shipping;
mod sockets;
mod warnings;
mod webcrypto;
