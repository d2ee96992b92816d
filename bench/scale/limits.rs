//! The limits of the platform, and how long its objects take.

/// Requests a second of an object: a soft limit of the platform.
pub(crate) const REQUESTS: f64 = 1_000.0;
/// Requests a second of an object that write: the low end of what the platform's documents state, 200 to 500.
pub(crate) const COMMITS: f64 = 200.0;
/// Bytes that an object can store.
pub(crate) const STORAGE: f64 = 10e9;
/// Seconds until an object on another continent has answered, and until an alarm that is due at once rings.
pub(crate) const HOP_SECONDS: f64 = 0.2;
pub(crate) const ALARM_SECONDS: f64 = 1.0;
/// The part of a page of SQLite that rows fill which arrive in no order, and in order.
pub(crate) const FILL: f64 = 0.69;
pub(crate) const FILL_IN_ORDER: f64 = 0.9;
