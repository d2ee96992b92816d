//! The network of a request, as counters know it: all prefixes of its address that are counted.
//!
//! One limit per address stops nobody who has many addresses. So every counter of a network counts several
//! prefixes at once, with limits that grow slower than the prefixes do. Decision 33 has the numbers.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The width of a prefix that is counted. Displays as in `/48`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Width {
    /// An IPv6 /48: an organization, or 256 households.
    Site,
    /// An IPv6 /56: a household, or 256 phones.
    Household,
    /// An IPv6 /64: one local network, or a phone.
    Subnet,
    /// An IPv4 /24: the smallest block that is routed on the internet.
    Block,
    /// An IPv4 address.
    Address,
    /// No address is known.
    Unknown,
}

impl Width {
    const ALL: [Self; 6] =
        [Self::Site, Self::Household, Self::Subnet, Self::Block, Self::Address, Self::Unknown];

    /// Returns the length of the prefix in bits; 0 if no address is known.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Site => 48,
            Self::Household => 56,
            Self::Subnet => 64,
            Self::Block => 24,
            Self::Address => 32,
            Self::Unknown => 0,
        }
    }

    /// Returns how many times the limit of the narrowest prefix applies to this one.
    #[must_use]
    pub const fn factor(self) -> u64 {
        match self {
            Self::Site | Self::Block => WIDEST_FACTOR,
            Self::Household => 2,
            Self::Subnet | Self::Address | Self::Unknown => 1,
        }
    }
}

/// The [factor](Width::factor) of the widest prefix.
pub const WIDEST_FACTOR: u64 = 4;

impl From<Width> for u8 {
    fn from(width: Width) -> Self {
        width.bits()
    }
}

impl TryFrom<u8> for Width {
    type Error = &'static str;

    fn try_from(bits: u8) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().find(|width| width.bits() == bits).ok_or("no prefix of this length is counted")
    }
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.bits())
    }
}

/// A prefix of an address. Displays as `48.` and the name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Prefix {
    /// How wide the prefix is.
    pub width: Width,
    /// The pseudonym of the prefix: base64url.
    name: String,
}

impl Prefix {
    /// What a prefix may look like when people write it, for errors.
    pub const ALLOWED: &str = "an address such as \"192.0.2.7\", or a prefix that is counted: a /24 (IPv4), or a /48, /56 or /64 (IPv6)";

    /// Reads an address, which stands for its narrowest prefix, or one of the prefixes that are counted; `None` for anything
    /// else, such as a prefix with bits after its length.
    pub fn of_written(text: &str, pseudonym: impl Fn(&str) -> String) -> Option<Self> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let ip: IpAddr = address.parse().ok()?;
        let plain = Network::of(Some(address), str::to_owned);
        let found = match bits {
            None => plain.prefixes().last(),
            Some(bits) => plain.prefixes().find(|prefix| prefix.width.bits().to_string() == bits),
        }?;
        let first: IpAddr = found.name.split('/').next()?.parse().ok()?;
        (bits.is_none() || first == ip).then(|| Self { width: found.width, name: pseudonym(&found.name) })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.width.bits(), self.name)
    }
}

impl FromStr for Prefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (bits, name) = text.split_once('.').ok_or("a prefix is a length and a name")?;
        let bits: u8 = bits.parse().map_err(|_| "the length of a prefix is a number")?;
        Ok(Self { width: Width::try_from(bits)?, name: name.to_owned() })
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

impl TryFrom<String> for Prefix {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The prefixes of an address that are counted, under pseudonyms. Displays as the prefixes, widest first,
/// separated by `/`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Network {
    widest: Prefix,
    /// The other prefixes, each within the one before it.
    narrower: Vec<Prefix>,
}

impl Network {
    /// Returns the network of an address, with the names that `pseudonym` gives to its prefixes.
    ///
    /// An IPv6 address that stands for an IPv4 address counts as that one: mapped (`::ffff:0:0/96`), from a
    /// NAT64 (`64:ff9b::/96`, RFC 6052 §2.1), from 6to4 (`2002::/16`, RFC 3056) or from Teredo
    /// (`2001::/32`, RFC 4380 §4). Otherwise, an IPv4 address would be worth a /48 by 6to4, and all users of
    /// a Teredo server would be one /64.
    #[must_use]
    pub fn of(address: Option<&str>, pseudonym: impl Fn(&str) -> String) -> Self {
        let name = |width, text: &str| Prefix { width, name: pseudonym(text) };
        match address.and_then(|text| text.trim().parse::<IpAddr>().ok()).map(canonical) {
            Some(IpAddr::V4(ip)) => {
                let [a, b, c, _] = ip.octets();
                Self {
                    widest: name(Width::Block, &format!("{a}.{b}.{c}.0/24")),
                    narrower: vec![name(Width::Address, &ip.to_string())],
                }
            }
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                let household = d & 0xff00;
                Self {
                    widest: name(Width::Site, &format!("{a:x}:{b:x}:{c:x}::/48")),
                    narrower: vec![
                        name(Width::Household, &format!("{a:x}:{b:x}:{c:x}:{household:x}::/56")),
                        name(Width::Subnet, &format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")),
                    ],
                }
            }
            None => Self { widest: name(Width::Unknown, "unknown"), narrower: Vec::new() },
        }
    }

