//! The signing keys together: which one signs, which ones verify, and when there must be another.
//!
//! ```text
//!   Announced ---> Active ---> Verifying ---> Ended
//!   (published)    (signs)     (its tokens are still good)
//!       |             |            |
//!       +-------------+------------+-----> Retired   (an operator said so: at once, and for good)
//! ```
//!
//! Nothing but instants is stored; the states follow from them and the clock, the same ones everywhere. Invariants:
//! an algorithm that has had a key signs with exactly one; what signs is published, and was before if there was time.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::{Algorithm, PublicKey, StoredKey};
use crate::time::Timestamp;

/// A key of the schedule is published so long before it signs.
pub const LEAD: Duration = Duration::from_secs(86_400);
/// A key that an operator asked for is published so long before it signs. By then every copy of `/jwks.json` that was
/// kept as long as it may be has ended.
pub const PUBLICATION: Duration = Duration::from_secs(600);
/// A key verifies so long after another took its place: longer than any token lives.
pub const RETENTION: Duration = Duration::from_secs(7 * 86_400);

const _: () = assert!(LEAD.as_secs() > PUBLICATION.as_secs(), "the schedule leaves time enough, too");

/// What a key is there for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is published, and will sign.
    Announced,
    /// It signs.
    Active,
    /// It signed; its tokens may still be good.
    Verifying,
    /// Its last token has expired.
    Ended,
    /// It was taken out at once: whatever it signed is worth nothing.
    Retired,
}

/// The key that signs with an algorithm.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Signing {
    /// The algorithm.
    pub alg: Algorithm,
    /// The key.
    pub kid: String,
}

/// All keys there are.
#[derive(Clone, Copy, Debug)]
pub struct KeyRing<'a>(&'a [StoredKey]);

impl<'a> KeyRing<'a> {
    /// Of all stored keys.
    #[must_use]
    pub const fn new(keys: &'a [StoredKey]) -> Self {
        Self(keys)
    }

    /// The key called `kid`.
    #[must_use]
    pub fn key(self, kid: &str) -> Option<&'a StoredKey> {
        self.0.iter().find(|key| key.public.kid == kid)
    }

    /// What `key`, one of these, is there for at `now`.
    #[must_use]
    pub fn state(self, key: &StoredKey, now: Timestamp) -> State {
        if key.retired_at.is_some() {
            State::Retired
        } else if now < key.signs_from() {
            State::Announced
        } else {
            match self.verifies_until(key, now) {
                None => State::Active,
                Some(end) if now < end => State::Verifying,
                Some(_) => State::Ended,
            }
        }
    }

    /// Until when a key that signs no more verifies.
    #[must_use]
    pub fn verifies_until(self, key: &StoredKey, now: Timestamp) -> Option<Timestamp> {
        let later = self.of(key.public.alg).filter(|other| order(other) > order(key));
        let replaced = later.map(StoredKey::signs_from).filter(|from| *from <= now).min();
        replaced.map(|at| at + RETENTION)
    }

    /// The key that signs with `alg`.
    #[must_use]
    pub fn active(self, alg: Algorithm, now: Timestamp) -> Option<&'a StoredKey> {
        self.of(alg).filter(|key| key.signs_from() <= now).max_by(|one, other| order(one).cmp(&order(other)))
    }

    /// The key that will sign with `alg` next.
    #[must_use]
    pub fn announced(self, alg: Algorithm, now: Timestamp) -> Option<&'a StoredKey> {
        self.of(alg).filter(|key| now < key.signs_from()).min_by(|one, other| order(one).cmp(&order(other)))
    }

    /// The keys that sign, one for each algorithm that has one.
    #[must_use]
    pub fn signing(self, now: Timestamp) -> Vec<Signing> {
        let active = Algorithm::ALL.into_iter().filter_map(|alg| self.active(alg, now));
        active.map(|key| Signing { alg: key.public.alg, kid: key.public.kid.clone() }).collect()
    }

    /// The keys that are published: those that sign, will sign, or have signed what may still be good.
    #[must_use]
    pub fn published(self, now: Timestamp) -> Vec<PublicKey> {
        let good = |key: &&StoredKey| match self.state(key, now) {
            State::Announced | State::Active | State::Verifying => true,
            State::Ended | State::Retired => false,
        };
        self.0.iter().filter(good).map(|key| key.public.clone()).collect()
    }

    /// The first of `algorithms` that must have another key, and when that is to sign. With no `rotation`, one key is
    /// enough; a key that an operator brought is not replaced by the clock.
    #[must_use]
    pub fn missing(
        self,
        algorithms: &[Algorithm],
        rotation: Option<Duration>,
        now: Timestamp,
    ) -> Option<(Algorithm, Timestamp)> {
        algorithms.iter().find_map(|alg| {
            let Some(active) = self.active(*alg, now) else { return Some((*alg, now)) };
            let due = active.signs_from() + rotation.filter(|_| !active.imported)?;
            let wanted = self.announced(*alg, now).is_none() && due <= now + LEAD;
            wanted.then(|| (*alg, due.max(now + LEAD)))
        })
    }

    /// The keys with `alg` that were not retired.
    fn of(self, alg: Algorithm) -> impl Iterator<Item = &'a StoredKey> {
        self.0.iter().filter(move |key| key.public.alg == alg && key.retired_at.is_none())
    }
}

