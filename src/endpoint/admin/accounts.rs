//! Accounts: list, create, read, block, unblock and delete them, and set their groups.

use rand_core::CryptoRng;
use serde::Serialize;
use serde_json::{Value, json};

use super::body;
use super::caller::Caller;
use super::done::Done;
use super::problem::Problem;
use crate::audit::change::{Actor, Changed};
use crate::client::registration::json_members::Members;
use crate::endpoint::accounts::{Changer, Outcome};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::format::Format;
use crate::identity::account::{Account, Authority, Standing};
use crate::identity::account_key::AccountKey;
use crate::identity::command::{AccountEvent, ListAccounts};
use crate::identity::group::{self, Group};
use crate::identity::passkey::Passkey;
use crate::identity::source::LOCAL;
use crate::secret;
use crate::sharding::AccountShard;
use crate::sub::Sub;
use crate::time::Timestamp;

/// Default number of accounts per page.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;
/// Longest name of a person, in characters.
const LONGEST_NAME: usize = 100;
/// Longest user name, in characters.
const LONGEST_USERNAME: usize = 64;
/// Longest reason for a block, in characters.
const LONGEST_REASON: usize = 200;

/// An account as operators see it. Times are in seconds since 1970.
#[derive(Serialize)]
struct View<'a> {
    account: &'a AccountKey,
    sub: &'a Sub,
    username: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    email_verified: bool,
    groups: &'a [Group],
    standing: Value,
    has_password: bool,
    passkeys: Vec<Value>,
    created_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in: Option<u64>,
    version: u64,
}

impl<'a> View<'a> {
    fn of(account: &'a Account) -> Self {
        Self {
            account: &account.key,
            sub: &account.sub,
            username: &account.username,
            name: &account.name,
            email: account.email.as_deref(),
            email_verified: account.email_verified,
            groups: &account.groups,
            standing: standing(&account.standing),
            has_password: account.password.is_some(),
            passkeys: account.passkeys.iter().map(passkey).collect(),
            created_at: account.created_at.seconds(),
            last_sign_in: account.last_sign_in.map(Timestamp::seconds),
            version: account.version,
        }
    }
}

fn standing(standing: &Standing) -> Value {
    let by = |by: &Authority| match by {
        Authority::Administrator => json!({ "administrator": true }),
        Authority::Provider(provider) => json!({ "provider": provider }),
    };
    match standing {
        Standing::Active => json!({ "is": "active" }),
        Standing::Blocked { at, by: who, why } => {
            json!({ "is": "blocked", "at": at.seconds(), "by": by(who), "why": why })
        }
        Standing::Deleted { at, by: who } => json!({ "is": "deleted", "at": at.seconds(), "by": by(who) }),
    }
}

/// Shows a passkey without its key.
fn passkey(passkey: &Passkey) -> Value {
    json!({
        "id": passkey.id,
        "name": passkey.name,
        "aaguid": passkey.aaguid,
        "created_at": passkey.created_at.seconds(),
        "last_used_at": passkey.last_used_at.map(Timestamp::seconds),
    })
}

/// Answers `GET /accounts`. The accounts of one shard come after those of another, so the order is that of their keys only
/// within a shard.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["limit", "cursor", "prefix"])?;
    let (limit, begin) = (limit(&query)?, cursor(&query)?);
    let prefix = query.get("prefix").unwrap_or_default();
    let first = begin.as_ref().map(AccountKey::shard);
    let mut accounts: Vec<Account> = Vec::new();
    let shards = AccountShard::all().skip_while(|shard| first.is_some_and(|first| *shard < first));
    for shard in shards {
        // One account more than the page holds shows whether there is a next page.
        let left = limit + 1 - u32::try_from(accounts.len()).unwrap_or(limit);
        let after = begin.clone().filter(|_| first == Some(shard));
        let ask = ListAccounts { after, prefix: prefix.to_owned(), limit: left };
        accounts.extend(context.server.platform.accounts(shard, ask).await?);
        if accounts.len() > limit as usize {
            break;
        }
    }
    let is_last = accounts.len() <= limit as usize;
    accounts.truncate(limit as usize);
    let next = accounts.last().filter(|_| !is_last).map(|last| secret::encode(last.key.as_str().as_bytes()));
    let mut page = json!({ "accounts": accounts.iter().map(View::of).collect::<Vec<_>>() });
    if let (Some(next), Some(page)) = (next, page.as_object_mut()) {
        page.insert("next_cursor".to_owned(), Value::from(next));
    }
    Ok(Done::read(Response::json(200, &page)))
}

