//! Finds and replaces the policy, and keeps its versions.

use serde::{Deserialize, Serialize};

use super::taken::{revise, with_policy};
use super::version::{Edit, MOST_VERSIONS, PolicyVersion, WITHOUT_DOCUMENT};
use crate::audit::change::{Actor, Change, Changed};
use crate::client::history::{Expected, History};
use crate::format::{Format, is_false};
use crate::identity::group::Group;
use crate::policy::difference::{Difference, differences};
use crate::policy::document::Policy;
use crate::policy::lock_out::shuts_out_administrators;
use crate::policy::warning::{of_exceptions, warnings};
use crate::registry::rows::Rows;
use crate::time::Timestamp;

/// Reads a version of the policy.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindPolicy {
    /// `None` for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// Lists the versions of the policy that are kept, newest first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListPolicies {}

/// Replaces the policy. A policy that is the same as before makes no new version.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReplacePolicy {
    #[expect(missing_docs, reason = "the type's comment says what it is")]
    pub policy: Box<Policy>,
    /// The rest of the change.
    pub change: PolicyChange,
}

/// Makes an earlier version of the policy the newest again, as a version of its own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RollBackPolicy {
    /// The earlier version.
    pub version: u64,
    /// The rest of the change.
    pub change: PolicyChange,
}

/// What every change of the policy comes with.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PolicyChange {
    /// The version that the policy must still have.
    pub expected: Expected,
    pub reason: String,
    /// The groups of administrators, who must not all be shut out.
    pub administrators: Vec<Group>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// The policy as it is, or as it would be after a dry run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PolicyNow {
    /// `None` without a document.
    pub version: Option<Box<PolicyVersion>>,
    /// Counts the changes of the policy, the exceptions and the kill switches.
    pub revision: u64,
    /// What the change changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// What is probably not meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Why a change of the policy is refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyRefusal {
    /// There is no such version.
    Missing,
    /// The policy does not have the expected version.
    Stale,
    /// The policy lets somebody in, but no administrator.
    ShutsOut,
}

/// The policy after a change, or why the change is refused. The outer error means that a row could not be read or written.
type Outcome<R> = Result<Result<PolicyNow, PolicyRefusal>, <R as Rows>::Error>;

pub(crate) fn find<R: Rows>(rows: &R, ask: &FindPolicy, now: Timestamp) -> Result<PolicyNow, R::Error> {
    let version = rows.policy(ask.version)?;
    shown(rows, version, Vec::new(), now)
}

pub(crate) fn replace<R: Rows>(rows: &R, ask: ReplacePolicy, now: Timestamp) -> Outcome<R> {
    let before = rows.policy(None)?;
    store(rows, before, *ask.policy, ask.change, now)
}

pub(crate) fn roll_back<R: Rows>(rows: &R, ask: RollBackPolicy, now: Timestamp) -> Outcome<R> {
    let Some(earlier) = rows.policy(Some(ask.version))? else { return Ok(Err(PolicyRefusal::Missing)) };
    let before = rows.policy(None)?;
    store(rows, before, earlier.policy, ask.change, now)
}

fn store<R: Rows>(
    rows: &R,
    before: Option<PolicyVersion>,
    policy: Policy,
    change: PolicyChange,
    now: Timestamp,
) -> Outcome<R> {
    if !change.expected.holds(&before.as_ref().map_or(WITHOUT_DOCUMENT, PolicyVersion::history)) {
        return Ok(Err(PolicyRefusal::Stale));
    }
    if before.as_ref().is_some_and(|before| before.policy == policy) {
        return shown(rows, before, Vec::new(), now).map(Ok);
    }
    let next = before.as_ref().map_or(1, |before| before.version.saturating_add(1));
    let (author, reason) = (change.by.clone(), change.reason);
    let next = PolicyVersion { format: Format, version: next, policy, author, reason, at: now };
    let differences = changed(before.as_ref(), &next);
    let governance = with_policy(rows, Some(next.clone()), now)?;
    if shuts_out_administrators(&governance, &change.administrators, now) {
        return Ok(Err(PolicyRefusal::ShutsOut));
    }
    if !change.dry_run {
        keep(rows, &next)?;
        tell(rows, &next, &differences, change.by)?;
    }
    shown(rows, Some(next), differences, now).map(Ok)
}

/// Returns what a new version changes.
fn changed(before: Option<&PolicyVersion>, next: &PolicyVersion) -> Vec<Difference> {
    let without = || Policy::without_document(false);
    differences(&before.map_or_else(without, |before| before.policy.clone()), &next.policy)
}

/// Writes a version, and forgets the one that there is no more room for.
fn keep<R: Rows>(rows: &R, next: &PolicyVersion) -> Result<(), R::Error> {
    rows.put_policy(next)?;
    rows.remove_policies(next.version.saturating_sub(MOST_VERSIONS))?;
    revise(rows)
}

/// Reports a new version, with the ways to the members that it changes.
fn tell<R: Rows>(
    rows: &R,
    next: &PolicyVersion,
    differences: &[Difference],
    by: Actor,
) -> Result<(), R::Error> {
    let members = differences.iter().map(|difference| difference.at.clone()).collect();
    let subject = next.version.to_string();
    rows.tell(&Change { members, ..Change::of(Changed::PolicyChanged, Some(&subject), by, next.at) })
}

fn shown<R: Rows>(
    rows: &R,
    version: Option<PolicyVersion>,
    differences: Vec<Difference>,
    now: Timestamp,
) -> Result<PolicyNow, R::Error> {
    let governance = with_policy(rows, version.clone(), now)?;
    let mut warnings = warnings(&governance.policy, now);
    warnings.extend(of_exceptions(&governance));
    let (version, revision) = (version.map(Box::new), governance.revision);
    Ok(PolicyNow { version, revision, differences, warnings })
}

impl PolicyNow {
    /// Returns version and date, for preconditions.
    #[must_use]
    pub fn history(&self) -> History {
        self.version.as_ref().map_or(WITHOUT_DOCUMENT, |version| version.history())
    }
}

/// Returns the versions that are kept, newest first.
pub(crate) fn list<R: Rows>(rows: &R) -> Result<Vec<Edit>, R::Error> {
    rows.edits()
}
