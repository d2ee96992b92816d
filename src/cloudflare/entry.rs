//! The entry point of the Worker: reads a request, answers it, and logs each decision.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt as _;
use js_sys::Reflect;
use serde::Serialize;
use worker::{Context, Env, Headers, Result, event};

use super::object;
use super::platform::Workers;
use crate::client::certificate::Certificate;
use crate::coordinates::Coordinates;
use crate::endpoint::http::{LogLine, MAX_BODY, Request, Response, is_ray};
use crate::endpoint::platform::{Platform as _, Unavailable};
use crate::endpoint::server::Server;
use crate::endpoint::{BrowserHeaders, answer, reads};
use crate::place::{LazyPlace, Place};
use crate::settings::variable::BadSetting;
use crate::settings::{PairNumbers, Settings};
use crate::time::Timestamp;

thread_local! {
    /// The server of this isolate. Settings and bindings do not change while it lives.
    static SERVER: RefCell<Option<Rc<Server<Workers>>>> = const { RefCell::new(None) };
}

/// Answers every request.
#[event(fetch)]
async fn fetch(mut incoming: worker::Request, env: Env, context: Context) -> Result<worker::Response> {
    let began = object::now();
    #[cfg(feature = "panic-probe")]
    if let Some(text) = super::probe::answer(&incoming.path()) {
        return worker::Response::ok(text);
    }
    let ray = header(&incoming, "cf-ray").filter(|ray| is_ray(ray)).unwrap_or_default();
    let response = match server(env) {
        Ok(server) => match read(&server, &mut incoming).await {
            Ok(request) => {
                let place = LazyPlace::read_by(move || place(&incoming));
                served(server, &Request { place, ..request }, &context).await
            }
            Err(_) => Response::text(400, "The request body could not be read."),
        },
        Err(misconfigured) => {
            worker::console_error!("{misconfigured}");
            Response::text(503, &misconfigured).with("retry-after", "60".to_owned())
        }
    };
    #[cfg(feature = "panic-probe")]
    super::probe::after_an_answer();
    let ms = object::now().since(began).as_millis();
    for decision in &response.decisions {
        log(decision, &ray, ms);
    }
    write(response)
}

/// Answers the request. Reads the clock again, because the body may have taken a while to arrive.
async fn served(server: Rc<Server<Workers>>, request: &Request, context: &Context) -> Response {
    let mut response = answer(&server, request, object::now(), &mut object::rng()).await;
    if let Some(name) = response.afterwards.take() {
        context.wait_until(async move {
            let _: core::result::Result<bool, Unavailable> = server.platform.limits(name).await;
        });
    }
    response
}

/// Reads the settings of this deployment.
pub(super) fn settings(env: &Env) -> core::result::Result<Settings, BadSetting> {
    Settings::read(|name| env.var(name).ok().map(|value| value.to_string()))
}

/// Returns the server of this isolate. An error is a sentence for the operator.
fn server(env: Env) -> core::result::Result<Rc<Server<Workers>>, String> {
    if let Some(server) = SERVER.with_borrow(Clone::clone) {
        return Ok(server);
    }
    let settings = settings(&env).map_err(|bad| format!("This server is not configured: {bad}."))?;
    if settings.user_code.is_weak() {
        worker::console_warn!("ALLOW_WEAK_USER_CODES is on: user codes of this server can be guessed");
    }
    let pairs = serde_json::to_string(&PairNumbers::of(&settings.keyring));
    worker::console_log!("{}", pairs.expect("texts can always be written"));
    let workers = Workers::new(env, settings.keyring.clone())
        .map_err(|error| format!("This server is not configured: a binding is missing ({error})."))?;
    let server = Rc::new(Server::new(settings, workers));
    SERVER.set(Some(Rc::clone(&server)));
    Ok(server)
}

