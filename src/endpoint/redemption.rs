//! The device's poll, and the redemption that it may turn into (RFC 8628 §3.4, §3.5).
//!
//! Two hops: the first looks and spends nothing; then everything that can fail is done; the second
//! spends the approval, and its one winner answers.

use core::time::Duration;

use rand_core::CryptoRng;

use super::device_authorization::release;
use super::error::Error;
use super::mint::{Subject, Tokens, mint};
use super::{Context, Platform, Unavailable};
use crate::client::Client;
use crate::grant::device_code::DeviceCode;
use crate::grant::shard::{Command, Reply};
use crate::grant::{Denial, Poll, Ready, Redemption};
use crate::policy::{self, Decision, Facts, Point};
use crate::secret;
use crate::token::family::{Current, FORMAT, Family};
use crate::token::refresh_token::{RefreshToken, new_family};

pub(super) async fn poll<P: Platform>(
    context: Context<'_, P>,
    client: &Client,
    device_code: &str,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let settings = &context.server.settings;
    let code = DeviceCode::parse(device_code, &client.client_id, &settings.keyring);
    let code = code.ok_or(Error::ForgedDeviceCode)?;
    if context.now >= code.expires_at + Duration::from_secs(settings.grace) {
        return Err(Error::Expired);
    }
    let command = Command::Poll { key: code.address.key, secret: code.secret };
    let reply = context.server.platform.grants(code.address.shard, &command).await;
    match reply {
        Ok(Reply::Polled(poll)) => match poll {
            Poll::Pending(interval) => Err(Error::Pending(interval)),
            Poll::TooSoon(interval) => Err(Error::TooSoon(interval)),
            Poll::Denied(Denial::Denied) => Err(Error::Denied),
            Poll::Denied(Denial::Reported) => Err(Error::Reported),
            Poll::Denied(Denial::Contested) => Err(Error::Contested),
            Poll::Expired => Err(Error::Expired),
            Poll::Ready(ready) => redeem(context, &code, *ready, rng).await,
            Poll::Spent => Err(Error::SpentDeviceCode),
            Poll::Replayed(_) => Err(Error::ReplayedDeviceCode),
            Poll::Unknown => Err(Error::UnknownDeviceCode),
        },
        Ok(_) | Err(Unavailable) => Err(Error::Unavailable),
    }
}

async fn redeem<P: Platform>(
    context: Context<'_, P>,
    code: &DeviceCode,
    ready: Ready,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let Context { server, now, .. } = context;
    let unavailable = |_| Error::Unavailable;
    let client = server.client_at_source(&ready.request.client_id).await.map_err(unavailable)?;
    let account = server.account(&ready.approval.account).await.map_err(unavailable)?;
    let (Some(client), Some(account)) = (client, account) else { return Err(Error::RedemptionRefused) };
    let facts = Facts { client: Some(&client), account: Some(&account), scope: &ready.approval.scope };
    let Decision::Allow(scope) = policy::decide(Point::Redemption, facts) else {
        return Err(Error::RedemptionRefused);
    };

    let family_id = new_family(rng);
    let shard = code.address.shard;
    let subject = Subject {
        client: &client,
        account: &account,
        scope: &scope,
        auth_time: ready.approval.auth_time,
        amr: &ready.approval.amr,
        nonce: ready.request.nonce.as_deref(),
        sid: secret::encode(&[&shard.to_bytes()[..], &family_id].concat()),
    };
    let mut tokens = mint(context, &subject, rng).await?;
    let attempt = secret::random_id(rng);
    let refresh = subject.may_refresh().then(|| {
        let (text, digest) =
            RefreshToken::issue(shard, family_id, &client.client_id, &server.settings.keyring, rng);
        tokens.refresh_token = Some(text);
        Current { digest, attempt: attempt.clone() }
    });
    let lifetime =
        if refresh.is_some() { server.settings.refresh_token } else { server.settings.access_token };
    let family = Family {
        format: FORMAT,
        client_id: client.client_id.clone(),
        account: account.key.clone(),
        scope: scope.clone(),
        auth_time: subject.auth_time,
        amr: subject.amr.to_vec(),
        ends_at: now + Duration::from_secs(lifetime),
        refresh,
        ended: None,
    };
    spend(context, code, attempt, secret::encode(&family_id), family).await?;
    release(context, &ready.request.gauge, code.address).await;
    Ok(tokens)
}

/// The second hop. Nothing that can fail may come after it.
async fn spend<P: Platform>(
    context: Context<'_, P>,
    code: &DeviceCode,
    attempt: String,
    id: String,
    family: Family,
) -> Result<(), Error> {
    let (key, secret) = (code.address.key, code.secret);
    let command = Command::Redeem { key, secret, attempt, id, family: Box::new(family) };
    match context.server.platform.grants(code.address.shard, &command).await {
        Ok(Reply::Redeemed(Redemption::Won | Redemption::Again)) => Ok(()),
        Ok(Reply::Redeemed(Redemption::Lost)) => Err(Error::SpentDeviceCode),
        Ok(_) | Err(Unavailable) => Err(Error::Unavailable),
    }
}
