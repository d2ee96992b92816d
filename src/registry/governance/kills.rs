//! Sets and ends kill switches, and reports those that have run out.

use serde::{Deserialize, Serialize};

use super::taken::revise;
use crate::alarm::BATCH;
use crate::audit::change::{Actor, Change, Changed, OfKillSwitch};
use crate::format::is_false;
use crate::policy::governance::MOST_KILL_SWITCHES;
use crate::policy::kill::KillSwitch;
use crate::policy::name::Name;
use crate::registry::rows::Rows;
use crate::time::Timestamp;

/// Lists the kill switches that are on, in the order of the identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListKillSwitches {}

/// Sets a kill switch. If the same one is on already, changes nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SetKillSwitch {
    /// The registry replaces its time with its own.
    pub switch: Box<KillSwitch>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// Ends a kill switch before its end. What it has ended stays ended.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndKillSwitch {
    pub id: Name,
    pub by: Actor,
}

/// A kill switch that is on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what the other field is")]
pub struct KillSwitchNow {
    pub switch: KillSwitch,
    /// A revision of the governance that has it.
    pub revision: u64,
    /// Whether the command has set it.
    pub is_new: bool,
}

/// Why a change of kill switches is refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KillRefusal {
    /// No such kill switch is on.
    Missing,
    /// Another kill switch with this identifier is on.
    Exists,
    /// There is no room for another one.
    Full,
}

/// The outer error means that a row could not be read or written.
type Outcome<R, T> = Result<Result<T, KillRefusal>, <R as Rows>::Error>;

pub(crate) fn set<R: Rows>(rows: &R, ask: SetKillSwitch, now: Timestamp) -> Outcome<R, KillSwitchNow> {
    let switch = KillSwitch { at: now, ..*ask.switch };
    if let Some(other) = live(rows, &switch.id, now)? {
        let is_same =
            (&other.target, other.until, &other.reason) == (&switch.target, switch.until, &switch.reason);
        let known = |revision| KillSwitchNow { switch: other, revision, is_new: false };
        return Ok(if is_same { Ok(known(rows.revision()?)) } else { Err(KillRefusal::Exists) });
    }
    if rows.kill_switches(now)?.len() >= MOST_KILL_SWITCHES {
        return Ok(Err(KillRefusal::Full));
    }
    if !ask.dry_run {
        rows.put_kill_switch(&switch)?;
        revise(rows)?;
        tell(rows, Changed::KillSwitchSet, &switch, switch.by.clone(), now)?;
    }
    Ok(Ok(KillSwitchNow { switch, revision: rows.revision()?, is_new: !ask.dry_run }))
}

pub(crate) fn end<R: Rows>(rows: &R, ask: EndKillSwitch, now: Timestamp) -> Outcome<R, KillSwitch> {
    let Some(switch) = live(rows, &ask.id, now)? else { return Ok(Err(KillRefusal::Missing)) };
    rows.remove_kill_switch(&switch.id)?;
    revise(rows)?;
    let ended = KillSwitch { until: now, ..switch };
    tell(rows, Changed::KillSwitchEnded, &ended, ask.by, now)?;
    Ok(Ok(ended))
}

/// Reports kill switches that have run out, and forgets them: one batch. What Workers apply does not change.
///
/// # Errors
///
/// A row could not be read or written.
pub fn attend<R: Rows>(rows: &R, now: Timestamp) -> Result<(), R::Error> {
    for switch in rows.ended_kill_switches(now, BATCH)? {
        lapse(rows, &switch, now)?;
    }
    Ok(())
}

fn lapse<R: Rows>(rows: &R, switch: &KillSwitch, now: Timestamp) -> Result<(), R::Error> {
    rows.remove_kill_switch(&switch.id)?;
    tell(rows, Changed::KillSwitchLapsed, switch, Actor::Server, now)
}

/// Returns a kill switch that is on. One that has run out and was not reported yet is reported now, because another one may
/// take its identifier.
fn live<R: Rows>(rows: &R, id: &Name, now: Timestamp) -> Result<Option<KillSwitch>, R::Error> {
    let found = rows.kill_switch(id)?;
    match found {
        Some(switch) if switch.is_on(now) => Ok(Some(switch)),
        Some(switch) => lapse(rows, &switch, now).map(|()| None),
        None => Ok(None),
    }
}

fn tell<R: Rows>(
    rows: &R,
    what: Changed,
    switch: &KillSwitch,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    let of = OfKillSwitch { until: switch.until };
    let change = Change::of(what, Some(switch.id.as_str()), by, now);
    rows.tell(&Change { members: switch.target.names(), kill_switch: Some(of), ..change })
}
