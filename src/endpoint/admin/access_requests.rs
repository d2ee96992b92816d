//! Requests for access: list and read them, and answer them.

use futures_util::future::join3;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::done::Done;
use super::policy::LONGEST_REASON;
use super::problem::Problem;
use super::registry::{read as ask, send};
use super::{body, clients};
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::order;
use crate::policy::access_request::{AccessRequest, PATIENCE, Places, Standing, State, Terms};
use crate::policy::document::Policy;
use crate::policy::governance::MOST_EXCEPTIONS;
use crate::policy::name::Name;
use crate::registry::command::TakeOutline;
use crate::registry::governance::FindPolicy;
use crate::registry::governance::access_requests::{
    AccessGranted, AnswerRefusal, FindAccessRequest, GrantAccess, ListAccessRequests, RefuseAccess,
};
use crate::registry::governance::exceptions::MOST_KEPT;
use crate::secret;
use crate::time::Timestamp;

/// What an end may look like, for errors.
const INSTANT: &str = "a date and time such as \"2026-12-31T18:00:00Z\" (RFC 3339)";
/// Longest owner and ticket, and longest message to the person, in characters.
const LONGEST: (usize, usize) = (100, 500);

/// Answers `GET /access-requests`, oldest first.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["limit", "cursor", "state"])?;
    let (limit, cursor) = (clients::limit(&query)?, clients::cursor(&query)?);
    let after = cursor.map(|text| Name::parse(&text).ok_or_else(bad_cursor)).transpose()?;
    let state = query.get("state").map(state).transpose()?;
    // One request more than the page holds shows whether there is a next page.
    let mut requests = ask(context, ListAccessRequests { after, state, limit: limit + 1 }).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = requests.len() <= limit;
    requests.truncate(limit);
    let next = requests.last().filter(|_| !is_last).map(|last| secret::encode(last.id.as_str().as_bytes()));
    let shown: Vec<Value> = requests.iter().map(|request| members(request, context.now).into()).collect();
    let mut page = order::object([("access_requests".to_owned(), shown.into())]);
    page.extend(next.map(|next| ("next_cursor".to_owned(), next.into())));
    Ok(Done::read(Response::json(200, &page)))
}

fn bad_cursor() -> Problem {
    let detail = "cursor must be the next_cursor of a previous page";
    Problem::Invalid(vec![Fault::at("cursor", detail)])
}

fn state(text: &str) -> Result<Standing, Problem> {
    let found = Standing::ALL.into_iter().find(|(word, _)| *word == text);
    let detail = || format!("state is {text:?}: it must be open, granted, refused or lapsed");
    found.map(|(_, state)| state).ok_or_else(|| Problem::Invalid(vec![Fault::at("state", detail())]))
}

/// Answers `GET /access-requests/{id}`. Also says which groups the person is in, which exceptions let the person through
/// already, and what whoever grants it should know.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let id = Name::parse(id).ok_or(Problem::NotFound)?;
    let request = ask(context, FindAccessRequest { id }).await?.ok_or(Problem::NotFound)?;
    let policy =
        async { if request.is_open(context.now) { policy(context).await.map(Some) } else { Ok(None) } };
    let (account, outline, policy) =
        join3(context.server.account(&request.asker.account), ask(context, TakeOutline {}), policy).await;
    let (account, outline, policy) = (account?, outline?, policy?);
    let account = account.filter(|account| account.sub == request.asker.sub);
    let groups = account.map(|account| account.groups).unwrap_or_default();
    let live = outline.governance.exceptions.iter().filter(|exception| {
        exception.is_live(context.now) && exception.profits(&request.asker.account, &groups)
    });
    let exceptions: Vec<&Name> = live.map(|exception| &exception.id).collect();
    let mut members = members(&request, context.now);
    members.insert("exceptions".to_owned(), json!(exceptions));
    members.insert("groups".to_owned(), json!(groups));
    members.extend(policy.map(|policy| ("warnings".to_owned(), json!(request.warnings(&policy)))));
    Ok(Done::read(Response::json(200, &members)))
}

/// Answers `POST /access-requests/{id}/grant`.
pub(super) async fn grant<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    caller: &Caller,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let Caller { by, person, .. } = caller.clone();
    let id = Name::parse(id).ok_or(Problem::NotFound)?;
    let terms = terms(body::object(context.request)?, &by)?;
    let granted = let_through(context, GrantAccess { id, terms, person, dry_run, by }).await?;
    let mut members = members(&granted.request, context.now);
    members.insert("warnings".to_owned(), json!(granted.request.warnings(&policy(context).await?)));
    let outcome = if dry_run { "access_tried" } else { "access_granted" };
    Ok(Done { outcome, ..Done::read(Response::json(200, &members)) })
}

/// Lets a person through who asked. Whoever calls this names the account that answers in `person`, unless an admin token
/// does; and waits for the replicas of the registry, as the admin API does.
pub(crate) async fn let_through<P: Platform>(
    context: Context<'_, P>,
    answer: GrantAccess,
) -> Result<AccessGranted, Problem> {
    send(context, answer).await?.map_err(refused)
}

