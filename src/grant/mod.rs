//! One device authorization, from `user_code` to tokens.
//!
//! ```text
//!              approve            redeem
//!   Pending ------------> Approved ------> Redeemed
//!      |
//!      | deny, report, two claimants
//!      v
//!   Denied                 (expiry is not a state: it is a fact about the clock)
//! ```
//!
//! Invariants: an approval is redeemed at most once; a denial is final; nothing is approved at or after
//! `expires_at`; the required interval never shrinks.

pub mod command;
pub mod device_code;
pub mod expired_event;
pub mod pace;
pub mod pkce;
mod record;
pub mod routing;
pub mod shard;
pub mod user_code;

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::family::Family;
use crate::family::id::{AttemptId, FamilyId};
use crate::family::renewal::RACE;
use crate::format::{Format, is_false};
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use pace::Verdict;
pub use record::{Approval, Denial, Hold, Request, State};

/// For so long after redemption a lost answer may be given anew, where that is switched on.
pub const REISSUE: Duration = Duration::from_secs(60);

/// A device authorization, as its row stores it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    /// Of this record.
    pub format: Format<1>,
    /// The digest of the device code's secret.
    pub secret: Digest,
    /// What was asked, and by whom.
    pub request: Request,
    /// Pending ends here.
    pub expires_at: Timestamp,
    /// How much longer an approved grant may be redeemed, and every row is kept, in seconds.
    pub grace: u64,
    /// The interval required of the device, in seconds.
    pub interval: u64,
    /// What has become of it.
    pub state: State,
    /// Whether its code was presented without the key that it is bound to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_key: bool,
}

/// What a poll finds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Poll {
    /// `authorization_pending`, with the required interval in seconds.
    Pending(u64),
    /// `slow_down`, with the interval from now on in seconds.
    TooSoon(u64),
    /// `access_denied`.
    Denied(Denial),
    /// `expired_token`.
    Expired,
    /// Approved. Nothing has been spent: see [`Grant::redeem`].
    Ready(Box<Ready>),
    /// Spent a moment ago: the loser of a race.
    Spent,
    /// Spent before: somebody has a copy of the code, and its family must end.
    Replayed,
    /// No such grant, or another secret.
    Unknown,
    /// The code is bound to a key that the caller did not prove having. Nothing has changed.
    WithoutKey,
}

/// What the tokens of an approved grant are made from.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ready {
    /// What was asked.
    pub request: Request,
    /// What was said.
    pub approval: Approval,
}

/// How an attempt to redeem ends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Redemption {
    /// The grant is spent, now, by this attempt.
    Won,
    /// It was spent by this very attempt before: the platform delivered it twice.
    Again,
    /// It was spent by another attempt, or has ended.
    Lost,
}

impl Grant {
    /// Whether the caller has the code's secret, but not a key that the code is bound to.
    #[must_use]
    pub fn lacks_key(&self, secret: &Digest, proven: &Confirmation) -> bool {
        self.secret == *secret && !self.request.cnf.is_met_by(proven)
    }

