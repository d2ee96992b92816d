//! Where a request came from: the place that pages show to people, which never includes an IP address.

use core::ops::Deref;
use std::cell::LazyCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::visible;
use crate::web_origin::WebOrigin;

/// Longest part of a place or network that is shown, in characters.
const LONGEST_NAME: usize = 64;

/// What the edge knows about the origin of a request. An unknown field is `None`; nothing is guessed.
#[expect(missing_docs, reason = "the name of the other field says it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Place {
    /// Two-letter code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// State, province or similar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The operator of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Autonomous system number of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Three-letter code of the data center that received the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colo: Option<String>,
}

impl Place {
    /// Returns a name such as `Lyon, Auvergne-Rhône-Alpes, FR`, or as much of it as is known.
    #[must_use]
    pub fn name(&self) -> String {
        let parts = [&self.city, &self.region, &self.country];
        let known: Vec<String> = parts.into_iter().flatten().filter_map(|part| shown(part)).collect();
        if known.is_empty() { "Unknown place".to_owned() } else { known.join(", ") }
    }

    /// Returns whether both countries are known and the same.
    #[must_use]
    pub fn is_in_country_of(&self, other: &Self) -> bool {
        self.country.is_some() && self.country == other.country
    }

    /// Returns whether both networks are known and the same. Compares their operators (AS numbers), because a
    /// device may use IPv4 for one request and IPv6 for the next.
    #[must_use]
    pub fn is_in_network_of(&self, other: &Self) -> bool {
        self.asn.is_some() && self.asn == other.asn
    }

    /// Returns whether both places are known and have the same name.
    fn is_at(&self, other: &Self) -> bool {
        let town = |place: &Self| (place.region.clone(), place.city.clone());
        self.is_in_country_of(other) && town(self) == town(other)
    }

    /// Returns a name such as `Example Telecom (AS64500)`, or as much of it as is known.
    #[must_use]
    pub fn network(&self) -> String {
        match (self.operator.as_deref().and_then(shown), self.asn) {
            (Some(operator), Some(asn)) => format!("{operator} (AS{asn})"),
            (Some(operator), None) => operator,
            (None, Some(asn)) => format!("AS{asn}"),
            (None, None) => "Unknown network".to_owned(),
        }
    }
}

/// Returns what of a name can be shown. Names of places and operators come from the registries of the internet,
/// where their owners write them.
fn shown(name: &str) -> Option<String> {
    visible::cleaned(name, LONGEST_NAME)
}

/// The place of a request, which is read when it is first needed: reading it takes several calls from wasm into the
/// runtime, and a pending poll needs none of it.
#[derive(Clone)]
pub struct LazyPlace(Rc<LazyCell<Place, Box<dyn FnOnce() -> Place>>>);

impl LazyPlace {
    /// Returns a place that `read` will read, at most once.
    pub fn read_by(read: impl FnOnce() -> Place + 'static) -> Self {
        Self(Rc::new(LazyCell::new(Box::new(read))))
    }
}

impl From<Place> for LazyPlace {
    fn from(place: Place) -> Self {
        Self::read_by(|| place)
    }
}

impl Default for LazyPlace {
    fn default() -> Self {
        Place::default().into()
    }
}

impl Deref for LazyPlace {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

/// Where, when and with what kind of device a grant was requested.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Origin {
    /// Place and network.
    pub place: Place,
    /// A kind of device, from [`device_kind`].
    pub device: String,
    /// When the grant was requested.
    pub at: Timestamp,
    /// The web page that requested the grant; `None` if no page did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<WebOrigin>,
}

/// Where a grant was started, and where its device code was redeemed or refused, if these differ.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Journey {
    pub start: Location,
    pub redemption: Location,
}

/// Country and network of a place, as an event records them. An unknown field is `None`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Location {
    /// Two-letter code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Autonomous system number of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
}

impl Journey {
    /// Returns both ends of a journey.
    #[must_use]
    pub fn between(start: &Place, redemption: &Place) -> Self {
        let location = |place: &Place| Location { country: place.country.clone(), asn: place.asn };
        Self { start: location(start), redemption: location(redemption) }
    }

    /// Returns the journey if both network and place have changed. An unknown place of redemption counts as another
    /// one; with an unknown start, nothing can be compared.
    #[must_use]
    pub fn elsewhere(start: &Place, redemption: &Place) -> Option<Self> {
        let is_known = start.country.is_some() || start.asn.is_some();
        let is_elsewhere = !redemption.is_in_network_of(start) && !redemption.is_at(start);
        (is_known && is_elsewhere).then(|| Self::between(start, redemption))
    }
}

