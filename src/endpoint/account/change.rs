//! What the buttons of `/account` do.

use super::page::{Answer, show, show_with};
use crate::audit::change::Actor;
use crate::endpoint::access::End;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::own::which::Own;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::family::Ending;
use crate::identity::account::Account;
use crate::identity::command::{ConfirmAccess, EndListedSessions, EndSessions, ListSessions, NameDevice};
use crate::identity::device::{DeviceId, Selection};
use crate::identity::session::{Browser, SignedIn};
use crate::secret::Digest;
use crate::visible;

/// Longest name of a device, in characters.
const LONGEST_NAME: usize = 60;

/// Does what a form asks for, and shows the page; `None` if it asks for nothing that this page can do.
pub(crate) async fn changed<P: Platform>(
    context: Context<'_, P>,
    (step, form): (&str, &Form),
    browser: &Browser,
    account: &Account,
) -> Result<Option<Response>, Unavailable> {
    let made = match step {
        "name" => name(context, form, account).await?,
        "end" => end(context, form, account).await?,
        "end_all" => end_all(context, form, account).await?,
        "end_session" => end_session(context, form, account).await?,
        "end_sessions" => end_sessions(context, browser, account).await?,
        "confirm" => confirm(context, form, account).await?,
        _ => return Ok(None),
    };
    let page = match made {
        Made::Done(what) => show(context, form, browser, account, (200, None)).await?.noting(
            Own::Account.what(),
            None,
            "changed",
            what,
        ),
        Made::Ended(count) => {
            let answer = Answer { ended: Some(count), ..Answer::default() };
            let page = show_with(context, &Form::default(), browser, account, answer).await?;
            page.noting(Own::Account.what(), None, "changed", "devices_ended")
        }
        Made::Not(problem, reason) => {
            let page = show(context, form, browser, account, (400, Some(problem))).await?;
            page.noting(Own::Account.what(), None, "refused", reason)
        }
    };
    Ok(Some(page))
}

/// What became of a form.
enum Made {
    /// What the log says.
    Done(&'static str),
    /// Carries the number of devices that have lost their access.
    Ended(u64),
    /// Nothing has changed.
    Not(Problem<'static>, &'static str),
}

/// Gives a device the name that the form has, or none.
async fn name<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    account: &Account,
) -> Result<Made, Unavailable> {
    let label = form.get("name").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    let fits = |name: &String| name.chars().count() <= LONGEST_NAME && visible::check(name).is_ok();
    if !label.as_ref().is_none_or(fits) {
        return Ok(Made::Not(Problem::DeviceNameMalformed, "name_malformed"));
    }
    let Some(id) = device(form) else { return Ok(Made::Not(Problem::DeviceGone, "device_unknown")) };
    let name = NameDevice { id, account: account.key.clone(), label };
    Ok(if context.server.platform.accounts(account.key.shard(), name).await? {
        Made::Done("named")
    } else {
        Made::Not(Problem::DeviceGone, "device_unknown")
    })
}

fn device(form: &Form) -> Option<DeviceId> {
    form.get("device").map(|id| DeviceId::from(id.to_owned()))
}

/// Ends the access of one device.
async fn end<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    account: &Account,
) -> Result<Made, Unavailable> {
    let Some(id) = device(form) else { return Ok(Made::Not(Problem::DeviceGone, "device_unknown")) };
    let selection = Selection { ids: Some(vec![id]), ..Selection::default() };
    match context.server.end_access(&account.key, selection, &by_owner()).await? {
        0 => Ok(Made::Not(Problem::DeviceGone, "device_unknown")),
        count => Ok(Made::Ended(count)),
    }
}

/// Ends the access of all devices, if the box is ticked.
async fn end_all<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    account: &Account,
) -> Result<Made, Unavailable> {
    if form.get("confirm").is_none() {
        return Ok(Made::Not(Problem::EndUnconfirmed, "unconfirmed"));
    }
    let count = context.server.end_access(&account.key, Selection::default(), &by_owner()).await?;
    Ok(Made::Ended(count))
}

const fn by_owner() -> End {
    End { why: Ending::EndedByOwner, by: None }
}

/// Ends the session with this digest, if it is one of the account.
async fn end_session<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    account: &Account,
) -> Result<Made, Unavailable> {
    let (shard, platform) = (account.key.shard(), &context.server.platform);
    let sessions = platform.accounts(shard, ListSessions { account: account.key.clone() }).await?;
    let wanted = form.get("session").and_then(Digest::parse);
    if let Some((id, _)) = sessions.into_iter().find(|(id, _)| Some(id) == wanted.as_ref()) {
        let by = Actor::Account(account.sub.clone());
        platform.accounts(shard, EndListedSessions { ids: vec![id], by }).await?;
    }
    // One that has ended already is what the person wanted.
    Ok(Made::Done("session_ended"))
}

/// Ends all sessions but this one.
async fn end_sessions<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    account: &Account,
) -> Result<Made, Unavailable> {
    let except = browser.signed_in(context.now).map(SignedIn::digest);
    let by = Actor::Account(account.sub.clone());
    let end = EndSessions { account: account.key.clone(), upstream: None, begun_by: None, except, by };
    context.server.platform.accounts(account.key.shard(), end).await?;
    Ok(Made::Done("sessions_ended"))
}

/// Notes that the person knows of the first access of a client.
async fn confirm<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    account: &Account,
) -> Result<Made, Unavailable> {
    let client_id = form.get("client").unwrap_or_default().to_owned();
    let confirm = ConfirmAccess { account: account.key.clone(), client_id };
    context.server.platform.accounts(account.key.shard(), confirm).await?;
    Ok(Made::Done("confirmed"))
}
