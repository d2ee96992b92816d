//! `/account/passkeys`: the passkeys of the person who is signed in, to add, name and remove.
//!
//! Whoever finds an open browser must not be able to add a passkey to it, so every change needs a sign-in that is at most
//! [`RECENT`] old. The last way in cannot be removed here.

mod change;
mod view;

use core::time::Duration;

use rand_core::CryptoRng;

use super::choice;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::page::Problem;
use super::passkey::note::note;
use super::passkey::prove::{Refusal, prove};
use super::platform::{Platform, Unavailable};
use super::server::Context;
use super::verify::notice::Notice;
use super::verify::sign_in::{Authenticated, authenticate, start};
use super::verify::{browser, session, view as pages};
use crate::audit::change::Changed;
use crate::identity::session::{Browser, Session};
use crate::identity::sign_in::SignIn;
use crate::language::Language;

const WHAT: &str = "passkeys";

/// How old a sign-in may be for a change.
const RECENT: Duration = Duration::from_secs(600);

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

/// Shows the passkeys, or the sign-in page. Changes nothing but cookies.
async fn opened<P: Platform>(
    context: Context<'_, P>,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    if let Some(browser) = browser::read(context) {
        return show(context, &browser, (200, None), rng).await;
    }
    let browser = Browser::new(rng);
    let page = view::sign_in(context, &browser, false, (200, None), rng);
    Ok(browser::remember(context, page, &browser, rng))
}

/// Shows what this browser may see: the passkeys if somebody is signed in, otherwise the sign-in page.
async fn show<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    answer: (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    Ok(match session::check(context, browser).await? {
        Some((_, account)) => view::passkeys(context, browser, &account, answer, rng),
        None => view::sign_in(context, browser, false, answer, rng),
    })
}

/// The purpose of a form.
enum Step {
    SignIn,
    Passkey,
    Add,
    Rename,
    Remove,
}

impl Step {
    fn read(form: &Form) -> Option<Self> {
        match form.get("step")? {
            "sign_in" => Some(Self::SignIn),
            "passkey" => Some(Self::Passkey),
            "add" => Some(Self::Add),
            "rename" => Some(Self::Rename),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }
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
    let Some(browser) = browser::read(context).filter(|browser| browser::is_ours(context, &form, browser))
    else {
        return stale(context, rng).await;
    };
    if let Some(language) = form.get("language").and_then(Language::parse) {
        let context = Context { language: Some(language), ..context };
        let page = show(context, &browser, (200, None), rng).await?;
        return Ok(choice::remember(page, context.issuer, language));
    }
    match Step::read(&form) {
        Some(Step::SignIn) => by_password(context, &form, browser, rng).await,
        Some(Step::Passkey) => by_passkey(context, &form, browser, rng).await,
        Some(Step::Add) => changed(context, &form, &browser, Change::Add, rng).await,
        Some(Step::Rename) => changed(context, &form, &browser, Change::Rename, rng).await,
        Some(Step::Remove) => changed(context, &form, &browser, Change::Remove, rng).await,
        None => {
            let error = Error::Malformed("step");
            Ok(pages::notice(context, error.status(), Notice::NotAForm).noting(
                WHAT,
                None,
                "refused",
                error.reason(),
            ))
        }
    }
}

/// Answers a form with the wrong CSRF token.
async fn stale<P: Platform>(
    context: Context<'_, P>,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let (browser, problem) = match browser::read(context) {
        Some(browser) => (browser, Problem::SignedInElsewhere),
        None => (Browser::new(rng), Problem::NoCookie),
    };
    let page = show(context, &browser, (403, Some(problem)), rng).await?;
    Ok(browser::remember(context, page.noting(WHAT, None, "refused", "csrf"), &browser, rng))
}

async fn by_password<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let (status, problem, reason) = match authenticate(context, form, &browser).await? {
        Authenticated::As(account) => {
            return entered(context, browser, SignIn::by_password(*account, context.now), rng).await;
        }
        Authenticated::Not => (400, Problem::WrongCredentials, "credentials"),
        Authenticated::Wait(seconds) => (429, Problem::Wait { seconds }, "budget"),
    };
    let page = show(context, &browser, (status, Some(problem)), rng).await?;
    Ok(page.noting(WHAT, None, "refused", reason))
}

async fn by_passkey<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    match prove(context, form, &browser).await? {
        Ok(sign_in) => entered(context, browser, sign_in, rng).await,
        Err(refusal) => {
            let status = if matches!(refusal, Refusal::Wait(_)) { 429 } else { 400 };
            let page = show(context, &browser, (status, Some(refusal.problem())), rng).await?;
            Ok(page.noting(WHAT, None, "refused", refusal.reason()))
        }
    }
}

/// Starts the session, and shows the passkeys.
async fn entered<P: Platform>(
    context: Context<'_, P>,
    mut browser: Browser,
    sign_in: SignIn,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    if let Err(refused) = start(context, &mut browser, &sign_in, rng).await? {
        return Ok(refused);
    }
    let page = view::passkeys(context, &browser, &sign_in.account, (200, None), rng);
    let page = page.noting(WHAT, None, "signed_in", sign_in.how.name());
    Ok(browser::remember(context, page, &browser, rng))
}

/// A change of the passkeys.
#[derive(Clone, Copy)]
enum Change {
    Add,
    Rename,
    Remove,
}

impl Change {
    const fn event(self) -> Option<Changed> {
        match self {
            Self::Add => Some(Changed::PasskeyAdded),
            Self::Rename => None,
            Self::Remove => Some(Changed::PasskeyRemoved),
        }
    }
}

/// Makes a change, if somebody is signed in recently enough.
async fn changed<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    change: Change,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let Some((session, account)) = session::check(context, browser).await? else {
        let page = view::sign_in(context, browser, false, (403, Some(Problem::SignedOut)), rng);
        return Ok(page.noting(WHAT, None, "refused", "no_session"));
    };
    if !is_recent(&session, context) {
        let page = view::sign_in(context, browser, true, (200, None), rng);
        return Ok(page.noting(WHAT, None, "sign_in_again", "max_age"));
    }
    let made = match change {
        Change::Add => change::add(context, form, browser, account).await?,
        Change::Rename => change::rename(context, form, account).await?,
        Change::Remove => change::remove(context, form, account).await?,
    };
    if let (Ok((account, _)), Some(what)) = (&made, change.event()) {
        note(context, what, &account.sub).await;
    }
    let (account, answer, outcome, reason) = match made {
        Ok((account, what)) => (account, (200, None), "changed", what),
        Err(refused) => (refused.account, (400, Some(refused.problem)), "refused", refused.reason),
    };
    Ok(view::passkeys(context, browser, &account, answer, rng).noting(WHAT, None, outcome, reason))
}

fn is_recent<P>(session: &Session, context: Context<'_, P>) -> bool {
    context.now.since(session.auth_time) <= RECENT
}
