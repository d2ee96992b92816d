//! Distinguished names (RFC 4514), parsed for comparison.

use std::collections::BTreeSet;

use crate::order;

/// A distinguished name: its parts, the most specific first, each a set of attribute types and values.
///
/// Different spellings of a name are equal: escapes are decoded, and attribute types are case-insensitive.
/// Values are compared byte for byte.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DistinguishedName(Vec<BTreeSet<(String, Vec<u8>)>>);

impl DistinguishedName {
    /// Parses a name such as `CN=device 7,O=Example`; `None` if it is malformed or empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let part = |text| split(text, '+').map(attribute).collect::<Option<Vec<_>>>().map(order::set);
        split(text, ',').map(part).collect::<Option<_>>().map(Self)
    }
}

/// Splits `text` at every `at` that is not escaped.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |character| {
        let splits = character == at && !escaped;
        escaped = character == '\\' && !escaped;
        splits
    })
}

/// Parses `type=value` (RFC 4514 §3). Ignores leading white space, because many people write a space after
/// the comma.
fn attribute(text: &str) -> Option<(String, Vec<u8>)> {
    let (kind, value) = text.trim_start().split_once('=')?;
    let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let valid = !kind.is_empty() && kind.bytes().all(well_formed);
    Some((kind.to_ascii_lowercase(), unescape(value)?)).filter(|_| valid)
}

/// Decodes escapes (RFC 4514 §2.4): a backslash before a special character or before two hexadecimal digits.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut value = Vec::new();
    while let Some(byte) = bytes.next() {
        value.push(match byte {
            b'\\' => {
                let first = bytes.next()?;
                match digit(first) {
                    Some(high) => high << 4 | digit(bytes.next()?)?,
                    None => first,
                }
            }
            plain => plain,
        });
    }
    Some(value)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let name = DistinguishedName::parse(one);
        name.is_some() && name == DistinguishedName::parse(other)
    }

    #[test]
    fn spellings_of_one_name_are_equal() {
        for (one, other) in [
            ("CN=device,O=Example", "CN=device,O=Example"),
            ("CN=device,O=Example", "cn=device, o=Example"),
            ("CN=Zo\u{eb}", "CN=Zo\\C3\\AB"),
            ("CN=a\\,b", "CN=a\\2Cb"),
            ("CN=a+UID=7,O=b", "UID=7+CN=a,O=b"),
            ("CN=a\\\\,O=b", "CN=a\\5c,O=b"),
            ("2.5.4.3=a", " 2.5.4.3=a"),
            ("x-serial=a", "X-Serial=a"),
        ] {
            assert!(same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn different_and_malformed_names_are_not_equal() {
        for (one, other) in [
            ("CN=device,O=Example", "O=Example,CN=device"),
            ("CN=device,O=Example", "CN=device"),
            ("CN=device", "CN=Device"),
            ("CN=a\\,O=b", "CN=a,O=b"),
            ("CN=a,CN=b", "CN=a+CN=b"),
            ("CN=a", "OU=a"),
            ("", ""),
            ("device", "device"),
            ("=a", "=a"),
            ("C N=a", "C N=a"),
            ("CN=a\\", "CN=a\\"),
            ("CN=a\\4", "CN=a\\4"),
        ] {
            assert!(!same(one, other), "{one} and {other}");
        }
    }
}
