//! The settings that are in force.

use serde::Serialize;

use super::body;
use super::done::Done;
use super::problem::Problem;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::settings::in_force::InForce;

#[derive(Serialize)]
struct Page<'a> {
    settings: &'a [InForce],
}

/// Answers `GET /settings`: every setting that the server has read, in the order of their names. Secrets only say that they are
/// set.
#[expect(clippy::unused_async, reason = "like the other functions of the API")]
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    Ok(Done::read(Response::json(200, &Page { settings: &context.server.settings.in_force })))
}
