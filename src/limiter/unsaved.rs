//! Attempts that are not stored yet.
//!
//! Most attempts are right, and given back within a moment. So a limiter keeps an attempt in memory for [`SETTLE`] and stores it
//! only if it was not given back by then: a right code or password writes nothing. An attempt counts from the moment it is
//! taken, stored or not.

use core::time::Duration;
use std::collections::BTreeMap;

use super::Row;
use super::command::{Command, GiveBack, Room, Take};
use crate::ask::Answer;
use crate::time::Timestamp;

/// How long an attempt may wait to be stored. If the object starts again, it forgets the attempts of this time.
pub const SETTLE: Duration = Duration::from_secs(1);

/// The rows that differ from what is stored, by key.
#[derive(Debug, Default)]
pub struct Unsaved(BTreeMap<String, Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    row: Row,
    /// The attempts that are not stored.
    taken: Vec<Timestamp>,
    /// Whether the row lacks attempts that are stored.
    lacks_stored: bool,
}

/// What must be stored after a command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Saving {
    /// The row of the command, before the answer: what is used up must not be usable again.
    pub at_once: Option<Row>,
    /// Whether any row is to be stored [`SETTLE`] after the first of them has changed. If none is, nobody may wait for that time:
    /// an object with a timer cannot sleep, and is billed for it.
    pub later: bool,
}

impl Unsaved {
    /// Applies one command at `now`. `stored` reads the row that is stored.
    ///
    /// # Errors
    ///
    /// The row could not be read.
    pub fn apply<E>(
        &mut self,
        command: &Command,
        now: Timestamp,
        stored: impl FnOnce() -> Result<Option<Row>, E>,
    ) -> Result<(Answer, Saving), E> {
        let mut waiting = match self.0.remove(command.key()) {
            Some(waiting) => waiting,
            None => Waiting { row: stored()?.unwrap_or_default(), ..Waiting::default() },
        };
        let (answer, at_once) = waiting.apply(command, now);
        if at_once.is_none() && waiting.is_unsaved() {
            self.0.insert(command.key().to_owned(), waiting);
        }
        Ok((answer, Saving { at_once, later: !self.0.is_empty() }))
    }

