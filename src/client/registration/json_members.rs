//! Takes the members of a JSON object one by one, and collects every fault instead of stopping at the first.

use core::fmt;
use core::net::Ipv6Addr;
use core::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::token::resource::is_resource;
use crate::token::signing_key::Algorithm;
use crate::visible;

/// Longest quotation of a value in a fault, in characters.
const SHOWN: usize = 80;

/// The members of an object that have not been taken yet, and the faults found so far.
pub struct Members {
    left: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Members {
    /// Starts with all members of an object and no faults.
    #[must_use]
    pub const fn of(members: Map<String, Value>) -> Self {
        Self { left: members, faults: Vec::new() }
    }

    /// Adds a fault in the member `name`.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.faults.push(Fault::at(name, detail));
    }

    /// Adds several faults.
    pub fn refuse_all(&mut self, faults: Vec<Fault>) {
        self.faults.extend(faults);
    }

    /// Returns whether there is a fault in the member `name`, at any depth.
    #[must_use]
    pub fn is_refused(&self, name: &str) -> bool {
        let pointer = Fault::at(name, "").pointer;
        let is_of = |fault: &Fault| {
            fault.pointer.strip_prefix(&pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.faults.iter().any(is_of)
    }

    /// Returns whether a member has not been taken yet and is not `null`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(|value| !value.is_null())
    }

    /// Returns whether a member has not been taken yet and is the string `text`.
    #[must_use]
    pub fn is(&self, name: &str, text: &str) -> bool {
        self.left.get(name).and_then(Value::as_str) == Some(text)
    }

    /// Returns whether a member has not been taken yet and is a string.
    #[must_use]
    pub fn is_text(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(Value::is_string)
    }

    /// Takes a member; `null` counts as absent (RFC 7592 §2.2).
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a string for which `fits` returns true. For any other value, adds a fault that says what is
    /// `allowed`.
    pub fn text(&mut self, name: &str, allowed: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        let value = self.take(name)?;
        match value.as_str().filter(|text| fits(text)) {
            Some(text) => Some(text.to_owned()),
            None => self.refuse_value(name, &value, allowed),
        }
    }

    /// Takes a text that people will see, of at most `longest` characters. The fault names the character that
    /// must not be shown, and its position.
    pub fn visible(&mut self, name: &str, longest: usize) -> Option<String> {
        let value = self.take(name)?;
        let allowed = format!("a string of 1 to {longest} visible characters");
        let Some(text) = value.as_str() else { return self.refuse_value(name, &value, &allowed) };
        if text.chars().count() > longest {
            return self.refuse_value(name, &value, &allowed);
        }
        match visible::check(text) {
            Ok(()) => Some(text.to_owned()),
            Err(flaw) => {
                self.refuse(name, format!("{name} {flaw}: it must be {allowed}"));
                None
            }
        }
    }

    /// Takes `true` or `false`; `None` if the member is absent or faulty.
    pub fn optional_flag(&mut self, name: &str) -> Option<bool> {
        let value = self.take(name)?;
        value.as_bool().or_else(|| self.refuse_value(name, &value, "true or false"))
    }

    /// Takes `true` or `false`; returns `default` if the member is absent or faulty.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        self.optional_flag(name).unwrap_or(default)
    }

