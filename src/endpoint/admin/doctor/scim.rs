//! Looks at the users that providers push by SCIM: whether they are the people who sign in.

use std::collections::BTreeMap;

use super::check::Check;
use crate::endpoint::at_once::try_all;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::identity::command::ListAccounts;
use crate::registry::command::ListProviders;
use crate::sharding::AccountShard;
use crate::upstream::provider::Provider;

const NAME: &str = "scim";
/// The most accounts of a provider that are read from a shard, of which there are 32. The first ones say enough.
const MOST: u32 = 100;
/// The most providers that are looked at.
const MOST_PROVIDERS: usize = 5;

/// The accounts of a provider that pushes its users.
#[derive(Default)]
struct Users {
    pushed: usize,
    /// Pushed, but nobody has signed in to them.
    unused: usize,
    /// Somebody has signed in to them, but they were not pushed.
    unknown: usize,
}

/// Looks at providers that have a SCIM token; `None` if there are none.
pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Option<Check> {
    match count(context).await {
        Ok(users) if users.is_empty() => None,
        Ok(users) => Some(report(&users)),
        Err(Unavailable) => Some(Check::skipped(NAME, "the registry or the accounts do not answer")),
    }
}

async fn count<P: Platform>(context: Context<'_, P>) -> Result<BTreeMap<String, Users>, Unavailable> {
    let providers = context.server.platform.registry(ListProviders {}).await?;
    let pushing = providers.into_iter().filter(|provider| provider.scim_token.is_some());
    let pushing: Vec<Provider> = pushing.take(MOST_PROVIDERS).collect();
    let users = try_all(pushing.iter().map(|provider| users(context, provider.id.as_str()))).await?;
    let mut counted = BTreeMap::new();
    for (provider, users) in pushing.iter().zip(users) {
        counted.insert(provider.id.to_string(), users);
    }
    Ok(counted)
}

async fn users<P: Platform>(context: Context<'_, P>, provider: &str) -> Result<Users, Unavailable> {
    let prefix = format!("oidc:{provider}:");
    let ask = ListAccounts { after: None, prefix, limit: MOST };
    let asked = AccountShard::all().map(|shard| context.server.platform.accounts(shard, ask.clone()));
    let mut users = Users::default();
    try_all(asked).await?.iter().flatten().for_each(|account| users.add(account));
    Ok(users)
}

impl Users {
    fn add(&mut self, account: &Account) {
        match (account.scim_name.is_some(), account.last_sign_in.is_some()) {
            (true, true) => self.pushed += 1,
            (true, false) => (self.pushed, self.unused) = (self.pushed + 1, self.unused + 1),
            (false, true) => self.unknown += 1,
            (false, false) => {}
        }
    }

    /// Returns whether the pushes seem to be about other people than those who sign in. Somebody who was pushed might only
    /// not have signed in yet.
    const fn are_strangers(&self) -> bool {
        self.unused > 0 && self.unknown > 0
    }
}

fn report(users: &BTreeMap<String, Users>) -> Check {
    let strangers: Vec<String> = users
        .iter()
        .filter(|(_, users)| users.are_strangers())
        .map(|(id, users)| {
            let Users { unused, unknown, .. } = users;
            format!("{id} pushed {unused} users to whom nobody has signed in, and not {unknown} people who do sign in")
        })
        .collect();
    if strangers.is_empty() {
        let sum = |count: fn(&Users) -> usize| -> usize { users.values().map(count).sum() };
        let (pushed, unused) = (sum(|users| users.pushed), sum(|users| users.unused));
        return Check::ok(
            NAME,
            format!("{pushed} users were pushed, to {unused} of whom nobody has signed in"),
        );
    }
    Check::notice(
        NAME,
        strangers.join("; "),
        "If the same people are meant, map what claims.subject is to externalId at the provider: see docs/providers.md.",
    )
}
