//! Exceptions from the policy: list, create, read, replace, renew and end them.

use futures_util::future::try_join;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::done::Done;
use super::policy::LONGEST_REASON;
use super::problem::Problem;
use super::registry::{expected, expected_if_any, read as ask, send};
use super::{body, clients};
use crate::ask::Ask;
use crate::audit::change::Actor;
use crate::client::history::Expected;
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::route::ADMIN_PREFIX;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::order;
use crate::policy::document::Policy;
use crate::policy::exception::Exception;
use crate::policy::governance::MOST_EXCEPTIONS;
use crate::policy::name::Name;
use crate::policy::warning::of_exception;
use crate::policy::written::exception::{Reading, parse};
use crate::registry::command::Command;
use crate::registry::governance::FindPolicy;
use crate::registry::governance::exceptions::{
    CreateException, EndException, ExceptionRefusal, FindException, ListExceptions, MOST_KEPT, Person,
    RenewException, ReplaceException,
};
use crate::secret;
use crate::time::Timestamp;

/// What an end may look like, for errors.
const INSTANT: &str = "a date and time such as \"2026-12-31T18:00:00Z\" (RFC 3339)";

/// Answers `GET /exceptions`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["limit", "cursor"])?;
    let (limit, cursor) = (clients::limit(&query)?, clients::cursor(&query)?);
    let after = cursor.map(|text| Name::parse(&text).ok_or_else(bad_cursor)).transpose()?;
    // One exception more than the page holds shows whether there is a next page.
    let list = ask(context, ListExceptions { after, limit: limit + 1 });
    let (policy, mut exceptions) = try_join(policy(context), list).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = exceptions.len() <= limit;
    exceptions.truncate(limit);
    let next = exceptions.last().filter(|_| !is_last).map(|last| secret::encode(last.id.as_str().as_bytes()));
    let shown: Vec<Value> =
        exceptions.iter().map(|exception| members(exception, &policy, context.now).into()).collect();
    let mut page = order::object([("exceptions".to_owned(), shown.into())]);
    page.extend(next.map(|next| ("next_cursor".to_owned(), next.into())));
    Ok(Done::read(Response::json(200, &page)))
}

fn bad_cursor() -> Problem {
    let detail = "cursor must be the next_cursor of a previous page";
    Problem::Invalid(vec![Fault::at("cursor", detail)])
}

/// Answers `POST /exceptions`.
pub(super) async fn create<P: Platform>(context: Context<'_, P>, caller: &Caller) -> Result<Done, Problem> {
    let by = caller.by.clone();
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let (members, policy) = (body::object(context.request)?, policy(context).await?);
    let reading = Reading { policy: &policy, before: None, by: by.clone(), now: context.now };
    let exception = Box::new(parse(members, &reading).map_err(Problem::Invalid)?);
    for_others(&exception, caller)?;
    let exception = change(context, CreateException { exception, dry_run, by }).await?;
    if dry_run {
        return Ok(done(shown(200, &exception, &policy, context.now), "exception_tried"));
    }
    let location = format!("{}{ADMIN_PREFIX}/exceptions/{}", context.issuer.as_str(), exception.id);
    let response = shown(201, &exception, &policy, context.now).with("location", location);
    Ok(done(response, "exception_created"))
}

/// Refuses an exception that names the person who writes it, or a group of theirs. One that names nobody is for everybody.
fn for_others(exception: &Exception, caller: &Caller) -> Result<(), Problem> {
    let profits = |person: &Person| exception.profits(&person.account, &person.groups);
    if exception.names_people() && caller.person.as_ref().is_some_and(profits) {
        let detail =
            format!("exception {}: you would profit from it, so somebody else must write it", exception.id);
        return Err(Problem::Invalid(vec![Fault::at("when", detail)]));
    }
    Ok(())
}

/// Answers `GET /exceptions/{id}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let (exception, policy) = try_join(find(context, id), policy(context)).await?;
    Ok(Done::read(shown(200, &exception, &policy, context.now)))
}

/// Answers `PUT /exceptions/{id}`. The exception can end earlier, but not later: that is a renewal.
pub(super) async fn replace<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    caller: &Caller,
) -> Result<Done, Problem> {
    let by = caller.by.clone();
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let (expected, mut members) = (expected(context)?, body::object(context.request)?);
    let (before, policy) = try_join(find(context, id), policy(context)).await?;
    if !expected.holds(&before.history) {
        return Err(Problem::PreconditionFailed);
    }
    if members.get("id").is_none_or(Value::is_null) {
        members.insert("id".to_owned(), before.id.as_str().into());
    }
    let reading = Reading { policy: &policy, before: Some(&before), by: by.clone(), now: context.now };
    let exception = Box::new(parse(members, &reading).map_err(Problem::Invalid)?);
    if exception.id != before.id {
        let detail = format!("id is \"{}\": it cannot be changed from \"{}\"", exception.id, before.id);
        return Err(Problem::Invalid(vec![Fault::at("id", detail)]));
    }
    if exception.when != before.when || exception.lifts != before.lifts {
        for_others(&exception, caller)?;
    }
    let expected = Expected::OneOf(vec![before.history.etag()]);
    let exception = change(context, ReplaceException { exception, expected, dry_run, by }).await?;
    let outcome = if dry_run { "exception_tried" } else { "exception_changed" };
    Ok(done(shown(200, &exception, &policy, context.now), outcome))
}

