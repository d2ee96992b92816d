//! This server's reader of JSON beside `serde_json`.

use device_grant::json;
use serde_json::Value;

/// Both read the same value, or both refuse the text. A fault is inside the text.
pub fn json(input: &[u8]) {
    match (json::read_bytes::<Value>(input), serde_json::from_slice::<Value>(input)) {
        (Ok(ours), Ok(theirs)) => assert!(ours == theirs || has_fraction(&ours), "{ours} is not {theirs}"),
        (Err(flaw), Err(_)) => {
            let (line, column) = flaw.line_and_column(input);
            assert!(line <= input.len() + 1 && column <= input.len().max(1));
        }
        (ours, theirs) => panic!("{ours:?} and {theirs:?}"),
    }
}

/// Returns whether a value has a number with a fraction, which `serde_json` may round to the second nearest.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
