//! Names that operators give to rules, exceptions, kill switches and networks.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What a name may look like, for errors.
pub const ALLOWED: &str =
    "1 to 64 lower-case letters, digits and hyphens, beginning with a letter or digit, such as \"staff-cli\"";
const LONGEST: usize = 64;

/// A name of 1 to 64 lower-case letters, digits and hyphens that begins with a letter or digit.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Reads a name; `None` for text of another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_sound =
            text.bytes().all(plain) && !text.starts_with('-') && (1..=LONGEST).contains(&text.len());
        is_sound.then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(ALLOWED)
    }
}

impl From<Name> for String {
    fn from(Name(text): Name) -> Self {
        text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["a", "7", "staff-cli", &"a".repeat(64)] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "Staff", "a b", "a_b", "\u{e9}", &"a".repeat(65)] {
            assert_eq!(Name::parse(bad), None, "{bad:?}");
        }
    }
}
