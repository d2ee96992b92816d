//! What policy decides about one step.

use core::fmt;

use serde::Serialize;

use super::Point;
use super::name::Name;
use super::requirement::{Limits, Requirements};
use super::shortfall::Shortfall;
use crate::audit::policy_record::{BREAK_GLASS, PolicyRecord, Would};

/// What policy decides, and why.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    pub point: Point,
    pub ruling: Ruling,
    /// The rules that certainly apply, by identifier, without those that are disabled.
    pub matched: Vec<Name>,
    /// What could still be required once more is known. At the late points, the same as what is required.
    pub possible: Requirements,
    /// What every completion of the login needs. At the late points, the same as what is required.
    pub inevitable: Requirements,
    /// The ruling if everything that only reports were enforced; `None` if it is the same.
    pub would: Option<Box<Ruling>>,
    /// What the step lacks of what that ruling needs, although both rulings allow it; `None` if it lacks the same as matters stand.
    pub would_lack: Option<Shortfall>,
}

/// The outcome, what decided it, and what the login needs.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ruling {
    pub outcome: Outcome,
    pub by: By,
    pub requirements: Requirements,
    pub limits: Limits,
}

/// Whether the step may happen. At the early points, it may if any completion of the login could be allowed.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Allow,
    Refuse,
}

/// What decided. Of several rules that would have, the first in the order of their identifiers. Displays as in
/// `rule staff-cli`.
#[expect(missing_docs, reason = "the names of the other members say it all")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum By {
    KillSwitch(Name),
    /// The person or the client may get in whatever the rules say.
    BreakGlass,
    Rule(Name),
    Exception(Name),
    /// No rule allows it.
    Default,
}

/// What a rule that decided is written after.
pub const RULE: &str = "rule ";
/// How it is written that no rule allowed.
pub const DEFAULT: &str = "default";

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillSwitch(id) => write!(f, "kill_switch {id}"),
            Self::BreakGlass => f.write_str(BREAK_GLASS),
            Self::Rule(id) => write!(f, "{RULE}{id}"),
            Self::Exception(id) => write!(f, "exception {id}"),
            Self::Default => f.write_str(DEFAULT),
        }
    }
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Refuse => "refuse",
        }
    }
}

impl Decision {
    /// Returns whether the step may happen.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.ruling.outcome == Outcome::Allow
    }

    /// Returns whether the step may happen, but would be refused if everything that only reports were enforced.
    #[must_use]
    pub fn would_block(&self) -> bool {
        let refuses = |would: &Ruling| would.outcome == Outcome::Refuse || self.would_lack.is_some();
        self.is_allowed() && self.would.as_deref().is_some_and(refuses)
    }

    /// Returns the decision as an event has it.
    #[must_use]
    pub fn record(&self, version: u64, revision: u64) -> PolicyRecord {
        let would = self.would.as_ref().map(|would| {
            let (outcome, decided_by) = (would.outcome.name().to_owned(), would.by.to_string());
            let mut recorded = Would { outcome, decided_by, reason: None };
            if let Some(lack) = self.would_lack {
                recorded.refuse(lack.name());
            }
            recorded
        });
        PolicyRecord {
            version,
            revision,
            point: self.point.name().to_owned(),
            outcome: self.ruling.outcome.name().to_owned(),
            decided_by: self.ruling.by.to_string(),
            matched: self.matched.iter().map(Name::to_string).collect(),
            would,
            facts: None,
        }
    }
}
