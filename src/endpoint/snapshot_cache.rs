//! The registry's snapshot in an isolate's memory. One request at a time loads it, and no request waits for
//! another: the runtime forbids that, and two copies of a large registry would not fit into an isolate.

use core::cell::Cell;
use core::time::Duration;
use std::rc::Rc;

use super::slot::Slot;
use crate::registry::snapshot::Snapshot;
use crate::time::Timestamp;

/// Age at which a request loads the snapshot again.
pub const SNAPSHOT_AGE: Duration = Duration::from_secs(10);
/// Age until which the snapshot is served while it is loaded, or cannot be loaded. Bounded, because a disabled
/// client must not start grants for as long as an outage lasts.
pub const SNAPSHOT_STALE_AGE: Duration = Duration::from_secs(30);
/// How long one request may load before another one may try. A request that dies while it loads cannot say so.
pub const SNAPSHOT_LEASE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct SnapshotCache {
    kept: Slot<Rc<Snapshot>>,
    /// When the newest snapshot that this isolate has seen was taken.
    newest: Cell<Timestamp>,
    /// The lease of the request that loads now.
    lease: Cell<Option<Lease>>,
    /// Number of leases so far.
    leases: Cell<u64>,
    /// How often the snapshot was forgotten.
    forgotten: Cell<u64>,
}

/// The right to load the snapshot.
#[derive(Clone, Copy)]
pub(super) struct Lease {
    number: u64,
    until: Timestamp,
    /// [`SnapshotCache::forgotten`] when the load began.
    forgotten: u64,
}

impl SnapshotCache {
    pub(super) fn fresh(&self, now: Timestamp) -> Option<Rc<Snapshot>> {
        self.kept.fresh(SNAPSHOT_AGE, now)
    }

    /// Returns the snapshot if it may still be served while it is loaded again.
    pub(super) fn stale(&self, now: Timestamp) -> Option<Rc<Snapshot>> {
        self.kept.fresh(SNAPSHOT_STALE_AGE, now)
    }

    /// Returns the snapshot regardless of its age.
    pub(super) fn last(&self) -> Option<Rc<Snapshot>> {
        self.kept.last()
    }

    /// Returns the lease if no other request has it.
    pub(super) fn lease(&self, now: Timestamp) -> Option<Lease> {
        if self.lease.get().is_some_and(|lease| now < lease.until) {
            return None;
        }
        let number = self.leases.get() + 1;
        let lease = Lease { number, until: now + SNAPSHOT_LEASE, forgotten: self.forgotten.get() };
        self.leases.set(number);
        self.lease.set(Some(lease));
        Some(lease)
    }

    /// Gives the lease back. Does nothing if it has ended and another request has it now.
    pub(super) fn end(&self, lease: Lease) {
        if self.lease.get().is_some_and(|current| current.number == lease.number) {
            self.lease.set(None);
        }
    }

    /// Keeps a snapshot that was loaded under `lease`, unless a change has made this isolate forget what it knew, or
    /// a newer snapshot has arrived. Returns the snapshot to use.
    pub(super) fn keep(&self, lease: Lease, snapshot: Rc<Snapshot>, now: Timestamp) -> Rc<Snapshot> {
        let is_latest = snapshot.outline.taken_at >= self.newest.get();
        if lease.forgotten != self.forgotten.get() || !is_latest {
            return self.kept.last().unwrap_or(snapshot);
        }
        self.newest.set(snapshot.outline.taken_at);
        self.kept.keep(snapshot, now)
    }

    /// Returns what to use instead of `published`, which may have been overtaken: KV can return a copy that is older
    /// than one it returned before. The copy in memory is then the newer one. `None` if the registry must be asked.
    pub(super) fn latest(&self, published: Snapshot) -> Option<Rc<Snapshot>> {
        if published.outline.taken_at >= self.newest.get() {
            Some(Rc::new(published))
        } else {
            self.kept.last()
        }
    }

    /// Forgets the snapshot after a change, and what is being loaded. What was taken before the newest snapshot stays
    /// refused.
    pub(super) fn forget(&self) {
        self.kept.forget();
        self.lease.set(None);
        self.forgotten.set(self.forgotten.get() + 1);
    }
}
