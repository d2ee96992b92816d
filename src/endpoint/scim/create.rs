//! New users (RFC 7644 §3.3).

use rand_core::CryptoRng;

use super::answer::{Answer, Problem};
use super::push::Push;
use crate::audit::change::Changed;
use crate::endpoint::platform::Platform;
use crate::format::Format;
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::command::AccountEvent;
use crate::scim::Refusal;
use crate::scim::user::Pushed;
use crate::sub::Sub;

impl<P: Platform> Push<'_, P> {
    /// Answers `POST /Users`. Somebody who has signed in before, or was deleted, becomes a user again.
    pub(super) async fn create(&self, rng: &mut impl CryptoRng) -> Result<Answer, Problem> {
        let pushed = Pushed::read(&self.body()?)?;
        let (user_name, key) = self.identified(&pushed)?;
        let before = self.context.server.stored_account(&key).await?;
        if self.known(before.clone()).is_some() {
            return Err(Refusal::Taken("a user with this externalId exists").into());
        }
        let active = pushed.active.unwrap_or(true);
        if before.is_some() && !active {
            self.stand(&key, false).await?;
        }
        self.claim(&user_name, &key).await?;
        if before.is_none() {
            self.make(self.new_account(key.clone(), &user_name, active, rng)).await?;
        }
        let account = self.update(&key, &pushed).await?;
        let account = if active { self.stand(&key, true).await? } else { account };
        Ok(self.answer(201, &account, "user_created"))
    }

    /// Returns the name of a new user, and the key of its account.
    fn identified(&self, pushed: &Pushed) -> Result<(String, AccountKey), Refusal> {
        let user_name = pushed.user_name.clone().ok_or(Refusal::Value("userName is missing"))?;
        let external_id = pushed.external_id.as_deref();
        let external_id =
            external_id.ok_or(Refusal::Value("externalId is missing: it is what identifies the user"))?;
        let key = AccountKey::oidc(self.provider.as_str(), external_id)
            .ok_or(Refusal::Value("externalId must be the subject of the user at the provider"))?;
        Ok((user_name, key))
    }

    async fn make(&self, account: Account) -> Result<(), Problem> {
        let event =
            AccountEvent { what: Changed::AccountCreated, by: self.changer().actor, members: Vec::new() };
        self.context.server.create_account(account, Some(event)).await?;
        Ok(())
    }

    fn new_account(
        &self,
        key: AccountKey,
        user_name: &str,
        active: bool,
        rng: &mut impl CryptoRng,
    ) -> Account {
        Account {
            format: Format,
            key,
            version: 1,
            sub: Sub::draw(rng),
            username: user_name.to_owned(),
            name: user_name.to_owned(),
            email: None,
            email_verified: false,
            groups: Vec::new(),
            password: None,
            standing: self.standing(active),
            passkeys: Vec::new(),
            created_at: self.context.now,
            last_sign_in: None,
            scim_name: None,
        }
    }
}
