//! Decides a step by the policy, its exceptions and the kill switches.
//!
//! The order is: kill switches, break-glass, rules that deny (unless an exception lifts them), rules and exceptions that
//! allow, and then the default. What all rules that apply require and limit adds up. The order of the rules in the
//! document does not matter.
//!
//! A device authorization and a sign-in come early: some facts are not known yet. There, what allows counts if it could
//! still apply, and what denies only if it certainly does. So a refusal means that no completion of the login could be
//! allowed. Afterwards, only what certainly applies counts.

use super::Point;
use super::decision::{By, Decision, Outcome, Ruling};
use super::document::{BreakGlass, Fallback};
use super::exception::Exception;
use super::facts::Facts;
use super::governance::Governance;
use super::name::Name;
use super::requirement::{Limits, Requirements};
use super::rule::{Effect, Rule, State};
use super::shortfall::Shortfall;
use crate::order;

/// Decides a step.
#[must_use]
pub fn decide(governance: &Governance, facts: &Facts<'_>) -> Decision {
    let case = Case::of(governance, facts);
    let (ruling, strict) = (case.ruling(Reach::Enforced), case.ruling(Reach::Everything));
    Decision {
        point: facts.point,
        possible: if is_early(facts.point) { case.possible() } else { ruling.requirements.clone() },
        inevitable: case.inevitable(&ruling),
        would_lack: would_lack(&case, &ruling, &strict),
        would: (strict != ruling).then(|| Box::new(strict)),
        ruling,
        matched: case.matched(),
    }
}

/// Returns what the step would lack if everything that only reports were enforced, although the rules would allow it.
fn would_lack(case: &Case<'_>, ruling: &Ruling, strict: &Ruling) -> Option<Shortfall> {
    let is_allowed = ruling.outcome == Outcome::Allow && strict.outcome == Outcome::Allow;
    if strict == ruling || !is_allowed || case.lacks(ruling).is_some() {
        return None;
    }
    case.lacks(strict)
}

/// Returns the rules that an exception for this step would have to lift, of which there may be none; `None` if no exception
/// helps, because a kill switch refuses the step.
#[must_use]
pub fn remedy(governance: &Governance, facts: &Facts<'_>) -> Option<Vec<Name>> {
    if governance.kill_switches.iter().any(|switch| switch.refuses(facts)) {
        return None;
    }
    let case = Case::of(governance, facts);
    let denying = case.rules_of(Reach::Enforced, Effect::Deny).filter(|(_, is_certain)| *is_certain);
    let mut lifts: Vec<Name> = denying.map(|(rule, _)| rule.id.clone()).collect();
    order::sort(&mut lifts);
    Some(lifts)
}

/// Which rules count.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Reach {
    /// Those that are enforced.
    Enforced,
    /// Also those that only report.
    Everything,
}

impl Reach {
    fn has(self, rule: &Rule) -> bool {
        match rule.state {
            State::Enforced => true,
            State::ReportOnly => self == Self::Everything,
            State::Disabled => false,
        }
    }

    /// Returns the outcome without any rule.
    fn default(self, fallback: Fallback) -> Outcome {
        match fallback {
            Fallback::Enforced => Outcome::Refuse,
            Fallback::ReportOnly if self == Self::Everything => Outcome::Refuse,
            Fallback::ReportOnly | Fallback::Allow => Outcome::Allow,
        }
    }
}

/// A step, with every rule and exception judged once.
struct Case<'a> {
    governance: &'a Governance,
    facts: &'a Facts<'a>,
    /// The rules that could apply, and whether they certainly do.
    rules: Vec<(&'a Rule, bool)>,
    /// The exceptions that count.
    exceptions: Vec<&'a Exception>,
    /// Whether break-glass counts; `None` if it does not. `Some(false)` if it only could.
    break_glass: Option<bool>,
}

impl<'a> Case<'a> {
    fn of(governance: &'a Governance, facts: &'a Facts<'a>) -> Self {
        let counts = |applies: Option<bool>| applies.unwrap_or(is_early(facts.point));
        let rules = governance.policy.rules.iter().filter(|rule| rule.state != State::Disabled);
        let judged = rules.map(|rule| (rule, rule.applies(facts)));
        let live = governance.exceptions.iter().filter(|exception| exception.is_live(facts.time.from));
        let open = governance.policy.break_glass.as_ref().map(|glass| opens(glass, facts));
        Self {
            governance,
            facts,
            rules: judged
                .filter(|(_, applies)| *applies != Some(false))
                .map(|(rule, applies)| (rule, applies == Some(true)))
                .collect(),
            exceptions: live.filter(|exception| counts(exception.when.hold(facts))).collect(),
            break_glass: open.filter(|open| counts(*open)).map(|open| open == Some(true)),
        }
    }

    fn ruling(&self, reach: Reach) -> Ruling {
        let (outcome, by) = self.outcome(reach);
        let (mut requirements, limits) = self.sums(reach);
        if by == By::BreakGlass && self.break_glass == Some(true) {
            requirements = Requirements { fresh_passkey: true, ..Requirements::default() };
        }
        Ruling { outcome, by, requirements, limits }
    }

