//! The refresh grant (RFC 6749 §6), rotating at every use (RFC 9700 §2.2.2).

use rand_core::CryptoRng;

use super::error::Error;
use super::form::Form;
use super::mint::{Subject, Tokens, mint};
use super::{Context, Platform, Unavailable};
use crate::client::Client;
use crate::client::scope::Scope;
use crate::grant::shard::{Command, Reply};
use crate::policy::{self, Decision, Facts, Point};
use crate::secret;
use crate::token::family::{Current, Family, Presented, Rotation};
use crate::token::refresh_token::RefreshToken;

pub(super) async fn refresh<P: Platform>(
    context: Context<'_, P>,
    client: &Client,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let presented = form.require("refresh_token")?;
    let token = RefreshToken::parse(presented, &client.client_id, &context.server.settings.keyring);
    let token = token.ok_or(Error::ForgedRefreshToken)?;
    let (id, secret, genuine) = (token.family.clone(), token.secret, token.genuine);
    let command = Command::Refresh { id, secret, genuine };
    match context.server.platform.grants(token.shard, &command).await {
        Ok(Reply::Refreshed(presented)) => match presented {
            Presented::Current(family) if family.client_id == client.client_id => {
                rotate(context, &token, *family, form.get("scope"), rng).await
            }
            Presented::Reused => Err(Error::ReusedRefreshToken),
            Presented::Current(_) | Presented::Dead => Err(Error::DeadRefreshToken),
        },
        Ok(_) | Err(Unavailable) => Err(Error::Unavailable),
    }
}

async fn rotate<P: Platform>(
    context: Context<'_, P>,
    token: &RefreshToken,
    family: Family,
    asked: Option<&str>,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let server = context.server;
    let unavailable = |_| Error::Unavailable;
    let asked = asked_scope(asked, &family.scope)?;
    let client = server.client_at_source(&family.client_id).await.map_err(unavailable)?;
    let account = server.account(&family.account).await.map_err(unavailable)?;
    let (Some(client), Some(account)) = (client, account) else { return Err(Error::RefreshRefused) };
    let facts = Facts { client: Some(&client), account: Some(&account), scope: &asked };
    let Decision::Allow(scope) = policy::decide(Point::Refresh, facts) else {
        return Err(Error::RefreshRefused);
    };
    let family_bytes = token.family_bytes().ok_or(Error::DeadRefreshToken)?;
    let subject = Subject {
        client: &client,
        account: &account,
        scope: &scope,
        auth_time: family.auth_time,
        amr: &family.amr,
        nonce: None,
        sid: secret::encode(&[&token.shard.to_bytes()[..], &family_bytes].concat()),
    };
    let mut tokens = mint(context, &subject, rng).await?;
    let (text, digest) =
        RefreshToken::issue(token.shard, family_bytes, &client.client_id, &server.settings.keyring, rng);
    tokens.refresh_token = Some(text);
    let next = Current { digest, attempt: secret::random_id(rng) };
    spend(context, token, next).await.map(|()| tokens)
}

/// RFC 6749 §6: a refresh may ask for less, never for more.
fn asked_scope(asked: Option<&str>, granted: &Scope) -> Result<Scope, Error> {
    let Some(text) = asked else { return Ok(granted.clone()) };
    let asked = Scope::parse(text).ok_or(Error::MalformedScope)?;
    if asked.is_within(granted) { Ok(asked) } else { Err(Error::ScopeNotAllowed) }
}

/// The second hop. Nothing that can fail may come after it.
async fn spend<P: Platform>(
    context: Context<'_, P>,
    token: &RefreshToken,
    next: Current,
) -> Result<(), Error> {
    let command = Command::Rotate { id: token.family.clone(), secret: token.secret, next };
    match context.server.platform.grants(token.shard, &command).await {
        Ok(Reply::Rotated(Rotation::Rotated | Rotation::Again)) => Ok(()),
        Ok(Reply::Rotated(Rotation::Lost)) => Err(Error::LostRefresh),
        Ok(_) | Err(Unavailable) => Err(Error::Unavailable),
    }
}
