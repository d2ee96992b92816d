//! Requests to other servers, with limits on time and size.

use core::ops::RangeInclusive;
use core::time::Duration;
use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use worker::{
    AbortController, AbortSignal, Delay, Error, Fetch, Headers, Method, Request, RequestInit,
    RequestRedirect, Response, Result,
};

/// Longest time for a whole exchange, from the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// Size of the largest response that is read, in bytes. Twenty RSA keys with their certificates take less.
const MAX_ANSWER: usize = 65_536;

/// Fetches the text at `url`. A status other than 200 is an error.
pub(super) async fn text_at(url: &str) -> Result<String> {
    let headers = Headers::new();
    headers.set("accept", "application/jwk-set+json, application/json")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    within_bounds(url, &mut init, &[200..=200], true).await
}

/// Posts a form. Returns the text of a response with status 2xx or 4xx.
///
/// Errors say nothing about the form, because it may contain secrets.
pub(super) async fn post_form(url: &str, form: &str) -> Result<String> {
    let headers = Headers::new();
    headers.set("content-type", "application/x-www-form-urlencoded")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(form.into()));
    within_bounds(url, &mut init, &[200..=299, 400..=499], true).await
}

/// Posts JSON with these headers. Any status but 2xx is an error; of the response, nothing else is read.
///
/// Errors say nothing about the address, because it may contain a secret.
pub(super) async fn post_signed(url: &str, more: &[(&str, String)], json: &str) -> Result<()> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    more.iter().try_for_each(|(name, value)| headers.set(name, value))?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(json.into()));
    within_bounds(url, &mut init, &[200..=299], false).await.map(drop)
}

/// Sends a request. Follows no redirect, because the request is meant for the server at `url` and no other.
/// The text is empty unless `reads`.
async fn within_bounds(
    url: &str,
    init: &mut RequestInit,
    good: &[RangeInclusive<u16>],
    reads: bool,
) -> Result<String> {
    let request = Request::new_with_init(url, init.with_redirect(RequestRedirect::Manual))?;
    let controller = AbortController::default();
    let signal = controller.signal();
    let answer = match select(pin!(answer(request, &signal, good, reads)), pin!(Delay::from(PATIENCE))).await
    {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(failed("no response in time")),
    };
    // Do not wait for the rest of the response.
    controller.abort();
    answer
}

async fn answer(
    request: Request,
    signal: &AbortSignal,
    good: &[RangeInclusive<u16>],
    reads: bool,
) -> Result<String> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let status = response.status_code();
    if !good.iter().any(|range| range.contains(&status)) {
        return Err(failed(&format!("the response has status {status}")));
    }
    if reads { text(&mut response).await } else { Ok(String::new()) }
}

async fn text(response: &mut Response) -> Result<String> {
    let mut stream = response.stream()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk?);
        if bytes.len() > MAX_ANSWER {
            return Err(failed("the response is too large"));
        }
    }
    String::from_utf8(bytes).map_err(|_| failed("the response is not UTF-8"))
}

fn failed(why: &str) -> Error {
    Error::RustError(why.to_owned())
}
