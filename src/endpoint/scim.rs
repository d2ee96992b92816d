//! `/scim/v2`: a provider says who may sign in with it (RFC 7644).
//!
//! The token in the request says which provider it is. A user is the account whose subject at the provider is the
//! `externalId`; nobody is ever matched by an e-mail address.

use percent_encoding::percent_decode_str;
use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::accounts::{Changer, Outcome};
use super::form::Form;
use super::http::Response;
use super::platform::{Platform, Unavailable};
use super::route::SCIM_PREFIX;
use super::server::Context;
use super::static_token::{self, Shown};
use crate::audit::change::{Actor, Changed};
use crate::format::Format;
use crate::identity::account::{Account, Authority, Standing};
use crate::identity::account_key::AccountKey;
use crate::identity::command::{AccountEvent, ClaimPointer, FindByPointer, ListAccounts, ReleasePointer};
use crate::identity::pointer::{Pointer, Target};
use crate::limiter::budgets::admin_tokens_by_network;
use crate::registry::command::ListProviders;
use crate::scim::filter::Filter;
use crate::scim::user::{Pushed, view};
use crate::scim::{Refusal, documents, patch};
use crate::secret::Digest;
use crate::sharding::AccountShard;
use crate::sub::Sub;
use crate::upstream::provider::ProviderId;

/// The `what` of log lines.
const WHAT: &str = "scim";
/// The most users that an answer lists, and that a list without a filter counts.
const PAGE: usize = 200;
const MOST: usize = 2_000;

/// Why there is no answer.
enum Problem {
    Refused(Refusal),
    Unauthorized,
    Wait(u64),
    Unavailable,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unavailable> for Problem {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// A provider's request.
struct Push<'a, P> {
    context: Context<'a, P>,
    provider: ProviderId,
    /// The URL of `/scim/v2`.
    base: String,
}

/// An answer, and what to log about it.
struct Answer {
    response: Response,
    outcome: &'static str,
}

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    match attend(context, rng).await {
        Ok(Answer { response, outcome }) => response.noting(WHAT, None, outcome, outcome),
        Err(problem) => refused(&problem),
    }
}

/// Returns the error of a request that is refused.
pub(super) fn refuse(refusal: &Refusal) -> Response {
    let kind = refusal.kind();
    let response = error(refusal.status(), kind, &refusal.to_string());
    response.noting(WHAT, None, "refused", kind.unwrap_or("absent"))
}

fn refused(problem: &Problem) -> Response {
    let response = |status, kind, detail: &str| error(status, kind, detail);
    match problem {
        Problem::Refused(refusal) => refuse(refusal),
        Problem::Unauthorized => {
            response(401, None, "Send Authorization: Bearer with the SCIM token of the provider.")
                .with("www-authenticate", "Bearer realm=\"device-grant-scim\"".to_owned())
                .noting(WHAT, None, "refused", "unauthorized")
        }
        Problem::Wait(seconds) => {
            let detail =
                format!("Too many wrong tokens came from this network; try again in {seconds} seconds.");
            let response = response(429, None, &detail).with("retry-after", seconds.to_string());
            response.noting(WHAT, None, "wait", "budget")
        }
        Problem::Unavailable => response(503, None, "Part of the server cannot be reached; try again.")
            .with("retry-after", "5".to_owned())
            .noting(WHAT, None, "unavailable", "unavailable"),
    }
}

/// Returns an error (RFC 7644 §3.12).
fn error(status: u16, kind: Option<&str>, detail: &str) -> Response {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.to_string(),
        "detail": detail,
    });
    if let (Some(kind), Some(body)) = (kind, body.as_object_mut()) {
        body.insert("scimType".to_owned(), kind.into());
    }
    scim(status, &body)
}

fn scim(status: u16, body: &Value) -> Response {
    Response::json(status, body).with_only("content-type", "application/scim+json".to_owned())
}

