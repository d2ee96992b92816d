//! One finding of the doctor.

use serde::Serialize;

/// How well something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Nothing is to be done.
    Ok,
    /// Somebody should know about it.
    Notice,
    /// Something does not work.
    Problem,
    /// It could not be looked at.
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// Such as `signing keys`.
    name: &'static str,
    state: State,
    found: String,
    /// What to do about it; `None` if nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), todo: None }
    }

    pub(super) fn notice(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, state: State::Notice, found: found.into(), todo: Some(todo.into()) }
    }

    pub(super) fn problem(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, state: State::Problem, found: found.into(), todo: Some(todo.into()) }
    }

    pub(super) fn skipped(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Skipped, found: found.into(), todo: None }
    }
}
