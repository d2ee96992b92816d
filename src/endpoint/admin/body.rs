//! Strict parsing of JSON bodies and queries.

use serde_json::{Map, Value};

use super::problem::Problem;
use crate::client::registration::json_members::Members;
use crate::endpoint::error::shown;
use crate::endpoint::form::Form;
use crate::endpoint::http::{MAX_BODY, MAX_POLICY, Request};
use crate::fault::Fault;
use crate::json;

/// Reads the body as a JSON object.
///
/// # Errors
///
/// [`Problem::TooLarge`] for a body that is too large; [`Problem::NotJson`] for another content type;
/// [`Problem::Malformed`] for a body that is not a JSON object.
pub(crate) fn object(request: &Request) -> Result<Map<String, Value>, Problem> {
    object_of(request, MAX_BODY)
}

/// Reads the body as [`object`] does, where a policy may be in it.
pub(super) fn large_object(request: &Request) -> Result<Map<String, Value>, Problem> {
    object_of(request, MAX_POLICY)
}

fn object_of(request: &Request, most: usize) -> Result<Map<String, Value>, Problem> {
    let body = request.body.as_deref().ok_or(Problem::TooLarge(most))?;
    if !is_json(request) {
        return Err(Problem::NotJson(request.content_type.as_deref().map(shown)));
    }
    match json::read_bytes(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Problem::Malformed("The body must be a JSON object.".to_owned())),
        Err(flaw) => {
            let (line, column) = flaw.line_and_column(body);
            Err(Problem::Malformed(format!("The body is not valid JSON: see line {line}, column {column}.")))
        }
    }
}

/// Reads the body as [`object`] does, but takes an empty body for an empty object.
pub(super) fn object_if_any(request: &Request) -> Result<Map<String, Value>, Problem> {
    if request.body.as_ref().is_some_and(Vec::is_empty) { Ok(Map::new()) } else { object(request) }
}

/// Refuses a body with faults or unknown members. The unknown members are those that are left in `members`.
pub(super) fn sound(members: Members) -> Result<(), Problem> {
    let faults = members.finish(true);
    if faults.is_empty() { Ok(()) } else { Err(Problem::Invalid(faults)) }
}

/// Reads the `dry_run` parameter, which is `false` unless given.
pub(super) fn is_dry_run(query: &Form) -> Result<bool, Problem> {
    match query.get("dry_run") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            let detail = format!("dry_run is {other:?}: it must be true or false");
            Err(Problem::Invalid(vec![Fault::at("dry_run", detail)]))
        }
    }
}

/// Returns whether `Content-Type` is `application/json` or ends in `+json` (RFC 6839 §3.1).
fn is_json(request: &Request) -> bool {
    let essence = request.content_type.as_deref().and_then(|value| value.split(';').next());
    let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads the query, whose parameters must be among `known`.
pub(super) fn query(request: &Request, known: &[&str]) -> Result<Form, Problem> {
    let faulty = |name: &str, detail: &str| Problem::Invalid(vec![Fault::at(name, detail)]);
    let form = Form::parse(request.query.as_bytes())
        .map_err(|_| faulty("", "the query repeats a parameter or is not UTF-8"))?;
    if let Some(name) = form.names().find(|name| !known.contains(name)) {
        return Err(faulty(name, "there is no such parameter here"));
    }
    Ok(form)
}
