//! What the source of a reported request obtained from the same person before: a phisher who is noticed once may have
//! succeeded an hour ago.

use core::time::Duration;

use rand_core::CryptoRng;

use super::address::go_to;
use super::recent::{REQUEST, Recent};
use super::session::check;
use super::{recent, view};
use crate::endpoint::access::End;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::family::Ending;
use crate::identity::account_key::AccountKey;
use crate::identity::command::ListDevices;
use crate::identity::device::{Device, DeviceId, Selection};
use crate::identity::session::Browser;
use crate::provenance::Source;

const WHAT: &str = "source";
/// How far back it goes.
const DAY: Duration = Duration::from_secs(86_400);
/// The most devices that are ended at once.
const MOST: u32 = 100;

/// Returns the names of the devices; `None` if there are none, or if nobody can be told. Whatever cannot be reached, the
/// person still reads that the report was received.
pub(super) async fn names<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: &Recent,
) -> Option<Vec<String>> {
    let source = recent.result.as_ref()?.source.as_ref()?;
    let (_, account) = check(context, browser).await.ok()??;
    let devices = obtained(context, &account.key, source).await.ok()?;
    let names = devices.into_iter().map(|(_, device)| device.label.unwrap_or(device.client_name));
    Some(names.collect()).filter(|names: &Vec<String>| !names.is_empty())
}

/// Returns the devices of the last day that came from the source and have access.
async fn obtained<P: Platform>(
    context: Context<'_, P>,
    account: &AccountKey,
    source: &Source,
) -> Result<Vec<(DeviceId, Device)>, Unavailable> {
    let selection = Selection { from: Some(context.now.before(DAY)), ..Selection::default() };
    let list = ListDevices { account: Some(account.clone()), selection, after: None, limit: MOST };
    let mut devices = context.server.devices(account.shard(), list).await?.devices;
    devices.retain(|(_, device)| source.is_of(&device.provenance.started.spot));
    Ok(devices)
}

/// Ends the access of these devices, and leads back to the result.
pub(super) async fn end<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let recent = form.get(REQUEST).and_then(|nonce| recent::find(context, browser, nonce));
    let (Some(mut recent), Some((_, account))) = (recent, check(context, browser).await?) else {
        return Ok(view::over(context).noting(WHAT, None, "refused", "no_session"));
    };
    let Some(seen) = &mut recent.result else {
        return Ok(view::over(context).noting(WHAT, None, "refused", "over"));
    };
    if let Some(source) = &seen.source {
        let devices = obtained(context, &account.key, source).await?;
        let ids = Some(devices.into_iter().map(|(id, _)| id).collect());
        let selection = Selection { ids, ..Selection::default() };
        let end = End { why: Ending::EndedByOwner, by: None };
        let count = context.server.end_access(&account.key, selection, &end).await?;
        seen.ended = Some(seen.ended.unwrap_or_default() + count);
    }
    Ok(go_to(context, browser, &recent, rng).noting(WHAT, None, "changed", "devices_ended"))
}
