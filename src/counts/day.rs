//! The counts of a day, and those since the first record.

use std::collections::BTreeMap;

use super::OTHER;
use super::kind::Kind;
use super::rows::Rows;
use super::sighting::{Judged, Sighting};
use crate::audit::policy_record::{ALLOW, REFUSE, WOULD_REFUSE};
use crate::time::Timestamp;

/// The most keys of a day and kind. What comes later counts as [`OTHER`].
pub const MOST_KEYS: u32 = 1_000;
/// The most keys of a kind since the first record, which are labels of metrics.
pub const MOST_LABELS: u32 = 100;
/// What stands for the day of counts since the first record.
pub const EVER: u32 = 0;
/// The bounds of the histogram of the time to approve, in seconds.
pub const BOUNDS: [u64; 7] = [10, 20, 30, 60, 120, 300, 600];
/// The key of what is above all of them.
pub const ABOVE: &str = "+Inf";
/// The key of the sum of seconds.
pub const SUM: &str = "sum";
const MILLIS: u64 = 86_400_000;

/// What is to be added: by day, kind and key.
#[derive(Debug, Default)]
pub struct Sums(BTreeMap<(u32, Kind, String), u64>);

/// Returns the day of an instant, counted from 1970.
#[must_use]
pub fn day(at: Timestamp) -> u32 {
    u32::try_from(at.millis() / MILLIS).unwrap_or(u32::MAX)
}

impl Sums {
    /// Adds to a count of the day, and to the one since the first record.
    pub fn add(&mut self, at: Timestamp, kind: Kind, key: String, count: u64) {
        *self.0.entry((EVER, kind, key.clone())).or_default() += count;
        *self.0.entry((day(at), kind, key)).or_default() += count;
    }

    /// Adds what an event counts as.
    pub fn see(&mut self, seen: &Sighting) {
        let at = seen.at;
        let key = match seen.kind {
            Kind::SignedIn | Kind::SignInRefused => &seen.detail,
            Kind::Started
            | Kind::Entered
            | Kind::Approved
            | Kind::Denied
            | Kind::Reported
            | Kind::Contested
            | Kind::Expired
            | Kind::Redeemed
            | Kind::RedeemedElsewhere
            | Kind::Refused
            | Kind::Refreshed
            | Kind::Replayed
            | Kind::Ended
            | Kind::FirstAccess
            | Kind::WrongCode
            | Kind::StartedInCountry
            | Kind::StartedInNetwork
            | Kind::Verdict
            | Kind::Latency
            | Kind::BreakGlass
            | Kind::Policy
            | Kind::RefusedBy
            | Kind::WouldBlock
            | Kind::RefusedStart
            | Kind::Alert => &seen.client_id,
        };
        self.add(at, seen.kind, key.clone(), 1);
        self.see_decision(seen);
        if seen.kind == Kind::Started {
            let country = seen.device.country.clone().unwrap_or_else(|| "XX".to_owned());
            self.add(at, Kind::StartedInCountry, country, 1);
            self.add(at, Kind::StartedInNetwork, seen.device.asn.unwrap_or_default().to_string(), 1);
        }
        if let Some(waited) = seen.waited {
            self.add(at, Kind::Verdict, seen.distance.verdict().to_owned(), 1);
            self.add(at, Kind::Latency, bound(waited.as_secs()), 1);
            self.add(at, Kind::Latency, SUM.to_owned(), waited.as_secs());
        }
    }

    /// Adds a decision of the policy.
    fn see_decision(&mut self, seen: &Sighting) {
        match seen.judged().map(|(judged, _)| judged) {
            None => {}
            Some(Judged::Allowed) => self.add(seen.at, Kind::Policy, ALLOW.to_owned(), 1),
            Some(Judged::Refused(by)) => self.refuse(seen.at, by, 1),
            Some(Judged::WouldBeRefused(by)) => {
                self.add(seen.at, Kind::Policy, WOULD_REFUSE.to_owned(), 1);
                self.add(seen.at, Kind::WouldBlock, by.to_owned(), 1);
            }
        }
    }

    /// Adds steps that the policy refused.
    pub fn refuse(&mut self, at: Timestamp, by: &str, times: u64) {
        self.add(at, Kind::Policy, REFUSE.to_owned(), times);
        self.add(at, Kind::RefusedBy, by.to_owned(), times);
    }

    /// Writes the sums. A key that finds no room counts as [`OTHER`].
    ///
    /// # Errors
    ///
    /// A row could not be read or written.
    pub fn write<R: Rows>(self, rows: &R) -> Result<(), R::Error> {
        for ((day, kind, key), count) in self.0 {
            let most = if day == EVER { MOST_LABELS } else { MOST_KEYS };
            let before = rows.count(day, kind, &key)?;
            if before.is_some() || rows.keys(day, kind)? < most {
                rows.put_count(day, kind, &key, before.unwrap_or_default() + count)?;
            } else {
                let before = rows.count(day, kind, OTHER)?.unwrap_or_default();
                rows.put_count(day, kind, OTHER, before + count)?;
            }
        }
        Ok(())
    }
}

/// Returns the key of the least bound that a time is within.
fn bound(seconds: u64) -> String {
    BOUNDS.iter().find(|bound| seconds <= **bound).map_or_else(|| ABOVE.to_owned(), u64::to_string)
}
