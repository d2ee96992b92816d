//! What policy decided, as an event has it.

use serde::{Deserialize, Serialize};

use super::facts_record::FactsRecord;

/// How [`PolicyRecord::decided_by`] names break-glass.
pub const BREAK_GLASS: &str = "break_glass";

/// A decision of the policy. It has the names of rules; at an approval, also the facts by which they were judged.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct PolicyRecord {
    /// The version of the policy; 0 without a document.
    pub version: u64,
    /// Counts the changes of policy, exceptions and kill switches.
    pub revision: u64,
    /// The step, such as `approval`.
    pub point: String,
    /// `allow` or `refuse`.
    pub outcome: String,
    /// What decided, such as `rule staff-cli` or `default`.
    pub decided_by: String,
    /// The rules that applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<String>,
    /// What the outcome would be if everything that only reports were enforced; `None` if nothing would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Would>,
    /// The facts of an approval; `None` at every other step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Box<FactsRecord>>,
}

/// What came of a decision, as counts and filters name it.
pub const VERDICTS: [&str; 3] = [ALLOW, REFUSE, WOULD_REFUSE];
/// The person got in, but would be refused if everything that only reports were enforced.
pub const WOULD_REFUSE: &str = "would_refuse";

/// The outcome that lets somebody in.
pub const ALLOW: &str = "allow";
/// The outcome that lets nobody in.
pub const REFUSE: &str = "refuse";

impl PolicyRecord {
    /// Returns whether the policy let somebody in.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.outcome == ALLOW
    }

    /// Returns what came of the decision: one of [`VERDICTS`].
    #[must_use]
    pub fn verdict(&self) -> &str {
        verdict(&self.outcome, self.would.as_ref().map(|would| would.outcome.as_str()))
    }

    /// Returns the decision without the facts: they belong into the event of the approval, and nowhere else.
    #[must_use]
    pub fn without_facts(&self) -> Self {
        Self { facts: None, ..self.clone() }
    }

    /// Returns whether the person got in whatever the rules say.
    #[must_use]
    pub fn is_by_break_glass(&self) -> bool {
        self.decided_by == BREAK_GLASS
    }
}

/// Returns what came of a decision with this outcome, which would be `would` if everything that only reports were enforced.
#[must_use]
pub fn verdict<'a>(outcome: &'a str, would: Option<&str>) -> &'a str {
    if outcome == ALLOW && would.is_some_and(|would| would != ALLOW) { WOULD_REFUSE } else { outcome }
}

/// The outcome that a policy without report-only rules would have.
#[expect(missing_docs, reason = "the other fields are named after those of `PolicyRecord`")]
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Would {
    pub outcome: String,
    pub decided_by: String,
    /// What the step lacks that the rules would allow, such as `not_near`: the reason that the event of its refusal would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Would {
    /// Returns whether the policy would let somebody in.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.outcome == ALLOW
    }

    /// Notes that a step that the rules would allow would be refused, because it lacks something.
    pub fn refuse(&mut self, reason: &str) {
        REFUSE.clone_into(&mut self.outcome);
        self.reason = Some(reason.to_owned());
    }

    /// Returns what would refuse: what the step lacks, or else what decides.
    #[must_use]
    pub fn cause(&self) -> &str {
        self.reason.as_deref().unwrap_or(&self.decided_by)
    }
}
