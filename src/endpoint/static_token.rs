//! Bearer tokens whose digests the operator configures: the admin token and the initial access token.

use super::attempt::Attempt;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::limiter::budgets::Budget;
use crate::secret::Digest;

/// Result of checking the Bearer token of a request.
pub(super) enum Shown {
    Right,
    /// The token is wrong or missing.
    Wrong,
    /// The attempts are used up. Carries the seconds until the next one is allowed.
    Wait(u64),
}

/// Checks the Bearer token of a request (RFC 6750 §2.1).
///
/// A wrong token costs an attempt from `budget`, so that nobody finds a weak one by guessing. The attempt is
/// taken first, so even the right token has to wait while the budget is empty. The platform's rate limit
/// keeps a flood of wrong tokens away from the limiter, which everybody shares.
pub(super) async fn look<P: Platform>(
    context: Context<'_, P>,
    expected: &Digest,
    budget: Budget,
) -> Result<Shown, Unavailable> {
    let header = context.request.authorization.as_deref().and_then(|header| header.split_once(' '));
    let bearer = header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = bearer else { return Ok(Shown::Wrong) };
    let is_right = Digest::of(token.trim().as_bytes()) == *expected;
    let key = format!("token/{}", context.network());
    if !is_right && !context.server.platform.within_limit(&key).await {
        return Ok(Shown::Wait(60));
    }
    let attempt = match Attempt::take(context, [budget]).await? {
        Attempt::Taken(attempt) => attempt,
        Attempt::Wait(seconds) => return Ok(Shown::Wait(seconds)),
    };
    if !is_right {
        return Ok(Shown::Wrong);
    }
    attempt.give_back(context).await;
    Ok(Shown::Right)
}
