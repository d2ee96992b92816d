//! User codes: entered, looked up after sign-in, and held for the consent page.

use core::time::Duration;

use futures_util::future::{OptionFuture, join};
use rand_core::CryptoRng;

use super::address::go_to;
use super::browser::{HoldRef, Transaction};
use super::consent::Consent;
use super::judge::{Judged, judge};
use super::recent::Recent;
use super::session::{Person, find};
use super::view::{CODE_ENTRY, Entry, SignInForm};
use super::{browser, turnstile, view};
use crate::derived_keys::Keys;
use crate::endpoint::attempt::Attempt;
use crate::endpoint::form::Form;
use crate::endpoint::http::{Afterwards, Response};
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::ask::Permit;
use crate::endpoint::policy::facts::Asked;
use crate::endpoint::server::Context;
use crate::grant::command::{Held, Shown, TakeHold};
use crate::grant::routing::Address;
use crate::grant::user_code::UserCode;
use crate::grant::{Hold, link};
use crate::identity::account::Account;
use crate::identity::demand::{Demands, Lack};
use crate::identity::session::Browser;
use crate::limiter::budgets::{Budget, codes_by_account, codes_by_network};
use crate::order;
use crate::scope::{OFFLINE_ACCESS, OPENID};
use crate::secret;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::verdict::compare;

/// Handles a code that was typed, or one from a link that the person confirmed on the first page
/// ([`super::first_page`]). Before sign-in, only its format is checked.
pub(super) async fn entered<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let typed = form.get("user_code").unwrap_or_default();
    let code = match UserCode::read_either(typed, &context.server.settings.user_code) {
        Ok(code) => code,
        Err(flaw) => {
            let problem = Some(Problem::Malformed(flaw));
            let page = view::enter(context, 400, &browser, Entry::Typed(typed), problem).await;
            return Ok(page.noting(CODE_ENTRY, None, "wrong", "malformed"));
        }
    };
    if let Some(end) = link_end(context, &code, form)
        && end <= context.now
    {
        return Ok(view::link_expired(context, 400, &browser, end).await);
    }
    let person = find(context, &browser).await?;
    let checked_at = match turnstile::pass(context, form, &browser, &code).await {
        Ok(checked_at) => checked_at,
        Err(page) => return Ok(page),
    };
    match person {
        Some(person) => look_up(context, &code, &browser, &person, rng).await,
        None => Ok(ask_to_sign_in(context, &code, checked_at, browser, rng).await),
    }
}

/// Shows the page for entering a code again, with what was typed so far, because the person chose another language.
pub(super) async fn typed_so_far<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
) -> Response {
    let typed = form.get("user_code").unwrap_or_default();
    let code = UserCode::parse_either(typed, &context.server.settings.user_code);
    let entry =
        code.as_ref().map_or(Entry::Typed(typed), |code| Entry::Compare(code, form.get(link::PARAMETER)));
    view::enter(context, 200, browser, entry, None).await
}

/// Returns when the link that brought this code ends; `None` without a link of ours.
pub(super) fn link_end<P>(context: Context<'_, P>, code: &UserCode, form: &Form) -> Option<Timestamp> {
    link::end(code, form.get(link::PARAMETER)?, &context.server.settings.keyring)
}

pub(super) async fn ask_to_sign_in<P: Platform>(
    context: Context<'_, P>,
    code: &UserCode,
    checked_at: Option<Timestamp>,
    mut browser: Browser,
    rng: &mut impl CryptoRng,
) -> Response {
    let stale = browser.signed_in.take().is_some();
    let transaction = Transaction::new(code, &browser, None, context.now).checked(checked_at);
    let transaction = transaction.seal(context, rng);
    let page = SignInForm { transaction: &transaction, username: "", again: None };
    let page = view::sign_in(context, &browser, &page, (200, None), rng).await;
    if stale { browser::remember(context, page, &browser, rng) } else { page }
}

/// Takes an attempt, then looks the code up. A right code gives the attempt back, and leads to the page of its
/// request.
///
/// Codes that are wrong, used, expired or held by somebody else get the same page, byte for byte but for the code
/// itself.
pub(super) async fn look_up<P: Platform>(
    context: Context<'_, P>,
    code: &UserCode,
    browser: &Browser,
    person: &Person,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let account = &person.account;
    let budgets = budgets(context, account, context.server.longest_code_lifetime(context.now).await);
    let taken = match Attempt::take(context, budgets).await? {
        Attempt::Taken(taken) => taken,
        Attempt::Wait(full) => return Ok(view::wait(context, browser, code, full.seconds).await),
    };
    let found = hold(context, code, browser, account, rng).await;
    if !matches!(found, Ok(None)) {
        taken.give_back(context);
    }
    let Some((shown, hold)) = found? else {
        context.server.expose(1, context.now).await;
        let typed = code.to_string();
        let page = view::enter(context, 400, browser, Entry::Typed(&typed), Some(Problem::WrongCode)).await;
        let report = context.server.cache.wrong_codes.note(context.request.place.asn, context.now);
        let page = page.leaving(report.map(Afterwards::NoteWrongCodes));
        return Ok(page.noting(CODE_ENTRY, None, "wrong", "absent"));
    };
    context.server.note_right_entry();
    let asked = Asked::of(&shown.request);
    let verdict = compare(&asked.side, &context.side()).verdict;
    let page = match judge(context, person, &asked, (code, &hold)).await? {
        Judged::Allowed(_) => {
            let page = go_to(context, browser, &undecided(context, code, &shown, &hold), rng);
            page.noting(CODE_ENTRY, Some(&hold.client_id), "consent_shown", "consent_shown")
        }
        Judged::Lacking(lack, demands) => {
            let client = hold.client_id.clone();
            let page = sign_in_again(context, code, browser, account, (hold, lack, &demands), rng).await;
            page.noting(CODE_ENTRY, Some(&client), "sign_in_again", lack.name())
        }
        // Whoever may ask for access does so on the page of the request, which can be reloaded until the answer is there.
        Judged::Refused(denial) if denial.can_ask() => {
            let page = go_to(context, browser, &undecided(context, code, &shown, &hold), rng);
            denial.refusal.note(page, CODE_ENTRY, Some(&hold.client_id)).leaving(denial.note)
        }
        Judged::Refused(denial) => denial.page(context, CODE_ENTRY, &hold.client_id),
    };
    Ok(page.judging(verdict))
}

