//! An object that is a replica: answers with what it keeps, or asks the source.

use core::cell::RefCell;
use std::rc::Rc;

use worker::{Result, State};

use crate::ask::{Answer, Ask as _};
use crate::cloudflare::object::{broken, complain, now};
use crate::cloudflare::platform::{REGISTRY, SHORT_PATIENCE, THE_REGISTRY, answer_within};
use crate::registry::command::Command;
use crate::registry::replica::{Found, Kept};
use crate::sharding::Region;

/// The object as a replica.
pub(super) struct AsReplica {
    kept: RefCell<Kept>,
    /// Where the platform creates the source, if this replica is the first to ask it.
    location: Option<&'static str>,
}

impl AsReplica {
    pub(super) fn new(location: Option<Region>) -> Self {
        Self { kept: RefCell::default(), location: location.map(Region::hint) }
    }

    /// Answers a command. If what it keeps is aging, it asks the source again afterwards.
    pub(super) async fn command(
        self: &Rc<Self>,
        state: &State,
        command: Command,
        text: &str,
    ) -> Result<Answer> {
        if let Command::Invalidate(ask) = command {
            self.kept.borrow_mut().invalidate();
            return ask.answer(|_| Ok(()));
        }
        let found = self.kept.borrow_mut().find(&command, now());
        match found {
            Found::Nothing => self.ask(&command, text.to_owned()).await,
            Found::Fresh(answer) => Ok(answer),
            Found::Aging(answer) => {
                let (replica, text) = (Rc::clone(self), text.to_owned());
                state.wait_until(async move {
                    if let Err(error) = replica.ask(&command, text).await {
                        complain("replica", &error);
                    }
                });
                Ok(answer)
            }
        }
    }

    /// Hands a read on to the source, and keeps the reply.
    async fn ask(&self, command: &Command, text: String) -> Result<Answer> {
        #[cfg(feature = "panic-probe")]
        if let Some(keeper) = command.keeper() {
            crate::cloudflare::probe::reach(keeper.replica)?;
        }
        let asked = self.kept.borrow().asked(now());
        let reply = answer_within(SHORT_PATIENCE, REGISTRY, THE_REGISTRY, self.location, Ok(text)).await?;
        let answer = Answer::of_json(reply);
        self.kept.borrow_mut().keep(asked, command, &answer).map_err(broken)?;
        Ok(answer)
    }
}
