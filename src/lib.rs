//! An OAuth 2.0 authorization server for the Device Authorization Grant (RFC 8628).
//!
//! Three rings, one package:
//!
//! * **Ring 1**, the domains: [`grant`], [`client`], [`token`], [`identity`], [`limiter`], [`policy`],
//!   [`audit`]. Pure and synchronous; the instant and the source of randomness are arguments.
//! * **Ring 2**, [`endpoint`]: HTTP in, HTTP out, over the one trait [`endpoint::Platform`]. Still native,
//!   so whole stories run under `cargo test`.
//! * **Ring 3**, `cloudflare`: Durable Objects, KV, WebCrypto. Compiled for wasm only, and thin.
//!
//! A reader's path: [`grant::Grant`] (the life of a code), [`grant::shard`] (what one Durable Object
//! answers), [`endpoint::answer`] (the routes), then `cloudflare`.

#![forbid(unsafe_code)]

pub mod alarm;
pub mod audit;
pub mod client;
pub mod derived_keys;
pub mod endpoint;
pub mod family;
pub mod fault;
pub mod format;
pub mod grant;
pub mod identity;
pub mod limiter;
pub mod place;
pub mod policy;
pub mod registry;
pub mod scope;
pub mod secret;
pub mod settings;
pub mod sharding;
pub mod time;
pub mod token;

#[cfg(target_family = "wasm")]
mod cloudflare;
