//! Signing in, switching to another account, and signing out.

use rand_core::CryptoRng;

use super::browser::{Stale, Transaction};
use super::notice::Notice;
use super::session::{Person, end};
use super::turnstile::TurnstileRefusal;
use super::view::{Entry, SignInForm};
use super::{browser, code, denied, turnstile, view};
use crate::audit::policy_record::PolicyRecord;
use crate::endpoint::attempt::Attempt;
use crate::endpoint::form::Form;
use crate::endpoint::http::{Afterwards, Response};
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::sign_in::ask_for_person;
use crate::endpoint::server::Context;
use crate::endpoint::upstream::access::is_managed;
use crate::grant::user_code::UserCode;
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::command::{EndSession, NoteRefusedSignIn, StartSession};
use crate::identity::demand::Lack;
use crate::identity::password;
use crate::identity::session::Browser;
use crate::identity::sign_in::SignIn;
use crate::limiter::budgets::{sign_ins_by_account, sign_ins_by_network};
use crate::policy;
use crate::policy::{Point, PolicyDecision, PolicyFacts};
use crate::scope::Scope;
use crate::verdict::Spot;

pub(super) const WHAT: &str = "sign_in";
/// In bytes; a longer username is not looked up.
const LONGEST_USERNAME: usize = 256;

/// Checks a username and a password. If they are right, looks up the code that was entered before.
pub(super) async fn submitted<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let pending = match read_transaction(context, form, &browser) {
        Ok(read) => read,
        Err(stale) => return Ok(stopped(context, &browser, stale, form, WHAT).await),
    };
    let account = match authenticate(context, form, &browser).await? {
        Authenticated::As(account) => *account,
        Authenticated::Not(note) => {
            let page = ask_again(context, form, &browser, (400, Problem::WrongCredentials), rng).await;
            return Ok(page.leaving(note));
        }
        Authenticated::Wait(seconds) => {
            let page = ask_again(context, form, &browser, (429, Problem::Wait { seconds }), rng).await;
            return Ok(page.with("retry-after", seconds.to_string()));
        }
    };
    let sign_in = SignIn::by_password(account, context.now);
    complete(context, browser, pending, sign_in, rng).await
}

/// Signs somebody in, however they proved who they are: asks policy, starts the session, and looks up the code that was
/// entered before.
pub(super) async fn complete<P: Platform>(
    context: Context<'_, P>,
    mut browser: Browser,
    (transaction, user_code): (Transaction, UserCode),
    sign_in: SignIn,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let known = transaction.hold.as_ref().map(|hold| (hold.client_id.as_str(), &hold.scope));
    let managed = is_managed(context).await;
    let policy = match ask_for_person(context, &sign_in, managed, known).await? {
        Ok(permit) => permit.record,
        // Whoever may ask for access has to be signed in for that. The request is refused once the code is looked up.
        Err((_, refusal)) if refusal.remedy.is_some() => refusal.record,
        Err((governance, refusal)) => {
            let (account, why) = (sign_in.account.key.clone(), refusal.why.reason());
            let note = note_refused(context, account, why, refusal.record.clone());
            let page = denied::page(context, &governance, &refusal).leaving(Some(note));
            return Ok(refusal.note(page, WHAT, None));
        }
    };
    let person = match start(context, &mut browser, (&sign_in, managed, policy), rng).await? {
        Ok(person) => person,
        Err(refused) => return Ok(refused),
    };
    let how = sign_in.how.name();
    // From here on the person is signed in, even if the code cannot be looked up.
    let page = if transaction.is_checked(context) || context.turnstile().await.is_none() {
        code::look_up(context, &user_code, &browser, &person, rng).await.unwrap_or_else(|Unavailable| {
            view::unavailable(context).noting(WHAT, None, "unavailable", "unavailable")
        })
    } else {
        turnstile::ask_again(context, 200, &browser, &user_code, TurnstileRefusal::Missing).await
    };
    let page = page.noting(WHAT, None, "signed_in", how);
    Ok(browser::remember(context, page, &browser, rng))
}

