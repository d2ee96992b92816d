//! Counts of what came from a network in the last minutes, in buckets of time. A tally has a bounded size, however much is
//! counted.
//!
//! What is counted belongs to an instant: an attempt to when it was made, a live code to when it ends. Everything in a bucket
//! counts as long as the latest in it, so a limit is up to a [`WIDTH`] stricter than it says, and never laxer. Besides all that
//! is in a bucket, it counts parts of it, such as what came from one /64. A bucket that has too many of them counts several
//! together, which is stricter again.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::secret::Digest;
use crate::time::Timestamp;

/// The time that a bucket spans.
pub const WIDTH: Duration = Duration::from_secs(15);
/// The most counts of parts in a tally: more than the buckets of an hour.
pub const MOST: usize = 512;

/// A part of what is counted, such as a prefix of the network: a digest of its name. Two parts of one network have the same
/// digest with a chance of 2^-32.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Part(u32);

impl Part {
    /// Returns the part that these words name.
    #[must_use]
    pub fn of(words: &[&str]) -> Self {
        let digest = Digest::of(words.join(" ").as_bytes());
        Self(digest.bytes().first_chunk().copied().map_or(0, u32::from_be_bytes))
    }

    /// Returns the name under which a bucket counts the part.
    fn name(self, shift: u8) -> u32 {
        self.0.checked_shr(shift.into()).unwrap_or_default()
    }
}

/// Counts by time, earliest first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Tally(Vec<Bucket>);

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "Written", into = "Written")]
struct Bucket {
    /// The latest instant in it.
    at: Timestamp,
    /// Milliseconds from the instant before to the latest, to go back to if the latest is removed.
    gap: u64,
    all: u64,
    /// How many of the last bits of a part's digest its name lacks.
    shift: u8,
    /// By name, in order.
    parts: Vec<(u32, u64)>,
}

/// A bucket as it is stored: instant, gap, count, shift and parts.
type Written = (Timestamp, u64, u64, u8, Vec<(u32, u64)>);

impl From<Written> for Bucket {
    fn from((at, gap, all, shift, parts): Written) -> Self {
        Self { at, gap, all, shift, parts }
    }
}

impl From<Bucket> for Written {
    fn from(Bucket { at, gap, all, shift, parts }: Bucket) -> Self {
        (at, gap, all, shift, parts)
    }
}

/// Returns the number of the bucket for an instant.
fn number(at: Timestamp) -> u128 {
    u128::from(at.millis()) / WIDTH.as_millis()
}

impl Tally {
    /// Forgets what belongs to `until` or earlier.
    pub fn forget(&mut self, until: Timestamp) {
        self.0.retain(|bucket| until < bucket.at);
    }

    /// Counts one more.
    pub fn add(&mut self, at: Timestamp, parts: &[Part]) {
        let place = self.0.partition_point(|bucket| number(bucket.at) < number(at));
        if self.0.get(place).is_none_or(|bucket| number(bucket.at) != number(at)) {
            self.0.insert(place, Bucket { at, gap: 0, all: 0, shift: 0, parts: Vec::new() });
        }
        if let Some(bucket) = self.0.get_mut(place) {
            bucket.add(at, parts);
        }
        self.bound();
    }

    /// Counts one less of those that were added with this instant and these parts. Does nothing if they have been forgotten.
    pub fn remove(&mut self, at: Timestamp, parts: &[Part]) {
        if let Some(bucket) = self.0.iter_mut().find(|bucket| number(bucket.at) == number(at)) {
            bucket.remove(at, parts);
        }
        self.0.retain(|bucket| bucket.all > 0);
    }

    /// Returns how many are counted: of a part, or of all.
    #[must_use]
    pub fn count(&self, part: Option<Part>) -> u64 {
        self.0.iter().map(|bucket| bucket.count(part)).sum()
    }

    /// Returns the instant that must be forgotten for fewer than `limit` to be left; `None` if fewer are counted already.
    #[must_use]
    pub fn free_at(&self, part: Option<Part>, limit: u64) -> Option<Timestamp> {
        let mut over = (self.count(part) + 1).checked_sub(limit).filter(|over| *over > 0)?;
        let mut buckets = self.0.iter().filter(|bucket| bucket.count(part) > 0);
        let enough = |bucket: &&Bucket| {
            over = over.saturating_sub(bucket.count(part));
            over == 0
        };
        buckets.clone().find(enough).or_else(|| buckets.next_back()).map(|bucket| bucket.at)
    }

    /// Returns the earliest instant in the tally.
    #[must_use]
    pub fn first(&self, part: Option<Part>) -> Option<Timestamp> {
        self.0.iter().find(|bucket| bucket.count(part) > 0).map(|bucket| bucket.at)
    }

    /// Returns the latest instant in the tally.
    #[must_use]
    pub fn last(&self, part: Option<Part>) -> Option<Timestamp> {
        self.0.iter().rfind(|bucket| bucket.count(part) > 0).map(|bucket| bucket.at)
    }

    /// Returns whether nothing is counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of counts of parts.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.0.iter().map(|bucket| bucket.parts.len()).sum()
    }

    /// Makes the largest buckets coarser until the tally has at most [`MOST`] counts of parts.
    fn bound(&mut self) {
        while self.parts() > MOST {
            match self.0.iter_mut().max_by_key(|bucket| bucket.parts.len()) {
                Some(bucket) if bucket.parts.len() > 1 => bucket.coarsen(),
                Some(_) | None => break,
            }
        }
    }
}

impl Bucket {
    fn add(&mut self, at: Timestamp, parts: &[Part]) {
        let between = self.at.millis().abs_diff(at.millis());
        self.gap = if at < self.at { self.gap.min(between) } else { between };
        self.at = self.at.max(at);
        self.all += 1;
        for part in parts {
            let name = part.name(self.shift);
            match self.parts.binary_search_by_key(&name, |(name, _)| *name) {
                Ok(place) => {
                    if let Some((_, count)) = self.parts.get_mut(place) {
                        *count += 1;
                    }
                }
                Err(place) => self.parts.insert(place, (name, 1)),
            }
        }
    }

    fn remove(&mut self, at: Timestamp, parts: &[Part]) {
        if at == self.at {
            self.at = at.before(Duration::from_millis(core::mem::take(&mut self.gap)));
        }
        self.all = self.all.saturating_sub(1);
        for part in parts {
            let name = part.name(self.shift);
            if let Some((_, count)) = self.parts.iter_mut().find(|(other, _)| *other == name) {
                *count = count.saturating_sub(1);
            }
        }
        self.parts.retain(|(_, count)| *count > 0);
    }

    fn count(&self, part: Option<Part>) -> u64 {
        let Some(part) = part else { return self.all };
        let place = self.parts.binary_search_by_key(&part.name(self.shift), |(name, _)| *name);
        place.ok().and_then(|place| self.parts.get(place)).map_or(0, |(_, count)| *count)
    }

    /// Counts parts together whose digests differ in the last bits only.
    fn coarsen(&mut self) {
        const BITS: u8 = 2;
        self.shift += BITS;
        let mut merged: Vec<(u32, u64)> = Vec::new();
        for (name, count) in self.parts.drain(..).map(|(name, count)| (name >> BITS, count)) {
            match merged.last_mut() {
                Some((last, sum)) if *last == name => *sum += count,
                Some(_) | None => merged.push((name, count)),
            }
        }
        self.parts = merged;
    }
}

#[cfg(test)]
mod tests;
