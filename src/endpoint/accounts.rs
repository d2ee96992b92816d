//! Accounts as endpoints make and change them.

use super::access::End;
use super::platform::{Platform, Unavailable};
use super::server::Server;
use crate::audit::change::{Actor, Changed};
use crate::endpoint::at_once::try_all;
use crate::family::Ending;
use crate::identity::account::{Account, Authority, Standing};
use crate::identity::account_key::AccountKey;
use crate::identity::command::{AccountEvent, ClaimPointer, FindAccount, Put, PutAccount, ReleasePointer};
use crate::identity::device::Selection;
use crate::identity::passkey::Passkey;
use crate::identity::pointer::{Pointer, Target};

/// How often a change starts again because something else changed the account meanwhile.
const TRIES: u32 = 3;

/// Who changes an account: as its record says it, and as the ledger does.
#[derive(Clone, Debug)]
pub(super) struct Changer {
    pub(super) authority: Authority,
    pub(super) actor: Actor,
}

/// The result of a change.
pub(super) enum Outcome {
    /// The account as it is now.
    Changed(Box<Account>),
    /// There is no such account.
    Absent,
    /// The account is not the version that the change is based on, or changes too often.
    Stale,
}

impl<P: Platform> Server<P> {
    /// Returns an account as it is now. Unlike [`Server::account`], makes no demo account.
    pub(super) async fn stored_account(&self, key: &AccountKey) -> Result<Option<Account>, Unavailable> {
        self.platform.accounts(key.shard(), FindAccount { account: key.clone() }).await
    }

    /// Stores a new account. If its key is taken, returns `None`.
    pub(super) async fn create_account(
        &self,
        account: Account,
        event: Option<AccountEvent>,
    ) -> Result<Option<Account>, Unavailable> {
        match self.put_new_account(account, event).await? {
            Put::Stored(account) => Ok(Some(*account)),
            Put::Other(_) => Ok(None),
        }
    }

    /// Stores a new account, unless its key is taken.
    ///
    /// The pointer from its `sub` comes first: one that leads nowhere harms nobody.
    pub(super) async fn put_new_account(
        &self,
        account: Account,
        event: Option<AccountEvent>,
    ) -> Result<Put, Unavailable> {
        let (pointer, key) = (Pointer::sub(&account.sub), account.key.clone());
        let target = Target { account: key.clone(), ends_at: None };
        self.platform.accounts(pointer.shard(), ClaimPointer { pointer, target }).await?;
        let put = PutAccount { account: Box::new(account), expected: None, event };
        self.platform.accounts(key.shard(), put).await
    }

    /// Changes an account, if it has one of the versions that are given. `change` names the members that it changed; if
    /// there are none, nothing is written.
    pub(super) async fn change_account(
        &self,
        key: &AccountKey,
        versions: Option<&[u64]>,
        (what, by): (Changed, &Actor),
        change: impl Fn(&mut Account) -> Vec<&'static str>,
    ) -> Result<Outcome, Unavailable> {
        for _ in 0..TRIES {
            let Some(mut account) = self.stored_account(key).await? else { return Ok(Outcome::Absent) };
            if versions.is_some_and(|versions| !versions.contains(&account.version)) {
                return Ok(Outcome::Stale);
            }
            let expected = Some(account.version);
            let members = change(&mut account);
            if members.is_empty() {
                return Ok(Outcome::Changed(Box::new(account)));
            }
            let members = members.into_iter().map(str::to_owned).collect();
            let event = Some(AccountEvent { what, by: by.clone(), members });
            let put = PutAccount { account: Box::new(account), expected, event };
            if let Put::Stored(account) = self.platform.accounts(key.shard(), put).await? {
                return Ok(Outcome::Changed(account));
            }
        }
        Ok(Outcome::Stale)
    }

    /// Blocks, deletes or restores an account. The standing is written first, and ends every session and device in the
    /// same transaction; the families of the devices, and what leads to a deleted account, follow. Changing the standing to
    /// what it is already repeats only what follows; so does a provider that has no say, because somebody else blocked or
    /// deleted the account.
    pub(super) async fn set_standing(
        &self,
        key: &AccountKey,
        versions: Option<&[u64]>,
        standing: &Standing,
        by: &Changer,
    ) -> Result<Outcome, Unavailable> {
        let what = match standing {
            Standing::Active => Changed::AccountUnblocked,
            Standing::Blocked { .. } => Changed::AccountBlocked,
            Standing::Deleted { .. } => Changed::AccountDeleted,
        };
        let before = self.stored_account(key).await?;
        let change = |account: &mut Account| set(account, standing, &by.authority);
        let outcome = self.change_account(key, versions, (what, &by.actor), change).await?;
        let Outcome::Changed(account) = &outcome else { return Ok(outcome) };
        if !account.standing.is_active() {
            self.end_access(key, Selection::default(), &by.end()).await?;
        }
        if matches!(account.standing, Standing::Deleted { .. }) {
            let passkeys = before.map(|account| account.passkeys).unwrap_or_default();
            let release = |passkey: &Passkey| {
                let (pointer, account) = (Pointer::credential(&passkey.id), key.clone());
                self.platform.accounts(pointer.shard(), ReleasePointer { pointer, account })
            };
            try_all(passkeys.iter().map(release)).await?;
        }
        Ok(outcome)
    }
}

impl Changer {
    /// Returns how this party ends access.
    pub(super) fn end(&self) -> End {
        let why = match self.authority {
            Authority::Administrator => Ending::EndedByAdministrator,
            Authority::Provider(_) => Ending::EndedByProvider,
        };
        End { why, by: Some(self.actor.clone()) }
    }
}

/// Sets the standing, and returns what changed. An account that is deleted loses all that it knows about the person but
/// the name under which it signs in.
fn set(account: &mut Account, standing: &Standing, by: &Authority) -> Vec<&'static str> {
    let is_same = core::mem::discriminant(&account.standing) == core::mem::discriminant(standing);
    if is_same || !by.has_say(&account.standing) {
        return Vec::new();
    }
    account.standing = standing.clone();
    if let Standing::Deleted { .. } = standing {
        account.name.clone_from(&account.username);
        (account.email, account.email_verified, account.password) = (None, false, None);
        account.groups.clear();
        account.passkeys.clear();
    }
    vec!["standing"]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::demo;
    use crate::time::Timestamp;

    /// A change reads the account again before it writes, so an administrator may have come between.
    #[test]
    fn a_provider_changes_no_standing_that_somebody_else_gave_meanwhile() {
        let at = Timestamp::from_millis(1);
        let [corp, other] = ["corp", "other"].map(|id| Authority::Provider(id.to_owned()));
        let blocked = |by: &Authority| Standing::Blocked { at, by: by.clone(), why: None };
        let deleted = |by: &Authority| Standing::Deleted { at, by: by.clone() };
        for held in [Authority::Administrator, other] {
            for before in [blocked(&held), deleted(&held)] {
                let mut account = demo::accounts().pop().expect("bob");
                account.standing = before.clone();
                for wanted in [Standing::Active, blocked(&corp), deleted(&corp)] {
                    assert!(set(&mut account, &wanted, &corp).is_empty());
                    assert_eq!(account.standing, before);
                }
                assert_eq!(set(&mut account, &Standing::Active, &Authority::Administrator), ["standing"]);
            }
        }
        let mut account = demo::accounts().pop().expect("bob");
        for wanted in [blocked(&corp), deleted(&corp), Standing::Active] {
            assert_eq!(set(&mut account, &wanted, &corp), ["standing"]);
        }
    }
}
