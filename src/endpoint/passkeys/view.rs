//! The page of `/account/passkeys`.

use rand_core::CryptoRng;

use crate::endpoint::http::Response;
use crate::endpoint::messages::Html;
use crate::endpoint::own::which::Own;
use crate::endpoint::page::passkeys::{KnownPasskey, PasskeysPage};
use crate::endpoint::page::problem::Problem;
use crate::endpoint::passkey::begun::{Begun, For};
use crate::endpoint::passkey::forms::creation_form;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::endpoint::verify::{browser, view as pages};
use crate::identity::account::Account;
use crate::identity::passkey::Passkey;
use crate::identity::session::Browser;
use crate::passkey::options::User;
use crate::upstream::access::NAME;

/// Shows the passkeys, and begins the ceremony that adds one.
pub(crate) fn passkeys<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    account: &Account,
    (status, problem): (u16, Option<Problem>),
    rng: &mut impl CryptoRng,
) -> Response {
    let text = context.text();
    let begun = Begun::new(For::Account(account.sub.clone()), browser, context.now, rng);
    let user = User { handle: account.sub.as_str(), username: &account.username, name: &account.name };
    let existing: Vec<_> = account.passkeys.iter().map(|known| known.id.clone()).collect();
    let page = PasskeysPage {
        text,
        action: &Own::Passkeys.path(context),
        csrf: &browser::csrf(context, browser),
        signed_in_as: &account.name,
        account: &Own::Account.path(context),
        passkeys: account.passkeys.iter().map(|known| shown(context, known)).collect(),
        ceremony: &begun.seal(context, rng),
        options: if account.key.is_at_access() {
            Err(text.passkey_by_access(NAME))
        } else {
            creation_form(context, &begun, user, &existing).ok_or_else(|| text.passkey_no_domain())
        },
        problem,
    };
    pages::html(text.language, status, &page)
}

fn shown<'a, P: Platform>(context: Context<'_, P>, passkey: &'a Passkey) -> KnownPasskey<'a> {
    let text = context.text();
    let unnamed = passkey.name.is_empty();
    KnownPasskey {
        id: passkey.id.to_string(),
        name: &passkey.name,
        heading: if unnamed { text.passkey_unnamed() } else { Html::isolated(&passkey.name) },
        added: text.passkey_added(&text.day(passkey.created_at)),
        used: match passkey.last_used_at {
            Some(at) => text.passkey_last_used(&text.day(at)),
            None => text.passkey_never_used(),
        },
        kept: if passkey.backup_eligible { text.passkey_synced() } else { text.passkey_bound() },
    }
}
