//! The token in a request, which says which provider speaks.

use super::answer::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::endpoint::static_token::{self, Shown};
use crate::limiter::budgets::admin_tokens_by_network;
use crate::registry::command::ListProviders;
use crate::secret::Digest;
use crate::upstream::provider::ProviderId;

/// Finds the provider whose token the request has. A token that this isolate has not seen lately costs an attempt, which is
/// given back if the token is right.
pub(super) async fn authenticate<P: Platform>(context: Context<'_, P>) -> Result<ProviderId, Problem> {
    let token = static_token::bearer(context.request).ok_or(Problem::Unauthorized)?;
    let digest = Digest::of(token.as_bytes());
    let server = context.server;
    let find = async || {
        let providers = server.platform.registry(ListProviders {}).await?;
        let own = providers.into_iter().find(|provider| provider.scim_token.as_ref() == Some(&digest));
        Ok::<_, Unavailable>(own.map(|provider| provider.id))
    };
    if server.cache.known_tokens.has(&digest) {
        return find().await?.ok_or(Problem::Unauthorized);
    }
    match static_token::guarded(context, admin_tokens_by_network(&context.network()), find).await? {
        Shown::Right(provider) => {
            server.cache.known_tokens.note(&digest);
            Ok(provider)
        }
        Shown::Wrong => Err(Problem::Unauthorized),
        Shown::Wait(seconds) => Err(Problem::Wait(seconds)),
    }
}
