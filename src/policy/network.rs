//! Networks that a policy names: ranges of addresses, and autonomous systems.
//!
//! Addresses are not stored, so a condition cannot name a range itself. Where an address is at hand, the server finds
//! the names of the networks that it belongs to, and those can be stored.

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::Name;
use crate::network::canonical;

/// The number of an autonomous system. Written as in `AS64500`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Asn(pub u32);

impl Asn {
    /// Reads `AS` and a number without leading zeros; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_prefix("AS")?.parse().ok().map(Self)?;
        (number.to_string() == text).then_some(number)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AS{}", self.0)
    }
}

/// Addresses with the same first bits. Written as in `192.0.2.0/24` and `2001:db8::/32`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Range {
    first: IpAddr,
    bits: u8,
}

impl Range {
    /// Reads a range; `None` if the text is none, or has bits after the prefix, which would be a mistake.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (first, bits) = text.split_once('/').filter(|(_, bits)| !bits.starts_with('+'))?;
        let (first, bits) = (first.parse::<IpAddr>().ok()?, bits.parse().ok()?);
        let range = Self { first, bits };
        let has_no_rest = bits <= width(first) && value(first) == value(first) & range.mask();
        // Addresses are compared in this form, so a range of others would never match.
        let is_sound = has_no_rest && canonical(first) == first;
        is_sound.then_some(range)
    }

    /// Returns whether an address is in the range. An address of one family is never in a range of the other.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        width(address) == width(self.first) && value(address) & self.mask() == value(self.first)
    }

    /// Returns the bits that the addresses share.
    fn mask(self) -> u128 {
        let rest = u32::from(width(self.first).saturating_sub(self.bits));
        u128::MAX.checked_shl(rest).unwrap_or_default()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn value(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => address.into(),
    }
}

/// A part of a named network.
#[expect(missing_docs, reason = "the types of the members say what they are")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Part {
    Range(Range),
    System(Asn),
}

impl Part {
    /// What a part may look like, for errors.
    pub const ALLOWED: &str = "a range of addresses such as \"192.0.2.0/24\" or \"2001:db8::/32\", or a network such as \"AS64500\"";

    /// Reads a range or an autonomous system; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Range::parse(text).map(Self::Range).or_else(|| Asn::parse(text).map(Self::System))
    }

    fn has(self, address: Option<IpAddr>, asn: Option<u32>) -> bool {
        match self {
            Self::Range(range) => address.is_some_and(|address| range.has(address)),
            Self::System(Asn(number)) => asn == Some(number),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(range) => range.fmt(f),
            Self::System(asn) => asn.fmt(f),
        }
    }
}

/// Lets serde write a type as it displays, and read it as `parse` does.
macro_rules! as_text {
    ($($type:ident: $form:literal),*) => {$(
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or($form)
            }
        }
    )*};
}

as_text!(Asn: "not the number of a network", Range: "not a range of addresses", Part: "not a network");

/// The networks that a policy names.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Networks(pub BTreeMap<Name, Vec<Part>>);

impl Networks {
    /// Returns the names of the networks that a request comes from, sorted. `address` is the address that it came from,
    /// and `asn` the number of its network, if they are known.
    #[must_use]
    pub fn names(&self, address: Option<&str>, asn: Option<u32>) -> Vec<Name> {
        let address = address.and_then(|text| text.trim().parse().ok()).map(canonical);
        let has = |parts: &[Part]| parts.iter().any(|part| part.has(address, asn));
        self.0.iter().filter(|(_, parts)| has(parts)).map(|(name, _)| name.clone()).collect()
    }

    /// Returns whether there are no networks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(parts: &[(&str, &[&str])]) -> Networks {
        let part = |text: &&str| Part::parse(text).unwrap();
        let entry =
            |(name, parts): &(&str, &[&str])| (Name::parse(name).unwrap(), parts.iter().map(part).collect());
        Networks(parts.iter().map(entry).collect())
    }

    #[test]
    fn an_address_belongs_to_the_ranges_that_begin_like_it() {
        let networks = networks(&[
            ("all-v4", &["0.0.0.0/0"]),
            ("office", &["192.0.2.0/25", "2001:db8::/33"]),
            ("one", &["192.0.2.200/32", "2001:db8:8000::1/128"]),
            ("provider", &["AS64500"]),
        ]);
        let names = |address, asn| {
            networks.names(address, asn).iter().map(Name::to_string).collect::<Vec<_>>().join(" ")
        };

        assert_eq!(names(Some("192.0.2.127"), None), "all-v4 office");
        assert_eq!(names(Some("192.0.2.128"), Some(64_500)), "all-v4 provider");
        assert_eq!(names(Some("192.0.2.200"), Some(64_501)), "all-v4 one");
        assert_eq!(names(Some("::ffff:192.0.2.200"), None), "all-v4 one", "the same address");
        assert_eq!(names(Some("2001:db8:7fff::1"), None), "office");
        assert_eq!(names(Some("2001:db8:8000::1"), None), "one");
        assert_eq!(names(Some("2001:db9::1"), None), "");
        assert_eq!(names(None, Some(64_500)), "provider");
        assert_eq!(names(Some("nonsense"), None), "");
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is_read() {
        for good in ["0.0.0.0/0", "192.0.2.0/24", "2001:db8::/32", "::/0", "AS64500", "AS4294967295"] {
            assert_eq!(Part::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "192.0.2.7",
            "192.0.2.7/24",
            "192.0.2.0/33",
            "2001:db8::1/32",
            "2001:db8::/129",
            "64500",
            "AS",
            "AS064500",
            "AS-1",
            "AS4294967296",
            "as64500",
            "192.0.2.0/+24",
            "::ffff:192.0.2.0/120",
        ] {
            assert_eq!(Part::parse(bad), None, "{bad:?}");
        }
    }
}
