//! Reads the governance that travels to Workers, and counts its changes.

use super::version::PolicyVersion;
use crate::format::Format;
use crate::policy::document::Policy;
use crate::policy::governance::Governance;
use crate::registry::rows::Rows;
use crate::time::Timestamp;

/// Reads the governance. Without a document, its policy refuses everything: only a Worker knows whether the server is one
/// for development, which allows everything. See [`Governance::of_server`].
///
/// # Errors
///
/// A row could not be read.
pub fn take<R: Rows>(rows: &R, now: Timestamp) -> Result<Governance, R::Error> {
    with_policy(rows, rows.policy(None)?, now)
}

/// Reads the governance as it would be with this policy.
pub(super) fn with_policy<R: Rows>(
    rows: &R,
    version: Option<PolicyVersion>,
    now: Timestamp,
) -> Result<Governance, R::Error> {
    let (revision, exceptions) = (rows.revision()?, rows.live_exceptions(now)?);
    let kill_switches = rows.kill_switches(now)?;
    let (version, policy) = version
        .map_or_else(|| (0, Policy::without_document(false)), |version| (version.version, version.policy));
    Ok(Governance { format: Format, revision, version, policy, exceptions, kill_switches })
}

/// Reads the governance for a Worker, unless the Worker has it already.
pub(crate) fn news<R: Rows>(
    rows: &R,
    known: Option<u64>,
    now: Timestamp,
) -> Result<Option<Box<Governance>>, R::Error> {
    if known == Some(rows.revision()?) {
        return Ok(None);
    }
    take(rows, now).map(Box::new).map(Some)
}

/// Counts a change, so that every Worker asks for the new governance.
pub(super) fn revise<R: Rows>(rows: &R) -> Result<(), R::Error> {
    rows.put_revision(rows.revision()?.saturating_add(1))
}
