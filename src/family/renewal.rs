//! What a family keeps of its rotations: the token before the current one, and tokens that nobody got.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::AttemptId;
use crate::format::is_false;
use crate::secret::Digest;
use crate::time::Timestamp;

/// A refresh token that comes back within this time after its rotation lost a race; it is refused and nothing else
/// happens. The same window holds for a redeemed device code. A client that sends one request at a time never lands
/// in it.
pub const RACE: Duration = Duration::from_secs(3);
/// For so long after a rotation its answer may turn out to have been lost.
pub const LOST: Duration = Duration::from_secs(86_400);
/// So many lost answers are made good within [`LOST`]; after that the token before the current one is a thief's.
pub const MOST_LOST: usize = 5;

/// How far a family's refreshing has come. Empty until the first rotation.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Renewal {
    /// The token before the current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Predecessor>,
    /// Rotations whose answers were lost: their access tokens are not good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<Withdrawn>,
}

/// The refresh token that the current one stands in the place of.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Predecessor {
    /// The digest of its secret.
    pub digest: Digest,
    /// When it was last rotated away.
    pub at: Timestamp,
    /// Whether the access token that came with the current one was seen here: so the answer was not lost.
    #[serde(default, skip_serializing_if = "is_false")]
    pub arrived: bool,
}

/// A rotation whose answer was lost.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Withdrawn {
    /// Its name, which is the `jti` of its access token.
    pub attempt: AttemptId,
    /// When that was found out.
    pub at: Timestamp,
}

/// What it means that the predecessor is presented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Return {
    /// Two requests were sent at once.
    Race,
    /// The answer to the first one was lost.
    Lost,
    /// Two hold a copy.
    Reuse,
}

impl Renewal {
    /// Whether nothing has been kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.predecessor.is_none() && self.withdrawn.is_empty()
    }

    /// What it means that `digest` is presented; `None` if it is not the predecessor's.
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

    /// Notes that the current token, made by the rotation `attempt`, is replaced by use of `presented`.
    pub(super) fn note(&mut self, presented: &Digest, current: &Digest, attempt: &AttemptId, now: Timestamp) {
        // By then every access token of it has expired, too: none lives longer than a day.
        self.withdrawn.retain(|lost| now < lost.at + LOST);
        if current != presented {
            self.withdrawn.push(Withdrawn { attempt: attempt.clone(), at: now });
        }
        self.predecessor = Some(Predecessor { digest: *presented, at: now, arrived: false });
    }
}
