//! The page of an invitation: a first way into a new account, or another one into an existing account.
//!
//! The secret of the link is in its query. A GET spends nothing. The form has the secret in a hidden field, and its POST
//! spends the invitation once everything else is good. Sent again, the same form spends nothing more.
//!
//! The first administrator may also sign in at a provider, comes back to the link, and presses a button.

mod admit;
mod asked;
mod found;
mod settle;
pub(super) mod view;

use rand_core::CryptoRng;

use self::found::{ADMIT, Found, Page, Typed, WHAT, Whom, begun, find, spent_by};
use self::view::{first, gone, show};
use super::choice;
use super::form::Form;
use super::http::Response;
use super::page::problem::Problem;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use super::verify::notice::Notice;
use super::verify::{browser, provider, sign_in, view as pages};
use crate::identity::session::Browser;
use crate::language::Language;
use crate::registry::invitation::digest;
use crate::sub::Sub;

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let page = if context.request.method == "POST" {
        submitted(context, rng).await
    } else {
        opened(context, rng).await
    };
    page.unwrap_or_else(|Unavailable| {
        pages::unavailable(context).noting(WHAT, None, "unavailable", "unavailable")
    })
}

/// Shows the page of a link. Changes nothing but cookies.
async fn opened<P: Platform>(
    context: Context<'_, P>,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let query = Form::of_link(&context.request.query);
    let secret = query.get("secret").unwrap_or_default();
    let Some(found) = find(context, secret).await? else { return Ok(gone(context)) };
    if let Some(refused) = refusal(context, &found) {
        return Ok(refused);
    }
    Ok(first(context, secret, &found, &Typed::default(), (200, None), rng).await)
}

/// Returns the page for an account that may not be used. Its owner must not spend the link, which is good once the account is.
fn refusal<P: Platform>(context: Context<'_, P>, found: &Found) -> Option<Response> {
    match &found.whom {
        Whom::New(_) => None,
        Whom::Known(account) => sign_in::refusal(context, account),
    }
}

async fn submitted<P: Platform>(
    context: Context<'_, P>,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let form = match Form::of(context.request) {
        Ok(form) => form,
        Err(error) => return Ok(not_ours(context, error.status(), Notice::NotAForm, error.reason())),
    };
    if browser::is_foreign(context.request, context.issuer) {
        return Ok(not_ours(context, 403, Notice::Foreign, "cross_site"));
    }
    let known = browser::read(context);
    let Some(found) = open_or_spent(context, &form, known.as_ref()).await? else { return Ok(gone(context)) };
    if let Some(refused) = refusal(context, &found) {
        return Ok(refused);
    }
    let Some(browser) = known.filter(|browser| browser::is_ours(context, &form, browser)) else {
        return Ok(of_other_browser(context, &form, &found, rng).await);
    };
    if let Some(language) = form.get("language").and_then(Language::parse) {
        return in_language(context, language, &form, (&browser, &found), rng).await;
    }
    if found.is_first
        && let Some(page) = of_administrator(context, &form, (&browser, &found), rng).await?
    {
        return Ok(page);
    }
    let Some((_, sub)) = begun(context, &form, &browser, found.digest) else {
        let page = again(context, &form, &found, (400, Some(Problem::PasskeyOver)), rng).await;
        return Ok(page.noting(WHAT, None, "refused", "passkey_challenge_over"));
    };
    settled(context, &form, (&browser, &sub, &found), rng).await
}

/// Returns the page for a request that no form of ours made.
fn not_ours<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    notice: Notice,
    why: &'static str,
) -> Response {
    pages::notice(context, status, notice).noting(WHAT, None, "refused", why)
}

/// Finds the invitation that a form is about, even if this form has spent it already, and the answer was lost.
async fn open_or_spent<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    known: Option<&Browser>,
) -> Result<Option<Found>, Unavailable> {
    let secret = form.get("secret").unwrap_or_default();
    if let Some(found) = find(context, secret).await? {
        return Ok(Some(found));
    }
    match (known, digest(secret)) {
        (Some(browser), Some(digest)) => spent_by(context, form, browser, digest).await,
        (Some(_) | None, _) => Ok(None),
    }
}

/// Answers the buttons that only the first administrator has; `None` if the form is of none of them.
async fn of_administrator<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    (browser, found): (&Browser, &Found),
    rng: &mut impl CryptoRng,
) -> Result<Option<Response>, Unavailable> {
    let page = match form.get("step") {
        Some("provider") => go_on(context, form, browser, rng).await?,
        Some(ADMIT) => match admit::admit(context, found, browser).await? {
            Ok(done) => done,
            Err((problem, reason)) => {
                let page = again(context, form, found, (403, Some(problem)), rng).await;
                page.noting(WHAT, None, "refused", reason)
            }
        },
        Some(_) | None => return Ok(None),
    };
    Ok(Some(page))
}

/// Sends the browser to the provider that the form names, and back to the link.
async fn go_on<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let secret = form.get("secret").unwrap_or_default();
    provider::chosen_for_invitation(context, secret, form, browser, rng).await
}

/// Shows the page that a form came from, with what was typed.
async fn again<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    found: &Found,
    answer: (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Response {
    first(context, form.get("secret").unwrap_or_default(), found, &Typed::of(form), answer, rng).await
}

async fn of_other_browser<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    found: &Found,
    rng: &mut impl CryptoRng,
) -> Response {
    let problem = if browser::has_cookie(context) { Problem::ChangedElsewhere } else { Problem::NoCookie };
    again(context, form, found, (403, Some(problem)), rng).await.noting(WHAT, None, "refused", "csrf")
}

async fn in_language<P: Platform>(
    context: Context<'_, P>,
    language: Language,
    form: &Form,
    (browser, found): (&Browser, &Found),
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let context = Context { language: Some(language), ..context };
    // The page on the way to a provider has its menu, too.
    let page = if found.is_first && form.get("provider").is_some() {
        go_on(context, form, browser, rng).await?
    } else {
        again(context, form, found, (200, None), rng).await
    };
    Ok(choice::remember(page, context.issuer, language))
}

/// Spends the invitation, or shows the form again and says why not.
async fn settled<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    (browser, sub, found): (&Browser, &Sub, &Found),
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let (secret, typed) = (form.get("secret").unwrap_or_default(), Typed::of(form));
    let page = Page { context, browser, secret, found, sub, typed: &typed };
    match settle::settle(&page, form, rng).await? {
        Ok(done) => Ok(done),
        Err((problem, reason)) => {
            Ok(show(&page, (400, Some(problem)), rng).await.noting(WHAT, None, "refused", reason))
        }
    }
}
