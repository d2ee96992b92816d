//! Instants. There is no clock here: the Worker and each Durable Object read their clock once per call and
//! pass the value on.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

/// The first millisecond of the year 10000, which RFC 3339 cannot write.
const END_OF_TIME: u64 = 253_402_300_800_000;

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// The unit is milliseconds, because pacing (RFC 8628 §3.5) compares instants less than a second apart.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Returns the instant `millis` milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z, as in a `NumericDate` (RFC 7519 §2).
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// Returns the time from `earlier` to this instant; zero if `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Returns the instant `span` before this one, but none before 1970.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// Reads a date and time as RFC 3339 §5.6 writes it: `2026-12-31T18:00:00+01:00`. `None` for text of another form, and for
    /// an instant before 1970 or after 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let millis = DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis();
        u64::try_from(millis).ok().filter(|millis| *millis < END_OF_TIME).map(Self)
    }

    /// Returns the time of day in UTC, such as `14:03`.
    #[must_use]
    pub fn clock(self) -> String {
        let minutes = self.seconds() / 60;
        format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
    }
}

/// As RFC 3339 §5.6 writes it, in UTC: `2025-11-21T14:03:00.123Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = i64::try_from(self.0).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        write!(f, "{:?}Z", utc.naive_utc())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

/// Writes and reads an instant as text, for documents that people write: `#[serde(with = "rfc3339")]`.
pub mod rfc3339 {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Timestamp;

    /// Writes `2026-12-31T17:00:00Z`.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    /// Reads what [`Timestamp::parse`] does.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| de::Error::custom("not a date and time as in RFC 3339"))
    }

    /// The same for an instant that might be missing.
    pub mod optional {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use super::super::Timestamp;

        #[derive(Deserialize, Serialize)]
        struct Given(#[serde(with = "crate::time::rfc3339")] Timestamp);

        /// Writes an instant, or `null`.
        pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
            at.map(Given).serialize(serializer)
        }

        /// Reads an instant, or `null`.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Ok(Option::<Given>::deserialize(deserializer)?.map(|Given(at)| at))
        }
    }
}

/// Returns a span of `seconds`.
#[must_use]
pub const fn span(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns the whole seconds of `span`, rounded up, because a stated wait must not be too short.
#[must_use]
pub fn ceil_seconds(span: Duration) -> u64 {
    millis(span).div_ceil(1_000)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        assert_eq!(ceil_seconds(Duration::from_millis(1)), 1);
        assert_eq!(ceil_seconds(Duration::from_millis(2_000)), 2);
        assert_eq!(ceil_seconds(Duration::ZERO), 0);
    }

    #[test]
    fn the_time_of_day_is_utc() {
        assert_eq!(Timestamp::from_millis(1_763_733_780_000).clock(), "14:03");
        assert_eq!(Timestamp::from_millis(1_763_733_780_000).to_string(), "2025-11-21T14:03:00Z");
        assert_eq!(Timestamp::from_millis(1_763_733_780_120).to_string(), "2025-11-21T14:03:00.120Z");
    }

    #[test]
    fn an_instant_is_read_as_it_is_written() {
        let at = Timestamp::parse("2026-12-31T18:00:00+01:00").unwrap();

        assert_eq!(at.to_string(), "2026-12-31T17:00:00Z");
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59.999Z").map(|at| at.0 + 1), Some(END_OF_TIME));
        for bad in
            ["", "2026-12-31", "2026-12-31T18:00:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00"]
        {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }
}
