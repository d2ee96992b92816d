//! A token of which the operator has configured the digest: the admin token, the initial access token.

use super::attempt::Attempt;
use super::{Context, Platform, Unavailable};
use crate::limiter::budgets::Budget;
use crate::secret::Digest;

/// What came of looking at a request's Bearer token.
pub(super) enum Shown {
    /// It is the one.
    Right,
    /// It is another, or there is none.
    Wrong,
    /// It was not looked at; in so many seconds it will be.
    Wait(u64),
}

/// Looks at the Bearer token of a request (RFC 6750 §2.1).
///
/// A wrong one costs an attempt of `budget`, so that a weak one is not found by trying. The attempt is taken first:
/// the right one is refused, too, while there is none. Before a flood of wrong ones stands the platform's rate limit, so
/// that it does not take up the counters of everybody else.
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
