//! Lists of users (RFC 7644 §3.4.2).

use serde_json::Value;

use super::answer::{Answer, Problem, scim};
use super::names::is_same_name;
use super::push::Push;
use crate::endpoint::at_once::try_all;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::command::{FindByPointer, ListAccounts};
use crate::identity::pointer::Pointer;
use crate::scim::filter::Filter;
use crate::scim::{Refusal, documents};
use crate::sharding::AccountShard;

/// The most users that an answer lists, and that a list without a filter counts.
const PAGE: usize = 200;
const MOST: usize = 2_000;
/// The most shards that are asked at once.
const ASKED_AT_ONCE: usize = 8;

impl<P: Platform> Push<'_, P> {
    /// Answers `GET /Users`.
    pub(super) async fn list(&self) -> Result<Answer, Problem> {
        // RFC 7644 §3.4.2.4: a page before the first one is the first one, and a negative count is 0.
        let start = self.number("startIndex")?.map_or(1, |number| number.max(1));
        let count = self.number("count")?.map_or(PAGE, |number| number.min(PAGE));
        let users = match self.query.get("filter") {
            Some(filter) => self.found(Filter::parse(filter)?).await?.into_iter().collect(),
            None => self.all().await?,
        };
        let shown: Vec<Value> =
            users.iter().skip(start - 1).take(count).map(|user| self.shown(user)).collect();
        let outcome = if users.is_empty() { "found_nobody" } else { "read" };
        Ok(Answer { response: scim(200, &documents::list(&shown, users.len(), start)), outcome })
    }

    /// Returns a whole number of the query; 0 for a negative one.
    fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        const RULE: Refusal = Refusal::Value("startIndex and count must be whole numbers");
        let number = self.query.get(name).map(str::parse::<i64>).transpose().map_err(|_| RULE)?;
        Ok(number.map(|number| usize::try_from(number.max(0)).unwrap_or(usize::MAX)))
    }

    async fn found(&self, filter: Filter) -> Result<Option<Account>, Problem> {
        match filter {
            Filter::ExternalId(id) => {
                let Some(key) = AccountKey::oidc(self.provider.as_str(), &id) else { return Ok(None) };
                Ok(self.known(self.context.server.stored_account(&key).await?))
            }
            Filter::UserName(name) => Ok(self.named(&name).await?),
        }
    }

    /// Returns the user with this name. A pointer may be left from a change that was not carried out to its end.
    async fn named(&self, name: &str) -> Result<Option<Account>, Unavailable> {
        let pointer = Pointer::name(self.provider.as_str(), name);
        let find = FindByPointer { pointer: pointer.clone() };
        let key = self.context.server.platform.accounts(pointer.shard(), find).await?;
        let Some(key) = key else { return Ok(None) };
        let found = self.known(self.context.server.stored_account(&key).await?);
        Ok(found.filter(|account| is_same_name(account, name)))
    }

    /// Returns all users, in the order of their shards and keys.
    async fn all(&self) -> Result<Vec<Account>, Problem> {
        let mut users = Vec::new();
        let mut shards = AccountShard::all();
        loop {
            let asked: Vec<_> = shards.by_ref().take(ASKED_AT_ONCE).map(|shard| self.all_of(shard)).collect();
            if asked.is_empty() {
                return Ok(users);
            }
            users.extend(try_all(asked).await?.into_iter().flatten());
            if users.len() > MOST {
                return Err(Refusal::TooMany.into());
            }
        }
    }

    /// Returns the users of a shard, or a few more than a list may have.
    async fn all_of(&self, shard: AccountShard) -> Result<Vec<Account>, Problem> {
        let prefix = format!("oidc:{}:", self.provider);
        let (mut users, mut after) = (Vec::new(), None);
        while users.len() <= MOST {
            let ask = ListAccounts { after: after.clone(), prefix: prefix.clone(), limit: 200 };
            let found = self.context.server.platform.accounts(shard, ask).await?;
            let Some(last) = found.last() else { break };
            after = Some(last.key.clone());
            users.extend(found.into_iter().filter_map(|account| self.known(Some(account))));
        }
        Ok(users)
    }
}
