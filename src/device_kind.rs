//! Kinds of devices, as the `User-Agent` of a request tells them.

use core::fmt;
use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A kind of device, with the name of the product or platform.
///
/// The header is the device's own claim, so the kind is shown as a hint, and decides nothing unless a rule of the policy
/// says so. Records and events have its name in English, such as `Command line (curl)`.
#[expect(missing_docs, reason = "the names of the other variants say it all")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DeviceKind {
    #[default]
    Unknown,
    /// A product whose name says what it is, in every language.
    Product(&'static str),
    Console(&'static str),
    Television(&'static str),
    /// A television of a maker whose other devices claim the same.
    TelevisionOrDevice(&'static str),
    SmartTelevision,
    Printer,
    CommandLine(&'static str),
    App(&'static str),
    PhoneOrTablet(&'static str),
    Computer(&'static str),
    /// The example program of this project.
    Example,
}

impl DeviceKind {
    /// Returns the kind of device behind a `User-Agent`.
    #[must_use]
    pub fn of(user_agent: Option<&str>) -> Self {
        let agent = user_agent.unwrap_or_default();
        let known = KINDS.iter().find(|(token, _)| agent.contains(token));
        known.map(|(_, kind)| *kind).unwrap_or_default()
    }
}

/// What a rule can say about the kind of a device.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceClass {
    #[default]
    Unknown,
    Television,
    Console,
    Printer,
    CommandLine,
    App,
    PhoneOrTablet,
    Computer,
}

impl DeviceClass {
    /// Every class, with the word for it in a rule.
    pub const ALL: [(&str, Self); 8] = [
        ("television", Self::Television),
        ("console", Self::Console),
        ("printer", Self::Printer),
        ("command_line", Self::CommandLine),
        ("app", Self::App),
        ("phone_or_tablet", Self::PhoneOrTablet),
        ("computer", Self::Computer),
        ("unknown", Self::Unknown),
    ];
}

impl From<DeviceKind> for DeviceClass {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Product("iPhone" | "iPad") | DeviceKind::PhoneOrTablet(_) => Self::PhoneOrTablet,
            DeviceKind::Product("Chromebook" | "Mac") | DeviceKind::Computer(_) => Self::Computer,
            DeviceKind::Product(_)
            | DeviceKind::Television(_)
            | DeviceKind::TelevisionOrDevice(_)
            | DeviceKind::SmartTelevision => Self::Television,
            DeviceKind::Console(_) => Self::Console,
            DeviceKind::Printer => Self::Printer,
            DeviceKind::CommandLine(_) | DeviceKind::Example => Self::CommandLine,
            DeviceKind::App(_) => Self::App,
            DeviceKind::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("Unknown device"),
            Self::Product(product) => f.write_str(product),
            Self::Console(product) => write!(f, "{product} console"),
            Self::Television(maker) => write!(f, "{maker} TV"),
            Self::TelevisionOrDevice(maker) => write!(f, "{maker} TV or device"),
            Self::SmartTelevision => f.write_str("Smart TV"),
            Self::Printer => f.write_str("Printer"),
            Self::CommandLine(program) => write!(f, "Command line ({program})"),
            Self::App(platform) => write!(f, "App ({platform})"),
            Self::PhoneOrTablet(platform) => write!(f, "{platform} phone or tablet"),
            Self::Computer(platform) => write!(f, "{platform} computer"),
            Self::Example => f.write_str("device-grant's own example"),
        }
    }
}

impl Serialize for DeviceKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        let known = KINDS.iter().map(|(_, kind)| *kind).find(|kind| kind.to_string() == name);
        Ok(known.unwrap_or_default())
    }
}

/// The first match wins. Televisions and consoles come first, because they also claim to be browsers.
const KINDS: &[(&str, DeviceKind)] = &[
    ("PlayStation", DeviceKind::Console("PlayStation")),
    ("Xbox", DeviceKind::Console("Xbox")),
    ("Nintendo", DeviceKind::Console("Nintendo")),
    ("Apple TV", DeviceKind::Product("Apple TV")),
    ("AppleTV", DeviceKind::Product("Apple TV")),
    ("Roku", DeviceKind::Television("Roku")),
    ("Tizen", DeviceKind::TelevisionOrDevice("Samsung")),
    ("Web0S", DeviceKind::Television("LG")),
    ("webOS", DeviceKind::Television("LG")),
    ("BRAVIA", DeviceKind::Television("Sony")),
    ("AFT", DeviceKind::Product("Fire TV")),
    ("CrKey", DeviceKind::Product("Chromecast")),
    ("Android TV", DeviceKind::Product("Android TV")),
    ("SMART-TV", DeviceKind::SmartTelevision),
    ("SmartTV", DeviceKind::SmartTelevision),
    ("HbbTV", DeviceKind::SmartTelevision),
    ("ipp/", DeviceKind::Printer),
    ("CUPS", DeviceKind::Printer),
    ("curl/", DeviceKind::CommandLine("curl")),
    ("Wget/", DeviceKind::CommandLine("Wget")),
    ("git/", DeviceKind::CommandLine("Git")),
    ("aws-cli", DeviceKind::CommandLine("AWS CLI")),
    ("python", DeviceKind::CommandLine("Python")),
    ("Python", DeviceKind::CommandLine("Python")),
    ("Go-http-client", DeviceKind::CommandLine("Go")),
    ("okhttp", DeviceKind::App("Android, Java")),
    ("Java/", DeviceKind::App("Java")),
    ("node", DeviceKind::CommandLine("Node.js")),
    ("undici", DeviceKind::CommandLine("Node.js")),
    ("openid-client", DeviceKind::CommandLine("Node.js")),
    ("oauth4webapi", DeviceKind::CommandLine("Node.js")),
    ("Deno/", DeviceKind::CommandLine("Deno")),
    ("reqwest", DeviceKind::CommandLine("Rust")),
    ("device-grant", DeviceKind::Example),
    ("iPhone", DeviceKind::Product("iPhone")),
    ("iPad", DeviceKind::Product("iPad")),
    ("Android", DeviceKind::PhoneOrTablet("Android")),
    ("Windows", DeviceKind::Computer("Windows")),
    ("CrOS", DeviceKind::Product("Chromebook")),
    ("Macintosh", DeviceKind::Product("Mac")),
    ("Linux", DeviceKind::Computer("Linux")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_television_that_claims_to_be_a_browser_is_a_television() {
        let agent = "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0 Safari/537.36";

        assert_eq!(DeviceKind::of(Some(agent)), DeviceKind::TelevisionOrDevice("Samsung"));
        assert_eq!(DeviceKind::of(None), DeviceKind::Unknown);
    }

    #[test]
    fn every_product_has_a_class() {
        let class = |agent| DeviceClass::from(DeviceKind::of(Some(agent)));

        for (products, expected) in [
            (["AppleTV", "AFT", "CrKey", "Android TV"], DeviceClass::Television),
            (["iPhone", "iPad", "Android", "iPhone"], DeviceClass::PhoneOrTablet),
            (["CrOS", "Macintosh", "Windows", "Linux"], DeviceClass::Computer),
        ] {
            for product in products {
                assert_eq!(class(product), expected, "{product}");
            }
        }
        let products = KINDS.iter().filter(|(_, kind)| matches!(kind, DeviceKind::Product(_)));
        assert_eq!(products.count(), 9, "a new product needs a class");
        for (word, class) in DeviceClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), word);
        }
    }

    #[test]
    fn a_record_has_the_name_in_english() {
        for (token, kind) in KINDS {
            let text = serde_json::to_string(kind).unwrap();
            assert_eq!(serde_json::from_str::<DeviceKind>(&text).unwrap(), *kind, "{token}");
        }
        assert_eq!(
            serde_json::to_string(&DeviceKind::CommandLine("curl")).unwrap(),
            r#""Command line (curl)""#
        );
        assert_eq!(serde_json::from_str::<DeviceKind>(r#""Toaster""#).unwrap(), DeviceKind::Unknown);
    }
}
