//! Whom passkeys are for.

use crate::endpoint::server::Context;
use crate::passkey::RelyingParty;

/// Returns whom passkeys are for; `None` if the issuer is at an IP address.
pub(super) fn relying_party<P>(context: Context<'_, P>) -> Option<RelyingParty<'_>> {
    RelyingParty::new(context.issuer.hostname(), context.issuer.origin())
}
