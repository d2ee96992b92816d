//! The tokens that one approval led to, and the one refresh token of theirs that is good.
//!
//! Invariants: at most one refresh token of a family is current; a token that was rotated away ends the
//! family when it comes back (RFC 9700 §2.2.2, §4.14); an ended family stays ended.

use serde::{Deserialize, Serialize};

use crate::client::scope::Scope;
use crate::format::Format;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// A family as its row stores it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Family {
    /// Of this record.
    pub format: Format<1>,
    /// The only client that may use it.
    pub client_id: String,
    /// The account's key.
    pub account: String,
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
    /// The key that its refresh tokens are bound to: of public clients only (RFC 9449 §5).
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
    /// The authentication context class that was met, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
}

/// The refresh token that is good now.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Current {
    /// The digest of its secret.
    pub digest: Digest,
    /// Names the rotation that made it, so that its own retry gets the same answer.
    pub attempt: String,
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

/// What a presented refresh token is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presented {
    /// The current one. Nothing has been spent: see [`Family::rotate`].
    Current(Box<Family>),
    /// One that was rotated away: somebody has a copy.
    Reused,
    /// Of an ended or unknown family, or not ours.
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
        match &self.refresh {
            Some(current) if self.is_live(now) && current.digest == *digest => {
                Presented::Current(Box::new(self.clone()))
            }
            Some(_) if self.is_live(now) && genuine => Presented::Reused,
            Some(_) | None => Presented::Dead,
        }
    }

    /// Makes `next` the current token in place of `presented`.
    pub fn rotate(&mut self, presented: &Digest, next: Current, now: Timestamp) -> Rotation {
        let live = self.is_live(now);
        match &mut self.refresh {
            Some(current) if live && current.digest == *presented => {
                *current = next;
                Rotation::Rotated
            }
            Some(current) if live && current.attempt == next.attempt => Rotation::Again,
            Some(_) | None => Rotation::Lost,
        }
    }

    /// Binds its refresh tokens to a key from now on. A binding stands: it is never loosened or changed.
    pub fn bind(&mut self, cnf: Confirmation) {
        self.cnf.jkt = self.cnf.jkt.take().or(cnf.jkt);
        self.cnf.x5t_s256 = self.cnf.x5t_s256.take().or(cnf.x5t_s256);
    }

    /// Ends the family; the first reason stands.
    pub fn end(&mut self, why: Ending) {
        self.ended.get_or_insert(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn current(secret: &[u8], attempt: &str) -> Current {
        Current { digest: Digest::of(secret), attempt: attempt.to_owned() }
    }

    fn family() -> Family {
        Family {
            format: Format,
            client_id: "tv".to_owned(),
            account: "local:alice".to_owned(),
            scope: Scope::parse("openid offline_access").unwrap(),
            auth_time: NOW,
            amr: vec!["pwd".to_owned()],
            ends_at: Timestamp::from_millis(9_000),
            refresh: Some(current(b"first", "a")),
            ended: None,
            resource: Vec::new(),
            cnf: Confirmation::default(),
            acr: None,
        }
    }

    #[test]
    fn a_token_that_was_rotated_away_is_seen_as_reused() {
        let mut family = family();

        assert_eq!(family.rotate(&Digest::of(b"first"), current(b"second", "b"), NOW), Rotation::Rotated);

        assert_eq!(family.present(&Digest::of(b"first"), true, NOW), Presented::Reused);
        assert!(matches!(family.present(&Digest::of(b"second"), true, NOW), Presented::Current(_)));
    }

    #[test]
    fn a_token_that_was_made_up_harms_nobody() {
        assert_eq!(family().present(&Digest::of(b"made up"), false, NOW), Presented::Dead);
    }

    #[test]
    fn of_two_rotations_one_wins_and_its_own_retry_wins_again() {
        let mut family = family();
        let first = Digest::of(b"first");

        assert_eq!(family.rotate(&first, current(b"second", "b"), NOW), Rotation::Rotated);
        assert_eq!(family.rotate(&first, current(b"third", "c"), NOW), Rotation::Lost);
        assert_eq!(family.rotate(&first, current(b"second", "b"), NOW), Rotation::Again);
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
        assert_eq!(family.present(&Digest::of(b"first"), true, NOW), Presented::Dead);
        assert_eq!(family.rotate(&Digest::of(b"first"), current(b"x", "x"), NOW), Rotation::Lost);
    }

    #[test]
    fn a_family_ends_with_its_time() {
        assert_eq!(
            family().present(&Digest::of(b"first"), true, Timestamp::from_millis(9_000)),
            Presented::Dead
        );
    }
}
