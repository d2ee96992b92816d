//! The outboxes: whether events reach the ledger.

use serde::Serialize;

use super::body;
use super::done::Done;
use super::problem::Problem;
use crate::audit::ledger::{ListOutboxes, OUTBOXES, OutboxReport};
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::time::Timestamp;

/// All outboxes that have reported. `waiting` and `set_aside` are sums, and `oldest_age` is the highest one.
#[derive(Serialize)]
struct List {
    waiting: u64,
    set_aside: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_age: Option<u64>,
    outboxes: Vec<Outbox>,
}

/// The last report of an outbox. `oldest_age` is the seconds since the oldest waiting event, and grows until the next
/// report.
#[derive(Serialize)]
struct Outbox {
    object: String,
    waiting: u64,
    set_aside: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_age: Option<u64>,
    /// In seconds since 1970.
    reported_at: u64,
}

/// Answers `GET /outboxes`. Each object reports after its alarm, so this takes one call, and creates no object.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let reports = context.server.platform.ledger(OUTBOXES, ListOutboxes {}).await?;
    let outboxes: Vec<_> = reports.into_iter().map(|report| one(report, context.now)).collect();
    let list = List {
        waiting: outboxes.iter().map(|one| one.waiting).sum(),
        set_aside: outboxes.iter().map(|one| one.set_aside).sum(),
        oldest_age: outboxes.iter().filter_map(|one| one.oldest_age).max(),
        outboxes,
    };
    Ok(Done::read(Response::json(200, &list)))
}

fn one(report: OutboxReport, now: Timestamp) -> Outbox {
    let OutboxReport { object, at, waiting, oldest, set_aside, live_codes: _ } = report;
    let oldest_age = oldest.map(|oldest| now.since(oldest).as_secs());
    Outbox { object, waiting, set_aside, oldest_age, reported_at: at.seconds() }
}
