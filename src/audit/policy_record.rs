//! What policy decided, as an event has it.

use serde::{Deserialize, Serialize};

/// How [`PolicyRecord::decided_by`] names break-glass.
pub const BREAK_GLASS: &str = "break_glass";

/// A decision of the policy. It has the names of rules, and nothing of a person or device.
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
}

/// The outcome that lets somebody in.
const ALLOW: &str = "allow";

impl PolicyRecord {
    /// Returns whether the policy let somebody in.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.outcome == ALLOW
    }

    /// Returns whether the person got in whatever the rules say.
    #[must_use]
    pub fn is_by_break_glass(&self) -> bool {
        self.decided_by == BREAK_GLASS
    }
}

/// The outcome that a policy without report-only rules would have.
#[expect(missing_docs, reason = "the fields are named after those of `PolicyRecord`")]
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Would {
    pub outcome: String,
    pub decided_by: String,
}

impl Would {
    /// Returns whether the policy would let somebody in.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.outcome == ALLOW
    }
}
