//! The courier of a destination: the events that its destination wants, what it delivers, and what it keeps.

use device_grant::courier::shard::{MOST_DEAD, MOST_WAITING};

use crate::bounds::{self, COURIER};
use crate::limits::{ALARM_SECONDS, HOP_SECONDS};

/// Seconds until a receiver has answered a delivery, as in decision 68.
pub(crate) const RECEIVER_SECONDS: f64 = 0.05;
const HOUR: usize = 60;

/// Returns the most deliveries in an alarm.
pub(crate) fn in_an_alarm() -> f64 {
    bounds::number(COURIER, "MOST")
}

/// Returns the events a second that a courier delivers while others wait. In each alarm it first asks for its destination, and
/// then delivers one event after the other.
pub(crate) fn delivered() -> f64 {
    in_an_alarm() / in_an_alarm().mul_add(RECEIVER_SECONDS, ALARM_SECONDS + HOP_SECONDS)
}

/// Returns the events that a courier keeps while its receiver is down: those that wait, and dead letters.
pub(crate) fn kept() -> f64 {
    f64::from(MOST_WAITING) + f64::from(MOST_DEAD)
}

/// The events that a destination wants, minute by minute.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Vec<f64>);

impl Wanted {
    pub(crate) fn add(&mut self, events: f64) {
        self.0.push(events);
    }

    /// Returns the events a second in the busiest minute.
    pub(crate) fn a_second(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max) / 60.0
    }

    pub(crate) fn in_all(&self) -> f64 {
        self.0.iter().sum()
    }

    /// Returns the events in the busiest hour.
    pub(crate) fn in_an_hour(&self) -> f64 {
        self.0.windows(HOUR).map(|hour| hour.iter().sum()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_minute_and_hour_need_not_begin_the_day() {
        let mut wanted = Wanted::default();
        for minute in 0..1_440 {
            wanted.add(if (100..160).contains(&minute) { 120.0 } else { 60.0 });
        }

        assert_eq!(wanted.a_second().to_bits(), 2.0f64.to_bits());
        assert_eq!(wanted.in_an_hour().to_bits(), 7_200.0f64.to_bits());
    }

    #[test]
    fn a_courier_is_slower_than_its_receiver() {
        assert!(delivered() < 1.0 / RECEIVER_SECONDS);
        assert!(delivered() > in_an_alarm() / 60.0);
    }
}
