//! The pages of the person who is signed in, `/account`, `/account/passkeys` and `/account/access`, each with the sign-in in
//! front of it.

pub(super) mod sign_in;
pub(super) mod which;

use rand_core::CryptoRng;

use super::choice;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::page::problem::Problem;
use super::passkey::prove::{Refusal, prove};
use super::platform::{Platform, Unavailable};
use super::server::Context;
use super::upstream::Stop;
use super::verify::notice::Notice;
use super::verify::sign_in::{Authenticated, authenticate, start_without_code};
use super::verify::{access, browser, provider, session, view as pages};
use super::{account, asking, console, passkeys};
use crate::identity::session::Browser;
use crate::identity::sign_in::SignIn;
use crate::language::Language;
use sign_in::Why;
use which::Own;

pub(super) async fn answer<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    rng: &mut impl CryptoRng,
) -> Response {
    let page = if context.request.method == "POST" {
        submitted(context, own, rng).await
    } else {
        opened(context, own, rng).await
    };
    page.unwrap_or_else(|Unavailable| {
        pages::unavailable(context).noting(own.what(), None, "unavailable", "unavailable")
    })
}

/// Shows the page, or the sign-in page. Changes nothing but cookies.
async fn opened<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let query = Form::of_link(&context.request.query);
    if let Some(browser) = browser::read(context) {
        return show(context, own, &query, &browser, (200, None), rng).await;
    }
    let browser = Browser::new(rng);
    let page = sign_in::page(context, own, &browser, Why::New, (200, None), rng).await;
    Ok(browser::remember(context, page, &browser, rng))
}

/// Shows what this browser may see: the page if somebody is signed in, otherwise the sign-in page.
async fn show<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    form: &Form,
    browser: &Browser,
    answer: (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let page = match session::check(context, browser).await? {
        Some((session, person)) => match own {
            Own::Asking => asking::page::show(context, form, browser, (&session, &person), answer).await?,
            Own::Account => account::show(context, form, browser, &person, answer).await?,
            Own::Console => {
                console::show(context, browser, (&session, &person), (answer.0, form), rng).await?
            }
            Own::Passkeys => passkeys::show(context, browser, &person, answer, rng),
        },
        None => sign_in::page(context, own, browser, Why::New, answer, rng).await,
    };
    match answer.1 {
        Some(Problem::Wait { seconds }) => Ok(page.with("retry-after", seconds.to_string())),
        Some(_) | None => Ok(page),
    }
}

async fn submitted<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let form = match Form::of(context.request) {
        Ok(form) => form,
        Err(error) => return Ok(not_a_form(context, own, &error)),
    };
    if browser::is_foreign(context.request, context.issuer) {
        let page = pages::notice(context, 403, Notice::Foreign);
        return Ok(page.noting(own.what(), None, "refused", "cross_site"));
    }
    let Some(browser) = browser::read(context).filter(|browser| browser::is_ours(context, &form, browser))
    else {
        return stale(context, own, &form, rng).await;
    };
    if let Some(language) = form.get("language").and_then(Language::parse) {
        let context = Context { language: Some(language), ..context };
        // The page on the way to a provider has its menu, too.
        let page = if form.get("provider").is_some() {
            provider::chosen_for(context, own, &form, &browser, rng).await?
        } else {
            show(context, own, &form, &browser, (200, None), rng).await?
        };
        return Ok(choice::remember(page, context.issuer, language));
    }
    match form.get("step") {
        Some("sign_in") => by_password(context, own, &form, browser, rng).await,
        Some("passkey") => by_passkey(context, own, &form, browser, rng).await,
        Some("provider") => provider::chosen_for(context, own, &form, &browser, rng).await,
        Some("access") => by_access(context, own, &form, browser, rng).await,
        Some("sign_out") => sign_out(context, own, browser, rng).await,
        Some(step) => changed(context, own, (step, &form), &browser, rng).await,
        None => Ok(not_a_form(context, own, &Error::Malformed("step"))),
    }
}

fn not_a_form<P: Platform>(context: Context<'_, P>, own: Own, error: &Error) -> Response {
    let page = pages::notice(context, error.status(), Notice::NotAForm);
    page.noting(own.what(), None, "refused", error.reason())
}