fn limit(query: &Form) -> Result<u32, Problem> {
    let Some(text) = query.get("limit") else { return Ok(PAGE) };
    let limit = text.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
    let detail = || format!("limit is {text:?}: it must be a whole number from 1 to {LARGEST_PAGE}");
    limit.ok_or_else(|| invalid("limit", detail()))
}

fn cursor(query: &Form) -> Result<Option<AccountKey>, Problem> {
    let Some(text) = query.get("cursor") else { return Ok(None) };
    let key = secret::decode(text).and_then(|bytes| String::from_utf8(bytes).ok());
    let key = key.and_then(|key| AccountKey::parse(&key)).map(Some);
    key.ok_or_else(|| invalid("cursor", "cursor must be the next_cursor of a previous page".to_owned()))
}

/// Answers `POST /accounts`: makes an account of this server, which gets a way to sign in by an invitation.
pub(super) async fn create<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let mut members = Members::of(body::object(context.request)?);
    let username = username(&mut members);
    let name = members.visible("name", LONGEST_NAME);
    let email = members.text("email", "an e-mail address of ASCII characters", is_address);
    let groups = local_groups(&mut members).unwrap_or_default();
    body::sound(members)?;
    may_grant(context, caller, &groups)?;
    let account = Account {
        format: Format,
        key: AccountKey::local(&username),
        version: 1,
        sub: Sub::draw(rng),
        name: name.unwrap_or_else(|| username.clone()),
        username,
        email,
        email_verified: false,
        groups,
        password: None,
        standing: Standing::Active,
        passkeys: Vec::new(),
        created_at: context.now,
        last_sign_in: None,
        scim_name: None,
    };
    if dry_run {
        return Ok(changed(200, &account, "account_tried"));
    }
    let by = caller.by.clone();
    let event = AccountEvent { what: Changed::AccountCreated, by, members: Vec::new() };
    let created = context.server.create_account(account, Some(event)).await?;
    let taken = || Problem::Conflict("An account with this username exists, or existed before.".to_owned());
    Ok(changed(201, &created.ok_or_else(taken)?, "account_created"))
}

/// Checks that the caller may put somebody into these groups, which can make them an administrator.
fn may_grant<P>(context: Context<'_, P>, caller: &Caller, groups: &[Group]) -> Result<(), Problem> {
    let is_grant = context.server.settings.admin_groups.include_any(groups);
    if is_grant { caller.require_to_grant_administration() } else { Ok(()) }
}

/// Takes the user name: lower case, because case does not matter at sign-in.
fn username(members: &mut Members) -> String {
    let text = members.visible("username", LONGEST_USERNAME);
    if text.is_none() && !members.is_refused("username") {
        members.refuse("username", "username is missing");
    }
    let text = text.unwrap_or_default().to_lowercase();
    if !text.is_empty() && AccountKey::parse(&format!("local:{text}")).is_none() {
        members.refuse("username", "username must be a name that has only one spelling in lower case");
    }
    text
}

/// Takes the groups of this server.
fn local_groups(members: &mut Members) -> Option<Vec<Group>> {
    const FULL: &str = "the full name of a group of this server, such as local:staff";
    let local = |text: &str| Group::parse(text).filter(|group| group.source() == LOCAL).ok_or(FULL);
    members.parsed("groups", group::MOST, FULL, local)
}

