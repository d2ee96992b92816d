//! Ceremonies of passkeys: begun when a page is shown, and ended by the form that it sends.

pub(super) mod begun;
pub(super) mod prove;
pub(super) mod register;

use rand_core::CryptoRng;

use self::begun::{Begun, For};
use super::page::PasskeyForm;
use super::server::Context;
use crate::identity::credential_id::CredentialId;
use crate::identity::session::Browser;
use crate::passkey::options::User;
use crate::passkey::{RelyingParty, options};

/// Returns whom passkeys are for; `None` if the issuer is at an IP address.
pub(super) fn relying_party<P>(context: Context<'_, P>) -> Option<RelyingParty<'_>> {
    RelyingParty::new(context.issuer.hostname(), context.issuer.origin())
}

/// Begins a sign-in with a passkey; `None` at an IP address.
pub(super) fn request_form<P>(
    context: Context<'_, P>,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Option<PasskeyForm> {
    let party = relying_party(context)?;
    let begun = Begun::new(For::SignIn, browser, context.now, rng);
    let options = options::request(party, &begun.challenge, &[]).to_string();
    Some(PasskeyForm { ceremony: begun.seal(context, rng), options })
}

/// Returns the options for a new passkey of `user`, as JSON; `None` at an IP address.
pub(super) fn creation_form<P>(
    context: Context<'_, P>,
    begun: &Begun,
    user: User<'_>,
    existing: &[CredentialId],
) -> Option<String> {
    let party = relying_party(context)?;
    let service = context.server.settings.service.name.as_deref().unwrap_or(party.id());
    Some(options::creation(party, service, user, &begun.challenge, existing).to_string())
}
