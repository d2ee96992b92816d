//! Reads tokens that come back to this server, and checks whether they are still valid.

use std::rc::Rc;

use futures_util::future::try_join;

use crate::client::Client;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::kill;
use crate::endpoint::server::Context;
use crate::family::Family;
use crate::family::command::FindFamily;
use crate::family::id::{AttemptId, FamilyId, SessionId};
use crate::identity::account::Account;
use crate::identity::command::{CheckDevice, Checked};
use crate::identity::device::DeviceId;
use crate::sharding::Shard;
use crate::token::access::{AccessToken, Unverified};
use crate::token::opaque;

/// The family of a valid token, with its client, which is enabled, and its account, which may be used.
pub(crate) struct Live {
    pub family: Family,
    pub client: Rc<Client>,
    pub account: Account,
}

/// Verifies the seal or the signature, the issuer and the time (RFC 9068 §4). Does not check whether the
/// token was revoked. Returns `None` if the token is not valid.
pub(crate) async fn verify<P: Platform>(
    context: Context<'_, P>,
    token: &str,
) -> Result<Option<AccessToken>, Unavailable> {
    if let Some(opened) = opaque::open(token, &context.server.settings.keyring) {
        return Ok(Some(opened).filter(|token| token.is_good(context.issuer.as_str(), context.now)));
    }
    let Some(unverified) = Unverified::parse(token) else { return Ok(None) };
    let keys = context.server.verifying_keys(context.now).await?;
    let Some(key) = unverified.key(&keys) else { return Ok(None) };
    let holds = context.server.verifies(key, unverified.input(), unverified.signature()).await?;
    Ok(if holds { unverified.claims(context.issuer.as_str(), context.now) } else { None })
}

/// Returns the family of an access token, if the family has not ended and has not withdrawn the token.
///
/// The family notes that the token arrived, so the caller must have checked that the sender may have it.
pub(crate) async fn of_access<P: Platform>(
    context: Context<'_, P>,
    access: &AccessToken,
) -> Result<Option<Live>, Unavailable> {
    let Some(session) = SessionId::parse(&access.claims.sid) else { return Ok(None) };
    let attempt = AttemptId::of_jti(&access.claims.jti);
    let live = of_family(context, session.shard, session.family, Some(attempt.clone())).await?;
    Ok(live.filter(|live| !live.family.has_withdrawn(&attempt)))
}

/// Returns a family that has not ended, neither in its shard nor at its account, and that no kill switch refuses. `seen` is the `jti` of the access token of this family that has
/// just arrived; `None` if none has.
pub(crate) async fn of_family<P: Platform>(
    context: Context<'_, P>,
    shard: Shard,
    id: FamilyId,
    seen: Option<AttemptId>,
) -> Result<Option<Live>, Unavailable> {
    let found = context.server.platform.grants(shard, FindFamily { id, seen }).await?;
    let Some(family) = found.filter(|family| family.is_live(context.now)) else { return Ok(None) };
    let check = CheckDevice { id: DeviceId::from(SessionId { shard, family: id }.to_string()) };
    let device = context.server.platform.accounts(family.account.shard(), check);
    let client = context.server.client(&family.client_id, context.now);
    let (client, Checked { account, kill }) = try_join(client, device).await?;
    let Some(client) = client.filter(|client| client.enabled) else { return Ok(None) };
    let Some(account) = account else { return Ok(None) };
    if kill::is_refused(context, &family, kill).await? {
        return Ok(None);
    }
    Ok(Some(Live { family: *family, client, account }))
}
