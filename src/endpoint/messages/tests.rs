use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::Path;

use super::catalogue::{lines, source, texts};
use super::list::ALL;
use super::markup::{Mark, Value, fill, next_mark};
use super::*;
use crate::settings::Service;

/// The plural categories of a language for whole numbers (CLDR 48), without those that only millions have.
fn plurals(language: Language) -> &'static [Plural] {
    match language {
        Language::English
        | Language::German
        | Language::French
        | Language::Spanish
        | Language::BrazilianPortuguese => &[Plural::One, Plural::Other],
        Language::Japanese | Language::SimplifiedChinese => &[Plural::Other],
        Language::Arabic => &Plural::ALL,
    }
}

/// Messages that are the same as in English, because the language has the same word.
const SAME: &[(Language, &[&str])] = &[
    (Language::German, &["title_problem", "enter_code", "device_app", "passkey_name", "device_client"]),
    (Language::French, &["enter_code"]),
    (Language::BrazilianPortuguese, &["device_smart_television"]),
];

/// The keys that a file must have.
fn wanted(language: Language) -> BTreeSet<String> {
    let forms =
        |key: &str| plurals(language).iter().map(|plural| format!("{key}[{}]", plural.name())).collect();
    let keys = |(key, number, _): &(&str, Option<&str>, &[&str])| match number {
        Some(_) => forms(key),
        None => vec![(*key).to_owned()],
    };
    ALL.iter().flat_map(keys).collect()
}

fn marks(text: &str) -> (BTreeSet<&str>, usize) {
    let (mut names, mut stars, mut rest) = (BTreeSet::new(), 0, text);
    while let Some((_, mark, after)) = next_mark(rest) {
        match mark {
            Mark::Value(name) => {
                names.insert(name);
            }
            Mark::Strong => stars += 1,
        }
        rest = after;
    }
    (names, stars)
}

#[test]
fn every_language_has_every_message_once_and_no_other() {
    for language in Language::ALL {
        let keys: Vec<String> = lines(source(language)).map(|(key, _)| key.to_owned()).collect();
        let unique: BTreeSet<String> = keys.iter().cloned().collect();

        assert_eq!(keys.len(), unique.len(), "{language:?} has a message twice");
        let wanted = wanted(language);
        assert_eq!(wanted.difference(&unique).collect::<Vec<_>>(), [""; 0], "{language:?} lacks messages");
        assert_eq!(
            unique.difference(&wanted).collect::<Vec<_>>(),
            [""; 0],
            "nothing shows these of {language:?}"
        );
    }
}

#[test]
fn every_line_of_a_file_is_a_message_a_comment_or_empty() {
    for language in Language::ALL {
        for line in source(language).lines() {
            let message = line.split_once(" = ").is_some_and(|(key, text)| {
                key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_[]".contains(&byte))
                    && text.trim() == text
                    && !text.is_empty()
            });
            assert!(message || line.is_empty() || line.starts_with("# "), "{language:?}: {line}");
        }
    }
}

#[test]
fn every_message_takes_the_same_values_in_every_language() {
    let declared: BTreeMap<&str, _> =
        ALL.iter().map(|(key, number, values)| (*key, (number, *values))).collect();
    for language in Language::ALL {
        for (key, text) in texts(language) {
            let name = key.split('[').next().unwrap_or(key);
            let Some((number, values)) = declared.get(name) else { continue };
            let (mut used, stars) = marks(text);
            // A form for one or two things can do without their number, as "in a minute".
            let exact = ["[zero]", "[one]", "[two]"].iter().any(|form| key.ends_with(form));
            let stated = number.is_some_and(|number| used.remove(number));
            assert_eq!(used, values.iter().copied().collect(), "{language:?}: {key}");
            assert!(stated || exact || number.is_none(), "{language:?}: {key} lacks its number");
            assert!(stars % 2 == 0, "{language:?}: strong text of {key} has no end");
            assert!(!text.contains(['<', '>', '&', '"']), "{language:?}: {key} is no HTML");
        }
    }
}

#[test]
fn strong_text_is_strong_in_every_language() {
    for language in Language::ALL {
        for (key, text) in texts(language) {
            let english = texts(Language::English).get(key);
            assert!(english.is_none_or(|english| marks(english).1 == marks(text).1), "{language:?}: {key}");
        }
    }
}

#[test]
fn every_message_is_translated() {
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        let same = SAME.iter().find(|(of, _)| *of == language).map_or(&[][..], |(_, keys)| keys);
        for (key, text) in texts(language) {
            let is_words =
                text.split(['{', '}']).step_by(2).any(|words| words.chars().any(char::is_alphabetic));
            let is_same = texts(Language::English).get(key) == Some(text) && is_words;
            assert_eq!(is_same, same.contains(key), "{language:?}: {key} = {text}");
        }
    }
}

