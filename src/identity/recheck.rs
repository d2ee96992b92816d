//! The leaver check: whether a person is still at their OpenID Provider, who says so when a refresh token is used there.
//!
//! An account has one such token, that of its newest sign-in. A check holds a lease, so that a token is never used twice
//! at once: most providers take that for a theft. Meanwhile the last good answer counts.
//!
//! An answer can get lost after the provider has replaced the token. The token is then in doubt: its refusal might mean only
//! that it was replaced, so it ends nothing at once.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::account_key::AccountKey;
use crate::format::{Format, is_false};
use crate::time::Timestamp;

/// How long one check may take, and how long nobody asks again if there was no answer.
pub const LEASE: Duration = Duration::from_secs(30);

/// How long the last good answer counts, beyond the time after which the provider is to be asked again, while it cannot be
/// reached.
pub const UNREACHED: Duration = Duration::from_secs(86_400);

/// What an account's row knows of its provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Upkeep {
    /// The number of the record's format.
    pub format: Format<1>,
    /// The account's key.
    pub account: AccountKey,
    /// The provider's refresh token, sealed: base64url. The provider may replace it at every check.
    pub token: String,
    /// Counts the tokens of the account. An answer about an earlier one changes nothing.
    pub serial: u64,
    /// The last answer that the person is still there.
    pub answered_at: Timestamp,
    /// Until when a check holds the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased_until: Option<Timestamp>,
    /// Until when nobody asks again, because the provider said nothing about the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_until: Option<Timestamp>,
    /// Whether an answer got lost, so that the provider may have replaced the token.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_doubt: bool,
    /// When the provider refused the token: the person has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    /// When the row can be deleted, because no device of the account can refresh any more.
    pub ends_at: Timestamp,
}

/// Whether a device may refresh.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recheck {
    /// It may: the last good answer counts, or there is nothing to ask with.
    Good,
    /// The caller has the lease, and must ask the provider.
    Ask {
        /// The sealed refresh token.
        token: String,
        /// To be returned with the answer.
        serial: u64,
    },
    /// It may not: the person has left.
    Left,
    /// Not now: the provider has been out of reach for too long.
    Unreached,
}

/// The answer of a provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The person is still there. Carries the next refresh token, sealed, if the provider replaced it.
    There(Option<String>),
    /// The provider refuses the token (`invalid_grant`).
    Gone,
    /// The provider was not asked, or its answer says nothing about the person.
    Silent,
    /// The request was sent, and there was no answer that can be read: the provider may have replaced the token.
    Lost,
}

impl Upkeep {
    /// Returns whether a device may refresh, if the provider is to be asked `every` so often; takes the lease if the
    /// caller must ask.
    pub fn begin(&mut self, every: Duration, now: Timestamp) -> Recheck {
        if self.left_at.is_some() {
            return Recheck::Left;
        }
        if now < self.answered_at + every {
            return Recheck::Good;
        }
        if [self.leased_until, self.quiet_until].into_iter().flatten().any(|end| now < end) {
            return self.meanwhile(every, now);
        }
        // Whoever had the lease never came back.
        self.in_doubt |= self.leased_until.is_some();
        (self.leased_until, self.quiet_until) = (Some(now + LEASE), None);
        Recheck::Ask { token: self.token.clone(), serial: self.serial }
    }

    /// Heeds the provider's answer to the check of the token with this serial number. Returns whether the device may
    /// refresh.
    pub fn end(&mut self, serial: u64, reply: Reply, every: Duration, now: Timestamp) -> Recheck {
        if serial != self.serial {
            return Recheck::Good;
        }
        let lease = self.leased_until.take();
        match reply {
            Reply::There(next) => {
                self.replace(next);
                (self.answered_at, self.quiet_until, self.in_doubt) = (now, None, false);
                return Recheck::Good;
            }
            Reply::Gone if !self.in_doubt || self.meanwhile(every, now) == Recheck::Unreached => {
                self.left_at = Some(now);
                return Recheck::Left;
            }
            Reply::Gone | Reply::Silent => {}
            Reply::Lost => self.in_doubt = true,
        }
        // So that not every refresh asks a provider that does not answer.
        self.quiet_until = lease.or(self.quiet_until);
        self.meanwhile(every, now)
    }

    fn replace(&mut self, next: Option<String>) {
        if let Some(next) = next {
            (self.token, self.serial) = (next, self.serial + 1);
        }
    }

