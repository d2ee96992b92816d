//! One question to policy: is the step allowed for this client and account, and do the rules allow it?

use crate::audit::policy_record::PolicyRecord;
use crate::client::Client;
use crate::endpoint::error::Error;
use crate::endpoint::http::Response;
use crate::identity::account::Account;
use crate::policy::decision::{By, Decision, Ruling};
use crate::policy::document::Fallback;
use crate::policy::facts::{Facts, Nearness};
use crate::policy::governance::Governance;
use crate::policy::name::Name;
use crate::policy::recording;
use crate::policy::requirement::{Limits, Requirements};
use crate::policy::shortfall::{Shortfall, leaves_nothing};
use crate::policy::{Point, PolicyDecision, PolicyFacts, PolicyRefusal, decide, evaluation};
use crate::scope::Scope;

/// What policy allows, and on which terms.
#[derive(Debug, Default)]
pub(crate) struct Permit {
    /// The part of the scope that is allowed.
    pub scope: Scope,
    pub requirements: Requirements,
    pub limits: Limits,
    /// The ruling if everything that only reports were enforced; `None` if it is the same.
    pub would: Option<Box<Ruling>>,
    /// For the event; `None` on a server without a policy.
    pub record: Option<Box<PolicyRecord>>,
}

impl Permit {
    /// Notes what an allowed step would lack if everything that only reports were enforced. What was noted before stands.
    pub(crate) fn would_lack(&mut self, lack: Shortfall) {
        let would = self.record.as_mut().and_then(|record| record.would.as_mut());
        if let Some(would) = would.filter(|would| would.allows()) {
            would.refuse(lack.name());
        }
    }

    /// Checks that the tokens are bound to a key if they must be, and notes if they would have to be.
    pub(super) fn check_binding(&mut self, is_bound: bool) -> Result<(), Error> {
        if is_bound {
            return Ok(());
        }
        if self.limits.bound {
            return Err(Error::KeyRequired(self.record.take()));
        }
        if self.would.as_ref().is_some_and(|would| would.limits.bound) {
            self.would_lack(Shortfall::NoKey);
        }
        Ok(())
    }
}

/// A step that must not happen.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub why: Why,
    pub record: Option<Box<PolicyRecord>>,
    /// The rules that an exception would have to lift, if people may ask for one and it would help.
    pub remedy: Option<Vec<Name>>,
}

/// Why a step must not happen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Why {
    /// Because of the client or the account.
    Registered(PolicyRefusal),
    /// A rule denies it.
    Rule(Name),
    /// The device must be near the person.
    NotNear,
    /// The device has to ask its user for digits, and cannot, or was not asked to.
    Unverified,
    /// The device has to be assigned to the person, and is not, or does not say what it is called.
    Unbound,
    /// No rule allows it, or a kill switch refuses it.
    NotAllowed,
}

impl Why {
    /// Returns the reason as the log states it.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Registered(refusal) => refusal.name(),
            Self::Rule(_) | Self::NotAllowed => "policy",
            Self::NotNear => Shortfall::NotNear.name(),
            Self::Unverified => Shortfall::Unverified.name(),
            Self::Unbound => Shortfall::Unbound.name(),
        }
    }
}

impl Refusal {
    /// The device is not assigned to the person, although everything else is as the rules demand.
    pub(crate) fn unassigned(mut record: Option<Box<PolicyRecord>>) -> Self {
        if let Some(facts) = record.as_mut().and_then(|record| record.facts.as_mut()) {
            facts.identified = false;
        }
        Self { why: Why::Unbound, record, remedy: None }
    }

    /// Adds the refusal to the log of a page.
    pub(crate) fn note(&self, page: Response, what: &'static str, client: Option<&str>) -> Response {
        page.noting(what, client, "refused", self.why.reason()).deciding(self.record.clone())
    }
}

impl From<PolicyRefusal> for Refusal {
    fn from(refusal: PolicyRefusal) -> Self {
        Self { why: Why::Registered(refusal), record: None, remedy: None }
    }
}