#[test]
fn the_english_texts_are_as_people_speak() {
    let english = source(Language::English);
    for (before, now) in [
        ("Device that asks", "Requesting device"),
        ("You, here", "consent_you = You\n"),
        ("read off your own device", "Only enter a code shown on your own device."),
        ("do not matter", "Capitals, spaces and dashes don’t matter."),
        ("Signing in approves nothing", "Signing in doesn’t approve anything."),
        ("is not right", "Wrong username or password."),
        ("by signing you in", "Confirm who you are"),
        ("until you or the service end it", "until access is removed"),
        ("must show this code", "Check that your device shows this code"),
        ("Nothing was given", "No access was given."),
        ("follow no more", "don’t follow any more of their instructions"),
        ("its time is over", "Nobody answered before it expired at {time}"),
        ("I did not start this", "I didn’t start this"),
    ] {
        assert!(!english.contains(before), "{before}");
        assert!(english.contains(now), "{now}");
    }
}

#[test]
fn titles_of_windows_have_no_markup() {
    for language in Language::ALL {
        for (key, text) in texts(language).iter().filter(|(key, _)| key.ends_with("_title")) {
            assert_eq!(marks(text), (BTreeSet::new(), 0), "{language:?}: {key}");
        }
    }
}

#[test]
fn values_are_escaped_and_isolated_and_only_the_text_has_marks() {
    let value = ("name", Value::Text("*<b>{name}*"));

    let html = fill("*Hello*, {name} & {other}{", &[value], &|_| String::new());

    assert_eq!(html.to_string(), "<strong>Hello</strong>, <bdi>*&#60;b&#62;{name}*</bdi> &#38; {");
}

fn templates() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let entries = read_dir(folder).expect("the folder is there").map(|entry| entry.expect("readable").path());
    let files = entries.filter(|path| path.extension().is_some_and(|ending| ending == "html"));
    files.map(|path| (path.display().to_string(), read_to_string(&path).expect("readable"))).collect()
}

/// Returns the text without everything between `open` and `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut parts = text.split(open);
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.filter_map(|part| part.split_once(close)).map(|(_, after)| after);
    rest.fold(first, |text, after| text + " " + after)
}

#[test]
fn templates_have_no_text_of_their_own() {
    let files = templates();
    assert!(files.len() > 5);
    for (file, template) in files {
        let pieces = [("{{", "}}"), ("{#", "#}")]
            .into_iter()
            .fold(template, |text, (open, close)| without(&text, open, close));
        for attribute in ["aria-label=\"", "title=\"", "alt=\"", "placeholder=\"", "aria-description=\""] {
            for value in pieces.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(!value.chars().any(char::is_alphabetic), "{file}: {attribute}{value}");
            }
        }
        let shown = without(&without(&pieces, "{%", "%}"), "<", ">");
        let shown = shown.replace("medium", "").replace("narrow", "");
        assert!(
            !shown.chars().any(char::is_alphabetic),
            "{file}: {}",
            shown.split_whitespace().collect::<Vec<_>>().join(" ")
        );
    }
}

#[test]
fn every_page_has_the_language_menu_and_a_form_for_it() {
    let pages: Vec<_> =
        templates().into_iter().filter(|(_, template)| template.contains("{% extends")).collect();
    assert!(pages.len() > 5);
    for (file, page) in pages {
        let is_form = page.contains("id=\"form\"") && !page.contains("{% block languages %}");
        assert!(is_form || page.contains("{% include \"menu.html\" %}"), "{file}");
    }
}

/// Says of every number that it has one category, and has no other rules.
struct Always(Plural);

impl Intl for Always {
    fn plural(&self, _: Language, _: u64) -> Plural {
        self.0
    }

    fn number(&self, _: Language, number: u64) -> String {
        number.to_string()
    }

    fn country(&self, _: Language, _: &str) -> Option<String> {
        None
    }

    fn clock(&self, _: Language, _: Timestamp, _: Option<&str>) -> String {
        String::new()
    }

    fn day(&self, _: Language, _: Timestamp, _: Option<&str>) -> String {
        String::new()
    }

    fn ago(&self, _: Language, _: u64, _: Unit) -> String {
        String::new()
    }

    fn list(&self, _: Language, items: &[String]) -> String {
        items.concat()
    }
}

#[test]
fn arabic_has_six_forms_and_a_missing_form_is_the_other() {
    let expires = |language, category| {
        let (service, rules, place) = (Service::default(), Always(category), LazyPlace::default());
        let text = Messages::new(language, &service, "", &rules, (Timestamp::default(), &place));
        text.expires_in_minutes(7).to_string()
    };

    let forms = Plural::ALL.map(|category| expires(Language::Arabic, category));
    for (form, words) in
        forms.iter().zip(["7 دقيقة", "دقيقة واحدة", "دقيقتين", "7 دقائق", "7 دقيقة", "7 دقيقة"])
    {
        assert!(form.ends_with(&format!("خلال {words}")), "{form}");
    }
    assert_eq!(expires(Language::French, Plural::Many), "Expire dans 7 minutes");
    assert_eq!(expires(Language::Japanese, Plural::One), "あと 7 分で期限切れ");
}
