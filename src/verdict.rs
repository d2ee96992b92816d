//! Whether a device that asks is near the person who is asked: see decision 43.
//!
//! The verdict is advice. A phisher can rent a machine in his victim's town, and an honest person can use a VPN, so
//! nothing is refused because of it. But what cannot be compared is never called near.

use serde::{Deserialize, Serialize};

use crate::device_kind::DeviceKind;
use crate::network::{Network, Width};
use crate::place::{Origin, Place};
use crate::visible;
use crate::web_origin::WebOrigin;

/// The most kilometers between two places that are near each other.
const NEAR: f64 = 50.0;
/// More kilometers than this are far.
const FAR: f64 = 500.0;
/// What Cloudflare says instead of a country about an exit of the Tor network.
const TOR: &str = "T1";
/// What Cloudflare says instead of a country that it does not know.
pub const NOWHERE: &str = "XX";
/// See the head of the file.
const HOSTING: &str = include_str!("verdict/hosting_networks.tsv");
/// Longest name of a place, in characters.
const LONGEST_NAME: usize = 64;

/// One of the two requests that are compared: where it came from, and under which pseudonyms its network is counted.
#[expect(missing_docs, reason = "the type's comment says what they are")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Side {
    pub origin: Origin,
    pub network: Network,
}

/// How the two places relate.
#[expect(missing_docs, reason = "the types of the members say what they are")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", try_from = "Written")]
pub enum Verdict {
    /// The same /24 or /48, or at most 50 km apart; where coordinates are missing, the same city.
    Near,
    /// In different countries, or more than 500 km apart.
    Far,
    /// Nothing can be said.
    Unknown {
        why: Doubt,
        /// On which side the reason is; `None` if it is in the comparison.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whose: Option<Whose>,
    },
}

/// A [`Verdict`] as events have it: flat. What serde derives for an enum with a tag reads from a copy of all members.
#[derive(Deserialize)]
struct Written {
    is: Is,
    why: Option<Doubt>,
    whose: Option<Whose>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Is {
    Near,
    Far,
    Unknown,
}

impl TryFrom<Written> for Verdict {
    type Error = &'static str;

    fn try_from(Written { is, why, whose }: Written) -> Result<Self, Self::Error> {
        match is {
            Is::Near => Ok(Self::Near),
            Is::Far => Ok(Self::Far),
            Is::Unknown => why.map(|why| Self::Unknown { why, whose }).ok_or("a doubt lacks its reason"),
        }
    }
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Country or network of a side is not known.
    NotKnown,
    /// A side uses the Tor network.
    Tor,
    /// A side is in a network of servers, which people and phishers reach from everywhere.
    Hosting,
    /// The places are near each other, but a page that hides its address started the request. It can have done so in
    /// the person's own browser.
    HiddenPage,
    /// The signs contradict each other, as where a network or 50 km cross a border.
    Contradiction,
    /// The places are in the same country, but not near each other, or not known exactly enough to tell.
    Between,
}

/// The side of a [`Doubt`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The device that asks.
    Device,
    /// The person who is asked.
    Person,
    /// Both of them.
    Both,
}

/// The verdict, with the facts that a page or an event shows beside it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Comparison {
    /// How the two places relate.
    pub verdict: Verdict,
    /// The distance in kilometers, rounded; `None` if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kilometers: Option<u32>,
    /// Where the device asked.
    pub device: Spot,
    /// Where the person is.
    pub person: Spot,
}

/// A place as people see it. Names are [visible] texts; a country is a code, whose name depends on the reader's language.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Spot {
    /// Two capital letters (ISO 3166-1), or `T1` for Tor, which pages do not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// State, province or similar, unless it is called like the city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Town or city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Autonomous system number of the network. For events: pages do not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// The kind of device.
    pub kind: DeviceKind,
}

/// Compares where a device asked with where the person is who is asked about it.
#[must_use]
pub fn compare(device: &Side, person: &Side) -> Comparison {
    let distance = distance(&device.origin.place, &person.origin.place);
    Comparison {
        verdict: verdict(device, person, distance),
        kilometers: distance.map(rounded),
        device: Spot::of(&device.origin),
        person: Spot::of(&person.origin),
    }
}

