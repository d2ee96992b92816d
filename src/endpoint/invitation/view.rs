//! The pages of invitations.

use futures_util::future::join;
use rand_core::CryptoRng;

use super::found::{Found, Page, Typed, WHAT, Whom, find};
use crate::endpoint::http::Response;
use crate::endpoint::page::invitation::{FirstAdministrator, InvitationPage};
use crate::endpoint::page::problem::Problem;
use crate::endpoint::passkey::begun::{Begun, For};
use crate::endpoint::passkey::forms::creation_form;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::verify::notice::Notice;
use crate::endpoint::verify::session::check;
use crate::endpoint::verify::{browser, view as pages};
use crate::identity::account::Account;
use crate::identity::session::Browser;
use crate::passkey::options::User;
use crate::sub::Sub;

/// Shows the page of a link to somebody whose sign-in at a provider failed.
pub(crate) async fn back<P: Platform>(
    context: Context<'_, P>,
    secret: &str,
    browser: &Browser,
    answer: (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Response {
    match find(context, secret).await {
        Ok(Some(found)) => shown(context, browser, secret, &found, &Typed::default(), answer, rng).await,
        Ok(None) => gone(context),
        Err(Unavailable) => pages::unavailable(context).noting(WHAT, None, "unavailable", "unavailable"),
    }
}

/// Returns the path of a link.
pub(crate) fn path<P>(context: Context<'_, P>, secret: &str) -> String {
    format!("{}?secret={secret}", action(context))
}

/// Returns the path that forms post to.
pub(crate) fn action<P>(context: Context<'_, P>) -> String {
    format!("{}/invitation", context.issuer.path())
}

/// Shows the page to a browser that gets a cookie if it has none.
pub(super) async fn first<P: Platform>(
    context: Context<'_, P>,
    secret: &str,
    found: &Found,
    typed: &Typed<'_>,
    answer: (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Response {
    if let Some(browser) = browser::read(context) {
        return shown(context, &browser, secret, found, typed, answer, rng).await;
    }
    let browser = Browser::new(rng);
    let page = shown(context, &browser, secret, found, typed, answer, rng).await;
    browser::remember(context, page, &browser, rng)
}

async fn shown<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    secret: &str,
    found: &Found,
    typed: &Typed<'_>,
    answer: (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Response {
    let sub = match &found.whom {
        Whom::New(_) => Sub::draw(rng),
        Whom::Known(account) => account.sub.clone(),
    };
    show(&Page { context, browser, secret, found, sub: &sub, typed }, answer, rng).await
}

/// Shows the form, and begins a ceremony.
pub(super) async fn show<P: Platform>(
    page: &Page<'_, P>,
    (status, problem): (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Response {
    let Page { context, browser, secret, found, sub, typed } = page;
    let text = context.text();
    let (username, name, existing) = match &found.whom {
        Whom::New(username) => (username.as_deref().unwrap_or(typed.username), typed.name, Vec::new()),
        Whom::Known(account) => {
            let existing = account.passkeys.iter().map(|known| known.id.clone()).collect();
            (account.username.as_str(), account.name.as_str(), existing)
        }
    };
    let begun = Begun::new(For::Invited((*sub).clone(), found.digest), browser, context.now, rng);
    let user = User { handle: sub.as_str(), username, name };
    let first = if found.is_first { Some(ways(*context, browser).await) } else { None };
    let page = InvitationPage {
        text,
        action: &action(*context),
        csrf: &browser::csrf(*context, browser),
        secret,
        ceremony: &begun.seal(*context, rng),
        options: creation_form(*context, &begun, user, &existing),
        is_recovery: matches!(found.whom, Whom::Known(_)),
        username,
        has_username: found.whom.username().is_some(),
        name,
        passwords: context.server.settings.passwords,
        first,
        problem,
    };
    pages::html(text.language, status, &page)
}

/// Returns what the first administrator can choose besides a new account. What cannot be read now is left out, and
/// everything else on the page works.
async fn ways<P: Platform>(context: Context<'_, P>, browser: &Browser) -> FirstAdministrator {
    let text = context.text();
    let (outline, person) = join(context.server.outline(context.now), check(context, browser)).await;
    let (outline, person) = (outline.ok(), person.ok().flatten());
    let detail = |account: &Account| account.email.clone().unwrap_or_else(|| account.username.clone());
    FirstAdministrator {
        signed_in: person.map(|(_, account)| text.admit_account(&account.name, &detail(&account))),
        providers: outline.map_or_else(Vec::new, |outline| outline.providers.clone()),
    }
}

/// Says that there is no such invitation any more.
pub(super) fn gone<P: Platform>(context: Context<'_, P>) -> Response {
    pages::notice(context, 404, Notice::InvitationGone).noting(WHAT, None, "refused", "no_invitation")
}

/// Says that the account is ready.
pub(super) fn done<P: Platform>(context: Context<'_, P>) -> Response {
    pages::notice(context, 200, Notice::Ready)
}
