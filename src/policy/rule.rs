//! A rule of the policy.

use serde::{Deserialize, Serialize};

use super::condition::Conditions;
use super::facts::Facts;
use super::name::Name;
use super::requirement::{Limits, Requirements};

/// A rule, as it is written and stored.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rule {
    pub id: Name,
    /// For administrators to read.
    pub description: String,
    pub state: State,
    pub effect: Effect,
    /// Conditions that must all be true.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub when: Conditions,
    /// Conditions that must not all be true; `None` if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Conditions>,
    /// Empty for a rule that denies or limits.
    #[serde(default, skip_serializing_if = "Requirements::is_empty")]
    pub require: Requirements,
    /// Empty for a rule that denies or requires.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limit: Limits,
    /// What a person who is denied reads; only for a rule that denies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether a rule counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The rule counts.
    Enforced,
    /// The rule protects nobody; events say what it would have changed.
    ReportOnly,
    /// The rule is as if it were not there.
    Disabled,
}

impl State {
    /// Every state, with the word for it in a rule.
    pub const ALL: [(&str, Self); 3] =
        [("enforced", Self::Enforced), ("report_only", Self::ReportOnly), ("disabled", Self::Disabled)];
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The login may happen, unless another rule denies it. What the rule requires and limits is added.
    Allow,
    /// The login must not happen.
    Deny,
    /// Something is required, if the login may happen.
    Require,
    /// Something is limited, if the login may happen.
    Limit,
}

impl Effect {
    /// Every effect, with the word for it in a rule.
    pub const ALL: [(&str, Self); 4] =
        [("allow", Self::Allow), ("deny", Self::Deny), ("require", Self::Require), ("limit", Self::Limit)];
}

impl Rule {
    /// Returns whether the rule applies; `None` if that is undecided. Its state does not matter.
    #[must_use]
    pub fn applies(&self, facts: &Facts<'_>) -> Option<bool> {
        let is_met = self.when.hold(facts);
        if is_met == Some(false) {
            return is_met;
        }
        let is_excluded = self.unless.as_ref().map_or(Some(false), |unless| unless.hold(facts));
        match (is_met, is_excluded) {
            (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            _ => None,
        }
    }
}
