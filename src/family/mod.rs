//! A family: all tokens that one approval led to, among them at most one current refresh token.
//!
//! Invariants:
//!
//! * At most one refresh token of a family is current.
//! * A rotated refresh token that comes back ends the family (RFC 9700 §2.2.2, §4.14), unless the request
//!   lost a race or the response to the rotation was lost. After a lost response, the tokens of that response
//!   are withdrawn.
//! * An ended family stays ended.
//!
//! `docs/decisions/0029-a-refresh-token-that-comes-back.md` has the reasons.

pub mod apply;
pub mod command;
pub mod id;
pub mod pace;
pub mod refresh_token;
pub mod renewal;
pub mod rows;

use serde::{Deserialize, Serialize};

use crate::audit::{Event, What};
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::policy::recorded::Recorded;
use crate::provenance::Provenance;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use id::{AttemptId, FamilyId};
use renewal::{Renewal, Return};

/// A family as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Family {
    pub format: Format<1>,
    /// The only client that may use its tokens.
    pub client_id: String,
    pub account: AccountKey,
    /// Of the same account.
    pub sub: Sub,
    pub provenance: Provenance,
    /// The granted scope.
    pub scope: Scope,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How the person signed in (RFC 8176).
    pub amr: Vec<String>,
    /// What policy has to know of the approval.
    pub recorded: Recorded,
    /// When both its refresh token and its access token have expired, so that the row can be deleted. Every
    /// rotation moves it.
    pub ends_at: Timestamp,
    /// The current refresh token; `None` if the client got none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Current>,
    /// Why the family ended early; `None` while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
    /// The resources that its tokens can be for (RFC 8707 §2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// The key or certificate that its refresh tokens are bound to. Only refresh tokens of public clients are
    /// bound (RFC 9449 §5, RFC 8705 §4).
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
    /// The first requested authentication context class that the sign-in met; `None` if it met none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// No refresh token is good after this, however often the family is refreshed (RFC 9700 §4.14.2).
    pub refreshable_until: Timestamp,
    #[serde(default, skip_serializing_if = "Renewal::is_empty")]
    pub renewal: Renewal,
}

/// The current refresh token of a family.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Current {
    /// Digest of the token's secret.
    pub digest: Digest,
    /// The redemption or rotation that issued the token, named by the `jti` of the access token that came
    /// with it. If the platform delivers its command twice, both copies get the same reply.
    pub attempt: AttemptId,
    /// When the token expires if it is not used.
    pub good_until: Timestamp,
}

/// Why a family ended early.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A refresh token came back after it was rotated.
    RefreshTokenReused,
    /// The device code came back after it was redeemed.
    DeviceCodeReplayed,
    /// The client revoked one of its tokens (RFC 7009).
    Revoked,
    /// The response with its tokens was lost, and another family replaced it.
    Reissued,
    /// The person who approved ended the access, right after the approval.
    Withdrawn,
    /// The person who approved ended the access later.
    EndedByOwner,
    /// An administrator ended the access.
    EndedByAdministrator,
    /// The provider that the account comes from ended the access.
    EndedByProvider,
}

/// Who presents a refresh token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Holder {
    /// The authenticated client.
    pub client_id: String,
    /// The keys whose possession the client has proven.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub proven: Confirmation,
}

/// The result of presenting a refresh token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presented {
    /// The token is current, or is the one before it and the response to its rotation was lost. Nothing has
    /// been spent yet: see [`Family::rotate`].
    Current(Box<Family>),
    /// The token is good, but the family was refreshed too often. Carries the wait in seconds.
    TooSoon(u64),
    /// The token was rotated a moment ago: this request lost a race.
    Raced,
    /// The token was rotated before: somebody has a copy, and the family must end.
    Reused,
    /// The holder did not prove the key that the family is bound to. Nothing changes.
    WithoutKey,
    /// The token has expired, its family is unknown, has ended or belongs to another client, or this server
    /// did not issue the token.
    Dead,
}

/// The result of an attempt to rotate a refresh token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// The new token is current now.
    Rotated,
    /// The family was refreshed too often. Carries the wait in seconds.
    TooSoon(u64),
    /// The same attempt made the new token current before: the platform delivered the command twice.
    Again,
    /// Another attempt was first, or the family has ended.
    Lost,
}

