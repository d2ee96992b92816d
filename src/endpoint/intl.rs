//! What the runtime knows about languages (ECMA-402): plural rules, and the names and forms of places, times and lists.

use crate::language::Language;
use crate::time::Timestamp;

/// A plural category of CLDR. Each language uses some of them, and always `Other`.
#[expect(missing_docs, reason = "the names are those of CLDR")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Plural {
    Zero,
    One,
    Two,
    Few,
    Many,
    Other,
}

impl Plural {
    /// All categories.
    pub const ALL: [Self; 6] = [Self::Zero, Self::One, Self::Two, Self::Few, Self::Many, Self::Other];

    /// Returns the name, as `Intl.PluralRules` gives it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::One => "one",
            Self::Two => "two",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }
}

/// A unit of the time that has passed.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    Second,
    Minute,
}

/// The rules of languages. Results are plain text.
pub trait Intl {
    /// Returns the plural category of a number.
    fn plural(&self, language: Language, number: u64) -> Plural;

    /// Returns a number, such as `1,234`.
    fn number(&self, language: Language, number: u64) -> String;

    /// Returns the name of a country; `None` if no country has this two-letter code.
    fn country(&self, language: Language, code: &str) -> Option<String>;

    /// Returns the time of day with the name of its time zone, such as `14:03 GMT+1`. Without a zone, or with one that
    /// does not exist, it is in UTC.
    fn clock(&self, language: Language, at: Timestamp, zone: Option<&str>) -> String;

    /// Returns the day in the same zone, such as `November 27, 2026`.
    fn day(&self, language: Language, at: Timestamp, zone: Option<&str>) -> String;

    /// Returns how long ago something was, such as `2 minutes ago`.
    fn ago(&self, language: Language, number: u64, unit: Unit) -> String;

    /// Joins the items of a list, as in `a, b and c`. Changes nothing inside the items.
    fn list(&self, language: Language, items: &[String]) -> String;
}
