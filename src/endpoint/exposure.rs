//! Whether user codes are being guessed: what this isolate reports to the limiter, and hears from it. See
//! `docs/decisions/0009-codes-grow-under-guessing.md`.

use core::time::Duration;
use std::collections::BTreeMap;

use super::memory::Cache;
use super::platform::{Platform, Unavailable};
use super::server::Server;
use super::snapshot_cache::SNAPSHOT_AGE;
use crate::limiter::budgets;
use crate::limiter::command::Expose;
use crate::sharding::Shard;
use crate::time::Timestamp;

/// Age of the limiter's last word on guessing, from which on a start waits for a new one. Until then, a start asks behind
/// its answer, so most take one hop.
const EXPOSURE_AGE: Duration = Duration::from_secs(60);

impl<P: Platform> Server<P> {
    /// Returns whether guessing user codes has become too easy. Asks the limiter at most every
    /// [`SNAPSHOT_AGE`], and changes nothing there, so every page may call it.
    pub async fn is_strained(&self, now: Timestamp) -> bool {
        match self.cache.strained.fresh(SNAPSHOT_AGE, now) {
            Some(strained) => strained,
            None => self.ask_exposure((0, 0), BTreeMap::new(), now).await.unwrap_or(true),
        }
    }

    /// Returns whether new user codes should be longer, as the limiter said within [`EXPOSURE_AGE`]. If it said nothing
    /// since, asks it.
    pub async fn is_strained_for_new_codes(&self, now: Timestamp) -> bool {
        match self.cache.told.fresh(EXPOSURE_AGE, now) {
            Some(strained) => strained,
            None => self.expose(0, now).await,
        }
    }

    /// Returns whether a start should report live codes to the limiter behind its answer: [`SNAPSHOT_AGE`] after this
    /// isolate last heard from it, unless another start has just begun to.
    pub(super) fn is_due_to_report(&self, now: Timestamp) -> bool {
        let Cache { told, reporting, .. } = &self.cache;
        let fresh = told.fresh(SNAPSHOT_AGE, now).is_some() || reporting.fresh(SNAPSHOT_AGE, now).is_some();
        if !fresh {
            reporting.keep((), now);
        }
        !fresh
    }

    /// Remembers how many codes are live in a shard, for the next report by [`Server::expose`].
    pub(super) fn notice(&self, shard: Shard, live: u64) {
        self.cache.live.borrow_mut().insert(shard.to_string(), live);
    }

    /// Counts a right entry, for the next report by [`Server::expose`].
    pub(super) fn note_right_entry(&self) {
        self.cache.right.update(|before| before + 1);
    }

    /// Reports `wrong` entries to the limiter, and the numbers of live codes and right entries noticed since the last report.
    /// Returns whether guessing has become too easy.
    pub async fn expose(&self, wrong: u64, now: Timestamp) -> bool {
        let (live, right) = (self.cache.live.take(), self.cache.right.take());
        if let Ok(strained) = self.ask_exposure((wrong, right), live.clone(), now).await {
            return self.cache.told.keep(strained, now);
        }
        // The limiter cannot be reached: assume the worst, and report the live codes next time.
        self.cache.live.borrow_mut().extend(live);
        self.cache.right.update(|later| later + right);
        self.cache.told.keep(true, now)
    }

    async fn ask_exposure(
        &self,
        (wrong, right): (u64, u64),
        live: BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        let shape = &self.settings.user_code;
        let expose = Expose {
            key: budgets::EXPOSURE.to_owned(),
            live,
            wrong,
            right,
            window: self.longest_code_lifetime(now).await,
            allowed: budgets::allowed_exposure(shape.bits().min(shape.in_digits().bits())),
        };
        let strained = self.platform.limits(expose).await?;
        Ok(self.cache.strained.keep(strained, now))
    }
}
