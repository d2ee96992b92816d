//! Applies the commands of operators about live grants.

use super::command::{EndGrant, ListGrants, LiveGrant, LiveState};
use super::routing::RowKey;
use super::rows::{Rows, event};
use super::{Denial, Grant, Request, State, room};
use crate::audit::Event;
use crate::provenance::Stage;
use crate::time::Timestamp;

pub(super) fn list<R: Rows>(
    rows: &R,
    ask: &ListGrants,
    now: Timestamp,
) -> Result<Vec<(RowKey, LiveGrant)>, R::Error> {
    let mut found = Vec::new();
    rows.each_live(ask.after, now, |key, grant| {
        found.extend(shown(grant).map(|grant| (key, grant)));
        found.len() < ask.limit as usize
    })?;
    Ok(found)
}

fn shown(grant: Grant) -> Option<LiveGrant> {
    let (state, account) = match grant.state {
        State::Pending { hold: None } => (LiveState::Waiting, None),
        State::Pending { hold: Some(hold) } => (LiveState::Opened, Some(hold.sub)),
        State::Approved { approval } => (LiveState::Approved, Some(approval.sub)),
        State::Denied { .. } | State::Redeemed { .. } => return None,
    };
    let Request { client_id, scope, origin, .. } = grant.request;
    Some(LiveGrant {
        client_id,
        scope,
        started: Stage::of(&origin),
        expires_at: grant.expires_at,
        state,
        account,
    })
}

pub(super) fn end<R: Rows>(rows: &R, ask: EndGrant, now: Timestamp) -> Result<Option<Request>, R::Error> {
    let EndGrant { key, by } = ask;
    let Some(mut grant) = rows.grant(key)? else { return Ok(None) };
    let account = match &grant.state {
        State::Pending { hold } => hold.as_ref().map(|hold| hold.sub.clone()),
        State::Approved { approval } => Some(approval.sub.clone()),
        State::Denied { .. } | State::Redeemed { .. } => None,
    };
    if !grant.end(now) {
        return Ok(None);
    }
    rows.put_grant(key, &grant, now)?;
    room::release(rows, &grant, now)?;
    rows.tell(&Event { account, by: Some(by), ..event(Denial::Ended.event(), key, &grant, now) })?;
    Ok(Some(grant.request))
}
