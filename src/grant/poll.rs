//! Judges a token request without redeeming the grant (RFC 8628 §3.5).

use serde::{Deserialize, Serialize};

use super::pace::Verdict;
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

impl Grant {
    /// Judges one token request (RFC 8628 §3.4, §3.5). The grant changes only if the interval grows.
    ///
    /// `last` is the time of the previous poll that authenticated in the same way. The caller keeps it in memory,
    /// and this function updates it.
    /// Only a pending grant is paced, because §3.5 defines `slow_down` as a variant of
    /// `authorization_pending`.
    ///
    /// The token endpoint answers `expired_token` before this, from the code alone, once the row of the grant is
    /// gone. Until then a denied grant stays denied, also after `expires_at`.
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
}
