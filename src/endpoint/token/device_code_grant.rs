//! Polls (RFC 8628 §3.4, §3.5). A poll that finds an approval redeems it: see [`redemption`](super::redemption).

use core::time::Duration;

use rand_core::CryptoRng;

use super::mint::Tokens;
use super::redemption::Approved;
use super::state::{approved, may_reissue};
use super::{pkce, resource, verification};
use crate::endpoint::boxed::boxed;
use crate::endpoint::client_auth::Caller;
use crate::endpoint::dpop::Proven;
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::grant::command::{NoteRefusal, PollCode, Refused};
use crate::grant::device_code::DeviceCode;
use crate::grant::pkce::{Verifier, is_answered};
use crate::grant::poll::Ready;
use crate::grant::verification::Digits;

/// What a device presents with its code.
struct Presented<'a> {
    code: DeviceCode,
    verifier: Option<Verifier>,
    resources: Vec<&'a str>,
    digits: Option<Digits>,
}

/// Answers a poll with tokens if the grant is approved, or else with the error of its state.
pub(crate) async fn poll<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    proven: &Proven,
    form: &Form,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let verifier = pkce::verifier(form)?;
    let (resources, digits) = (resource::asked(form)?, verification::typed(form)?);
    let code = unexpired(context, caller, form.require("device_code")?)?;
    let ask = PollCode {
        key: code.address.key,
        secret: code.secret,
        reissue: may_reissue(context, caller, None),
        reissue_bound: context.server.settings.reissue_lost_answers,
        proven: proven.cnf.clone(),
        by_header: context.request.authorization.is_some(),
        digits: digits.clone(),
    };
    let ready = approved(context.server.platform.grants(code.address.shard, ask).await?)?;
    let presented = Presented { code, verifier, resources, digits };
    boxed(redeem(context, (caller, proven), presented, ready, rng)).await
}

/// Redeems an approved grant. Boxed apart from the poll: V8 compiles a function as a whole when it is first called, and the
/// first poll finds a grant that is pending.
async fn redeem<P: Platform>(
    context: Context<'_, P>,
    (caller, proven): (&Caller, &Proven),
    Presented { code, verifier, resources, digits }: Presented<'_>,
    ready: Ready,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    if !is_answered(ready.request.code_challenge.as_deref(), verifier) {
        return Err(Error::WrongVerifier);
    }
    // An assertion is used up only now: a pending poll hands out nothing, so it need not pay for that hop.
    caller.use_up(context).await?;
    let checked = Approved::check(context, caller, (proven, &code, digits), ready, &resources).await;
    let approved = noted(context, &code, checked).await?;
    if !approved.is_allowed_here() {
        return Err(approved.refuse().await?);
    }
    // Everything that can be wrong besides is checked by now, so that no other mistake costs a try.
    approved.burn_before_digits().await?;
    if let Some(digits) = approved.wrong_digits() {
        return Err(approved.miss(digits).await?);
    }
    noted(context, &code, approved.redeem(rng).await).await
}

/// Writes the event of tokens that were refused although the code was good. The log has its line in any case.
async fn noted<P: Platform, T>(
    context: Context<'_, P>,
    code: &DeviceCode,
    result: Result<T, Error>,
) -> Result<T, Error> {
    if let Err(error) = &result
        && let Some((why, policy)) = error.refusal()
    {
        let refusal = NoteRefusal { of: Refused::Redemption(code.address.key), why, policy, person: None };
        let _: Result<(), Unavailable> = context.server.platform.grants(code.address.shard, refusal).await;
    }
    result
}

/// Parses the device code. Refuses a forged or expired code by its MAC and expiry alone, without asking an
/// object.
fn unexpired<P>(context: Context<'_, P>, caller: &Caller, device_code: &str) -> Result<DeviceCode, Error> {
    let settings = &context.server.settings;
    let code = DeviceCode::parse(device_code, &caller.client.client_id, &settings.keyring);
    let code = code.ok_or(Error::ForgedDeviceCode)?;
    let is_over = context.now >= code.expires_at + Duration::from_secs(settings.grace);
    if is_over { Err(Error::Expired) } else { Ok(code) }
}
