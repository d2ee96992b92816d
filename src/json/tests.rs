use std::collections::BTreeMap;

use serde::{Deserialize, de};
use serde_json::json;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Device {
    name: String,
    #[serde(default)]
    polls: u8,
    at: Option<(i16, f64)>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Plain,
    Named(String),
    Pair(u8, u8),
    Sized { width: u8 },
}

#[derive(Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
struct Key(String);

fn flaw<T: DeserializeOwned>(text: &str) -> String {
    read::<T>(text).err().expect("it is refused").to_string()
}

#[test]
fn an_object_is_read_whatever_the_order_of_its_members() {
    let tv = |polls, at| Device { name: "T\u{1f4fa}V".to_owned(), polls, at };

    for (text, device) in [
        (r#"{"name":"T\ud83d\udcfaV"}"#, tv(0, None)),
        (
            "\r\n{ \"at\" : [ -7 , 1.5e1 ] ,\t\"name\":\"T\u{1f4fa}V\",\"polls\":255}\n",
            tv(255, Some((-7, 15.0))),
        ),
        (r#"{"at":null,"more":[{},{"a":[1,"]",null]},true],"name":"T\uD83D\uDCFAV"}"#, tv(0, None)),
    ] {
        assert_eq!(read::<Device>(text), Ok(device), "{text}");
    }
}

#[test]
fn a_value_of_another_type_is_refused_where_it_is() {
    for (text, flaw_of_it) in [
        (r#"["TV"]"#, "Data after 0 bytes"),
        ("{}", "Data after 1 bytes"),
        (r#"{"name":7}"#, "Data after 8 bytes"),
        (r#"{"name":"a","name":"b"}"#, "Data after 18 bytes"),
        (r#"{"name":"a","polls":256}"#, "Data after 23 bytes"),
        (r#"{"name":"a","polls":-0}"#, "Data after 22 bytes"),
        (r#"{"name":"a","polls":1.0}"#, "Data after 23 bytes"),
        (r#"{"name":"a","at":[1]}"#, "Data after 19 bytes"),
        (r#"{"name":"a","at":[1,2,3]}"#, "Syntax after 21 bytes"),
    ] {
        assert_eq!(flaw::<Device>(text), flaw_of_it, "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "nulL",
        "TRUE",
        "'a'",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e999",
        "-",
        "0x1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"a\tb\"",
        "1 2",
        "[1]]",
        "// a\n1",
        "\u{feff}1",
        "\u{a0}1",
    ] {
        assert!(read::<serde_json::Value>(text).is_err(), "{text}");
    }
    assert!(read_bytes::<String>(b"\"\xff\"").is_err());
}

#[test]
fn a_variant_is_a_name_or_an_object_with_one_member() {
    for (text, shape) in [
        (r#""plain""#, Ok(Shape::Plain)),
        (r#"{"plain":null}"#, Ok(Shape::Plain)),
        (r#"{"named":"a"}"#, Ok(Shape::Named("a".to_owned()))),
        (r#"{"pair":[1,2]}"#, Ok(Shape::Pair(1, 2))),
        (r#"{"sized":{"width":1}}"#, Ok(Shape::Sized { width: 1 })),
        (r#""named""#, Err(Kind::Data)),
        (r#""other""#, Err(Kind::Data)),
        (r#"{"plain":null,"named":"a"}"#, Err(Kind::Syntax)),
        ("{}", Err(Kind::Syntax)),
        ("7", Err(Kind::Data)),
    ] {
        assert_eq!(read::<Shape>(text).map_err(|flaw| flaw.kind), shape, "{text}");
    }
    assert!(is_name::<Shape>("plain") && !is_name::<Shape>("other") && !is_name::<Shape>("pla\"in"));
}

#[test]
fn a_newtype_may_name_members() {
    let names = BTreeMap::from([(Key("a".to_owned()), 1), (Key("\n".to_owned()), 2)]);

    assert_eq!(read(r#"{"a":1,"\n":2}"#), Ok(names));
}

#[test]
fn lists_and_objects_are_at_most_127_deep() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));

    assert!(read::<serde_json::Value>(&nested(127)).is_ok() && read::<de::IgnoredAny>(&nested(127)).is_ok());
    assert_eq!(flaw::<serde_json::Value>(&nested(128)), "Syntax after 127 bytes");
    assert_eq!(flaw::<de::IgnoredAny>(&nested(100_000)), "Syntax after 127 bytes");
    assert_eq!(
        read(&format!("[{}]", ["[]"; 200].join(","))),
        Ok(serde_json::Value::from(vec![json!([]); 200]))
    );
}

#[test]
fn a_fault_has_a_line_and_a_column() {
    for (text, place) in [("{", (1, 1)), ("{\n \"a\": x}", (2, 7)), ("", (1, 1)), ("[1,\n2\n\n}", (4, 1))] {
        let flaw = read::<serde_json::Value>(text).expect_err("it is no JSON");

        assert_eq!(flaw.line_and_column(text.as_bytes()), place, "{text}");
    }
}

#[test]
fn every_way_to_write_a_value_is_read() {
    let values = json!([null, true, false, "a", -1, 7, {}]);
    assert_eq!(read(r#"[null,true,false,"a",-1,7,{}]"#), Ok(values));
    assert_eq!(read_bytes(br#""\"\\\/\b\f\n\r\t""#), Ok("\"\\/\u{8}\u{c}\n\r\t".to_owned()));
    for (text, number) in [("1e2", 100.0), ("1E2", 100.0), ("1e+2", 100.0), ("1E-2", 0.01), ("-1.5", -1.5)] {
        assert_eq!(read(text), Ok(number), "{text}");
    }
}

#[test]
fn a_word_that_is_cut_off_is_no_json_and_another_one_is_other_data() {
    assert_eq!(flaw::<bool>("tru"), "Syntax after 0 bytes");
    assert_eq!(flaw::<bool>("null"), "Data after 0 bytes");
    assert_eq!(Kind::Data.to_string(), "Data");
}
