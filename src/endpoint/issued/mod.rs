//! The endpoints that take tokens from this server: introspection, revocation and `/userinfo`.

pub(super) mod bearer;
pub(super) mod introspection;
mod live_tokens;
pub(super) mod revocation;
pub(super) mod userinfo;
