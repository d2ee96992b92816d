//! The source and its replicas: gives them leases, and tells them of changes.

use core::cell::RefMut;
use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use worker::{Delay, Result};

use super::Registry;
use crate::ask::Answer;
use crate::cloudflare::object::{complain, now, written};
use crate::cloudflare::platform::{REGISTRY, ask};
use crate::endpoint::at_once::all;
use crate::registry::command::{AwaitReplicas, Command, Invalidate, Keeper};
use crate::registry::leases::{Awaited, Leases, Standing};
use crate::sharding::Replica;

/// Pause before a replica is told again.
const PAUSE: Duration = Duration::from_secs(2);

// What is not inlined would otherwise be in one large function, each as often as it is called.
impl Registry {
    /// Gives a replica a lease. Its name is stored first: after a restart, only stored replicas count as having one.
    #[inline(never)]
    pub(super) fn grant(&self, keeper: Keeper) -> Result<()> {
        let mut leases = self.leases()?;
        if !leases.has(keeper) {
            self.table.put_replica(keeper)?;
        }
        leases.grant(keeper, now());
        Ok(())
    }

    /// Notes that what replicas keep is no longer what the source would say, if a row that they depend on was written.
    #[inline(never)]
    pub(super) fn note_change(&self) -> Result<()> {
        if !self.table.replicated.replace(false) {
            return Ok(());
        }
        let ended = self.leases()?.change(now());
        ended.into_iter().try_for_each(|replica| self.table.remove_replica(replica))
    }

    /// Waits until no replica answers with what was before the latest change. Names those that have not confirmed it.
    pub(super) async fn await_replicas(&self) -> Result<Answer> {
        self.note_change()?;
        let awaited = self.leases()?.awaited(now());
        let told = all(awaited.into_iter().map(|awaited| self.tell(awaited))).await;
        let ended: Vec<Replica> =
            told.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        for replica in &ended {
            worker::console_warn!(
                "{replica} has not confirmed a change of the registry: its lease has ended"
            );
        }
        Ok(Answer::to::<AwaitReplicas>(&ended))
    }

    /// Tells a replica of a change until it confirms, or returns it when its lease has ended.
    async fn tell(&self, awaited: Awaited) -> Result<Option<Replica>> {
        loop {
            let standing = self.leases()?.standing(&awaited, now());
            let left = match standing {
                Standing::Confirmed => return Ok(None),
                Standing::Ended => return Ok(Some(awaited.replica)),
                Standing::Waiting(left) => left,
            };
            match select(pin!(invalidate(awaited.replica)), Delay::from(left)).await {
                Either::Left((Ok(()), _)) => self.leases()?.confirm(&awaited),
                Either::Left((Err(error), _)) => {
                    complain("replica", &error);
                    Delay::from(PAUSE.min(left)).await;
                }
                Either::Right(_) => {}
            }
        }
    }

    /// Returns the leases. At first, every replica that is stored counts as having one.
    #[inline(never)]
    fn leases(&self) -> Result<RefMut<'_, Leases>> {
        if self.leases.borrow().is_none() {
            let restored = Leases::restored(self.table.replicas()?, now());
            self.leases.replace(Some(restored));
        }
        let unread = || Leases::restored([], now());
        Ok(RefMut::map(self.leases.borrow_mut(), |leases| leases.get_or_insert_with(unread)))
    }
}

async fn invalidate(replica: Replica) -> Result<()> {
    #[cfg(feature = "panic-probe")]
    crate::cloudflare::probe::reach(replica)?;
    let command: Command = Invalidate {}.into();
    ask(REGISTRY, &replica.to_string(), Some(replica.region.hint()), written(&command)).await.map(drop)
}
