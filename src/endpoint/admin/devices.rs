//! The devices and sessions of an account: list and end them.

use serde::Serialize;
use serde_json::json;

use super::accounts::key;
use super::body;
use super::done::Done;
use super::problem::Problem;
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::access::End;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::family::Ending;
use crate::identity::account_key::AccountKey;
use crate::identity::command::{EndSessions, ListSessions};
use crate::identity::device::{Device, DeviceId, Selection};
use crate::identity::session::{Session, SessionSelection};
use crate::policy::place::Country;
use crate::provenance::{ApprovalId, Provenance, Stage};
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::verdict::Spot;

/// Seconds from 1970 to the year 9999, the last instant that can be asked for.
const LAST: u64 = 253_402_300_799;

/// A device as operators see it. Times are in seconds since 1970.
#[derive(Serialize)]
pub(super) struct DeviceView<'a> {
    id: &'a DeviceId,
    client_id: &'a str,
    client_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    scope: &'a Scope,
    approval_id: &'a ApprovalId,
    started: Place<'a>,
    approved: Place<'a>,
    first_used_at: u64,
    last_used_at: u64,
}

/// When and where something happened.
#[derive(Serialize)]
struct Place<'a> {
    at: u64,
    #[serde(flatten)]
    spot: &'a Spot,
}

impl<'a> From<&'a Stage> for Place<'a> {
    fn from(stage: &'a Stage) -> Self {
        Self { at: stage.at.seconds(), spot: &stage.spot }
    }
}

impl<'a> DeviceView<'a> {
    pub(super) fn of((id, device): &'a (DeviceId, Device)) -> Self {
        let Provenance { approval_id, started, approved, .. } = &device.provenance;
        Self {
            id,
            client_id: &device.client_id,
            client_name: &device.client_name,
            label: device.label.as_deref(),
            scope: &device.scope,
            approval_id,
            started: started.into(),
            approved: approved.into(),
            first_used_at: device.first_used_at.seconds(),
            last_used_at: device.last_used_at.seconds(),
        }
    }
}

/// Answers `GET /accounts/{account}/devices`: those that have tokens now.
pub(super) async fn list<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let devices = context.server.devices_of(&known(context, name).await?).await?;
    let devices: Vec<DeviceView<'_>> = devices.iter().map(DeviceView::of).collect();
    Ok(Done::read(Response::json(200, &json!({ "devices": devices }))))
}

/// Answers `POST /accounts/{account}/devices/end`. The body selects devices; an empty one selects all.
pub(super) async fn end<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let mut members = Members::of(body::object_if_any(context.request)?);
    let selection = selection(&mut members);
    body::sound(members)?;
    let account = known(context, name).await?;
    if dry_run {
        let devices = context.server.devices_of(&account).await?;
        let count = devices.iter().filter(|(id, device)| selection.has(id, device)).count();
        return Ok(Done { outcome: "devices_counted", ..Done::read(counted(count as u64)) });
    }
    let end = End { why: Ending::EndedByAdministrator, by: Some(by) };
    let count = context.server.end_access(&account, selection, &end).await?;
    Ok(Done { outcome: "devices_ended", ..Done::read(counted(count)) })
}

/// Takes the conditions for devices.
pub(super) fn selection(members: &mut Members) -> Selection {
    let some = |text: &str| (1..=256).contains(&text.len());
    let ids = members.texts("ids", 100, "the id of a device", some);
    Selection {
        ids: ids.map(|ids| ids.into_iter().map(DeviceId::from).collect()),
        client_id: members.text("client_id", "a client_id", some),
        approval_id: members.text("approval_id", "an approval_id", some).as_deref().map(ApprovalId::from),
        ..places_and_times(members)
    }
}

/// Takes the conditions that devices and sessions share.
fn places_and_times(members: &mut Members) -> Selection {
    let country = |text: &str| Country::parse(text).is_some();
    let asn = members.number("asn", 1..=u64::from(u32::MAX));
    let mut at = |name| members.number(name, 0..=LAST).map(|seconds| Timestamp::from_millis(seconds * 1_000));
    let (from, to) = (at("from"), at("to"));
    Selection {
        country: members.text("country", Country::ALLOWED, country),
        asn: asn.and_then(|asn| u32::try_from(asn).ok()),
        from,
        to,
        ..Selection::default()
    }
}

/// Takes the conditions for sessions.
pub(super) fn sessions_selection(members: &mut Members) -> SessionSelection {
    let Selection { country, asn, from, to, .. } = places_and_times(members);
    let some = |text: &str| (1..=256).contains(&text.len());
    SessionSelection {
        provider: members.text("provider", "the id of a provider", some),
        country,
        asn,
        from,
        to,
    }
}

/// A session as operators see it, without what identifies it.
#[derive(Serialize)]
pub(super) struct SessionView<'a> {
    started: StageView,
    auth_time: u64,
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    how: &'static str,
    ends_at: u64,
}

/// When and where a session began.
#[derive(Serialize)]
struct StageView {
    at: u64,
    #[serde(flatten)]
    spot: Spot,
}

/// Answers `GET /accounts/{account}/sessions`.
pub(super) async fn sessions<P: Platform>(context: Context<'_, P>, name: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let account = known(context, name).await?;
    let ask = ListSessions { account: account.clone() };
    let sessions = context.server.platform.accounts(account.shard(), ask).await?;
    let views: Vec<SessionView<'_>> = sessions.iter().map(|(_, session)| SessionView::of(session)).collect();
    Ok(Done::read(Response::json(200, &json!({ "sessions": views }))))
}

impl<'a> SessionView<'a> {
    pub(super) fn of(session: &'a Session) -> Self {
        Self {
            started: StageView { at: session.origin.at.seconds(), spot: Spot::of(&session.origin) },
            auth_time: session.auth_time.seconds(),
            amr: &session.amr,
            acr: session.acr.as_deref(),
            how: session.how.name(),
            ends_at: session.ends_at.seconds(),
        }
    }
}

/// Answers `POST /accounts/{account}/sessions/end`: ends all sessions of the account.
pub(super) async fn end_sessions<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    body::sound(Members::of(body::object_if_any(context.request)?))?;
    let account = known(context, name).await?;
    let shard = account.shard();
    if dry_run {
        let count = context.server.platform.accounts(shard, ListSessions { account }).await?.len() as u64;
        return Ok(Done { outcome: "sessions_counted", ..Done::read(counted(count)) });
    }
    let end = EndSessions { account, upstream: None, except: None, begun_by: None, by };
    let count = context.server.platform.accounts(shard, end).await?;
    Ok(Done { outcome: "sessions_ended", ..Done::read(counted(count)) })
}

fn counted(count: u64) -> Response {
    Response::json(200, &json!({ "count": count }))
}

async fn known<P: Platform>(context: Context<'_, P>, name: &str) -> Result<AccountKey, Problem> {
    let key = key(name)?;
    context.server.stored_account(&key).await?.map(|account| account.key).ok_or(Problem::NotFound)
}
