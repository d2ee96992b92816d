//! The policy: read it, replace it, list its versions, compare them, and go back to one.

use futures_util::future::try_join;
use serde_json::{Map, Value, json};

use super::body;
use super::done::Done;
use super::problem::Problem;
use super::registry::{expected, read, send};
use crate::ask::Ask;
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::order;
use crate::policy::difference::differences;
use crate::policy::document::{Fallback, Policy};
use crate::policy::written::parse;
use crate::registry::command::Command;
use crate::registry::governance::version::MOST_VERSIONS;
use crate::registry::governance::{
    Edit, FindPolicy, ListPolicies, PolicyChange, PolicyNow, PolicyRefusal, PolicyVersion, ReplacePolicy,
    RollBackPolicy,
};
use crate::time::Timestamp;

/// Longest reason, in characters.
pub(super) const LONGEST_REASON: usize = 500;

/// Answers `GET /policy`.
pub(super) async fn now<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let now = read(context, FindPolicy { version: None }).await?;
    Ok(Done::read(shown(context, now)))
}

/// Answers `PUT /policy`.
pub(super) async fn replace<P: Platform>(context: Context<'_, P>, by: Actor) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let (expected, members) = (expected(context)?, body::large_object(context.request)?);
    let (policy, reason) = reasoned(members, context.now).map_err(Problem::Invalid)?;
    let administrators = context.server.settings.admin_groups.all().to_vec();
    let change = PolicyChange { expected, reason, administrators, dry_run, by };
    let now = change_policy(context, "rules", ReplacePolicy { policy: Box::new(policy), change }).await?;
    Ok(done(shown(context, now), if dry_run { "policy_tried" } else { "policy_changed" }))
}

/// Reads a policy, and why it is written.
pub(super) fn reasoned(
    mut members: Map<String, Value>,
    now: Timestamp,
) -> Result<(Policy, String), Vec<Fault>> {
    let reason = reason(&mut members);
    both(parse(members, now), reason)
}

/// Answers `POST /policy/rollback`.
pub(super) async fn roll_back<P: Platform>(context: Context<'_, P>, by: Actor) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let (expected, body) = (expected(context)?, body::object(context.request)?);
    let mut members = Members::of(body);
    let version = members.number("version", 1..=u64::from(u32::MAX));
    if version.is_none() && !members.is_refused("version") {
        members.refuse("version", "version is missing: write the number of the version to go back to");
    }
    let reason = given_reason(&mut members);
    body::sound(members)?;
    let administrators = context.server.settings.admin_groups.all().to_vec();
    let change = PolicyChange { expected, reason, administrators, dry_run, by };
    let version = version.unwrap_or_default();
    let now = change_policy(context, "version", RollBackPolicy { version, change }).await?;
    Ok(done(shown(context, now), if dry_run { "policy_tried" } else { "policy_rolled_back" }))
}

/// Answers `GET /policy/versions`.
pub(super) async fn versions<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let edits = read(context, ListPolicies {}).await?;
    let versions: Vec<Value> = edits.iter().map(|edit| Value::Object(told(edit))).collect();
    Ok(Done::read(Response::json(200, &json!({ "versions": versions }))))
}

/// Answers `GET /policy/versions/{version}`. The changes are those since the version `against`, or since the one before.
pub(super) async fn version<P: Platform>(context: Context<'_, P>, number: &str) -> Result<Done, Problem> {
    let query = body::query(context.request, &["against"])?;
    let number = parsed(number).ok_or(Problem::NotFound)?;
    let against = match query.get("against") {
        None => number.saturating_sub(1),
        Some(text) => parsed(text).ok_or_else(|| unknown("against", text))?,
    };
    let (version, before) = try_join(find(context, number), find(context, against)).await?;
    let version = version.ok_or(Problem::NotFound)?;
    if before.is_none() && query.get("against").is_some() {
        return Err(unknown("against", &against.to_string()));
    }
    let changes = before.map(|before| differences(&before.policy, &version.policy));
    let mut members = document(&version.policy);
    members.extend(told(&version.edit()));
    members.extend(changes.map(|changes| ("changes".to_owned(), json!(changes))));
    Ok(Done::read(Response::json(200, &members)))
}

async fn find<P: Platform>(
    context: Context<'_, P>,
    version: u64,
) -> Result<Option<Box<PolicyVersion>>, Problem> {
    Ok(read(context, FindPolicy { version: Some(version) }).await?.version)
}

