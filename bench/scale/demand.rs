//! The model: how many logins there are in which minute, from which networks, and how long a device waits.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

pub(crate) const MINUTES: u32 = 1_440;
/// The part of the codes that nobody approves. Each is polled until it expires.
pub(crate) const ABANDONED: f64 = 0.1;
/// Wrong codes that people enter for each login.
pub(crate) const WRONG: f64 = 0.05;
/// The part of the people who are not signed in yet in their browser.
pub(crate) const SIGN_IN: f64 = 0.9;
/// How often a device refreshes in a day: each hour.
pub(crate) const REFRESHES: f64 = 24.0;
/// Isolates of the Worker, each of which reads the snapshot and reports its live codes every ten seconds: one in each of some
/// 300 data centers, and one more for each 200 requests a second.
pub(crate) const DATA_CENTERS: f64 = 300.0;
pub(crate) const REQUESTS_PER_ISOLATE: f64 = 200.0;
/// Clients that are in use in every region.
const CLIENTS: u32 = 100;
/// Changes of the registry in a minute.
pub(crate) const CHANGES: f64 = 1.0;
/// Median seconds from the code to the approval, and the deviation of their logarithm.
const MEDIAN: f64 = 30.0;
const DEVIATION: f64 = 0.8;
const POLL_SECONDS: f64 = 5.0;
const LIFETIME_SECONDS: f64 = 300.0;

/// A region's part of the logins, and the hour of the day, in UTC, with the most of them.
pub(crate) struct Region {
    pub(crate) part: f64,
    pub(crate) busiest: f64,
}

/// What a region has in its busiest minute, in times of its average.
pub(crate) const BUSIEST: f64 = 1.8;

/// In the order of `device_grant::sharding::Region::ALL`.
pub(crate) const REGIONS: [Region; 6] = [
    Region { part: 0.15, busiest: 3.0 },
    Region { part: 0.25, busiest: 0.0 },
    Region { part: 0.28, busiest: 18.0 },
    Region { part: 0.10, busiest: 16.0 },
    Region { part: 0.19, busiest: 11.0 },
    Region { part: 0.03, busiest: 9.0 },
];

impl Region {
    /// Returns the part of a day's logins that falls into a minute: from a fifth of the average at night to nine fifths.
    pub(crate) fn in_minute(&self, minute: u32) -> f64 {
        let hours = f64::from(minute) / 60.0 - self.busiest;
        let wave = (hours / 12.0 * core::f64::consts::PI).cos();
        self.part * (BUSIEST - 1.0).mul_add(wave, 1.0) / f64::from(MINUTES)
    }
}

/// The people behind a /24 or /48: homes with an address each, an office of a thousand behind one address, as in decision 33,
/// or a gateway of a carrier.
#[derive(Clone, Copy)]
enum Kind {
    Homes,
    Office,
    Carrier,
}

/// Each kind with its part of the people.
const KINDS: [(Kind, f64); 3] = [(Kind::Homes, 0.6), (Kind::Office, 0.25), (Kind::Carrier, 0.15)];

/// A seeded source of chance.
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Returns a number from 0 to 1, without both.
    fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0)
    }

    fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * self.uniform().ln()).sqrt(), core::f64::consts::TAU * self.uniform());
        radius * angle.cos()
    }

    /// Returns how many of many independent things happen, if `mean` do on average.
    pub(crate) fn count(&mut self, mean: f64) -> f64 {
        if mean > 50.0 {
            return mean.sqrt().mul_add(self.normal(), mean).round().max(0.0);
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0.0);
        while product > limit {
            product *= self.uniform();
            count += 1.0;
        }
        count
    }

    /// Returns the position of one of these parts of 1, each as often as it is large.
    pub(crate) fn pick(&mut self, parts: &[f64]) -> usize {
        let mut left = self.uniform();
        let is_here = |part: &f64| {
            left -= part;
            left < 0.0
        };
        parts.iter().position(is_here).unwrap_or_default()
    }

    fn people(&mut self, kind: Kind) -> f64 {
        match kind {
            Kind::Homes => 640.0,
            Kind::Office => 1_000.0,
            // 32 to 256 subscribers for each of 256 addresses.
            Kind::Carrier => 8_192.0 * 8f64.powf(self.uniform()),
        }
    }
}

/// Returns the part of the logins and refreshes that each client has: the second has half as many as the first, and so on.
pub(crate) fn popularity() -> Vec<f64> {
    let weights = || (1..=CLIENTS).map(|rank| f64::from(rank).recip());
    let all: f64 = weights().sum();
    weights().map(|weight| weight / all).collect()
}

/// Returns how often a second something happens at the first event after each pause. `events` come per second, and a `pause` has
/// so many seconds.
pub(crate) fn after_pauses(events: f64, pause: f64) -> f64 {
    if events > 0.0 { (pause + events.recip()).recip() } else { 0.0 }
}

/// The networks of a region: the part of its people in each shard, and the people of the largest network.
pub(crate) struct Networks {
    pub(crate) parts: Vec<f64>,
    pub(crate) largest: f64,
}

impl Networks {
    /// Puts networks of `people` in total into `shards` shards, each into one by chance.
    pub(crate) fn spread(people: f64, shards: u32, chance: &mut Chance) -> Self {
        let (mut counts, mut largest) = (vec![0.0; shards as usize], 0.0_f64);
        for (kind, part) in KINDS {
            let mut left = people * part;
            while left > 0.0 {
                let network = chance.people(kind);
                let pick = chance.0.next_u32() % shards;
                if let Some(count) = counts.get_mut(pick as usize) {
                    *count += network.min(left);
                }
                largest = largest.max(network.min(left));
                left -= network;
            }
        }
        Self { parts: counts.into_iter().map(|count| count / people).collect(), largest }
    }
}

/// What a device does until it has its tokens or gives up, on average over codes.
pub(crate) struct Wait {
    pub(crate) polls: f64,
    /// Seconds for which the code is live.
    pub(crate) live: f64,
}

impl Wait {
    pub(crate) fn average(chance: &mut Chance) -> Self {
        const DRAWS: u32 = 20_000;
        let (mut polls, mut live) = (0.0, 0.0);
        for _ in 0..DRAWS {
            let approved_after = MEDIAN * (DEVIATION * chance.normal()).exp();
            let is_approved = chance.uniform() >= ABANDONED && approved_after < LIFETIME_SECONDS;
            let seconds = if is_approved {
                (approved_after / POLL_SECONDS).ceil() * POLL_SECONDS
            } else {
                LIFETIME_SECONDS
            };
            polls += seconds / POLL_SECONDS;
            live += seconds;
        }
        Self { polls: polls / f64::from(DRAWS), live: live / f64::from(DRAWS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popular_clients_are_picked_more_often() {
        let (parts, mut chance) = (popularity(), Chance::new(1));
        let picked: Vec<usize> = (0..10_000).map(|_| chance.pick(&parts)).collect();
        let times = |client: usize| picked.iter().filter(|one| **one == client).count();

        assert!((parts.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(times(0) > times(9) && times(9) > times(99) && times(99) > 0);
    }

    #[test]
    fn what_waits_for_an_event_is_done_neither_more_often_than_events_nor_than_pauses() {
        assert!((after_pauses(1e9, 10.0) - 0.1).abs() < 1e-6);
        assert!((after_pauses(0.001, 10.0) - 0.001).abs() < 1e-4);
        assert_eq!(after_pauses(0.0, 10.0).to_bits(), 0.0f64.to_bits());
    }
}
