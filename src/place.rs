//! Where a request came from: the place that pages show to people, which never includes an IP address.

use core::ops::Deref;
use std::cell::LazyCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::coordinates::Coordinates;
use crate::device_kind::DeviceKind;
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
    /// Of the city; if that is unknown, of the middle of the country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    /// The operator of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Autonomous system number of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Time zone, such as `Europe/Berlin`: in which pages tell the time. Not stored.
    #[serde(skip)]
    pub zone: Option<String>,
    /// Three-letter code of the data center that received the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colo: Option<String>,
}

impl Place {
    /// Returns the names of city and region, as far as they are known. A region that is called like the city is left out.
    #[must_use]
    pub fn areas(&self) -> Vec<String> {
        let region = if self.region == self.city { &None } else { &self.region };
        [&self.city, region].into_iter().flatten().filter_map(|area| shown(area)).collect()
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

    /// Returns whether both cities are known and the same.
    #[must_use]
    pub fn is_in_city_of(&self, other: &Self) -> bool {
        self.city.is_some() && self.is_at(other)
    }

    /// Returns whether both places are known and have the same name.
    fn is_at(&self, other: &Self) -> bool {
        let town = |place: &Self| (place.region.clone(), place.city.clone());
        self.is_in_country_of(other) && town(self) == town(other)
    }

    /// Returns the name of the network's operator.
    #[must_use]
    pub fn network(&self) -> Option<String> {
        self.operator.as_deref().and_then(shown)
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
    /// The kind of device.
    pub device: DeviceKind,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_a_name_if_any_of_it_is_known() {
        let network = |operator: Option<&str>, asn| {
            Place { operator: operator.map(str::to_owned), asn, ..Place::default() }.network()
        };

        assert_eq!(network(Some("Example"), Some(64500)).as_deref(), Some("Example"));
        assert_eq!(network(None, Some(64500)), None);
    }

    #[test]
    fn a_region_that_is_called_like_the_city_is_left_out() {
        let text = |text: &str| Some(text.to_owned());
        let place =
            Place { country: text("DE"), region: text("Berlin"), city: text("Berlin"), ..Place::default() };

        assert_eq!(place.areas(), ["Berlin"]);
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

        assert_eq!(place.areas(), ["Ly on"]);
        assert_eq!(place.network(), Some("x".repeat(LONGEST_NAME)));
    }
}
