//! Signs in the person whom Cloudflare Access, in front of this server, let through.

use rand_core::CryptoRng;

use super::browser::Transaction;
use super::provider::{show, status};
use super::sign_in::{WHAT, complete, read_transaction, stopped};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::upstream::Stop;
use crate::endpoint::upstream::access::identify;
use crate::endpoint::upstream::account::follow;
use crate::identity::account_key::AccountKey;
use crate::identity::session::Browser;
use crate::identity::sign_in::{How, SignIn};
use crate::identity::source::ACCESS;
use crate::time::Timestamp;
use crate::upstream::access::NAME;
use crate::upstream::failure::Failure;

/// Answers the button of Cloudflare Access.
pub(super) async fn chosen<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let pending = match read_transaction(context, form, &browser) {
        Ok(read) => read,
        Err(stale) => return Ok(stopped(context, &browser, stale, form, WHAT).await),
    };
    match sign_in(context, rng).await {
        Ok(sign_in) => complete(context, browser, pending, sign_in, rng).await,
        Err(Stop::Failed(failure)) => Ok(failed(context, &browser, pending.0, failure, rng).await),
        Err(Stop::Unavailable) => Err(Unavailable),
    }
}

/// Signs in the person whom Access vouches for in this request.
pub(crate) async fn sign_in<P: Platform>(
    context: Context<'_, P>,
    rng: &mut impl CryptoRng,
) -> Result<SignIn, Stop> {
    let profile = identify(context).await?;
    let account = follow(context, (AccountKey::access(&profile.subject), ACCESS), &profile, rng).await?;
    // Access does not say when the person authenticated, so the sign-in never counts as recent.
    let auth_time = Timestamp::default();
    Ok(SignIn { account, auth_time, amr: Vec::new(), acr: None, how: How::Access })
}

/// Shows the sign-in page again, with the code, and why the sign-in failed.
async fn failed<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    transaction: Transaction,
    failure: Failure,
    rng: &mut impl CryptoRng,
) -> Response {
    let (status, problem) = refused(failure);
    let page = show(context, status, browser, transaction, Some(problem), rng).await;
    page.noting(WHAT, None, "refused", failure.reason())
}

/// Returns the status and what went wrong.
pub(crate) fn refused(failure: Failure) -> (u16, Problem<'static>) {
    let notice = failure.notice();
    (status(notice), Problem::Provider { notice, name: NAME })
}
