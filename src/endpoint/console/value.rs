//! Answers of the admin API as cells of a page, and what a page asks the API for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::block::{Cell, Tone};
use crate::endpoint::form::Form;
use crate::time::Timestamp;

/// Everything but what RFC 3986 §2.3 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns a name as a segment of a path, or as a value in a query.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, RESERVED).to_string()
}

/// Returns a member that is text; an empty one if there is none.
pub(super) fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

/// Returns a member that is a whole number; 0 if there is none.
pub(super) fn count(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or_default()
}

/// Returns a number of things, whose name gets an s if there is more than one.
pub(super) fn some(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Returns the entries of a list.
pub(super) fn list(of: &Value, name: &str) -> Vec<Value> {
    of[name].as_array().cloned().unwrap_or_default()
}

/// Returns the texts of a list.
pub(super) fn texts(of: &Value, name: &str) -> Vec<String> {
    list(of, name).iter().map(written).collect()
}

/// Returns a member as people read it; a dash if there is none.
pub(super) fn cell(of: &Value, name: &str) -> Cell {
    match &of[name] {
        Value::Array(all) => Cell::Lines(all.iter().map(|one| Cell::Text(written(one))).collect()),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Cell::of(Some(&written(value)))
        }
    }
}

/// Returns a member that is an instant in seconds since 1970; a dash if there is none.
pub(super) fn time(of: &Value, name: &str) -> Cell {
    Cell::seconds(of[name].as_u64())
}

/// Returns an instant in milliseconds since 1970; a dash if there is none.
pub(super) fn millis(of: &Value, name: &str) -> Cell {
    of[name].as_u64().map_or_else(|| Cell::of(None), |at| Cell::Time(Timestamp::from_millis(at)))
}

/// Returns an identifier; a dash if there is none.
pub(super) fn mono(of: &Value, name: &str) -> Cell {
    match text(of, name) {
        "" => Cell::of(None),
        text => Cell::Mono(text.to_owned()),
    }
}

/// Returns a link to the page of a thing, below `path`; a dash if there is no such member.
pub(super) fn link(of: &Value, name: &str, path: &str) -> Cell {
    match text(of, name) {
        "" => Cell::of(None),
        id => Cell::link(format!("{path}/{}", encoded(id)), id),
    }
}

/// Returns whether something is on, as a state that catches the eye if it is not.
pub(super) fn on(is_on: bool, on: &str, off: &str) -> Cell {
    if is_on { Cell::Badge(Tone::Good, on.to_owned()) } else { Cell::Badge(Tone::Warning, off.to_owned()) }
}

/// Returns when, where and with what something happened.
pub(super) fn stage(of: &Value) -> Cell {
    let place = ["city", "region", "country"].map(|name| text(of, name));
    let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
    let network = of["asn"].as_u64().map(|asn| format!("AS{asn}"));
    let with: Vec<String> = network.into_iter().chain([text(of, "kind").replace('_', " ")]).collect();
    let mut lines = vec![time(of, "at")];
    lines.extend((!place.is_empty()).then(|| Cell::Text(place.join(", "))));
    lines.push(Cell::Text(with.join(" · ")));
    Cell::Lines(lines)
}

/// Returns who did something.
pub(super) fn actor(of: &Value) -> Cell {
    match of {
        Value::String(name) => Cell::Text(format!("the {name}")),
        Value::Object(_) => {
            let account = text(of, "account");
            let owner = text(&of["token"], "owner");
            if !account.is_empty() {
                Cell::Lines(vec![Cell::Text("an account".to_owned()), Cell::Mono(account.to_owned())])
            } else if !owner.is_empty() {
                Cell::Text(format!("an admin token of {owner}"))
            } else {
                Cell::Text(format!("the operator's token {}", text(of, "operator")))
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Cell::of(None),
    }
}

/// Returns a value as people read it: texts and numbers as they are, anything else as JSON.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Returns a number of seconds in the largest unit that fits exactly: `30 days`, `90 seconds`.
pub(super) fn duration(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let fits = |(length, _): &(u64, &str)| seconds > 0 && seconds.is_multiple_of(*length);
    let (length, unit) = units.into_iter().find(fits).unwrap_or((1, "second"));
    match seconds / length {
        1 => format!("1 {unit}"),
        several => format!("{several} {unit}s"),
    }
}

/// Returns messages of the API, which begin with the name of a member, as sentences.
pub(super) fn sentences(messages: &[String]) -> Vec<String> {
    let sentence = |message: &String| format!("{}.", capitalized(message.trim_end_matches('.')));
    messages.iter().map(sentence).collect()
}

/// Returns a text with a capital letter at its beginning.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Returns JSON over several lines.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Returns the parameters with these names that have a value, as a query that begins with a question mark; empty without any.
pub(super) fn query(form: &Form, names: &[&str]) -> String {
    let set = names.iter().filter_map(|name| Some((*name, form.get(name)?.trim().to_owned())));
    question(set)
}

/// Returns parameters as a query that begins with a question mark. Those without a value are left out.
pub(super) fn question<'a>(parameters: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut query = String::new();
    for (name, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
        let before = if query.is_empty() { '?' } else { '&' };
        query.push(before);
        query.extend([name, "=", &encoded(&value)]);
    }
    query
}

/// Returns the address of the next page of a list below `/admin`; `None` after the last one.
pub(super) fn next(path: &str, form: &Form, names: &[&str], answer: &Value) -> Option<String> {
    let cursor = answer["next_cursor"].as_str()?.to_owned();
    let set = names.iter().filter_map(|name| Some((*name, form.get(name)?.to_owned())));
    Some(format!("{path}{}", question(set.chain([("cursor", cursor)]))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_duration_has_the_largest_unit_that_fits() {
        for (seconds, said) in
            [(0, "0 seconds"), (1, "1 second"), (90, "90 seconds"), (3_600, "1 hour"), (2_592_000, "30 days")]
        {
            assert_eq!(duration(seconds), said);
        }
    }

    #[test]
    fn a_list_goes_on_with_the_same_conditions_and_ends_after_the_last_page() {
        let form = Form::of_link("client_id=a%20b&cursor=old&other=1");
        let answer = json!({ "next_cursor": "n/w" });
        let names = ["client_id", "account"];

        assert_eq!(
            next("/devices", &form, &names, &answer).as_deref(),
            Some("/devices?client_id=a%20b&cursor=n%2Fw")
        );
        assert_eq!(next("/devices", &form, &names, &json!({})), None);
        assert_eq!(query(&form, &["client_id", "cursor"]), "?client_id=a%20b&cursor=old");
        assert_eq!(query(&form, &["account"]), "");
    }
}