impl Family {
    /// Returns whether the family has neither ended nor expired.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.ends_at
    }

    /// Judges a refresh token by the digest of its secret. `genuine` means that its tag verified: this server
    /// issued the token, so it was current once.
    #[must_use]
    pub fn present(&self, digest: &Digest, genuine: bool, now: Timestamp) -> Presented {
        let Some(current) = self.refresh.as_ref().filter(|_| self.is_live(now)) else {
            return Presented::Dead;
        };
        let in_time = now < current.good_until;
        match self.renewal.returned(digest, now) {
            None if current.digest == *digest && in_time => self.paced(now),
            Some(Return::Lost) if in_time => self.paced(now),
            Some(Return::Race) => Presented::Raced,
            Some(Return::Reuse) => Presented::Reused,
            None if current.digest != *digest && genuine => Presented::Reused,
            None | Some(Return::Lost) => Presented::Dead,
        }
    }

    /// Judges a good token by how often the family was refreshed.
    fn paced(&self, now: Timestamp) -> Presented {
        pace::wait(self.renewal.full_at, now)
            .map_or_else(|| Presented::Current(Box::new(self.clone())), Presented::TooSoon)
    }

    /// Replaces the current token with `next`, in exchange for the token with the digest `presented`. From
    /// then on, the family ends at `ends_at`.
    pub fn rotate(
        &mut self,
        presented: &Digest,
        next: Current,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Rotation {
        let judged = self.present(presented, false, now);
        let live = self.is_live(now);
        match &mut self.refresh {
            Some(current) if live && current.attempt == next.attempt => Rotation::Again,
            Some(current) if matches!(judged, Presented::Current(_)) => {
                self.renewal.note(presented, &current.digest, &current.attempt, now);
                self.ends_at = ends_at;
                *current = next;
                Rotation::Rotated
            }
            Some(_) | None => match judged {
                Presented::TooSoon(wait) => Rotation::TooSoon(wait),
                Presented::Current(_)
                | Presented::Raced
                | Presented::Reused
                | Presented::WithoutKey
                | Presented::Dead => Rotation::Lost,
            },
        }
    }

    /// Returns until when the refresh token with this digest can be used; `None` if it is not the current one
    /// or cannot be used any more.
    #[must_use]
    pub fn good_until(&self, digest: &Digest, now: Timestamp) -> Option<Timestamp> {
        self.refresh.as_ref().filter(|current| current.digest == *digest)?;
        let end = self.refresh_ends_at();
        (self.is_live(now) && now < end).then_some(end)
    }

    /// Returns when the current refresh token expires.
    #[must_use]
    pub fn refresh_ends_at(&self) -> Timestamp {
        self.refresh.as_ref().map_or(self.ends_at, |current| current.good_until)
    }

    /// Returns whether the access token of `attempt` was withdrawn, because its response was lost.
    #[must_use]
    pub fn has_withdrawn(&self, attempt: &AttemptId) -> bool {
        self.renewal.withdrawn.iter().any(|lost| lost.attempt == *attempt)
    }

    /// Notes that the access token of `attempt` was seen. If it came with the current refresh token, that
    /// response was not lost. Returns whether the family changed.
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

    /// Binds the family's refresh tokens to a key or certificate. An existing binding is never removed or
    /// changed.
    pub fn bind(&mut self, cnf: Confirmation) {
        self.cnf.jkt = self.cnf.jkt.take().or(cnf.jkt);
        self.cnf.x5t_s256 = self.cnf.x5t_s256.take().or(cnf.x5t_s256);
    }

    /// Builds the event for something that happened to this family, whose identifier is `id`.
    #[must_use]
    pub fn event(&self, what: What, id: FamilyId, now: Timestamp) -> Event {
        let event = Event::of(what, now, id.to_string(), self.client_id.clone());
        Event { account: Some(self.sub.clone()), ..event.following(&self.provenance) }
    }

    /// Ends the family. If it has ended already, the first reason stays.
    pub fn end(&mut self, why: Ending) {
        self.ended.get_or_insert(why);
    }
}

#[cfg(test)]
mod tests;
