//! What policy says about a step that does not happen: somebody wants to know what it would decide.

use serde::Serialize;

use super::decision::Outcome;
use super::evaluation;
use super::facts::Facts;
use super::governance::Governance;
use super::name::Name;
use super::requirement::{Limits, Requirements};
use super::rule::State;
use super::shortfall::{OF_DEVICES, lacks, leaves_nothing};
use super::{Point, PolicyDecision, PolicyFacts, decide};
use crate::audit::policy_record::Would;
use crate::client::Client;
use crate::identity::account::Account;
use crate::order;

/// A judgment about a step, in the words of events.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Judgment {
    pub point: Point,
    pub outcome: Outcome,
    /// What decided, such as `rule staff-cli`; or why client or account are refused whatever the rules say, such as
    /// `client_disabled`.
    pub decided_by: String,
    /// The rules that certainly apply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Name>,
    /// The rules that depend on a fact that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would: Option<Would>,
    #[serde(skip_serializing_if = "Requirements::is_empty")]
    pub require: Requirements,
    /// The requirements that the known facts do not meet, by name. Only an approval is judged by them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<&'static str>,
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limit: Limits,
}

/// What becomes of an approval.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is allowed.
    Allow,
    /// It is allowed after another sign-in.
    SignInAgain,
    /// It is refused.
    Refuse,
}

impl Judgment {
    /// Returns what becomes of the approval. No device gets nearer, or learns to ask for digits, by another sign-in.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self.outcome {
            Outcome::Refuse => Fate::Refuse,
            Outcome::Allow if self.lacks.iter().any(|lack| OF_DEVICES.contains(lack)) => Fate::Refuse,
            Outcome::Allow if self.lacks.is_empty() => Fate::Allow,
            Outcome::Allow => Fate::SignInAgain,
        }
    }

    fn refused(point: Point, why: &str) -> Self {
        Self {
            point,
            outcome: Outcome::Refuse,
            decided_by: why.to_owned(),
            matched: Vec::new(),
            undecided: Vec::new(),
            would: None,
            require: Requirements::default(),
            lacks: Vec::new(),
            limit: Limits::default(),
        }
    }
}

/// Judges a step as the server does: by client and account, if they are known, and then by the rules.
#[must_use]
pub fn judge(
    governance: &Governance,
    (client, account): (Option<&Client>, Option<&Account>),
    facts: &Facts<'_>,
) -> Judgment {
    let asked = facts.scope.cloned().unwrap_or_default();
    let scope = match decide(facts.point, PolicyFacts { client, account, scope: &asked }) {
        PolicyDecision::Allow(scope) => scope,
        PolicyDecision::Refuse(why) => return Judgment::refused(facts.point, why.name()),
    };
    by_rules(governance, &Facts { scope: facts.scope.map(|_| &scope), ..*facts })
}

fn by_rules(governance: &Governance, facts: &Facts<'_>) -> Judgment {
    let decision = evaluation::decide(governance, facts);
    let would = decision.record(governance.version, governance.revision).would;
    let ruling = decision.ruling;
    if ruling.outcome == Outcome::Allow && leaves_nothing(&ruling.limits, facts.scope) {
        return Judgment::refused(facts.point, super::PolicyRefusal::NoScopeLeft.name());
    }
    Judgment {
        point: decision.point,
        outcome: ruling.outcome,
        decided_by: ruling.by.to_string(),
        matched: decision.matched,
        undecided: undecided(governance, facts),
        would,
        lacks: lacks(&ruling.requirements, facts),
        require: ruling.requirements,
        limit: ruling.limits,
    }
}

fn undecided(governance: &Governance, facts: &Facts<'_>) -> Vec<Name> {
    let rules = governance.policy.rules.iter().filter(|rule| rule.state != State::Disabled);
    let mut names: Vec<Name> =
        rules.filter(|rule| rule.applies(facts).is_none()).map(|rule| rule.id.clone()).collect();
    order::sort(&mut names);
    names
}
