//! Spends an invitation, stores the account, and signs the person in.

use rand_core::CryptoRng;

use super::asked::{Asked, Refused, Way, read};
use super::found::{Page, WHAT, Whom};
use super::view::{done, gone};
use crate::audit::change::{Actor, Changed};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::passkey::register::claim;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::verify::{browser, sign_in};
use crate::format::Format;
use crate::identity::account::{Account, Standing};
use crate::identity::account_key::AccountKey;
use crate::identity::command::{AccountEvent, Put, PutAccount};
use crate::identity::group::Group;
use crate::identity::password;
use crate::identity::sign_in::SignIn;
use crate::passkey::record;
use crate::registry::invitation::Kind;
use crate::registry::invitations::SpendInvitation;

/// How often a change of the account that comes between is tolerated.
const ROUNDS: usize = 3;

/// Settles a form. The invitation is spent before the account is stored, because its spending decides who comes first. If
/// something fails after that, the same form goes on where it stopped.
pub(super) async fn settle<P: Platform>(
    page: &Page<'_, P>,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Result<Result<Response, Refused>, Unavailable> {
    let asked = match read(page, form).await? {
        Ok(asked) => asked,
        Err(refused) => return Ok(Err(refused)),
    };
    let Page { context, found, sub, .. } = page;
    let key = match &found.whom {
        Whom::Known(account) => account.key.clone(),
        Whom::New(_) => AccountKey::local(&asked.username),
    };
    let before = context.server.account(&key).await?;
    if before.as_ref().is_some_and(|account| account.sub != **sub) {
        return Ok(Err((Problem::UsernameTaken, "username_taken")));
    }
    if let Way::Passkey(passkey) = &asked.way
        && !claim(*context, passkey, &key).await?
    {
        return Ok(Err((Problem::PasskeyNotMade, "passkey_of_another")));
    }
    let spend =
        SpendInvitation { digest: found.digest, attempt: sub.as_str().to_owned(), account: (*sub).clone() };
    let Some(invitation) = context.server.platform.registry(spend).await? else {
        return Ok(Ok(gone(*context)));
    };
    let new = new_account(page, key, &asked, &invitation.kind);
    match store(page, before, new, &asked.way, rng).await? {
        Some(account) => enter(page, account, &asked.way, rng).await.map(Ok),
        None => Ok(Err((Problem::UsernameTaken, "username_taken"))),
    }
}

/// Returns the account of somebody new, without a way in.
fn new_account<P: Platform>(page: &Page<'_, P>, key: AccountKey, asked: &Asked, kind: &Kind) -> Account {
    let Page { context, sub, .. } = page;
    Account {
        format: Format,
        key,
        version: 0,
        sub: (*sub).clone(),
        username: asked.username.clone(),
        name: asked.name.clone(),
        email: None,
        email_verified: false,
        groups: groups(page, kind),
        password: None,
        standing: Standing::Active,
        passkeys: Vec::new(),
        created_at: context.now,
        last_sign_in: None,
        scim_name: None,
    }
}

fn groups<P>(page: &Page<'_, P>, kind: &Kind) -> Vec<Group> {
    match kind {
        Kind::Account { groups, .. } => groups.clone(),
        Kind::FirstAdministrator => {
            page.context.server.settings.admin_groups.local().into_iter().cloned().collect()
        }
        Kind::Recovery { .. } => Vec::new(),
    }
}

/// Stores the way in. Returns `None` if somebody else got the username in between.
async fn store<P: Platform>(
    page: &Page<'_, P>,
    mut before: Option<Account>,
    new: Account,
    way: &Way,
    rng: &mut impl CryptoRng,
) -> Result<Option<Account>, Unavailable> {
    for _ in 0..ROUNDS {
        let expected = before.as_ref().map(|account| account.version);
        let account = with(before.unwrap_or_else(|| new.clone()), way, page, rng);
        before = match put(page, account, expected).await? {
            Put::Stored(account) => return Ok(Some(*account)),
            Put::Other(Some(other)) if other.sub != *page.sub => return Ok(None),
            Put::Other(other) => other.map(|account| *account),
        };
    }
    Err(Unavailable)
}

/// Stores the account with its event. A new one comes with the pointer from its `sub`.
async fn put<P: Platform>(
    page: &Page<'_, P>,
    account: Account,
    expected: Option<u64>,
) -> Result<Put, Unavailable> {
    let server = page.context.server;
    let (key, by) = (account.key.clone(), Actor::Account(account.sub.clone()));
    if expected.is_none() {
        let event = AccountEvent { what: Changed::AccountCreated, by, members: Vec::new() };
        return server.put_new_account(account, Some(event)).await;
    }
    let put = PutAccount { account: Box::new(account), expected, event: None };
    server.platform.accounts(key.shard(), put).await
}

fn with<P>(account: Account, way: &Way, page: &Page<'_, P>, rng: &mut impl CryptoRng) -> Account {
    match way {
        Way::Password(typed) => Account { password: Some(password::hash(typed, rng)), ..account },
        Way::Passkey(registered) => {
            let mut passkeys = account.passkeys.clone();
            passkeys.retain(|known| known.id != registered.id);
            passkeys.push(record::new(registered, page.context.now));
            Account { passkeys, ..account }
        }
    }
}

/// Signs the person in, unless policy refuses the account.
async fn enter<P: Platform>(
    page: &Page<'_, P>,
    account: Account,
    way: &Way,
    rng: &mut impl CryptoRng,
) -> Result<Response, Unavailable> {
    let Page { context, .. } = *page;
    let sign_in = match way {
        Way::Password(_) => SignIn::by_password(account, context.now),
        Way::Passkey(registered) => SignIn::by_passkey(account, registered.id.clone(), context.now),
    };
    let mut browser = page.browser.clone();
    if let Err(refused) = sign_in::start_without_code(context, &mut browser, &sign_in, rng).await? {
        return Ok(refused);
    }
    let shown = done(context).noting(WHAT, None, "used", sign_in.how.name());
    Ok(browser::remember(context, shown, &browser, rng))
}
