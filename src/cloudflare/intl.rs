//! The rules of languages, from the runtime's `Intl` (ECMA-402).

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::endpoint::intl::{Intl, Plural, Unit};
use crate::language::Language;
use crate::time::Timestamp;

#[wasm_bindgen(module = "/src/cloudflare/intl.js")]
extern "C" {
    /// Calls a method of `new Intl[class](tag, options)`. `options` has names and values by turns.
    fn formatted(
        class: &str,
        tag: &str,
        options: Vec<String>,
        method: &str,
        values: Vec<JsValue>,
    ) -> Option<String>;
}

/// The time zone where no other is known.
const UTC: &str = "UTC";

/// The rules of the runtime.
pub(super) struct RuntimeIntl;

impl Intl for RuntimeIntl {
    fn plural(&self, language: Language, number: u64) -> Plural {
        let name = text("PluralRules", language, &[], "select", vec![js(number)]);
        let category = name.and_then(|name| Plural::ALL.into_iter().find(|plural| plural.name() == name));
        category.unwrap_or(Plural::Other)
    }

    fn number(&self, language: Language, number: u64) -> String {
        text("NumberFormat", language, &[], "format", vec![js(number)]).unwrap_or_else(|| number.to_string())
    }

    fn country(&self, language: Language, code: &str) -> Option<String> {
        let options = [("type", "region"), ("fallback", "none")];
        text("DisplayNames", language, &options, "of", vec![code.into()])
    }

    fn clock(&self, language: Language, at: Timestamp, zone: Option<&str>) -> String {
        let options =
            [("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23"), ("timeZoneName", "short")];
        in_zone(language, &options, at, zone).unwrap_or_else(|| format!("{} {UTC}", at.clock()))
    }

    fn day(&self, language: Language, at: Timestamp, zone: Option<&str>) -> String {
        in_zone(language, &[("dateStyle", "long")], at, zone).unwrap_or_default()
    }

    fn ago(&self, language: Language, number: u64, unit: Unit) -> String {
        let unit = match unit {
            Unit::Second => "second",
            Unit::Minute => "minute",
        };
        let before = JsValue::from_f64(-float(number));
        let ago = text("RelativeTimeFormat", language, &[], "format", vec![before, unit.into()]);
        ago.unwrap_or_default()
    }

    fn list(&self, language: Language, items: &[String]) -> String {
        let array: Array = items.iter().map(|item| JsValue::from_str(item)).collect();
        let list = text("ListFormat", language, &[("type", "conjunction")], "format", vec![array.into()]);
        list.unwrap_or_else(|| items.join(", "))
    }
}

/// Formats an instant in a time zone; in UTC if the zone is not known to the runtime.
fn in_zone(
    language: Language,
    options: &[(&str, &str)],
    at: Timestamp,
    zone: Option<&str>,
) -> Option<String> {
    zone.into_iter().chain([UTC]).find_map(|zone| {
        let options = [options, &[("timeZone", zone)]].concat();
        text("DateTimeFormat", language, &options, "format", vec![js(at.millis())])
    })
}

/// Calls a method of `new Intl[class](tag, options)`. `None` if it throws, or returns no text.
fn text(
    class: &str,
    language: Language,
    options: &[(&str, &str)],
    method: &str,
    arguments: Vec<JsValue>,
) -> Option<String> {
    let options =
        options.iter().flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()]).collect();
    formatted(class, &tag(language), options, method, arguments)
}

/// Returns the language with the digits of the pages. Codes have only the digits 0 to 9, so everything else has them
/// too.
fn tag(language: Language) -> String {
    format!("{}-u-nu-latn", language.tag())
}

fn js(number: u64) -> JsValue {
    JsValue::from_f64(float(number))
}

#[expect(clippy::cast_precision_loss, reason = "seconds, minutes and milliseconds are far below 2^53")]
const fn float(number: u64) -> f64 {
    number as f64
}