/// Asks about a step. `client` and `account` are `None` as long as they are not known; their names are among the facts.
///
/// # Errors
///
/// Why the step must not happen.
pub(crate) fn ask(
    governance: &Governance,
    (client, account): (Option<&Client>, Option<&Account>),
    facts: &Facts<'_>,
) -> Result<Permit, Refusal> {
    let asked = facts.scope.cloned().unwrap_or_default();
    let scope = match decide(facts.point, PolicyFacts { client, account, scope: &asked }) {
        PolicyDecision::Allow(scope) => scope,
        PolicyDecision::Refuse(why) => return Err(why.into()),
    };
    let facts = Facts { scope: facts.scope.map(|_| &scope), ..*facts };
    let decision = evaluation::decide(governance, &facts);
    let record = record(governance, &decision).map(|record| Box::new(with_facts(*record, &facts)));
    if let Some(why) = refused(&decision, &facts) {
        let remedy = remedy(governance, &decision, &facts);
        return Err(Refusal { why, record, remedy });
    }
    let Decision { ruling, would, .. } = decision;
    let granted = ruling.limits.scope.as_ref().map_or_else(|| scope.clone(), |most| scope.narrowed_to(most));
    if granted.is_empty() && !scope.is_empty() {
        return Err(Refusal { record, ..PolicyRefusal::NoScopeLeft.into() });
    }
    Ok(Permit { scope: granted, requirements: ruling.requirements, limits: ruling.limits, would, record })
}

/// Returns why the rules do not allow the step.
fn refused(decision: &Decision, facts: &Facts<'_>) -> Option<Why> {
    if !decision.is_allowed() {
        return Some(match &decision.ruling.by {
            By::Rule(id) => Why::Rule(id.clone()),
            By::KillSwitch(_) | By::BreakGlass | By::Exception(_) | By::Default => Why::NotAllowed,
        });
    }
    lacking(decision, facts)
}

/// Returns what an approval needs besides the permission of a rule, and the login lacks.
fn lacking(decision: &Decision, facts: &Facts<'_>) -> Option<Why> {
    let must = needs(decision, facts.point)?;
    if must.near && is_late(facts.point) && facts.nearness != Some(Nearness::Near) {
        return Some(Why::NotNear);
    }
    if must.initiation_verification && facts.can_verify != Some(true) {
        return Some(Why::Unverified);
    }
    (must.out_of_band_binding && facts.is_bound != Some(true)).then_some(Why::Unbound)
}

/// Returns the rules that an exception would have to lift. What rules require and limit holds for exceptions, too, so none
/// helps where the device is not near enough or cannot ask for digits, or no scope is left.
fn remedy(governance: &Governance, decision: &Decision, facts: &Facts<'_>) -> Option<Vec<Name>> {
    let lacks = lacking(decision, facts).is_some() || leaves_nothing(&decision.ruling.limits, facts.scope);
    if !governance.policy.access_requests || lacks {
        return None;
    }
    evaluation::remedy(governance, facts)
}

/// Returns what an approval is judged by, as far as the sign-in has nothing to do with it. A request for a code is judged by
/// what every completion needs, a refresh only by whether access goes on.
const fn needs(decision: &Decision, point: Point) -> Option<&Requirements> {
    match point {
        Point::DeviceAuthorization => Some(&decision.inevitable),
        Point::Approval | Point::Redemption => Some(&decision.ruling.requirements),
        Point::SignIn | Point::Refresh => None,
    }
}

/// Returns whether the place of the person is known.
const fn is_late(point: Point) -> bool {
    match point {
        Point::Approval | Point::Redemption => true,
        Point::DeviceAuthorization | Point::SignIn | Point::Refresh => false,
    }
}

/// Adds the facts of an approval to the decision. Later steps are judged by the same ones, and earlier steps have no person.
fn with_facts(record: PolicyRecord, facts: &Facts<'_>) -> PolicyRecord {
    let is_approval = match facts.point {
        Point::Approval => true,
        Point::DeviceAuthorization | Point::SignIn | Point::Redemption | Point::Refresh => false,
    };
    PolicyRecord { facts: is_approval.then(|| Box::new(recording::record(facts))), ..record }
}

/// Returns the decision for an event. A development server without a document decides nothing.
fn record(governance: &Governance, decision: &Decision) -> Option<Box<PolicyRecord>> {
    let is_empty = governance.policy.default == Fallback::Allow && decision.ruling.by == By::Default;
    (!is_empty).then(|| Box::new(decision.record(governance.version, governance.revision)))
}
