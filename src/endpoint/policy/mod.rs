//! Asks policy: at the device authorization, the sign-in, the consent page and the approval, the redemption and the
//! refresh. See `docs/governance.md`.
//!
//! Policy never decides who may see `/account`, manage the server or set it up: none of those pages asks.

pub(super) mod ask;
pub(super) mod facts;
pub(super) mod kill;
pub mod refused;
pub(super) mod sign_in;
pub(super) mod start;
pub(super) mod tokens;
