//! Refresh tokens as they are presented, at every endpoint that takes them.

use super::error::{Error, Limit};
use super::platform::Platform;
use super::server::Context;
use crate::family::refresh_token::{RefreshToken, TokenFlaw};

/// Reads a refresh token. Anybody can make up a token of a retired pair, so for such a token the platform's rate
/// limit comes before any object is called.
///
/// # Errors
///
/// [`Error::ForgedRefreshToken`], [`Error::UnknownKeyPair`] and [`Error::TooMany`].
pub(super) async fn read<P: Platform>(
    context: Context<'_, P>,
    text: &str,
    client_id: &str,
) -> Result<RefreshToken, Error> {
    let token = match RefreshToken::parse(text, client_id, &context.server.settings.keyring) {
        Ok(token) => token,
        Err(TokenFlaw::Forged) => return Err(Error::ForgedRefreshToken),
        Err(TokenFlaw::UnknownPair(pair)) => return Err(Error::UnknownKeyPair(pair)),
    };
    if !token.genuine && !context.server.platform.within_limit(&context.rate_key("retired")).await {
        return Err(Error::TooMany(Limit::RetiredTokens, 60));
    }
    Ok(token)
}

/// Reads a token that may be a refresh token; `None` if it is not one that this server can find.
///
/// # Errors
///
/// [`Error::TooMany`].
pub(super) async fn read_if_any<P: Platform>(
    context: Context<'_, P>,
    text: &str,
    client_id: &str,
) -> Result<Option<RefreshToken>, Error> {
    match read(context, text, client_id).await {
        Ok(token) => Ok(Some(token)),
        Err(Error::ForgedRefreshToken | Error::UnknownKeyPair(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
