//! Scopes, with the descriptions that people see on the consent page, and what they demand of a sign-in.

use serde::Serialize;

use super::done::Done;
use super::problem::Problem;
use super::registry::ask;
use super::{body, registry};
use crate::audit::change::Actor;
use crate::client::registration::demand;
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::identity::demand::Demand;
use crate::registry::command::{DescribeScope, ListScopes, RemoveScope, ScopeNow};
use crate::scope::{DESCRIPTIONS, Scope};

/// In bytes.
const LONGEST_NAME: usize = 100;
/// In characters.
const LONGEST_DESCRIPTION: usize = 200;

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Demand::is_empty")]
    sign_in: &'a Demand,
    /// Standard scopes cannot be removed.
    standard: bool,
}

impl<'a> Described<'a> {
    fn new(name: &'a str, ScopeNow { description, sign_in }: &'a ScopeNow) -> Self {
        let standard = DESCRIPTIONS.iter().any(|(standard, _)| *standard == name);
        Self { name, description, sign_in, standard }
    }
}

#[derive(Serialize)]
struct Scopes<'a> {
    scopes: Vec<Described<'a>>,
}

/// Answers `GET /scopes`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let scopes = registry::read(context, ListScopes {}).await?;
    let scopes = scopes.iter().map(|(name, now)| Described::new(name, now)).collect();
    Ok(Done::read(Response::json(200, &Scopes { scopes })))
}

/// Answers `GET /scopes/{name}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let scopes = registry::read(context, ListScopes {}).await?;
    let now = scopes.get(name).ok_or(Problem::NotFound)?;
    Ok(Done::read(Response::json(200, &Described::new(name, now))))
}

/// Answers `PUT /scopes/{name}`.
pub(super) async fn describe<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let now = read_body(context, name)?;
    let answer = |status| Response::json(status, &Described::new(name, &now));
    if dry_run {
        return Ok(Done { outcome: "scope_tried", ..Done::read(answer(200)) });
    }
    let describe = DescribeScope { name: name.to_owned(), now: now.clone(), by };
    let is_new = ask(context, describe).await?;
    Ok(Done { outcome: "scope_described", ..Done::read(answer(if is_new { 201 } else { 200 })) })
}

/// Reads description and demand from the body, and checks the name of the scope.
fn read_body<P>(context: Context<'_, P>, name: &str) -> Result<ScopeNow, Problem> {
    let mut members = Members::of(body::object(context.request)?);
    for (member, value) in [("name", Some(name)), ("standard", None)] {
        // A caller can send back what it read: these members are allowed if they are unchanged.
        if let (Some(sent), Some(value)) = (members.take(member), value)
            && sent != *value
        {
            members.refuse(member, format!("{member} cannot be changed from {value:?}"));
        }
    }
    let description = members.visible("description", LONGEST_DESCRIPTION);
    if description.is_none() && !members.is_refused("description") {
        members.refuse("description", "description is missing: it tells people what they approve");
    }
    let sign_in = demand::read(&mut members);
    let mut faults = members.finish(true);
    let is_one = Scope::parse(name).is_some_and(|scope| scope.has(name));
    if !is_one || name.len() > LONGEST_NAME {
        let allowed = "1 to 100 ASCII characters other than space, \" and \\ (RFC 6749 §3.3)";
        faults.push(Fault::at("name", format!("the scope is {name:?}: it must be {allowed}")));
    }
    match description {
        Some(description) if faults.is_empty() => Ok(ScopeNow { description, sign_in }),
        Some(_) | None => Err(Problem::Invalid(faults)),
    }
}

/// Answers `DELETE /scopes/{name}`.
pub(super) async fn forget<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    ask(context, RemoveScope { name: name.to_owned(), by }).await?;
    Ok(Done { outcome: "scope_removed", ..Done::read(Response::empty()) })
}