/// Does what the button of a page says.
async fn changed<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    (step, form): (&str, &Form),
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let Some((session, person)) = session::check(context, browser).await? else {
        let answer = (403, Some(Problem::SessionOver));
        let page = sign_in::page(context, own, browser, Why::New, answer, rng).await;
        return Ok(page.noting(own.what(), None, "refused", "no_session"));
    };
    let page = match own {
        Own::Account => account::changed(context, (step, form), browser, &person).await?,
        Own::Console => {
            Some(console::changed(context, (step, form), browser, (&session, &person), rng).await?)
        }
        Own::Asking => {
            asking::page::changed(context, (step, form), browser, (&session, &person), rng).await?
        }
        Own::Passkeys => passkeys::changed(context, (step, form), browser, &session, person, rng).await?,
    };
    Ok(page.unwrap_or_else(|| not_a_form(context, own, &Error::Malformed("step"))))
}

/// Answers a form with the wrong CSRF token.
async fn stale<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let (browser, problem) = match browser::read(context) {
        Some(browser) => (browser, Problem::ChangedElsewhere),
        None => (Browser::new(rng), Problem::NoCookie),
    };
    let page = show(context, own, form, &browser, (403, Some(problem)), rng).await?;
    Ok(browser::remember(context, page.noting(own.what(), None, "refused", "csrf"), &browser, rng))
}

async fn by_password<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let (status, problem, reason, left) = match authenticate(context, form, &browser).await? {
        Authenticated::As(account) => {
            return entered(context, own, browser, SignIn::by_password(*account, context.now), rng).await;
        }
        Authenticated::Not(left) => (400, Problem::WrongCredentials, "credentials", left),
        Authenticated::Wait(seconds) => (429, Problem::Wait { seconds }, "budget", None),
    };
    let page = show(context, own, form, &browser, (status, Some(problem)), rng).await?;
    Ok(page.leaving(left).noting(own.what(), None, "refused", reason))
}

async fn by_passkey<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    match prove(context, form, &browser).await? {
        Ok(sign_in) => entered(context, own, browser, sign_in, rng).await,
        Err(refusal) => {
            let status = if matches!(refusal, Refusal::Wait(_)) { 429 } else { 400 };
            let page = show(context, own, form, &browser, (status, Some(refusal.problem())), rng).await?;
            Ok(page.noting(own.what(), None, "refused", refusal.reason()))
        }
    }
}

/// Answers the button of Cloudflare Access.
async fn by_access<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    match access::sign_in(context, rng).await {
        Ok(sign_in) => entered(context, own, browser, sign_in, rng).await,
        Err(Stop::Failed(failure)) => {
            let (status, problem) = access::refused(failure);
            let page = show(context, own, form, &browser, (status, Some(problem)), rng).await?;
            Ok(page.noting(own.what(), None, "refused", failure.reason()))
        }
        Err(Stop::Unavailable) => Err(Unavailable),
    }
}

/// Starts the session, and shows the page.
async fn entered<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    mut browser: Browser,
    sign_in: SignIn,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let person = match start_without_code(context, &mut browser, &sign_in, rng).await? {
        Ok(person) => person,
        Err(refused) => return Ok(refused),
    };
    let page = match own {
        Own::Asking => {
            let person = (&person.session, &sign_in.account);
            asking::page::show(context, &Form::default(), &browser, person, (200, None)).await
        }
        Own::Console => {
            let answer = (200, &Form::default());
            console::show(context, &browser, (&person.session, &sign_in.account), answer, rng).await
        }
        Own::Account => {
            account::show(context, &Form::default(), &browser, &sign_in.account, (200, None)).await
        }
        Own::Passkeys => Ok(passkeys::show(context, &browser, &sign_in.account, (200, None), rng)),
    };
    // From here on the person is signed in, even if the page cannot be shown.
    let page = page.unwrap_or_else(|Unavailable| pages::unavailable(context));
    let page = page.noting(own.what(), None, "signed_in", sign_in.how.name());
    Ok(browser::remember(context, page, &browser, rng))
}

/// Signs out, and shows the sign-in page.
async fn sign_out<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    mut browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    if let Some(signed_in) = browser.signed_in.take() {
        session::end(context, &signed_in).await?;
    }
    // The next person at this computer may be somebody else.
    let browser = Browser::new(rng);
    let page = sign_in::page(context, own, &browser, Why::New, (200, None), rng).await;
    Ok(browser::remember(context, page.noting(own.what(), None, "done", "sign_out"), &browser, rng))
}
