//! What a request leaves to do after its response, so that the client does not wait for it.

use core::time::Duration;

use super::http::Afterwards;
use super::platform::{Platform, Unavailable};
use super::server::Server;
use crate::endpoint::at_once::all;
use crate::limiter::command::GiveBack;
use crate::time::Timestamp;

/// How long an isolate waits for the registry to make its keys before it asks again.
const KEYS_REQUEST_AGE: Duration = Duration::from_secs(10);

impl<P: Platform> Server<P> {
    /// Does what a response has left, all at once. Failures are ignored: a redemption waits for its key, a name that is used
    /// up in this isolate only is used up before anything is issued, and without the limiter new codes are longer. A session
    /// whose browser has forgotten it ends by itself. An event may be lost, but the log has its line.
    pub async fn finish(&self, left: Vec<Afterwards>, now: Timestamp) {
        all(left.into_iter().map(|work| self.finish_one(work, now))).await;
    }

    async fn finish_one(&self, work: Afterwards, now: Timestamp) -> Result<(), Unavailable> {
        match work {
            Afterwards::UseUp(name) => self.platform.limits(name).await.map(|_: bool| ()),
            Afterwards::GiveBack(back) => {
                self.give_back(back).await;
                Ok(())
            }
            Afterwards::MakeKeys => self.keys_at_source(now).await.map(|_| ()),
            Afterwards::NoteRefusal(shard, ask) => self.platform.grants(shard, ask).await,
            Afterwards::EndSession(shard, ask) => self.platform.accounts(shard, ask).await,
            Afterwards::NoteRefusedSignIn(ask) => self.platform.accounts(ask.account.shard(), ask).await,
            Afterwards::NoteWrongCodes(ask) => self.platform.counts(ask).await,
            Afterwards::NoteRefusedStarts(ask) => self.platform.counts(ask).await,
            Afterwards::Expose => {
                self.expose(0, now).await;
                Ok(())
            }
        }
    }

    /// Gives attempts back to their budgets, at once. A failure is ignored: the attempt counts although it should not, which
    /// errs on the safe side.
    pub(super) async fn give_back(&self, back: Vec<GiveBack>) {
        all(back.into_iter().map(|one| self.platform.limits(one))).await;
    }

    /// Returns whether the registry should make its first keys now: it had none when this isolate read it, and this
    /// isolate has not just asked for them.
    pub(super) fn is_without_keys(&self, now: Timestamp) -> bool {
        let read_none = self.cache.snapshot.last().is_some_and(|snapshot| snapshot.outline.keys.is_empty());
        let knows_none = self.cache.keys.last().is_none_or(|keys| keys.is_empty());
        if !read_none || !knows_none || self.cache.keys_requested.fresh(KEYS_REQUEST_AGE, now).is_some() {
            return false;
        }
        self.cache.keys_requested.keep((), now);
        true
    }
}