/// Starts the session of somebody who signs in for no code, which policy does not decide. The error is the page for an account
/// that may not be used.
pub(crate) async fn start_without_code<P: Platform>(
    context: Context<'_, P>,
    browser: &mut Browser,
    sign_in: &SignIn,
    rng: &mut impl CryptoRng,
) -> Result<Result<Person, Response>, Unavailable> {
    let managed = is_managed(context).await;
    start(context, browser, (sign_in, managed, None), rng).await
}

/// Starts the session, with whether the machine is managed, and with what policy decided for its event. The error is the page
/// for an account that may not be used.
async fn start<P: Platform>(
    context: Context<'_, P>,
    browser: &mut Browser,
    (sign_in, managed, policy): (&SignIn, bool, Option<Box<PolicyRecord>>),
    rng: &mut impl CryptoRng,
) -> Result<Result<Person, Response>, Unavailable> {
    if let Some(refused) = refusal(context, &sign_in.account) {
        return Ok(Err(refused));
    }
    let person = start_session(context, browser, (sign_in, managed, policy), rng).await?;
    Ok(person.ok_or_else(|| refused(context, "account_changed")))
}

/// Answers a form whose hidden field is not good.
pub(super) async fn stopped<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    stale: Stale,
    form: &Form,
    what: &'static str,
) -> Response {
    let page = view::stale(context, 400, browser, stale, form).await;
    page.noting(what, None, "refused", "no_transaction")
}

/// The result of a username and a password.
pub(crate) enum Authenticated {
    As(Box<Account>),
    /// Carries what is left to do after the response.
    Not(Option<Afterwards>),
    Wait(u64),
}

/// Takes an attempt before it checks the password, and gives it back if the password is right.
pub(crate) async fn authenticate<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
) -> Result<Authenticated, Unavailable> {
    if !context.server.settings.passwords {
        return Ok(Authenticated::Not(None));
    }
    if !context.server.platform.within_limit(&context.rate_key("sign-in")).await {
        return Ok(Authenticated::Wait(60));
    }
    let username = form.get("username").filter(|name| name.len() <= LONGEST_USERNAME).unwrap_or_default();
    let key = AccountKey::local(username);
    let pseudonym = context.server.settings.keyring.current.pseudonym(key.as_str());
    // Strangers who try passwords can make an account wait, but not in a browser that its owner used before.
    let own = browser.knows(&key).then(|| context.server.settings.keyring.current.pseudonym(&browser.id));
    let budgets = [sign_ins_by_network(&context.network()), sign_ins_by_account(&pseudonym, own.as_deref())];
    let taken = match Attempt::take(context, budgets).await? {
        Attempt::Taken(taken) => taken,
        Attempt::Wait(full) => return Ok(Authenticated::Wait(full.seconds)),
    };
    let account = context.server.account(&key).await?;
    let phc = account.as_ref().and_then(|account| account.password.as_deref());
    let right = password::verify(form.get("password").unwrap_or_default(), phc);
    let Some(account) = account.filter(|_| right) else {
        return Ok(Authenticated::Not(Some(note_refused(context, key, "credentials", None))));
    };
    taken.give_back(context);
    Ok(Authenticated::As(Box::new(account)))
}

/// Shows the sign-in page again, with the username but without the password.
async fn ask_again<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    (status, problem): (u16, Problem<'_>),
    rng: &mut impl CryptoRng,
) -> Response {
    let (outcome, reason) = if status == 429 { ("wait", "budget") } else { ("refused", "credentials") };
    show(context, form, browser, (status, Some(problem)), rng).await.noting(WHAT, None, outcome, reason)
}

/// Shows the sign-in page again, because the person chose another language.
pub(super) async fn shown_again<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Response {
    match read_transaction(context, form, browser) {
        Ok(_) => show(context, form, browser, (200, None), rng).await,
        Err(stale) => stopped(context, browser, stale, form, WHAT).await,
    }
}

