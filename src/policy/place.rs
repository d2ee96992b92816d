//! Countries and regions, as rules name them.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The code of a country (ISO 3166-1), or one of two that stand for none.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// The country is not known.
    pub const UNKNOWN: Self = Self(*b"XX");
    /// What a country may look like, for errors.
    pub const ALLOWED: &str = "the code of a country in two capital letters such as \"DE\", or \"T1\" for Tor, or \"XX\" for an unknown country";

    /// Reads two capital letters, or `T1`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        (code.iter().all(u8::is_ascii_uppercase) || text == "T1").then_some(Self(code))
    }

    /// Returns the country that the platform names; [`Country::UNKNOWN`] if it names none.
    #[must_use]
    pub fn of(named: Option<&str>) -> Self {
        named.and_then(Self::parse).unwrap_or(Self::UNKNOWN)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl TryFrom<String> for Country {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(Self::ALLOWED)
    }
}

/// A state, province or similar. Written as in `US/Texas`: the country, and the name that the platform uses.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region {
    country: Country,
    name: String,
}

impl Region {
    /// What a region may look like, for errors.
    pub const ALLOWED: &str = "a country, a slash, and the name of a region there, such as \"US/Texas\"";
    const LONGEST: usize = 100;

    /// Reads a region; `None` for text of another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (country, name) = text.split_once('/')?;
        let country = Country::parse(country)?;
        let is_sound = name.chars().count() <= Self::LONGEST && crate::visible::check(name).is_ok();
        is_sound.then(|| Self { country, name: name.to_owned() })
    }

    /// Returns whether this is the region of a place.
    #[must_use]
    pub fn is(&self, country: Country, name: Option<&str>) -> bool {
        self.country == country && name == Some(&self.name)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        format!("{}/{}", region.country, region.name)
    }
}

impl TryFrom<String> for Region {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(Self::ALLOWED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_a_code_and_an_unknown_one_has_a_code_of_its_own() {
        assert_eq!(Country::of(Some("DE")).to_string(), "DE");
        for unknown in [None, Some(""), Some("de"), Some("DEU"), Some("D1"), Some("\u{c4}")] {
            assert_eq!(Country::of(unknown), Country::UNKNOWN);
        }
        assert!(Country::parse("T1").is_some() && Country::parse("T2").is_none());
    }

    #[test]
    fn a_region_belongs_to_its_country() {
        let region = Region::parse("US/Texas").unwrap();
        let us = Country::of(Some("US"));

        assert!(region.is(us, Some("Texas")));
        assert!(!region.is(us, Some("Utah")) && !region.is(us, None));
        assert!(!region.is(Country::of(Some("DE")), Some("Texas")));
        assert_eq!(String::from(region), "US/Texas");
        for bad in ["Texas", "us/Texas", "US/", "US/ Texas", "US/a\u{202e}b"] {
            assert_eq!(Region::parse(bad), None, "{bad:?}");
        }
    }
}
