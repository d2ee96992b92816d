//! What a form of the console has sent.

use serde_json::Value;

use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form;
use crate::fault::Fault;
use crate::time::Timestamp;

/// Refuses a form that this page does not have.
pub(super) fn unknown(step: &str) -> Problem {
    Problem::Malformed(format!("This page has no button {step:?}. Open it again."))
}

/// Returns a field, without space around it; an empty text if it was left empty.
pub(super) fn text<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map(str::trim).unwrap_or_default()
}

/// Returns a field that must not be empty.
pub(super) fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, Problem> {
    let value = text(form, name);
    if value.is_empty() {
        return Err(Problem::Invalid(vec![Fault::at(name, format!("{name} is missing"))]));
    }
    Ok(value)
}

/// Returns a field as a member of a body; `null` if it was left empty.
pub(super) fn member(form: &Form, name: &str) -> Value {
    let value = text(form, name);
    if value.is_empty() { Value::Null } else { value.into() }
}

/// Returns a field with a whole number as a member of a body; `null` if it was left empty.
pub(super) fn number(form: &Form, name: &str) -> Result<Value, Problem> {
    let value = text(form, name);
    if value.is_empty() {
        return Ok(Value::Null);
    }
    let wrong = || Problem::Invalid(vec![Fault::at(name, format!("{value:?} is not a whole number"))]);
    value.parse::<u64>().map(Value::from).map_err(|_| wrong())
}

/// Returns the lines of a field, without empty ones.
pub(super) fn lines(form: &Form, name: &str) -> Vec<String> {
    text(form, name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Returns a field with a date and time, as a browser's field for that writes it (`2026-12-31T18:00`, in UTC), as RFC 3339
/// writes it.
pub(super) fn instant(form: &Form, name: &str) -> Result<String, Problem> {
    let value = required(form, name)?;
    let written = match value.len() {
        16 => format!("{value}:00Z"),
        _ => value.to_owned(),
    };
    let wrong = || {
        let detail = format!("{value:?} is not a date and time such as 2026-12-31T18:00 (in UTC)");
        Problem::Invalid(vec![Fault::at(name, detail)])
    };
    Timestamp::parse(&written).map(|at| at.to_string()).ok_or_else(wrong)
}
