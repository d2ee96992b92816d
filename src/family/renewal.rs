//! What a family remembers of its rotations: the token before the current one, and lost responses.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::AttemptId;
use super::pace;
use crate::format::is_false;
use crate::secret::Digest;
use crate::time::Timestamp;

/// A refresh token that comes back within this time after its rotation has lost a race: it is refused, and
/// nothing else happens. The same holds for a redeemed device code. This never happens to a client that waits
/// for each response before it sends the next request.
pub const RACE: Duration = Duration::from_secs(3);
/// How long after a rotation its response can turn out to have been lost.
pub const LOST: Duration = Duration::from_secs(86_400);
/// The most lost responses that are replaced within [`LOST`]. After that, a token that comes back counts as
/// stolen.
pub const MOST_LOST: usize = 5;

/// What a family remembers of its rotations. Empty until the first one.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Renewal {
    /// The token before the current one; `None` until the first rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Predecessor>,
    /// Rotations whose responses were lost. Their access tokens are no longer valid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<Withdrawn>,
    /// When the [budget of refreshes](pace) is full again.
    pub full_at: Timestamp,
}

/// The refresh token that the current one replaced.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Predecessor {
    /// Digest of its secret.
    pub digest: Digest,
    /// When it was last rotated.
    pub at: Timestamp,
    /// Whether the access token that came with the current refresh token was seen at this server. If so, the
    /// response was not lost.
    #[serde(default, skip_serializing_if = "is_false")]
    pub arrived: bool,
}

/// A rotation whose response was lost.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Withdrawn {
    /// The rotation, named by the `jti` of its access token.
    pub attempt: AttemptId,
    /// When its response was found to be lost.
    pub at: Timestamp,
}

/// Why the predecessor is presented again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Return {
    /// Two requests were sent at once.
    Race,
    /// The response to the first request was lost.
    Lost,
    /// Two parties have a copy.
    Reuse,
}

impl Renewal {
    /// Returns whether there is nothing to store.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.predecessor.is_none() && self.withdrawn.is_empty()
    }

    /// Returns why the token with this digest is presented again; `None` if it is not the predecessor.
    pub(super) fn returned(&self, digest: &Digest, now: Timestamp) -> Option<Return> {
        let predecessor = self.predecessor.as_ref().filter(|predecessor| predecessor.digest == *digest)?;
        let lately = self.withdrawn.iter().filter(|lost| now < lost.at + LOST).count();
        Some(if now < predecessor.at + RACE {
            Return::Race
        } else if now < predecessor.at + LOST && !predecessor.arrived && lately < MOST_LOST {
            Return::Lost
        } else {
            Return::Reuse
        })
    }

    /// Notes that the current token, which `attempt` issued, is replaced in exchange for the token
    /// `presented`. If the two are not the same token, the response of `attempt` was lost.
    pub(super) fn note(&mut self, presented: &Digest, current: &Digest, attempt: &AttemptId, now: Timestamp) {
        // After `LOST`, the access token of a withdrawn rotation has expired: none lives longer than a day.
        self.withdrawn.retain(|lost| now < lost.at + LOST);
        if current != presented {
            self.withdrawn.push(Withdrawn { attempt: attempt.clone(), at: now });
        }
        self.full_at = pace::after_rotation(self.full_at, now);
        self.predecessor = Some(Predecessor { digest: *presented, at: now, arrived: false });
    }
}
