//! The account of a person who signs in at a provider: made at the first sign-in, and kept like the provider's at each.

use rand_core::CryptoRng;

use super::Stop;
use crate::audit::change::{Actor, Changed};
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::format::Format;
use crate::identity::account::{Account, Standing};
use crate::identity::account_key::AccountKey;
use crate::identity::command::{AccountEvent, FindAccount, Put, PutAccount};
use crate::identity::group::{Group, MOST, replaced};
use crate::sub::Sub;
use crate::upstream::failure::Failure;
use crate::upstream::profile::{Profile, ProfileFlaw};

/// How often an account that changes meanwhile is read again.
const TRIES: usize = 3;

/// Returns the account, which follows `profile` unless it is blocked or deleted. It is never found by e-mail address or
/// name, which a provider may give to somebody else.
///
/// `source` is the identifier of the provider, or [`ACCESS`](crate::identity::source::ACCESS).
pub(crate) async fn follow<P: Platform>(
    context: Context<'_, P>,
    (key, source): (Option<AccountKey>, &str),
    profile: &Profile,
    rng: &mut impl CryptoRng,
) -> Result<Account, Stop> {
    let key = key.ok_or(Failure::Profile(ProfileFlaw::NoSubject))?;
    let accounts = &context.server.platform;
    let mut found = accounts.accounts(key.shard(), FindAccount { account: key.clone() }).await?;
    for _ in 0..TRIES {
        let before = match &found {
            Some(account) if !account.standing.is_active() => return Ok(account.clone()),
            Some(account) => account.clone(),
            None => new(context, &key, rng),
        };
        let after = followed(&before, source, profile);
        if found.as_ref() == Some(&after) {
            return Ok(after);
        }
        let event = Some(event(source, found.as_ref(), &after));
        let put = match found {
            Some(account) => {
                let put = PutAccount { account: Box::new(after), expected: Some(account.version), event };
                accounts.accounts(key.shard(), put).await?
            }
            None => context.server.put_new_account(after, event).await?,
        };
        match put {
            Put::Stored(account) => return Ok(*account),
            Put::Other(other) => found = other.map(|account| *account),
        }
    }
    Err(Unavailable.into())
}

/// Returns what the ledger hears: that the account was made, or which of its members the provider changed.
fn event(source: &str, before: Option<&Account>, after: &Account) -> AccountEvent {
    let by = Actor::Provider(source.to_owned());
    let Some(before) = before else {
        return AccountEvent { what: Changed::AccountCreated, by, members: Vec::new() };
    };
    let differs = [
        ("username", before.username != after.username),
        ("name", before.name != after.name),
        ("email", before.email != after.email),
        ("email_verified", before.email_verified != after.email_verified),
        ("groups", before.groups != after.groups),
    ];
    let members =
        differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect();
    AccountEvent { what: Changed::AccountChanged, by, members }
}

fn new<P>(context: Context<'_, P>, key: &AccountKey, rng: &mut impl CryptoRng) -> Account {
    Account {
        format: Format,
        key: key.clone(),
        version: 0,
        sub: Sub::draw(rng),
        username: String::new(),
        name: String::new(),
        email: None,
        email_verified: false,
        groups: Vec::new(),
        password: None,
        standing: Standing::Active,
        passkeys: Vec::new(),
        created_at: context.now,
        last_sign_in: None,
        scim_name: None,
    }
}

/// Returns the account with name, e-mail address and the provider's own groups as `profile` has them. Groups whose names
/// cannot be shown are left out.
fn followed(account: &Account, source: &str, profile: &Profile) -> Account {
    let groups = profile.groups.iter().filter_map(|name| Group::of(source, name)).take(MOST);
    Account {
        username: profile.username.clone(),
        name: profile.name.clone(),
        email: profile.email.clone(),
        email_verified: profile.email_verified,
        groups: replaced(&account.groups, source, groups),
        ..account.clone()
    }
}
