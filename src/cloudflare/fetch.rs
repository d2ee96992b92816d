//! Asking another server, within bounds of time and size.

use core::ops::RangeInclusive;
use core::time::Duration;
use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use worker::{
    AbortController, AbortSignal, Delay, Error, Fetch, Headers, Method, Request, RequestInit,
    RequestRedirect, Response, Result,
};

/// How long the whole answer may take, from the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes: twenty RSA keys with their certificates take less.
const MAX_ANSWER: usize = 65_536;

/// The text at `url`, answered with 200 by the server that it names.
pub(super) async fn text_at(url: &str) -> Result<String> {
    let headers = Headers::new();
    headers.set("accept", "application/jwk-set+json, application/json")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    within_bounds(url, &mut init, &[200..=200]).await
}

/// Posts a form, and gives the text of an answer with 2xx or 4xx.
///
/// An error says nothing of the form: it may hold secrets.
pub(super) async fn post_form(url: &str, form: &str) -> Result<String> {
    let headers = Headers::new();
    headers.set("content-type", "application/x-www-form-urlencoded")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(form.into()));
    within_bounds(url, &mut init, &[200..=299, 400..=499]).await
}

/// What is asked is meant for the server at `url` and no other, so no redirect is followed.
async fn within_bounds(url: &str, init: &mut RequestInit, good: &[RangeInclusive<u16>]) -> Result<String> {
    let request = Request::new_with_init(url, init.with_redirect(RequestRedirect::Manual))?;
    let controller = AbortController::default();
    let signal = controller.signal();
    let answer = match select(pin!(answer(request, &signal, good)), pin!(Delay::from(PATIENCE))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(failed("no answer in time")),
    };
    // Whatever of it is still to come is not waited for.
    controller.abort();
    answer
}

async fn answer(request: Request, signal: &AbortSignal, good: &[RangeInclusive<u16>]) -> Result<String> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let status = response.status_code();
    if good.iter().any(|range| range.contains(&status)) {
        text(&mut response).await
    } else {
        Err(failed(&format!("answered with {status}")))
    }
}

async fn text(response: &mut Response) -> Result<String> {
    let mut stream = response.stream()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk?);
        if bytes.len() > MAX_ANSWER {
            return Err(failed("the answer is too large"));
        }
    }
    String::from_utf8(bytes).map_err(|_| failed("the answer is not UTF-8"))
}

fn failed(why: &str) -> Error {
    Error::RustError(why.to_owned())
}
