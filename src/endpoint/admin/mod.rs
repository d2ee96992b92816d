//! The admin API: clients, scopes and what else an operator sees to, under `/admin/api/`.
//!
//! It is there only if an admin token is configured. No browser is meant to call it: there is no CORS and no cookie.

mod body;
mod clients;
mod dry_run;
mod problem;
mod registry;
mod route;
mod scope_claims;
mod scopes;
mod signing_keys;

use rand_core::CryptoRng;

use super::http::Response;
use super::static_token::{self, Shown};
use super::{Context, Platform};
use crate::limiter::budgets::admin_tokens_by_network;
pub(super) use body::object;
pub(super) use clients::New;
pub(super) use problem::Problem;
pub(super) use registry::ask;
use route::{Found, Place};

/// Where the admin API is, below the issuer.
pub(super) const PREFIX: &str = "/admin/api";
/// For the log.
const WHAT: &str = "admin";

/// What was done, and to which registered client, if to one.
struct Done {
    response: Response,
    client: Option<String>,
    /// For the log: `client_created` and the like.
    outcome: &'static str,
}

impl Done {
    /// Something was looked at.
    fn read(response: Response) -> Self {
        Self { response, client: None, outcome: "read" }
    }
}

/// Answers every request below [`PREFIX`]; one line in the log for each.
pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    match attend(context, rng).await {
        Ok(Done { response, client, outcome }) => response.noting(WHAT, client.as_deref(), outcome, outcome),
        Err(problem) => problem.response(context.issuer).noting(WHAT, None, problem.name(), problem.name()),
    }
}

async fn attend<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Result<Done, Problem> {
    authenticate(context).await?;
    let path = context.request.path.strip_prefix(context.issuer.path());
    let path = path.and_then(|path| path.strip_prefix(PREFIX)).unwrap_or_default();
    let found = route::find(path).ok_or(Problem::NotFound)?;
    if !found.methods.contains(&context.request.method.as_str()) {
        return Err(Problem::MethodNotAllowed(found.methods));
    }
    dispatch(context, found, rng).await
}

async fn dispatch<P: Platform>(
    context: Context<'_, P>,
    found: Found,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let name = found.names.first().map(String::as_str).unwrap_or_default();
    let posts = context.request.method == "POST";
    match found.place {
        Place::Clients => {
            if posts {
                clients::create(context, rng).await
            } else {
                clients::list(context).await
            }
        }
        Place::Client => match context.request.method.as_str() {
            "PUT" => clients::replace(context, name, rng).await,
            "PATCH" => clients::change(context, name, rng).await,
            "DELETE" => clients::delete(context, name).await,
            _ => clients::read(context, name).await,
        },
        Place::Secret => clients::rotate(context, name, rng).await,
        Place::Scopes => scopes::list(context).await,
        Place::Scope => match context.request.method.as_str() {
            "PUT" => scopes::describe(context, name).await,
            "DELETE" => scopes::forget(context, name).await,
            _ => scopes::read(context, name).await,
        },
        Place::OpenApi => Ok(Done::read(openapi())),
        Place::DryRun => dry_run::run(context).await,
        Place::ScopeClaims => match context.request.method.as_str() {
            "PUT" => scope_claims::write(context, name).await,
            _ => scope_claims::read(context, name).await,
        },
        Place::Keys => {
            if posts {
                signing_keys::bring(context).await
            } else {
                signing_keys::list(context).await
            }
        }
        Place::KeyRotation => signing_keys::rotate(context).await,
        Place::KeyRetirement => signing_keys::retire(context, name).await,
    }
}

async fn authenticate<P: Platform>(context: Context<'_, P>) -> Result<(), Problem> {
    let expected = context.server.settings.admin_token.as_ref().ok_or(Problem::Unauthorized)?;
    match static_token::look(context, expected, admin_tokens_by_network(&context.network())).await? {
        Shown::Right => Ok(()),
        Shown::Wrong => Err(Problem::Unauthorized),
        Shown::Wait(seconds) => Err(Problem::TooMany(seconds)),
    }
}

/// The OpenAPI 3.1 document.
fn openapi() -> Response {
    Response::new(200, "application/json", include_str!("openapi.json").to_owned())
        .with("cache-control", "no-store".to_owned())
}
