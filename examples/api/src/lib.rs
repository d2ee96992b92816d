//! A small protected API: what a resource server does with the tokens of an authorization server.
//!
//! All decisions are made without I/O, so every refusal has a native test: [`token`] decides whether an
//! access token is valid (RFC 9068 §4), [`dpop`] whether the caller holds its key (RFC 9449 §4.3),
//! [`challenge`] what a refusal looks like (RFC 6750, RFC 9449, RFC 9470), and [`keys`] when to fetch the
//! issuer's keys. [`api`] calls them in order. The clock is an argument; fetching and verifying signatures
//! are behind the trait [`api::Platform`].
//!
//! `cloudflare` is the Worker. It is thin, and compiled for wasm only.

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
