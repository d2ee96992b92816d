//! Instants in the claims of JWTs.

use serde::Deserialize;

use crate::time::Timestamp;

/// Seconds since 1970 (RFC 7519 §2), before the year 10000; a fraction is cut off.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "f64")]
pub struct NumericDate(pub Timestamp);

impl TryFrom<f64> for NumericDate {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        const YEAR_10000: f64 = 253_402_300_800.0;
        if !(0.0..YEAR_10000).contains(&seconds) {
            return Err("not a NumericDate before the year 10000");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        let seconds = seconds as u64;
        Ok(Self(Timestamp::from_millis(seconds * 1_000)))
    }
}
