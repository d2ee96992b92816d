//! What happened on the last days, for people to look at.

use serde::{Deserialize, Serialize};

use super::detection::Detection;
use super::kind::Kind;

/// The most days of an overview.
pub const MOST_DAYS: u32 = 31;

/// What logins do from day to day, in the order of a login. New ones go to the end: another version of the object sends fewer.
pub const STEPS: [Kind; 10] = [
    Kind::Started,
    Kind::Entered,
    Kind::Approved,
    Kind::Redeemed,
    Kind::Denied,
    Kind::Reported,
    Kind::Contested,
    Kind::Expired,
    Kind::Refused,
    Kind::RefusedStart,
];

/// The counts of a day, of all clients together.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DayCounts {
    /// The day, counted from 1970.
    pub day: u32,
    /// One count for each of [`STEPS`], in their order.
    pub counts: Vec<u64>,
}

/// What happened on some days.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Overview {
    /// Every day, earliest first.
    pub days: Vec<DayCounts>,
    /// Codes that led to tokens by client, most first.
    pub clients: Vec<(String, u64)>,
    /// Codes that devices got by the country of the device, most first.
    pub countries: Vec<(String, u64)>,
    /// Approvals by the time since the start: one count for each of [`BOUNDS`](super::day::BOUNDS), and one for what is above.
    pub latency: Vec<u64>,
    /// How many alerts are open, by detection; without those that have none.
    pub open_alerts: Vec<(Detection, u64)>,
}
