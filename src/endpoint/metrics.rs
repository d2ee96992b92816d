//! `GET /metrics`: the counts, in the format of `OpenMetrics`, for a monitor that has the token.

use futures_util::future::try_join3;

use super::http::Response;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use super::static_token::{self, Shown};
use crate::audit::ledger::{ListOutboxes, OUTBOXES};
use crate::counts::command::ReadTotals;
use crate::counts::open_metrics::{MEDIA_TYPE, text};
use crate::limiter::budgets::metrics_tokens_by_network;
use crate::settings::TokenDigests;

pub(super) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    let Some(expected) = &context.server.settings.metrics_token else {
        return Response::text(404, "This server has no metrics.");
    };
    measured(context, expected).await.unwrap_or_else(|Unavailable| {
        Response::text(503, "The counts cannot be read right now.").with("retry-after", "60".to_owned())
    })
}

async fn measured<P: Platform>(
    context: Context<'_, P>,
    expected: &TokenDigests,
) -> Result<Response, Unavailable> {
    match static_token::look(context, expected, metrics_tokens_by_network(&context.network())).await? {
        Shown::Right(_) => {}
        Shown::Wrong => {
            let refusal = Response::text(401, "Send the token whose SHA-256 is in METRICS_TOKEN_SHA256.");
            return Ok(refusal.with("www-authenticate", "Bearer realm=\"metrics\"".to_owned()));
        }
        Shown::Wait(seconds) => {
            let refusal = Response::text(429, "Too many wrong tokens came from this network.");
            return Ok(refusal.with("retry-after", seconds.to_string()));
        }
    }
    let platform = &context.server.platform;
    let (totals, reports, couriers) = try_join3(
        platform.counts(ReadTotals {}),
        platform.ledger(OUTBOXES, ListOutboxes {}),
        context.server.courier_states(),
    )
    .await?;
    let metrics = Response::new(200, MEDIA_TYPE, text(&totals, &reports, &couriers, context.now));
    Ok(metrics.with("cache-control", "no-store".to_owned()))
}
