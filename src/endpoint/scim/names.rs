//! User names, which are unique at their provider.

use super::answer::Problem;
use super::push::Push;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::command::{ClaimPointer, ReleasePointer};
use crate::identity::pointer::{Pointer, Target};
use crate::scim::Refusal;

impl<P: Platform> Push<'_, P> {
    /// Claims a user name, unless another user of the provider has it. A name that was claimed for a user who does not
    /// have it, because that change was not carried out to its end, is free.
    pub(super) async fn claim(&self, name: &str, key: &AccountKey) -> Result<(), Problem> {
        let owner = self.owner(name, key).await?;
        if owner == *key {
            return Ok(());
        }
        let other = self.known(self.context.server.stored_account(&owner).await?);
        if !other.is_some_and(|other| is_same_name(&other, name)) {
            self.release(name, &owner).await?;
            if self.owner(name, key).await? == *key {
                return Ok(());
            }
        }
        Err(Refusal::Taken("another user has this userName").into())
    }

    /// Returns for which account a name is claimed: for this one, if it was free.
    async fn owner(&self, name: &str, key: &AccountKey) -> Result<AccountKey, Unavailable> {
        let pointer = Pointer::name(self.provider.as_str(), name);
        let target = Target { account: key.clone(), ends_at: None };
        self.context.server.platform.accounts(pointer.shard(), ClaimPointer { pointer, target }).await
    }

    pub(super) async fn release(&self, name: &str, key: &AccountKey) -> Result<(), Unavailable> {
        let pointer = Pointer::name(self.provider.as_str(), name);
        let release = ReleasePointer { pointer: pointer.clone(), account: key.clone() };
        self.context.server.platform.accounts(pointer.shard(), release).await
    }
}

/// Returns whether a user has this name, whatever its case (RFC 7643 §4.1.1).
pub(super) fn is_same_name(user: &Account, name: &str) -> bool {
    user.scim_name.as_ref().is_some_and(|own| own.to_lowercase() == name.to_lowercase())
}