    /// Whether a person may still decide.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Pending { .. }) && now < self.expires_at
    }

    /// Until when the code can still lead to tokens, which the caps on live codes count; `now` if it cannot.
    #[must_use]
    pub fn live_until(&self, now: Timestamp) -> Timestamp {
        match &self.state {
            State::Pending { .. } => self.expires_at,
            State::Approved { approval } => self.redeemable_until(approval),
            State::Denied { .. } | State::Redeemed { .. } => now,
        }
    }

    /// When the row may go: until then every answer stays what it was.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.expires_at + Duration::from_secs(self.grace)
    }

    /// An approval at the last second still leaves the device time to poll. Never after [`Grant::ends_at`],
    /// since nothing is approved after `expires_at`.
    fn redeemable_until(&self, approval: &Approval) -> Timestamp {
        let grace = approval.at + Duration::from_secs(self.grace);
        grace.max(self.expires_at)
    }

    /// Answers one token request (RFC 8628 §3.4, §3.5). Only a raised interval changes the grant.
    ///
    /// `last` is the previous poll, kept in memory by the caller and set here. Only a pending grant is
    /// paced, because §3.5 defines `slow_down` as a variant of `authorization_pending`.
    pub fn poll(&mut self, secret: &Digest, last: &mut Option<Timestamp>, now: Timestamp) -> Poll {
        if self.secret != *secret {
            return Poll::Unknown;
        }
        match &self.state {
            State::Pending { .. } if now < self.expires_at => self.pace(last, now),
            State::Approved { approval } if now < self.redeemable_until(approval) => {
                Poll::Ready(Box::new(Ready { request: self.request.clone(), approval: approval.clone() }))
            }
            State::Pending { .. } | State::Approved { .. } => Poll::Expired,
            State::Denied { how } => Poll::Denied(*how),
            State::Redeemed { at, .. } if now < *at + RACE => Poll::Spent,
            State::Redeemed { .. } => Poll::Replayed,
        }
    }

    fn pace(&mut self, last: &mut Option<Timestamp>, now: Timestamp) -> Poll {
        let verdict = pace::judge(*last, self.interval, now);
        *last = Some(now);
        match verdict {
            Verdict::OnTime => Poll::Pending(self.interval),
            Verdict::TooSoon(interval) => {
                self.interval = interval;
                Poll::TooSoon(interval)
            }
        }
    }

    /// What a lost answer may be made from anew, and the family that must end then; once, for a minute, and only
    /// while the refresh token of the first answer is unused, if there was one.
    #[must_use]
    pub fn reissuable(&self, family: Option<&Family>, now: Timestamp) -> Option<Ready> {
        let State::Redeemed { attempt, at, replayed: false, approval: Some(approval), .. } = &self.state
        else {
            return None;
        };
        let in_time = *at + RACE <= now && now < *at + REISSUE;
        let unused = family.is_some_and(|family| {
            let refresh = family.refresh.as_ref();
            family.is_live(now) && refresh.is_none_or(|current| current.attempt == *attempt)
        });
        let ready = || Ready { request: self.request.clone(), approval: approval.clone() };
        (in_time && unused).then(ready)
    }

    /// Spends the grant once more, for a lost answer; whoever comes right after is the loser of a race again. The
    /// caller has seen to [`Grant::reissuable`].
    pub fn reissue(&mut self, attempt: &AttemptId, next: FamilyId, now: Timestamp) -> Option<FamilyId> {
        let State::Redeemed { attempt: winner, at, family, approval, .. } = &mut self.state else {
            return None;
        };
        winner.clone_from(attempt);
        *at = now;
        *approval = None;
        Some(core::mem::replace(family, next))
    }

    /// Notes that the code came back after it was spent. The first time, names the family that must end.
    pub fn replay(&mut self) -> Option<FamilyId> {
        match &mut self.state {
            State::Redeemed { family, replayed, .. } if !*replayed => {
                *replayed = true;
                Some(*family)
            }
            State::Pending { .. }
            | State::Approved { .. }
            | State::Denied { .. }
            | State::Redeemed { .. } => None,
        }
    }

    /// Lets `hold` have the consent page; `false` if the grant is not open to it.
    ///
    /// The same account, or another one in the same browser, takes the hold over. A second account in
    /// another browser ends the grant: its code is in two people's hands (RFC 8628 §5.4).
    pub fn hold(&mut self, hold: Hold, now: Timestamp) -> bool {
        if !self.is_open(now) {
            return false;
        }
        let State::Pending { hold: held } = &mut self.state else { return false };
        match held {
            Some(other) if other.account != hold.account && other.browser != hold.browser => {
                self.state = State::Denied { how: Denial::Contested };
                false
            }
            Some(_) | None => {
                *held = Some(hold);
                true
            }
        }
    }

    /// Whether the decision comes from the page that was last shown.
    #[must_use]
    pub fn is_held_by(&self, hold: &Hold) -> bool {
        matches!(&self.state, State::Pending { hold: Some(held) } if held == hold)
    }

    /// Whether `hold`'s account, session and browser had the page last.
    #[must_use]
    pub fn was_shown_to(&self, hold: &Hold) -> bool {
        let State::Pending { hold: Some(held) } = &self.state else { return false };
        (&held.account, &held.session, &held.browser) == (&hold.account, &hold.session, &hold.browser)
    }

    /// Records a person's yes; `false` if the grant is no longer open.
    pub fn approve(&mut self, approval: Approval, now: Timestamp) -> bool {
        let open = self.is_open(now);
        if open {
            self.state = State::Approved { approval };
        }
        open
    }

    /// Records a person's no; `false` if the grant is no longer open.
    pub fn deny(&mut self, how: Denial, now: Timestamp) -> bool {
        let open = self.is_open(now);
        if open {
            self.state = State::Denied { how };
        }
        open
    }

    /// Spends an approved grant.
    pub fn redeem(
        &mut self,
        secret: &Digest,
        attempt: &AttemptId,
        family: FamilyId,
        now: Timestamp,
    ) -> Redemption {
        if self.secret != *secret {
            return Redemption::Lost;
        }
        match &self.state {
            State::Approved { approval } if now < self.redeemable_until(approval) => {
                let (attempt, approval) = (attempt.clone(), Some(approval.clone()));
                self.state = State::Redeemed { attempt, at: now, family, replayed: false, approval };
                Redemption::Won
            }
            State::Redeemed { attempt: winner, .. } if winner == attempt => Redemption::Again,
            State::Pending { .. }
            | State::Approved { .. }
            | State::Denied { .. }
            | State::Redeemed { .. } => Redemption::Lost,
        }
    }
}
