//! The registry itself, if replicas answer for it: what they and the isolates ask it.

use std::collections::{BTreeMap, VecDeque};

use device_grant::endpoint::SNAPSHOT_AGE;

use crate::costs::Costs;
use crate::day::Deployment;
use crate::demand::{CHANGES, Chance, after_pauses, popularity};
use crate::limits::{HOP_SECONDS, REQUESTS};

/// Steps in a second of [`AfterChange::simulate`], in each of which the registry answers one question.
const STEPS: f64 = REQUESTS;

/// Requests a second, on average over a minute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// Replicas renew the leases of the replies that they keep.
    pub(crate) renewals: f64,
    /// Isolates take snapshots, because the copy in KV has expired and the next one is not everywhere yet.
    pub(crate) snapshots: f64,
    /// Operators change something, and wait for the replicas.
    pub(crate) changes: f64,
}

impl Asked {
    /// Returns the requests in a minute of a region with each of these `reads` a second.
    pub(crate) fn in_a_minute(reads: &[f64], isolates: f64, deployment: Deployment, costs: &Costs) -> Self {
        let replicas = f64::from(deployment.replicas);
        let in_a_region = |reads: &f64| replicas * renewals(reads / replicas, deployment.lease / 2.0);
        let costs = costs.registry;
        Self {
            renewals: reads.iter().map(in_a_region).sum::<f64>() * costs.renewal.requests,
            snapshots: isolates / SNAPSHOT_AGE.as_secs_f64() * costs.snapshot.requests,
            changes: CHANGES / 60.0 * costs.change.requests,
        }
    }

    pub(crate) fn sum(&self) -> f64 {
        self.renewals + self.snapshots + self.changes
    }
}

/// Returns the renewals a second of a replica. It renews a reply about a client, and that about the keys, at the first read
/// after half of a lease.
fn renewals(reads: f64, half: f64) -> f64 {
    let of_clients = popularity().into_iter().map(|part| after_pauses(reads * part, half));
    of_clients.sum::<f64>() + after_pauses(reads, half)
}

/// What happens after a change, when all replicas have forgotten everything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AfterChange {
    /// Questions of replicas in the first second.
    pub(crate) questions: f64,
    /// Seconds for which the slowest of them would wait for its answer.
    pub(crate) slowest: f64,
}

impl AfterChange {
    /// Simulates the seconds after a change in a minute of a region with each of these `reads` a second. Until a replica has the
    /// reply about a client, it hands every read of the client on. The registry answers as many questions a second as the
    /// platform says, in order, until none waits.
    pub(crate) fn simulate(reads: &[f64], deployment: Deployment, chance: &mut Chance) -> Self {
        let each = |reads: &f64| vec![reads / f64::from(deployment.replicas); deployment.replicas as usize];
        let mut waiting = Waiting::default();
        let (replicas, parts): (Vec<f64>, _) = (reads.iter().flat_map(each).collect(), popularity());
        let (mut now, mut after) = (0.0, Self::default());
        while now < 1.0 || !waiting.queue.is_empty() {
            for (replica, reads) in replicas.iter().enumerate() {
                let mut left = chance.count(reads / STEPS);
                while left > 0.0 {
                    let is_asked = waiting.ask((replica, chance.pick(&parts)), now);
                    after.questions += if is_asked && now < 1.0 { 1.0 } else { 0.0 };
                    left -= 1.0;
                }
            }
            after.slowest = after.slowest.max(waiting.seconds() + HOP_SECONDS);
            waiting.answer(now);
            now += STEPS.recip();
        }
        after
    }
}

/// A replica and a client, by their positions.
type Question = (usize, usize);

/// The questions that wait at the registry.
#[derive(Default)]
struct Waiting {
    queue: VecDeque<Question>,
    /// When the replica has the reply about the client.
    known_from: BTreeMap<Question, f64>,
}

impl Waiting {
    /// Adds a question, unless the replica has the reply. Returns whether it has not.
    fn ask(&mut self, question: Question, now: f64) -> bool {
        let is_asked = self.known_from.get(&question).is_none_or(|from| now < *from);
        if is_asked {
            self.queue.push_back(question);
        }
        is_asked
    }

    fn answer(&mut self, now: f64) {
        if let Some(question) = self.queue.pop_front() {
            self.known_from.entry(question).or_insert(now + HOP_SECONDS);
        }
    }

    /// Returns how long the last question waits.
    fn seconds(&self) -> f64 {
        f64::from(u32::try_from(self.queue.len()).unwrap_or(u32::MAX)) / REQUESTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: Deployment = Deployment { shards: 32, replicas: 4, lease: 30.0 };

    #[test]
    fn leases_are_renewed_twice_each_and_not_more_often_than_they_are_read() {
        let most = popularity().iter().fold(1.0_f64, |sum, _| sum + 1.0) / 15.0;

        for (reads, least) in [(0.0, 0.0), (0.01, 0.009), (1_000.0, 0.9 * most)] {
            let renewals = renewals(reads, 15.0);
            assert!((least..=most.min(2.0 * reads)).contains(&renewals), "{reads} reads: {renewals}");
        }
    }

    #[test]
    fn every_read_is_a_question_until_the_first_reply_is_there() {
        let after = |reads: f64| AfterChange::simulate(&[reads; 6], DEPLOYMENT, &mut Chance::new(1));

        let (none, few, many) = (after(0.0), after(100.0), after(1_000.0));

        assert_eq!([none.questions, none.slowest].map(f64::to_bits), [0.0, HOP_SECONDS].map(f64::to_bits));
        assert!(few.questions < 600.0 && few.slowest < many.slowest, "{few:?} {many:?}");
        // 6,000 reads a second, of which the registry answers a thousand.
        assert!(many.questions > 6_000.0 * HOP_SECONDS && many.slowest > 6.0 * HOP_SECONDS - 0.1, "{many:?}");
    }
}
