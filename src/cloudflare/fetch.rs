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

use crate::endpoint::platform::{FetchedDocument, Incoming, NotFetched, NotPushed, Outgoing, Push};

/// Longest time for a whole exchange, from the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// Size of the largest text that is read, in bytes. Twenty RSA keys with their certificates take less.
const MAX_ANSWER: usize = 65_536;

/// Fetches the text at `url`. A status other than 200 is an error.
pub(super) async fn text_at(url: &str) -> Result<String> {
    let headers = Headers::new();
    headers.set("accept", "application/jwk-set+json, application/json")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    text(within_bounds(url, &mut init, &[200..=200], Some(MAX_ANSWER)).await?)
}

/// Fetches a file of at most `most` bytes. A status other than 200 is an error.
pub(super) async fn bytes_at(url: &str, most: usize) -> core::result::Result<Vec<u8>, NotFetched> {
    let mut init = RequestInit::new();
    init.with_method(Method::Get);
    let fetched = within_bounds(url, &mut init, &[200..=200], Some(most)).await;
    fetched.map_err(|failure| failure.as_not_fetched())
}

/// Fetches a JSON document of at most `most` bytes. A status other than 200 is an error.
pub(super) async fn document_at(url: &str, most: usize) -> core::result::Result<FetchedDocument, NotFetched> {
    let received = async {
        let headers = Headers::new();
        headers.set("accept", "application/json")?;
        let mut init = RequestInit::new();
        init.with_method(Method::Get).with_headers(headers);
        response_within_bounds(url, &mut init, &[200..=200], Some(most)).await
    };
    let received: core::result::Result<Received, Failure> = received.await;
    let Received { headers, body, .. } = received.map_err(|failure| failure.as_not_fetched())?;
    let header = |name| headers.get(name).ok().flatten();
    Ok(FetchedDocument {
        content_type: header("content-type"),
        cache_control: header("cache-control"),
        age: header("age"),
        body,
    })
}

/// Posts a form. Returns the text of a response with status 2xx or 4xx.
///
/// Errors say nothing about the form, because it may contain secrets.
pub(super) async fn post_form(url: &str, form: &str) -> Result<String> {
    let headers = Headers::new();
    headers.set("content-type", "application/x-www-form-urlencoded")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(form.into()));
    text(within_bounds(url, &mut init, &[200..=299, 400..=499], Some(MAX_ANSWER)).await?)
}

/// Sends a request. Returns the response, whatever its status, but a redirect is an error.
///
/// Errors say nothing about the request, because it may contain secrets.
pub(super) async fn exchange(request: Outgoing<'_>) -> Result<Incoming> {
    let headers = Headers::new();
    headers.set("accept", "application/json")?;
    if let Some(authorization) = request.authorization {
        headers.set("authorization", authorization)?;
    }
    if let Some(cookie) = request.cookie {
        headers.set("cookie", cookie)?;
    }
    let mut init = RequestInit::new();
    if let Some(form) = request.form {
        headers.set("content-type", "application/x-www-form-urlencoded")?;
        init.with_method(Method::Post).with_body(Some(form.into()));
    }
    init.with_headers(headers);
    let good = [200..=299, 400..=599];
    let received = response_within_bounds(request.url, &mut init, &good, Some(MAX_ANSWER)).await?;
    let Received { status, body, .. } = received;
    Ok(Incoming { status, body: text(body)? })
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
    within_bounds(url, &mut init, &[200..=299], None).await?;
    Ok(())
}

/// Posts a message to a receiver of events. Returns the response, whatever its status.
pub(super) async fn push(push: Push<'_>) -> core::result::Result<Incoming, NotPushed> {
    let received = async {
        let headers = Headers::new();
        headers.set("content-type", push.content_type)?;
        push.headers.iter().try_for_each(|(name, value)| headers.set(name, value))?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_headers(headers).with_body(Some(push.body.into()));
        response_within_bounds(push.url, &mut init, &[100..=599], push.reads.then_some(MAX_ANSWER)).await
    };
    let received: core::result::Result<Received, Failure> = received.await;
    match received {
        Ok(Received { status, body, .. }) => {
            Ok(Incoming { status, body: String::from_utf8(body).unwrap_or_default() })
        }
        Err(Failure::Late) => Err(NotPushed::Late),
        Err(Failure::Status(_) | Failure::Large(_) | Failure::Broken(_)) => Err(NotPushed::Unreachable),
    }
}

/// A response.
struct Received {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

/// Why there is no response that can be used.
enum Failure {
    Late,
    Status(u16),
    /// It has more bytes than this.
    Large(usize),
    Broken(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Late => failed("no response in time"),
            Failure::Status(status) => failed(&format!("the response has status {status}")),
            Failure::Large(_) => failed("the response is too large"),
            Failure::Broken(error) => error,
        }
    }
}

impl Failure {
    const fn as_not_fetched(&self) -> NotFetched {
        match self {
            Self::Late | Self::Broken(_) => NotFetched::Unreachable,
            Self::Status(status) => NotFetched::Status(*status),
            Self::Large(most) => NotFetched::Large(*most),
        }
    }
}

/// Returns the body of the response to a request: see [`response_within_bounds`].
async fn within_bounds(
    url: &str,
    init: &mut RequestInit,
    good: &[RangeInclusive<u16>],
    most: Option<usize>,
) -> core::result::Result<Vec<u8>, Failure> {
    response_within_bounds(url, init, good, most).await.map(|received| received.body)
}

/// Sends a request. Follows no redirect, because the request is meant for the server at `url` and no other.
/// Returns the response, whose status is a `good` one, if the body has at most `most` bytes; without `most`, it is not read.
async fn response_within_bounds(
    url: &str,
    init: &mut RequestInit,
    good: &[RangeInclusive<u16>],
    most: Option<usize>,
) -> core::result::Result<Received, Failure> {
    let request = Request::new_with_init(url, init.with_redirect(RequestRedirect::Manual))?;
    let controller = AbortController::default();
    let signal = controller.signal();
    let answer = match select(pin!(answer(request, &signal, good, most)), pin!(Delay::from(PATIENCE))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Failure::Late),
    };
    // Do not wait for the rest of the response.
    controller.abort();
    answer
}

async fn answer(
    request: Request,
    signal: &AbortSignal,
    good: &[RangeInclusive<u16>],
    most: Option<usize>,
) -> core::result::Result<Received, Failure> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let status = response.status_code();
    if !good.iter().any(|range| range.contains(&status)) {
        return Err(Failure::Status(status));
    }
    let body = match most {
        Some(most) => body(&mut response, most).await?,
        None => Vec::new(),
    };
    Ok(Received { status, headers: response.headers().clone(), body })
}

async fn body(response: &mut Response, most: usize) -> core::result::Result<Vec<u8>, Failure> {
    let mut stream = response.stream()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk?);
        if bytes.len() > most {
            return Err(Failure::Large(most));
        }
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| failed("the response is not UTF-8"))
}

fn failed(why: &str) -> Error {
    Error::RustError(why.to_owned())
}
