//! `/callback/{id}`: the way back from a provider (OpenID Connect Core §3.1.2.5).
//!
//! The response counts once, only in the browser that was sent away with its `state`, and only at the address of the
//! provider that the browser was sent to. Whatever goes wrong, the code
//! that the person entered survives.

use futures_util::future::join;
use rand_core::CryptoRng;

use super::attempts::Attempt;
use super::browser::Transaction;
use super::provider::{failed, find, go_to, status};
use super::sign_in::{WHAT, complete, start_without_code};
use super::view::Entry;
use super::{attempts, browser, view};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::invitation::view as invitation;
use crate::endpoint::once;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::route::CALLBACK_PREFIX;
use crate::endpoint::server::Context;
use crate::endpoint::upstream::Stop;
use crate::endpoint::upstream::account::follow;
use crate::endpoint::upstream::sign_in::{Arrival, reach, redeem};
use crate::endpoint::upstream::{leavers, recheck};
use crate::grant::user_code::UserCode;
use crate::identity::account_key::AccountKey;
use crate::identity::session::Browser;
use crate::identity::sign_in::{How, SignIn};
use crate::limiter::budgets::used_state;
use crate::limiter::command::UseOnce;
use crate::secret;
use crate::secret::Digest;
use crate::upstream::authorization_response::{AuthorizationResponse, ResponseFlaw};
use crate::upstream::failure::{AttemptFlaw, Failure};
use crate::upstream::provider::Provider;

/// Answers a callback.
pub(crate) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let Ok(response) = Form::parse(context.request.query.as_bytes()) else {
        return strange(context, AttemptFlaw::Malformed, rng).await;
    };
    let state = response.get("state").unwrap_or_default();
    let known = browser::read(context)
        .and_then(|browser| attempts::find(context, &browser, state).map(|attempt| (browser, attempt)));
    match known {
        Some((browser, attempt)) => {
            let page = returned(context, &response, browser, attempt, rng).await;
            page.unwrap_or_else(|Unavailable| {
                view::unavailable(context).noting(WHAT, None, "unavailable", "unavailable")
            })
        }
        None => strange(context, AttemptFlaw::Unknown, rng).await,
    }
}

/// Answers a callback that this browser does not wait for. There is no code to keep.
async fn strange<P: Platform>(
    context: Context<'_, P>,
    flaw: AttemptFlaw,
    rng: &mut impl CryptoRng,
) -> Response {
    let failure = Failure::Attempt(flaw);
    let problem = Some(Problem::Provider { notice: failure.notice(), name: "" });
    let (browser, is_new) = match browser::read(context) {
        Some(browser) => (browser, false),
        None => (Browser::new(rng), true),
    };
    let page = view::enter(context, status(failure.notice()), &browser, Entry::Nothing, problem).await;
    let page = page.noting(WHAT, None, "refused", failure.reason());
    if is_new { browser::remember(context, page, &browser, rng) } else { page }
}

/// Shows the page for entering a code, with the code: its person may be signed in by now.
async fn replayed<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    attempt: &Attempt,
    failure: Failure,
) -> Response {
    if let Some(path) = target(context, &attempt.transaction) {
        let page = Response::empty_redirect(path);
        return page.noting(WHAT, None, "refused", failure.reason()).at(&attempt.provider);
    }
    let problem = Some(Problem::Provider { notice: failure.notice(), name: "" });
    let shape = &context.server.settings.user_code;
    let code = UserCode::parse_either(&attempt.transaction.user_code, shape).map(|code| code.to_string());
    let entry = code.as_deref().map_or(Entry::Nothing, Entry::Typed);
    let page = view::enter(context, status(failure.notice()), browser, entry, problem).await;
    page.noting(WHAT, None, "refused", failure.reason()).at(&attempt.provider)
}

