//! Reads single variables. A value that cannot be used becomes a [`BadSetting`].

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

/// Where this server runs, which decides how strict it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Environment {
    /// On a developer's machine: with demo data, the development key, and http on a loopback address.
    Development,
    /// A preview of a branch: as in production, except that the issuer may come from the request.
    Preview,
    /// The default if `ENVIRONMENT` is absent.
    Production,
}

/// A setting that cannot be used. Displays as one sentence: name, value, and what is allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadSetting {
    name: &'static str,
    /// `None` if the value is missing or secret.
    value: Option<String>,
    allowed: String,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is {value:?}: {}", self.name, self.allowed),
            None => write!(f, "{}: {}", self.name, self.allowed),
        }
    }
}

pub(super) fn environment(var: &dyn Fn(&str) -> Option<String>) -> Result<Environment, BadSetting> {
    match var("ENVIRONMENT").as_deref() {
        Some("development") => Ok(Environment::Development),
        Some("preview") => Ok(Environment::Preview),
        Some("production") | None => Ok(Environment::Production),
        Some(other) => Err(bad("ENVIRONMENT", other, "must be production, preview or development")),
    }
}

pub(super) fn number(
    var: &dyn Fn(&str) -> Option<String>,
    name: &'static str,
    default: u64,
    allowed: RangeInclusive<u64>,
) -> Result<u64, BadSetting> {
    let Some(text) = var(name) else { return Ok(default) };
    let number = u64::from_str(text.trim()).ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| {
        let range = format!("must be a whole number from {} to {}", allowed.start(), allowed.end());
        bad(name, &text, &range)
    })
}

pub(super) fn flag(
    var: &dyn Fn(&str) -> Option<String>,
    name: &'static str,
    default: bool,
) -> Result<bool, BadSetting> {
    match var(name).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(bad(name, other, "must be true or false")),
    }
}

pub(super) fn bad(name: &'static str, value: &str, allowed: &str) -> BadSetting {
    BadSetting { name, value: Some(value.to_owned()), allowed: allowed.to_owned() }
}

pub(super) fn missing(name: &'static str, allowed: &str) -> BadSetting {
    BadSetting { name, value: None, allowed: allowed.to_owned() }
}
