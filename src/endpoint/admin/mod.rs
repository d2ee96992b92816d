//! The admin API under `/admin/api/`: clients, scopes, OpenID Providers, signing keys, admin tokens and invitations, for
//! operators.
//!
//! It exists only if an admin token is configured. It is not meant for browsers: it has no CORS and uses no
//! cookies.

mod access;
mod accounts;
pub(super) mod body;
pub(crate) mod caller;
pub(super) mod clients;
mod devices;
mod doctor;
mod done;
mod dry_run;
mod events;
mod grants;
mod invitation_request;
mod invitations;
mod outboxes;
pub(super) mod problem;
mod providers;
pub(super) mod registry;
mod route;
mod scope_claims;
mod scopes;
mod signing_keys;
mod tokens;
mod walk;

use rand_core::CryptoRng;

use super::admin::route::{Found, Place};
use super::boxed::boxed;
use super::http::Response;
use super::platform::Platform;
use super::server::Context;
use crate::endpoint::route::ADMIN_PREFIX;
use caller::{Caller, authenticate};
use done::Done;
use problem::Problem;

/// The `what` of log lines.
const WHAT: &str = "admin";

/// Answers and logs a request below [`ADMIN_PREFIX`].
pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    match attend(context, rng).await {
        Ok(Done { response, client, outcome }) => response.noting(WHAT, client.as_deref(), outcome, outcome),
        Err(problem) => problem.response(context.issuer).noting(WHAT, None, problem.name(), problem.name()),
    }
}

async fn attend<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Result<Done, Problem> {
    let caller = authenticate(context).await?;
    let path = context.request.path.strip_prefix(context.issuer.path());
    let path = path.and_then(|path| path.strip_prefix(ADMIN_PREFIX)).unwrap_or_default();
    let found = route::find(path).ok_or(Problem::NotFound)?;
    if !found.methods.contains(&context.request.method.as_str()) {
        return Err(Problem::MethodNotAllowed(found.methods));
    }
    caller.require(&found.needs(&context.request.method))?;
    dispatch(context, found, caller, rng).await
}

async fn dispatch<P: Platform>(
    context: Context<'_, P>,
    found: Found,
    caller: Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let by = caller.by.clone();
    let name = found.names.first().map(String::as_str).unwrap_or_default();
    let posts = context.request.method == "POST";
    let done = match found.place {
        Place::Clients if posts => boxed(clients::create(context, by, rng)),
        Place::Clients => boxed(clients::list(context)),
        Place::Client => match context.request.method.as_str() {
            "PUT" => boxed(clients::replace(context, name, by, rng)),
            "PATCH" => boxed(clients::change(context, name, by, rng)),
            "DELETE" => boxed(clients::delete(context, name, by)),
            _ => boxed(clients::read(context, name)),
        },
        Place::Secret => boxed(clients::rotate(context, name, by, rng)),
        Place::Scopes => boxed(scopes::list(context)),
        Place::Scope => match context.request.method.as_str() {
            "PUT" => boxed(scopes::describe(context, name, by)),
            "DELETE" => boxed(scopes::forget(context, name, by)),
            _ => boxed(scopes::read(context, name)),
        },
        Place::OpenApi => return Ok(Done::read(openapi())),
        Place::Doctor => boxed(doctor::run(context)),
        Place::DryRun => boxed(dry_run::run(context)),
        Place::ScopeClaims => match context.request.method.as_str() {
            "PUT" => boxed(scope_claims::write(context, name, by)),
            _ => boxed(scope_claims::read(context, name)),
        },
        Place::Keys if posts => boxed(signing_keys::bring(context, by)),
        Place::Keys => boxed(signing_keys::list(context)),
        Place::Providers if posts => boxed(providers::create(context, &caller, rng)),
        Place::Providers => boxed(providers::list(context)),
        Place::Provider => match context.request.method.as_str() {
            "PUT" => boxed(providers::replace(context, name, &caller, rng)),
            "PATCH" => boxed(providers::patch(context, name, &caller, rng)),
            "DELETE" => boxed(providers::delete(context, name, by)),
            _ => boxed(providers::read(context, name)),
        },
        Place::Accounts if posts => boxed(accounts::create(context, &caller, rng)),
        Place::Accounts => boxed(accounts::list(context)),
        Place::Account => match context.request.method.as_str() {
            "DELETE" => boxed(accounts::delete(context, name, by)),
            _ => boxed(accounts::read(context, name)),
        },
        Place::AccountGroups => boxed(accounts::set_groups(context, name, &caller)),
        Place::AccountBlock => boxed(accounts::block(context, name, by)),
        Place::AccountUnblock => boxed(accounts::unblock(context, name, by)),
        Place::AccountDevices => boxed(devices::list(context, name)),
        Place::AccountDevicesEnd => boxed(devices::end(context, name, by)),
        Place::AccountSessions => boxed(devices::sessions(context, name)),
        Place::AccountSessionsEnd => boxed(devices::end_sessions(context, name, by)),
        Place::Devices => boxed(access::devices(context)),
        Place::DevicesEnd => boxed(access::end_devices(context, by)),
        Place::Sessions => boxed(access::sessions(context)),
        Place::SessionsEnd => boxed(access::end_sessions(context, by)),
        Place::Grants => boxed(grants::list(context)),
        Place::Grant => boxed(grants::end(context, name, by)),
        Place::Events => boxed(events::list(context)),
        Place::Outboxes => boxed(outboxes::list(context)),
        Place::KeyRotation => boxed(signing_keys::rotate(context, by)),
        Place::KeyRetirement => boxed(signing_keys::retire(context, name, by)),
        Place::Tokens if posts => boxed(tokens::create(context, &caller, rng)),
        Place::Tokens => boxed(tokens::list(context, &caller)),
        Place::Token => match context.request.method.as_str() {
            "DELETE" => boxed(tokens::revoke(context, name, by)),
            _ => boxed(tokens::read(context, name, &caller)),
        },
        Place::Invitations if posts => boxed(invitations::create(context, &caller, rng)),
        Place::Invitations => boxed(invitations::list(context)),
        Place::Invitation => match context.request.method.as_str() {
            "DELETE" => boxed(invitations::revoke(context, name, by)),
            _ => boxed(invitations::read(context, name)),
        },
    };
    done.await
}

/// Returns the OpenAPI 3.1 document.
fn openapi() -> Response {
    Response::new(200, "application/json", include_str!("openapi.json").to_owned())
        .with("cache-control", "no-store".to_owned())
}
