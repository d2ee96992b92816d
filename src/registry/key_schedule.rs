//! The schedule of signing keys: which key signs, which keys verify, and when another key is needed.
//!
//! ```text
//!   Announced ---> Active ---> Verifying ---> Ended
//!   (published)    (signs)     (its tokens are still good)
//!       |             |            |
//!       +-------------+------------+-----> Retired   (an operator retired it, permanently)
//! ```
//!
//! Only instants are stored. The states follow from them and the clock, identically in the registry and in
//! every isolate. Invariants:
//!
//! * Once an algorithm has had a key, exactly one key signs with it.
//! * A key that signs is published. It was published before it began to sign, if there was time.
//! * To make sure that there is time, an announced key always stands by, even if it is not known yet when it
//!   will sign.
//!
//! `docs/decisions/0030-the-life-of-a-signing-key.md` has the reasons.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::rows::StoredKey;
use crate::order;
use crate::time::Timestamp;
use crate::token::signing_key::{Algorithm, PublicKey};

/// By the schedule, a key is published at least this long before it signs. A key whose turn is further away
/// stands by.
pub const LEAD: Duration = Duration::from_secs(86_400);
/// A key that an operator asks for is published this long before it signs. By then, every cached copy of
/// `/jwks.json` has expired.
pub const PUBLICATION: Duration = Duration::from_secs(600);
/// How far a Worker's clock may be behind the registry's.
pub const SKEW: Duration = Duration::from_secs(30);
/// When a key that stands by indefinitely begins to sign: at the end of the year 9999. This is an ordinary
/// instant, so the states need no special case.
pub const NEVER: Timestamp = Timestamp::from_millis(253_402_300_799_000);
/// How long a key verifies after another took its place: longer than any token lives.
pub const RETENTION: Duration = Duration::from_secs(7 * 86_400);

const _: () = assert!(LEAD.as_secs() > PUBLICATION.as_secs(), "LEAD must be long enough for publication");

/// The state of a key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The key is published, and will sign.
    Announced,
    /// The key signs.
    Active,
    /// Another key signs instead, but tokens of this key can still be good.
    Verifying,
    /// The last token of the key has expired.
    Ended,
    /// An operator took the key out of use, and its tokens are not good.
    Retired,
}

/// The key that signs with an algorithm.
#[expect(missing_docs, reason = "the fields are named after the members of RFC 7517 §4")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Signing {
    pub alg: Algorithm,
    pub kid: String,
}

/// The schedule of all stored keys.
#[derive(Clone, Copy, Debug)]
pub struct KeySchedule<'a>(&'a [StoredKey]);

impl<'a> KeySchedule<'a> {
    /// Creates the schedule of `keys`, which are all stored keys.
    #[must_use]
    pub const fn new(keys: &'a [StoredKey]) -> Self {
        Self(keys)
    }

