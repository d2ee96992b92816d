//! Changes of users (RFC 7644 §3.5, §3.6). Access ends before anything else is done, and begins again after all else.

use super::answer::{Answer, Problem};
use super::names::is_same_name;
use super::push::Push;
use crate::audit::change::Changed;
use crate::endpoint::accounts::Outcome;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::identity::account::{Account, Standing};
use crate::identity::account_key::AccountKey;
use crate::scim::Refusal;
use crate::scim::user::Pushed;

impl<P: Platform> Push<'_, P> {
    /// Answers `PUT` and `PATCH /Users/{id}`.
    pub(super) async fn change(
        &self,
        before: Account,
        pushed: Pushed,
        outcome: &'static str,
    ) -> Result<Answer, Problem> {
        let key = &before.key;
        if pushed.external_id.as_deref().is_some_and(|id| Some(id) != key.subject()) {
            let why = "externalId must not change: it is what identifies the user";
            return Err(Refusal::Mutability(why).into());
        }
        if pushed.active == Some(false) {
            self.stand(key, false).await?;
        }
        if let Some(name) = &pushed.user_name {
            self.claim(name, key).await?;
        }
        let mut changed = self.update(key, &pushed).await?;
        self.release_former_name(&before, &changed).await?;
        if pushed.active == Some(true) {
            changed = self.stand(key, true).await?;
        }
        Ok(self.answer(200, &changed, outcome))
    }

    pub(super) async fn update(&self, key: &AccountKey, pushed: &Pushed) -> Result<Account, Problem> {
        let actor = self.changer().actor;
        let what = (Changed::AccountChanged, &actor);
        let change = |account: &mut Account| pushed.apply(account);
        settled(self.context.server.change_account(key, None, what, change).await?)
    }

    async fn release_former_name(&self, before: &Account, changed: &Account) -> Result<(), Problem> {
        let former = before.scim_name.as_deref().filter(|name| !is_same_name(changed, name));
        if let Some(name) = former {
            self.release(name, &before.key).await?;
        }
        Ok(())
    }

    /// Blocks the account, or lifts a block of this provider. What an administrator decided stays.
    pub(super) async fn stand(&self, key: &AccountKey, active: bool) -> Result<Account, Problem> {
        let standing = self.standing(active);
        settled(self.context.server.set_standing(key, None, &standing, &self.changer()).await?)
    }

    pub(super) fn standing(&self, active: bool) -> Standing {
        if active {
            Standing::Active
        } else {
            Standing::Blocked { at: self.context.now, by: self.changer().authority, why: None }
        }
    }

    /// Answers `DELETE /Users/{id}`. The account stays as a tombstone, which no request shows.
    pub(super) async fn delete(&self, account: Account) -> Result<Answer, Problem> {
        let by = self.changer();
        let (key, server) = (&account.key, self.context.server);
        let standing = Standing::Deleted { at: self.context.now, by: by.authority.clone() };
        settled(server.set_standing(key, None, &standing, &by).await?)?;
        let forget =
            |account: &mut Account| account.scim_name.take().map(|_| "username").into_iter().collect();
        let what = (Changed::AccountChanged, &by.actor);
        settled(server.change_account(key, None, what, forget).await?)?;
        self.release(account.scim_name.as_deref().unwrap_or_default(), key).await?;
        Ok(Answer { response: Response::empty(), outcome: "user_deleted" })
    }
}

fn settled(outcome: Outcome) -> Result<Account, Problem> {
    match outcome {
        Outcome::Changed(account) => Ok(*account),
        Outcome::Absent => Err(Refusal::Absent.into()),
        Outcome::Stale => Err(Problem::Unavailable),
    }
}
