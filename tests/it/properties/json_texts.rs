//! This server's reader of JSON and `serde_json` read every text alike.

use device_grant::json;
use proptest::prelude::*;
use serde_json::{Number, Value, json};

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<u64>().prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        any::<i32>().prop_map(|number| Number::from_f64(f64::from(number) / 4.0).expect("it is finite")),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\u{0}-\u{ff}\u{1f4fa}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"\\\\\u{e9}]{0,3}", inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// What one hand might do to a text.
fn edited(text: &str, at: usize, length: usize, insertion: &str) -> String {
    let boundary =
        |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).expect("0 is one");
    let (begin, end) = (boundary(at), boundary(at + length));
    format!("{}{insertion}{}", text.get(..begin).unwrap_or_default(), text.get(end..).unwrap_or_default())
}

proptest! {
    #[test]
    fn a_written_value_is_read_back(value in value()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            prop_assert_eq!(json::read::<Value>(&text), Ok(value.clone()));
        }
    }

    #[test]
    fn an_edited_text_is_read_as_serde_json_reads_it(
        value in value(), at in 0_usize..200, length in 0_usize..4,
        insertion in r#"[\[\]{},:"\\ \n0-9.eE+\-tfnu/\x01]{0,3}"#,
    ) {
        let text = edited(&value.to_string(), at, length, &insertion);
        match (json::read::<Value>(&text), serde_json::from_str::<Value>(&text)) {
            // Numbers with a fraction are rounded correctly here, and almost so there.
            (Ok(ours), Ok(theirs)) => prop_assert!(ours == theirs || format!("{ours}").contains(['.', 'e']), "{}", text),
            (Err(_), Err(_)) => {}
            (ours, theirs) => {
                let difference = format!("{text}: {ours:?}, {theirs:?}");
                return Err(TestCaseError::fail(difference));
            }
        }
    }

    #[test]
    fn a_float_is_the_nearest(number in any::<f64>().prop_filter("JSON has no others", |number| number.is_finite())) {
        let text = Value::from(number).to_string();
        prop_assert_eq!(json::read::<f64>(&text).unwrap().to_bits(), number.to_bits());
    }
}

#[test]
fn a_text_with_every_escape_is_read() {
    let text = r#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDCFA""#;

    assert_eq!(json::read(text), Ok(json!("\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{1f4fa}")));
}
