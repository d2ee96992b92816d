//! The pages of invitations.

use rand_core::CryptoRng;

use super::found::{Page, WHAT, Whom};
use crate::endpoint::http::Response;
use crate::endpoint::page::invitation::InvitationPage;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::passkey::begun::{Begun, For};
use crate::endpoint::passkey::forms::creation_form;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::endpoint::verify::notice::Notice;
use crate::endpoint::verify::{browser, view as pages};
use crate::passkey::options::User;

/// Shows the form, and begins a ceremony.
pub(super) fn show<P: Platform>(
    page: &Page<'_, P>,
    (status, problem): (u16, Option<Problem>),
    rng: &mut impl CryptoRng,
) -> Response {
    let Page { context, browser, secret, found, sub, typed } = page;
    let text = context.text();
    let (username, name, existing) = match &found.whom {
        Whom::New(username) => (username.as_deref().unwrap_or(typed.username), typed.name, Vec::new()),
        Whom::Known(account) => {
            let existing = account.passkeys.iter().map(|known| known.id.clone()).collect();
            (account.username.as_str(), account.name.as_str(), existing)
        }
    };
    let begun = Begun::new(For::Invited((*sub).clone(), found.digest), browser, context.now, rng);
    let user = User { handle: sub.as_str(), username, name };
    let page = InvitationPage {
        text,
        action: &format!("{}/invitation", context.issuer.path()),
        csrf: &browser::csrf(*context, browser),
        secret,
        ceremony: &begun.seal(*context, rng),
        options: creation_form(*context, &begun, user, &existing),
        is_recovery: matches!(found.whom, Whom::Known(_)),
        username,
        has_username: found.whom.username().is_some(),
        name,
        passwords: context.server.settings.passwords,
        problem,
    };
    pages::html(text.language, status, &page)
}

/// Says that there is no such invitation any more.
pub(super) fn gone<P: Platform>(context: Context<'_, P>) -> Response {
    pages::notice(context, 404, Notice::InvitationGone).noting(WHAT, None, "refused", "no_invitation")
}

/// Says that the account is ready.
pub(super) fn done<P: Platform>(context: Context<'_, P>) -> Response {
    pages::notice(context, 200, Notice::Ready)
}
