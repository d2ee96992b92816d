//! `POST /token` (RFC 6749 §3.2): which grant it is.

use rand_core::CryptoRng;

use super::client_auth::Caller;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::mint::Tokens;
use super::{Context, Platform, dpop, redemption, refresh};
use crate::client::{DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let challenge = context.request.authorization.is_some();
    let mut asked = Asked { what: "token", client: None };
    let reply = exchange(context, &mut asked, rng).await;
    let client = asked.client.as_deref();
    match reply {
        Ok(tokens) => Response::json(200, &tokens).noting(asked.what, client, "issued", "issued"),
        Err(error) => error.response(challenge).noting(asked.what, client, error.code(), error.reason()),
    }
}

/// What is known of the request so far, for the log.
struct Asked {
    what: &'static str,
    client: Option<String>,
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
    let caller = Caller::authenticate(context, &form, true, &mut asked.client).await?;
    if !caller.client.may_use(grant_type) {
        return Err(Error::GrantNotAllowed);
    }
    let proven = dpop::prove(context).await?;
    // Told at the first poll, not after the person's approval.
    proven.confirmation(context, &caller.client)?;
    if grant_type == DEVICE_CODE_GRANT {
        redemption::poll(context, &caller, &proven, &form, rng).await
    } else {
        refresh::refresh(context, &caller, &proven, &form, rng).await
    }
}