    /// Takes a whole number within `range`.
    pub fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(name)?;
        let number = whole(&value).filter(|number| range.contains(number));
        number.or_else(|| {
            let allowed = format!("a whole number from {} to {}", range.start(), range.end());
            self.refuse_value(name, &value, &allowed)
        })
    }

    /// Takes one of the strings in `choices` and returns what it stands for.
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.take(name)?;
        let chosen = choices.iter().find(|(word, _)| value.as_str() == Some(word));
        chosen.map(|(_, choice)| *choice).or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.refuse_value(name, &value, &format!("one of {}", words.join(", ")))
        })
    }

    /// Takes the name of a signature algorithm.
    pub fn algorithm(&mut self, name: &str) -> Option<Algorithm> {
        self.choice(name, &Algorithm::ALL.map(|alg| (alg.name(), alg)))
    }

    /// Takes a list of at most `most` different strings for which `fits` returns true. For any other entry,
    /// adds a fault that says what is `allowed`.
    pub fn texts(
        &mut self,
        name: &str,
        most: usize,
        allowed: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Option<Vec<String>> {
        self.parsed(name, most, allowed, |text| if fits(text) { Ok(text.to_owned()) } else { Err(allowed) })
    }

    /// Takes a list of at most `most` different strings that `parse` reads. For any other string, adds a fault that
    /// says what `parse` expects; for a value that is not a string, one that says what is `allowed`.
    pub fn parsed<T: PartialEq, E: fmt::Display>(
        &mut self,
        name: &str,
        most: usize,
        allowed: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let value = self.take(name)?;
        let Value::Array(items) = &value else {
            return self.refuse_value(name, &value, "a list of strings");
        };
        if items.len() > most {
            self.refuse(name, format!("{name} has {} entries: at most {most} are allowed", items.len()));
            return None;
        }
        let mut all = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_str().map(&parse) {
                Some(Ok(one)) if all.contains(&one) => {
                    self.refuse_item(name, index, item, "listed only once");
                }
                Some(Ok(one)) => all.push(one),
                Some(Err(expected)) => self.refuse_item(name, index, item, &expected.to_string()),
                None => self.refuse_item(name, index, item, allowed),
            }
        }
        Some(all)
    }

    /// Returns the faults. If `is_complete`, each member that was not taken is a fault as well.
    #[must_use]
    pub fn finish(mut self, is_complete: bool) -> Vec<Fault> {
        if is_complete {
            // The value is not quoted: under a misspelled name, it could be a secret.
            let unknown = |name: &String| Fault::at(name, format!("unknown member {name:?}"));
            self.faults.extend(self.left.keys().map(unknown));
        }
        self.faults
    }

    /// Adds the fault that a member's value is not `allowed`; always returns `None`.
    pub fn refuse_value<T>(&mut self, name: &str, value: &Value, allowed: &str) -> Option<T> {
        self.refuse(name, format!("{name} is {}: it must be {allowed}", shown(value)));
        None
    }

    fn refuse_item(&mut self, name: &str, index: usize, value: &Value, allowed: &str) {
        let detail = format!("{name} has {}: each entry must be {allowed}", shown(value));
        self.faults.push(Fault::at_item(name, index, detail));
    }
}

/// Returns a number without a fraction; `47.0` is one, as it is in JSON Schema.
fn whole(value: &Value) -> Option<u64> {
    // Rust prints such a number without its point, and a large one without an exponent.
    let spelled = || value.as_f64().filter(|number| number.fract() == 0.0)?.to_string().parse().ok();
    value.as_u64().or_else(spelled)
}

/// Quotes a value in a fault: as JSON, cut after [`SHOWN`] characters, with invisible characters escaped.
fn shown(value: &Value) -> String {
    let text = visible::escaped(&value.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Returns whether `text` is a web address: https, or http on loopback, without user name or fragment.
#[must_use]
pub fn is_web_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let secure = scheme == "https" || scheme == "http" && crate::loopback::is_loopback(authority);
    secure && is_authority(authority) && is_resource(text)
}

/// Returns whether `text` is a host name or an IP address, optionally with a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let named = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    named && port.is_none_or(is_port)
}

fn is_host_name(text: &str) -> bool {
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    begins_well && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_address_is_https_or_on_loopback() {
        for good in [
            "https://tv.example",
            "https://tv.example:8443/a?b=c",
            "http://127.0.0.1:3000/",
            "http://[::1]/x",
        ] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in [
            "http://tv.example",
            "https://",
            "https:///x",
            "https://user@tv.example",
            "https://tv.example/#top",
            "https://tv.example/a b",
            "https://tv.example/<script>",
            "javascript:alert(1)",
            "ftp://tv.example",
            "tv.example",
            "http://127.0.0.1.example.com",
            "https://[",
            "https://[::1",
            "https://[tv]/",
            "https://tv.example:",
            "https://tv.example:65536",
            "https://tv.example:+80",
            "https://a:b@tv.example",
            "https://tv!.example",
        ] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let number = |text: &str| whole(&serde_json::from_str(text).unwrap());
        assert_eq!((number("47"), number("47.0"), number("4.7e1")), (Some(47), Some(47), Some(47)));
        for bad in ["47.5", "-47", "-47.0", "1e300", "\"47\"", "true"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_long_value_is_cut_at_a_character() {
        let text = shown(&Value::String("é".repeat(200)));

        assert_eq!(text.chars().count(), SHOWN + 1);
        assert!(text.ends_with('…'));
    }
}
