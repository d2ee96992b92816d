//! What forms that use passkeys contain.

use rand_core::CryptoRng;

use super::begun::{Begun, For};
use super::party::relying_party;
use crate::endpoint::page::sign_in::PasskeyForm;
use crate::endpoint::server::Context;
use crate::identity::credential_id::CredentialId;
use crate::identity::session::Browser;
use crate::passkey::options;
use crate::passkey::options::User;

/// Begins a sign-in with a passkey; `None` at an IP address.
pub(crate) fn request_form<P>(
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
pub(crate) fn creation_form<P>(
    context: Context<'_, P>,
    begun: &Begun,
    user: User<'_>,
    existing: &[CredentialId],
) -> Option<String> {
    let party = relying_party(context)?;
    let service = context.server.settings.service.name.as_deref().unwrap_or(party.id());
    Some(options::creation(party, service, user, &begun.challenge, existing).to_string())
}
