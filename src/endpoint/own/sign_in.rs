//! The sign-in in front of the pages of a person.

use rand_core::CryptoRng;

use super::which::Own;
use crate::endpoint::http::Response;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::page::sign_in::SignInPage;
use crate::endpoint::passkey::forms::request_form;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::endpoint::verify::{browser, view};
use crate::identity::session::Browser;
use crate::upstream::access::NAME;

/// Why somebody has to sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Why {
    /// Nobody is signed in.
    New,
    /// The last sign-in is too old for a change.
    TooOld,
}

/// Shows the sign-in page.
pub(crate) async fn page<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    browser: &Browser,
    why: Why,
    (status, problem): (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Response {
    let (text, action, csrf) = (context.text(), own.address(context), browser::csrf(context, browser));
    // If the providers cannot be read now, the page has none, and everything else on it works.
    let outline = context.server.outline(context.now).await.ok();
    let name = browser.signed_in(context.now).map(|session| session.name.as_str());
    let page = SignInPage {
        text,
        action: &action,
        csrf: &csrf,
        transaction: None,
        lead: own.lead(text),
        username: "",
        again: name.filter(|_| why == Why::TooOld).map(|name| own.again(text, name)),
        providers: outline.as_ref().map_or(&[], |outline| &outline.providers),
        // Access does not say when the person authenticated, so it never is recent enough.
        access: context.server.settings.access.as_ref().filter(|_| why == Why::New).map(|_| NAME),
        passkey: request_form(context, browser, rng),
        passwords: context.server.settings.passwords,
        problem,
    };
    view::html(text.language, status, &page)
}
