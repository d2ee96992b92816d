//! The last events that a detection has counted about a subject: fewer than its threshold.

use serde::{Deserialize, Serialize};

use super::alert::{Found, MOST_EVIDENCE};
use super::detection::{Counts, Terms};
use crate::time::Timestamp;

/// What was counted, earliest first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Window(Vec<Counted>);

/// Something that is counted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct Counted {
    pub at: Timestamp,
    /// The identifier of the event; empty without one.
    pub id: String,
    /// The `sub` of the account; empty without one.
    pub who: String,
    /// How often it happened.
    pub times: u64,
}

impl Window {
    /// Adds something. Returns what was found if it reaches the threshold; then the window is empty again.
    pub fn add(&mut self, counted: Counted, terms: Terms) -> Option<Found> {
        if terms.counts == Counts::People {
            self.0.retain(|other| other.who != counted.who);
        }
        let place = self.0.partition_point(|other| other.at <= counted.at);
        self.0.insert(place, counted);
        let last = self.0.last().map(|last| last.at).unwrap_or_default();
        self.0.retain(|counted| last.since(counted.at) <= terms.window);
        let count: u64 = self.0.iter().map(|counted| counted.times).sum();
        if count < terms.threshold {
            return None;
        }
        let evidence = core::mem::take(&mut self.0).into_iter().map(|counted| counted.id);
        let evidence = evidence.filter(|id| !id.is_empty()).take(MOST_EVIDENCE).collect();
        Some(Found { at: last, count, evidence })
    }

    /// Returns when the last event happened; `None` if the window is empty.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.0.last().map(|last| last.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const TERMS: Terms =
        Terms { name: "test", threshold: 3, window: Duration::from_secs(60), counts: Counts::Events };

    fn at(seconds: u64, who: &str) -> Counted {
        let id = format!("weur/0/{seconds}");
        Counted { at: Timestamp::from_millis(seconds * 1_000), id, who: who.to_owned(), times: 1 }
    }

    #[test]
    fn the_threshold_is_reached_within_the_window_and_not_a_second_later() {
        for (last, found) in [(60, true), (61, false)] {
            let mut window = Window::default();
            assert_eq!(window.add(at(0, "a"), TERMS), None);
            assert_eq!(window.add(at(30, "a"), TERMS), None);
            assert_eq!(window.add(at(last, "a"), TERMS).is_some(), found, "{last}");
        }
    }

    #[test]
    fn events_that_come_out_of_order_are_counted_at_their_times() {
        let mut window = Window::default();
        for seconds in [50, 0] {
            assert_eq!(window.add(at(seconds, "a"), TERMS), None);
        }

        let found = window.add(at(20, "a"), TERMS).expect("three within a minute");

        assert_eq!(found.evidence, ["weur/0/0", "weur/0/20", "weur/0/50"]);
        assert_eq!((found.count, found.at.seconds(), window.last()), (3, 50, None), "it starts again");
    }

    #[test]
    fn a_person_counts_once_where_people_are_counted() {
        let people = Terms { counts: Counts::People, ..TERMS };
        let mut window = Window::default();
        for _ in 0..5 {
            assert_eq!(window.add(at(1, "a"), people), None);
        }
        assert_eq!(window.add(at(2, "b"), people), None);
        assert!(window.add(at(3, "c"), people).is_some());
    }

    #[test]
    fn a_window_never_holds_as_many_as_the_threshold() {
        let mut window = Window::default();
        for seconds in 0..100 {
            window.add(at(seconds, "a"), TERMS);
            assert!(window.0.len() < 3);
        }
        let storm = Counted { times: 7, ..at(200, "") };
        assert_eq!(window.add(storm, TERMS).map(|found| found.count), Some(7));
    }
}
