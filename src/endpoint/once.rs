//! Names that may be used once: the `jti` of an assertion (RFC 7523 §3) and of a DPoP proof (RFC 9449 §11.1).
//!
//! The limiter knows them everywhere. Each isolate remembers those that it saw, so that what comes back to it costs no
//! object.

use core::cell::RefCell;
use std::collections::HashMap;

use super::{Context, Platform, Unavailable};
use crate::limiter::{Command, Reply};
use crate::time::Timestamp;

/// A name, and until when it has to be remembered once it was used.
#[derive(Clone)]
pub(super) struct Once {
    pub key: String,
    pub until: Timestamp,
}

/// The names that this isolate saw used.
#[derive(Default)]
pub(super) struct Used(RefCell<HashMap<String, Timestamp>>);

impl Used {
    /// Beyond this many, those that have ended are dropped, and the rest as well if that is not enough.
    const MOST: usize = 10_000;

    fn has(&self, once: &Once, now: Timestamp) -> bool {
        self.0.borrow().get(&once.key).is_some_and(|until| now < *until)
    }

    fn note(&self, once: &Once, now: Timestamp) {
        let mut used = self.0.borrow_mut();
        if used.len() >= Self::MOST {
            used.retain(|_, until| now < *until);
        }
        if used.len() >= Self::MOST {
            used.clear();
        }
        used.insert(once.key.clone(), once.until);
    }
}

impl Once {
    /// Whether this isolate knows that it was used.
    pub(super) fn was_used<P>(&self, context: Context<'_, P>) -> bool {
        context.server.used.has(self, context.now)
    }

    /// Uses it: whether this was the first time, anywhere.
    pub(super) async fn take<P: Platform>(&self, context: Context<'_, P>) -> Result<bool, Unavailable> {
        if self.was_used(context) {
            return Ok(false);
        }
        match context.server.platform.limits(&self.command()).await? {
            Reply::Taken(_) => {
                context.server.used.note(self, context.now);
                Ok(true)
            }
            Reply::Wait(_) => Ok(false),
            Reply::Done | Reply::Strained(_) => Err(Unavailable),
        }
    }

    /// Uses it without asking whether somebody else did: what the limiter is to be told once the request is answered.
    pub(super) fn take_afterwards<P>(&self, context: Context<'_, P>) -> Command {
        context.server.used.note(self, context.now);
        self.command()
    }

    fn command(&self) -> Command {
        Command::Once { key: self.key.clone(), until: self.until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isolate_remembers_no_more_than_it_has_room_for_and_the_last_in_any_case() {
        let used = Used::default();
        let (now, later) = (Timestamp::from_millis(1_000), Timestamp::from_millis(2_000));
        let once = |number: usize, until| Once { key: number.to_string(), until };
        (0..Used::MOST - 1).for_each(|number| used.note(&once(number, now), now));
        used.note(&once(Used::MOST, later), now);

        used.note(&once(Used::MOST + 1, later), now);
        assert!(used.has(&once(Used::MOST, later), now) && used.has(&once(Used::MOST + 1, later), now));
        assert_eq!(used.0.borrow().len(), 2, "those that had ended are gone");

        (0..Used::MOST).for_each(|number| used.note(&once(number, later), now));
        assert!(used.0.borrow().len() <= Used::MOST);
        assert!(used.has(&once(Used::MOST - 1, later), now));
    }
}
