//! Named admin tokens: list, make and revoke.

use std::collections::BTreeSet;

use rand_core::CryptoRng;
use serde::Serialize;

use super::body;
use super::caller::Caller;
use super::done::Done;
use super::problem::Problem;
use super::registry::read as ask;
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::format::Format;
use crate::order;
use crate::registry::admin_token::{AdminScope, AdminToken, Excess, draw};
use crate::registry::admin_tokens::{
    CreateAdminToken, ListAdminTokens, MOST_TOKENS, RevokeAdminToken, TokenRefusal,
};
use crate::secret::Digest;
use crate::time::{Timestamp, span};

/// In characters.
const LONGEST_OWNER: usize = 100;
/// In bytes.
const LONGEST_ID: usize = 64;
/// Seconds that a token lives if the request says nothing else: 90 days.
const LIFETIME: u64 = 90 * 86_400;
/// In seconds: a year.
const LONGEST_LIFETIME: u64 = 365 * 86_400;
const SHORTEST_LIFETIME: u64 = 60;

/// A token as operators see it. Times are in seconds since 1970.
#[derive(Serialize)]
struct View {
    id: String,
    owner: String,
    scopes: Vec<&'static str>,
    created_at: u64,
    created_by: Actor,
    ends_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<u64>,
    has_ended: bool,
    /// Whether the request has this token.
    current: bool,
    /// Only in the answer that makes the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl View {
    fn of(token: AdminToken, caller: &Caller, now: Timestamp) -> Self {
        Self {
            has_ended: token.has_ended(now),
            current: caller.token() == Some(&token.id),
            scopes: token.scopes.iter().map(|scope| scope.name()).collect(),
            id: token.id,
            owner: token.owner,
            created_at: token.created_at.seconds(),
            created_by: token.created_by,
            ends_at: token.ends_at.seconds(),
            last_used_at: token.last_used_at.map(Timestamp::seconds),
            token: None,
        }
    }
}

#[derive(Serialize)]
struct List {
    tokens: Vec<View>,
}

/// Answers `GET /tokens`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>, caller: &Caller) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let tokens = ask(context, ListAdminTokens {}).await?;
    let tokens = tokens.into_iter().map(|token| View::of(token, caller, context.now)).collect();
    Ok(Done::read(Response::json(200, &List { tokens })))
}

/// Answers `GET /tokens/{id}`.
pub(super) async fn read<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    caller: &Caller,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let tokens = ask(context, ListAdminTokens {}).await?;
    let token = tokens.into_iter().find(|token| token.id == id).ok_or(Problem::NotFound)?;
    Ok(Done::read(Response::json(200, &View::of(token, caller, context.now))))
}

/// Answers `POST /tokens`.
pub(super) async fn create<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let secret = draw(rng);
    let token = new_token(context, caller, Digest::of(secret.as_bytes()))?;
    let view = View::of(token.clone(), caller, context.now);
    if dry_run {
        return Ok(Done { outcome: "admin_token_tried", ..Done::read(Response::json(200, &view)) });
    }
    ask(context, CreateAdminToken { token: Box::new(token) }).await?.map_err(refused)?;
    let location = format!("{}/admin/api/tokens/{}", context.issuer.as_str(), view.id);
    let response = Response::json(201, &View { token: Some(secret), ..view }).with("location", location);
    Ok(Done { outcome: "admin_token_created", ..Done::read(response) })
}

/// Answers `DELETE /tokens/{id}`.
pub(super) async fn revoke<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let was_there = ask(context, RevokeAdminToken { id: id.to_owned(), by }).await?;
    if !was_there {
        return Err(Problem::NotFound);
    }
    Ok(Done { outcome: "admin_token_revoked", ..Done::read(Response::empty()) })
}

/// Reads a new token from the body, and checks that it opens no more than the caller's.
fn new_token<P>(context: Context<'_, P>, caller: &Caller, digest: Digest) -> Result<AdminToken, Problem> {
    let mut members = Members::of(body::object(context.request)?);
    let id = needed(&mut members, "id", |members| {
        members.text(
            "id",
            "1 to 64 lower-case letters, digits and hyphens, the first of them not a hyphen",
            is_id,
        )
    });
    let owner = needed(&mut members, "owner", |members| members.visible("owner", LONGEST_OWNER));
    let scopes = needed(&mut members, "scopes", scopes);
    let lifetime = members.number("lifetime", SHORTEST_LIFETIME..=LONGEST_LIFETIME).unwrap_or(LIFETIME);
    let ends_at = context.now + span(lifetime);
    match caller.rights.may_make(&scopes, ends_at) {
        Ok(()) => {}
        Err(Excess::Scope(scope)) => {
            let name = scope.name();
            members.refuse("scopes", format!("scopes has \"{name}\", which your own token does not have"));
        }
        Err(Excess::End(end)) => {
            let left = end.since(context.now).as_secs();
            members.refuse(
                "lifetime",
                format!("lifetime is {lifetime}: your own token ends earlier, in {left} seconds"),
            );
        }
    }
    body::sound(members)?;
    Ok(AdminToken {
        format: Format,
        id,
        digest,
        owner,
        scopes,
        created_at: context.now,
        created_by: caller.by.clone(),
        ends_at,
        last_used_at: None,
    })
}

/// Takes a member that must be there.
fn needed<T: Default>(members: &mut Members, name: &str, take: impl FnOnce(&mut Members) -> Option<T>) -> T {
    let taken = take(members);
    if taken.is_none() && !members.is_refused(name) {
        members.refuse(name, format!("{name} is missing"));
    }
    taken.unwrap_or_default()
}

fn scopes(members: &mut Members) -> Option<BTreeSet<AdminScope>> {
    let allowed = format!("one of {}", AdminScope::ALL.map(AdminScope::name).join(", "));
    let parse = |name: &str| AdminScope::parse(name).ok_or(allowed.as_str());
    let scopes = members.parsed("scopes", AdminScope::ALL.len(), &allowed, parse)?;
    if scopes.is_empty() {
        members.refuse("scopes", format!("scopes is empty: it must have at least {allowed}"));
    }
    Some(order::set(scopes))
}

fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_ID).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(is_plain)
}

fn refused(refusal: TokenRefusal) -> Problem {
    match refusal {
        TokenRefusal::Exists => Problem::Invalid(vec![Fault::at(
            "id",
            "a token with this id is live: revoke it first, or choose another id",
        )]),
        TokenRefusal::Full => Problem::Conflict(format!(
            "There are {MOST_TOKENS} admin tokens, which is the most: revoke those that nobody uses."
        )),
    }
}
