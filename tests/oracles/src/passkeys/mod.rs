//! Passkeys: the crate `passkey` is browser and authenticator, and `webauthn-rs-core` a second server.

#[allow(dead_code, reason = "shared with the native tests")]
#[path = "../../../it/support/authenticator.rs"]
mod authenticator;
mod browser;
mod ceremonies;
mod mutations;
mod second;
mod vectors;
