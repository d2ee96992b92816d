//! The rules of languages, from the runtime's `Intl` (ECMA-402).

use core::slice::from_ref;

use js_sys::{Array, Date, Function, Object, Reflect, global};
use wasm_bindgen::{JsCast, JsValue};

use crate::endpoint::intl::{Intl, Plural, Unit};
use crate::language::Language;
use crate::time::Timestamp;

/// The time zone where no other is known.
const UTC: &str = "UTC";

/// The rules of the runtime.
pub(super) struct RuntimeIntl;

impl Intl for RuntimeIntl {
    fn plural(&self, language: Language, number: u64) -> Plural {
        let name = text("PluralRules", language, &[], "select", &[js(number)]);
        let category = name.and_then(|name| Plural::ALL.into_iter().find(|plural| plural.name() == name));
        category.unwrap_or(Plural::Other)
    }

    fn number(&self, language: Language, number: u64) -> String {
        text("NumberFormat", language, &[], "format", &[js(number)]).unwrap_or_else(|| number.to_string())
    }

    fn country(&self, language: Language, code: &str) -> Option<String> {
        let options = [("type", "region"), ("fallback", "none")];
        text("DisplayNames", language, &options, "of", &[code.into()])
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
        let ago = text("RelativeTimeFormat", language, &[], "format", &[before, unit.into()]);
        ago.unwrap_or_default()
    }

    fn list(&self, language: Language, items: &[String]) -> String {
        let array: Array = items.iter().map(|item| JsValue::from_str(item)).collect();
        let list = text("ListFormat", language, &[("type", "conjunction")], "format", &[array.into()]);
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
    let date = JsValue::from(Date::new(&js(at.millis())));
    zone.into_iter().chain([UTC]).find_map(|zone| {
        let options = [options, &[("timeZone", zone)]].concat();
        text("DateTimeFormat", language, &options, "format", from_ref(&date))
    })
}

/// Calls a method of `new Intl[class](tag, options)`. `None` if it throws, or returns no text.
fn text(
    class: &str,
    language: Language,
    options: &[(&str, &str)],
    method: &str,
    arguments: &[JsValue],
) -> Option<String> {
    let intl = Reflect::get(&global(), &"Intl".into()).ok()?;
    let class: Function = Reflect::get(&intl, &class.into()).ok()?.dyn_into().ok()?;
    let chosen = Object::new();
    for (name, value) in options {
        Reflect::set(&chosen, &(*name).into(), &(*value).into()).ok()?;
    }
    let format = Reflect::construct(&class, &Array::of2(&tag(language).into(), &chosen)).ok()?;
    let method: Function = Reflect::get(&format, &method.into()).ok()?.dyn_into().ok()?;
    Reflect::apply(&method, &format, &arguments.iter().collect()).ok()?.as_string()
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
