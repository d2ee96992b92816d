//! Judges a token request without redeeming the grant (RFC 8628 §3.5).

use serde::{Deserialize, Serialize};

use super::pace::Verdict;
use super::verification::{Digits, Match};
use super::{Approval, Denial, Grant, Request, State, pace};
use crate::family::renewal::RACE;
use crate::secret::Digest;
use crate::time::Timestamp;

/// The result of a poll.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Poll {
    /// `authorization_pending`, with the required interval in seconds.
    Pending(u64),
    /// `slow_down`, with the new interval in seconds.
    TooSoon(u64),
    /// `access_denied`.
    Denied(Denial),
    /// `expired_token`.
    Expired,
    /// `initiation_verification_required`: the grant is approved, and the device has to send the digits that the person was
    /// shown. Carries the required interval in seconds.
    DigitsNeeded(u64),
    /// The device has sent wrong digits, and has this many tries left.
    WrongDigits(u64),
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
    /// Whether the digits are right that the device has sent; `None` if it needs none. An object that knows of none never
    /// says that it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<Match>,
}

impl Grant {
    /// Judges one token request (RFC 8628 §3.4, §3.5). The grant changes only if the interval grows.
    ///
    /// `last` is the time of the previous poll that authenticated in the same way. The caller keeps it in memory,
    /// and this function updates it.
    /// Only a grant that waits for somebody is paced, because §3.5 defines `slow_down` as a variant of
    /// `authorization_pending`: for a decision, or for the digits that the person types at the device.
    ///
    /// The token endpoint answers `expired_token` before this, from the code alone, once the row of the grant is
    /// gone. Until then a denied grant stays denied, also after `expires_at`.
    pub fn poll(
        &mut self,
        (secret, digits): (&Digest, Option<&Digits>),
        last: &mut Option<Timestamp>,
        now: Timestamp,
    ) -> Poll {
        if self.secret != *secret {
            return Poll::Unknown;
        }
        match &self.state {
            State::Pending { .. } if now < self.expires_at => self.pace(Poll::Pending, last, now),
            State::Approved { approval } if now < self.redeemable_until(approval) => {
                self.ready(approval, None)
            }
            State::Verifying { approval, verification } if now < self.redeemable_until(approval) => {
                match digits {
                    Some(digits) => self.ready(approval, Some(verification.compare(digits))),
                    None => self.pace(Poll::DigitsNeeded, last, now),
                }
            }
            State::Pending { .. } | State::Approved { .. } | State::Verifying { .. } => Poll::Expired,
            State::Denied { how } => Poll::Denied(*how),
            State::Redeemed { at, .. } if now < *at + RACE => Poll::Spent,
            State::Redeemed { .. } => Poll::Replayed,
        }
    }

    fn ready(&self, approval: &Approval, digits: Option<Match>) -> Poll {
        let (request, approval) = (self.request.clone(), approval.clone());
        Poll::Ready(Box::new(Ready { request, approval, digits }))
    }

    /// Returns what the grant waits for, or `slow_down`.
    fn pace(&mut self, waits: fn(u64) -> Poll, last: &mut Option<Timestamp>, now: Timestamp) -> Poll {
        let verdict = pace::judge(*last, self.interval, now);
        *last = Some(now);
        match verdict {
            Verdict::OnTime => waits(self.interval),
            Verdict::TooSoon(interval) => {
                self.interval = interval;
                Poll::TooSoon(interval)
            }
        }
    }
}
