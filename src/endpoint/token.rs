//! `POST /token` (RFC 6749 §3.2, RFC 8628 §3.4): client authentication, and which grant it is.

use rand_core::CryptoRng;

use super::client_auth::read_credentials;
use super::device_authorization::read_form;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::mint::Tokens;
use super::{Context, Platform, redemption, refresh};
use crate::client::{Client, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};

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
    let form = read_form(context)?;
    let grant_type = form.require("grant_type")?;
    asked.what = match grant_type {
        DEVICE_CODE_GRANT => "poll",
        REFRESH_TOKEN_GRANT => "refresh",
        _ => return Err(Error::UnknownGrantType),
    };
    let client = authenticate(context, &form, true).await?;
    asked.client = Some(client.client_id.clone());
    if !client.may_use(grant_type) {
        return Err(Error::GrantNotAllowed);
    }
    if grant_type == DEVICE_CODE_GRANT {
        redemption::poll(context, &client, form.require("device_code")?, rng).await
    } else {
        refresh::refresh(context, &client, &form, rng).await
    }
}

/// The client of a request, once it has proved who it is (RFC 6749 §3.2.1, RFC 8628 §3.1).
///
/// Before refusing, the source is asked: a client or a secret may be newer than the snapshot.
pub(super) async fn authenticate<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    required: bool,
) -> Result<Client, Error> {
    let credentials = read_credentials(context.request.authorization.as_deref(), form)?;
    let server = context.server;
    let unavailable = |_| Error::Unavailable;
    let snapshot = server.snapshot(context.now).await.map_err(unavailable)?;
    let cached = snapshot.client(&credentials.client_id);
    if let Some(client) = cached.filter(|client| credentials.prove(Some(client), required)) {
        return Ok(client.clone());
    }
    let client = server.client_at_source(&credentials.client_id).await.map_err(unavailable)?;
    let proven = credentials.prove(client.as_ref(), required);
    match client {
        Some(client) if proven => Ok(client),
        Some(_) => Err(Error::WrongSecret),
        None => Err(Error::UnknownClient),
    }
}
