//! Changes of a user (RFC 7644 §3.5.2), in the shapes in which Entra ID and Okta send them.

use serde_json::{Map, Value};

use super::Refusal;
use super::user::{Pushed, plain};
use crate::order;

/// The most operations of a request.
const MOST: usize = 100;

/// Reads the operations of a patch as one push: what they say last about an attribute counts.
///
/// An operation has a `path` and a `value`, or a `value` that is an object of attributes. Operations that remove
/// something, and those on attributes that this server does not keep, change nothing.
///
/// # Errors
///
/// [`Refusal::Syntax`] for a body of another form; [`Refusal::Value`] for an attribute with a value that it must not have.
pub fn read(body: &Map<String, Value>) -> Result<Pushed, Refusal> {
    let member =
        |name: &str| body.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let operations = member("Operations").and_then(Value::as_array);
    let operations = operations.ok_or(Refusal::Syntax("a patch must have a list of Operations"))?;
    if operations.len() > MOST {
        return Err(Refusal::Syntax("a patch must not have more than 100 operations"));
    }
    let mut attributes = Map::new();
    for operation in operations {
        attributes.extend(sent(operation)?);
    }
    Pushed::read_changes(&attributes)
}

/// Returns the attributes that an operation sets, by their paths in lower case.
fn sent(operation: &Value) -> Result<Map<String, Value>, Refusal> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let op = text("op").unwrap_or_default().to_ascii_lowercase();
    match op.as_str() {
        "add" | "replace" => {}
        "remove" => return Ok(Map::new()),
        _ => return Err(Refusal::Syntax("op must be add, replace or remove")),
    }
    let value = operation.get("value").ok_or(Refusal::Value("an operation must have a value"))?;
    match (text("path"), value) {
        (Some(path), value) => Ok(order::object([(plain(path), value.clone())])),
        (None, Value::Object(attributes)) => {
            Ok(order::object(attributes.iter().map(|(name, value)| (plain(name), value.clone()))))
        }
        (None, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(Refusal::Value("without a path, value must be an object of attributes"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn active(operations: &Value) -> Result<Option<bool>, Refusal> {
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        read(body.as_object().unwrap()).map(|pushed| pushed.active)
    }

    #[test]
    fn a_user_is_deactivated_in_every_shape_in_which_providers_say_it() {
        for shape in [
            json!([{ "op": "replace", "path": "active", "value": false }]),
            json!([{ "op": "Replace", "path": "active", "value": "False" }]),
            json!([{ "op": "replace", "value": { "active": false } }]),
            json!([{ "op": "Add", "path": "active", "value": [{ "value": "False" }] }]),
            json!([{ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false }]),
            json!([{ "op": "add", "path": "title", "value": "x" }, { "op": "replace", "value": { "ACTIVE": "false" } }]),
        ] {
            assert_eq!(active(&shape), Ok(Some(false)), "{shape}");
        }
        assert_eq!(active(&json!([{ "op": "replace", "path": "active", "value": "True" }])), Ok(Some(true)));
        assert_eq!(active(&json!([{ "op": "replace", "path": "title", "value": "x" }])), Ok(None));
        assert_eq!(active(&json!([{ "op": "remove", "path": "active" }])), Ok(None));
    }

    #[test]
    fn a_patch_of_another_form_is_refused() {
        for shape in [
            json!([{ "op": "replace", "path": "active", "value": "no" }]),
            json!([{ "op": "replace", "path": "active", "value": null }]),
            json!([{ "op": "replace", "path": "active" }]),
            json!([{ "op": "replace", "value": false }]),
            json!([{ "op": "move", "path": "active", "value": false }]),
            json!({}),
            json!(vec![json!({ "op": "remove", "path": "title" }); MOST + 1]),
        ] {
            assert!(active(&shape).is_err(), "{shape}");
        }
        assert!(read(&Map::new()).is_err());
        assert_eq!(active(&json!(vec![json!({ "op": "remove", "path": "title" }); MOST])), Ok(None));
    }

    #[test]
    fn names_and_addresses_are_changed_by_path() {
        let body = json!({ "Operations": [
            { "op": "replace", "path": "userName", "value": "new@example.com" },
            { "op": "add", "path": "emails[type eq \"work\"].value", "value": "work@example.com" },
            { "op": "replace", "path": "name.givenName", "value": "New" },
            { "op": "replace", "path": "name.familyName", "value": "Name" },
        ] });
        let pushed = read(body.as_object().unwrap()).unwrap();

        let text = |text: &str| Some(text.to_owned());
        assert_eq!(pushed.user_name, text("new@example.com"));
        assert_eq!((pushed.email, pushed.name), (text("work@example.com"), text("New Name")));
    }

    #[test]
    fn a_part_of_a_name_alone_does_not_replace_the_whole_name() {
        for operation in [
            json!({ "op": "Replace", "path": "name.familyName", "value": "Jones" }),
            json!({ "op": "replace", "value": { "name": { "givenName": "Carol" } } }),
        ] {
            let body = json!({ "Operations": [operation] });
            assert_eq!(read(body.as_object().unwrap()).unwrap().name, None, "{body}");
        }
        let body =
            json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "Carol Jones" }] });
        assert_eq!(read(body.as_object().unwrap()).unwrap().name.as_deref(), Some("Carol Jones"));
    }
}
