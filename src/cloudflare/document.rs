//! Fetching a document from another server, within bounds of time and size.

use core::time::Duration;
use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use worker::{
    AbortController, AbortSignal, Delay, Error, Fetch, Headers, Method, Request, RequestInit,
    RequestRedirect, Result,
};

/// How long it may take, from the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest document that is read, in bytes: twenty RSA keys with their certificates take less.
const MAX_DOCUMENT: usize = 65_536;

/// The text at `url`, answered with 200 by the server that it names: no redirect leads elsewhere.
pub(super) async fn fetch_text(url: &str) -> Result<String> {
    let headers = Headers::new();
    headers.set("accept", "application/jwk-set+json, application/json")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers).with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(url, &init)?;
    let controller = AbortController::default();
    let signal = controller.signal();
    match select(pin!(read(request, &signal)), pin!(Delay::from(PATIENCE))).await {
        Either::Left((text, _)) => text,
        Either::Right(_) => {
            controller.abort();
            Err(failed("no document in time"))
        }
    }
}

async fn read(request: Request, signal: &AbortSignal) -> Result<String> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    if response.status_code() != 200 {
        return Err(failed(&format!("answered with {}", response.status_code())));
    }
    let mut stream = response.stream()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk?);
        if bytes.len() > MAX_DOCUMENT {
            return Err(failed("the document is too large"));
        }
    }
    String::from_utf8(bytes).map_err(|_| failed("the document is not UTF-8"))
}

fn failed(why: &str) -> Error {
    Error::RustError(why.to_owned())
}
