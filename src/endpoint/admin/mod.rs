//! The admin API under `/admin/api/`: clients, scopes, OpenID Providers, signing keys, admin tokens and invitations, for
//! operators.
//!
//! It exists only if an admin token is configured. It is not meant for browsers: it has no CORS and uses no
//! cookies.

mod accounts;
pub(super) mod body;
pub(crate) mod caller;
pub(super) mod clients;
mod devices;
mod doctor;
mod done;
mod dry_run;
mod events;
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

use rand_core::CryptoRng;

use super::admin::route::{Found, Place};
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
    match found.place {
        Place::Clients => {
            if posts {
                clients::create(context, by, rng).await
            } else {
                clients::list(context).await
            }
        }
        Place::Client => match context.request.method.as_str() {
            "PUT" => clients::replace(context, name, by, rng).await,
            "PATCH" => clients::change(context, name, by, rng).await,
            "DELETE" => clients::delete(context, name, by).await,
            _ => clients::read(context, name).await,
        },
        Place::Secret => clients::rotate(context, name, by, rng).await,
        Place::Scopes => scopes::list(context).await,
        Place::Scope => match context.request.method.as_str() {
            "PUT" => scopes::describe(context, name, by).await,
            "DELETE" => scopes::forget(context, name, by).await,
            _ => scopes::read(context, name).await,
        },
        Place::OpenApi => Ok(Done::read(openapi())),
        Place::Doctor => doctor::run(context).await,
        Place::DryRun => dry_run::run(context).await,
        Place::ScopeClaims => match context.request.method.as_str() {
            "PUT" => scope_claims::write(context, name, by).await,
            _ => scope_claims::read(context, name).await,
        },
        Place::Keys => {
            if posts {
                signing_keys::bring(context, by).await
            } else {
                signing_keys::list(context).await
            }
        }
        Place::Providers => {
            if posts {
                providers::create(context, &caller, rng).await
            } else {
                providers::list(context).await
            }
        }
        Place::Provider => match context.request.method.as_str() {
            "PUT" => providers::replace(context, name, &caller, rng).await,
            "PATCH" => providers::patch(context, name, &caller, rng).await,
            "DELETE" => providers::delete(context, name, by).await,
            _ => providers::read(context, name).await,
        },
        Place::Accounts => {
            if posts {
                accounts::create(context, &caller, rng).await
            } else {
                accounts::list(context).await
            }
        }
        Place::Account => match context.request.method.as_str() {
            "DELETE" => accounts::delete(context, name, by).await,
            _ => accounts::read(context, name).await,
        },
        Place::AccountGroups => accounts::set_groups(context, name, &caller).await,
        Place::AccountBlock => accounts::block(context, name, by).await,
        Place::AccountUnblock => accounts::unblock(context, name, by).await,
        Place::AccountDevices => devices::list(context, name).await,
        Place::AccountDevicesEnd => devices::end(context, name, by).await,
        Place::AccountSessions => devices::sessions(context, name).await,
        Place::AccountSessionsEnd => devices::end_sessions(context, name).await,
        Place::Events => events::list(context).await,
        Place::Outboxes => outboxes::list(context).await,
        Place::KeyRotation => signing_keys::rotate(context, by).await,
        Place::KeyRetirement => signing_keys::retire(context, name, by).await,
        Place::Tokens => {
            if posts {
                tokens::create(context, &caller, rng).await
            } else {
                tokens::list(context, &caller).await
            }
        }
        Place::Token => match context.request.method.as_str() {
            "DELETE" => tokens::revoke(context, name, by).await,
            _ => tokens::read(context, name, &caller).await,
        },
        Place::Invitations => {
            if posts {
                invitations::create(context, &caller, rng).await
            } else {
                invitations::list(context).await
            }
        }
        Place::Invitation => match context.request.method.as_str() {
            "DELETE" => invitations::revoke(context, name, by).await,
            _ => invitations::read(context, name).await,
        },
    }
}

/// Returns the OpenAPI 3.1 document.
fn openapi() -> Response {
    Response::new(200, "application/json", include_str!("openapi.json").to_owned())
        .with("cache-control", "no-store".to_owned())
}
