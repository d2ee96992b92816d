//! Instants. There is no clock here: the Worker and each Durable Object read their clock once per call and
//! pass the value on.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

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
}