/// Answers `POST /exceptions/{id}/renew`.
pub(super) async fn renew<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    caller: &Caller,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let (id, expected) = (Name::parse(id).ok_or(Problem::NotFound)?, expected_or_any(context)?);
    let mut members = Members::of(body::object(context.request)?);
    let reason = members.visible("reason", LONGEST_REASON);
    let fits = |text: &str| Timestamp::parse(text).is_some();
    let end = members.text("expires_at", INSTANT, fits).as_deref().and_then(Timestamp::parse);
    require(&mut members, "reason", reason.is_some(), "write why it is still needed");
    require(&mut members, "expires_at", end.is_some(), &format!("write {INSTANT}"));
    body::sound(members)?;
    let (reason, expires_at) = (reason.unwrap_or_default(), end.unwrap_or_default());
    let Caller { by, person, .. } = caller.clone();
    let renewal = RenewException { id, expected, reason, expires_at, person, dry_run, by };
    let exception = change(context, renewal).await?;
    let outcome = if dry_run { "exception_tried" } else { "exception_renewed" };
    Ok(done(shown(200, &exception, &policy(context).await?, context.now), outcome))
}

/// Answers `POST /exceptions/{id}/end`.
pub(super) async fn end<P: Platform>(context: Context<'_, P>, id: &str, by: Actor) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    body::sound(Members::of(body::object_if_any(context.request)?))?;
    let (id, expected) = (Name::parse(id).ok_or(Problem::NotFound)?, expected_or_any(context)?);
    let exception = change(context, EndException { id, expected, by }).await?;
    Ok(done(shown(200, &exception, &policy(context).await?, context.now), "exception_ended"))
}

fn require(members: &mut Members, name: &str, is_given: bool, what: &str) {
    if !is_given && !members.is_refused(name) {
        members.refuse(name, format!("{name} is missing: {what}"));
    }
}

fn expected_or_any<P>(context: Context<'_, P>) -> Result<Expected, Problem> {
    Ok(expected_if_any(context)?.unwrap_or(Expected::Any))
}

async fn find<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Exception, Problem> {
    let id = Name::parse(id).ok_or(Problem::NotFound)?;
    ask(context, FindException { id }).await?.ok_or(Problem::NotFound)
}

/// Returns the policy, whose rules and networks exceptions name.
async fn policy<P: Platform>(context: Context<'_, P>) -> Result<Policy, Problem> {
    let now = ask(context, FindPolicy { version: None }).await?;
    Ok(now.version.map_or_else(|| Policy::without_document(false), |version| version.policy))
}

async fn change<P, A>(context: Context<'_, P>, ask: A) -> Result<Exception, Problem>
where
    P: Platform,
    A: Ask<Command = Command, Reply = Result<Exception, ExceptionRefusal>>,
{
    send(context, ask).await?.map_err(refused)
}

fn refused(refusal: ExceptionRefusal) -> Problem {
    match refusal {
        ExceptionRefusal::Missing => Problem::NotFound,
        ExceptionRefusal::Stale => Problem::PreconditionFailed,
        ExceptionRefusal::Faulty(faults) => Problem::Invalid(faults),
        ExceptionRefusal::Exists => Problem::Conflict(
            "An exception with this id exists, or has ended in the last 400 days.".to_owned(),
        ),
        ExceptionRefusal::Over => Problem::Conflict("This exception has ended already.".to_owned()),
        ExceptionRefusal::Full => Problem::Conflict(format!(
            "There is no room: {MOST_EXCEPTIONS} exceptions can be live, and {MOST_KEPT} are kept."
        )),
    }
}

/// Builds the response that shows an exception, with its `ETag`.
fn shown(status: u16, exception: &Exception, policy: &Policy, now: Timestamp) -> Response {
    Response::json(status, &members(exception, policy, now)).with("etag", exception.history.etag())
}

fn members(exception: &Exception, policy: &Policy, now: Timestamp) -> Map<String, Value> {
    let mut members = match serde_json::to_value(exception) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    };
    for internal in ["format", "history"] {
        members.remove(internal);
    }
    let at = |at: Option<Timestamp>| at.unwrap_or_default().to_string().into();
    let history = &exception.history;
    members.extend([
        ("version".to_owned(), history.version.into()),
        ("created_at".to_owned(), at(history.created_at)),
        ("changed_at".to_owned(), at(history.changed_at)),
        ("is_live".to_owned(), exception.is_live(now).into()),
        ("wide".to_owned(), exception.is_wide().into()),
        ("warnings".to_owned(), json!(of_exception(exception, policy))),
    ]);
    members
}

fn done(response: Response, outcome: &'static str) -> Done {
    Done { outcome, ..Done::read(response) }
}
