//! `/account/passkeys`: the passkeys of the person who is signed in, to add, name and remove.
//!
//! Whoever finds an open browser must not be able to add a passkey to it, so every change needs a sign-in that is at most
//! [`RECENT`] old. The last way in cannot be removed here.

mod change;
mod view;

use core::time::Duration;

use rand_core::CryptoRng;

use super::form::Form;
use super::http::Response;
use super::own::sign_in;
use super::own::sign_in::Why;
use super::own::which::Own;
use super::passkey::note::note;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::audit::change::Changed;
use crate::identity::account::Account;
use crate::identity::session::{Browser, Session};
pub(super) use view::passkeys as show;

/// How old a sign-in may be for a change.
const RECENT: Duration = Duration::from_secs(600);

/// A change of the passkeys.
#[derive(Clone, Copy)]
enum Change {
    Add,
    Rename,
    Remove,
}

impl Change {
    fn of(step: &str) -> Option<Self> {
        match step {
            "add" => Some(Self::Add),
            "rename" => Some(Self::Rename),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }

    const fn event(self) -> Option<Changed> {
        match self {
            Self::Add => Some(Changed::PasskeyAdded),
            Self::Rename => None,
            Self::Remove => Some(Changed::PasskeyRemoved),
        }
    }
}

/// Makes the change that a form asks for, if the person signed in recently enough; `None` if it asks for none.
pub(super) async fn changed<P: Platform>(
    context: Context<'_, P>,
    (step, form): (&str, &Form),
    browser: &Browser,
    session: &Session,
    account: Account,
    rng: &mut impl CryptoRng,
) -> Result<Option<Response>, Unavailable> {
    let Some(change) = Change::of(step) else { return Ok(None) };
    if !is_recent(session, context) {
        let page = sign_in::page(context, Own::Passkeys, browser, Why::TooOld, (200, None), rng).await;
        return Ok(Some(page.noting(Own::Passkeys.what(), None, "sign_in_again", "max_age")));
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
    let page = view::passkeys(context, browser, &account, answer, rng);
    Ok(Some(page.noting(Own::Passkeys.what(), None, outcome, reason)))
}

fn is_recent<P>(session: &Session, context: Context<'_, P>) -> bool {
    context.now.since(session.auth_time) <= RECENT
}
