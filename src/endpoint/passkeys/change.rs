//! Changes of the passkeys of an account.

use crate::endpoint::form::Form;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::passkey::begun::{Begun, For};
use crate::endpoint::passkey::prove::Refusal;
use crate::endpoint::passkey::register;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::identity::command::{Put, PutAccount, ReleasePointer};
use crate::identity::credential_id::CredentialId;
use crate::identity::passkey::Passkey;
use crate::identity::pointer::Pointer;
use crate::identity::session::Browser;
use crate::passkey::record;
use crate::visible;

/// The most passkeys of an account.
pub(super) const MOST: usize = 20;
/// Longest name of a passkey, in characters.
pub(super) const LONGEST_NAME: usize = 60;
/// How often a change of the account that comes between is tolerated.
const ROUNDS: usize = 3;

/// Why nothing changed, and the account as it is.
pub(super) struct Refused {
    pub(super) account: Account,
    pub(super) problem: Problem<'static>,
    pub(super) reason: &'static str,
}

/// The account after the change, and what the log says.
type Made = Result<(Account, &'static str), Refused>;

/// Adds the passkey that the form has.
pub(super) async fn add<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    account: Account,
) -> Result<Made, Unavailable> {
    let begun = Begun::open(context, form, browser).filter(|begun| begun.is_fresh(context.now));
    let Some(begun) = begun.filter(|begun| begun.purpose == For::Account(account.sub.clone())) else {
        return Ok(Err(refused(account, Refusal::Over)));
    };
    let registered = match register::verify(context, form, &begun).await? {
        Ok(registered) => registered,
        Err(Refusal::Flawed(flaw)) => {
            let reason = flaw.reason();
            return Ok(Err(Refused { account, problem: Problem::PasskeyNotMade, reason }));
        }
        Err(refusal) => return Ok(Err(refused(account, refusal))),
    };
    if !register::claim(context, &registered, &account.key).await? {
        let (problem, reason) = (Problem::PasskeyNotMade, "passkey_of_another");
        return Ok(Err(Refused { account, problem, reason }));
    }
    let passkey = record::new(&registered, context.now);
    change(context, account, "added", |account| {
        account.passkeys.retain(|known| known.id != passkey.id);
        if account.passkeys.len() >= MOST {
            return Err((Problem::PasskeyNotMade, "passkeys_full"));
        }
        account.passkeys.push(passkey.clone());
        Ok(())
    })
    .await
}

fn refused(account: Account, refusal: Refusal) -> Refused {
    Refused { account, problem: refusal.problem(), reason: refusal.reason() }
}

/// Gives a passkey the name that the form has.
pub(super) async fn rename<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    account: Account,
) -> Result<Made, Unavailable> {
    let name = form.get("name").map(str::trim).unwrap_or_default();
    if name.chars().count() > LONGEST_NAME || visible::check(name).is_err() {
        let (problem, reason) = (Problem::PasskeyNameMalformed, "name_malformed");
        return Ok(Err(Refused { account, problem, reason }));
    }
    change(context, account, "renamed", |account| {
        name.clone_into(&mut chosen(form, account)?.name);
        Ok(())
    })
    .await
}

/// Removes a passkey, unless it is the last way in.
pub(super) async fn remove<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    account: Account,
) -> Result<Made, Unavailable> {
    let has_other_way = has_other_way(context, &account).await?;
    let made = change(context, account, "removed", |account| {
        let id = chosen(form, account)?.id.clone();
        if account.passkeys.len() == 1 && !has_other_way {
            return Err((Problem::LastWayIn, "last_way_in"));
        }
        account.passkeys.retain(|known| known.id != id);
        Ok(())
    })
    .await?;
    if let (Ok((account, _)), Some(id)) = (&made, form.get("passkey").and_then(CredentialId::parse)) {
        // If this fails, the passkey still leads to an account that does not have it.
        let (pointer, account) = (Pointer::credential(&id), account.key.clone());
        let release = ReleasePointer { pointer: pointer.clone(), account };
        let _: Result<(), Unavailable> = context.server.platform.accounts(pointer.shard(), release).await;
    }
    Ok(made)
}

/// Returns the passkey that the form names.
fn chosen<'a>(
    form: &Form,
    account: &'a mut Account,
) -> Result<&'a mut Passkey, (Problem<'static>, &'static str)> {
    let id = form.get("passkey").and_then(CredentialId::parse);
    let passkey = account.passkeys.iter_mut().find(|known| Some(&known.id) == id.as_ref());
    passkey.ok_or((Problem::NotOurs, "passkey_unknown"))
}

/// Changes the account, judged against what is stored then.
async fn change<P: Platform>(
    context: Context<'_, P>,
    mut account: Account,
    what: &'static str,
    make: impl Fn(&mut Account) -> Result<(), (Problem<'static>, &'static str)>,
) -> Result<Made, Unavailable> {
    for _ in 0..ROUNDS {
        let mut changed = account.clone();
        if let Err((problem, reason)) = make(&mut changed) {
            return Ok(Err(Refused { account, problem, reason }));
        }
        let put = PutAccount { account: Box::new(changed), expected: Some(account.version), event: None };
        match context.server.platform.accounts(account.key.shard(), put).await? {
            Put::Stored(account) => return Ok(Ok((*account, what))),
            Put::Other(Some(other)) => account = *other,
            Put::Other(None) => return Err(Unavailable),
        }
    }
    Err(Unavailable)
}

/// Returns whether the account has a way in without the passkeys that it has here, as the server is set up now.
async fn has_other_way<P: Platform>(context: Context<'_, P>, account: &Account) -> Result<bool, Unavailable> {
    let settings = &context.server.settings;
    if account.password.is_some() && settings.passwords {
        return Ok(true);
    }
    match account.key.provider() {
        Some(id) => {
            let outline = context.server.outline(context.now).await?;
            Ok(outline.providers.iter().any(|offer| offer.id.as_str() == id))
        }
        None => Ok(account.key.is_at_access() && settings.access.is_some()),
    }
}
