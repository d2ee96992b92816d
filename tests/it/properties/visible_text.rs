//! What holds for any text that people see, whatever a client or operator sends.

use device_grant::client::registration::{Fresh, parse};
use device_grant::secret::Digest;
use device_grant::visible;
use icu_properties::props::{
    BidiControl, BinaryProperty, DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::{Map, Value, json};

/// Joiners, and the selector of the colored form of an emoji: invisible, but needed to write some words.
const JOINERS: [char; 3] = ['\u{200c}', '\u{200d}', '\u{fe0f}'];
const MOST_MARKS: usize = 6;

fn has<P: BinaryProperty>(symbol: char) -> bool {
    CodePointSetData::new::<P>().contains(symbol)
}

fn category(symbol: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(symbol)
}

fn is_mark(symbol: char) -> bool {
    let marks =
        [GeneralCategory::NonspacingMark, GeneralCategory::SpacingMark, GeneralCategory::EnclosingMark];
    marks.contains(&category(symbol)) && !JOINERS.contains(&symbol)
}

/// Draws texts that a careless check would let pass: parts that are good on their own, in any order, with
/// anything in between.
fn text() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "a",
        "é",
        "TV",
        "7",
        "क",
        "क्\u{200d}",
        "\u{94d}",
        "ب",
        "ب\u{200c}ب",
        "שָׁ",
        "လျှို့",
        "👩",
        "👩\u{200d}👧",
        "❤\u{fe0f}",
        "\u{301}",
        "\u{301}\u{301}\u{301}",
        "\u{94d}\u{200d}\u{94d}\u{200d}\u{94d}\u{200d}",
        "\u{20e3}",
        "\u{200c}",
        "\u{200d}",
        "\u{fe0f}",
        " ",
        ".",
    ]);
    let good = prop::collection::vec(parts, 1..12).prop_map(|parts| parts.concat());
    let odd = prop_oneof![
        any::<char>().prop_map(String::from),
        Just("\u{202e}".to_owned()),
        Just("\u{2028}".to_owned())
    ];
    prop_oneof![
        6 => good.clone(),
        2 => (good.clone(), odd, good).prop_map(|(before, odd, after)| before + &odd + &after),
        1 => any::<String>(),
    ]
}

/// Checks that a text can be seen, and cannot hide, turn or stack anything.
fn assert_seen(text: &str) -> Result<(), TestCaseError> {
    let is_seen = |symbol: char| {
        !has::<WhiteSpace>(symbol) && !has::<DefaultIgnorableCodePoint>(symbol) && !is_mark(symbol)
    };
    prop_assert!(text.chars().any(is_seen), "nothing to see in {text:?}");
    for symbol in text.chars() {
        let is_hidden = has::<DefaultIgnorableCodePoint>(symbol) && !JOINERS.contains(&symbol);
        prop_assert!(!is_hidden && !has::<BidiControl>(symbol), "{symbol:?} in {text:?}");
        let breaks = [
            GeneralCategory::Control,
            GeneralCategory::LineSeparator,
            GeneralCategory::ParagraphSeparator,
            GeneralCategory::Unassigned,
            GeneralCategory::PrivateUse,
        ];
        prop_assert!(!breaks.contains(&category(symbol)), "{symbol:?} in {text:?}");
    }
    let symbols: Vec<char> = text.chars().filter(|symbol| !JOINERS.contains(symbol)).collect();
    let longest = symbols.split(|symbol| !is_mark(*symbol)).map(<[char]>::len).max().unwrap_or(0);
    prop_assert!(longest <= MOST_MARKS, "{longest} marks in a row in {text:?}");
    prop_assert_eq!(text, text.trim());
    Ok(())
}

/// Returns the name that a client with this `client_name` gets, if it is accepted.
fn registered(name: &str) -> Option<String> {
    let members = Map::from_iter([
        ("client_name".to_owned(), Value::from(name)),
        ("scope".to_owned(), json!("openid")),
    ]);
    let fresh = Fresh { client_id: "new".to_owned(), secret: Digest::of(b"secret") };
    parse(members, fresh, true).ok().map(|client| client.client_name)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn an_accepted_name_is_seen_as_it_was_sent_and_cannot_hide_or_turn_anything(name in text()) {
        if let Some(accepted) = registered(&name) {
            prop_assert_eq!(&accepted, &name);
            assert_seen(&accepted)?;
        }
    }

    #[test]
    fn a_name_from_outside_is_cleaned_until_it_would_be_accepted(name in text(), longest in 1..80_usize) {
        if let Some(cleaned) = visible::cleaned(&name, longest) {
            prop_assert!(cleaned.chars().count() <= longest);
            assert_seen(&cleaned)?;
            prop_assert_eq!(visible::check(&cleaned), Ok(()));
        }
    }

    #[test]
    fn an_escaped_text_moves_no_cursor_and_is_otherwise_the_same(text in text()) {
        let escaped = visible::escaped(&text);

        let is_safe = |symbol: char| !symbol.is_control() && !has::<BidiControl>(symbol);
        prop_assert!(escaped.chars().all(is_safe), "{escaped:?}");
        if visible::check(&text).is_ok() {
            prop_assert_eq!(escaped, text);
        }
    }
}

#[test]
fn about_half_of_the_drawn_names_are_accepted_so_the_properties_are_put_to_the_test() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut accepted = 0;
    for _ in 0..1_000 {
        let name = text().new_tree(&mut runner).expect("a text").current();
        accepted += usize::from(registered(&name).is_some());
    }
    assert!((50..950).contains(&accepted), "{accepted} of 1000");
}