/// Returns a request as the browser remembers it.
fn undecided<P>(context: Context<'_, P>, code: &UserCode, shown: &Shown, hold: &HoldRef) -> Recent {
    let ends_at = shown.expires_at + Duration::from_secs(context.server.settings.grace);
    Recent::undecided(code, hold.pair, &hold.nonce, ends_at)
}

/// Shows the sign-in page because the device (OpenID Connect Core §3.1.2.1), its client or a scope demands a better
/// sign-in. A provider is asked for the classes that are demanded, before those that the device prefers.
pub(super) async fn sign_in_again<P: Platform>(
    context: Context<'_, P>,
    code: &UserCode,
    browser: &Browser,
    account: &Account,
    (hold, lack, demands): (HoldRef, Lack, &Demands),
    rng: &mut impl CryptoRng,
) -> Response {
    // The code was right, so there is no need to check again that a person is there.
    let acr_values = demands.classes().cloned().chain(hold.acr_values).collect();
    let hold = HoldRef { lack: Some(lack), acr_values, ..hold };
    let transaction = Transaction::new(code, browser, Some(hold), context.now).checked(Some(context.now));
    let transaction = transaction.seal(context, rng);
    let page = SignInForm { transaction: &transaction, username: &account.username, again: Some(lack) };
    view::sign_in(context, browser, &page, (200, None), rng).await
}

fn budgets<P>(context: Context<'_, P>, account: &Account, lifetime: u64) -> [Budget; 2] {
    let account = context.server.settings.keyring.current.pseudonym(account.key.as_str());
    [codes_by_network(&context.network(), lifetime), codes_by_account(&account, lifetime)]
}

/// Takes a hold on the grant of `code`, trying the current and the previous keys. It always tries both, so
/// that the time it takes reveals nothing.
pub(super) async fn hold<P: Platform>(
    context: Context<'_, P>,
    code: &UserCode,
    browser: &Browser,
    account: &Account,
    rng: &mut impl CryptoRng,
) -> Result<Option<(Shown, HoldRef)>, Unavailable> {
    let (nonce, keyring) = (secret::random_id(rng), &context.server.settings.keyring);
    let under = |keys| hold_under(context, code, keys, hold_of(browser, account, &nonce));
    let previous = OptionFuture::from(keyring.previous.as_ref().map(under));
    let (current, previous) = join(under(&keyring.current), previous).await;
    Ok(match (current?, previous.transpose()?.flatten()) {
        (Some(hit), None) | (None, Some(hit)) => Some(hit),
        // Two hits mean that two grants have the same code; nobody can say which of them the person means.
        (Some(_), Some(_)) | (None, None) => None,
    })
}

async fn hold_under<P: Platform>(
    context: Context<'_, P>,
    code: &UserCode,
    keys: &Keys,
    hold: Hold,
) -> Result<Option<(Shown, HoldRef)>, Unavailable> {
    let Address { shard, key } = Address::of(code, &context.server.settings.user_code, keys);
    let person = Box::new(context.side());
    match context.server.platform.grants(shard, TakeHold { key, hold, person }).await? {
        Held::Yours(shown) => {
            let hold = HoldRef::new(keys.pair, &shown);
            Ok(Some((*shown, hold)))
        }
        Held::Absent(live) => {
            context.server.notice(shard, live);
            Ok(None)
        }
    }
}

/// Builds a hold for this account, session and browser.
pub(super) fn hold_of(browser: &Browser, account: &Account, nonce: &str) -> Hold {
    Hold {
        account: account.key.clone(),
        sub: account.sub.clone(),
        session: Digest::of(browser.session_id().as_bytes()),
        browser: Digest::of(browser.id.as_bytes()),
        nonce: nonce.to_owned(),
    }
}

/// Shows the consent page of a held grant.
pub(super) async fn show<P: Platform>(
    context: Context<'_, P>,
    code: &UserCode,
    browser: &Browser,
    account: &Account,
    (shown, hold, permit): (&Shown, HoldRef, &Permit),
    (status, problem): (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let outline = context.server.outline(context.now).await?;
    let client = context.server.client(&shown.request.client_id, context.now).await?;
    let words = |token| (token, outline.scopes.get(token).map_or(token, String::as_str));
    let mut scopes: Vec<&str> = permit.scope.iter().collect();
    // `openid` comes first because it says who the person is, `offline_access` last because it lasts longest.
    order::sort_by_key(&mut scopes, |token| (*token != OPENID, *token == OFFLINE_ACCESS));
    // The code was right, so there is no need to check again that a person is there, even if they switch to
    // another account.
    let transaction = Transaction::new(code, browser, Some(hold), context.now)
        .checked(Some(context.now))
        .asked_by(Asked::of(&shown.request));
    let consent = Consent {
        transaction: transaction.seal(context, rng),
        permit,
        code,
        client: client.as_deref(),
        account,
        permissions: scopes.into_iter().map(words).collect(),
        problem,
    };
    Ok(super::consent::consent(context, status, browser, shown, consent))
}
