//! A replica's side: the replies of the source that it keeps, each for the length of a lease.
//!
//! The lease of a reply begins before the replica asks for it: the source may change at any moment after it has read. A
//! reply is not kept if the replica was told of a change while it waited.

use std::collections::BTreeMap;

use super::command::{AtSource, Command, FindAtSource, FindKeys, Keeper};
use super::rows::StoredKey;
use crate::ask::{Answer, Ask};
use crate::client::Client;
use crate::json::Flaw;
use crate::policy::governance::Governance;
use crate::time::{Timestamp, span};

/// The most clients whose replies are kept, and the most bytes of these replies. When they are full, all are forgotten.
const MOST_CLIENTS: usize = 2_000;
const MOST_BYTES: usize = 4 << 20;

/// A read that a replica may answer.
pub trait Replicated: Ask<Command = Command> + Clone {
    /// Returns this read, for a replica that keeps the reply.
    #[must_use]
    fn kept_by(self, keeper: Keeper) -> Self;
}

impl Replicated for FindAtSource {
    fn kept_by(self, keeper: Keeper) -> Self {
        Self { keeper: Some(keeper), ..self }
    }
}

impl Replicated for FindKeys {
    fn kept_by(self, keeper: Keeper) -> Self {
        Self { keeper: Some(keeper) }
    }
}

/// What a replica keeps.
#[derive(Debug, Default)]
pub struct Kept {
    /// How often it was told of a change.
    changes: u64,
    clients: BTreeMap<String, Reply<AtSource>>,
    /// Size of the replies about clients.
    bytes: usize,
    /// The governance of the latest reply, which is that of all replies that are good: a change of it is a change to all.
    governance: Option<Box<Governance>>,
    keys: Option<Reply<Vec<StoredKey>>>,
}

/// A question on its way to the source.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    at: Timestamp,
    /// [`Kept::changes`] when it was sent.
    changes: u64,
}

/// What a replica knows about a question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// Nothing that it may answer with: the source must be asked first.
    Nothing,
    /// The answer.
    Fresh(Answer),
    /// The answer. More than half of its lease is over, so the source is to be asked again, afterwards. Only the first
    /// caller is told so.
    Aging(Answer),
}

impl Kept {
    /// Returns the answer to a read.
    pub fn find(&mut self, command: &Command, now: Timestamp) -> Found {
        if let Command::FindAtSource(ask) = command {
            self.client(ask, now)
        } else if let (Command::FindKeys(_), Some(keys)) = (command, &mut self.keys) {
            keys.given(now, Answer::to::<FindKeys>)
        } else {
            Found::Nothing
        }
    }

    /// A client from open registration is stamped at the source when it is used, and might be about to end.
    fn client(&mut self, ask: &FindAtSource, now: Timestamp) -> Found {
        let Some(reply) = self.clients.get_mut(&ask.client_id) else { return Found::Nothing };
        let is_due = |client: &Client| client.has_ended(now) || ask.using && client.is_stamp_due(now);
        if reply.value.client.as_ref().is_some_and(is_due) {
            return Found::Nothing;
        }
        // Within its lease, the reply is what the source would say now.
        reply.value.at = now;
        let is_news = |kept: &&Governance| ask.revision != Some(kept.revision);
        reply.value.governance = self.governance.as_deref().filter(is_news).cloned().map(Box::new);
        let found = reply.given(now, Answer::to::<FindAtSource>);
        reply.value.governance = None;
        found
    }

    /// Returns what to remember of a question that is sent to the source now.
    #[must_use]
    pub const fn asked(&self, now: Timestamp) -> Asked {
        Asked { at: now, changes: self.changes }
    }

