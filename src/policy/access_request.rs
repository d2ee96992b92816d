//! Requests for access: who is refused and asks to be let through, and what became of that.
//!
//! ```text
//!             grant
//!   Open ------------> Granted    (an exception lets the person through until its end)
//!    | \  refuse
//!    |  `------------> Refused
//!    |  7 days
//!    `---------------> Lapsed
//! ```
//!
//! See `docs/decisions/0071-asking-for-access.md`.

mod exception;

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::name::Name;
use crate::audit::change::Actor;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::scope::Scope;
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::verdict::{Comparison, Spot};

/// How long a request waits for an answer.
pub const PATIENCE: Duration = Duration::from_secs(7 * 86_400);
/// How long a request is kept after its end, for administrators to see.
const KEPT: Duration = Duration::from_secs(400 * 86_400);

/// A request for access, as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessRequest {
    pub format: Format<1>,
    /// Begins with the time, so that requests are in the order in which they were made.
    pub id: Name,
    pub asker: Asker,
    pub client_id: String,
    /// The name of the client when the person asked.
    pub client_name: String,
    /// What the device requested; empty if that is not known.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// In the person's words.
    pub reason: String,
    /// The rules that deny it; empty if it is only that no rule allows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_by: Vec<Name>,
    pub places: Places,
    pub asked_at: Timestamp,
    pub state: State,
}

/// The person who asks.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Asker {
    pub account: AccountKey,
    pub sub: Sub,
    /// What the person is called.
    pub name: String,
}

/// Where a request was made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Places {
    /// In front of a device's code: where the device and the person were, and how near to each other.
    Code(Comparison),
    /// Without a code: where the person was.
    Person(Spot),
}

/// What has become of a request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has answered it.
    Open,
    /// An exception lets the person through.
    Granted(Grant),
    /// An administrator said no.
    Refused(Refusal),
    /// Nobody answered it in time.
    Lapsed {
        /// When it lapsed.
        at: Timestamp,
    },
}

/// The answer of an administrator who lets the person through.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    pub by: Actor,
    pub at: Timestamp,
    /// The end of the exception when it was made.
    pub until: Timestamp,
    pub exception: Name,
}

/// The answer of an administrator who does not.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refusal {
    pub by: Actor,
    pub at: Timestamp,
    /// What the person reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A state without its details, as lists are filtered by it.
#[expect(missing_docs, reason = "the names are those of `State`")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Open,
    Granted,
    Refused,
    Lapsed,
}

impl Standing {
    /// Every state, with the word for it.
    pub const ALL: [(&str, Self); 4] = [
        ("open", Self::Open),
        ("granted", Self::Granted),
        ("refused", Self::Refused),
        ("lapsed", Self::Lapsed),
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
        }
    }
}

/// On which terms an administrator lets a person through: what every exception has.
#[expect(missing_docs, reason = "the fields are those of `Exception`")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Terms {
    pub owner: String,
    /// `None` for the reason that the person gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `None` for the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    pub expires_at: Timestamp,
}

/// Returns the identifier of a request that is made now: the time in milliseconds and 32 random bits, both in hex.
///
/// # Panics
///
/// Never: hex digits are a name.
#[must_use]
pub fn id_of(now: Timestamp, random: u32) -> Name {
    Name::parse(&format!("{:012x}{random:08x}", now.millis())).expect("hex digits are a name")
}

impl State {
    /// Returns the state without its details.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match self {
            Self::Open => Standing::Open,
            Self::Granted(_) => Standing::Granted,
            Self::Refused(_) => Standing::Refused,
            Self::Lapsed { .. } => Standing::Lapsed,
        }
    }
}

impl Places {
    /// Returns where the person was.
    #[must_use]
    pub const fn person(&self) -> &Spot {
        match self {
            Self::Code(comparison) => &comparison.person,
            Self::Person(spot) => spot,
        }
    }
}

impl AccessRequest {
    /// Returns whether the request waits for an answer.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.standing(now) == Standing::Open
    }

    /// Returns what has become of the request. One that nobody answered in time has lapsed even if that was not noted yet.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.state {
            State::Open if self.asked_at + PATIENCE <= now => Standing::Lapsed,
            State::Open | State::Granted(_) | State::Refused(_) | State::Lapsed { .. } => {
                self.state.standing()
            }
        }
    }

    /// Returns the answer that lets the person through, until its end.
    #[must_use]
    pub fn live_grant(&self, now: Timestamp) -> Option<&Grant> {
        match &self.state {
            State::Granted(grant) => Some(grant).filter(|grant| now < grant.until),
            State::Open | State::Refused(_) | State::Lapsed { .. } => None,
        }
    }

    /// Returns when something happens without anybody doing it: an open request lapses, another one is forgotten.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        match &self.state {
            State::Open => self.asked_at + PATIENCE,
            State::Granted(grant) => grant.until.max(grant.at) + KEPT,
            State::Refused(refusal) => refusal.at + KEPT,
            State::Lapsed { at } => *at + KEPT,
        }
    }

    /// Returns the request after this answer; `None` if it is not open.
    #[must_use]
    pub fn granted(self, grant: Grant) -> Option<Self> {
        self.is_open(grant.at).then_some(Self { state: State::Granted(grant), ..self })
    }

    /// Returns the request after this answer; `None` if it is not open.
    #[must_use]
    pub fn refused(self, refusal: Refusal) -> Option<Self> {
        self.is_open(refusal.at).then_some(Self { state: State::Refused(refusal), ..self })
    }

    /// Returns the request once nobody has answered it in time; `None` if it is over already, or the time has not come.
    #[must_use]
    pub fn lapsed(self, now: Timestamp) -> Option<Self> {
        match self.state {
            State::Open if !self.is_open(now) => Some(Self { state: State::Lapsed { at: now }, ..self }),
            State::Open | State::Granted(_) | State::Refused(_) | State::Lapsed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
