//! The session of a browser, as it is stored now.

use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::identity::command::{CheckSession, EndSession};
use crate::identity::history::Known;
use crate::identity::session::{Browser, Session, SignedIn};

/// Somebody who is signed in.
pub(crate) struct Person {
    pub session: Session,
    pub account: Account,
    /// What devices had access to the account before.
    pub known: Known,
}

/// Returns the session and its account as they are now; `None` if nobody is signed in any more.
pub(crate) async fn check<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
) -> Result<Option<(Session, Account)>, Unavailable> {
    Ok(find(context, browser).await?.map(|Person { session, account, .. }| (session, account)))
}

/// Returns who is signed in, as they are now; `None` if nobody is any more.
pub(crate) async fn find<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
) -> Result<Option<Person>, Unavailable> {
    let Some(signed_in) = browser.signed_in(context.now) else { return Ok(None) };
    let check = CheckSession { id: signed_in.digest() };
    let found = context.server.platform.accounts(signed_in.account.shard(), check).await?;
    Ok(found.map(|(session, account, known)| Person { session, account, known }))
}

pub(crate) async fn end<P: Platform>(
    context: Context<'_, P>,
    signed_in: &SignedIn,
) -> Result<(), Unavailable> {
    let end = EndSession { id: signed_in.digest() };
    context.server.platform.accounts(signed_in.account.shard(), end).await
}
