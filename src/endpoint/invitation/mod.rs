//! The page of an invitation: a first way into a new account, or another one into an existing account.
//!
//! The secret of the link is in its query. A GET spends nothing. The form has the secret in a hidden field, and its POST
//! spends the invitation once everything else is good. Sent again, the same form spends nothing more.

mod asked;
mod found;
mod settle;
mod view;

use rand_core::CryptoRng;

use self::found::{Found, Page, Typed, WHAT, Whom, begun, find, spent_by};
use self::view::{gone, show};
use super::choice;
use super::form::Form;
use super::http::Response;
use super::page::problem::Problem;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use super::verify::notice::Notice;
use super::verify::{browser, sign_in, view as pages};
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
    Ok(first(context, secret, &found, &Typed::default(), (200, None), rng))
}

/// Returns the page for an account that may not be used. Its owner must not spend the link, which is good once the account is.
fn refusal<P: Platform>(context: Context<'_, P>, found: &Found) -> Option<Response> {
    match &found.whom {
        Whom::New(_) => None,
        Whom::Known(account) => sign_in::refusal(context, account),
    }
}

/// Shows the page to a browser that gets a cookie if it has none.
fn first<P: Platform>(
    context: Context<'_, P>,
    secret: &str,
    found: &Found,
    typed: &Typed<'_>,
    answer: (u16, Option<Problem>),
    rng: &mut impl CryptoRng,
) -> Response {
    let known = browser::read(context);
    let is_new = known.is_none();
    let browser = known.unwrap_or_else(|| Browser::new(rng));
    let sub = match &found.whom {
        Whom::New(_) => Sub::draw(rng),
        Whom::Known(account) => account.sub.clone(),
    };
    let page = Page { context, browser: &browser, secret, found, sub: &sub, typed };
    let page = show(&page, answer, rng);
    if is_new { browser::remember(context, page, &browser, rng) } else { page }
}

async fn submitted<P: Platform>(
    context: Context<'_, P>,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let form = match Form::of(context.request) {
        Ok(form) => form,
        Err(error) => {
            return Ok(pages::notice(context, error.status(), Notice::NotAForm).noting(
                WHAT,
                None,
                "refused",
                error.reason(),
            ));
        }
    };
    if browser::is_foreign(context.request, context.issuer) {
        return Ok(pages::notice(context, 403, Notice::Foreign).noting(WHAT, None, "refused", "cross_site"));
    }
    let secret = form.get("secret").unwrap_or_default();
    let known = browser::read(context);
    let found = match find(context, secret).await? {
        Some(found) => found,
        // It was spent, perhaps by this form, of which an answer was lost.
        None => match (&known, digest(secret)) {
            (Some(browser), Some(digest)) => match spent_by(context, &form, browser, digest).await? {
                Some(found) => found,
                None => return Ok(gone(context)),
            },
            (Some(_) | None, _) => return Ok(gone(context)),
        },
    };
    if let Some(refused) = refusal(context, &found) {
        return Ok(refused);
    }
    let typed = Typed::of(&form);
    let Some(browser) = known.filter(|browser| browser::is_ours(context, &form, browser)) else {
        let problem =
            if browser::has_cookie(context) { Problem::SignedInElsewhere } else { Problem::NoCookie };
        let page = first(context, secret, &found, &typed, (403, Some(problem)), rng);
        return Ok(page.noting(WHAT, None, "refused", "csrf"));
    };
    if let Some(language) = form.get("language").and_then(Language::parse) {
        let context = Context { language: Some(language), ..context };
        let page = first(context, secret, &found, &typed, (200, None), rng);
        return Ok(choice::remember(page, context.issuer, language));
    }
    let Some((_, sub)) = begun(context, &form, &browser, found.digest) else {
        let page = first(context, secret, &found, &typed, (400, Some(Problem::PasskeyOver)), rng);
        return Ok(page.noting(WHAT, None, "refused", "passkey_challenge_over"));
    };
    let page = Page { context, browser: &browser, secret, found: &found, sub: &sub, typed: &typed };
    match settle::settle(&page, &form, rng).await? {
        Ok(done) => Ok(done),
        Err((problem, reason)) => {
            Ok(show(&page, (400, Some(problem)), rng).noting(WHAT, None, "refused", reason))
        }
    }
}
