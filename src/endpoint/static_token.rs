//! Checks tokens that open an endpoint: the admin tokens and the initial access token.

use super::attempt::Attempt;
use super::http::Request;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::limiter::budgets::Budget;
use crate::secret::Digest;
use crate::settings::TokenDigests;

/// A token of at least this many bytes cannot be guessed: 128 bits in hexadecimal.
const UNGUESSABLE: usize = 32;

/// Result of checking the Bearer token of a request.
pub(super) enum Shown<T> {
    /// The token is right. Carries what is known about it.
    Right(T),
    /// The token is wrong or missing.
    Wrong,
    /// The attempts are used up. Carries the seconds until the next one is allowed.
    Wait(u64),
}

/// Returns the Bearer token of a request (RFC 6750 §2.1).
pub(super) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.authorization.as_deref()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Compares the Bearer token of a request with those in a setting. Returns the digest of the right one.
///
/// A wrong token costs an attempt from `budget`. A right token of at least [`UNGUESSABLE`] bytes is let in
/// whatever others have tried: guessing it is hopeless, so the budget only has to keep strangers from causing
/// work, and must not keep operators out. A shorter token may have been made up by a person, so even the
/// right one has to wait while the budget is empty.
pub(super) async fn look<P: Platform>(
    context: Context<'_, P>,
    expected: &TokenDigests,
    budget: Budget,
) -> Result<Shown<Digest>, Unavailable> {
    let Some(token) = bearer(context.request) else { return Ok(Shown::Wrong) };
    let digest = Digest::of(token.as_bytes());
    if !expected.include(&digest) {
        return guarded(context, budget, async || Ok(None)).await;
    }
    if token.len() >= UNGUESSABLE {
        return Ok(Shown::Right(digest));
    }
    with_attempt(context, budget, async || Ok(Some(digest))).await
}

/// Looks a token up with `find`, at the cost of an attempt from `budget`, which is given back if the token is right. The
/// platform's rate limit keeps a flood of wrong tokens away from the limiter, which everybody shares.
pub(super) async fn guarded<P: Platform, T>(
    context: Context<'_, P>,
    budget: Budget,
    find: impl AsyncFnOnce() -> Result<Option<T>, Unavailable>,
) -> Result<Shown<T>, Unavailable> {
    if !context.server.platform.within_limit(&context.rate_key("token")).await {
        return Ok(Shown::Wait(60));
    }
    with_attempt(context, budget, find).await
}

async fn with_attempt<P: Platform, T>(
    context: Context<'_, P>,
    budget: Budget,
    find: impl AsyncFnOnce() -> Result<Option<T>, Unavailable>,
) -> Result<Shown<T>, Unavailable> {
    let attempt = match Attempt::take(context, [budget]).await? {
        Attempt::Taken(attempt) => attempt,
        Attempt::Wait(full) => return Ok(Shown::Wait(full.seconds)),
    };
    let Some(found) = find().await? else { return Ok(Shown::Wrong) };
    attempt.give_back_now(context).await;
    Ok(Shown::Right(found))
}
