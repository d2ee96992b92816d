//! Sends people to the provider that they chose on the sign-in page.
//!
//! The form posts here, and a page with status 200 goes on to the provider: browsers apply `form-action` to redirects, too,
//! so a redirect would need a policy that names every provider.

use rand_core::CryptoRng;

use super::attempts;
use super::attempts::Attempt;
use super::browser::{Transaction, csrf};
use super::sign_in::{WHAT, read_transaction, stopped};
use super::view;
use super::view::SignInForm;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::invitation::view as invitation;
use crate::endpoint::own::sign_in::{Why, page as own_sign_in};
use crate::endpoint::own::which::Own;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::page::sign_in::GoingPage;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::upstream::Stop;
use crate::endpoint::upstream::sign_in::authorization_address;
use crate::identity::demand::Lack;
use crate::identity::session::Browser;
use crate::registry::command::FindProvider;
use crate::upstream::authorization::{Secrets, Wanted};
use crate::upstream::failure::{AttemptFlaw, Failure, Notice};
use crate::upstream::provider::{Provider, ProviderId};

/// Answers the button of a provider.
pub(super) async fn chosen<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let transaction = match read_transaction(context, form, browser) {
        Ok((transaction, _)) => transaction,
        Err(stale) => return Ok(stopped(context, browser, stale, form, WHAT).await),
    };
    go_on(context, form, browser, transaction, rng).await
}

/// Answers the same button on the sign-in page of somebody who wants to see a page of their own.
pub(crate) async fn chosen_for<P: Platform>(
    context: Context<'_, P>,
    own: Own,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let transaction = Transaction::for_own(context, own, browser);
    go_on(context, form, browser, transaction, rng).await
}

/// Answers the same button on the page of an invitation, whose link has this secret.
pub(crate) async fn chosen_for_invitation<P: Platform>(
    context: Context<'_, P>,
    secret: &str,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let transaction = Transaction::for_invitation(secret, browser, context.now);
    go_on(context, form, browser, transaction, rng).await
}

async fn go_on<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    transaction: Transaction,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    if !context.server.platform.within_limit(&context.rate_key("sign-in")).await {
        let page = show(context, 429, browser, transaction, Some(Problem::Wait { seconds: 60 }), rng).await;
        return Ok(page.with("retry-after", "60".to_owned()).noting(WHAT, None, "wait", "rate_limit"));
    }
    let Some(provider) = find(context, form.get("provider").unwrap_or_default()).await? else {
        let gone = Failure::Attempt(AttemptFlaw::NoProvider);
        return Ok(failed(context, browser, transaction, None, gone, rng).await);
    };
    go_to(context, browser, &provider, transaction, rng).await
}

/// Sends the browser to a provider.
pub(super) async fn go_to<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    provider: &Provider,
    transaction: Transaction,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let (wanted, secrets) = (transaction.wanted(provider), Secrets::draw(rng));
    match authorization_address(context, provider, (&wanted, &secrets), rng).await {
        Ok(address) => Ok(going(context, browser, provider, transaction, (&wanted, secrets), &address, rng)),
        Err(Stop::Failed(failure)) => {
            Ok(failed(context, browser, transaction, Some(provider), failure, rng).await)
        }
        Err(Stop::Unavailable) => Err(Unavailable),
    }
}

/// Returns a provider that people can sign in with, as it is now.
pub(super) async fn find<P: Platform>(
    context: Context<'_, P>,
    id: &str,
) -> Result<Option<Provider>, Unavailable> {
    let Some(id) = ProviderId::parse(id) else { return Ok(None) };
    let found = context.server.platform.registry(FindProvider { id }).await?;
    Ok(found.filter(|provider| provider.enabled))
}

/// Builds the page that goes on to the provider.
fn going<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    provider: &Provider,
    transaction: Transaction,
    (wanted, secrets): (&Wanted, Secrets),
    address: &str,
    rng: &mut impl CryptoRng,
) -> Response {
    let text = context.text();
    let transaction = transaction.renewed(context.now);
    let page = GoingPage {
        text,
        action: &action(context, &transaction),
        csrf: &csrf(context, browser),
        transaction: &transaction.seal(context, rng),
        secret: transaction.invitation.as_deref(),
        id: provider.id.as_str(),
        provider: &provider.name,
        address,
    };
    let page = view::html(text.language, 200, &page);
    let page = page.noting(WHAT, None, "sent_on", "upstream").at(&provider.id);
    let (provider, max_age) = (provider.id.clone(), wanted.max_age);
    let attempt = Attempt { provider, secrets, asked_at: context.now, max_age, transaction };
    attempts::remember(context, page, browser, attempt, rng)
}

/// Returns the path of the page that the person came from.
fn action<P>(context: Context<'_, P>, transaction: &Transaction) -> String {
    match (&transaction.own, &transaction.invitation) {
        (Some(own), _) => own.address(context),
        (None, Some(_)) => invitation::action(context),
        (None, None) => view::action(context),
    }
}

/// Shows the sign-in page again, with the code, and why the sign-in at a provider failed.
pub(super) async fn failed<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    transaction: Transaction,
    provider: Option<&Provider>,
    failure: Failure,
    rng: &mut impl CryptoRng,
) -> Response {
    let notice = failure.notice();
    let problem = Problem::Provider { notice, name: provider.map_or("", |provider| &provider.name) };
    let page = show(context, status(notice), browser, transaction, Some(problem), rng).await;
    let page = page.noting(WHAT, None, "refused", failure.reason());
    match provider {
        Some(provider) => page.at(&provider.id),
        None => page,
    }
}

/// Shows the sign-in page again, with the code.
pub(super) async fn show<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    transaction: Transaction,
    problem: Option<Problem<'_>>,
    rng: &mut impl CryptoRng,
) -> Response {
    if let Some(own) = transaction.own {
        return own_sign_in(context, own.page, browser, Why::New, (status, problem), rng).await;
    }
    if let Some(secret) = &transaction.invitation {
        return invitation::back(context, secret, browser, (status, problem), rng).await;
    }
    let again = transaction.hold.as_ref().map(|hold| hold.lack.unwrap_or(Lack::Age));
    let sealed = transaction.renewed(context.now).seal(context, rng);
    let page = SignInForm { transaction: &sealed, username: "", again };
    view::sign_in(context, browser, &page, (status, problem), rng).await
}

/// Returns the status of the page with a notice.
pub(super) const fn status(notice: Notice) -> u16 {
    match notice {
        Notice::Down => 503,
        Notice::NotAllowed => 403,
        Notice::Clock
        | Notice::Key
        | Notice::Answer
        | Notice::Denied
        | Notice::Setup
        | Notice::OtherProvider
        | Notice::Stale
        | Notice::Replayed
        | Notice::OtherBrowser
        | Notice::TooLate
        | Notice::Gone => 400,
    }
}
