//! `POST /revoke` (RFC 7009): a client gives its tokens back.

use super::live_tokens;
use crate::endpoint::client_auth::Caller;
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::{Context, Platform};
use crate::family::refresh_token::RefreshToken;
use crate::grant::command::{Command, Reply};
use crate::grant::routing::Shard;
use crate::secret::Digest;
use crate::token::access::family_of;

/// `POST /revoke` (RFC 7009). Either token ends the family, and with it every token of the same grant.
pub(crate) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    let mut known = None;
    let reply = end(context, &mut known).await;
    let challenge = context.request.authorization.is_some();
    let client = known.as_deref();
    match reply {
        Ok(()) => Response::json(200, &serde_json::json!({})).noting("revocation", client, "done", "done"),
        Err(error) => error.response(challenge).noting("revocation", client, error.code(), error.reason()),
    }
}

/// An unknown token is revoked already (RFC 7009 §2.2); a hint is not needed to tell the kinds apart.
async fn end<P: Platform>(context: Context<'_, P>, known: &mut Option<String>) -> Result<(), Error> {
    let form = Form::of(context.request)?;
    let client_id = Caller::authenticate(context, &form, true, known).await?.client.client_id;
    let token = form.require("token")?;
    if let Some(refresh) = RefreshToken::parse(token, &client_id, &context.server.settings.keyring) {
        let proof = if refresh.genuine { None } else { Some(refresh.secret) };
        return end_family(context, refresh.shard, refresh.family, client_id, proof).await;
    }
    let Some(access) = live_tokens::verify(context, token).await? else { return Ok(()) };
    if access.claims.client_id != client_id {
        return Err(Error::ForeignToken);
    }
    match family_of(&access.claims.sid) {
        Some((shard, id)) => end_family(context, shard, id, client_id, None).await,
        None => Ok(()),
    }
}

/// `proof` is the digest of a refresh token whose tag proves nothing any more: it must be the current one.
async fn end_family<P: Platform>(
    context: Context<'_, P>,
    shard: Shard,
    id: String,
    client_id: String,
    proof: Option<Digest>,
) -> Result<(), Error> {
    let command = Command::Revoke { id, client_id, proof };
    let reply = context.server.platform.grants(shard, &command).await?;
    if reply == Reply::Revoked { Ok(()) } else { Err(Error::Unavailable) }
}
