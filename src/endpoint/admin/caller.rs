//! Who calls the admin API, and what the caller may do.

use super::problem::Problem;
use crate::audit::change::Actor;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::endpoint::static_token::{self, Shown};
use crate::limiter::budgets::admin_tokens_by_network;
use crate::registry::admin_token::{AdminScope, AdminToken, Rights, is_token};
use crate::registry::admin_tokens::UseAdminToken;
use crate::registry::governance::exceptions::Person;
use crate::secret::Digest;

/// The holder of an admin token, or an administrator at the console.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) by: Actor,
    pub(crate) rights: Rights,
    /// The person who calls, at the console; `None` for the holder of a token, which is nobody's.
    pub(crate) person: Option<Person>,
}

impl Caller {
    fn operator(digest: &Digest) -> Self {
        Self { by: Actor::operator(digest), rights: Rights::Setting, person: None }
    }

    fn named(token: AdminToken) -> Self {
        let rights = token.rights();
        Self { by: Actor::Token { id: token.id, owner: token.owner }, rights, person: None }
    }

    /// Returns the `id` of the caller's token; `None` for the one in the settings.
    pub(super) fn token(&self) -> Option<&str> {
        match &self.by {
            Actor::Token { id, .. } => Some(id),
            Actor::Operator(_)
            | Actor::Account(_)
            | Actor::Provider(_)
            | Actor::Registration
            | Actor::Server => None,
        }
    }

    /// Checks that the caller has one of these scopes. Without scopes, every caller has access.
    pub(super) fn require(&self, scopes: &[AdminScope]) -> Result<(), Problem> {
        let has_one = scopes.is_empty() || scopes.iter().any(|scope| self.rights.has(*scope));
        if has_one { Ok(()) } else { Err(Problem::Forbidden(scopes.to_vec())) }
    }

    /// Checks that the caller may make somebody an administrator.
    pub(crate) fn require_to_grant_administration(&self) -> Result<(), Problem> {
        self.require(&[AdminScope::Tokens])
    }
}

/// Finds out whose token the request has.
pub(super) async fn authenticate<P: Platform>(context: Context<'_, P>) -> Result<Caller, Problem> {
    let expected = context.server.settings.admin_token.as_ref().ok_or(Problem::Unauthorized)?;
    let Some(token) = static_token::bearer(context.request) else { return Err(Problem::Unauthorized) };
    if is_token(token) {
        return named(context, &Digest::of(token.as_bytes())).await;
    }
    match static_token::look(context, expected, admin_tokens_by_network(&context.network())).await? {
        Shown::Right(token) => Ok(Caller::operator(&token)),
        Shown::Wrong => Err(Problem::Unauthorized),
        Shown::Wait(seconds) => Err(Problem::TooMany(seconds)),
    }
}

/// Finds a named token. One that this isolate has not seen lately costs an attempt, which is given back if the token is
/// right: otherwise strangers could send the registry as many made-up tokens as they like.
async fn named<P: Platform>(context: Context<'_, P>, digest: &Digest) -> Result<Caller, Problem> {
    let server = context.server;
    let find = async || server.platform.registry(UseAdminToken { digest: *digest }).await;
    if server.cache.known_tokens.has(digest) {
        if let Some(token) = find().await? {
            return Ok(Caller::named(token));
        }
        server.cache.known_tokens.forget(digest);
        return Err(Problem::Unauthorized);
    }
    let budget = admin_tokens_by_network(&context.network());
    match static_token::guarded(context, budget, find).await? {
        Shown::Right(token) => {
            server.cache.known_tokens.note(digest);
            Ok(Caller::named(token))
        }
        Shown::Wrong => Err(Problem::Unauthorized),
        Shown::Wait(seconds) => Err(Problem::TooMany(seconds)),
    }
}
