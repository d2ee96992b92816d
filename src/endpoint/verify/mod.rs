//! The verification pages (RFC 8628 §3.3): enter the code, sign in, decide, see the result.
//!
//! A code leads to the page of its request, which has an address and can be reloaded; the pages before it are responses
//! to POSTs. A GET changes nothing. Before sign-in only the format of a code is checked; it is looked up afterwards, so
//! nobody can probe codes without an account.

pub(super) mod access;
mod address;
mod asking;
mod attempts;
mod binding;
pub(super) mod browser;
pub(super) mod callback;
mod code;
mod consent;
mod decide;
mod denied;
mod judge;
mod menu;
pub(super) mod notice;
mod passkey;
pub(super) mod provider;
mod recent;
mod request_page;
pub(super) mod session;
pub(super) mod sign_in;
mod source;
mod turnstile;
pub(super) mod view;

use rand_core::CryptoRng;

use self::browser::Stale;
use self::notice::Notice;
use self::recent::REQUEST;
use self::view::Entry;
use super::boxed::boxed;
use super::choice;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::page::problem::Problem;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::grant::link;
use crate::grant::user_code::UserCode;
use crate::identity::session::Browser;
use crate::language::Language;

/// The purpose of a form.
enum Step {
    Code,
    SignIn,
    Passkey,
    Provider,
    Access,
    Decide,
    Withdraw,
    EndSource,
    Ask,
    SwitchAccount,
    SignOut,
}

impl Step {
    fn read(form: &Form) -> Option<Self> {
        match form.get("step")? {
            "code" => Some(Self::Code),
            "sign_in" => Some(Self::SignIn),
            "passkey" => Some(Self::Passkey),
            "provider" => Some(Self::Provider),
            "access" => Some(Self::Access),
            "decide" => Some(Self::Decide),
            "withdraw" => Some(Self::Withdraw),
            "end_source" => Some(Self::EndSource),
            "ask" => Some(Self::Ask),
            "switch_account" => Some(Self::SwitchAccount),
            "sign_out" => Some(Self::SignOut),
            _ => None,
        }
    }
}

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    if context.request.method != "POST" {
        return first_page(context, rng).await;
    }
    match Form::of(context.request) {
        Ok(form) => submitted(context, &form, rng).await,
        Err(error) => not_a_form(context, &error),
    }
}

fn not_a_form<P: Platform>(context: Context<'_, P>, error: &Error) -> Response {
    let page = view::notice(context, error.status(), Notice::NotAForm);
    page.noting("verification", None, "refused", error.reason())
}

/// Shows the page for entering a code. A code from a link is filled in, but the person must still confirm it
/// (RFC 8628 §3.3.1).
async fn first_page<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let query = Form::of_link(&context.request.query);
    if query.get(REQUEST).is_some() {
        return boxed(request_page::answer(context, &query, rng)).await;
    }
    if let Some(browser) = browser::read(context) {
        return linked(context, &query, &browser).await;
    }
    let browser = Browser::new(rng);
    let page = linked(context, &query, &browser).await;
    browser::remember(context, page, &browser, rng)
}

/// Fills in the code from the link, unless the link says that the code has expired.
async fn linked<P: Platform>(context: Context<'_, P>, query: &Form, browser: &Browser) -> Response {
    let shape = &context.server.settings.user_code;
    let Some(code) = query.get("user_code").and_then(|typed| UserCode::parse_either(typed, shape)) else {
        return view::enter(context, 200, browser, Entry::Nothing, None).await;
    };
    match code::link_end(context, &code, query) {
        Some(end) if end <= context.now => view::link_expired(context, 200, browser, end).await,
        Some(_) | None => {
            let entry = Entry::Compare(&code, query.get(link::PARAMETER));
            view::enter(context, 200, browser, entry, None).await
        }
    }
}

async fn submitted<P: Platform>(context: Context<'_, P>, form: &Form, rng: &mut impl CryptoRng) -> Response {
    if browser::is_foreign(context.request, context.issuer) {
        let page = view::notice(context, 403, Notice::Foreign);
        return page.noting("verification", None, "refused", "cross_site");
    }
    if let Some(language) = menu::asked(form) {
        return menu::answer(context, form, language).await;
    }
    let Some(browser) = browser::read(context).filter(|browser| browser::is_ours(context, form, browser))
    else {
        return start_again(context, form, rng).await;
    };
    if let Some(language) = form.get("language").and_then(Language::parse) {
        return in_language(context, form, &browser, language, rng).await;
    }
    let Some(step) = Step::read(form) else { return not_a_form(context, &Error::Malformed("step")) };
    take(step, context, form, browser, rng).await.unwrap_or_else(|Unavailable| unavailable(context))
}

