//! Every reason to refuse a request, tested through the whole API with keys made here.

#![expect(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod proofs;
mod serving;
mod tokens;
mod world;
