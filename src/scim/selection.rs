//! Which attributes of a user an answer has (RFC 7644 §3.9).

use serde_json::{Map, Value};

use super::user::plain;
use crate::order;

/// What every answer has, whatever is asked for (RFC 7643 §3, §3.1).
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// The attributes that are wanted. Paths are in lower case, such as `username` and `name.formatted`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// Those with these paths.
    Only(Vec<String>),
    /// Those without these paths.
    Without(Vec<String>),
}

impl Selection {
    /// Reads the parameters `attributes` and `excludedAttributes`, which are lists with commas. Only the first one counts
    /// if both are there.
    #[must_use]
    pub fn read(attributes: Option<&str>, excluded: Option<&str>) -> Self {
        let paths = |list: &str| list.split(',').map(|path| plain(path.trim())).collect();
        match (attributes, excluded) {
            (Some(list), _) => Self::Only(paths(list)),
            (None, Some(list)) => Self::Without(paths(list)),
            (None, None) => Self::All,
        }
    }

    /// Returns a user with the attributes that are wanted.
    #[must_use]
    pub fn of(&self, user: Value) -> Value {
        let Value::Object(members) = user else { return user };
        let shown = members.into_iter().filter_map(|(name, value)| self.part(name, value));
        Value::Object(order::object(shown))
    }

    fn part(&self, name: String, value: Value) -> Option<(String, Value)> {
        let path = name.to_ascii_lowercase();
        if ALWAYS.contains(&path.as_str()) {
            return Some((name, value));
        }
        let is_listed = |paths: &[String], path: &str| paths.iter().any(|other| other == path);
        let below = |part: &str| format!("{path}.{}", part.to_ascii_lowercase());
        let value = match self {
            Self::Only(paths) if is_listed(paths, &path) => value,
            Self::Only(paths) => kept(value, |part| is_listed(paths, &below(part)))?,
            Self::Without(paths) if is_listed(paths, &path) => return None,
            Self::Without(paths) if paths.iter().any(|other| other.starts_with(&below(""))) => {
                kept(value, |part| !is_listed(paths, &below(part)))?
            }
            Self::All | Self::Without(_) => value,
        };
        Some((name, value))
    }
}

/// Returns the parts of an attribute, or of each of its values, that are wanted; `None` if none is.
fn kept(value: Value, is_wanted: impl Fn(&str) -> bool) -> Option<Value> {
    let parts = |members: Map<String, Value>| {
        let members = order::object(members.into_iter().filter(|(part, _)| is_wanted(part)));
        (!members.is_empty()).then_some(Value::Object(members))
    };
    match value {
        Value::Object(members) => parts(members),
        Value::Array(values) => {
            let values: Vec<Value> =
                values.into_iter().filter_map(|value| parts(value.as_object()?.clone())).collect();
            (!values.is_empty()).then_some(Value::Array(values))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn user() -> Value {
        json!({
            "schemas": ["urn:x"], "id": "1", "userName": "a", "active": true, "name": { "formatted": "A" },
            "emails": [{ "value": "a@example.com", "primary": true }],
        })
    }

    #[test]
    fn an_answer_has_the_attributes_that_are_asked_for_and_always_id_and_schemas() {
        let only = |list| Selection::read(Some(list), Some("userName")).of(user());

        assert_eq!(Selection::read(None, None).of(user()), user());
        assert_eq!(
            only("USERNAME, active"),
            json!({ "schemas": ["urn:x"], "id": "1", "userName": "a", "active": true })
        );
        assert_eq!(
            only("urn:ietf:params:scim:schemas:core:2.0:User:emails.value,name.formatted"),
            json!({ "schemas": ["urn:x"], "id": "1", "name": { "formatted": "A" }, "emails": [{ "value": "a@example.com" }] })
        );
        assert_eq!(only("members,userName.x,name.y"), json!({ "schemas": ["urn:x"], "id": "1" }));
    }

    #[test]
    fn an_answer_lacks_the_attributes_that_are_excluded_but_never_id_and_schemas() {
        let without = |list| Selection::read(None, Some(list)).of(user());

        assert_eq!(without("members"), user());
        let bare = without("id,schemas,Active,name.formatted,emails.primary");
        assert_eq!(
            bare,
            json!({ "schemas": ["urn:x"], "id": "1", "userName": "a", "emails": [{ "value": "a@example.com" }] })
        );
    }
}
