//! The inventory: which devices there are, and whose they are (RFC 10027 §6.1.17).
//!
//! `docs/binding.md` says how people and devices use it.

use core::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;

/// The most accounts, and the most groups, of an entry.
pub const MOST_OWNERS: usize = 50;
/// How many of the last characters a person types.
const TAIL: usize = 4;
/// Longest identifier, in characters, as it is written and as it is compared.
const LONGEST: usize = 64;

/// What a device is called, such as its serial number: 8 to 64 letters and digits. It is compared without what people and
/// programs write differently: case, spaces and `-`, `_`, `.`, `:` and `/` do not count, so `sn-00 42:ab/17` is `SN0042AB17`.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identifier(String);

impl Identifier {
    /// What an identifier may look like, for errors.
    pub const ALLOWED: &'static str =
        "8 to 64 letters and digits, between which spaces and - _ . : / do not count";
    /// Shortest identifier, in letters and digits. Whoever knows the last four must not know most of it.
    const SHORTEST: usize = 8;

    /// Reads an identifier; `None` for text of another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let compared = compared(text)?;
        (compared.len() >= Self::SHORTEST).then_some(Self(compared))
    }

    /// Returns the identifier as it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether somebody has typed four letters or digits.
    #[must_use]
    pub fn is_end(typed: &str) -> bool {
        compared(typed).is_some_and(|typed| typed.len() == TAIL)
    }

    /// Returns whether the identifier ends in what somebody has typed, which has to be four letters or digits.
    #[must_use]
    pub fn ends_in(&self, typed: &str) -> bool {
        let (start, typed) = (self.0.len().saturating_sub(TAIL), compared(typed).unwrap_or_default());
        let tail = self.0.as_bytes().get(start..).unwrap_or_default();
        bool::from(tail.ct_eq(typed.as_bytes()))
    }
}

/// Returns a text as it is compared; `None` if it has characters that no identifier has.
fn compared(text: &str) -> Option<String> {
    let counts = |symbol: &char| !matches!(symbol, ' ' | '-' | '_' | '.' | ':' | '/');
    let upper = |symbol: char| symbol.is_ascii_alphanumeric().then(|| symbol.to_ascii_uppercase());
    text.chars().filter(counts).map(upper).collect()
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Identifier {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(Self::ALLOWED)
    }
}

impl From<Identifier> for String {
    fn from(identifier: Identifier) -> Self {
        identifier.0
    }
}

/// A device, and whose it is.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    pub format: Format<1>,
    pub identifier: Identifier,
    /// The accounts that may approve it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountKey>,
    /// The groups whose members may approve it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// For administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Entry {
    /// Returns whether the device is assigned to a person with this account and these groups.
    #[must_use]
    pub fn is_of(&self, account: &AccountKey, groups: &[Group]) -> bool {
        self.accounts.contains(account) || self.groups.iter().any(|group| groups.contains(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_dashes_do_not_count() {
        let one = Identifier::parse("SN0042AB17").unwrap();
        for text in ["sn-00 42:ab/17", " SN_0042.ab17 ", "s-n-0-0-4-2-a-b-1-7"] {
            assert_eq!(Identifier::parse(text).as_ref(), Some(&one), "{text}");
        }
        let long = "a".repeat(65);
        for text in ["", "SN0042A", "SN-00-42-A", "SN0042AB17#", "SN0042ÄB17", "SN0042\tAB17", &long] {
            assert_eq!(Identifier::parse(text), None, "{text}");
        }
        assert!(serde_json::from_str::<Identifier>("\"short\"").is_err());
    }

    #[test]
    fn the_last_four_characters_are_compared_as_people_type_them() {
        let one = Identifier::parse("SN0042AB17").unwrap();
        for typed in ["AB17", "ab17", " ab-17 ", "A B 1 7"] {
            assert!(one.ends_in(typed), "{typed}");
        }
        for typed in ["", "B17", "2AB17", "SN0042AB17", "AB18", "аb17", "17AB"] {
            assert!(!one.ends_in(typed), "{typed}");
        }
    }

    #[test]
    fn a_device_is_that_of_its_accounts_and_groups() {
        let (alice, bob) = (AccountKey::local("alice"), AccountKey::local("bob"));
        let group = |name: &str| Group::parse(name).unwrap();
        let entry = Entry {
            format: Format,
            identifier: Identifier::parse("SN0042AB17").unwrap(),
            accounts: vec![alice.clone()],
            groups: vec![group("local:staff")],
            note: None,
        };

        assert!(entry.is_of(&alice, &[]) && entry.is_of(&bob, &[group("local:staff")]));
        assert!(!entry.is_of(&bob, &[]) && !entry.is_of(&bob, &[group("corp:staff")]));
    }
}
