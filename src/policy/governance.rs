//! Everything that decides a login besides accounts and clients: the policy, its exceptions and the kill switches.

use serde::{Deserialize, Serialize};

use super::document::Policy;
use super::exception::Exception;
use super::kill::KillSwitch;
use crate::format::Format;
use crate::time::Timestamp;

/// The most exceptions that can be live.
pub const MOST_EXCEPTIONS: usize = 500;
/// The most kill switches that can be on.
pub const MOST_KILL_SWITCHES: usize = 100;

/// The policy with its live exceptions and kill switches, as it travels in the registry's snapshot.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Governance {
    pub format: Format<1>,
    /// Counts the changes of the policy, the exceptions and the kill switches.
    pub revision: u64,
    /// The version of the policy; 0 without a document.
    pub version: u64,
    pub policy: Policy,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kill_switches: Vec<KillSwitch>,
}

impl Governance {
    /// Returns the governance of a server without a document.
    #[must_use]
    pub const fn without_document(is_development: bool) -> Self {
        let policy = Policy::without_document(is_development);
        Self {
            format: Format,
            revision: 0,
            version: 0,
            policy,
            exceptions: Vec::new(),
            kill_switches: Vec::new(),
        }
    }

    /// Returns the governance as a server applies it: without a document, a development server allows everything, and every
    /// other one refuses everything.
    #[must_use]
    pub fn of_server(self, is_development: bool) -> Self {
        if self.version > 0 {
            return self;
        }
        Self { policy: Policy::without_document(is_development), ..self }
    }

    /// Returns whether a decision can depend on who somebody is.
    #[must_use]
    pub fn names_accounts(&self) -> bool {
        let Policy { rules, break_glass, .. } = &self.policy;
        let conditions = rules.iter().flat_map(|rule| core::iter::once(&rule.when).chain(&rule.unless));
        let conditions = conditions.chain(self.exceptions.iter().map(|exception| &exception.when));
        break_glass.is_some()
            || conditions.map(|when| &when.accounts).any(|accounts| !accounts.is_empty())
            || self.kill_switches.iter().any(|switch| switch.target.account.is_some())
    }

    /// Drops the exceptions that have lapsed and the kill switches that are off. They decide nothing any more.
    pub fn drop_ended(&mut self, now: Timestamp) {
        self.exceptions.retain(|exception| exception.is_live(now));
        self.kill_switches.retain(|switch| switch.is_on(now));
    }
}
