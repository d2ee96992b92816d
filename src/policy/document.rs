//! The policy of an issuer: one document.

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::network::Networks;
use super::rule::{Effect, Rule};
use crate::format::is_false;
use crate::identity::account_key::AccountKey;
use crate::time::{Timestamp, rfc3339};

/// Days for which an exception can live at most, unless the policy says otherwise.
pub const EXCEPTION_DAYS: u64 = 90;

/// A policy, as it is written and stored.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Policy {
    pub default: Fallback,
    /// Whom a person who is denied can ask, such as an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// A page with what a client's user can do after a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help_uri: Option<String>,
    /// Whether people who are denied can ask for access on the page that denies it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub access_requests: bool,
    /// Days for which an exception can live at most.
    pub longest_exception_days: u64,
    #[serde(default, skip_serializing_if = "Networks::is_empty")]
    pub networks: Networks,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// What happens to a login that no rule allows and no rule denies.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// It is refused.
    Enforced,
    /// It proceeds, and events say that it would have been refused.
    ReportOnly,
    /// It proceeds. Only for a development server without a document.
    Allow,
}

impl Fallback {
    /// The values that can be written, with the word for each.
    pub const ALL: [(&str, Self); 2] = [("enforced", Self::Enforced), ("report_only", Self::ReportOnly)];
}

/// The people who get in whatever the rules say, for emergencies.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BreakGlass {
    pub accounts: Vec<AccountKey>,
    /// The clients with which they do.
    pub clients: Vec<String>,
    /// Who answers for it.
    pub owner: String,
    #[serde(with = "rfc3339")]
    pub expires_at: Timestamp,
}

impl Policy {
    /// Returns the policy of a server without a document.
    #[must_use]
    pub const fn without_document(is_development: bool) -> Self {
        let default = if is_development { Fallback::Allow } else { Fallback::Enforced };
        Self {
            default,
            contact: None,
            help_uri: None,
            access_requests: false,
            longest_exception_days: EXCEPTION_DAYS,
            networks: Networks(std::collections::BTreeMap::new()),
            break_glass: None,
            rules: Vec::new(),
        }
    }

    /// Returns the rule with this identifier.
    #[must_use]
    pub fn rule(&self, id: &Name) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == *id)
    }

    /// Returns whether there is a rule with this identifier that denies.
    #[must_use]
    pub fn denies(&self, id: &Name) -> bool {
        self.rule(id).is_some_and(|rule| rule.effect == Effect::Deny)
    }
}
