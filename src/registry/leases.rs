//! The source's side of its replicas: which of them may still answer with what was before a change.
//!
//! A replica keeps a reply of the source for the length of a lease, counted from before it asked. The source counts the
//! same lease from when it answers, which is later, and a [`MARGIN`] more. So when a lease has ended here, it has ended
//! there. After a change, the source tells every replica with a lease, and the change can be acknowledged once each has
//! confirmed it or its lease has ended.
//!
//! The names of the replicas are stored before they get a lease, and their leases are in memory. After a restart, every
//! replica that is stored counts as holding a whole lease from before a change.

use core::time::Duration;
use std::collections::BTreeMap;

use super::command::Keeper;
use crate::sharding::Replica;
use crate::time::{Timestamp, span};

/// How much longer a lease counts here than at the replica, because one of the two clocks may be slower.
const MARGIN: Duration = Duration::from_secs(1);
/// The longest lease, in seconds.
pub const LONGEST_LEASE: u64 = 60;

/// The leases of all replicas, and what each of them knows.
#[derive(Debug)]
pub struct Leases {
    /// Number of changes so far; a restart counts as one.
    changes: u64,
    replicas: BTreeMap<Replica, Lease>,
}

#[derive(Debug)]
struct Lease {
    /// The longest lease of the replica, as it is stored.
    stored: u64,
    /// When all that the replica keeps has ended.
    until: Timestamp,
    /// When all that it kept before the latest change has ended.
    before_change: Timestamp,
    /// The latest change that it has confirmed.
    confirmed: u64,
}

/// A replica that a change waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Awaited {
    /// The replica.
    pub replica: Replica,
    /// The change.
    change: u64,
    /// When all that the replica kept before the change has ended.
    until: Timestamp,
}

/// Whether a change must still wait for a replica.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// The replica has confirmed the change.
    Confirmed,
    /// All that the replica kept before the change has ended.
    Ended,
    /// The replica may answer with what was before the change for this long.
    Waiting(Duration),
}

impl Leases {
    /// Returns the leases after a start, when only the stored replicas are known, with their longest leases.
    pub fn restored(stored: impl IntoIterator<Item = Keeper>, now: Timestamp) -> Self {
        let lease = |keeper: Keeper| {
            let until = end(keeper, now);
            let lease = Lease { stored: keeper.lease, until, before_change: until, confirmed: 0 };
            (keeper.replica, lease)
        };
        Self { changes: 1, replicas: stored.into_iter().map(lease).collect() }
    }

    /// Returns whether a replica with this lease is stored. If it is not, it must be before [`Leases::grant`].
    #[must_use]
    pub fn has(&self, keeper: Keeper) -> bool {
        self.replicas.get(&keeper.replica).is_some_and(|lease| lease.stored >= keeper.lease)
    }

    /// Gives a replica a lease. Called together with the read that the replica keeps, with nothing awaited between them.
    pub fn grant(&mut self, keeper: Keeper, now: Timestamp) {
        let new = || Lease { stored: 0, until: now, before_change: now, confirmed: self.changes };
        let lease = self.replicas.entry(keeper.replica).or_insert_with(new);
        lease.until = lease.until.max(end(keeper, now));
        lease.stored = lease.stored.max(keeper.lease);
    }

    /// Notes a change. Called together with its write, with nothing awaited between them. Returns the replicas whose leases
    /// have ended, which need not be stored any longer.
    pub fn change(&mut self, now: Timestamp) -> Vec<Replica> {
        self.changes += 1;
        let mut ended = Vec::new();
        self.replicas.retain(|replica, lease| {
            lease.before_change = lease.until;
            let has_ended = lease.until <= now;
            ended.extend(has_ended.then_some(*replica));
            !has_ended
        });
        ended
    }

    /// Returns the replicas that may answer with what was before the latest change.
    #[must_use]
    pub fn awaited(&self, now: Timestamp) -> Vec<Awaited> {
        let awaited = |(replica, lease): (&Replica, &Lease)| Awaited {
            replica: *replica,
            change: self.changes,
            until: lease.before_change,
        };
        let all = self.replicas.iter().map(awaited);
        all.filter(|awaited| matches!(self.standing(awaited, now), Standing::Waiting(_))).collect()
    }

