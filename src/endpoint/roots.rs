//! `GET /ledger/roots` and `/ledger/roots/<day>`: the signed roots of closed days, for everybody who wants to keep one.

use serde::Serialize;

use super::http::Response;
use super::platform::Platform;
use super::route::ROOTS_PREFIX;
use super::server::Context;
use crate::audit::closing::{ReadRoots, SignedRoot};
use crate::audit::ledger::OUTBOXES;

/// Most roots in a list.
const MOST: u32 = 100;

/// Newest first.
#[derive(Serialize)]
struct List {
    roots: Vec<SignedRoot>,
}

pub(super) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    let path = context.request.path.strip_prefix(context.issuer.path());
    match path.and_then(|path| path.strip_prefix(ROOTS_PREFIX)) {
        None | Some("") => list(context).await,
        Some(day) => one(context, day).await,
    }
}

/// Lists the roots of the days before `before`, or the newest ones.
async fn list<P: Platform>(context: Context<'_, P>) -> Response {
    let before = match context.request.query.as_str() {
        "" => Some(u32::MAX),
        query => query.strip_prefix("before=").and_then(|day| day.parse().ok()),
    };
    let Some(before) = before else {
        return Response::text(400, "The only parameter is before: a day, counted from 1970.");
    };
    match read(context, before, MOST).await {
        Ok(roots) => published(Response::json(200, &List { roots })),
        Err(unavailable) => unavailable,
    }
}

async fn one<P: Platform>(context: Context<'_, P>, day: &str) -> Response {
    let none = || Response::text(404, "No root of that day is signed. The day is counted from 1970.");
    let Some(day) = day.parse::<u32>().ok().filter(|day| *day < u32::MAX) else { return none() };
    match read(context, day + 1, 1).await {
        Ok(roots) => match roots.into_iter().find(|root| root.day == day) {
            Some(root) => published(Response::new(200, "application/jose", root.root)),
            None => none(),
        },
        Err(unavailable) => unavailable,
    }
}

async fn read<P: Platform>(
    context: Context<'_, P>,
    before: u32,
    limit: u32,
) -> Result<Vec<SignedRoot>, Response> {
    let busy =
        || Response::text(503, "The roots cannot be read right now.").with("retry-after", "60".to_owned());
    if !context.server.platform.within_limit(&context.rate_key("ledger-roots")).await {
        return Err(Response::text(429, "Too many requests.").with("retry-after", "60".to_owned()));
    }
    let roots = context.server.platform.ledger(OUTBOXES, ReadRoots { before, limit }).await;
    roots.map_err(|_| busy())
}

/// A signed root never changes, but a list gets longer.
fn published(response: Response) -> Response {
    response.with_only("cache-control", "public, max-age=300".to_owned()).without("pragma")
}
