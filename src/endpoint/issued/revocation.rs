//! `POST /revoke` (RFC 7009): a client gives its tokens back.

use super::live_tokens;
use crate::client::authentication::Requirement;
use crate::endpoint::client_auth::Caller;
use crate::endpoint::client_auth::envelope::{Answered, AssertionUse, Envelope};
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::presented;
use crate::endpoint::server::Context;
use crate::family::command::RevokeFamily;
use crate::family::id::{FamilyId, SessionId};
use crate::secret::Digest;
use crate::sharding::Shard;

/// Answers `POST /revoke`. Revoking an access token or a refresh token ends its family, and with it every
/// token of the grant.
pub(crate) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    let envelope =
        Envelope { what: "revocation", required: Requirement::Always, assertion: AssertionUse::First };
    let revoke = async |caller: &Caller, form: &Form| {
        revoke(context, &caller.client.client_id, form.require("token")?).await?;
        Ok(Answered { body: serde_json::json!({}), outcome: Some("done") })
    };
    envelope.answer(context, revoke).await
}

/// Revokes a token. An unknown token counts as revoked (RFC 7009 §2.2). `token_type_hint` is not needed,
/// because the formats differ.
async fn revoke<P: Platform>(context: Context<'_, P>, client_id: &str, token: &str) -> Result<(), Error> {
    if let Some(refresh) = presented::read_if_any(context, token, client_id).await? {
        let proof = if refresh.genuine { None } else { Some(refresh.secret) };
        return end_family(context, refresh.shard, refresh.family, client_id, proof).await;
    }
    let Some(access) = live_tokens::verify(context, token).await? else { return Ok(()) };
    if access.claims.client_id != client_id {
        return Err(Error::ForeignToken);
    }
    match SessionId::parse(&access.claims.sid) {
        Some(SessionId { shard, family }) => end_family(context, shard, family, client_id, None).await,
        None => Ok(()),
    }
}

/// Ends the family. `proof` is the digest of a refresh token whose tag can no longer be verified; the family
/// ends only if that is its current token.
async fn end_family<P: Platform>(
    context: Context<'_, P>,
    shard: Shard,
    id: FamilyId,
    client_id: &str,
    proof: Option<Digest>,
) -> Result<(), Error> {
    let revoke = RevokeFamily { id, client_id: client_id.to_owned(), proof };
    Ok(context.server.platform.grants(shard, revoke).await?)
}
