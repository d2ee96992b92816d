//! A small protected API: what a resource server does with the tokens of an authorization server.
//!
//! Everything is decided natively and without I/O of its own, so every refusal has a test: [`token`] says
//! whether an access token counts (RFC 9068 §4), [`dpop`] whether the caller holds its key (RFC 9449 §4.3),
//! [`challenge`] how a refusal is put (RFC 6750, RFC 9449, RFC 9470), [`keys`] when to ask the issuer
//! for its keys. [`api`] puts them in order. The clock is an argument; fetching and verifying signatures are
//! behind the trait [`api::Platform`].
//!
//! `cloudflare` is the Worker: compiled for wasm only, and thin.

#![forbid(unsafe_code)]

pub mod api;
pub mod challenge;
pub mod dpop;
pub mod jws;
pub mod keys;
pub mod settings;
pub mod token;

#[cfg(target_family = "wasm")]
mod cloudflare;