async fn take<P: Platform>(
    step: Step,
    context: Context<'_, P>,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let reply = match step {
        Step::Code => boxed(code::entered(context, form, browser, rng)),
        Step::SignIn => boxed(sign_in::submitted(context, form, browser, rng)),
        Step::Passkey => boxed(passkey::submitted(context, form, browser, rng)),
        Step::Provider => boxed(provider::chosen(context, form, &browser, rng)),
        Step::Access => boxed(access::chosen(context, form, browser, rng)),
        Step::Decide => boxed(decide::submitted(context, form, &browser, rng)),
        Step::Withdraw => boxed(request_page::withdraw(context, form, &browser, rng)),
        Step::EndSource => boxed(source::end(context, form, &browser, rng)),
        Step::Ask => boxed(asking::submitted(context, form, &browser, rng)),
        Step::SwitchAccount => boxed(sign_in::switch_account(context, form, browser, rng)),
        Step::SignOut => boxed(sign_in::sign_out(context, browser, rng)),
    };
    reply.await
}

/// Shows the same page again in the language that the person chose, and remembers the choice. Does nothing that the
/// button of the form would do.
async fn in_language<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    language: Language,
    rng: &mut impl CryptoRng,
) -> Response {
    let context = Context { language: Some(language), ..context };
    let page = match Step::read(form) {
        // Only the page that goes on to a provider names it beside the language.
        Some(Step::Provider) if form.get("provider").is_some() => {
            boxed(provider::chosen(context, form, browser, rng)).await
        }
        Some(Step::SignIn | Step::Passkey | Step::Provider | Step::Access) => {
            Ok(boxed(sign_in::shown_again(context, form, browser, rng)).await)
        }
        Some(Step::Decide) => boxed(decide::shown_again(context, form, browser, rng)).await,
        Some(
            Step::Code | Step::Withdraw | Step::EndSource | Step::Ask | Step::SwitchAccount | Step::SignOut,
        )
        | None => Ok(code::typed_so_far(context, form, browser).await),
    };
    let page = page.unwrap_or_else(|Unavailable| unavailable(context));
    choice::remember(page, context.issuer, language)
}

fn unavailable<P: Platform>(context: Context<'_, P>) -> Response {
    view::unavailable(context).noting("verification", None, "unavailable", "unavailable")
}

/// Answers a form with the wrong CSRF token: the browser's session changed, for example in another window, or
/// its cookies are gone. What was typed stays.
async fn start_again<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Response {
    let Some(browser) = browser::read(context) else { return without_cookie(context, form, rng).await };
    let page = match browser::Transaction::open(context, form, &browser) {
        Ok(transaction) if transaction.hold.is_some() => {
            let page = view::notice(context, 403, Notice::Elsewhere);
            return page.noting("verification", None, "refused", "elsewhere");
        }
        Ok(transaction) => {
            let entry = Entry::Typed(&transaction.user_code);
            view::enter(context, 403, &browser, entry, Some(Problem::SignedInElsewhere)).await
        }
        Err(Stale::Missing | Stale::NotOurs) => {
            let entry = Entry::Typed(form.get("user_code").unwrap_or_default());
            view::enter(context, 403, &browser, entry, Some(Problem::SignedInElsewhere)).await
        }
        Err(stale @ (Stale::OtherBrowser | Stale::TooOld(_))) => {
            view::stale(context, 403, &browser, stale, form).await
        }
    };
    let page = page.noting("verification", None, "refused", "csrf");
    browser::remember(context, page, &browser, rng)
}

/// Answers a form that came without the cookie, or with one that this server cannot read.
async fn without_cookie<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Response {
    let (problem, reason) = if browser::has_cookie(context) {
        (Problem::OldCookie, "old_cookie")
    } else {
        (Problem::NoCookie, "no_cookie")
    };
    let browser = Browser::new(rng);
    let entry = Entry::Typed(form.get("user_code").unwrap_or_default());
    let page = view::enter(context, 403, &browser, entry, Some(problem)).await;
    browser::remember(context, page.noting("verification", None, "refused", reason), &browser, rng)
}

/// Builds the page of `/authorize`, which says that a sign-in cannot start there.
pub(super) fn refuse_authorization<P: Platform>(context: Context<'_, P>) -> Response {
    view::notice(context, 400, Notice::Authorize)
}

/// Leads from a mistyped path to the page for codes, with everything else in the link.
pub(super) fn go_to_entry<P>(context: Context<'_, P>) -> Response {
    let query = &context.request.query;
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    Response::empty_redirect(format!("{}{query}", view::action(context)))
}

/// Builds the page for a path without an endpoint.
pub(super) fn nothing_here<P: Platform>(context: Context<'_, P>) -> Response {
    view::notice(context, 404, Notice::Lost)
}