pub(super) async fn show<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    answer: (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Response {
    let read = read_transaction(context, form, browser).ok();
    let again = read.and_then(|(read, _)| Some(read.hold?.lack.unwrap_or(Lack::Age)));
    let page = SignInForm {
        transaction: form.get("transaction").unwrap_or_default(),
        username: form.get("username").unwrap_or_default(),
        again,
    };
    view::sign_in(context, browser, &page, answer, rng).await
}

/// Refuses an account that may not be used. Comes after the proof, so only the account's owner learns of a refusal.
pub(crate) fn refusal<P: Platform>(context: Context<'_, P>, account: &Account) -> Option<Response> {
    let facts = PolicyFacts { client: None, account: Some(account), scope: &Scope::default() };
    match policy::decide(Point::SignIn, facts) {
        PolicyDecision::Allow(_) => None,
        PolicyDecision::Refuse(why) => {
            let note = note_refused(context, account.key.clone(), why.name(), None);
            Some(refused(context, why.name()).leaving(Some(note)))
        }
    }
}

/// Returns the work of writing the event of a refused sign-in.
fn note_refused<P>(
    context: Context<'_, P>,
    account: AccountKey,
    why: &str,
    policy: Option<Box<PolicyRecord>>,
) -> Afterwards {
    let person = Box::new(Spot::of(&context.side().origin));
    Afterwards::NoteRefusedSignIn(NoteRefusedSignIn { account, why: why.to_owned(), person, policy })
}

pub(super) fn refused<P: Platform>(context: Context<'_, P>, why: &'static str) -> Response {
    view::notice(context, 403, Notice::AccountRefused).noting(WHAT, None, "refused", why)
}

/// Stores the new session. The previous one ends after the response, so that a failure leaves the browser signed in. Returns
/// `None` if the account may not be used any more.
async fn start_session<P: Platform>(
    context: Context<'_, P>,
    browser: &mut Browser,
    (sign_in, managed, policy): (&SignIn, bool, Option<Box<PolicyRecord>>),
    rng: &mut impl CryptoRng,
) -> Result<Option<Person>, Unavailable> {
    let before = browser.signed_in.take();
    let (id, session) = browser.sign_in((sign_in, managed), context.side().origin, rng);
    let start = StartSession { id, session: Box::new(session.clone()), policy };
    let known = context.server.platform.accounts(session.account.shard(), start).await?;
    let Some(known) = known else { return Ok(None) };
    let ended = before
        .map(|before| Afterwards::EndSession(before.account.shard(), EndSession { id: before.digest() }));
    context.request.left.borrow_mut().extend(ended);
    Ok(Some(Person { session, account: sign_in.account.clone(), known }))
}

/// Handles "Use another account": ends the session and keeps the code.
pub(super) async fn switch_account<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    mut browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let (before, user_code) = match read_transaction(context, form, &browser) {
        Ok(read) => read,
        Err(stale) => return Ok(stopped(context, &browser, stale, form, "sign_out").await),
    };
    if let Some(signed_in) = browser.signed_in.take() {
        end(context, &signed_in).await?;
    }
    let expected = before.hold.and_then(|hold| hold.login_hint);
    let transaction = Transaction::new(&user_code, &browser, None, context.now)
        .checked(before.checked_at)
        .for_other_account(expected.clone())
        .seal(context, rng);
    let expected = expected.unwrap_or_default();
    let page = SignInForm { transaction: &transaction, username: &expected, again: None };
    let page = view::sign_in(context, &browser, &page, (200, None), rng).await;
    Ok(browser::remember(context, page.noting("sign_out", None, "done", "switch_account"), &browser, rng))
}

/// Signs out, and shows the page for entering a code.
pub(super) async fn sign_out<P: Platform>(
    context: Context<'_, P>,
    mut browser: Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    if let Some(signed_in) = browser.signed_in.take() {
        end(context, &signed_in).await?;
    }
    // The next person at this computer may be somebody else.
    let browser = Browser::new(rng);
    let page = view::enter(context, 200, &browser, Entry::Nothing, None).await;
    let page = page.noting("sign_out", None, "done", "sign_out");
    Ok(browser::remember(context, page, &browser, rng))
}

/// Reads the sealed field and the code in it.
///
/// # Errors
///
/// Why the field is not good.
pub(super) fn read_transaction<P>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
) -> Result<(Transaction, UserCode), Stale> {
    let transaction = Transaction::open(context, form, browser)?;
    let code = UserCode::parse_either(&transaction.user_code, &context.server.settings.user_code);
    Ok((transaction, code.ok_or(Stale::NotOurs)?))
}
