//! The pages of `/account` as responses: the overview, further devices, and one device.

use futures_util::future::{OptionFuture, join, join3};

use super::parts;
use crate::endpoint::access::Page;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::own::which::Own;
use crate::endpoint::page::MenuForm;
use crate::endpoint::page::account::{AccountPage, DevicePage, Overview};
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::verify::{browser, view};
use crate::identity::account::Account;
use crate::identity::command::{ListDevices, ListSessions, ReadHistory};
use crate::identity::device::{Device, DeviceId, Selection};
use crate::identity::session::{Browser, SignedIn};
use crate::order;

/// Number of devices per page. Together with everything else, a page then has less than 30 KB.
const PAGE: u32 = 8;
/// The parameter with the device to show.
const DEVICE: &str = "device";
/// The parameter with the device after which a page begins.
const AFTER: &str = "after";

/// What a page says besides what it shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answer<'a> {
    /// The status; 0 stands for 200.
    pub status: u16,
    /// What went wrong.
    pub problem: Option<Problem<'a>>,
    /// How many devices have just lost their access.
    pub ended: Option<u64>,
}

/// Shows what the query or form names: one device, or a page of all.
pub(crate) async fn show<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    account: &Account,
    (status, problem): (u16, Option<Problem<'_>>),
) -> Result<Response, Unavailable> {
    show_with(context, form, browser, account, Answer { status, problem, ended: None }).await
}

pub(super) async fn show_with<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    account: &Account,
    answer: Answer<'_>,
) -> Result<Response, Unavailable> {
    if let Some(id) = form.get(DEVICE) {
        let ids = Some(vec![DeviceId::from(id.to_owned())]);
        let selection = Selection { ids, ..Selection::default() };
        let found = devices(context, account, selection, None).await?;
        if let [found] = found.devices.as_slice() {
            return one(context, browser, account, found, answer).await;
        }
        let problem = answer.problem.or(Some(Problem::DeviceGone));
        let status = if answer.status == 200 { 404 } else { answer.status };
        return all(context, browser, account, None, Answer { status, problem, ..answer }).await;
    }
    all(context, browser, account, form.get(AFTER), answer).await
}

/// Returns the devices that have tokens, of one page.
async fn devices<P: Platform>(
    context: Context<'_, P>,
    account: &Account,
    selection: Selection,
    after: Option<&str>,
) -> Result<Page, Unavailable> {
    let after = after.map(|after| DeviceId::from(after.to_owned()));
    let list = ListDevices { account: Some(account.key.clone()), selection, after, limit: PAGE };
    context.server.devices(account.key.shard(), list).await
}

async fn all<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    account: &Account,
    after: Option<&str>,
    answer: Answer<'_>,
) -> Result<Response, Unavailable> {
    let (text, action) = (context.text(), Own::Account.path(context));
    let overview = OptionFuture::from(after.is_none().then(|| overview(context, browser, account)));
    let devices = devices(context, account, Selection::default(), after);
    let (page, overview) = join(devices, overview).await;
    let (mut page, overview) = (page?, overview.transpose()?);
    order::sort_by_key(&mut page.devices, |(_, device)| core::cmp::Reverse(device.last_used_at));
    let csrf = browser::csrf(context, browser);
    let page = AccountPage {
        text,
        action: &action,
        csrf: &csrf,
        signed_in_as: &account.name,
        ended: answer.ended.map(|count| text.devices_ended(count)),
        devices: page.devices.iter().map(|(id, device)| parts::line(text, id, device)).collect(),
        next: page.next.map(|next| next.as_str().to_owned()),
        overview,
        menu: MenuForm { action: &action, fields: &[("csrf", &csrf), (AFTER, after.unwrap_or_default())] },
        problem: answer.problem,
    };
    Ok(view::html(text.language, answer.status.max(200), &page))
}

/// Returns what only the first page has.
async fn overview<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    account: &Account,
) -> Result<Overview, Unavailable> {
    let (text, platform, shard) = (context.text(), &context.server.platform, account.key.shard());
    let (history, sessions, outline) = join3(
        platform.accounts(shard, ReadHistory { account: account.key.clone() }),
        platform.accounts(shard, ListSessions { account: account.key.clone() }),
        context.server.outline(context.now),
    )
    .await;
    // Without the providers, their identifiers stand for their names.
    let (history, sessions, outline) = (history?, sessions?, outline.ok());
    let providers = outline.as_ref().map_or(&[][..], |outline| &outline.providers);
    let here = browser.signed_in(context.now).map(SignedIn::digest);
    let may_ask = outline.is_some() && context.server.governance_at_source()?.policy.access_requests;
    Ok(Overview {
        new: parts::new_clients(text, &history),
        passkeys: Own::Passkeys.path(context),
        requests: may_ask.then(|| Own::Asking.path(context)),
        enter: format!("{}/device", context.issuer.path()),
        sessions: parts::sessions(text, sessions, here.as_ref(), providers),
        activity: parts::activity(text, &history),
    })
}

async fn one<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    account: &Account,
    (id, device): &(DeviceId, Device),
    answer: Answer<'_>,
) -> Result<Response, Unavailable> {
    let (text, action) = (context.text(), Own::Account.path(context));
    let outline = context.server.outline(context.now).await?;
    let client = context.server.client(&device.client_id, context.now).await?;
    let csrf = browser::csrf(context, browser);
    let page = DevicePage {
        text,
        action: &action,
        csrf: &csrf,
        signed_in_as: &account.name,
        id: id.as_str(),
        name: device.label.as_deref().unwrap_or(&device.client_name),
        label: device.label.as_deref().unwrap_or_default(),
        client_name: &device.client_name,
        started: parts::stage(text, &device.provenance.started),
        approved: parts::stage(text, &device.provenance.approved),
        first_used: text.moment(device.first_used_at),
        last_used: text.moment(device.last_used_at),
        permissions: parts::permissions(text, &outline.scopes, &device.scope),
        end_hint: text.device_end_hint(context.server.minutes_to_the_end(client.as_deref())),
        menu: MenuForm { action: &action, fields: &[("csrf", &csrf), (DEVICE, id.as_str())] },
        problem: answer.problem,
    };
    Ok(view::html(text.language, answer.status.max(200), &page))
}