    /// Returns the widest prefix. Its name selects the row that counts the whole network.
    #[must_use]
    pub const fn widest(&self) -> &Prefix {
        &self.widest
    }

    /// Returns what one subscriber has: an IPv4 address or an IPv6 /56.
    #[must_use]
    pub fn subscriber(&self) -> &Prefix {
        self.narrower.first().unwrap_or(&self.widest)
    }

    /// Returns all prefixes, widest first.
    pub fn prefixes(&self) -> impl Iterator<Item = &Prefix> {
        core::iter::once(&self.widest).chain(&self.narrower)
    }

    /// Returns whether this network lies within `prefix`.
    #[must_use]
    pub fn is_within(&self, prefix: &Prefix) -> bool {
        self.prefixes().any(|own| own == prefix)
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::of(None, str::to_owned)
    }
}

/// Returns the address that counts: the IPv4 address that an IPv6 address stands for, or else the address itself.
#[must_use]
pub fn canonical(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => embedded(ip).map_or(IpAddr::V6(ip), IpAddr::V4),
        ip @ IpAddr::V4(_) => ip,
    }
}

/// Returns the IPv4 address that an address of a transition mechanism contains.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        [0x2002, high, low, ..] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        // Teredo inverts the bits of the client's address.
        [0x2001, 0, .., high, low] => Some(join(!high, !low)),
        _ => None,
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.widest)?;
        self.narrower.iter().try_for_each(|prefix| write!(f, "/{prefix}"))
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut prefixes = text.split('/').map(Prefix::from_str);
        let widest = prefixes.next().ok_or("a network has a prefix").flatten().map_err(de::Error::custom)?;
        let narrower = prefixes.collect::<Result<_, _>>().map_err(de::Error::custom)?;
        Ok(Self { widest, narrower })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Network {
        Network::of(Some(address), |text| text.replace(['/', '.'], "_"))
    }

    #[test]
    fn an_ipv6_address_is_counted_by_three_prefixes_and_an_ipv4_address_by_two() {
        let one = of("2001:db8:1:203:4:5:6:7");

        assert_eq!(one.to_string(), "48.2001:db8:1::_48/56.2001:db8:1:200::_56/64.2001:db8:1:203::_64");
        assert_eq!(one, of("2001:db8:1:203::ffff"), "a device has all addresses of its /64");
        assert!(of("2001:db8:1:2ff::1").is_within(one.subscriber()), "the same household");
        assert!(!of("2001:db8:1:300::1").is_within(one.subscriber()));
        assert!(of("2001:db8:1:300::1").is_within(one.widest()), "the same site");
        assert!(!of("2001:db8:2::1").is_within(one.widest()));
        assert_eq!(of("192.0.2.7").to_string(), "24.192_0_2_0_24/32.192_0_2_7");
        assert_eq!(of("nonsense"), Network::of(None, str::to_owned));
    }

    #[test]
    fn an_address_that_stands_for_an_ipv4_address_counts_as_that_one() {
        let plain = of("192.0.2.7");

        for other in [
            "::ffff:192.0.2.7",
            "64:ff9b::192.0.2.7",
            "2002:c000:207::1",
            "2002:c000:207:ffff::1",
            "2001:0:c633:6401:0:ffff:3fff:fdf8",
        ] {
            assert_eq!(of(other), plain, "{other}");
        }
        assert_ne!(of("64:ff9b:1::192.0.2.7"), plain, "only the well-known prefix says what it contains");
    }

    #[test]
    fn an_address_or_a_prefix_that_is_counted_is_read_and_nothing_else() {
        let read = |text: &str| Prefix::of_written(text, str::to_owned).map(|prefix| prefix.to_string());
        for (text, expected) in [
            ("192.0.2.7", "32.192.0.2.7"),
            ("192.0.2.7/32", "32.192.0.2.7"),
            ("192.0.2.0/24", "24.192.0.2.0/24"),
            ("::ffff:192.0.2.7", "32.192.0.2.7"),
            ("2001:db8:1:203::7", "64.2001:db8:1:203::/64"),
            ("2001:db8:1:200::/56", "56.2001:db8:1:200::/56"),
            ("2001:db8:1::/48", "48.2001:db8:1::/48"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for bad in [
            "",
            "unknown",
            "192.0.2.7/24",
            "192.0.0.0/16",
            "2001:db8:1:203::/56",
            "2001:db8::/32",
            "192.0.2.0/",
            " 192.0.2.7",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let one = of("2001:db8:1:203::7");
        let household =
            Prefix::of_written("2001:db8:1:200::/56", |text| text.replace(['/', '.'], "_")).unwrap();
        assert!(one.is_within(&household));
    }

    #[test]
    fn a_network_is_read_back_as_it_was_written() {
        for address in ["2001:db8::1", "192.0.2.7", "unknown"] {
            let network = Network::of(Some(address), |text| format!("n{}", text.len()));
            let text = serde_json::to_string(&network).unwrap();
            assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
        }
        for bad in ["\"\"", "\"47.abc\"", "\"48\"", "\"x.abc\""] {
            assert!(serde_json::from_str::<Network>(bad).is_err(), "{bad}");
        }
    }
}
