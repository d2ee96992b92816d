//! The verification pages (RFC 8628 §3.3): enter the code, sign in, decide, see the result.
//!
//! Every page except the first is the response to a POST, and a GET changes nothing. Before sign-in only the
//! format of a code is checked; it is looked up afterwards, so nobody can probe codes without an account.

mod browser;
mod code;
mod decide;
mod session;
mod sign_in;
mod turnstile;
mod view;

use rand_core::CryptoRng;

use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::page::{Problem, ProblemPage};
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::grant::user_code::UserCode;
use crate::identity::session::Browser;

/// The purpose of a form.
enum Step {
    Code,
    SignIn,
    Decide,
    SwitchAccount,
    SignOut,
}

impl Step {
    fn read(form: &Form) -> Option<Self> {
        match form.get("step")? {
            "code" => Some(Self::Code),
            "sign_in" => Some(Self::SignIn),
            "decide" => Some(Self::Decide),
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

fn not_a_form<P>(context: Context<'_, P>, error: &Error) -> Response {
    let text = "The request didn’t come from one of the forms on these pages. Please start again.";
    let page = view::problem(context, error.status(), "That didn’t work", text);
    page.noting("verification", None, "refused", error.reason())
}

/// Shows the page for entering a code. A code from a link is filled in, but the person must still confirm it
/// (RFC 8628 §3.3.1).
async fn first_page<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let query = Form::parse(context.request.query.as_bytes()).unwrap_or_default();
    let shape = &context.server.settings.user_code;
    let code = query.get("user_code").and_then(|typed| UserCode::parse_either(typed, shape));
    if let Some(browser) = browser::read(context) {
        return view::enter(context, 200, &browser, code.as_ref(), None).await;
    }
    let browser = Browser::new(rng);
    let page = view::enter(context, 200, &browser, code.as_ref(), None).await;
    browser::remember(context, page, &browser, rng)
}

async fn submitted<P: Platform>(context: Context<'_, P>, form: &Form, rng: &mut impl CryptoRng) -> Response {
    if browser::is_foreign(context.request, context.issuer) {
        let text = "This form was sent from another site. If you didn’t start this, close the page.";
        return view::problem(context, 403, "Refused", text).noting(
            "verification",
            None,
            "refused",
            "cross_site",
        );
    }
    let Some(browser) = browser::read(context).filter(|browser| browser::is_ours(context, form, browser))
    else {
        return start_again(context, form, rng).await;
    };
    let reply = match Step::read(form) {
        Some(Step::Code) => code::entered(context, form, browser, rng).await,
        Some(Step::SignIn) => sign_in::submitted(context, form, browser, rng).await,
        Some(Step::Decide) => decide::submitted(context, form, &browser, rng).await,
        Some(Step::SwitchAccount) => sign_in::switch_account(context, form, browser, rng).await,
        Some(Step::SignOut) => sign_in::sign_out(context, browser, rng).await,
        None => Ok(not_a_form(context, &Error::Malformed("step"))),
    };
    reply.unwrap_or_else(|Unavailable| {
        view::unavailable(context).noting("verification", None, "unavailable", "unavailable")
    })
}

/// Answers a form with the wrong CSRF token: the browser's session changed, for example in another window, or
/// its cookies are gone.
async fn start_again<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Response {
    let browser = browser::read(context).unwrap_or_else(|| Browser::new(rng));
    let page = browser::Transaction::open(context, form, &browser).filter(|page| page.hold.is_some());
    if page.is_some() {
        return view::elsewhere(context, 403).noting("verification", None, "refused", "elsewhere");
    }
    let page = view::enter(context, 403, &browser, None, Some(Problem::SessionExpired)).await;
    let page = page.noting("verification", None, "refused", "csrf");
    browser::remember(context, page, &browser, rng)
}

/// Builds the page of `/authorize`, which says that a sign-in cannot start there.
pub(super) fn refuse_authorization() -> Response {
    let page = ProblemPage {
        title: "Sign in on your device",
        text: "This server signs in devices that show a code. You can’t start signing in from a browser: start \
               on the device or in the command line, then enter the code it shows.",
        back: None,
    };
    view::html(400, &page)
}
