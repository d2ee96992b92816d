//! What is asked about tokens that were issued, and done with them.

pub(super) mod bearer;
pub(super) mod introspection;
mod live_tokens;
pub(super) mod revocation;
pub(super) mod userinfo;
