//! Applies the commands of operators about live grants.

use super::command::{EndGrant, LiveGrant, LiveState, WalkGrants};
use super::routing::RowKey;
use super::rows::{Rows, event};
use super::{Denial, Grant, Request, State, room};
use crate::audit::Event;
use crate::identity::walk::Walked;
use crate::policy::Point;
use crate::policy::facts::{Facts, Start};
use crate::policy::kill::KillSwitch;
use crate::policy::place::Country;
use crate::policy::window::Span;
use crate::provenance::Stage;
use crate::time::Timestamp;

pub(super) fn walk<R: Rows>(
    rows: &R,
    ask: &WalkGrants,
    now: Timestamp,
) -> Result<Walked<RowKey, LiveGrant>, R::Error> {
    let mut walked = Walked::begin();
    rows.each(ask.after, ask.bounds.look, now, |key, live| {
        let wanted = live
            .filter(|grant| ask.refused_by.as_ref().is_none_or(|switch| is_refused(key, grant, switch, now)));
        walked.see(key, wanted.and_then(shown), ask.bounds)
    })?;
    Ok(walked)
}

/// Returns whether a kill switch refuses the redemption of a grant. Account and approval are known once it is approved.
fn is_refused(key: RowKey, grant: &Grant, switch: &KillSwitch, now: Timestamp) -> bool {
    let Request { client_id, origin, network, .. } = &grant.request;
    let approval = match &grant.state {
        State::Approved { approval } | State::Verifying { approval, .. } => Some(approval),
        State::Pending { .. } | State::Denied { .. } | State::Redeemed { .. } => None,
    };
    let country = Country::of(origin.place.country.as_deref());
    let facts = Facts {
        client: Some(client_id),
        account: approval.map(|approval| &approval.account),
        start: Some(Start { at: origin.at, country, asn: origin.place.asn, network }),
        approval: approval.map(|approval| &approval.id),
        code: Some(key),
        ..Facts::unknown(Point::Redemption, Span::at(now))
    };
    switch.refuses(&facts)
}

fn shown(grant: Grant) -> Option<LiveGrant> {
    let (state, account) = match grant.state {
        State::Pending { hold: None } => (LiveState::Waiting, None),
        State::Pending { hold: Some(hold) } => (LiveState::Opened, Some(hold.sub)),
        State::Approved { approval } | State::Verifying { approval, .. } => {
            (LiveState::Approved, Some(approval.sub))
        }
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
        State::Approved { approval } | State::Verifying { approval, .. } => Some(approval.sub.clone()),
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
