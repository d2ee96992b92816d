//! Members of JSON objects that must not be there, whatever their value.

use serde::de::IgnoredAny;
use serde::{Deserialize as _, Deserializer};

/// Returns `true` for every value, `null` included. With `#[serde(default)]`, a member that is missing is `false`.
///
/// # Errors
///
/// The value is not JSON.
pub fn is_present<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|IgnoredAny| true)
}
