//! What the server finds out about itself: `GET /doctor`, which `make doctor` shows.
//!
//! It looks at every object, signs with every key, asks every provider, and goes through all clients, so it is for people who set a server up
//! or look for a fault, not for a monitor that asks every minute.

mod access;
mod check;
mod clients;
mod configuration;
mod destinations;
mod keys;
mod ledger;
mod objects;
mod passkeys;
mod policy;
mod providers;
mod scim;

use core::pin::Pin;

use serde::Serialize;

use super::body;
use super::done::Done;
use super::problem::Problem;
use crate::endpoint::at_once::all;
use crate::endpoint::boxed::boxed;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use check::Check;

#[derive(Serialize)]
struct Findings {
    /// The clock of the Worker, in milliseconds since 1970.
    now: u64,
    checks: Vec<Check>,
}

/// Answers `GET /doctor`.
pub(super) async fn run<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let looks: [Pin<Box<dyn Future<Output = Vec<Check>> + '_>>; 10] = [
        boxed(objects::look(context)),
        boxed(async move { vec![ledger::look(context).await] }),
        boxed(async move { vec![keys::look(context).await] }),
        boxed(policy::look(context)),
        boxed(async move { vec![passkeys::look(context).await] }),
        boxed(async move { vec![providers::look(context).await] }),
        boxed(async move { access::look(context).await.into_iter().collect() }),
        boxed(async move { scim::look(context).await.into_iter().collect() }),
        boxed(async move { vec![destinations::look(context).await] }),
        boxed(async move { vec![clients::look(context).await] }),
    ];
    let mut checks = configuration::look(context);
    checks.extend(all(looks).await.into_iter().flatten());
    let findings = Findings { now: context.now.millis(), checks };
    Ok(Done::read(Response::json(200, &findings)))
}
