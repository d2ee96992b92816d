//! The admin API under `/admin/api/`: clients, scopes, OpenID Providers, signing keys, admin tokens, invitations, the policy,
//! its exceptions, requests for such, and kill switches, for operators.
//!
//! It exists only if an admin token is configured. It is not meant for browsers: it has no CORS and uses no
//! cookies.

mod access;
mod access_requests;
mod accounts;
mod alerts;
pub(super) mod body;
pub(crate) mod caller;
pub(super) mod clients;
mod deliveries;
mod destinations;
mod devices;
mod dispatch;
mod doctor;
mod documents;
pub(super) mod done;
mod dry_run;
pub(super) mod event;
mod events;
mod exceptions;
mod grant_walk;
mod grants;
mod inventory;
mod invitation_request;
mod invitations;
mod kill_switches;
mod kill_walk;
mod ledger;
mod openapi;
mod outboxes;
mod overview;
mod policy;
pub(super) mod problem;
mod providers;
pub(super) mod registry;
pub(super) mod report;
pub(super) mod route;
mod scope_claims;
mod scopes;
mod settings;
mod signing_keys;
mod subs;
mod tokens;
mod usage;
mod walk;
pub(super) mod what_if;

use rand_core::CryptoRng;

use super::http::Response;
use super::platform::Platform;
use super::server::Context;
use crate::endpoint::route::ADMIN_PREFIX;
use caller::{Caller, authenticate};
use dispatch::dispatch;
use done::Done;
use problem::Problem;

/// The header that names the replicas of the registry that have not confirmed a change. Their leases have ended.
const EXPIRED: &str = "registry-replicas-expired";
/// The `what` of log lines.
const WHAT: &str = "admin";

/// Answers and logs a request below [`ADMIN_PREFIX`].
pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    match attend(context, rng).await {
        Ok(Done { response, client, outcome, .. }) => {
            response.noting(WHAT, client.as_deref(), outcome, outcome)
        }
        Err(problem) => problem.response(context.issuer).noting(WHAT, None, problem.name(), problem.name()),
    }
}

async fn attend<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Result<Done, Problem> {
    serve(context, &authenticate(context).await?, rng).await
}

/// Does what a request asks for, as this caller.
pub(super) async fn serve<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let path = context.request.path.strip_prefix(context.issuer.path());
    let path = path.and_then(|path| path.strip_prefix(ADMIN_PREFIX)).unwrap_or_default();
    let found = route::find(path).ok_or(Problem::NotFound)?;
    if !found.methods.contains(&context.request.method.as_str()) {
        return Err(Problem::MethodNotAllowed(found.methods));
    }
    caller.require(&found.needs(&context.request.method))?;
    let done = dispatch(context, &found, caller, rng).await;
    if found.changes_replicas(&context.request.method) { settle(context, done).await } else { done }
}

/// Waits until the change is effective everywhere. A refused change waits, too: what refused it may be an earlier change that
/// nobody has acknowledged yet.
async fn settle<P: Platform>(context: Context<'_, P>, done: Result<Done, Problem>) -> Result<Done, Problem> {
    let late = registry::settled(context).await?;
    let mut done = done?;
    // A kill switch has waited before, and then no longer awaits those whose leases have ended.
    for replica in late {
        if !done.unconfirmed.contains(&replica) {
            done.unconfirmed.push(replica);
        }
    }
    if done.unconfirmed.is_empty() {
        return Ok(done);
    }
    let names: Vec<String> = done.unconfirmed.iter().map(ToString::to_string).collect();
    Ok(Done { response: done.response.with(EXPIRED, names.join(", ")), ..done })
}
