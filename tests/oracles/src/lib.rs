//! Oracles: published implementations that judge the same input as ours.
//!
//! Where both judge differently, a table says why. A difference that no row explains fails the test, and so does a row that
//! explains none.

#![cfg(test)]
#![allow(clippy::indexing_slicing, reason = "a test that goes wrong fails")]

mod id_tokens;
mod passkeys;