    fn outcome(&self, reach: Reach) -> (Outcome, By) {
        let refusing = self.governance.kill_switches.iter().filter(|switch| switch.refuses(self.facts));
        if let Some(id) = refusing.map(|switch| &switch.id).min() {
            return (Outcome::Refuse, By::KillSwitch(id.clone()));
        }
        let by_rules = || self.by_rules(reach);
        match self.break_glass {
            Some(true) => (Outcome::Allow, By::BreakGlass),
            Some(false) => Some(by_rules())
                .filter(|(outcome, _)| *outcome == Outcome::Allow)
                .unwrap_or((Outcome::Allow, By::BreakGlass)),
            None => by_rules(),
        }
    }

    fn by_rules(&self, reach: Reach) -> (Outcome, By) {
        let denying = || {
            self.rules_of(reach, Effect::Deny).filter(|(_, is_certain)| *is_certain).map(|(rule, _)| &rule.id)
        };
        if let Some(id) = denying().filter(|id| self.lifting(id).is_none()).min() {
            return (Outcome::Refuse, By::Rule(id.clone()));
        }
        if let Some(id) = denying().filter_map(|id| self.lifting(id)).min() {
            return (Outcome::Allow, By::Exception(id.clone()));
        }
        self.allowed(reach)
    }

    /// Returns what allows the step that no rule denies.
    fn allowed(&self, reach: Reach) -> (Outcome, By) {
        let counts = |(_, is_certain): &(&Rule, bool)| *is_certain || is_early(self.facts.point);
        let rule = self.rules_of(reach, Effect::Allow).filter(counts).map(|(rule, _)| &rule.id).min();
        let exception = || self.exceptions.iter().map(|exception| &exception.id).min();
        if let Some(id) = rule {
            (Outcome::Allow, By::Rule(id.clone()))
        } else if let Some(id) = exception() {
            (Outcome::Allow, By::Exception(id.clone()))
        } else {
            (reach.default(self.governance.policy.default), By::Default)
        }
    }

    /// Returns the first exception that lifts a rule.
    fn lifting(&self, rule: &Name) -> Option<&Name> {
        self.exceptions
            .iter()
            .filter(|exception| exception.lifts.contains(rule))
            .map(|exception| &exception.id)
            .min()
    }

    fn rules_of(&self, reach: Reach, effect: Effect) -> impl Iterator<Item = (&'a Rule, bool)> {
        self.rules.iter().copied().filter(move |(rule, _)| reach.has(rule) && rule.effect == effect)
    }

    /// Returns what the rules that certainly apply require and limit.
    fn sums(&self, reach: Reach) -> (Requirements, Limits) {
        let (mut requirements, mut limits) = (Requirements::default(), Limits::default());
        for (rule, _) in self.rules.iter().filter(|(rule, is_certain)| *is_certain && reach.has(rule)) {
            requirements.join(&rule.require);
            limits.join(&rule.limit);
        }
        (requirements, limits)
    }

    /// Returns what all rules require that could apply.
    fn possible(&self) -> Requirements {
        let fresh_passkey = self.break_glass.is_some();
        let mut possible = Requirements { fresh_passkey, ..Requirements::default() };
        for (rule, _) in self.rules.iter().filter(|(rule, _)| Reach::Enforced.has(rule)) {
            possible.join(&rule.require);
        }
        possible
    }

    /// Returns what every completion needs: nothing, as long as break-glass could let somebody in without it.
    fn inevitable(&self, ruling: &Ruling) -> Requirements {
        let is_open = is_early(self.facts.point) && self.break_glass.is_some();
        if is_open { Requirements::default() } else { ruling.requirements.clone() }
    }

    /// Returns what the step lacks of what a ruling needs.
    fn lacks(&self, ruling: &Ruling) -> Option<Shortfall> {
        Shortfall::of(&self.inevitable(ruling), &ruling.limits, self.facts)
    }

    fn matched(&self) -> Vec<Name> {
        let certain = self.rules.iter().filter(|(_, is_certain)| *is_certain);
        let mut matched: Vec<&Name> = certain.map(|(rule, _)| &rule.id).collect();
        order::sort(&mut matched);
        matched.into_iter().cloned().collect()
    }
}

/// Returns whether facts about the person or the client are not known yet.
const fn is_early(point: Point) -> bool {
    match point {
        Point::DeviceAuthorization | Point::SignIn => true,
        Point::Approval | Point::Redemption | Point::Refresh => false,
    }
}

/// Returns whether the person and the client are those of break-glass; `None` if that is undecided.
fn opens(glass: &BreakGlass, facts: &Facts<'_>) -> Option<bool> {
    if facts.time.from >= glass.expires_at {
        return Some(false);
    }
    let is_named = facts.account.map(|account| glass.accounts.contains(account));
    let is_client = facts.client.map(|client| glass.clients.iter().any(|one| one == client));
    match (is_named, is_client) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