async fn attend<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Result<Answer, Problem> {
    let provider = authenticate(context).await?;
    let base = format!("{}{SCIM_PREFIX}", context.issuer.as_str());
    let path = context.request.path.strip_prefix(context.issuer.path());
    let path = path.and_then(|path| path.strip_prefix(SCIM_PREFIX)).unwrap_or_default().to_owned();
    let push = Push { context, provider, base };
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (segments.as_slice(), context.request.method.as_str()) {
        (["Users"], "GET" | "HEAD") => push.list().await,
        (["Users"], "POST") => push.create(rng).await,
        (["Users", id], method @ ("GET" | "HEAD" | "PUT" | "PATCH" | "DELETE")) => {
            let id = percent_decode_str(id).decode_utf8().map_err(|_| Refusal::Absent)?;
            push.user(&Sub::from(&*id), method).await
        }
        (["Users"] | ["Users", _], _) => Err(Refusal::Method.into()),
        (names, "GET" | "HEAD") => push.document(names),
        (_, _) => Err(Refusal::NotFound.into()),
    }
}

/// Finds the provider whose token the request has. A token that this isolate has not seen lately costs an attempt, which is
/// given back if the token is right.
async fn authenticate<P: Platform>(context: Context<'_, P>) -> Result<ProviderId, Problem> {
    let token = static_token::bearer(context.request).ok_or(Problem::Unauthorized)?;
    let digest = Digest::of(token.as_bytes());
    let server = context.server;
    let find = async || {
        let providers = server.platform.registry(ListProviders {}).await?;
        let own = providers.into_iter().find(|provider| provider.scim_token.as_ref() == Some(&digest));
        Ok::<_, Unavailable>(own.map(|provider| provider.id))
    };
    if server.cache.known_tokens.has(&digest) {
        return find().await?.ok_or(Problem::Unauthorized);
    }
    match static_token::guarded(context, admin_tokens_by_network(&context.network()), find).await? {
        Shown::Right(provider) => {
            server.cache.known_tokens.note(&digest);
            Ok(provider)
        }
        Shown::Wrong => Err(Problem::Unauthorized),
        Shown::Wait(seconds) => Err(Problem::Wait(seconds)),
    }
}