/// Reads the number of a version.
fn parsed(text: &str) -> Option<u64> {
    text.parse().ok().filter(|version: &u64| version.to_string() == text)
}

fn unknown(name: &str, text: &str) -> Problem {
    let detail = format!("{name} is {text:?}: it must be the number of a version that is kept");
    Problem::Invalid(vec![Fault::at(name, detail)])
}

/// Takes the reason of a change out of a document.
fn reason(document: &mut Map<String, Value>) -> Result<String, Vec<Fault>> {
    let reason = document.remove("reason").map(|reason| ("reason".to_owned(), reason));
    let mut members = Members::of(reason.into_iter().collect());
    let reason = given_reason(&mut members);
    let faults = members.finish(true);
    if faults.is_empty() { Ok(reason) } else { Err(faults) }
}

fn given_reason(members: &mut Members) -> String {
    let reason = members.visible("reason", LONGEST_REASON);
    if reason.is_none() && !members.is_refused("reason") {
        members.refuse("reason", "reason is missing: write why you change the policy");
    }
    reason.unwrap_or_default()
}

/// Returns both values, or the faults of both.
fn both<A, B>(one: Result<A, Vec<Fault>>, other: Result<B, Vec<Fault>>) -> Result<(A, B), Vec<Fault>> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults),
        (Err(faults), Err(others)) => Err([faults, others].concat()),
    }
}

/// Sends a change. `member` is the one that decides which policy it is.
async fn change_policy<P, A>(context: Context<'_, P>, member: &str, ask: A) -> Result<PolicyNow, Problem>
where
    P: Platform,
    A: Ask<Command = Command, Reply = Result<PolicyNow, PolicyRefusal>>,
{
    let refused = |refusal| match refusal {
        PolicyRefusal::Stale => Problem::PreconditionFailed,
        PolicyRefusal::Missing => {
            let detail = format!("there is no such version: the last {MOST_VERSIONS} are kept");
            Problem::Invalid(vec![Fault::at(member, detail)])
        }
        PolicyRefusal::ShutsOut => Problem::Invalid(vec![Fault::at(member, shut_out(context))]),
    };
    send(context, ask).await?.map_err(refused)
}

fn shut_out<P>(context: Context<'_, P>) -> String {
    let groups: Vec<String> =
        context.server.settings.admin_groups.all().iter().map(|group| group.as_str().to_owned()).collect();
    format!(
        "the policy lets people in, but no administrator: nobody in {} could use a device. Allow them, or allow nobody",
        groups.join(", ")
    )
}

/// Builds the response that shows the policy, with its `ETag`.
fn shown<P>(context: Context<'_, P>, now: PolicyNow) -> Response {
    let etag = now.history().etag();
    let PolicyNow { version, revision, differences, mut warnings } = now;
    let (policy, edit) = match version {
        Some(version) => {
            let edit = version.edit();
            (version.policy, Some(edit))
        }
        None => (Policy::without_document(context.server.settings.is_development()), None),
    };
    if edit.is_none() {
        warnings.insert(0, without_document(&policy).to_owned());
    }
    let mut members = document(&policy);
    match edit {
        Some(edit) => members.extend(told(&edit)),
        None => members.extend([("version".to_owned(), 0.into())]),
    }
    members.extend([
        ("revision".to_owned(), revision.into()),
        ("protects".to_owned(), protects(&policy).into()),
        ("warnings".to_owned(), warnings.into()),
        ("changes".to_owned(), json!(differences)),
    ]);
    Response::json(200, &members).with("etag", etag)
}

/// Returns whether what no rule allows is refused.
pub(super) const fn protects(policy: &Policy) -> bool {
    match policy.default {
        Fallback::Enforced => true,
        Fallback::ReportOnly | Fallback::Allow => false,
    }
}

const fn without_document(policy: &Policy) -> &'static str {
    if protects(policy) {
        "there is no policy: nobody gets a code"
    } else {
        "there is no policy: everything is allowed"
    }
}

/// Returns the members of the policy as they are written.
fn document(policy: &Policy) -> Map<String, Value> {
    match serde_json::to_value(policy) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// Returns who made a version, when and why.
fn told(edit: &Edit) -> Map<String, Value> {
    order::object([
        ("version".to_owned(), edit.version.into()),
        ("author".to_owned(), json!(edit.author)),
        ("reason".to_owned(), edit.reason.as_str().into()),
        ("changed_at".to_owned(), edit.at.to_string().into()),
    ])
}

fn done(response: Response, outcome: &'static str) -> Done {
    Done { outcome, ..Done::read(response) }
}