    fn meanwhile(&self, every: Duration, now: Timestamp) -> Recheck {
        if now < self.answered_at + every + UNREACHED { Recheck::Good } else { Recheck::Unreached }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn upkeep() -> Upkeep {
        Upkeep {
            format: Format,
            account: AccountKey::oidc("corp", "1").unwrap(),
            token: "first".to_owned(),
            serial: 1,
            answered_at: at(0),
            leased_until: None,
            quiet_until: None,
            in_doubt: false,
            left_at: None,
            ends_at: at(1_000_000),
        }
    }

    fn asks(token: &str) -> Recheck {
        let serial = if token == "first" { 1 } else { 2 };
        Recheck::Ask { token: token.to_owned(), serial }
    }

    #[test]
    fn a_provider_is_asked_at_most_once_in_the_time_and_by_one_at_once() {
        let mut upkeep = upkeep();

        assert_eq!(upkeep.begin(HOUR, at(3_599)), Recheck::Good);
        assert_eq!(upkeep.begin(HOUR, at(3_600)), asks("first"));
        assert_eq!(upkeep.begin(HOUR, at(3_629)), Recheck::Good, "the last answer counts while one asks");
        assert_eq!(upkeep.end(1, Reply::There(Some("second".to_owned())), HOUR, at(3_629)), Recheck::Good);
        assert_eq!(upkeep.begin(HOUR, at(7_228)), Recheck::Good);
        assert_eq!(upkeep.begin(HOUR, at(7_229)), asks("second"));
        assert_eq!(upkeep.end(2, Reply::There(None), HOUR, at(7_230)), Recheck::Good);
        assert_eq!(upkeep.begin(HOUR, at(20_000)), asks("second"), "a token that is not replaced stays");
        assert_eq!(upkeep.begin(HOUR, at(20_030)), asks("second"), "whoever asked never came back");
    }

    #[test]
    fn who_has_left_stays_gone_until_the_next_sign_in() {
        let mut upkeep = upkeep();
        assert_eq!(upkeep.begin(HOUR, at(3_600)), asks("first"));

        assert_eq!(upkeep.end(1, Reply::Gone, HOUR, at(3_601)), Recheck::Left);

        assert_eq!(upkeep.begin(HOUR, at(3_602)), Recheck::Left);
        assert_eq!(upkeep.begin(HOUR, at(900_000)), Recheck::Left);
    }

    #[test]
    fn an_answer_about_a_replaced_token_means_nothing() {
        let mut upkeep = upkeep();
        assert_eq!(upkeep.begin(HOUR, at(3_600)), asks("first"));
        let newer = Upkeep { serial: 2, token: "newer".to_owned(), answered_at: at(3_601), ..upkeep.clone() };
        upkeep = newer.clone();

        for reply in [Reply::Gone, Reply::There(Some("old".to_owned())), Reply::Silent, Reply::Lost] {
            assert_eq!(upkeep.end(1, reply, HOUR, at(3_602)), Recheck::Good);
            assert_eq!(upkeep, newer);
        }
    }

    #[test]
    fn a_provider_out_of_reach_ends_nothing_and_after_a_day_holds_devices_up() {
        let mut upkeep = upkeep();
        let last = 3_600 + 86_400;
        for now in [3_600, 3_631, last - 31] {
            assert_eq!(upkeep.begin(HOUR, at(now)), asks("first"));
            assert_eq!(upkeep.end(1, Reply::Silent, HOUR, at(now)), Recheck::Good);
            assert_eq!(upkeep.begin(HOUR, at(now + 29)), Recheck::Good, "nobody asks again at once");
        }
        assert_eq!(upkeep.begin(HOUR, at(last)), asks("first"));
        assert_eq!(upkeep.end(1, Reply::Silent, HOUR, at(last)), Recheck::Unreached);
        assert_eq!(upkeep.begin(HOUR, at(last + 29)), Recheck::Unreached);
        assert_eq!(upkeep.begin(HOUR, at(last + 30)), asks("first"));
        assert_eq!(upkeep.end(1, Reply::There(None), HOUR, at(last + 30)), Recheck::Good, "back again");
    }

    #[test]
    fn a_refusal_after_a_lost_answer_ends_nothing_before_a_day_has_passed() {
        type Loss = fn(&mut Upkeep);
        let losses: [Loss; 2] = [
            |upkeep| assert_eq!(upkeep.end(1, Reply::Lost, HOUR, at(3_605)), Recheck::Good),
            |_| {}, // The caller never came back.
        ];
        for lose in losses {
            let mut upkeep = upkeep();
            assert_eq!(upkeep.begin(HOUR, at(3_600)), asks("first"));
            lose(&mut upkeep);

            assert_eq!(upkeep.begin(HOUR, at(3_629)), Recheck::Good, "nobody asks again at once");
            assert_eq!(upkeep.begin(HOUR, at(3_630)), asks("first"));
            assert_eq!(
                upkeep.end(1, Reply::Gone, HOUR, at(3_631)),
                Recheck::Good,
                "it may have been replaced"
            );
            assert_eq!(upkeep.begin(HOUR, at(3_659)), Recheck::Good);

            let last = 3_600 + 86_400;
            assert_eq!(upkeep.begin(HOUR, at(last)), asks("first"));
            assert_eq!(upkeep.end(1, Reply::Gone, HOUR, at(last)), Recheck::Left, "not for ever");
        }
    }

    #[test]
    fn a_good_answer_takes_the_doubt_away_and_silence_adds_none() {
        for (reply, doubt) in [(Reply::Silent, false), (Reply::Lost, true), (Reply::There(None), false)] {
            let mut upkeep = Upkeep { in_doubt: reply != Reply::Silent, ..upkeep() };
            assert_eq!(upkeep.begin(HOUR, at(3_600)), asks("first"));
            assert_eq!(upkeep.end(1, reply.clone(), HOUR, at(3_601)), Recheck::Good);
            assert_eq!(upkeep.in_doubt, doubt, "{reply:?}");
        }
    }

    #[test]
    fn a_late_refusal_of_a_token_that_was_replaced_meanwhile_means_nothing() {
        let mut upkeep = upkeep();
        assert_eq!(upkeep.begin(HOUR, at(3_600)), asks("first"));
        assert_eq!(upkeep.begin(HOUR, at(3_630)), asks("first"), "the first caller is slow");
        assert_eq!(upkeep.end(1, Reply::There(Some("second".to_owned())), HOUR, at(3_631)), Recheck::Good);

        assert_eq!(upkeep.end(1, Reply::Gone, HOUR, at(3_632)), Recheck::Good);

        assert_eq!(upkeep.begin(HOUR, at(7_300)), asks("second"));
    }
}