impl<P: Platform> Push<'_, P> {
    fn document(&self, names: &[&str]) -> Result<Answer, Problem> {
        let base = &self.base;
        let body = match names {
            ["ServiceProviderConfig"] => documents::config(base),
            ["ResourceTypes"] => documents::list(&[documents::resource_type(base)], 1, 1),
            ["ResourceTypes", "User"] => documents::resource_type(base),
            ["Schemas"] => documents::list(&[documents::schema(base)], 1, 1),
            ["Schemas", id] if *id == crate::scim::user::SCHEMA => documents::schema(base),
            _ => return Err(Refusal::NotFound.into()),
        };
        Ok(Answer { response: scim(200, &body), outcome: "read" })
    }

    /// Answers `GET /Users`.
    async fn list(&self) -> Result<Answer, Problem> {
        let query = Form::parse(self.context.request.query.as_bytes())
            .map_err(|_| Refusal::Syntax("the query repeats a parameter or is not UTF-8"))?;
        let number =
            |name, default: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (start, count) = (number("startIndex", 1).max(1), number("count", PAGE).min(PAGE));
        let users = match query.get("filter") {
            Some(filter) => self.found(Filter::parse(filter)?).await?.into_iter().collect(),
            None => self.all().await?,
        };
        let shown: Vec<Value> =
            users.iter().skip(start - 1).take(count).map(|user| self.shown(user)).collect();
        let outcome = if users.is_empty() { "found_nobody" } else { "read" };
        Ok(Answer { response: scim(200, &documents::list(&shown, users.len(), start)), outcome })
    }

    async fn found(&self, filter: Filter) -> Result<Option<Account>, Problem> {
        let key = match filter {
            Filter::ExternalId(id) => AccountKey::oidc(self.provider.as_str(), &id),
            Filter::UserName(name) => {
                let pointer = Pointer::name(self.provider.as_str(), &name);
                self.context.server.platform.accounts(pointer.shard(), FindByPointer { pointer }).await?
            }
        };
        let Some(key) = key else { return Ok(None) };
        Ok(self.known(self.context.server.stored_account(&key).await?))
    }

    /// Returns an account if it is a user of this provider.
    fn known(&self, account: Option<Account>) -> Option<Account> {
        account.filter(|account| {
            account.scim_name.is_some() && account.key.provider() == Some(self.provider.as_str())
        })
    }

    /// Returns all users, in the order of their shards and keys.
    async fn all(&self) -> Result<Vec<Account>, Problem> {
        let prefix = format!("oidc:{}:", self.provider);
        let mut users = Vec::new();
        for shard in AccountShard::all() {
            let mut after = None;
            loop {
                let ask = ListAccounts { after: after.clone(), prefix: prefix.clone(), limit: 200 };
                let found = self.context.server.platform.accounts(shard, ask).await?;
                let Some(last) = found.last() else { break };
                after = Some(last.key.clone());
                users.extend(found.into_iter().filter_map(|account| self.known(Some(account))));
                if users.len() > MOST {
                    return Err(Refusal::TooMany.into());
                }
            }
        }
        Ok(users)
    }

    fn shown(&self, account: &Account) -> Value {
        view(account, &format!("{}/Users/{}", self.base, account.sub.as_str()))
    }

    fn answer(&self, status: u16, account: &Account, outcome: &'static str) -> Answer {
        let body = self.shown(account);
        let location = format!("{}/Users/{}", self.base, account.sub.as_str());
        Answer { response: scim(status, &body).with("location", location), outcome }
    }

    fn body(&self) -> Result<Map<String, Value>, Refusal> {
        const RULE: Refusal = Refusal::Syntax("the body must be a JSON object");
        let body = self.context.request.body.as_deref().ok_or(Refusal::TooLarge)?;
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(members),
            Ok(_) | Err(_) => Err(RULE),
        }
    }

    fn changer(&self) -> Changer {
        let provider = self.provider.as_str().to_owned();
        Changer { authority: Authority::Provider(provider.clone()), actor: Actor::Provider(provider) }
    }

    /// Answers `POST /Users`. Somebody who has signed in before, or was deleted, becomes a user again.
    async fn create(&self, rng: &mut impl CryptoRng) -> Result<Answer, Problem> {
        let pushed = Pushed::read(&self.body()?)?;
        let user_name = pushed.user_name.clone().ok_or(Refusal::Value("userName is missing"))?;
        let external_id = pushed.external_id.as_deref();
        let external_id =
            external_id.ok_or(Refusal::Value("externalId is missing: it is what identifies the user"))?;
        let key = AccountKey::oidc(self.provider.as_str(), external_id)
            .ok_or(Refusal::Value("externalId must be the subject of the user at the provider"))?;
        let server = self.context.server;
        if self.known(server.stored_account(&key).await?).is_some() {
            return Err(Refusal::Taken("a user with this externalId exists").into());
        }
        self.claim(&user_name, &key).await?;
        let account = self.new_account(key.clone(), &user_name, rng);
        let event =
            AccountEvent { what: Changed::AccountCreated, by: self.changer().actor, members: Vec::new() };
        if server.stored_account(&key).await?.is_none() {
            server.create_account(account, Some(event)).await?;
        }
        let account = self.update(&key, &pushed).await?;
        Ok(self.answer(201, &self.stand(account, pushed.active.unwrap_or(true)).await?, "user_created"))
    }

    fn new_account(&self, key: AccountKey, user_name: &str, rng: &mut impl CryptoRng) -> Account {
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
            standing: Standing::Active,
            passkeys: Vec::new(),
            created_at: self.context.now,
            last_sign_in: None,
            scim_name: None,
        }
    }

    /// Claims a user name, unless another user of the provider has it.
    async fn claim(&self, user_name: &str, key: &AccountKey) -> Result<(), Problem> {
        let pointer = Pointer::name(self.provider.as_str(), user_name);
        let target = Target { account: key.clone(), ends_at: None };
        let owner =
            self.context.server.platform.accounts(pointer.shard(), ClaimPointer { pointer, target }).await?;
        if owner == *key { Ok(()) } else { Err(Refusal::Taken("another user has this userName").into()) }
    }

    async fn release(&self, user_name: &str, key: &AccountKey) -> Result<(), Problem> {
        let pointer = Pointer::name(self.provider.as_str(), user_name);
        let release = ReleasePointer { pointer: pointer.clone(), account: key.clone() };
        Ok(self.context.server.platform.accounts(pointer.shard(), release).await?)
    }

    /// Answers a request about the user `id`.
    async fn user(&self, id: &Sub, method: &str) -> Result<Answer, Problem> {
        let pointer = Pointer::sub(id);
        let key = self.context.server.platform.accounts(pointer.shard(), FindByPointer { pointer }).await?;
        let account = match key {
            Some(key) => self.known(self.context.server.stored_account(&key).await?),
            None => None,
        };
        let account = account.ok_or(Refusal::Absent)?;
        match method {
            "PUT" => self.change(account, Pushed::read(&self.body()?)?, "user_replaced").await,
            "PATCH" => self.change(account, patch::read(&self.body()?)?, "user_changed").await,
            "DELETE" => self.delete(account).await,
            _ => Ok(self.answer(200, &account, "read")),
        }
    }

    async fn change(
        &self,
        account: Account,
        pushed: Pushed,
        outcome: &'static str,
    ) -> Result<Answer, Problem> {
        let key = account.key.clone();
        if pushed.external_id.as_deref().is_some_and(|id| Some(id) != key.subject()) {
            return Err(
                Refusal::Mutability("externalId must not change: it is what identifies the user").into()
            );
        }
        if let Some(user_name) = &pushed.user_name {
            self.claim(user_name, &key).await?;
        }
        // Access ends first, whatever becomes of the rest.
        let stood = match pushed.active {
            Some(active) => self.stand(account.clone(), active).await?,
            None => account.clone(),
        };
        let changed = self.update(&stood.key, &pushed).await?;
        if let (Some(before), Some(_)) = (&account.scim_name, &pushed.user_name)
            && !is_same_name(before, changed.scim_name.as_deref().unwrap_or_default())
        {
            self.release(before, &key).await?;
        }
        Ok(self.answer(200, &changed, outcome))
    }

    async fn update(&self, key: &AccountKey, pushed: &Pushed) -> Result<Account, Problem> {
        let actor = self.changer().actor;
        let what = (Changed::AccountChanged, &actor);
        let change = |account: &mut Account| pushed.apply(account);
        settled(self.context.server.change_account(key, None, what, change).await?)
    }

    /// Blocks the account, or lifts a block of this provider. What an administrator decided stays.
    async fn stand(&self, account: Account, active: bool) -> Result<Account, Problem> {
        let by = self.changer();
        let standing = if active {
            Standing::Active
        } else {
            Standing::Blocked { at: self.context.now, by: by.authority.clone(), why: None }
        };
        if account.standing.is_held_against(&by.authority) {
            return Ok(account);
        }
        settled(self.context.server.set_standing(&account.key, None, &standing, &by).await?)
    }

    /// Answers `DELETE /Users/{id}`. The account stays as a tombstone, which no request shows.
    async fn delete(&self, account: Account) -> Result<Answer, Problem> {
        let by = self.changer();
        let (key, server) = (account.key.clone(), self.context.server);
        if !account.standing.is_held_against(&by.authority) {
            let standing = Standing::Deleted { at: self.context.now, by: by.authority.clone() };
            settled(server.set_standing(&key, None, &standing, &by).await?)?;
        }
        let forget =
            |account: &mut Account| account.scim_name.take().map(|_| "username").into_iter().collect();
        let what = (Changed::AccountChanged, &by.actor);
        settled(server.change_account(&key, None, what, forget).await?)?;
        self.release(account.scim_name.as_deref().unwrap_or_default(), &key).await?;
        Ok(Answer { response: Response::empty(), outcome: "user_deleted" })
    }
}

fn is_same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn settled(outcome: Outcome) -> Result<Account, Problem> {
    match outcome {
        Outcome::Changed(account) => Ok(*account),
        Outcome::Absent => Err(Refusal::Absent.into()),
        Outcome::Stale => Err(Problem::Unavailable),
    }
}
