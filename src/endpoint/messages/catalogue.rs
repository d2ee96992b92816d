//! The files of `messages/`, one for each language.
//!
//! Each line is `key = text`. A message that depends on a number has a line for each plural category of the language,
//! as in `wait_minutes[one] = …`. Empty lines and lines that begin with `#` are ignored.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::language::Language;
use crate::order;

/// The texts of a language, by key.
type Texts = BTreeMap<&'static str, &'static str>;

/// Returns the file of a language.
pub(super) const fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../../messages/en.txt"),
        Language::German => include_str!("../../../messages/de.txt"),
        Language::French => include_str!("../../../messages/fr.txt"),
        Language::Spanish => include_str!("../../../messages/es.txt"),
        Language::BrazilianPortuguese => include_str!("../../../messages/pt-BR.txt"),
        Language::Japanese => include_str!("../../../messages/ja.txt"),
        Language::SimplifiedChinese => include_str!("../../../messages/zh-Hans.txt"),
        Language::Arabic => include_str!("../../../messages/ar.txt"),
    }
}

/// Returns a text. A test makes sure that every language has every message.
pub(super) fn find(language: Language, key: &str) -> Option<&'static str> {
    texts(language).get(key).copied()
}

/// Returns the texts of a language, which are read when the first page needs them.
pub(super) fn texts(language: Language) -> &'static Texts {
    static ALL: [OnceLock<Texts>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
    static NOTHING: Texts = Texts::new();
    let slot = ALL.get(language as usize);
    slot.map_or(&NOTHING, |slot| slot.get_or_init(|| order::map(lines(source(language)))))
}

/// Returns keys and texts in the order of the file.
pub(super) fn lines(source: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = source.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" = "))
}