fn verdict(device: &Side, person: &Side, distance: Option<f64>) -> Verdict {
    if let Some((why, whose)) = doubt(&device.origin.place, &person.origin.place) {
        return Verdict::Unknown { why, whose: Some(whose) };
    }
    let (here, there) = (&person.origin.place, &device.origin.place);
    let is_near = shares_prefix(&device.network, &person.network)
        || distance.map_or_else(|| there.is_in_city_of(here), |distance| distance <= NEAR);
    let is_far = !there.is_in_country_of(here) || distance.is_some_and(|distance| distance > FAR);
    let unsure = |why| Verdict::Unknown { why, whose: None };
    match (is_near, is_far) {
        (true, true) => unsure(Doubt::Contradiction),
        (true, false) if device.origin.page.as_ref().is_some_and(WebOrigin::hides_address) => {
            unsure(Doubt::HiddenPage)
        }
        (true, false) => Verdict::Near,
        (false, true) => Verdict::Far,
        (false, false) => unsure(Doubt::Between),
    }
}

/// Returns why the places cannot be compared: the strongest reason, and on which side it is.
fn doubt(device: &Place, person: &Place) -> Option<(Doubt, Whose)> {
    let on = |why, is: fn(&Place) -> bool| match (is(device), is(person)) {
        (true, true) => Some((why, Whose::Both)),
        (true, false) => Some((why, Whose::Device)),
        (false, true) => Some((why, Whose::Person)),
        (false, false) => None,
    };
    on(Doubt::Tor, |place| place.country.as_deref() == Some(TOR))
        .or_else(|| on(Doubt::NotKnown, |place| country(place).is_none() || place.asn.is_none()))
        .or_else(|| on(Doubt::Hosting, |place| place.asn.is_some_and(is_hosting)))
}

/// Returns whether both are in the same /24 or /48. After a change of the master key, pseudonyms differ, and this is
/// `false` for codes from before.
fn shares_prefix(device: &Network, person: &Network) -> bool {
    let widest = device.widest();
    match widest.width {
        Width::Block | Width::Site => widest == person.widest(),
        Width::Household | Width::Subnet | Width::Address | Width::Unknown => false,
    }
}

/// Returns the kilometers between two places. Coordinates count only with a city: without one, they are the middle of
/// the country.
fn distance(device: &Place, person: &Place) -> Option<f64> {
    let exact = |place: &Place| place.coordinates.filter(|_| place.city.is_some());
    Some(exact(device)?.kilometers_to(exact(person)?))
}

/// Rounds to ten kilometers, and from a thousand on to a hundred, because coordinates are rough.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no two places are 20,016 km apart"
)]
fn rounded(kilometers: f64) -> u32 {
    let unit = if kilometers < 1_000.0 { 10.0 } else { 100.0 };
    ((kilometers / unit).round() * unit) as u32
}

/// Returns the code of a country that exists, or that of Tor.
fn country(place: &Place) -> Option<&str> {
    let code = place.country.as_deref()?;
    let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_code && code != NOWHERE || code == TOR).then_some(code)
}

/// Returns whether a network is in the list of those that say nothing about where a person is.
#[must_use]
pub fn is_hosting(asn: u32) -> bool {
    HOSTING.lines().filter_map(|line| line.split_once('\t')).any(|(number, _)| number.parse() == Ok(asn))
}

impl Spot {
    /// Returns where a request came from.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        let place = &origin.place;
        let name = |part: &Option<String>| visible::cleaned(part.as_deref()?, LONGEST_NAME);
        let city = name(&place.city);
        let region = name(&place.region).filter(|region| Some(region) != city.as_ref());
        Self { country: country(place).map(str::to_owned), region, city, asn: place.asn, kind: origin.device }
    }

    /// Returns a name such as `Lyon, FR`; `None` if nothing is known.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let parts: Vec<&str> =
            [&self.city, &self.region, &self.country].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

#[cfg(test)]
mod tests;
