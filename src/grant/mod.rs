//! One device authorization, from its codes to its tokens (RFC 8628).
//!
//! The table in the [crate documentation](crate) shows where each rule of RFC 8628 is implemented;
//! `docs/rfc8628.md` lists every statement, with its tests. A grant has these states:
//!
//! ```text
//!              approve            redeem
//!   Pending ------------> Approved ------> Redeemed
//!      |
//!      | deny, report, or two people with the same code
//!      v
//!   Denied
//! ```
//!
//! Expiry is not a state: every use of the grant compares [`Grant::expires_at`] with the clock.
//!
//! Invariants:
//!
//! * An approval is redeemed at most once.
//! * A denial is final.
//! * Nothing is approved at or after `expires_at`.
//! * The required interval never shrinks.

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

pub use record::{Approval, Denial, Hold, Request, State};

use crate::family::Family;
use crate::family::id::{AttemptId, FamilyId};
use crate::family::renewal::RACE;
use crate::format::{Format, is_false};
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use pace::Verdict;

/// How long after redemption a lost response can be replaced, if `REISSUE_LOST_ANSWERS` is on.
pub const REISSUE: Duration = Duration::from_secs(60);

/// A device authorization, as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    pub format: Format<1>,
    /// Digest of the device code's secret.
    pub secret: Digest,
    pub request: Request,
    /// Until then a person can decide.
    pub expires_at: Timestamp,
    /// Seconds for which an approved grant can be redeemed even if its code has expired by then, and for
    /// which every row is kept after it has expired.
    pub grace: u64,
    /// Seconds that the device must wait between two polls.
    pub interval: u64,
    pub state: State,
    /// Whether the code was presented without the key that it is bound to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_key: bool,
}

/// The result of a poll.
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
    /// The grant is approved. Nothing has been spent yet: see [`Grant::redeem`].
    Ready(Box<Ready>),
    /// The grant was redeemed a moment ago: this request lost a race.
    Spent,
    /// The grant was redeemed before: somebody has a copy of the code, and the family must end.
    Replayed,
    /// There is no such grant, or the secret is wrong.
    Unknown,
    /// The caller did not prove the key that the code is bound to. The state of the grant has not changed.
    WithoutKey,
}

/// What the tokens of an approved grant are made from.
#[expect(missing_docs, reason = "the types say what each field is")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ready {
    pub request: Request,
    pub approval: Approval,
}

/// The result of an attempt to redeem a grant.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Redemption {
    /// This attempt has redeemed the grant.
    Won,
    /// The same attempt redeemed the grant before: the platform delivered the command twice.
    Again,
    /// Another attempt redeemed the grant, or the grant cannot be redeemed.
    Lost,
}

impl Grant {
    /// Returns whether the secret is right, but a key that the code is bound to was not proven.
    #[must_use]
    pub fn lacks_key(&self, secret: &Digest, proven: &Confirmation) -> bool {
        self.secret == *secret && !self.request.cnf.is_met_by(proven)
    }

    /// Returns whether a person can still decide.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Pending { .. }) && now < self.expires_at
    }

    /// Returns until when the code counts as live, because it can still lead to tokens; `now` if it cannot.
    /// The number of live codes is capped.
    #[must_use]
    pub fn live_until(&self, now: Timestamp) -> Timestamp {
        match &self.state {
            State::Pending { .. } => self.expires_at,
            State::Approved { approval } => self.redeemable_until(approval),
            State::Denied { .. } | State::Redeemed { .. } => now,
        }
    }

    /// Returns when the row can be deleted. Until then, every poll gets the same final answer.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.expires_at + Duration::from_secs(self.grace)
    }

    /// Returns until when the approved grant can be redeemed. The grace leaves the device time to poll after
    /// an approval at the last second. The result is never after [`Grant::ends_at`], because nothing is
    /// approved at or after `expires_at`.
    fn redeemable_until(&self, approval: &Approval) -> Timestamp {
        let grace = approval.at + Duration::from_secs(self.grace);
        grace.max(self.expires_at)
    }

    /// Judges one token request (RFC 8628 §3.4, §3.5). The grant changes only if the interval grows.
    ///
    /// `last` is the time of the previous poll. The caller keeps it in memory, and this function updates it.
    /// Only a pending grant is paced, because §3.5 defines `slow_down` as a variant of
    /// `authorization_pending`.
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

    /// Returns what to make new tokens from if the first response was lost. Possible once per grant, from
    /// [`RACE`] to [`REISSUE`] after redemption, while the family is live and its first refresh token, if
    /// there is one, is unused.
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

    /// Redeems the grant a second time, because the first response was lost, and returns the family that must
    /// end. From now on, polls within [`RACE`] lose a race again. The caller has checked
    /// [`Grant::reissuable`].
    pub fn reissue(&mut self, attempt: &AttemptId, next: FamilyId, now: Timestamp) -> Option<FamilyId> {
        let State::Redeemed { attempt: winner, at, family, approval, .. } = &mut self.state else {
            return None;
        };
        winner.clone_from(attempt);
        *at = now;
        *approval = None;
        Some(core::mem::replace(family, next))
    }

    /// Notes that the code came back after redemption. The first time, returns the family that must end.
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

    /// Gives the consent page to `hold`. Returns `false` if the grant is not open, or has just been ended.
    ///
    /// The same account, or another account in the same browser, takes over an existing hold. A second
    /// account in another browser ends the grant, because two people have its code (RFC 8628 §5.4).
    pub fn hold(&mut self, hold: Hold, now: Timestamp) -> bool {
        if !self.is_open(now) {
            return false;
        }
        let State::Pending { hold: current } = &mut self.state else { return false };
        match current {
            Some(other) if other.account != hold.account && other.browser != hold.browser => {
                self.state = State::Denied { how: Denial::Contested };
                false
            }
            Some(_) | None => {
                *current = Some(hold);
                true
            }
        }
    }

    /// Returns whether `hold` is that of the page that was shown last.
    #[must_use]
    pub fn is_held_by(&self, hold: &Hold) -> bool {
        matches!(&self.state, State::Pending { hold: Some(current) } if current == hold)
    }

    /// Returns whether the page was last shown to the same account, session and browser.
    #[must_use]
    pub fn was_shown_to(&self, hold: &Hold) -> bool {
        let State::Pending { hold: Some(current) } = &self.state else { return false };
        (&current.account, &current.session, &current.browser)
            == (&hold.account, &hold.session, &hold.browser)
    }

    /// Records an approval. Returns `false` if the grant is no longer open.
    pub fn approve(&mut self, approval: Approval, now: Timestamp) -> bool {
        let open = self.is_open(now);
        if open {
            self.state = State::Approved { approval };
        }
        open
    }

    /// Records a denial. Returns `false` if the grant is no longer open.
    pub fn deny(&mut self, how: Denial, now: Timestamp) -> bool {
        let open = self.is_open(now);
        if open {
            self.state = State::Denied { how };
        }
        open
    }

    /// Redeems an approved grant.
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