/// Keys follow one another in this order.
fn order(key: &StoredKey) -> (Timestamp, &str) {
    (key.signs_from(), &key.public.kid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::token::key::Material;

    const DAY: Duration = Duration::from_secs(86_400);
    const MONTH: Option<Duration> = Some(Duration::from_secs(30 * 86_400));
    const START: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn key(name: &str, signs_from: Timestamp) -> StoredKey {
        let material = Material::Okp { crv: "Ed25519".to_owned(), x: name.to_owned() };
        let mut public = PublicKey::new(Algorithm::EdDsa, material);
        public.kid = name.to_owned();
        StoredKey {
            format: Format,
            public,
            wrapped: String::new(),
            created_at: START,
            signs_from: Some(signs_from),
            retired_at: None,
            imported: false,
        }
    }

    fn states(keys: &[StoredKey], now: Timestamp) -> Vec<State> {
        keys.iter().map(|key| KeyRing::new(keys).state(key, now)).collect()
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_verifies_long_after() {
        use State::{Active, Announced, Ended, Verifying};

        let turn = START + DAY;
        let keys = [key("a", START), key("b", turn)];
        let before = turn.before(Duration::from_millis(1));

        assert_eq!(states(&keys, before), [Active, Announced]);
        assert_eq!(states(&keys, turn), [Verifying, Active]);
        assert_eq!(states(&keys, (turn + RETENTION).before(Duration::from_millis(1))), [Verifying, Active]);
        assert_eq!(states(&keys, turn + RETENTION), [Ended, Active]);
        assert_eq!(KeyRing::new(&keys).published(before).len(), 2);
        assert_eq!(KeyRing::new(&keys).published(turn + RETENTION).len(), 1);
    }

    #[test]
    fn the_schedule_asks_for_a_key_a_day_ahead_and_once() {
        let alg = [Algorithm::EdDsa];
        let mut keys = vec![key("a", START)];
        let due = START + DAY * 30;
        let missing = |keys: &[StoredKey], now| KeyRing::new(keys).missing(&alg, MONTH, now);

        assert_eq!(missing(&[], START), Some((Algorithm::EdDsa, START)), "the first signs at once");
        assert_eq!(missing(&keys, due.before(LEAD + LEAD)), None);
        assert_eq!(missing(&keys, due.before(LEAD)), Some((Algorithm::EdDsa, due)));
        let late = due + DAY * 100;
        assert_eq!(
            missing(&keys, late),
            Some((Algorithm::EdDsa, late + LEAD)),
            "published first all the same"
        );
        assert_eq!(KeyRing::new(&keys).missing(&alg, None, late), None, "there is no schedule");
        keys.push(key("b", due));
        assert_eq!(missing(&keys, due.before(LEAD)), None);

        keys = vec![StoredKey { imported: true, ..key("a", START) }];
        assert_eq!(missing(&keys, late), None, "an operator's own key is theirs to replace");
    }

    #[test]
    fn a_retired_key_neither_signs_nor_verifies() {
        let keys = [key("a", START), StoredKey { retired_at: Some(START + DAY), ..key("b", START + DAY) }];
        let now = START + DAY;

        assert_eq!(states(&keys, now), [State::Active, State::Retired]);
        assert_eq!(KeyRing::new(&keys).active(Algorithm::EdDsa, now).unwrap().public.kid, "a");
        assert_eq!(KeyRing::new(&keys).published(now).len(), 1);
    }

    #[test]
    fn a_key_from_before_there_was_a_schedule_signs_since_it_was_made() {
        let old = StoredKey { signs_from: None, ..key("a", START + DAY) };

        assert_eq!(old.signs_from(), START);
        assert_eq!(states(&[old], START), [State::Active]);
    }
}
