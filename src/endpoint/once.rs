//! Names that may be used only once: the `jti` of an assertion (RFC 7523 §3) and of a DPoP proof (RFC 9449
//! §11.1).
//!
//! The limiter knows the used names of all isolates. Each isolate also remembers those that it saw itself, so
//! that a replay to the same isolate is refused without calling a Durable Object.

use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::limiter::command::UseOnce;

/// Returns whether this isolate has seen the name used.
pub(super) fn was_used<P>(context: Context<'_, P>, name: &UseOnce) -> bool {
    context.server.used.has(name, context.now)
}

/// Uses the name. Returns whether this was its first use in any isolate.
pub(super) async fn take<P: Platform>(context: Context<'_, P>, name: &UseOnce) -> Result<bool, Unavailable> {
    if was_used(context, name) {
        return Ok(false);
    }
    let is_first = context.server.platform.limits(name.clone()).await?;
    if is_first {
        context.server.used.note(name, context.now);
    }
    Ok(is_first)
}

/// Uses the name without asking the limiter whether another isolate saw it. Returns the command to send to
/// the limiter after the response.
pub(super) fn take_afterwards<P>(context: Context<'_, P>, name: &UseOnce) -> UseOnce {
    context.server.used.note(name, context.now);
    name.clone()
}
