//! `GET /instant`: a WebSocket over which a device hears that it should ask for its tokens.
//!
//! An extension of ours, which `docs/instant.md` describes. The device code comes in a header, so that no log of addresses
//! has it, and its MAC is checked before any object is asked. Whoever has it may wait: the client need not authenticate,
//! because the message says nothing that the token endpoint would not say, and hands out nothing.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::dpop;
use super::error::{Error, Limit};
use super::form::Form;
use super::http::Response;
use super::platform::Platform;
use super::server::Context;
use super::socket::Socket;
use super::web_page;
use crate::grant::device_code::DeviceCode;
use crate::grant::instant::{Listen, Refusal};

/// Name of the request in the log.
const WHAT: &str = "instant";
/// The scheme of the `Authorization` header that carries the device code.
const SCHEME: &str = "DeviceCode";
const PATH: &str = "/instant";
/// What need not be encoded in a query (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Seconds after which a device may try again if its shard has no room. It polls meanwhile.
const WITHOUT_ROOM: u64 = 60;

/// Returns the address of the endpoint; `None` if the settings turn it off. Its scheme is `wss`, or `ws` on loopback.
pub(super) fn address<P>(context: Context<'_, P>) -> Option<String> {
    let socket = context.issuer.as_str().strip_prefix("http").map(|rest| format!("ws{rest}{PATH}"));
    socket.filter(|_| context.server.settings.instant_sockets > 0)
}

/// Returns the address at which a device of this client connects.
pub(super) fn address_of<P>(context: Context<'_, P>, client_id: &str) -> Option<String> {
    let client_id = utf8_percent_encode(client_id, ENCODED);
    address(context).map(|address| format!("{address}?client_id={client_id}"))
}

pub(super) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    let upgrade = context.request.upgrade.as_deref();
    if !upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket")) {
        return Response::text(426, "Open a WebSocket.").with("upgrade", "websocket".to_owned());
    }
    let (client_id, code) = match presented(context) {
        Ok(presented) => presented,
        Err(error) => return refuse(None, &error),
    };
    match listen(context, &client_id, &code).await {
        Ok(socket) => Response::switching(socket).noting(WHAT, Some(&client_id), "opened", "opened"),
        Err(error) => refuse(Some(&client_id), &error),
    }
}

/// Returns the client that a request names, and its device code.
fn presented<P>(context: Context<'_, P>) -> Result<(String, DeviceCode), Error> {
    let query = Form::parse(context.request.query.as_bytes())?;
    let client_id = query.require("client_id")?.to_owned();
    let (scheme, code) = context
        .request
        .authorization
        .as_deref()
        .and_then(|header| header.split_once(' '))
        .ok_or(Error::NoDeviceCode)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(Error::NoDeviceCode);
    }
    let code = DeviceCode::parse(code.trim(), &client_id, &context.server.settings.keyring)
        .ok_or(Error::ForgedDeviceCode)?;
    if context.now < code.expires_at { Ok((client_id, code)) } else { Err(Error::Expired) }
}

/// Asks the shard of the code for a WebSocket. A code that is bound to a key needs a proof of that key, as at the token
/// endpoint; the proof is not used up, because nothing is handed out for it.
async fn listen<P: Platform>(
    context: Context<'_, P>,
    client_id: &str,
    code: &DeviceCode,
) -> Result<Socket, Error> {
    let Context { server, .. } = context;
    web_page::listening(context, client_id).await?;
    // A client whose codes are in several shards has as many rate limits, as at the start.
    let rate = context.rate_key(&format!("{WHAT}/{client_id}/{}", code.address.shard));
    if !server.platform.within_limit(&rate).await {
        return Err(Error::TooMany(Limit::Upgrades, 60));
    }
    let proven = dpop::prove(context).await?.cnf;
    let (key, secret, most) = (code.address.key, code.secret, server.settings.instant_sockets);
    let answer = server.platform.listen(code.address.shard, Listen { key, secret, proven, most }).await?;
    answer.map_err(refused)
}

const fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Unknown => Error::UnknownDeviceCode,
        Refusal::WithoutKey => Error::WithoutKey,
        Refusal::Decided => Error::NothingToWaitFor,
        Refusal::TooSoon(wait) => Error::TooMany(Limit::SocketsOfCode, wait),
        Refusal::Full => Error::TooMany(Limit::SocketsOfShard, WITHOUT_ROOM),
    }
}

/// Builds the error response. Here the device code is what authenticates, so a missing or wrong one gets 401 and a
/// challenge (RFC 9110 §15.5.2).
fn refuse(client: Option<&str>, error: &Error) -> Response {
    let response = error.response().noting(WHAT, client, error.code(), error.reason());
    let is_unproven = matches!(
        error,
        Error::NoDeviceCode | Error::ForgedDeviceCode | Error::UnknownDeviceCode | Error::WithoutKey
    );
    if is_unproven {
        Response { status: 401, ..response }
            .with("www-authenticate", format!("{SCHEME} realm=\"device-grant\""))
    } else {
        response
    }
}
