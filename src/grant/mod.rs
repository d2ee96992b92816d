//! One device authorization, from its codes to its tokens (RFC 8628).
//!
//! The table in the [crate documentation](crate) shows where each rule of RFC 8628 is implemented;
//! `docs/rfc8628.md` lists every statement, with its tests. A grant has these states:
//!
//! ```text
//!              approve            redeem
//!   Pending ------------> Approved ------> Redeemed
//!      |
//!      | deny, report, or      | presented from where the client may not redeem
//!      | two people with        |
//!      | the same code          |
//!      v                        |
//!   Denied <--------------------+
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
pub mod poll;
mod record;
pub mod redemption;
pub mod routing;
pub mod shard;
pub mod user_code;

use core::time::Duration;

use serde::{Deserialize, Serialize};

pub use record::{Approval, Denial, Hold, Request, State};

use crate::format::{Format, is_false};
use crate::identity::account::Sub;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

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
    /// Whether the code was presented without the key that it is bound to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_key: bool,
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
    pub(super) fn redeemable_until(&self, approval: &Approval) -> Timestamp {
        let grace = approval.at + Duration::from_secs(self.grace);
        grace.max(self.expires_at)
    }

    /// Gives the consent page to `hold`. Returns `false` if the grant is not open, or if this call has ended
    /// it.
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

    /// Returns the account that has opened the consent page, if one has.
    #[must_use]
    pub const fn holder(&self) -> Option<&Sub> {
        if let State::Pending { hold: Some(hold) } = &self.state { Some(&hold.sub) } else { None }
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
}