/// Reads the parts of a request that its endpoint needs, and nothing else.
async fn read(server: &Server<Workers>, incoming: &mut worker::Request) -> Result<Request> {
    let url = incoming.inner().url();
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
    let authority = rest.find(['/', '?', '#']).map_or(rest, |end| rest.split_at(end).0);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut request = Request {
        method: incoming.inner().method(),
        path: incoming.path(),
        secure: scheme == "https",
        host: authority.to_owned(),
        query: query.split('#').next().unwrap_or_default().to_owned(),
        authorization: header(incoming, "authorization"),
        content_type: header(incoming, "content-type"),
        address: header(incoming, "cf-connecting-ip"),
        dpop: header(incoming, "dpop"),
        certificate: certificate(incoming, object::now()),
        ..Request::default()
    };
    let reads = reads(server, &request);
    let of_browser = |from, name| if reads.browser >= from { header(incoming, name) } else { None };
    request.origin = of_browser(BrowserHeaders::Origin, "origin");
    request.sec_fetch_site = of_browser(BrowserHeaders::Site, "sec-fetch-site");
    request.cookie = of_browser(BrowserHeaders::Cookie, "cookie");
    if reads.user_agent {
        request.user_agent = header(incoming, "user-agent");
    }
    if reads.language {
        request.accept_language = header(incoming, "accept-language");
    }
    if reads.if_match {
        request.if_match = header(incoming, "if-match");
    }
    if reads.access_assertion {
        request.access_assertion = header(incoming, "cf-access-jwt-assertion");
    }
    if reads.accept {
        request.accept = header(incoming, "accept");
    }
    if matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
        request.content_coding = header(incoming, "content-encoding").filter(|coding| coding != "identity");
        request.body = body(incoming).await?;
    }
    Ok(request)
}

fn header(request: &worker::Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

/// Reads the body; `None` if it is larger than [`MAX_BODY`]. Stops reading once that is clear.
async fn body(incoming: &mut worker::Request) -> Result<Option<Vec<u8>>> {
    let length = header(incoming, "content-length").and_then(|length| length.parse::<usize>().ok());
    match length {
        Some(length) if length > MAX_BODY => return Ok(None),
        Some(_) => return incoming.bytes().await.map(Some),
        None => {}
    }
    let Ok(mut stream) = incoming.stream() else { return Ok(Some(Vec::new())) };
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend(chunk?);
        if body.len() > MAX_BODY {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

/// Reads `request.cf.tlsClientAuth`, which exists if the zone requests certificates. The endpoints believe it
/// only at the mTLS host.
fn certificate(request: &worker::Request, now: Timestamp) -> Option<Certificate> {
    let cf = Reflect::get(request.inner(), &"cf".into()).ok()?;
    let shown = Reflect::get(&cf, &"tlsClientAuth".into()).ok()?;
    Certificate::read(|name| Reflect::get(&shown, &name.into()).ok()?.as_string(), now)
}

/// Reads `request.cf` property by property, because the crate's getters panic if one is missing.
fn place(request: &worker::Request) -> Place {
    let cf = Reflect::get(request.inner(), &"cf".into()).unwrap_or_default();
    let get = |name: &str| Reflect::get(&cf, &name.into()).ok();
    let text = |name: &str| get(name).and_then(|value| value.as_string()).filter(|value| !value.is_empty());
    Place {
        country: text("country"),
        region: text("region"),
        city: text("city"),
        coordinates: text("latitude")
            .zip(text("longitude"))
            .and_then(|(north, east)| Coordinates::parse(&north, &east)),
        operator: text("asOrganization"),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a 32-bit number")]
        asn: get("asn").and_then(|value| value.as_f64()).map(|asn| asn as u32),
        zone: text("timezone"),
        colo: text("colo"),
    }
}

fn write(response: Response) -> Result<worker::Response> {
    let headers = Headers::new();
    for (name, value) in &response.headers {
        headers.append(name, value)?;
    }
    let builder = worker::Response::builder().with_status(response.status).with_headers(headers);
    let body = response.bytes.unwrap_or_else(|| response.body.into_bytes());
    // 204 must have no body at all, not an empty one.
    Ok(if body.is_empty() { builder.empty() } else { builder.fixed(body) })
}

/// Logs a decision as one line, without codes, tokens or secrets.
fn log(decision: &LogLine, ray: &str, ms: u128) {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        decision: &'a LogLine,
        ray: &'a str,
        ms: u128,
    }
    let line =
        serde_json::to_string(&Line { decision, ray, ms }).expect("texts and a number can always be written");
    worker::console_log!("{line}");
}
