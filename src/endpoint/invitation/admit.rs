//! Makes the account of the person who is signed in an administrator's, as the link of the first administrator allows.

use super::asked::Refused;
use super::found::{Found, WHAT};
use super::view::{done, gone};
use crate::audit::change::{Actor, Changed};
use crate::endpoint::accounts::Outcome;
use crate::endpoint::http::Response;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::verify::session::check;
use crate::endpoint::verify::sign_in;
use crate::identity::account::Account;
use crate::identity::session::Browser;
use crate::registry::invitations::SpendInvitation;

/// Spends the invitation, and adds the account to the local group of administrators. The attempt is named by the account:
/// if something fails after the invitation is spent, the same form goes on where it stopped.
pub(super) async fn admit<P: Platform>(
    context: Context<'_, P>,
    found: &Found,
    browser: &Browser,
) -> Result<Result<Response, Refused>, Unavailable> {
    let Some((_, account)) = check(context, browser).await? else {
        return Ok(Err((Problem::SessionOver, "no_session")));
    };
    if let Some(refused) = sign_in::refusal(context, &account) {
        return Ok(Ok(refused));
    }
    let Account { key, sub, .. } = account;
    let spend =
        SpendInvitation { digest: found.digest, attempt: sub.as_str().to_owned(), account: sub.clone() };
    if context.server.platform.registry(spend).await?.is_none() {
        return Ok(Ok(gone(context)));
    }
    let by = Actor::Account(sub);
    let change = |account: &mut Account| add_group(context, account);
    match context.server.change_account(&key, None, (Changed::AccountChanged, &by), change).await? {
        Outcome::Changed(_) => Ok(Ok(done(context).noting(WHAT, None, "used", "admitted"))),
        Outcome::Absent | Outcome::Stale => Err(Unavailable),
    }
}

/// Returns what changed.
fn add_group<P>(context: Context<'_, P>, account: &mut Account) -> Vec<&'static str> {
    match context.server.settings.admin_groups.local() {
        Some(group) if !account.groups.contains(group) => {
            account.groups.push(group.clone());
            vec!["groups"]
        }
        Some(_) | None => Vec::new(),
    }
}
