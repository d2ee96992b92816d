//! Who gets into the console.

use core::time::Duration;

use crate::audit::change::Actor;
use crate::endpoint::admin::caller::Caller;
use crate::endpoint::form::Form;
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::identity::session::{Browser, Session};
use crate::registry::admin_token::Rights;
use crate::time::Timestamp;

/// How old a sign-in may be that opens a page. A form that was opened in time can be sent for as long as the session lives, so
/// that nothing is lost that took long to write. Once it is done, the page has no form of that kind.
const FRESH: Duration = Duration::from_mins(15);
/// The field of forms with [`Visitor::opened`].
const OPENED: &str = "opened";

/// An administrator at the console.
pub(super) struct Visitor<'a> {
    pub(super) browser: &'a Browser,
    pub(super) account: &'a Account,
    pub(super) caller: Caller,
    /// What forms on the page say of having been opened in time. It is empty if the sign-in is too old for that.
    pub(super) opened: String,
}

/// Why somebody who is signed in does not get in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bar {
    /// The account is in none of the `ADMIN_GROUPS`.
    NotAdministrator,
    /// The sign-in could have been phished.
    NotStrong,
    /// The sign-in is too old.
    TooOld,
}

/// Returns the caller as whom somebody who is signed in may look at a page.
pub(super) fn opens<P>(context: Context<'_, P>, session: &Session, account: &Account) -> Result<Caller, Bar> {
    let caller = admits(context, session, account)?;
    if is_fresh(context.now, session) { Ok(caller) } else { Err(Bar::TooOld) }
}

/// Returns the caller as whom somebody who is signed in may send a form that was opened in time.
pub(super) fn lets_act<P>(
    context: Context<'_, P>,
    (browser, form): (&Browser, &Form),
    session: &Session,
    account: &Account,
) -> Result<Caller, Bar> {
    let caller = admits(context, session, account)?;
    let was_opened = is_fresh(context.now, session) || was_opened(context, browser, form);
    if was_opened { Ok(caller) } else { Err(Bar::TooOld) }
}

/// Returns whether the sign-in is young enough to open a page.
pub(super) fn is_fresh(now: Timestamp, session: &Session) -> bool {
    now.since(session.auth_time) <= FRESH
}

/// Returns what the forms of a page say that is opened in time. It is good for this page.
pub(super) fn opened<P>(context: Context<'_, P>, browser: &Browser) -> String {
    context.server.settings.keyring.current.csrf(&browser.id, &of_page(context, browser))
}

fn was_opened<P>(context: Context<'_, P>, browser: &Browser, form: &Form) -> bool {
    let token = form.get(OPENED).unwrap_or_default();
    context.server.settings.keyring.is_csrf(token, &browser.id, &of_page(context, browser))
}

fn of_page<P>(context: Context<'_, P>, browser: &Browser) -> String {
    format!("{}{}", browser.session_id(), context.request.path)
}

/// Returns the caller for somebody who is signed in and manages this server. On a development server, a password is enough.
fn admits<P>(context: Context<'_, P>, session: &Session, account: &Account) -> Result<Caller, Bar> {
    let settings = &context.server.settings;
    if !settings.admin_groups.include_any(&account.groups) {
        return Err(Bar::NotAdministrator);
    }
    if !session.how.resists_phishing() && !settings.is_development() {
        return Err(Bar::NotStrong);
    }
    Ok(Caller {
        by: Actor::Account(account.sub.clone()),
        rights: Rights::Setting,
        person: Some(account.into()),
    })
}