    /// Returns the rows to be stored, by key.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.0.iter().map(|(key, waiting)| (key.as_str(), &waiting.row))
    }

    /// Forgets the rows, because they are stored.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Waiting {
    /// Applies a command. Returns the row if it must be stored at once.
    fn apply(&mut self, command: &Command, now: Timestamp) -> (Answer, Option<Row>) {
        match command {
            Command::Take(ask) => {
                let room = self.row.take(ask, now);
                self.taken.extend(matches!(room, Room::Taken(_)).then_some(now));
                (Answer::to::<Take>(&room), None)
            }
            Command::GiveBack(ask) => {
                self.give_back(ask);
                (Answer::to::<GiveBack>(&()), None)
            }
            Command::UseOnce(_)
            | Command::Expose(_)
            | Command::FindDocument(_)
            | Command::KeepDocument(_) => {
                let before = self.row.clone();
                let answer = self.row.apply(command, now);
                (answer, (self.row != before).then(|| self.row.clone()))
            }
        }
    }

    fn give_back(&mut self, ask: &GiveBack) {
        let before = self.row.attempts.count(None);
        self.row.give_back(ask);
        match self.taken.iter().position(|at| *at == ask.at) {
            Some(place) => drop(self.taken.swap_remove(place)),
            None => self.lacks_stored |= self.row.attempts.count(None) < before,
        }
    }

    fn is_unsaved(&self) -> bool {
        !self.taken.is_empty() || self.lacks_stored
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use super::*;
    use crate::limiter::command::{Rule, UseOnce};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LATER: Timestamp = Timestamp::from_millis(1_000_100);
    const NOTHING: Saving = Saving { at_once: None, later: false };
    const SOON: Saving = Saving { at_once: None, later: true };

    /// A limiter, and what it has stored.
    #[derive(Default)]
    struct Limiter {
        unsaved: Unsaved,
        stored: BTreeMap<String, Row>,
    }

    impl Limiter {
        fn apply(&mut self, command: impl Into<Command>, now: Timestamp) -> (Answer, Saving) {
            let command = command.into();
            let read = || Ok::<_, Infallible>(self.stored.get(command.key()).cloned());
            self.unsaved.apply(&command, now, read).expect("a map can be read")
        }

        /// Takes one of two attempts.
        fn take(&mut self, now: Timestamp) -> (Room, Saving) {
            self.take_of("k", now)
        }

        fn take_of(&mut self, key: &str, now: Timestamp) -> (Room, Saving) {
            let rule = Rule::Window { limit: 2, window: 300 };
            let (answer, saving) = self.apply(Take { key: key.to_owned(), rule, network: None }, now);
            (answer.read::<Take>().unwrap(), saving)
        }

        fn give_back(&mut self, at: Timestamp) -> Saving {
            self.give_back_of("k", at)
        }

        fn give_back_of(&mut self, key: &str, at: Timestamp) -> Saving {
            self.apply(GiveBack { key: key.to_owned(), at, network: None }, LATER).1
        }

        /// Stores what is unsaved, as an object does after [`SETTLE`]. Returns how many rows that are.
        fn save(&mut self) -> usize {
            let rows: BTreeMap<String, Row> =
                self.unsaved.rows().map(|(key, row)| (key.to_owned(), row.clone())).collect();
            self.unsaved.clear();
            let count = rows.len();
            self.stored.extend(rows);
            count
        }

        /// Returns how many attempts are stored.
        fn stored(&self) -> u64 {
            self.stored.values().map(|row| row.attempts.count(None)).sum()
        }
    }

    #[test]
    fn an_attempt_that_is_given_back_at_once_is_never_stored() {
        let mut limiter = Limiter::default();

        assert_eq!(limiter.take(NOW), (Room::Taken(NOW), SOON));
        assert_eq!(limiter.give_back(NOW), NOTHING);
        assert_eq!(limiter.save(), 0);
    }

    #[test]
    fn nothing_is_left_to_store_as_soon_as_every_attempt_is_given_back() {
        let mut limiter = Limiter::default();
        let once = UseOnce { key: "jti".to_owned(), until: NOW + SETTLE };

        assert!(limiter.take(NOW).1.later);
        assert!(limiter.take_of("other", NOW).1.later);
        assert_eq!(limiter.give_back(NOW), SOON, "the other attempt is left");
        let (_, used) = limiter.apply(once.clone(), NOW);
        assert!(used.at_once.is_some() && used.later, "{used:?}");
        assert_eq!(limiter.give_back_of("other", NOW), NOTHING);
        assert!(!limiter.apply(once, LATER + SETTLE).1.later);
    }

    #[test]
    fn attempts_count_from_when_they_are_taken_and_are_stored_together() {
        let mut limiter = Limiter::default();

        assert_eq!(limiter.take(NOW), (Room::Taken(NOW), SOON));
        assert_eq!(limiter.take(LATER), (Room::Taken(LATER), SOON));
        let (room, _) = limiter.take(LATER);

        assert!(matches!(room, Room::Wait(_)), "{room:?}");
        assert_eq!((limiter.stored(), limiter.save(), limiter.stored()), (0, 1, 2));
        assert!(matches!(limiter.take(LATER), (Room::Wait(_), NOTHING)), "nothing is new");
    }

    #[test]
    fn one_of_two_attempts_is_given_back_and_the_other_stored() {
        let mut limiter = Limiter::default();
        limiter.take(NOW);
        limiter.take(LATER);

        assert_eq!(limiter.give_back(NOW), SOON);
        assert_eq!((limiter.save(), limiter.stored()), (1, 1));
    }

    #[test]
    fn an_attempt_that_is_given_back_after_it_was_stored_is_taken_from_the_row() {
        let mut limiter = Limiter::default();
        limiter.take(NOW);
        limiter.save();

        assert_eq!(limiter.give_back(NOW), SOON);
        assert_eq!((limiter.save(), limiter.stored()), (1, 0));
        assert_eq!(limiter.give_back(NOW), NOTHING, "there is none");
    }

    #[test]
    fn a_name_is_used_up_before_the_answer() {
        let mut limiter = Limiter::default();
        let once = UseOnce { key: "jti".to_owned(), until: NOW + SETTLE };
        let (fresh, saving) = limiter.apply(once.clone(), NOW);
        limiter.stored.insert("jti".to_owned(), saving.at_once.expect("not at once"));

        let (again, saving) = limiter.apply(once, NOW);

        assert_eq!((fresh.read::<UseOnce>(), again.read::<UseOnce>()), (Ok(true), Ok(false)));
        assert_eq!((saving, limiter.save()), (NOTHING, 0));
    }
}
