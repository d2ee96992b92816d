//! The leaver check: before a device gets new tokens, the provider is asked whether the person is still there.

use rand_core::CryptoRng;

use super::authentication::{NotSent, post};
use super::sign_in::reach;
use crate::audit::change::Actor;
use crate::derived_keys::Purpose;
use crate::endpoint::access::End;
use crate::endpoint::error::Error;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::family::Ending;
use crate::identity::account_key::AccountKey;
use crate::identity::command::{BeginRecheck, EndRecheck, KeepUpstreamToken};
use crate::identity::device::Selection;
use crate::identity::recheck::{Recheck, Reply};
use crate::registry::command::FindProvider;
use crate::secret;
use crate::time::span;
use crate::upstream::provider::{Provider, ProviderId};
use crate::upstream::token_response::{TokenFlaw, TokenResponse};

/// How often the provider's answer is stored, at most.
const TRIES: usize = 3;

/// Keeps the refresh token of a sign-in, if the provider's entry asks for the check. A sign-in without one shows all the
/// same that the person is there.
pub(crate) async fn keep<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    account: &AccountKey,
    token: Option<&str>,
    rng: &mut impl CryptoRng,
) -> Result<(), Unavailable> {
    if provider.recheck_seconds.is_none() {
        return Ok(());
    }
    let token = token.map(|token| seal(context, token, rng));
    let ends_at = context.now + span(context.server.settings.refresh_token);
    let keep = KeepUpstreamToken { account: account.clone(), token, ends_at };
    context.server.platform.accounts(account.shard(), keep).await
}

/// Checks that the person is still at the provider that they came from. If they have left, all devices of the account end.
pub(crate) async fn check<P: Platform>(
    context: Context<'_, P>,
    account: &AccountKey,
    rng: &mut impl CryptoRng,
) -> Result<(), Error> {
    match judge(context, account, rng).await? {
        Recheck::Good => Ok(()),
        Recheck::Left => {
            let by = account.provider().map(|provider| Actor::Provider(provider.to_owned()));
            let end = End { why: Ending::EndedByProvider, by };
            context.server.end_access(account, Selection::default(), &end).await?;
            Err(Error::RefreshRefused("left_provider"))
        }
        Recheck::Ask { .. } | Recheck::Unreached => Err(Error::Unavailable),
    }
}

/// Returns whether a device of the account may refresh: [`Recheck::Good`], [`Recheck::Left`] or
/// [`Recheck::Unreached`].
async fn judge<P: Platform>(
    context: Context<'_, P>,
    account: &AccountKey,
    rng: &mut impl CryptoRng,
) -> Result<Recheck, Unavailable> {
    let Some(id) = account.provider().and_then(ProviderId::parse) else { return Ok(Recheck::Good) };
    let provider = context.server.platform.registry(FindProvider { id }).await?;
    let Some(provider) = provider else { return Ok(Recheck::Good) };
    let Some(every) = provider.recheck_seconds.map(span) else { return Ok(Recheck::Good) };
    let accounts = &context.server.platform;
    let begin = BeginRecheck { account: account.clone(), every };
    match accounts.accounts(account.shard(), begin).await? {
        Recheck::Ask { token, serial } => {
            let reply = ask(context, &provider, &token, rng).await;
            let end = EndRecheck { account: account.clone(), every, serial, reply };
            store(context, &end).await
        }
        other @ (Recheck::Good | Recheck::Left | Recheck::Unreached) => Ok(other),
    }
}

/// Stores the provider's answer. Tries again if the object does not answer, because the next token would be lost.
async fn store<P: Platform>(context: Context<'_, P>, end: &EndRecheck) -> Result<Recheck, Unavailable> {
    let mut stored = Err(Unavailable);
    for _ in 0..TRIES {
        stored = context.server.platform.accounts(end.account.shard(), end.clone()).await;
        if stored.is_ok() {
            break;
        }
    }
    stored
}

/// Uses the refresh token at the provider.
async fn ask<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    sealed: &str,
    rng: &mut impl CryptoRng,
) -> Reply {
    // A token that was sealed with keys that are gone says nothing about the person.
    let Some(token) = open(context, sealed) else { return Reply::Silent };
    let Ok(discovery) = context.server.discovery(provider, reach(context, provider), context.now).await
    else {
        return Reply::Silent;
    };
    let parameters = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token)];
    let answer = match post(context, provider, &discovery.token_endpoint, parameters, rng).await {
        Ok(answer) => answer,
        Err(NotSent::Unreachable) => return Reply::Lost,
        Err(NotSent::NoSecret | NotSent::Unavailable) => return Reply::Silent,
    };
    match TokenResponse::parse(answer.status, &answer.body) {
        Ok(tokens) => Reply::There(tokens.refresh_token.map(|next| seal(context, &next, rng))),
        Err(TokenFlaw::InvalidGrant) => Reply::Gone,
        Err(TokenFlaw::InvalidClient | TokenFlaw::Refused) => Reply::Silent,
        // A gateway may answer in place of the provider, which has replaced the token by then.
        Err(TokenFlaw::Down | TokenFlaw::Malformed) => Reply::Lost,
    }
}

fn seal<P>(context: Context<'_, P>, token: &str, rng: &mut impl CryptoRng) -> String {
    secret::encode(&context.server.settings.keyring.seal(Purpose::UpstreamToken, token.as_bytes(), rng))
}

fn open<P>(context: Context<'_, P>, sealed: &str) -> Option<String> {
    let sealed = secret::decode(sealed)?;
    String::from_utf8(context.server.settings.keyring.open(Purpose::UpstreamToken, &sealed)?).ok()
}
