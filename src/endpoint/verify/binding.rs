//! Out-of-band binding: the device has to be in the inventory, assigned to the person, who types the end of what it is called
//! (RFC 10027 §6.1.17). The page never shows that.

use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::ask::Permit;
use crate::endpoint::policy::facts::Asked;
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::policy::shortfall::Shortfall;
use crate::registry::inventory::FindInventory;

/// Returns whether the person may approve the device, as far as the inventory is concerned. Reads it at its source, and only if
/// a rule requires that. Nobody learns whether the device is missing there or is somebody else's.
pub(super) async fn is_assigned<P: Platform>(
    context: Context<'_, P>,
    permit: &Permit,
    asked: &Asked,
    account: &Account,
) -> Result<bool, Unavailable> {
    if permit.requirements.out_of_band_binding { is_of(context, asked, account).await } else { Ok(true) }
}

/// Notes that a rule which only reports would refuse a device that is not assigned to the person. An inventory that cannot be
/// read says nothing: what only reports stops nobody.
pub(super) async fn note_unassigned<P: Platform>(
    context: Context<'_, P>,
    permit: &mut Permit,
    asked: &Asked,
    account: &Account,
) {
    let would_bind = permit.would.as_ref().is_some_and(|would| would.requirements.out_of_band_binding);
    let is_news = would_bind && !permit.requirements.out_of_band_binding;
    if is_news && is_of(context, asked, account).await == Ok(false) {
        permit.would_lack(Shortfall::Unbound);
    }
}

async fn is_of<P: Platform>(
    context: Context<'_, P>,
    asked: &Asked,
    account: &Account,
) -> Result<bool, Unavailable> {
    let Some(identifier) = asked.identifier.clone() else { return Ok(false) };
    let entry = context.server.platform.registry(FindInventory { identifier }).await?;
    Ok(entry.is_some_and(|entry| entry.is_of(&account.key, &account.groups)))
}
