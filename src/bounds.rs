//! Allowed lifetimes and intervals, in seconds. They apply to settings and to the metadata of clients.

use core::ops::RangeInclusive;

/// The longest lifetime of an access or ID token, in seconds. A signing key verifies for longer: see
/// [`RETENTION`](crate::registry::key_schedule::RETENTION).
pub const LONGEST_TOKEN: u64 = 86_400;
/// Polling interval, in seconds.
pub const INTERVAL: RangeInclusive<u64> = 1..=60;
/// Lifetime of a device code and its user code, in seconds.
pub const CODE_LIFETIME: RangeInclusive<u64> = 10..=1_800;
/// Lifetime of an access token, in seconds.
pub const ACCESS_TOKEN: RangeInclusive<u64> = 60..=LONGEST_TOKEN;
/// Lifetime of an ID token, in seconds.
pub const ID_TOKEN: RangeInclusive<u64> = 60..=LONGEST_TOKEN;
/// Seconds for which the tokens of an approval can be refreshed; also, seconds until an unused refresh token
/// expires.
pub const REFRESH_TOKEN: RangeInclusive<u64> = 60..=31_536_000;
/// Age of a sign-in that a client accepts, in seconds.
pub const MAX_AGE: RangeInclusive<u64> = 0..=31_536_000;
