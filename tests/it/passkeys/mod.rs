//! Passkeys (WebAuthn Level 3).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken vector or response fails its test"
)]

mod ceremonies;
mod demands;
mod invitations;
mod level3;
mod own;
mod owner;
mod policies;
mod properties;
mod sign_in;
