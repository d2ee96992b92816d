//! `POST /token` (RFC 6749 §3.2): which grant it is.

mod device_code_grant;
pub(super) mod mint;
pub(super) mod pkce;
mod refresh_grant;
pub(super) mod resource;

use rand_core::CryptoRng;

use super::client_auth::Caller;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::once::Once;
use super::token::mint::Tokens;
use super::{Context, Platform, dpop};
use crate::client::{DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let challenge = context.request.authorization.is_some();
    let mut asked = Asked { what: "token", client: None, unused: None };
    let reply = exchange(context, &mut asked, rng).await;
    let client = asked.client.as_deref();
    let is_answered = !matches!(reply, Err(Error::Unavailable));
    let response = match reply {
        Ok(tokens) => Response::json(200, &tokens).noting(asked.what, client, "issued", "issued"),
        Err(error) => error.response(challenge).noting(asked.what, client, error.code(), error.reason()),
    };
    let unused = asked.unused.filter(|once| is_answered && !once.was_used(context));
    Response { afterwards: unused.map(|once| once.take_afterwards(context)), ..response }
}

/// What is known of the request so far.
struct Asked {
    what: &'static str,
    client: Option<String>,
    /// An assertion that proved who the client is, and is not used up yet.
    unused: Option<Once>,
}

async fn exchange<P: Platform>(
    context: Context<'_, P>,
    asked: &mut Asked,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let form = Form::of(context.request)?;
    let grant_type = form.require("grant_type")?;
    asked.what = match grant_type {
        DEVICE_CODE_GRANT => "poll",
        REFRESH_TOKEN_GRANT => "refresh",
        _ => return Err(Error::UnknownGrantType),
    };
    let caller = Caller::identify(context, &form, true, &mut asked.client).await?;
    asked.unused = caller.once();
    if !caller.client.may_use(grant_type) {
        return Err(Error::GrantNotAllowed);
    }
    let proven = dpop::prove(context).await?;
    // Told at the first poll, not after the person's approval.
    proven.confirmation(context, &caller.client)?;
    if grant_type == DEVICE_CODE_GRANT {
        device_code_grant::poll(context, &caller, &proven, &form, rng).await
    } else {
        caller.use_up(context).await?;
        refresh_grant::refresh(context, &caller, &proven, &form, rng).await
    }
}