/// Returns the kind of device behind a `User-Agent`, in words that its owner understands.
///
/// The header is the device's own claim, so the kind is shown as a hint and never decides anything.
#[must_use]
pub fn device_kind(user_agent: Option<&str>) -> String {
    let agent = user_agent.unwrap_or_default();
    let known = KINDS.iter().find(|(token, _)| agent.contains(token));
    match known {
        Some((_, kind)) => (*kind).to_owned(),
        None => "Unknown device".to_owned(),
    }
}

/// The first match wins. Televisions and consoles come first, because they also claim to be browsers.
const KINDS: &[(&str, &str)] = &[
    ("PlayStation", "PlayStation console"),
    ("Xbox", "Xbox console"),
    ("Nintendo", "Nintendo console"),
    ("AppleTV", "Apple TV"),
    ("Apple TV", "Apple TV"),
    ("Roku", "Roku TV"),
    ("Tizen", "Samsung TV or device"),
    ("Web0S", "LG TV"),
    ("webOS", "LG TV"),
    ("BRAVIA", "Sony TV"),
    ("AFT", "Fire TV"),
    ("CrKey", "Chromecast"),
    ("Android TV", "Android TV"),
    ("SMART-TV", "Smart TV"),
    ("SmartTV", "Smart TV"),
    ("HbbTV", "Smart TV"),
    ("ipp/", "Printer"),
    ("CUPS", "Printer"),
    ("curl/", "Command line (curl)"),
    ("Wget/", "Command line (Wget)"),
    ("git/", "Command line (Git)"),
    ("aws-cli", "Command line (AWS CLI)"),
    ("python", "Command-line tool (Python)"),
    ("Python", "Command-line tool (Python)"),
    ("Go-http-client", "Command-line tool (Go)"),
    ("okhttp", "App (Android or Java)"),
    ("Java/", "App (Java)"),
    ("node", "Command-line tool (Node.js)"),
    ("undici", "Command-line tool (Node.js)"),
    ("openid-client", "Command-line tool (Node.js)"),
    ("oauth4webapi", "Command-line tool (Node.js)"),
    ("Deno/", "Command-line tool (Deno)"),
    ("reqwest", "Command-line tool (Rust)"),
    ("device-grant", "device-grant's own example"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android phone or tablet"),
    ("Windows", "Windows computer"),
    ("CrOS", "Chromebook"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux computer"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_place_or_network_is_called_unknown() {
        let place = Place { country: Some("FR".to_owned()), asn: Some(64500), ..Place::default() };

        assert_eq!((place.name().as_str(), place.network().as_str()), ("FR", "AS64500"));
        assert_eq!(Place::default().name(), "Unknown place");
        assert_eq!(Place::default().network(), "Unknown network");
    }

    #[test]
    fn a_journey_ends_in_another_network_and_another_place() {
        let place = |country: Option<&str>, city: &str, asn| Place {
            country: country.map(str::to_owned),
            city: Some(city.to_owned()),
            asn,
            ..Place::default()
        };
        let start = place(Some("FR"), "Lyon", Some(64_500));

        for (end, is_elsewhere) in [
            (start.clone(), false),
            (place(Some("FR"), "Paris", Some(64_500)), false),
            (place(Some("FR"), "Lyon", Some(64_501)), false),
            (place(Some("FR"), "Paris", Some(64_501)), true),
            (place(Some("NO"), "Lyon", None), true),
            (Place::default(), true),
        ] {
            assert_eq!(Journey::elsewhere(&start, &end).is_some(), is_elsewhere, "{end:?}");
            assert_eq!(Journey::elsewhere(&Place::default(), &end), None, "there is nothing to compare with");
        }
        for start in [Place { asn: None, ..start.clone() }, Place { country: None, ..start }] {
            let end = place(Some("NO"), "Oslo", Some(64_501));
            assert!(Journey::elsewhere(&start, &end).is_some(), "the country or the network is enough");
        }
        assert!(!Place::default().is_in_country_of(&Place::default()), "unknown countries are not the same");
        assert!(!Place::default().is_in_network_of(&Place::default()), "unknown networks are not the same");
    }

    #[test]
    fn the_name_of_a_place_or_network_cannot_hide_or_turn_anything() {
        let place = Place {
            city: Some("Ly\u{202e}on".to_owned()),
            region: Some("\u{200b}".to_owned()),
            operator: Some("x".repeat(500)),
            ..Place::default()
        };

        assert_eq!(place.name(), "Ly on");
        assert_eq!(place.network(), "x".repeat(LONGEST_NAME));
    }

    #[test]
    fn a_television_that_claims_to_be_a_browser_is_a_television() {
        let agent = "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0 Safari/537.36";

        assert_eq!(device_kind(Some(agent)), "Samsung TV or device");
        assert_eq!(device_kind(None), "Unknown device");
    }
}
