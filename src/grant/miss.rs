//! Spends the tries at the digits of a [verification](super::verification).

use super::verification::{Digits, Match};
use super::{Approval, Decision, Denial, Grant, Hold, Outcome, State};
use crate::secret::Digest;
use crate::time::Timestamp;

/// How many different wrong digits end a grant.
pub const TRIES: usize = 3;

/// What a wrong try has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Miss {
    /// Nothing but the number of tries that are left.
    Left(u64),
    /// It was the last one, so the grant is denied. Carries the approval that is lost.
    Last(Box<Approval>),
}

impl Grant {
    /// Spends a try at the device's identifier, because the person has typed wrong characters of it. Returns how many tries
    /// are left; `None` if the grant has not changed, because another page has it, or because it is over. The last try
    /// denies the grant.
    pub fn misidentify(&mut self, hold: &Hold, now: Timestamp) -> Option<u64> {
        if !self.is_open(now) || !self.is_held_by(hold) {
            return None;
        }
        self.misidentified = self.misidentified.saturating_add(1);
        let left = TRIES.saturating_sub(self.misidentified.into());
        if left == 0 {
            let (outcome, approval_id) = (Outcome::Misidentified, None);
            self.decision = Some(Decision { hold: hold.clone(), outcome, at: now, approval_id });
            self.state = State::Denied { how: Denial::Misidentified };
        }
        Some(left as u64)
    }

    /// Spends a try, because the device has sent wrong digits. Returns `None` if the grant has not changed, because they are
    /// right, or because nothing is to be verified.
    pub fn miss(&mut self, secret: &Digest, digits: &Digits, now: Timestamp) -> Option<Miss> {
        let State::Verifying { approval, verification } = &self.state else { return None };
        let is_late = self.redeemable_until(approval) <= now;
        if self.secret != *secret || is_late || verification.compare(digits) == Match::Right {
            return None;
        }
        let (approval, mut verification) = (approval.clone(), verification.clone());
        if !verification.wrong.contains(digits) {
            verification.wrong.push(digits.clone());
        }
        let left = TRIES.saturating_sub(verification.wrong.len());
        if left > 0 {
            self.state = State::Verifying { approval, verification };
            return Some(Miss::Left(left as u64));
        }
        self.state = State::Denied { how: Denial::Mistyped };
        if let Some(decision) = &mut self.decision {
            (decision.outcome, decision.at) = (Outcome::Mistyped, now);
        }
        Some(Miss::Last(Box::new(approval)))
    }

    /// Returns the digits that the person types at the device, as long as that helps.
    #[must_use]
    pub fn digits(&self, now: Timestamp) -> Option<&Digits> {
        match &self.state {
            State::Verifying { approval, verification } if now < self.redeemable_until(approval) => {
                Some(&verification.digits)
            }
            State::Verifying { .. }
            | State::Pending { .. }
            | State::Approved { .. }
            | State::Denied { .. }
            | State::Redeemed { .. } => None,
        }
    }

    /// Returns what became of the decision, as its page says it: an approval whose digits were not typed in time has lapsed.
    pub(super) fn outcome(&self, decided: Outcome, now: Timestamp) -> Outcome {
        let is_lapsed = matches!(self.state, State::Verifying { .. }) && self.digits(now).is_none();
        if is_lapsed { Outcome::Lapsed } else { decided }
    }
}
