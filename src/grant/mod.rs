//! One device authorization, from its codes to its tokens (RFC 8628).
//!
//! The table in the [crate documentation](crate) shows where each rule of RFC 8628 is implemented;
//! `docs/rfc8628.md` lists every statement, with its tests. A grant has these states:
//!
//! ```text
//!      +---------> Verifying ---------+     (the device has to send the digits that the person was shown)
//!      |                              v
//!   Pending ------> Approved ------> Redeemed
//!      |   approve           redeem
//!      | deny, report, or      | presented from where the client may not redeem
//!      | two people with        |
//!      | the same code          |
//!      v                        |
//!   Denied <--------------------+   (also when the person ends the access again, or
//!                                    wrong digits came three times)
//! ```
//!
//! Expiry is not a state: every use of the grant compares [`Grant::expires_at`] with the clock.
//!
//! Invariants:
//!
//! * An approval is redeemed at most once.
//! * An approval that is to be [verified](verification) is redeemed only with the right digits.
//! * A denial is final.
//! * Nothing is approved at or after `expires_at`.
//! * The required interval never shrinks.

pub mod command;
mod consent;
pub mod device_code;
pub mod expired_event;
pub mod instant;
pub mod link;
mod live;
pub mod live_codes;
mod memory;
pub mod miss;
pub mod pace;
mod permutation;
pub mod pkce;
pub mod poll;
mod record;
pub mod redemption;
mod room;
pub mod routing;
pub mod rows;
pub mod shard;
pub mod user_code;
pub mod verification;

use core::time::Duration;

use serde::{Deserialize, Serialize};

pub use record::{Approval, Decision, Denial, Hold, Outcome, Request, State};

use crate::family::id::FamilyId;
use crate::format::{Format, is_false, is_zero};
use crate::provenance::Provenance;
use crate::row_key::RowKey;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use verification::{Digits, Verification};

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
    /// Seconds after an approval in which the grant can be redeemed even if its code expires meanwhile; also,
    /// seconds for which the row is kept after the code has expired.
    pub grace: u64,
    /// Seconds that the device must wait between two polls.
    pub interval: u64,
    pub state: State,
    /// `None` if no person has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Whether the code was presented without the key that it is bound to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_key: bool,
    /// How often the person has typed wrong characters of the device's identifier.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub misidentified: u8,
}

impl Grant {
    /// Returns whether the secret is right, but a key that the code is bound to was not proven.
    #[must_use]
    pub fn lacks_key(&self, secret: &Digest, proven: &Confirmation) -> bool {
        self.secret == *secret && !self.request.cnf.is_met_by(proven)
    }

    /// Returns how the access came about, as long as the approval is known. `key` is that of this grant.
    #[must_use]
    pub fn provenance(&self, key: RowKey) -> Option<Provenance> {
        match &self.state {
            State::Approved { approval }
            | State::Verifying { approval, .. }
            | State::Redeemed { approval: Some(approval), .. } => {
                Some(approval.provenance(key, &self.request))
            }
            State::Pending { .. } | State::Denied { .. } | State::Redeemed { approval: None, .. } => None,
        }
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
            State::Approved { approval } | State::Verifying { approval, .. } => {
                self.redeemable_until(approval)
            }
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
    pub(super) fn redeemable_until(&self, approval: &Approval) -> Timestamp {
        let grace = approval.stage.at + Duration::from_secs(self.grace);
        grace.max(self.expires_at)
    }

    /// Gives the consent page to `hold`. Returns `false` if the grant is not open, or if this call has ended
    /// it.
    ///
    /// In the same session, an existing hold stays as it is, so that all pages of one code are good. The same account
    /// in another session, or another account in the same browser, takes it over. A second account in another browser
    /// ends the grant, because two people have its code (RFC 8628 §5.4).
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
            Some(other) if other.is_of_same_session(&hold) => true,
            Some(_) | None => {
                *current = Some(hold);
                true
            }
        }
    }

    /// Returns who has the consent page open.
    #[must_use]
    pub fn holder(&self) -> Option<&Hold> {
        if let State::Pending { hold } = &self.state { hold.as_ref() } else { None }
    }

    /// Returns whether a page with `hold` may decide.
    #[must_use]
    pub fn is_held_by(&self, hold: &Hold) -> bool {
        self.holder() == Some(hold)
    }

    /// Returns whether the page was last shown to the same account, session and browser.
    #[must_use]
    pub fn was_shown_to(&self, hold: &Hold) -> bool {
        self.holder().is_some_and(|current| current.is_of_same_session(hold))
    }

    /// Returns the decision, if it was made on a page with `hold`.
    #[must_use]
    pub fn decided_on(&self, hold: &Hold) -> Option<&Decision> {
        self.decision.as_ref().filter(|decision| decision.hold == *hold)
    }

    /// Records an approval. Returns `false` if the grant is no longer open.
    pub fn approve(&mut self, approval: Approval, now: Timestamp) -> bool {
        let open = self.is_open(now);
        if open {
            self.state = State::Approved { approval };
        }
        open
    }

    /// Records an approval that the device redeems only with these digits. Returns `false` if the grant is no longer open.
    pub fn approve_with(&mut self, approval: Approval, digits: Digits, now: Timestamp) -> bool {
        let open = self.is_open(now);
        if open {
            self.state = State::Verifying { approval, verification: Verification::of(digits) };
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

    /// Ends a live grant, because an administrator says so. Returns `false` if it cannot lead to tokens any more.
    pub fn end(&mut self, now: Timestamp) -> bool {
        let is_live = now < self.live_until(now);
        if is_live {
            self.state = State::Denied { how: Denial::Ended };
        }
        is_live
    }

    /// Ends the access that the person approved. Returns the family that must end, if the device has its tokens;
    /// the outer `None` means that there is no approval to take back, and that the grant has not changed.
    pub fn withdraw(&mut self, now: Timestamp) -> Option<Option<FamilyId>> {
        let decision = self.decision.as_mut().filter(|decision| decision.outcome == Outcome::Approved)?;
        let family = match &self.state {
            State::Approved { .. } | State::Verifying { .. } => None,
            State::Redeemed { family, .. } => Some(*family),
            State::Pending { .. } | State::Denied { .. } => return None,
        };
        (decision.outcome, decision.at) = (Outcome::Withdrawn, now);
        if family.is_none() {
            self.state = State::Denied { how: Denial::Withdrawn };
        }
        Some(family)
    }
}
