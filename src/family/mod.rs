//! The tokens that one approval led to, and the one refresh token of theirs that is good.
//!
//! Invariants: at most one refresh token of a family is current; a token that was rotated away ends the
//! family when it comes back (RFC 9700 §2.2.2, §4.14), unless it lost a race or its answer was lost, and then
//! the tokens of that answer are withdrawn; an ended family stays ended.

pub mod apply;
pub mod command;
pub mod id;
pub mod refresh_token;
pub mod renewal;
pub mod rows;

use serde::{Deserialize, Serialize};

use crate::audit::{Event, What};
use crate::format::Format;
use crate::identity::account::AccountKey;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use id::{AttemptId, FamilyId};
use renewal::{Renewal, Return};

/// A family as its row stores it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Family {
    /// Of this record.
    pub format: Format<1>,
    /// The only client that may use it.
    pub client_id: String,
    /// The account's key.
    pub account: AccountKey,
    /// What was granted.
    pub scope: Scope,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// The row may go after this.
    pub ends_at: Timestamp,
    /// Its refresh token, if the client got one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Current>,
    /// Why it ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
    /// Where its tokens may be good (RFC 8707 §2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// What its refresh tokens are bound to, the key or the certificate: of public clients only (RFC 9449 §5,
    /// RFC 8705 §4).
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
    /// The authentication context class that was met, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Refreshing ends here, however often the family is refreshed (RFC 9700 §4.14.2).
    pub refreshable_until: Timestamp,
    /// How far its refreshing has come.
    #[serde(default, skip_serializing_if = "Renewal::is_empty")]
    pub renewal: Renewal,
}

/// The refresh token that is good now.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Current {
    /// The digest of its secret.
    pub digest: Digest,
    /// Names the rotation that made it, so that its own retry gets the same answer. Also the `jti` of the access
    /// token that came with it.
    pub attempt: AttemptId,
    /// The token expires then if it is not used.
    pub good_until: Timestamp,
}

/// Why a family was ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A refresh token came back after it was rotated away.
    RefreshTokenReused,
    /// The device code came back after it was redeemed.
    DeviceCodeReplayed,
    /// The client gave one of its tokens back (RFC 7009).
    Revoked,
    /// Its answer was lost, and another family stands in its place.
    Reissued,
}

/// Who presents a refresh token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Holder {
    /// The client, authenticated.
    pub client_id: String,
    /// The keys that it has proved having.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub proven: Confirmation,
}

/// What a presented refresh token is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presented {
    /// The current one, or the one before it if the answer was lost. Nothing has been spent: see
    /// [`Family::rotate`].
    Current(Box<Family>),
    /// The one before it, a moment after it was rotated away: the loser of a race.
    Raced,
    /// One that was rotated away: somebody has a copy.
    Reused,
    /// Without the key that the family is bound to. Nothing changes.
    WithoutKey,
    /// Of an ended or unknown family, another client's, or not ours.
    Dead,
}

/// How an attempt to rotate ends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// The new token is current.
    Rotated,
    /// It already was, by this very attempt: the platform delivered it twice.
    Again,
    /// Another attempt was first, or the family has ended.
    Lost,
}