/// Answers `POST /access-requests/{id}/refuse`.
pub(super) async fn refuse<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let id = Name::parse(id).ok_or(Problem::NotFound)?;
    let mut written = Members::of(body::object_if_any(context.request)?);
    let message = written.visible("message", LONGEST.1);
    body::sound(written)?;
    let request = turn_away(context, RefuseAccess { id, message, dry_run, by }).await?;
    let response = Response::json(200, &members(&request, context.now));
    let outcome = if dry_run { "access_tried" } else { "access_refused" };
    Ok(Done { outcome, ..Done::read(response) })
}

/// Tells a person who asked that the answer is no.
pub(crate) async fn turn_away<P: Platform>(
    context: Context<'_, P>,
    answer: RefuseAccess,
) -> Result<AccessRequest, Problem> {
    send(context, answer).await?.map_err(refused)
}

/// Reads the terms. The end is a decision, so it has no default; the owner is that of the admin token, if it has one.
fn terms(members: Map<String, Value>, by: &Actor) -> Result<Terms, Problem> {
    let mut written = Members::of(members);
    let own = if let Actor::Token { owner, .. } = by { Some(owner.clone()) } else { None };
    let owner = written.visible("owner", LONGEST.0).or(own);
    let reason = written.visible("reason", LONGEST_REASON);
    let ticket = written.visible("ticket", LONGEST.0);
    let fits = |text: &str| Timestamp::parse(text).is_some();
    let end = written.text("expires_at", INSTANT, fits).as_deref().and_then(Timestamp::parse);
    for (name, is_given, what) in
        [("owner", owner.is_some(), "who answers for the exception"), ("expires_at", end.is_some(), INSTANT)]
    {
        if !is_given && !written.is_refused(name) {
            written.refuse(name, format!("{name} is missing: write {what}"));
        }
    }
    body::sound(written)?;
    Ok(Terms { owner: owner.unwrap_or_default(), reason, ticket, expires_at: end.unwrap_or_default() })
}

/// Returns what whoever grants a request should know. Rules that were written since are not compared: what such a rule denies, the
/// person asks for again.
async fn policy<P: Platform>(context: Context<'_, P>) -> Result<Policy, Problem> {
    let now = ask(context, FindPolicy { version: None }).await?;
    Ok(now.version.map_or_else(|| Policy::without_document(false), |version| version.policy))
}

fn refused(refusal: AnswerRefusal) -> Problem {
    match refusal {
        AnswerRefusal::Missing => Problem::NotFound,
        AnswerRefusal::Own => {
            Problem::Conflict("This is your own request: somebody else must grant it.".to_owned())
        }
        AnswerRefusal::Over(Standing::Lapsed) => {
            Problem::Conflict("This request has lapsed: the person can ask again.".to_owned())
        }
        AnswerRefusal::Over(standing) => {
            Problem::Conflict(format!("This request was answered already: it is {}.", standing.name()))
        }
        AnswerRefusal::Full => Problem::Conflict(format!(
            "There is no room: {MOST_EXCEPTIONS} exceptions can be live, and {MOST_KEPT} are kept."
        )),
        AnswerRefusal::Faulty(faults) => Problem::Invalid(faults),
    }
}

/// Shows a request.
pub(crate) fn members(request: &AccessRequest, now: Timestamp) -> Map<String, Value> {
    let text = |text: &str| Value::from(text);
    let mut members = order::object([
        ("id".to_owned(), text(request.id.as_str())),
        ("state".to_owned(), text(request.standing(now).name())),
        ("account".to_owned(), text(request.asker.account.as_str())),
        ("sub".to_owned(), text(request.asker.sub.as_str())),
        ("name".to_owned(), text(&request.asker.name)),
        ("client_id".to_owned(), text(&request.client_id)),
        ("client_name".to_owned(), text(&request.client_name)),
        ("reason".to_owned(), text(&request.reason)),
        ("denied_by".to_owned(), json!(request.denied_by)),
        ("asked_at".to_owned(), text(&request.asked_at.to_string())),
    ]);
    if !request.scope.is_empty() {
        members.insert("scope".to_owned(), text(&request.scope.to_string()));
    }
    let (name, places) = match &request.places {
        Places::Code(comparison) => ("comparison", json!(comparison)),
        Places::Person(spot) => ("person", json!(spot)),
    };
    members.insert(name.to_owned(), places);
    members.extend([outcome(request)]);
    members
}

/// Returns what has become of a request, or when it lapses.
fn outcome(request: &AccessRequest) -> (String, Value) {
    let (name, value) = match &request.state {
        State::Open => ("lapses_at", (request.asked_at + PATIENCE).to_string().into()),
        State::Granted(grant) => (
            "granted",
            json!({
                "by": grant.by, "at": grant.at.to_string(), "until": grant.until.to_string(),
                "exception": grant.exception,
            }),
        ),
        State::Refused(refusal) => {
            let mut refused = order::object([
                ("by".to_owned(), json!(refusal.by)),
                ("at".to_owned(), refusal.at.to_string().into()),
            ]);
            refused.extend(refusal.message.clone().map(|message| ("message".to_owned(), message.into())));
            ("refused", refused.into())
        }
        State::Lapsed { at } => ("lapsed_at", at.to_string().into()),
    };
    (name.to_owned(), value)
}
