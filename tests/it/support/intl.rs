//! The rules of English and German, as far as the pages need them. The runtime's own are tested in `tests/e2e/`.

use std::time::Duration;

use device_grant::endpoint::intl::{Intl, Plural, Unit};
use device_grant::language::Language;
use device_grant::time::Timestamp;

/// English and German.
pub(super) struct TwoLanguages;

impl Intl for TwoLanguages {
    fn plural(&self, _: Language, number: u64) -> Plural {
        if number == 1 { Plural::One } else { Plural::Other }
    }

    fn number(&self, _: Language, number: u64) -> String {
        number.to_string()
    }

    fn country(&self, language: Language, code: &str) -> Option<String> {
        let name = match (code, is_german(language)) {
            ("DE", false) => "Germany",
            ("DE", true) => "Deutschland",
            ("NG", _) => "Nigeria",
            ("FR", false) => "France",
            ("FR", true) => "Frankreich",
            ("NO", false) => "Norway",
            ("NO", true) => "Norwegen",
            _ => return None,
        };
        Some(name.to_owned())
    }

    fn clock(&self, _: Language, at: Timestamp, zone: Option<&str>) -> String {
        match zone {
            Some("Europe/Berlin") => format!("{} GMT+1", (at + Duration::from_secs(3_600)).clock()),
            Some(_) | None => format!("{} UTC", at.clock()),
        }
    }

    fn day(&self, _: Language, at: Timestamp, _: Option<&str>) -> String {
        format!("day {}", at.seconds() / 86_400)
    }

    fn ago(&self, language: Language, number: u64, unit: Unit) -> String {
        let unit = match (unit, is_german(language)) {
            (Unit::Second, false) => "second",
            (Unit::Minute, false) => "minute",
            (Unit::Second, true) => "Sekunde",
            (Unit::Minute, true) => "Minute",
        };
        let many = if number == 1 { "" } else { "s" };
        if is_german(language) {
            format!("vor {number} {unit}{}", many.replace('s', "n"))
        } else {
            format!("{number} {unit}{many} ago")
        }
    }

    fn list(&self, language: Language, items: &[String]) -> String {
        let and = if is_german(language) { "und" } else { "and" };
        match items.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} {and} {last}", rest.join(", ")),
            _ => items.concat(),
        }
    }
}

fn is_german(language: Language) -> bool {
    language == Language::German
}
