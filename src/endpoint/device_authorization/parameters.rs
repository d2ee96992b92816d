//! Parameters besides `scope` that describe the sign-in a device wants (OpenID Connect Core §3.1.2.1).

use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::policy::inventory::Identifier;
use crate::visible;

/// Longest accepted `nonce`, in bytes.
const MAX_NONCE: usize = 512;
/// Longest accepted list of `acr_values`, in bytes.
const MAX_ACR_VALUES: usize = 512;
/// Longest `login_hint` that people are shown, in bytes.
const MAX_SHOWN_HINT: usize = 64;
/// Most tags of `ui_locales` that are kept.
const MOST_UI_LOCALES: usize = 16;
/// Longest accepted BCP 47 tag, in bytes: somewhat more than RFC 5646 §4.4.1 requires.
const MAX_TAG: usize = 48;

/// Reads `nonce`, which the ID token returns.
pub(crate) fn nonce(form: &Form) -> Result<Option<String>, Error> {
    sized(form, "nonce", MAX_NONCE, |_| true)
}

/// Reads `acr_values`: space-separated classes, best first.
pub(crate) fn acr_values(form: &Form) -> Result<Vec<String>, Error> {
    list(form, "acr_values", MAX_ACR_VALUES, |class| class.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// Reads `device_identifier`: what the device is called, such as its serial number.
pub(crate) fn identifier(form: &Form) -> Result<Option<Identifier>, Error> {
    let read = |text| Identifier::parse(text).ok_or(Error::Malformed("device_identifier"));
    form.get("device_identifier").map(read).transpose()
}

/// Reads `max_age`: whole seconds.
pub(crate) fn max_age(form: &Form) -> Result<Option<u64>, Error> {
    let Some(text) = form.get("max_age") else { return Ok(None) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 10;
    text.parse().ok().filter(|_| digits).map(Some).ok_or(Error::Malformed("max_age"))
}

/// Reads `login_hint`: whom the device expects. The consent page shows it, and anybody may have written it,
/// so a hint that cannot be a username, an email address or a phone number is ignored. Otherwise strangers
/// could put sentences on this server's pages. A hint never refuses a code.
pub(crate) fn login_hint(form: &Form) -> Option<String> {
    let hint = form.get("login_hint")?;
    let is_identifier = hint.len() <= MAX_SHOWN_HINT && hint.chars().all(is_of_an_identifier);
    let is_usable = is_identifier && visible::check(hint).is_ok();
    is_usable.then(|| hint.to_owned())
}

fn is_of_an_identifier(symbol: char) -> bool {
    symbol.is_alphanumeric() || "@._+-'".contains(symbol)
}

/// Reads `ui_locales`: space-separated language tags (RFC 5646), best first. Tags that are malformed, such as
/// `de_DE`, are ignored: a hint never refuses a code.
pub(crate) fn ui_locales(form: &Form) -> Vec<String> {
    let is_tag = |tag: &&str| {
        (1..=MAX_TAG).contains(&tag.len())
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let tags = form.get("ui_locales").unwrap_or_default().split(' ').filter(is_tag);
    tags.take(MOST_UI_LOCALES).map(str::to_owned).collect()
}

fn sized(
    form: &Form,
    name: &'static str,
    longest: usize,
    sound: impl Fn(&str) -> bool,
) -> Result<Option<String>, Error> {
    match form.get(name) {
        Some(text) if text.len() > longest || !sound(text) => Err(Error::Malformed(name)),
        text => Ok(text.map(str::to_owned)),
    }
}

fn list(
    form: &Form,
    name: &'static str,
    longest: usize,
    sound: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Error> {
    let sound = |text: &str| text.split(' ').filter(|item| !item.is_empty()).all(&sound);
    let text = sized(form, name, longest, sound)?.unwrap_or_default();
    Ok(text.split(' ').filter(|item| !item.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn empty_parameters_count_as_absent() {
        for text in ["", "acr_values=&max_age=&login_hint=&ui_locales=&nonce=", "acr_values=+"] {
            let form = form(text);
            assert_eq!((acr_values(&form), ui_locales(&form)), (Ok(Vec::new()), Vec::new()), "{text}");
            assert_eq!((max_age(&form), login_hint(&form), nonce(&form)), (Ok(None), None, Ok(None)));
        }
    }

    #[test]
    fn lists_keep_their_order() {
        let form =
            form("acr_values=urn:b++urn:a&ui_locales=fr-CA+en&max_age=0&login_hint=al%2Btv@example.com");

        assert_eq!(acr_values(&form).unwrap(), ["urn:b", "urn:a"]);
        assert_eq!(ui_locales(&form), ["fr-CA", "en"]);
        assert_eq!((max_age(&form), login_hint(&form)), (Ok(Some(0)), Some("al+tv@example.com".to_owned())));
    }

    #[test]
    fn a_hint_that_cannot_be_used_is_ignored() {
        for hint in [
            "IT+support:+please+approve",
            "al%2Fice",
            "a%0Ab",
            "al%E3%85%A4ice",
            &"a".repeat(65),
            &"a".repeat(300),
        ] {
            assert_eq!(login_hint(&form(&format!("login_hint={hint}"))), None, "{hint}");
        }
        assert_eq!(ui_locales(&form("ui_locales=de_DE+de+%C3%A9")), ["de"]);
        let many = vec!["en"; 100].join("+");
        assert_eq!(ui_locales(&form(&format!("ui_locales={many}"))).len(), MOST_UI_LOCALES);
    }

    #[test]
    fn the_error_names_the_malformed_parameter() {
        let long = "x".repeat(513);
        for (name, value) in [
            ("max_age", "-1"),
            ("max_age", "%2B1"),
            ("max_age", "1.5"),
            ("max_age", "soon"),
            ("max_age", "12345678901"),
            ("acr_values", "a%09b"),
            ("acr_values", "%C3%A9"),
            ("acr_values", &long),
            ("nonce", &long),
        ] {
            let form = form(&format!("{name}={value}"));
            let errors = [nonce(&form).err(), acr_values(&form).err(), max_age(&form).err()];
            let named: Vec<Error> = errors.into_iter().flatten().collect();
            assert!(matches!(named.as_slice(), [Error::Malformed(only)] if *only == name), "{name}={value}");
        }
    }
}
