//! How access came about: where a device asked for it, and where a person approved it.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::device_kind::DeviceKind;
use crate::order;
use crate::place::Origin;
use crate::row_key::RowKey;
use crate::secret;
use crate::time::Timestamp;
use crate::verdict::Spot;

/// The claims that tell how access came about: see [`Provenance::claims`].
pub const CLAIMS: [&str; 4] = ["grant", "approval_id", "started", "approved"];

/// Names an approval in the records, events and claims of all that followed from it: 128 random bits, base64url.
#[derive(Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ApprovalId(String);

impl ApprovalId {
    /// Draws the name of a new approval.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(secret::random_id(rng))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ApprovalId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The grant through which a device gets tokens.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// The device grant (RFC 8628), the only one of this server.
    DeviceCode,
}

impl Through {
    /// Returns the name in claims, answers and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceCode => "device_code",
        }
    }
}

/// When and where something happened, as far as it is known.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "WrittenStage")]
pub struct Stage {
    /// When it happened.
    pub at: Timestamp,
    /// Where, and with what kind of device.
    #[serde(flatten)]
    pub spot: Spot,
}

/// A [`Stage`] as records have it: flat. What serde derives for a flattened field reads from a copy of all members.
#[derive(Deserialize)]
struct WrittenStage {
    at: Timestamp,
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
    asn: Option<u32>,
    kind: DeviceKind,
}

impl From<WrittenStage> for Stage {
    fn from(written: WrittenStage) -> Self {
        let WrittenStage { at, country, region, city, asn, kind } = written;
        Self { at, spot: Spot { country, region, city, asn, kind } }
    }
}

impl Stage {
    /// Returns the stage at which a request from `origin` arrived.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        Self { at: origin.at, spot: Spot::of(origin) }
    }

    /// Returns the stage as a claim: `at` in seconds since 1970, country and AS number. Towns stay here.
    fn claim(&self) -> Value {
        let Spot { country, asn, .. } = &self.spot;
        let mut claim = order::object([("at".to_owned(), self.at.seconds().into())]);
        claim.extend(country.iter().map(|country| ("country".to_owned(), country.as_str().into())));
        claim.extend(asn.map(|asn| ("asn".to_owned(), asn.into())));
        claim.into()
    }
}

/// The network that a request came from or, if that is not known, the town.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A network, by its AS number.
    Network(u32),
    /// A town, by its country and name.
    #[expect(missing_docs, reason = "the names say it all")]
    Town { country: String, city: String },
}

impl Source {
    /// Returns where a request came from, as far as it is known.
    #[must_use]
    pub fn of(origin: &Origin) -> Option<Self> {
        let Spot { country, city, asn, .. } = Spot::of(origin);
        asn.map(Self::Network).or_else(|| Some(Self::Town { country: country?, city: city? }))
    }

    /// Returns whether a request from this place came from the same source.
    #[must_use]
    pub fn is_of(&self, spot: &Spot) -> bool {
        match self {
            Self::Network(asn) => spot.asn == Some(*asn),
            Self::Town { country, city } => {
                spot.country.as_ref() == Some(country) && spot.city.as_ref() == Some(city)
            }
        }
    }
}

/// How access came about. It stays the same however often the access is refreshed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Provenance {
    /// The approval that the access follows from.
    pub approval_id: ApprovalId,
    /// The grant whose code was approved; `None` in records from before grants were named here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<RowKey>,
    /// The device's request.
    pub started: Stage,
    /// The person's approval.
    pub approved: Stage,
}

impl Provenance {
    /// Returns the claims `grant`, `approval_id`, `started` and `approved`.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        let values = [
            Through::DeviceCode.name().into(),
            self.approval_id.as_str().into(),
            self.started.claim(),
            self.approved.claim(),
        ];
        order::object(CLAIMS.map(str::to_owned).into_iter().zip(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_grant_is_written_as_it_is_named() {
        assert_eq!(serde_json::to_value(Through::DeviceCode).unwrap(), Through::DeviceCode.name());
    }

    #[test]
    fn a_town_is_the_source_of_requests_from_the_city_of_that_name_in_its_country() {
        let spot = |country: &str, city: &str| Spot {
            country: Some(country.to_owned()),
            city: Some(city.to_owned()),
            ..Spot::default()
        };
        let paris = Source::Town { country: "FR".to_owned(), city: "Paris".to_owned() };

        assert!(paris.is_of(&spot("FR", "Paris")));
        assert!(!paris.is_of(&spot("US", "Paris")) && !paris.is_of(&spot("FR", "Lyon")));
        assert!(!paris.is_of(&Spot::default()));
    }

    #[test]
    fn claims_say_when_and_in_which_country_and_network_but_not_in_which_town() {
        let spot = Spot {
            country: Some("FR".to_owned()),
            city: Some("Lyon".to_owned()),
            asn: Some(64_500),
            ..Spot::default()
        };
        let started = Stage { at: Timestamp::from_millis(7_900), spot };
        let provenance = Provenance { approval_id: ApprovalId::from("a"), started, ..Provenance::default() };

        assert_eq!(
            Value::from(provenance.claims()),
            json!({
                "grant": "device_code",
                "approval_id": "a",
                "started": { "at": 7, "country": "FR", "asn": 64_500 },
                "approved": { "at": 0 },
            })
        );
    }
}
