//! The alerts: what the server itself has noticed in the events.

use core::time::Duration;

use serde::Serialize;

use super::body;
use super::done::Done;
use super::events::{invalid, number};
use super::problem::Problem;
use crate::audit::change::Actor;
use crate::counts::alert::{Alert, AlertId, AlertState};
use crate::counts::command::{CloseAlert, ListAlerts};
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::policy::kill::Target;
use crate::time::{Timestamp, rfc3339};

/// Default number of alerts per page.
const PAGE: u64 = 50;
const LARGEST_PAGE: u64 = 200;
/// How long a kill switch is proposed for: a day.
const DRAFT: Duration = Duration::from_hours(24);

/// An alert as the API shows it. Times are in seconds since 1970.
#[derive(Serialize)]
struct View {
    /// A text, because numbers of this size are not exact everywhere.
    id: String,
    detection: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asn: Option<u32>,
    at: u64,
    last_at: u64,
    count: u64,
    evidence: Vec<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kill_switch: Option<Draft>,
}

/// A kill switch that would stop what the alert is about, as `POST /kill-switches` takes it.
#[derive(Serialize)]
struct Draft {
    id: String,
    target: Target,
    reason: String,
    #[serde(with = "rfc3339")]
    until: Timestamp,
}

#[derive(Serialize)]
struct Page {
    alerts: Vec<View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl Draft {
    fn of(alert: &Alert, now: Timestamp) -> Option<Self> {
        let until = now + DRAFT;
        let target = alert.target(until).filter(|_| alert.is_open())?;
        let reason = format!("Alert {} ({})", alert.id, alert.detection.name());
        Some(Self { id: format!("alert-{}", alert.id), target, reason, until })
    }
}

impl View {
    fn of(alert: Alert, now: Timestamp) -> Self {
        let kill_switch = Draft::of(&alert, now);
        let (state, closed) = match alert.state {
            AlertState::Open => ("open", None),
            AlertState::Closed { by, at } => ("closed", Some((by, at.seconds()))),
        };
        let (closed_by, closed_at) = closed.unzip();
        Self {
            id: alert.id.to_string(),
            detection: alert.detection.name(),
            client_id: alert.subject.client_id,
            account: alert.subject.account,
            asn: alert.subject.asn,
            at: alert.at.seconds(),
            last_at: alert.last_at.seconds(),
            count: alert.count,
            evidence: alert.evidence,
            state,
            closed_by,
            closed_at,
            kill_switch,
        }
    }
}

/// Answers `GET /alerts`, newest first.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["state", "limit", "cursor"])?;
    let is_open = match query.get("state") {
        None | Some("open") => true,
        Some("closed") => false,
        Some(other) => {
            return Err(invalid("state", format!("state is {other:?}: it must be open or closed")));
        }
    };
    let before = match query.get("cursor").map(parsed) {
        Some(None) => {
            return Err(invalid("cursor", "cursor must be the next_cursor of a previous page".to_owned()));
        }
        before => before.flatten(),
    };
    let limit = number(&query, "limit", PAGE, 1, LARGEST_PAGE)?;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let found = context.server.platform.counts(ListAlerts { is_open, before, limit: limit + 1 }).await?;
    let mut alerts: Vec<View> = found.into_iter().map(|alert| View::of(alert, context.now)).collect();
    let has_more = alerts.len() as u64 > u64::from(limit);
    alerts.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = alerts.last().filter(|_| has_more).map(|last| last.id.clone());
    Ok(Done::read(Response::json(200, &Page { alerts, next_cursor })))
}

/// Answers `POST /alerts/{id}/close`.
pub(super) async fn close<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
) -> Result<Done, Problem> {
    let id = parsed(id).ok_or(Problem::NotFound)?;
    let closed = context.server.platform.counts(CloseAlert { id, by }).await?;
    let closed = closed.ok_or(Problem::NotFound)?;
    Ok(Done { outcome: "alert_closed", ..Done::read(Response::json(200, &View::of(closed, context.now))) })
}

/// Parses the number of an alert: at most 15 digits, which is far beyond any instant.
fn parsed(text: &str) -> Option<AlertId> {
    let is_number = text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}
