//! Web pages that call this server: which of them may start a grant, and which may read a response (CORS).
//!
//! A page runs in the browser of whoever visits it, so what it starts comes from the visitor's own network. The consent
//! page would then show the same place on both sides, whoever redeems the code.

use std::rc::Rc;

use super::client_auth::named_client;
use super::error::{Error, shown};
use super::http::{Request, Response};
use super::platform::{Platform, Unavailable};
use super::route::Scripts;
use super::server::Context;
use crate::client::Client;
use crate::web_origin::WebOrigin;

/// The headers of a response to a preflight, for routes that scripts in browsers may call.
const PREFLIGHT: [(&str, &str); 3] = [
    ("access-control-allow-methods", "GET, POST"),
    // `*` stands for every header but `Authorization`. No route with these terms reads a cookie.
    ("access-control-allow-headers", "authorization, *"),
    ("access-control-max-age", "86400"),
];

/// Who sends a request, as far as browsers say.
///
/// Browsers add `Origin` to every POST, and `Sec-Fetch-Site` to every request to https or loopback. `Sec-Fetch-Mode`
/// says nothing, because Node's `fetch` sends it, too.
enum Sender<'a> {
    /// A program other than a browser, or a person who typed the address (`Sec-Fetch-Site: none`).
    Program,
    /// A page with this `Origin`. An extension's pages and our own are pages like others.
    Page(&'a str),
    /// A page that names no `Origin`, so nothing can allow it.
    Unnamed,
}

impl<'a> Sender<'a> {
    fn of(request: &'a Request) -> Self {
        match (request.origin.as_deref(), request.sec_fetch_site.as_deref()) {
            (Some(origin), _) => Self::Page(origin),
            (None, None | Some("none")) => Self::Program,
            (None, Some(_)) => Self::Unnamed,
        }
    }
}

/// Returns the page that requests a code, if one does.
///
/// # Errors
///
/// [`Error::ForeignPage`] unless the client lists the page's origin, according to the snapshot, or to the registry
/// while the first snapshot is loaded. Nothing is counted and no client authenticated before, so that a page cannot use
/// up anything of its visitor's network.
pub(super) async fn starting<P: Platform>(context: Context<'_, P>) -> Result<Option<WebOrigin>, Error> {
    let origin = match Sender::of(context.request) {
        Sender::Program => return Ok(None),
        Sender::Page(origin) => origin,
        Sender::Unnamed => return Err(Error::ForeignPage(None)),
    };
    let Some(snapshot) = context.server.snapshot(context.now).await? else {
        let client = context.server.registered_client(&named_client(context)?).await?;
        return allowed(client.as_ref(), origin).map(Some);
    };
    match named_client(context) {
        Ok(client_id) => allowed(snapshot.client(&client_id).as_deref(), origin).map(Some),
        Err(error) if snapshot.allows_origin(origin) => Err(error),
        Err(_) => Err(Error::ForeignPage(Some(shown(origin)))),
    }
}

/// Refuses a page that opens a WebSocket, unless this client lists the page's origin. Nothing is counted before.
pub(super) async fn listening<P: Platform>(context: Context<'_, P>, client_id: &str) -> Result<(), Error> {
    let origin = match Sender::of(context.request) {
        Sender::Program => return Ok(()),
        Sender::Page(origin) => origin,
        Sender::Unnamed => return Err(Error::ForeignPage(None)),
    };
    let client = match context.server.snapshot(context.now).await? {
        Some(snapshot) => snapshot.client(client_id),
        None => context.server.registered_client(client_id).await?.map(Rc::new),
    };
    allowed(client.as_deref(), origin).map(drop)
}

/// Returns the origin if the client lists it.
fn allowed(client: Option<&Client>, origin: &str) -> Result<WebOrigin, Error> {
    let listed = client.and_then(|client| client.allowed_origin(origin));
    listed.cloned().ok_or_else(|| Error::ForeignPage(Some(shown(origin))))
}

/// Answers a preflight; `None` if the route has no preflights, or if no page sends the request. A preflight names no
/// client, so it is allowed if any enabled client lists the origin.
pub(super) async fn preflight<P: Platform>(context: Context<'_, P>, scripts: Scripts) -> Option<Response> {
    match scripts {
        Scripts::NoSite => None,
        Scripts::EverySite => Some(permission("*")),
        Scripts::ListedOrigins => {
            let origin = context.request.origin.as_deref()?;
            let response = match context.server.snapshot(context.now).await {
                Ok(Some(snapshot)) if snapshot.allows_origin(origin) => permission(origin),
                Ok(Some(_)) => unlisted(origin),
                Ok(None) | Err(Unavailable) => Error::Unavailable.response(),
            };
            Some(response.with("vary", "origin".to_owned()))
        }
    }
}

fn permission(origin: &str) -> Response {
    let empty = Response::new(204, "text/plain", String::new())
        .with("access-control-allow-origin", origin.to_owned());
    PREFLIGHT.iter().fold(empty, |response, (name, value)| response.with(name, (*value).to_owned()))
}

fn unlisted(origin: &str) -> Response {
    let origin = shown(origin);
    Response::text(403, &format!("No client lists the origin '{origin}' in allowed_origins."))
}

/// Adds the headers that let scripts of the route's origins read the response.
pub(super) async fn readable<P: Platform>(
    context: Context<'_, P>,
    scripts: Scripts,
    response: Response,
) -> Response {
    let reader = match scripts {
        Scripts::NoSite => return response,
        Scripts::EverySite => Some("*"),
        Scripts::ListedOrigins => listed_reader(context).await,
    };
    let response = match scripts {
        Scripts::ListedOrigins => response.with("vary", "origin".to_owned()),
        Scripts::NoSite | Scripts::EverySite => response,
    };
    let Some(reader) = reader else { return response };
    response
        .with("access-control-allow-origin", reader.to_owned())
        .with("access-control-expose-headers", "retry-after, www-authenticate, dpop-nonce".to_owned())
}

/// Returns the request's origin if scripts there may read the response: if the client lists it or, where the request
/// names no client that exists, if any client does.
async fn listed_reader<P: Platform>(context: Context<'_, P>) -> Option<&str> {
    let origin = context.request.origin.as_deref()?;
    let named = named_client(context).ok();
    let Some(snapshot) = context.server.snapshot(context.now).await.ok()? else {
        let client = context.server.registered_client(&named?).await.ok()?;
        return client?.allowed_origin(origin).map(|_| origin);
    };
    let is_listed = match named.and_then(|client_id| snapshot.client(&client_id)) {
        Some(client) => client.allowed_origin(origin).is_some(),
        None => snapshot.allows_origin(origin),
    };
    is_listed.then_some(origin)
}