impl Family {
    /// Whether its tokens are good.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.ends_at
    }

    /// Judges a refresh token. `genuine` says that its tag proved it one of ours, and so once current.
    #[must_use]
    pub fn present(&self, digest: &Digest, genuine: bool, now: Timestamp) -> Presented {
        let Some(current) = self.refresh.as_ref().filter(|_| self.is_live(now)) else {
            return Presented::Dead;
        };
        let in_time = now < current.good_until;
        match self.renewal.returned(digest, now) {
            None if current.digest == *digest && in_time => Presented::Current(Box::new(self.clone())),
            Some(Return::Lost) if in_time => Presented::Current(Box::new(self.clone())),
            Some(Return::Race) => Presented::Raced,
            Some(Return::Reuse) => Presented::Reused,
            None if current.digest != *digest && genuine => Presented::Reused,
            None | Some(Return::Lost) => Presented::Dead,
        }
    }

    /// Makes `next` the current token in place of the current one, by use of `presented`. The row may go after
    /// `ends_at`, if that is given.
    pub fn rotate(
        &mut self,
        presented: &Digest,
        next: Current,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Rotation {
        let usable = matches!(self.present(presented, false, now), Presented::Current(_));
        let live = self.is_live(now);
        match &mut self.refresh {
            Some(current) if live && current.attempt == next.attempt => Rotation::Again,
            Some(current) if usable => {
                self.renewal.note(presented, &current.digest, &current.attempt, now);
                self.ends_at = ends_at;
                *current = next;
                Rotation::Rotated
            }
            Some(_) | None => Rotation::Lost,
        }
    }

    /// Until when the refresh token whose digest this is may be used; `None` if it is not the current one.
    #[must_use]
    pub fn good_until(&self, digest: &Digest, now: Timestamp) -> Option<Timestamp> {
        self.refresh.as_ref().filter(|current| current.digest == *digest)?;
        let end = self.refresh_ends_at();
        (self.is_live(now) && now < end).then_some(end)
    }

    /// When its refresh token ends.
    #[must_use]
    pub fn refresh_ends_at(&self) -> Timestamp {
        self.refresh.as_ref().map_or(self.ends_at, |current| current.good_until)
    }

    /// Whether the access token named `jti` was withdrawn, because its answer was lost.
    #[must_use]
    pub fn has_withdrawn(&self, attempt: &AttemptId) -> bool {
        self.renewal.withdrawn.iter().any(|lost| lost.attempt == *attempt)
    }

    /// Notes that the access token named `jti` was seen: if it came with the current refresh token, that answer was
    /// not lost. Whether this is news.
    pub fn arrive(&mut self, attempt: &AttemptId) -> bool {
        let newest = self.refresh.as_ref().is_some_and(|current| current.attempt == *attempt);
        match &mut self.renewal.predecessor {
            Some(predecessor) if newest && !predecessor.arrived => {
                predecessor.arrived = true;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Binds its refresh tokens to a key from now on. A binding stands: it is never loosened or changed.
    pub fn bind(&mut self, cnf: Confirmation) {
        self.cnf.jkt = self.cnf.jkt.take().or(cnf.jkt);
        self.cnf.x5t_s256 = self.cnf.x5t_s256.take().or(cnf.x5t_s256);
    }

    /// Makes the event of something that happened to this family, whose row key is `id`.
    #[must_use]
    pub fn event(&self, what: What, id: FamilyId, now: Timestamp) -> Event {
        Event {
            format: Format,
            what,
            at: now,
            subject: id.to_string(),
            client_id: self.client_id.clone(),
            account: Some(self.account.clone()),
        }
    }

    /// Ends the family; the first reason stands.
    pub fn end(&mut self, why: Ending) {
        self.ended.get_or_insert(why);
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::family::renewal::{LOST, MOST_LOST, RACE};

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn current(secret: &str) -> Current {
        Current { digest: digest(secret), attempt: attempt(secret), good_until: NOW + DAY * 30 }
    }

    fn attempt(secret: &str) -> AttemptId {
        AttemptId::of_jti(secret)
    }

    fn digest(secret: &str) -> Digest {
        Digest::of(secret.as_bytes())
    }

    fn family() -> Family {
        Family {
            format: Format,
            client_id: "tv".to_owned(),
            account: AccountKey::local("alice"),
            scope: Scope::parse("openid offline_access").unwrap(),
            auth_time: NOW,
            amr: vec!["pwd".to_owned()],
            ends_at: NOW + DAY * 30,
            refresh: Some(current("first")),
            ended: None,
            resource: Vec::new(),
            cnf: Confirmation::default(),
            acr: None,
            refreshable_until: NOW + DAY * 30,
            renewal: Renewal::default(),
        }
    }

    impl Family {
        fn turn(&mut self, presented: &str, next: &str, now: Timestamp) -> Rotation {
            self.rotate(&digest(presented), current(next), self.ends_at, now)
        }

        fn is_good(&self, secret: &str, now: Timestamp) -> bool {
            matches!(self.present(&digest(secret), true, now), Presented::Current(_))
        }
    }

    #[test]
    fn a_loser_of_a_race_is_refused_and_harms_nobody() {
        let mut family = family();
        assert_eq!(family.turn("first", "second", NOW), Rotation::Rotated);
        let last = NOW + RACE.checked_sub(Duration::from_millis(1)).unwrap();

        assert_eq!(family.present(&digest("first"), true, last), Presented::Raced);
        assert_eq!(family.turn("first", "third", last), Rotation::Lost);

        assert!(family.is_good("second", last));
    }

    #[test]
    fn after_a_lost_answer_its_tokens_are_withdrawn_and_new_ones_stand_in_their_place() {
        let mut family = family();
        family.turn("first", "second", NOW);

        assert!(family.is_good("first", NOW + RACE));
        assert_eq!(family.turn("first", "third", NOW + RACE), Rotation::Rotated);

        assert!(family.is_good("third", NOW + RACE));
        assert!(family.has_withdrawn(&attempt("second")) && !family.has_withdrawn(&attempt("third")));
        assert_eq!(family.present(&digest("second"), true, NOW + RACE), Presented::Reused, "two have copies");
    }

    #[test]
    fn an_answer_that_arrived_was_not_lost() {
        let mut used = family();
        used.turn("first", "second", NOW);
        used.turn("second", "third", NOW + RACE);
        assert_eq!(
            used.present(&digest("first"), true, NOW + RACE),
            Presented::Reused,
            "older than the last"
        );

        let mut seen = family();
        seen.turn("first", "second", NOW);
        assert!(!seen.arrive(&attempt("first")), "an older one tells nothing");
        assert!(seen.arrive(&attempt("second")) && !seen.arrive(&attempt("second")), "news once");
        assert_eq!(seen.present(&digest("first"), true, NOW), Presented::Raced, "a race it may still be");
        assert_eq!(seen.present(&digest("first"), true, NOW + RACE), Presented::Reused);
    }

    #[test]
    fn answers_are_lost_for_a_day_and_five_times_in_one_at_most() {
        let mut family = family();
        family.turn("first", "second", NOW);
        assert_eq!(family.present(&digest("first"), true, NOW + LOST), Presented::Reused);

        for lost in 0..u64::try_from(MOST_LOST).unwrap() {
            let now = NOW + RACE * u32::try_from(lost + 1).unwrap();
            assert_eq!(family.turn("first", &format!("next {lost}"), now), Rotation::Rotated);
        }
        let now = NOW + RACE * u32::try_from(MOST_LOST + 1).unwrap();
        assert_eq!(family.present(&digest("first"), true, now), Presented::Reused);

        let later = now + LOST;
        assert_eq!(family.turn("next 4", "last", later), Rotation::Rotated);
        assert!(family.renewal.withdrawn.is_empty(), "their access tokens have expired");
    }

    #[test]
    fn a_token_that_was_made_up_harms_nobody() {
        assert_eq!(family().present(&digest("made up"), false, NOW), Presented::Dead);
    }

    #[test]
    fn of_two_rotations_one_wins_and_its_own_retry_wins_again() {
        let mut family = family();

        assert_eq!(family.turn("first", "second", NOW), Rotation::Rotated);
        assert_eq!(family.turn("first", "third", NOW), Rotation::Lost);
        assert_eq!(family.turn("first", "second", NOW), Rotation::Again);
        assert_eq!(family.turn("first", "second", NOW + RACE), Rotation::Again, "however late");
    }

    #[test]
    fn a_binding_stands() {
        let to = |jkt: &str| Confirmation { jkt: Some(jkt.to_owned()), ..Confirmation::default() };
        let certificate = Confirmation { x5t_s256: Some("c".to_owned()), ..Confirmation::default() };
        let mut family = family();

        family.bind(to("a"));
        family.bind(to("b"));
        family.bind(Confirmation::default());
        assert_eq!(family.cnf, to("a"));

        family.bind(certificate.clone());
        assert_eq!(family.cnf, Confirmation { x5t_s256: certificate.x5t_s256, ..to("a") });
    }

    #[test]
    fn an_ended_family_stays_ended() {
        let mut family = family();
        family.end(Ending::RefreshTokenReused);
        family.end(Ending::DeviceCodeReplayed);

        assert_eq!(family.ended, Some(Ending::RefreshTokenReused));
        assert_eq!(family.present(&digest("first"), true, NOW), Presented::Dead);
        assert_eq!(family.turn("first", "second", NOW), Rotation::Lost);
    }

    #[test]
    fn a_family_ends_with_its_time_and_its_refresh_token_perhaps_before() {
        let mut family = family();
        assert_eq!(family.present(&digest("first"), true, family.ends_at), Presented::Dead);

        let idle = NOW + DAY;
        family.refresh = Some(Current { good_until: idle, ..current("first") });
        assert!(family.is_live(idle), "for its access tokens' sake");
        assert_eq!(family.present(&digest("first"), true, idle), Presented::Dead);
        assert_eq!(family.good_until(&digest("first"), idle), None);
        assert_eq!(family.turn("first", "second", idle), Rotation::Lost);
    }
}
