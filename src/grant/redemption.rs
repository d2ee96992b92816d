//! Redeems a device code once, replaces a lost response once, and notes a later replay.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::poll::Ready;
use super::verification::{Digits, Match, Verification};
use super::{Approval, Denial, Grant, State};
use crate::family::Family;
use crate::family::id::{AttemptId, FamilyId};
use crate::family::renewal::RACE;
use crate::secret::Digest;
use crate::time::Timestamp;

/// How long after redemption a lost response can be replaced, if `REISSUE_LOST_ANSWERS` is on.
pub const REISSUE: Duration = Duration::from_secs(60);

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
    /// Redeems an approved grant. If it is to be verified, `digits` must be those that the person was shown.
    pub fn redeem(
        &mut self,
        (secret, digits): (&Digest, Option<&Digits>),
        attempt: &AttemptId,
        family: FamilyId,
        now: Timestamp,
    ) -> Redemption {
        if self.secret != *secret {
            return Redemption::Lost;
        }
        let is_verified = |verification: &Verification| {
            digits.is_some_and(|digits| verification.compare(digits) == Match::Right)
        };
        match &self.state {
            State::Verifying { verification, .. } if !is_verified(verification) => Redemption::Lost,
            State::Approved { approval } | State::Verifying { approval, .. }
                if now < self.redeemable_until(approval) =>
            {
                let (attempt, approval) = (attempt.clone(), Some(approval.clone()));
                self.state = State::Redeemed { attempt, at: now, family, replayed: false, approval };
                Redemption::Won
            }
            State::Redeemed { attempt: winner, .. } if winner == attempt => Redemption::Again,
            State::Pending { .. }
            | State::Approved { .. }
            | State::Verifying { .. }
            | State::Denied { .. }
            | State::Redeemed { .. } => Redemption::Lost,
        }
    }

    /// Denies an approved grant, because its code was presented from where its client may not redeem it. Returns
    /// the approval that is lost; `None` if the grant could not be redeemed and so has not changed.
    pub fn refuse_elsewhere(&mut self, secret: &Digest, now: Timestamp) -> Option<Approval> {
        let (State::Approved { approval } | State::Verifying { approval, .. }) = &self.state else {
            return None;
        };
        if self.secret != *secret || self.redeemable_until(approval) <= now {
            return None;
        }
        let lost = approval.clone();
        self.state = State::Denied { how: Denial::Elsewhere };
        Some(lost)
    }

    /// Returns what to make new tokens from if the first response was lost. This is possible once per grant,
    /// from [`RACE`] to [`REISSUE`] after redemption, while the family is live and its first refresh token,
    /// if there is one, is unused.
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
        let ready = || Ready { request: self.request.clone(), approval: approval.clone(), digits: None };
        (in_time && unused).then(ready)
    }

    /// Redeems the grant a second time, because the first response was lost, and returns the family that must
    /// end. A poll within [`RACE`] after `now` has lost a race, as after the first redemption. The caller has
    /// checked [`Grant::reissuable`].
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
            | State::Verifying { .. }
            | State::Denied { .. }
            | State::Redeemed { .. } => None,
        }
    }
}
