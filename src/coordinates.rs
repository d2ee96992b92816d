//! Rough coordinates, and the distance between two of them.

use serde::{Deserialize, Serialize};

/// The mean radius of the Earth in kilometers.
const EARTH: f64 = 6_371.0;
/// Tenths of a degree in half a turn.
const HALF_TURN: i16 = 1_800;
const QUARTER_TURN: i16 = 900;

/// A point on the Earth, to a tenth of a degree: at most eight kilometers from where it was measured. An address is
/// seldom located better than that, and nothing finer is stored. Serialized as `[458,48]`, latitude first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "(i16, i16)", into = "(i16, i16)")]
pub struct Coordinates {
    /// Tenths of a degree, north of the equator.
    latitude: i16,
    /// Tenths of a degree, east of Greenwich.
    longitude: i16,
}

impl Coordinates {
    /// Rounds a latitude and a longitude in degrees. `None` if there is no such point.
    #[must_use]
    pub fn of(latitude: f64, longitude: f64) -> Option<Self> {
        (tenths(latitude)?, tenths(longitude)?).try_into().ok()
    }

    /// Parses degrees, as `request.cf` has them: `45.7485`.
    #[must_use]
    pub fn parse(latitude: &str, longitude: &str) -> Option<Self> {
        Self::of(latitude.parse().ok()?, longitude.parse().ok()?)
    }

    /// Returns the distance along the surface, in kilometers (the haversine formula).
    #[must_use]
    pub fn kilometers_to(self, other: Self) -> f64 {
        let radians = |tenths: i16| (f64::from(tenths) / 10.0).to_radians();
        let half_chord = |from: i16, to: i16| ((radians(to) - radians(from)) / 2.0).sin().powi(2);
        let parallels = radians(self.latitude).cos() * radians(other.latitude).cos();
        let haversine = half_chord(self.latitude, other.latitude)
            + parallels * half_chord(self.longitude, other.longitude);
        2.0 * EARTH * haversine.clamp(0.0, 1.0).sqrt().asin()
    }
}

impl TryFrom<(i16, i16)> for Coordinates {
    type Error = &'static str;

    fn try_from((latitude, longitude): (i16, i16)) -> Result<Self, Self::Error> {
        let exists = latitude.unsigned_abs() <= QUARTER_TURN.unsigned_abs()
            && longitude.unsigned_abs() <= HALF_TURN.unsigned_abs();
        exists.then_some(Self { latitude, longitude }).ok_or("no point has these coordinates")
    }
}

impl From<Coordinates> for (i16, i16) {
    fn from(Coordinates { latitude, longitude }: Coordinates) -> Self {
        (latitude, longitude)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a number of at most 360 degrees fits")]
fn tenths(degrees: f64) -> Option<i16> {
    (degrees.abs() <= 360.0).then(|| (degrees * 10.0).round() as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_rounded_to_a_tenth_and_stored_as_whole_numbers() {
        let lyon = Coordinates::parse("45.74846", "4.84671").unwrap();

        assert_eq!(serde_json::to_string(&lyon).unwrap(), "[457,48]");
        assert_eq!(serde_json::from_str::<Coordinates>("[457,48]").unwrap(), lyon);
        for (latitude, longitude) in [("91", "0"), ("0", "-180.06"), ("NaN", "0"), ("", "0"), ("1e9", "0")] {
            assert_eq!(Coordinates::parse(latitude, longitude), None, "{latitude} {longitude}");
        }
        assert!(serde_json::from_str::<Coordinates>("[901,0]").is_err());
    }

    #[test]
    fn known_cities_are_as_far_apart_as_they_are() {
        let at = |latitude, longitude| Coordinates::of(latitude, longitude).unwrap();
        let (berlin, lagos) = (at(52.52, 13.405), at(6.455, 3.384));
        for (from, to, kilometers) in [
            (berlin, at(52.39, 13.06), 28.0),
            (berlin, at(48.137, 11.575), 504.0),
            (berlin, lagos, 5_195.0),
            (at(-33.87, 151.21), at(51.51, -0.13), 16_994.0),
            (at(-17.7, 179.9), at(-17.7, -179.9), 21.0),
            (at(90.0, 0.0), at(-90.0, 0.0), 20_015.0),
        ] {
            let found = from.kilometers_to(to);
            assert!((found - kilometers).abs() < 16.0, "{found} and {kilometers}");
        }
    }
}