    /// Returns whether a change must still wait for this replica.
    #[must_use]
    pub fn standing(&self, awaited: &Awaited, now: Timestamp) -> Standing {
        let lease = self.replicas.get(&awaited.replica);
        if lease.is_some_and(|lease| lease.confirmed >= awaited.change) {
            return Standing::Confirmed;
        }
        let left = awaited.until.since(now);
        if left.is_zero() { Standing::Ended } else { Standing::Waiting(left) }
    }

    /// Notes that a replica has forgotten what it kept, when it was told so after the change.
    pub fn confirm(&mut self, awaited: &Awaited) {
        if let Some(lease) = self.replicas.get_mut(&awaited.replica) {
            lease.confirmed = lease.confirmed.max(awaited.change);
        }
    }
}

/// Returns when a lease that begins now has ended at the replica, too.
fn end(keeper: Keeper, now: Timestamp) -> Timestamp {
    now + span(keeper.lease) + MARGIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::Region;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LEASE: u64 = 30;
    const END: Duration = Duration::from_secs(31);

    fn keeper(index: u8) -> Keeper {
        Keeper { replica: Replica { region: Region::Weur, index }, lease: LEASE }
    }

    fn indices(awaited: &[Awaited]) -> Vec<u8> {
        awaited.iter().map(|awaited| awaited.replica.index).collect()
    }

    #[test]
    fn a_change_waits_for_every_replica_with_a_lease_until_it_confirms_or_its_lease_ends() {
        let mut leases = Leases::restored([], NOW);
        assert!(!leases.has(keeper(0)));
        leases.grant(keeper(0), NOW);
        leases.grant(keeper(1), NOW);
        assert!(leases.has(keeper(0)));
        assert_eq!(leases.awaited(NOW), [], "nothing has changed");

        assert_eq!(leases.change(NOW), []);
        let awaited = leases.awaited(NOW);
        assert_eq!(indices(&awaited), [0, 1]);
        leases.confirm(&awaited[0]);

        assert_eq!(leases.standing(&awaited[0], NOW), Standing::Confirmed);
        assert_eq!(leases.standing(&awaited[1], NOW), Standing::Waiting(END));
        assert_eq!(leases.standing(&awaited[1], NOW + END), Standing::Ended);
        assert_eq!(indices(&leases.awaited(NOW)), [1]);
        assert_eq!(leases.awaited(NOW + END), []);
        let last = leases.change(NOW + END);
        assert_eq!(last.iter().map(|replica| replica.index).collect::<Vec<_>>(), [0, 1], "both have ended");
    }

    #[test]
    fn a_lease_after_a_change_makes_the_change_wait_no_longer() {
        let mut leases = Leases::restored([], NOW);
        leases.grant(keeper(0), NOW);
        leases.change(NOW);
        let later = NOW + span(20);

        leases.grant(keeper(0), later);

        let awaited = leases.awaited(later);
        assert_eq!(leases.standing(&awaited[0], NOW + END), Standing::Ended);
        leases.change(later);
        let next = leases.awaited(later);
        leases.confirm(&awaited[0]);
        assert_eq!(
            leases.standing(&next[0], later),
            Standing::Waiting(END),
            "it confirmed the change before this one"
        );
        assert_eq!(leases.standing(&awaited[0], later), Standing::Confirmed);
    }

    #[test]
    fn after_a_restart_every_stored_replica_counts_as_one_with_a_lease() {
        let mut leases = Leases::restored([keeper(0), keeper(3)], NOW);

        assert_eq!(indices(&leases.awaited(NOW)), [0, 3]);
        assert!(leases.has(keeper(0)) && !leases.has(keeper(1)));
        assert!(!leases.has(Keeper { lease: LEASE + 1, ..keeper(0) }), "a longer lease must be stored");
        leases.grant(keeper(0), NOW);
        assert_eq!(indices(&leases.awaited(NOW)), [0, 3], "a lease is no confirmation");
        assert_eq!(leases.awaited(NOW + END), []);
    }
}