fn is_address(text: &str) -> bool {
    let is_plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    text.len() <= 254 && text.split_once('@').is_some_and(|(name, host)| is_plain(name) && is_plain(host))
}

/// Answers `GET /accounts/{account}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let account = context.server.stored_account(&key(name)?).await?.ok_or(Problem::NotFound)?;
    Ok(Done::read(shown(200, &account)))
}

/// Answers `PUT /accounts/{account}/groups`, which replaces the groups of this server. Those of providers stay.
pub(super) async fn set_groups<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    caller: &Caller,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let (key, versions) = (key(name)?, versions(context));
    let mut members = Members::of(body::object(context.request)?);
    let groups = local_groups(&mut members);
    if groups.is_none() && !members.is_refused("groups") {
        members.refuse("groups", "groups is missing");
    }
    body::sound(members)?;
    let groups = groups.unwrap_or_default();
    may_grant(context, caller, &groups)?;
    let change = |account: &mut Account| {
        let now = group::replaced(&account.groups, LOCAL, groups.iter().cloned());
        if now == account.groups {
            return Vec::new();
        }
        account.groups = now;
        vec!["groups"]
    };
    let what = (Changed::AccountChanged, &caller.by);
    let outcome = context.server.change_account(&key, versions.as_deref(), what, change).await?;
    answer(outcome, "account_changed")
}

/// Answers `POST /accounts/{account}/block`.
pub(super) async fn block<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let mut members = Members::of(body::object_if_any(context.request)?);
    let why = members.visible("why", LONGEST_REASON);
    body::sound(members)?;
    let standing = Standing::Blocked { at: context.now, by: Authority::Administrator, why };
    stand(context, name, standing, by, "account_blocked").await
}

/// Answers `POST /accounts/{account}/unblock`, which also restores a deleted account. Lifting the block of an administrator
/// makes one again.
pub(super) async fn unblock<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    caller: &Caller,
) -> Result<Done, Problem> {
    body::sound(Members::of(body::object_if_any(context.request)?))?;
    if let Some(account) = context.server.stored_account(&key(name)?).await? {
        may_grant(context, caller, &account.groups)?;
    }
    stand(context, name, Standing::Active, caller.by.clone(), "account_unblocked").await
}

/// Answers `DELETE /accounts/{account}`.
pub(super) async fn delete<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let standing = Standing::Deleted { at: context.now, by: Authority::Administrator };
    stand(context, name, standing, by, "account_deleted").await
}

async fn stand<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    standing: Standing,
    actor: Actor,
    what: &'static str,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let (key, versions) = (key(name)?, versions(context));
    let by = Changer { authority: Authority::Administrator, actor };
    answer(context.server.set_standing(&key, versions.as_deref(), &standing, &by).await?, what)
}

fn answer(outcome: Outcome, what: &'static str) -> Result<Done, Problem> {
    match outcome {
        Outcome::Changed(account) => Ok(changed(200, &account, what)),
        Outcome::Absent => Err(Problem::NotFound),
        Outcome::Stale => Err(Problem::PreconditionFailed),
    }
}

fn changed(status: u16, account: &Account, outcome: &'static str) -> Done {
    Done { outcome, ..Done::read(shown(status, account)) }
}

fn shown(status: u16, account: &Account) -> Response {
    Response::json(status, &View::of(account)).with("etag", format!("\"{}\"", account.version))
}

/// Reads the key of an account in an address.
pub(super) fn key(name: &str) -> Result<AccountKey, Problem> {
    AccountKey::parse(name).ok_or(Problem::NotFound)
}

/// Reads the versions in `If-Match`; `None` for any version.
fn versions<P>(context: Context<'_, P>) -> Option<Vec<u64>> {
    let header = context.request.if_match.as_deref().filter(|header| header.trim() != "*")?;
    let version = |tag: &str| tag.trim().trim_matches('"').parse().ok();
    Some(header.split(',').filter_map(version).collect())
}

fn invalid(member: &str, detail: String) -> Problem {
    Problem::Invalid(vec![Fault::at(member, detail)])
}
