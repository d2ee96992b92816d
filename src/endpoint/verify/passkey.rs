//! Signing in with a passkey, on the sign-in page.

use rand_core::CryptoRng;

use super::sign_in::{WHAT, complete, read_transaction, show, stopped};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::passkey::prove::{Refusal, prove};
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::session::Browser;

/// Checks a passkey. If it is good, looks up the code that was entered before.
pub(super) async fn submitted<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let pending = match read_transaction(context, form, &browser) {
        Ok(read) => read,
        Err(stale) => return Ok(stopped(context, &browser, stale, form, WHAT).await),
    };
    match prove(context, form, &browser).await? {
        Ok(sign_in) => complete(context, browser, pending, sign_in, rng).await,
        Err(refusal) => Ok(refused(context, form, &browser, refusal, rng).await),
    }
}

/// Shows the sign-in page again, with a new challenge.
async fn refused<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    refusal: Refusal,
    rng: &mut impl CryptoRng,
) -> Response {
    let (status, outcome) = match refusal {
        Refusal::Wait(_) => (429, "wait"),
        Refusal::Missing | Refusal::Over | Refusal::Flawed(_) | Refusal::Unknown => (400, "refused"),
    };
    let page = show(context, form, browser, (status, Some(refusal.problem())), rng).await;
    let page = page.noting(WHAT, None, outcome, refusal.reason());
    match refusal {
        Refusal::Wait(seconds) => page.with("retry-after", seconds.to_string()),
        Refusal::Missing | Refusal::Over | Refusal::Flawed(_) | Refusal::Unknown => page,
    }
}
