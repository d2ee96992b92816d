//! Bearer tokens whose digests the operator configures: the admin token and the initial access token.

use super::attempt::Attempt;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::limiter::budgets::Budget;
use crate::secret::Digest;
use crate::settings::TokenDigests;

/// A token of at least this many bytes cannot be guessed: 128 bits in hexadecimal.
const UNGUESSABLE: usize = 32;

/// Result of checking the Bearer token of a request.
pub(super) enum Shown {
    /// The token is right. Carries its digest, which is one of the expected ones.
    Right(Digest),
    /// The token is wrong or missing.
    Wrong,
    /// The attempts are used up. Carries the seconds until the next one is allowed.
    Wait(u64),
}

/// Checks the Bearer token of a request (RFC 6750 §2.1).
///
/// A wrong token costs an attempt from `budget`. A right token of at least [`UNGUESSABLE`] bytes is let in
/// whatever others have tried: guessing it is hopeless, so the budget only has to keep strangers from causing
/// work, and must not keep operators out. A shorter token may have been made up by a person, so even the
/// right one has to wait while the budget is empty. The platform's rate limit keeps a flood of wrong tokens
/// away from the limiter, which everybody shares.
pub(super) async fn look<P: Platform>(
    context: Context<'_, P>,
    expected: &TokenDigests,
    budget: Budget,
) -> Result<Shown, Unavailable> {
    let header = context.request.authorization.as_deref().and_then(|header| header.split_once(' '));
    let bearer = header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = bearer else { return Ok(Shown::Wrong) };
    let token = token.trim();
    let digest = Digest::of(token.as_bytes());
    let is_right = expected.include(&digest);
    if is_right && token.len() >= UNGUESSABLE {
        return Ok(Shown::Right(digest));
    }
    if !is_right && !context.server.platform.within_limit(&context.rate_key("token")).await {
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
    Ok(Shown::Right(digest))
}
