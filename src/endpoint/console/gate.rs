//! Who gets into the console.

use core::time::Duration;

use crate::audit::change::Actor;
use crate::endpoint::admin::caller::Caller;
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::identity::session::{Browser, Session};
use crate::registry::admin_token::Rights;

/// How old a sign-in may be that opens a page. A form that was opened in time can be sent for as long as the session lives, so
/// that nothing is lost that took long to write.
const FRESH: Duration = Duration::from_mins(15);

/// An administrator at the console.
pub(super) struct Visitor<'a> {
    pub(super) browser: &'a Browser,
    pub(super) account: &'a Account,
    pub(super) caller: Caller,
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
    let caller = lets_act(context, session, account)?;
    let is_fresh = context.now.since(session.auth_time) <= FRESH;
    if is_fresh { Ok(caller) } else { Err(Bar::TooOld) }
}

/// Returns the caller as whom somebody who is signed in may send a form. On a development server, a password is enough.
pub(super) fn lets_act<P>(
    context: Context<'_, P>,
    session: &Session,
    account: &Account,
) -> Result<Caller, Bar> {
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
