//! When the registry is published after a change.
//!
//! KV takes one write per second per key. So changes that come faster wait, and one publication covers all of
//! them. A failed publication is tried again. If every try fails, readers see the change when the published
//! copy expires.

use core::cell::Cell;
use core::time::Duration;

use crate::time::Timestamp;

/// Seconds until a published copy expires. After that, readers ask the registry, which publishes again.
pub const PUBLISHED_SECONDS: u64 = 300;
/// The shortest time between two publications.
const PAUSE: Duration = Duration::from_millis(1_100);
/// How many times the publication of one change is tried.
const TRIES: u32 = 3;

/// What the registry object remembers of its publications.
#[derive(Debug, Default)]
pub struct Publications {
    /// Number of changes so far.
    changes: Cell<u64>,
    published_at: Cell<Timestamp>,
}

/// The publication of one change.
#[derive(Debug)]
pub struct Publication {
    change: u64,
    tries: u32,
}

/// What to do next for a [`Publication`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Wait this long, then ask again.
    Wait(Duration),
    /// Call [`Publications::published`], then publish.
    Publish,
    /// Do nothing: the publication of a later change covers this one, or every try has failed.
    GiveUp,
}

impl Publications {
    /// Notes a change, and returns its publication.
    pub fn change(&self) -> Publication {
        let change = self.changes.get() + 1;
        self.changes.set(change);
        Publication { change, tries: 0 }
    }

    /// Notes a publication at `now`, whether it succeeds or not.
    pub fn published(&self, now: Timestamp) {
        self.published_at.set(now);
    }

    /// Returns whether the pause after the last publication is over.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.pause(now).is_zero()
    }

    fn pause(&self, now: Timestamp) -> Duration {
        (self.published_at.get() + PAUSE).since(now)
    }
}

impl Publication {
    /// Decides what to do at `now`. A [`Next::Publish`] counts as a try.
    pub fn next(&mut self, publications: &Publications, now: Timestamp) -> Next {
        if self.change != publications.changes.get() || self.tries == TRIES {
            return Next::GiveUp;
        }
        let pause = publications.pause(now);
        if !pause.is_zero() {
            return Next::Wait(pause);
        }
        self.tries += 1;
        Next::Publish
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn changes_that_come_faster_than_kv_takes_them_are_published_as_one() {
        let publications = Publications::default();
        let mut first = publications.change();
        assert_eq!(first.next(&publications, NOW), Next::Publish);
        publications.published(NOW);
        assert!(!publications.is_due(NOW) && publications.is_due(NOW + PAUSE));

        let (mut second, mut third) = (publications.change(), publications.change());

        assert_eq!(second.next(&publications, NOW), Next::GiveUp, "the third publishes for both");
        assert_eq!(third.next(&publications, NOW), Next::Wait(PAUSE));
        assert_eq!(third.next(&publications, NOW + PAUSE), Next::Publish);
    }

    #[test]
    fn a_publication_that_fails_is_tried_three_times_in_all() {
        let publications = Publications::default();
        let mut publication = publications.change();
        let mut now = NOW;
        for _ in 0..TRIES {
            assert_eq!(publication.next(&publications, now), Next::Publish);
            publications.published(now);
            now = now + PAUSE;
        }
        assert_eq!(publication.next(&publications, now), Next::GiveUp);
    }
}
