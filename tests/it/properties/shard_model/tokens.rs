//! What the shard must do when a code is redeemed, and when a refresh token is presented and rotated.

use device_grant::audit::What;
use device_grant::family::command::{EndFamilies, LiveFamilies, PresentToken, RotateToken};
use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::family::{Ending, Holder, Presented, Rotation};
use device_grant::grant::command::Redeem;
use device_grant::grant::redemption::Redemption;
use device_grant::secret::Digest;
use device_grant::time::{Timestamp, ceil_seconds, span};

use super::rows::{Stored, current, family};
use super::{KEY, Life, Typed};
use crate::properties::records::journey;

impl Life<'_> {
    pub(super) fn redeem(
        &mut self,
        right: bool,
        attempt: u8,
        (confidential, far): (bool, bool),
        typed: Typed,
    ) {
        let before = self.stored();
        let is_verified = !self.code.verifying || typed == Typed::Right;
        let (first, reissued) =
            (right && is_verified && self.is_redeemable(), right && self.is_reissuable(confidential));
        let again = right && self.code.won.last() == Some(&attempt);
        let (secret, id) = (self.secret(right), self.id(attempt));
        let family = Box::new(family(id, attempt, self.cnf(true), self.now));
        let reissue = self.setting.reissue && (confidential || self.setting.bound);

        let reply = self.ask(Redeem {
            key: KEY,
            secret,
            attempt: AttemptId::of_jti(&attempt.to_string()),
            id,
            family,
            reissue,
            journey: far.then(journey),
            policy: None,
            digits: typed.digits(),
        });

        // A redemption stops both clocks.
        self.code.polled = [None, None];
        let won = first || reissued && !again;
        let expected = match (won, again) {
            (true, _) => Redemption::Won,
            (false, true) => Redemption::Again,
            (false, false) => Redemption::Lost,
        };
        assert_eq!(reply, expected, "{:?}", self.code);
        if !won {
            return assert_eq!(self.stored(), before);
        }
        let mut news = vec![if first { What::Redeemed } else { What::Reissued }];
        if far {
            news.push(What::RedeemedElsewhere);
            self.meet("redeemed elsewhere");
        }
        assert_eq!(self.events_since(&before), news);
        assert_eq!(self.live(), [id]);
        self.code.redeemed_at = Some(self.now);
        self.code.won.push(attempt);
        if self.code.verifying {
            self.meet("verified");
        }
        self.tokens.insert(id, vec![format!("{id}/0")]);
        self.meet(if first { "redeemed" } else { "reissued" });
    }

    /// Returns a family of the current code, one of its tokens, and whether that is the newest.
    fn token(&self, family: usize, back: usize) -> Option<(FamilyId, Digest, bool)> {
        let id = self.id(*self.code.won.iter().rev().nth(family)?);
        let token = self.tokens.get(&id)?.iter().rev().nth(back)?;
        Some((id, Digest::of(token.as_bytes()), back == 0))
    }

    pub(super) fn refresh(&mut self, family: usize, back: usize, key: bool, own: bool) {
        let before = self.stored();
        let Some((id, secret, newest)) = self.token(family, back) else { return };
        let live = self.live().contains(&id);
        let client_id = if own { "demo-tv" } else { "demo-printer" }.to_owned();
        let holder = Holder { client_id, proven: self.cnf(key) };

        let presented = self.ask(PresentToken { id, secret, genuine: true, holder });

        if !own {
            assert_eq!(presented, Presented::Dead, "another client's");
        } else if self.setting.bound && !key {
            assert_eq!(presented, Presented::WithoutKey);
        } else {
            assert_eq!(presented != Presented::Dead, live);
            let allowed = !(live && newest) || matches!(presented, Presented::Current(_));
            assert!(allowed || matches!(presented, Presented::TooSoon(_)), "{presented:?}");
            if let Presented::TooSoon(wait) = presented {
                assert_eq!(Some(wait), self.wait(id));
            } else if matches!(presented, Presented::Current(_)) {
                assert_eq!(self.wait(id), None);
            }
        }
        self.ended_or_untouched(id, presented == Presented::Reused, &before);
    }

    pub(super) fn rotate(&mut self, family: usize, back: usize) {
        let before = self.stored();
        let Some((id, secret, newest)) = self.token(family, back) else { return };
        let (live, count) = (self.live().contains(&id), self.tokens.get(&id).map_or(0, Vec::len));
        let successor = format!("{id}/{count}");
        let (next, cnf) = (current(&successor, &successor), self.cnf(true));
        let ends_at = before.families.get(&id).expect("a token has a family").ends_at;

        let reply = self.ask(RotateToken { id, secret, next, ends_at, cnf, policy: None });

        assert!(live || reply == Rotation::Lost, "a family that has ended rotates nothing");
        if let Rotation::TooSoon(wait) = reply {
            assert_eq!(Some(wait), self.wait(id));
            assert_eq!(self.stored(), before);
            return self.meet("refreshed too often");
        }
        assert!(!(live && newest) || reply == Rotation::Rotated, "{reply:?}");
        if reply == Rotation::Rotated {
            assert_eq!(
                self.events_since(&before),
                [if newest { What::Refreshed } else { What::RefreshedAgain }]
            );
            self.tokens.entry(id).or_default().push(successor);
            assert_eq!(self.wait(id), None);
            self.rotations.entry(id).or_default().push(self.now);
            return self.meet(if newest { "refreshed" } else { "refreshed again" });
        }
        self.ended_or_untouched(id, !self.events_since(&before).is_empty(), &before);
    }

    pub(super) fn end(&mut self, family: usize) {
        let before = self.stored();
        let Some(attempt) = self.code.won.iter().rev().nth(family).copied() else { return };
        let (id, unknown) = (self.id(attempt), FamilyId::from_bytes([255; 16]));
        let live: Vec<FamilyId> = self.live().into_iter().filter(|live| *live == id).collect();
        assert_eq!(self.ask(LiveFamilies { ids: vec![unknown, id] }), live);
        assert_eq!(self.stored(), before);

        let ended = self.ask(EndFamilies { ids: vec![unknown, id], why: Ending::EndedByOwner, by: None });

        assert_eq!(ended, live, "the families that had not ended before");
        if ended.is_empty() {
            return assert_eq!(self.stored(), before);
        }
        assert_eq!(self.events_since(&before), [What::AccessEnded]);
        assert!(!self.live().contains(&id));
        self.meet("access ended");
    }

    /// Returns the seconds until the family may be rotated: ten rotations at once are allowed, and one more for every six
    /// seconds since any of them.
    fn wait(&self, id: FamilyId) -> Option<u64> {
        let backwards = self.rotations.get(&id).into_iter().flatten().rev();
        let earliest =
            |(count, at): (u32, &Timestamp)| *at + (span(6) * (count + 1)).saturating_sub(span(54));
        let allowed_at = (0..).zip(backwards).map(earliest).max()?;
        Some(ceil_seconds(allowed_at.since(self.now))).filter(|wait| *wait > 0)
    }

    /// Checks that a reused token ended its family, and that any other changed nothing.
    fn ended_or_untouched(&self, id: FamilyId, reused: bool, before: &Stored) {
        if reused {
            assert_eq!(self.events_since(before), [What::RefreshTokenReused]);
            assert!(!self.live().contains(&id));
            self.meet("reused");
        } else {
            assert_eq!(self.stored(), *before);
        }
    }
}
