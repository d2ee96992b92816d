//! Groups of accounts.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::source::{LOCAL, is_source};
use crate::order;
use crate::visible;

/// Longest full name, in characters.
pub const LONGEST: usize = 128;
/// The most groups that an account can have.
pub const MOST: usize = 200;

/// A group by its full name: where it comes from, a colon, and its name there, as in `local:developers`.
///
/// It decides by its full name alone, so a provider that is not trusted with everything cannot make an administrator by
/// calling a group of its own `administrators`.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Group {
    name: String,
    /// See [`Self::mark`].
    mark: u8,
}

impl Group {
    /// Reads a full name. Returns `None` if it has another form, is too long, or has characters that must not be shown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (source, name) = text.split_once(':')?;
        Self::of(source, name)
    }

    /// Returns the group that `source`, the identifier of a provider or [`LOCAL`], calls `name`.
    #[must_use]
    pub fn of(source: &str, name: &str) -> Option<Self> {
        let is_sized = source.len() + 1 + name.chars().count() <= LONGEST;
        let is_good = is_source(source) && is_sized && visible::check(name).is_ok();
        is_good.then(|| Self::named(format!("{source}:{name}")))
    }

    fn named(name: String) -> Self {
        let mark = mark(name.as_bytes());
        Self { name, mark }
    }

    /// Returns a number of the name, so that most other groups are told apart without their texts.
    pub(crate) const fn mark(&self) -> u8 {
        self.mark
    }

    /// Returns where the group comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        self.name.split_once(':').map_or(LOCAL, |(source, _)| source)
    }

    /// Returns the full name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

/// Depends on the length, and on what most names differ in: the middle and the end.
fn mark(name: &[u8]) -> u8 {
    let middle = name.get(name.len() / 2).copied().unwrap_or_default();
    let [.., before, last] = name else { return 0 };
    let [middle, before, last] = [middle, *before, *last].map(usize::from);
    let [mark, ..] = (5 * name.len() + 67 * middle + 7 * before + 61 * last).to_le_bytes();
    mark
}

/// Returns `before` with the groups of `source` replaced by `now`. Groups of other sources stay.
#[must_use]
pub fn replaced(before: &[Group], source: &str, now: impl IntoIterator<Item = Group>) -> Vec<Group> {
    let others = before.iter().filter(|group| group.source() != source).cloned();
    let mut groups: Vec<Group> =
        others.chain(now.into_iter().filter(|group| group.source() == source)).collect();
    order::sort(&mut groups);
    groups.dedup();
    groups
}

impl TryFrom<String> for Group {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(
            "a group is named by its source, a colon and its name there, such as local:staff, with at most 128 visible characters",
        )
    }
}

impl From<Group> for String {
    fn from(Group { name, .. }: Group) -> Self {
        name
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_a_source_and_a_name() {
        let group = Group::parse("corp:Team: One").unwrap();

        assert_eq!((group.source(), group.as_str()), ("corp", "corp:Team: One"));
        let long = format!("corp:{}", "x".repeat(LONGEST - 5));
        assert!(Group::parse(&long).is_some() && Group::parse(&format!("{long}x")).is_none());
        for text in ["", "staff", ":staff", "local:", "Corp:staff", "corp: staff", "corp:a\u{202e}b", "-a:b"]
        {
            assert_eq!(Group::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_provider_replaces_only_its_own_groups() {
        let groups =
            |names: &[&str]| names.iter().map(|name| Group::parse(name).unwrap()).collect::<Vec<_>>();
        let before = groups(&["corp:old", "local:administrators", "other:staff"]);

        let now = replaced(&before, "corp", groups(&["corp:new", "local:developers", "corp:new"]));

        assert_eq!(now, groups(&["corp:new", "local:administrators", "other:staff"]));
    }
}
