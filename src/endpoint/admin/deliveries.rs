//! What waits for a destination, and what was given up: list it, resend it, delete it.

use serde::Serialize;
use serde_json::json;

use super::body;
use super::destinations::find;
use super::done::Done;
use super::events::{invalid, number};
use super::problem::Problem;
use crate::audit::change::{Actor, Changed};
use crate::counts::destination_command::NoteDeliveries;
use crate::courier::command::{CourierState, Discard, ListDeliveries, ReadCourier, Resend};
use crate::courier::delivery::{Delivery, Numbered};
use crate::endpoint::at_once::try_all;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::time::Timestamp;

/// Default number of deliveries per page.
const PAGE: u64 = 50;
const LARGEST_PAGE: u64 = 200;

/// A delivery as the API shows it. Times are in seconds since 1970.
#[derive(Serialize)]
struct View {
    id: String,
    event_id: String,
    state: &'static str,
    /// When the event happened.
    at: u64,
    tries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    died_at: Option<u64>,
}

#[derive(Serialize)]
struct Page {
    deliveries: Vec<View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<Numbered> for View {
    fn from(Numbered { number, delivery }: Numbered) -> Self {
        let Delivery { id, at, tries, last_error, died_at, .. } = delivery;
        let state = if died_at.is_some() { "dead" } else { "waiting" };
        let (event_id, at, died_at) = (id, at.seconds(), died_at.map(Timestamp::seconds));
        Self { id: number.to_string(), event_id, state, at, tries, last_error, died_at }
    }
}

/// Answers `GET /destinations/{id}/deliveries`, oldest first.
pub(super) async fn list<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Done, Problem> {
    let query = body::query(context.request, &["state", "limit", "cursor"])?;
    let is_dead = match query.get("state") {
        None | Some("waiting") => false,
        Some("dead") => true,
        Some(other) => {
            return Err(invalid("state", format!("state is {other:?}: it must be waiting or dead")));
        }
    };
    let after = match query.get("cursor").map(parsed) {
        Some(None) => {
            return Err(invalid("cursor", "cursor must be the next_cursor of a previous page".to_owned()));
        }
        after => after.flatten().unwrap_or_default(),
    };
    let limit = number(&query, "limit", PAGE, 1, LARGEST_PAGE)?;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let courier = find(context, id).await?.courier();
    let ask = ListDeliveries { is_dead, after, limit: limit + 1 };
    let mut found = context.server.platform.courier(&courier, ask).await?;
    let has_more = found.len() as u64 > u64::from(limit);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let deliveries: Vec<View> = found.into_iter().map(View::from).collect();
    let next_cursor = deliveries.last().filter(|_| has_more).map(|last| last.id.clone());
    Ok(Done::read(Response::json(200, &Page { deliveries, next_cursor })))
}

/// Answers `POST /destinations/{id}/deliveries/resend`: dead letters wait again.
pub(super) async fn resend_all<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let destination = find(context, id).await?;
    let courier = destination.courier();
    let CourierState { dead, .. } = context.server.platform.courier(&courier, ReadCourier {}).await?;
    if dead > 0 {
        let what = Changed::DeliveriesResent;
        note(context, NoteDeliveries { id: destination.id, what, event: None, by }).await?;
    }
    let resent = context.server.platform.courier(&courier, Resend { number: None }).await?;
    Ok(done(Response::json(200, &json!({ "resent": resent })), "deliveries_resent"))
}

/// Answers `POST /destinations/{id}/deliveries/{delivery}/resend`.
pub(super) async fn resend<P: Platform>(
    context: Context<'_, P>,
    (id, delivery): (&str, &str),
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let (destination, number) = (find(context, id).await?, parsed(delivery).ok_or(Problem::NotFound)?);
    let courier = destination.courier();
    let event = event_of(context, &courier, number, &[true]).await?;
    let what = Changed::DeliveriesResent;
    note(context, NoteDeliveries { id: destination.id, what, event: Some(event), by }).await?;
    match context.server.platform.courier(&courier, Resend { number: Some(number) }).await? {
        0 => Err(Problem::NotFound),
        resent => Ok(done(Response::json(200, &json!({ "resent": resent })), "deliveries_resent")),
    }
}

/// Answers `DELETE /destinations/{id}/deliveries/{delivery}`.
pub(super) async fn discard<P: Platform>(
    context: Context<'_, P>,
    (id, delivery): (&str, &str),
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let (destination, number) = (find(context, id).await?, parsed(delivery).ok_or(Problem::NotFound)?);
    let courier = destination.courier();
    let event = event_of(context, &courier, number, &[false, true]).await?;
    let what = Changed::DeliveryDiscarded;
    note(context, NoteDeliveries { id: destination.id, what, event: Some(event), by }).await?;
    if context.server.platform.courier(&courier, Discard { number }).await? {
        Ok(done(Response::empty(), "delivery_deleted"))
    } else {
        Err(Problem::NotFound)
    }
}

/// Returns the event that a delivery has, which is dead or not, as one of `states` says.
async fn event_of<P: Platform>(
    context: Context<'_, P>,
    courier: &str,
    number: i64,
    states: &[bool],
) -> Result<String, Problem> {
    let list = |is_dead: &bool| {
        let ask = ListDeliveries { is_dead: *is_dead, after: number - 1, limit: 1 };
        context.server.platform.courier(courier, ask)
    };
    let found = try_all(states.iter().map(list)).await?;
    let found = found.into_iter().flatten().find(|found| found.number == number);
    found.map(|found| found.delivery.id).ok_or(Problem::NotFound)
}

/// Notes what is about to happen. It comes first, so that nothing happens unseen; what is then not done, because somebody else
/// was faster or an object could not be reached, was noted all the same.
async fn note<P: Platform>(context: Context<'_, P>, ask: NoteDeliveries) -> Result<(), Problem> {
    Ok(context.server.platform.counts(ask).await?)
}

fn done(response: Response, outcome: &'static str) -> Done {
    Done { outcome, ..Done::read(response) }
}

/// Parses the number of a delivery: at most 15 digits.
fn parsed(text: &str) -> Option<i64> {
    let is_number = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}
