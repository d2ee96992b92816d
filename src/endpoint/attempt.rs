//! Attempts at something that could be guessed. An attempt is taken before anything is looked up, and given
//! back if the guess was right. Registrations take attempts as well, which are never given back.

use super::http::Afterwards;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use crate::limiter::budgets::Budget;
use crate::limiter::command::{Full, GiveBack, Room, Take};
use crate::time::Timestamp;

/// Result of taking an attempt from every budget.
pub(super) enum Attempt {
    Taken(Taken),
    /// One of the budgets is spent, and none was charged.
    Wait(Full),
}

/// An attempt that was taken, and that the caller gives back if the guess was right.
pub(super) struct Taken(Vec<(Budget, Timestamp)>);

impl Attempt {
    /// Takes an attempt from one budget after the other: a network without attempts must not touch those of an account.
    pub(super) async fn take<P: Platform>(
        context: Context<'_, P>,
        budgets: impl IntoIterator<Item = Budget>,
    ) -> Result<Self, Unavailable> {
        let mut taken = Taken(Vec::new());
        for budget in budgets {
            let Budget { key, rule, network } = budget.clone();
            let take = Take { key, rule, network };
            match context.server.platform.limits(take).await? {
                Room::Taken(at) => taken.0.push((budget, at)),
                Room::Wait(full) => {
                    taken.give_back(context);
                    return Ok(Self::Wait(full));
                }
            }
        }
        Ok(Self::Taken(taken))
    }
}

impl Taken {
    /// Gives the attempt back to every budget, after the response.
    pub(super) fn give_back<P>(self, context: Context<'_, P>) {
        context.request.left.borrow_mut().push(Afterwards::GiveBack(self.back()));
    }

    /// Does the same now, before a request that may take long: otherwise many right ones at once would use up a budget.
    pub(super) async fn give_back_now<P: Platform>(self, context: Context<'_, P>) {
        context.server.give_back(self.back()).await;
    }

    fn back(self) -> Vec<GiveBack> {
        let budgets = self.0.into_iter();
        budgets.map(|(Budget { key, network, .. }, at)| GiveBack { key, at, network }).collect()
    }
}
