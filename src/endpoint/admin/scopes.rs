//! Scopes: what each lets a client do, in the words that people are shown.

use serde::Serialize;

use super::problem::Problem;
use super::registry::ask;
use super::{Done, body};
use crate::client::registration::json_members::{Members, is_plain};
use crate::endpoint::http::Response;
use crate::endpoint::{Context, Platform};
use crate::fault::Fault;
use crate::registry::command::{Command, Reply};
use crate::scope::{DESCRIPTIONS, Scope};

/// The longest name, in bytes.
const LONGEST_NAME: usize = 100;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 200;

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    description: &'a str,
    /// Whether it is one that cannot be removed.
    standard: bool,
}

impl<'a> Described<'a> {
    fn new(name: &'a str, description: &'a str) -> Self {
        Self { name, description, standard: DESCRIPTIONS.iter().any(|(standard, _)| *standard == name) }
    }
}

#[derive(Serialize)]
struct Scopes<'a> {
    scopes: Vec<Described<'a>>,
}

/// `GET /scopes`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let Reply::Scopes(scopes) = ask(context, Command::Scopes).await? else {
        return Err(Problem::Unavailable);
    };
    let scopes = scopes.iter().map(|(name, words)| Described::new(name, words)).collect();
    Ok(Done::read(Response::json(200, &Scopes { scopes })))
}

/// `GET /scopes/{name}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let Reply::Scopes(scopes) = ask(context, Command::Scopes).await? else {
        return Err(Problem::Unavailable);
    };
    let words = scopes.get(name).ok_or(Problem::NotFound)?;
    Ok(Done::read(Response::json(200, &Described::new(name, words))))
}

/// `PUT /scopes/{name}`.
pub(super) async fn describe<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let description = description(context, name)?;
    let answer = |status| Response::json(status, &Described::new(name, &description));
    if dry_run {
        return Ok(Done { outcome: "scope_tried", ..Done::read(answer(200)) });
    }
    let command = Command::Describe { name: name.to_owned(), description: description.clone() };
    let Reply::Described(is_new) = ask(context, command).await? else { return Err(Problem::Unavailable) };
    Ok(Done { outcome: "scope_described", ..Done::read(answer(if is_new { 201 } else { 200 })) })
}

/// The words of the body, for a scope that may be called `name`.
fn description<P>(context: Context<'_, P>, name: &str) -> Result<String, Problem> {
    let mut members = Members::of(body::object(context.request)?);
    for (member, value) in [("name", Some(name)), ("standard", None)] {
        // Whoever reads, changes and writes need not take these out.
        if let (Some(sent), Some(value)) = (members.take(member), value)
            && sent != *value
        {
            members.refuse(member, format!("{member} cannot be changed from {value:?}"));
        }
    }
    let allowed = format!("a text of 1 to {LONGEST_DESCRIPTION} characters, as people will see it");
    let fits = |text: &str| is_plain(text) && text.chars().count() <= LONGEST_DESCRIPTION;
    let description = members.text("description", &allowed, fits);
    if description.is_none() && !members.is_refused("description") {
        members.refuse("description", "description is missing: it is what people are asked to approve");
    }
    let mut faults = members.finish(true);
    let is_one = Scope::parse(name).is_some_and(|scope| scope.has(name));
    if !is_one || name.len() > LONGEST_NAME {
        let allowed = "1 to 100 ASCII characters without space, \" and \\ (RFC 6749 §3.3)";
        faults.push(Fault::at("name", format!("the scope is {name:?}: it must be {allowed}")));
    }
    if faults.is_empty() { Ok(description.unwrap_or_default()) } else { Err(Problem::Invalid(faults)) }
}

/// `DELETE /scopes/{name}`.
pub(super) async fn forget<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    ask(context, Command::Forget { name: name.to_owned() }).await?;
    Ok(Done { outcome: "scope_removed", ..Done::read(Response::empty()) })
}
