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

use serde::Serialize;

use super::body;
use super::done::Done;
use super::problem::Problem;
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
    let mut checks = configuration::look(context);
    checks.extend(objects::look(context).await);
    checks.push(ledger::look(context).await);
    checks.push(keys::look(context).await);
    checks.extend(policy::look(context).await);
    checks.push(passkeys::look(context).await);
    checks.push(providers::look(context).await);
    checks.extend(access::look(context).await);
    checks.extend(scim::look(context).await);
    checks.push(destinations::look(context).await);
    checks.push(clients::look(context).await);
    let findings = Findings { now: context.now.millis(), checks };
    Ok(Done::read(Response::json(200, &findings)))
}
