//! Out-of-band binding: the device has to be in the inventory, assigned to the person, who types the end of what it is called
//! (RFC 10027 §6.1.17). The page never shows that.

use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::ask::Permit;
use crate::endpoint::policy::facts::Asked;
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::registry::inventory::FindInventory;

/// Returns whether the person may approve the device, as far as the inventory is concerned. Reads it at its source, and only if
/// a rule requires that. Nobody learns whether the device is missing there or is somebody else's.
pub(super) async fn is_assigned<P: Platform>(
    context: Context<'_, P>,
    permit: &Permit,
    asked: &Asked,
    account: &Account,
) -> Result<bool, Unavailable> {
    if !permit.requirements.out_of_band_binding {
        return Ok(true);
    }
    let Some(identifier) = asked.identifier.clone() else { return Ok(false) };
    let entry = context.server.platform.registry(FindInventory { identifier }).await?;
    Ok(entry.is_some_and(|entry| entry.is_of(&account.key, &account.groups)))
}