    /// Returns the key with this `kid`.
    #[must_use]
    pub fn key(self, kid: &str) -> Option<&'a StoredKey> {
        self.0.iter().find(|key| key.public.kid == kid)
    }

    /// Returns the state of `key`, which is one of the stored keys.
    #[must_use]
    pub fn state(self, key: &StoredKey, now: Timestamp) -> State {
        if key.retired_at.is_some() {
            State::Retired
        } else if now < key.signs_from {
            State::Announced
        } else {
            match self.verifies_until(key, now) {
                None => State::Active,
                Some(end) if now < end => State::Verifying,
                Some(_) => State::Ended,
            }
        }
    }

    /// Returns until when `key` verifies; `None` if no other key has taken its place.
    #[must_use]
    pub fn verifies_until(self, key: &StoredKey, now: Timestamp) -> Option<Timestamp> {
        let later = self.of(key.public.alg).filter(|other| order(other) > order(key));
        let replaced = later.map(|key| key.signs_from).filter(|from| *from <= now).min();
        replaced.map(|at| at + RETENTION)
    }

    /// Returns the key that signs with `alg`.
    #[must_use]
    pub fn active(self, alg: Algorithm, now: Timestamp) -> Option<&'a StoredKey> {
        self.of(alg).filter(|key| key.signs_from <= now).max_by(|one, other| order(one).cmp(&order(other)))
    }

    /// Returns the key that signs with `alg` according to a clock that may be up to [`SKEW`] behind the registry's.
    /// This concerns keys that sign as soon as they are made because no other key does, such as the first ones.
    #[must_use]
    pub fn signer(self, alg: Algorithm, now: Timestamp) -> Option<&'a StoredKey> {
        self.active(alg, now).or_else(|| self.active(alg, now + SKEW))
    }

    /// Returns the keys that will sign with `alg`, in the order of their turns.
    #[must_use]
    pub fn announced(self, alg: Algorithm, now: Timestamp) -> Vec<&'a StoredKey> {
        let mut line: Vec<_> = self.of(alg).filter(|key| now < key.signs_from).collect();
        order::sort_by(&mut line, |one, other| order(one).cmp(&order(other)));
        line
    }

    /// Returns the announced key that would sign with `alg` if the key that signs had to be replaced at once:
    /// the first that was published long enough ago for every verifier to have it, or else the first.
    #[must_use]
    pub fn successor(self, alg: Algorithm, now: Timestamp) -> Option<&'a StoredKey> {
        let line = self.announced(alg, now);
        let known = line.iter().find(|key| key.created_at + PUBLICATION <= now);
        known.or(line.first()).copied()
    }

    /// Returns the key for `alg` that stands by: its turn is more than [`LEAD`] away.
    fn standby(self, alg: Algorithm, now: Timestamp) -> Option<&'a StoredKey> {
        self.announced(alg, now).into_iter().find(|key| key.signs_from > now + LEAD)
    }

    /// Returns when a standby key for `alg` that was published at `published` begins to sign. This is
    /// [`NEVER`] if there is no `rotation`, or if the key before it was imported: the clock does not replace
    /// such a key.
    fn turn(
        self,
        alg: Algorithm,
        published: Timestamp,
        rotation: Option<Duration>,
        now: Timestamp,
    ) -> Timestamp {
        let before = self.of(alg).filter(|key| key.signs_from <= now + LEAD);
        let before = before.max_by(|one, other| order(one).cmp(&order(other))).filter(|key| !key.imported);
        let due = before.zip(rotation).map(|(key, rotation)| key.signs_from + rotation);
        due.map_or(NEVER, |due| due.max(published + LEAD).max(now))
    }

    /// Returns the keys that sign, at most one for each algorithm: see [`KeySchedule::signer`].
    #[must_use]
    pub fn signing(self, now: Timestamp) -> Vec<Signing> {
        let signers = Algorithm::ALL.into_iter().filter_map(|alg| self.signer(alg, now));
        signers.map(|key| Signing { alg: key.public.alg, kid: key.public.kid.clone() }).collect()
    }

    /// Returns the keys to publish: those that sign, will sign, or have signed tokens that can still be good.
    #[must_use]
    pub fn published(self, now: Timestamp) -> Vec<PublicKey> {
        let good = |key: &&StoredKey| match self.state(key, now) {
            State::Announced | State::Active | State::Verifying => true,
            State::Ended | State::Retired => false,
        };
        self.0.iter().filter(good).map(|key| key.public.clone()).collect()
    }

    /// Returns the first of `algorithms` that needs another key, and when that key begins to sign. An
    /// algorithm without a key that signs comes before one without a key that stands by.
    #[must_use]
    pub fn missing(
        self,
        algorithms: &[Algorithm],
        rotation: Option<Duration>,
        now: Timestamp,
    ) -> Option<(Algorithm, Timestamp)> {
        let mute = algorithms.iter().find(|alg| self.active(**alg, now).is_none());
        mute.map(|alg| (*alg, now)).or_else(|| {
            let bare = algorithms.iter().find(|alg| self.standby(**alg, now).is_none());
            bare.map(|alg| (*alg, self.turn(*alg, now, rotation, now)))
        })
    }

    /// Returns a standby key of `algorithms` whose turn has changed, with its new turn. A turn changes when
    /// `rotation` or the key before it does.
    #[must_use]
    pub fn misdated(
        self,
        algorithms: &[Algorithm],
        rotation: Option<Duration>,
        now: Timestamp,
    ) -> Option<StoredKey> {
        algorithms.iter().filter_map(|alg| self.standby(*alg, now)).find_map(|key| {
            let turn = self.turn(key.public.alg, key.created_at, rotation, now);
            (turn != key.signs_from).then(|| StoredKey { signs_from: turn, ..key.clone() })
        })
    }

    /// Returns the keys for `alg` that were not retired.
    fn of(self, alg: Algorithm) -> impl Iterator<Item = &'a StoredKey> {
        self.0.iter().filter(move |key| key.public.alg == alg && key.retired_at.is_none())
    }
}

/// Orders keys by their turns.
fn order(key: &StoredKey) -> (Timestamp, &str) {
    (key.signs_from, &key.public.kid)
}

#[cfg(test)]
mod tests;