    /// Keeps the reply to a read, unless the replica was told of a change meanwhile. Keeps no reply about a client that neither
    /// exists nor has a document, so that a new client is no change to replicas, nor one from before there were keys.
    ///
    /// # Errors
    ///
    /// The reply does not parse.
    pub fn keep(&mut self, asked: Asked, command: &Command, reply: &Answer) -> Result<(), Flaw> {
        if asked.changes != self.changes {
            return Ok(());
        }
        if let Command::FindAtSource(FindAtSource { client_id, keeper: Some(keeper), .. }) = command {
            let mut found = reply.read::<FindAtSource>()?;
            if let Some(governance) = found.governance.take() {
                self.governance = Some(governance);
            }
            let is_known = found.client.is_some() || found.document.is_some();
            if is_known && !found.signing.is_empty() {
                let reply = Answer::to::<FindAtSource>(&found);
                self.keep_client(client_id, Reply::new(found, &reply, asked, *keeper));
            }
        } else if let Command::FindKeys(FindKeys { keeper: Some(keeper) }) = command {
            self.keys = Some(Reply::new(reply.read::<FindKeys>()?, reply, asked, *keeper));
        }
        Ok(())
    }

    fn keep_client(&mut self, client_id: &str, reply: Reply<AtSource>) {
        if let Some(before) = self.clients.remove(client_id) {
            self.bytes -= before.bytes;
        }
        if self.clients.len() >= MOST_CLIENTS || self.bytes + reply.bytes > MOST_BYTES {
            self.clients.clear();
            self.bytes = 0;
        }
        self.bytes += reply.bytes;
        self.clients.insert(client_id.to_owned(), reply);
    }

    /// Forgets everything, also what is on its way.
    pub fn invalidate(&mut self) {
        *self = Self { changes: self.changes + 1, ..Self::default() };
    }
}

/// A reply of the source, with its lease.
#[derive(Debug)]
struct Reply<T> {
    value: T,
    bytes: usize,
    /// When the replica asked.
    from: Timestamp,
    until: Timestamp,
    /// When the source is to be asked again.
    aging: Timestamp,
}

impl<T> Reply<T> {
    fn new(value: T, text: &Answer, asked: Asked, keeper: Keeper) -> Self {
        let lease = span(keeper.lease);
        let (from, bytes) = (asked.at, text.json().len());
        Self { value, bytes, from, until: from + lease, aging: from + lease / 2 }
    }

    fn given(&mut self, now: Timestamp, answer: impl FnOnce(&T) -> Answer) -> Found {
        // A clock that was set back proves nothing about the lease.
        if now < self.from || now >= self.until {
            return Found::Nothing;
        }
        let answer = answer(&self.value);
        if now < self.aging {
            return Found::Fresh(answer);
        }
        // If asking again fails, another caller tries after half of what is left.
        self.aging = now + self.until.since(now) / 2;
        Found::Aging(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::demo;
    use crate::registry::key_schedule::Signing;
    use crate::sharding::{Region, Replica};
    use crate::token::signing_key::Algorithm;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn ask(client: &Client, revision: Option<u64>) -> Command {
        let keeper = Some(Keeper { replica: Replica { region: Region::Weur, index: 0 }, lease: 30 });
        FindAtSource { client_id: client.client_id.clone(), using: false, revision, keeper }.into()
    }

    #[test]
    fn the_governance_is_kept_once_and_given_to_those_who_have_another() {
        let mut kept = Kept::default();
        let governance = Governance { revision: 7, ..Governance::without_document(false) };
        let signing = vec![Signing { alg: Algorithm::Es256, kid: "k".to_owned() }];
        for client in demo::clients() {
            let (command, asked) = (ask(&client, None), kept.asked(NOW));
            let found = AtSource {
                document: None,
                client: Some(client),
                signing: signing.clone(),
                scope_demands: BTreeMap::new(),
                governance: Some(Box::new(governance.clone())),
                at: NOW,
            };
            kept.keep(asked, &command, &Answer::to::<FindAtSource>(&found)).unwrap();
        }
        let mut governance_for = |client: &Client, revision| {
            let found = kept.find(&ask(client, revision), NOW);
            let Found::Fresh(answer) = found else { panic!("{found:?}") };
            answer.read::<FindAtSource>().unwrap().governance
        };

        for client in demo::clients() {
            for known in [None, Some(6), Some(8)] {
                assert_eq!(governance_for(&client, known).as_deref(), Some(&governance), "{known:?}");
            }
            assert_eq!(governance_for(&client, Some(7)), None);
        }
        assert!(kept.clients.values().all(|reply| reply.value.governance.is_none()));
    }
}
