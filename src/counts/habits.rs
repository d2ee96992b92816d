//! At which hours and in which countries an account approves.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How many approvals it takes to know the habits of an account.
pub const LEARNED: u32 = 10;
/// An hour is usual if the account has approved within this many hours of it, on any day.
const HOURS_AROUND: u32 = 2;
/// The most countries that are remembered.
const MOST_COUNTRIES: usize = 16;
/// How exact [`Habits::seen_at`] is, so that an account with settled habits is rarely written.
const COARSE: Duration = Duration::from_hours(24);

/// What is known of an account.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Habits {
    /// Whether it has had tokens for a device.
    pub has_tokens: bool,
    /// Approvals, counted up to [`LEARNED`].
    pub approvals: u32,
    /// The hours of the day, in UTC, as bits.
    pub hours: u32,
    /// The countries.
    pub countries: Vec<String>,
    /// When the account was last seen, to about a day.
    pub seen_at: Timestamp,
}

impl Habits {
    /// Learns from an approval. Returns whether it is unusual: in a country where the account has not approved before, or at
    /// an hour that is not near any at which it has. Before [`LEARNED`] approvals nothing is.
    pub fn approve(&mut self, at: Timestamp, country: Option<&str>) -> bool {
        self.see(at);
        let hour = u32::try_from(at.seconds() / 3_600 % 24).unwrap_or_default();
        let is_new_country =
            country.is_some_and(|country| self.countries.iter().all(|known| known != country));
        let is_unusual = self.approvals >= LEARNED && (is_new_country || self.hours & around(hour) == 0);
        self.approvals = LEARNED.min(self.approvals + 1);
        self.hours |= 1 << hour;
        if is_new_country && self.countries.len() < MOST_COUNTRIES {
            self.countries.extend(country.map(str::to_owned));
        }
        is_unusual
    }

    /// Notes that the account got tokens. Returns whether they are its first.
    pub fn redeem(&mut self, at: Timestamp) -> bool {
        self.see(at);
        !core::mem::replace(&mut self.has_tokens, true)
    }

    fn see(&mut self, at: Timestamp) {
        if at.since(self.seen_at) >= COARSE {
            self.seen_at = at;
        }
    }
}

/// Returns the bits of an hour and of those around it.
fn around(hour: u32) -> u32 {
    let hours = (0..=2 * HOURS_AROUND).map(|ahead| (hour + 24 + ahead - HOURS_AROUND) % 24);
    hours.fold(0, |bits, hour| bits | 1 << hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: u64) -> Timestamp {
        Timestamp::from_millis(hour * 3_600_000)
    }

    fn learned() -> Habits {
        let mut habits = Habits::default();
        assert!((0..10).all(|day| !habits.approve(hour(day * 24 + 23), Some("DE"))));
        habits
    }

    #[test]
    fn an_hour_more_than_two_hours_from_all_others_is_unusual() {
        for (at, is_unusual) in [(20, true), (21, false), (23, false), (0, false), (1, false), (2, true)] {
            assert_eq!(learned().approve(hour(1_000 * 24 + at), Some("DE")), is_unusual, "{at}");
        }
    }

    #[test]
    fn a_new_country_is_unusual_once_and_an_unknown_one_never() {
        let mut habits = learned();

        assert!(!habits.approve(hour(1_000 * 24 + 23), None));
        assert!(habits.approve(hour(1_000 * 24 + 23), Some("BR")));
        assert!(!habits.approve(hour(1_001 * 24 + 23), Some("BR")));
    }

    #[test]
    fn nothing_is_unusual_before_ten_approvals() {
        let mut habits = Habits::default();

        assert!((0..10).all(|n| !habits.approve(hour(n * 7), Some(&format!("A{n}")))));
        assert!(habits.approve(hour(3), Some("ZZ")));
    }

    #[test]
    fn an_account_with_settled_habits_is_written_once_a_day() {
        let mut habits = learned();
        let before = habits.clone();

        assert!(!habits.approve(hour(9 * 24 + 24 + 22), Some("DE")), "an hour before a day has passed");
        assert_eq!(habits.seen_at, before.seen_at);
    }
}