/// Signs the person in, or shows what went wrong.
async fn returned<P: Platform>(
    context: Context<'_, P>,
    response: &Form,
    browser: Browser,
    mut attempt: Attempt,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let Some(provider) = find(context, attempt.provider.as_str()).await? else {
        let gone = Failure::Attempt(AttemptFlaw::NoProvider);
        return Ok(failed(context, &browser, attempt.transaction, None, gone, rng).await);
    };
    let sign_in = match sign_in(context, response, &provider, &attempt, rng).await {
        Ok(sign_in) => sign_in,
        Err(Stop::Unavailable) => return Err(Unavailable),
        Err(Stop::Failed(failure @ Failure::Attempt(AttemptFlaw::Replayed))) => {
            return Ok(replayed(context, &browser, &attempt, failure).await);
        }
        // Some providers refuse a `prompt` that they do not know.
        Err(Stop::Failed(Failure::Response(ResponseFlaw::Refused)))
            if attempt.transaction.choosing_by_login() =>
        {
            return go_to(context, &browser, &provider, attempt.transaction, rng).await;
        }
        Err(Stop::Failed(failure)) => {
            return Ok(failed(context, &browser, attempt.transaction, Some(&provider), failure, rng).await);
        }
    };
    let transaction = attempt.transaction.renewed(context.now);
    if let Some(path) = target(context, &transaction) {
        let page = entered(context, browser, path, &sign_in, rng).await?;
        return Ok(page.at(&provider.id));
    }
    let shape = &context.server.settings.user_code;
    let Some(code) = UserCode::parse_either(&transaction.user_code, shape) else {
        return Ok(strange(context, AttemptFlaw::Unknown, rng).await);
    };
    let page = complete(context, browser, (transaction, code), sign_in, rng).await?;
    Ok(page.at(&provider.id))
}

/// Returns where somebody who has entered no code wants to go.
fn target<P>(context: Context<'_, P>, transaction: &Transaction) -> Option<String> {
    let link = || transaction.invitation.as_ref().map(|secret| invitation::path(context, secret));
    transaction.own.as_ref().map(|own| own.address(context)).or_else(link)
}

/// Starts the session of somebody who has entered no code, and leads to the page that they wanted to see.
async fn entered<P: Platform>(
    context: Context<'_, P>,
    mut browser: Browser,
    path: String,
    sign_in: &SignIn,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    if let Err(refused) = start_without_code(context, &mut browser, sign_in, rng).await? {
        return Ok(refused);
    }
    let page = Response::empty_redirect(path);
    let page = page.noting(WHAT, None, "signed_in", sign_in.how.name());
    Ok(browser::remember(context, page, &browser, rng))
}

async fn sign_in<P: Platform>(
    context: Context<'_, P>,
    response: &Form,
    provider: &Provider,
    attempt: &Attempt,
    rng: &mut impl CryptoRng,
) -> Result<SignIn, Stop> {
    if attempt.ends_at() <= context.now {
        return Err(Failure::Attempt(AttemptFlaw::TooLate).into());
    }
    if !is_at_own_address(context, provider) {
        return Err(Failure::Response(ResponseFlaw::OtherAddress).into());
    }
    let discovery = context.server.discovery(provider, reach(context, provider), context.now).await?;
    let [code, error, iss] = ["code", "error", "iss"].map(|name| response.get(name));
    let response = AuthorizationResponse { code, error, iss };
    let code = response.code(provider.issuer.as_str(), discovery.names_issuer).map_err(Failure::Response)?;
    if !once::take(context, &used(attempt)).await? {
        return Err(Failure::Attempt(AttemptFlaw::Replayed).into());
    }
    let terms = (&attempt.secrets, attempt.max_age, attempt.asked_at);
    let arrival = redeem(context, (provider, &discovery), code, terms, rng).await?;
    let key = AccountKey::oidc(provider.id.as_str(), &arrival.profile.subject);
    let account = follow(context, (key, provider.id.as_str()), &arrival.profile, rng).await?;
    let Arrival { authenticated, refresh_token, .. } = arrival;
    if account.standing.is_active() {
        let (remembered, kept) = join(
            leavers::remember(context, provider, &authenticated, &account.key),
            recheck::keep(context, provider, &account.key, refresh_token.as_deref(), rng),
        )
        .await;
        remembered?;
        kept?;
    }
    let strong = provider.is_strong(&authenticated.amr, authenticated.acr.as_deref());
    Ok(SignIn {
        account,
        auth_time: authenticated.auth_time,
        amr: authenticated.amr,
        acr: authenticated.acr,
        how: How::Upstream { provider: provider.id.as_str().to_owned(), sid: authenticated.sid, strong },
    })
}

/// Returns whether the response came to the redirect URI of the provider that the person was sent to.
fn is_at_own_address<P>(context: Context<'_, P>, provider: &Provider) -> bool {
    let path = context.request.path.strip_prefix(context.issuer.path());
    path.and_then(|path| path.strip_prefix(CALLBACK_PREFIX)) == Some(provider.id.as_str())
}

/// Names the use of a callback. It is remembered as long as the callback counts.
fn used(attempt: &Attempt) -> UseOnce {
    let digest = Digest::of(attempt.secrets.state.as_bytes());
    UseOnce { key: used_state(&secret::encode(digest.bytes())), until: attempt.ends_at() }
}
