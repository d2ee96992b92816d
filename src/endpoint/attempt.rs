//! Attempts at something that could be guessed: taken before anything is looked up, given back if it was right. And
//! what may be used once, which is never given back.

use super::{Context, Platform, Unavailable};
use crate::limiter;
use crate::limiter::budgets::Budget;
use crate::time::Timestamp;

/// What asking the budgets for an attempt ended in.
pub(super) enum Attempt {
    /// It was taken from each.
    Taken(Taken),
    /// One of them is spent for so many seconds; none was charged.
    Wait(u64),
}

/// An attempt that was taken, to give back if it was right.
pub(super) struct Taken(Vec<(Budget, Timestamp)>);

impl Attempt {
    pub(super) async fn take<P: Platform>(
        context: Context<'_, P>,
        budgets: impl IntoIterator<Item = Budget>,
    ) -> Result<Self, Unavailable> {
        let mut taken = Taken(Vec::new());
        for budget in budgets {
            let command = limiter::Command::Take { key: budget.key.clone(), rule: budget.rule };
            match context.server.platform.limits(&command).await? {
                limiter::Reply::Taken(at) => taken.0.push((budget, at)),
                limiter::Reply::Wait(seconds) => {
                    taken.give_back(context).await;
                    return Ok(Self::Wait(seconds));
                }
                limiter::Reply::Done | limiter::Reply::Strained(_) => return Err(Unavailable),
            }
        }
        Ok(Self::Taken(taken))
    }
}

impl Taken {
    /// If this is lost, one attempt counts that should not: the careful side.
    pub(super) async fn give_back<P: Platform>(self, context: Context<'_, P>) {
        for (budget, at) in self.0 {
            let command = limiter::Command::GiveBack { key: budget.key, at };
            let _: Result<limiter::Reply, Unavailable> = context.server.platform.limits(&command).await;
        }
    }
}
