//! The entry point of the Worker: reads a request, answers it, and logs each decision.

use core::time::Duration;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Array, Reflect, Uint8Array};
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Delay, Env, Error, worker_sys};

use super::hop::driven;
use super::object;
use super::platform::Workers;
use super::request_id::on_behalf_of;
use crate::client::certificate::Certificate;
use crate::coordinates::Coordinates;
use crate::endpoint::answer;
use crate::endpoint::http::{Afterwards, LogLine, Request, Response};
use crate::endpoint::server::Server;
use crate::endpoint::socket::Socket;
use crate::endpoint::wire::{self, Incoming};
use crate::json;
use crate::place::{LazyPlace, Place};
use crate::settings::variable::BadSetting;
use crate::settings::{PairNumbers, Settings};
use crate::time::Timestamp;

/// By then a response is on its way. To make keys takes a processor a quarter of a second, and on a laptop the same thread
/// sends the response.
const UNTIL_RESPONDED: Duration = Duration::from_millis(50);

#[wasm_bindgen(module = "/src/cloudflare/objects.js")]
extern "C" {
    /// Returns the members of `request.cf` that say where a client is, as JSON.
    #[wasm_bindgen(js_name = cf)]
    fn cf_of(request: &JsValue) -> String;
}

thread_local! {
    /// The server of this isolate. Settings and bindings do not change while it lives.
    static SERVER: RefCell<Option<Rc<Server<Workers>>>> = const { RefCell::new(None) };
}

/// Returns what the entry reads of requests, as JSON.
#[wasm_bindgen]
#[must_use]
#[expect(unreachable_pub, reason = "wasm-bindgen exports only public functions")]
pub fn table(env: Env) -> String {
    let table = wire::table(server(env).ok().as_deref());
    serde_json::to_string(&table).expect("texts and a number can always be written")
}

/// Answers every request with a text, or with an array of a text, bytes, a WebSocket and the address of the rest (see
/// [`wire`]), or with the promise of one of these, or with a call that it waits for (see [`driven`]). There is no `body` if it
/// is too large, or if `is_broken`: then it could not be read.
#[wasm_bindgen]
#[expect(unreachable_pub, reason = "wasm-bindgen exports only public functions")]
pub fn fetch(
    head: String,
    body: Option<Vec<u8>>,
    is_broken: bool,
    original: JsValue,
    env: Env,
    context: worker_sys::Context,
) -> Result<JsValue, JsValue> {
    driven(async move { Ok(written(&fetched(&head, (body, is_broken), original, env, context).await)) })
}

async fn fetched(
    head: &str,
    (body, is_broken): (Option<Vec<u8>>, bool),
    original: JsValue,
    env: Env,
    context: worker_sys::Context,
) -> Response {
    let now = object::now();
    let server = match server(env) {
        Ok(server) => server,
        Err(misconfigured) => {
            worker::console_error!("{misconfigured}");
            return Response::text(503, &misconfigured).with("retry-after", "60".to_owned());
        }
    };
    let Incoming { mut request, ray, reads_certificate } = wire::request(&server, head);
    #[cfg(feature = "panic-probe")]
    if let Some(text) = super::probe::answer(&request.path) {
        return Response::text(200, &text);
    }
    if matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
        if is_broken {
            return Response::text(400, "The request body could not be read.");
        }
        request.body = body;
    }
    if reads_certificate {
        request.certificate = certificate(&original, now);
    }
    request.place = LazyPlace::read_by(move || place(&original));
    let response = on_behalf_of(&ray, served(server, &request, now, context)).await;
    #[cfg(feature = "panic-probe")]
    super::probe::after_an_answer();
    for decision in &response.decisions {
        log(decision, &ray, object::now().since(now).as_millis());
    }
    response
}

async fn served(
    server: Rc<Server<Workers>>,
    request: &Request,
    now: Timestamp,
    context: worker_sys::Context,
) -> Response {
    let mut response = answer(&server, request, now, &mut object::rng()).await;
    let left = core::mem::take(&mut response.afterwards);
    if !left.is_empty() {
        Context::new(context).wait_until(async move {
            if left.contains(&Afterwards::MakeKeys) {
                Delay::from(UNTIL_RESPONDED).await;
            }
            server.finish(left, now).await;
        });
    }
    response
}

/// Reads the settings of this deployment.
pub(super) fn settings(env: &Env) -> Result<Settings, BadSetting> {
    Settings::read(|name| env.var(name).ok().map(|value| value.to_string()))
}

/// Returns the server of this isolate. An error is a sentence for the operator.
fn server(env: Env) -> Result<Rc<Server<Workers>>, String> {
    if let Some(server) = SERVER.with_borrow(Clone::clone) {
        return Ok(server);
    }
    let settings = settings(&env).map_err(|bad| format!("This server is not configured: {bad}."))?;
    if settings.user_code.is_weak() {
        worker::console_warn!("ALLOW_WEAK_USER_CODES is on: user codes of this server can be guessed");
    }
    let pairs = serde_json::to_string(&PairNumbers::of(&settings.keyring));
    worker::console_log!("{}", pairs.expect("texts can always be written"));
    let workers = Workers::new(env, &settings)
        .map_err(|error| format!("This server is not configured: a binding is missing ({error})."))?;
    let server = Rc::new(Server::new(settings, workers));
    SERVER.set(Some(Rc::clone(&server)));
    Ok(server)
}

/// Reads `request.cf.tlsClientAuth`, which exists if the zone requests certificates. The endpoints believe it
/// only at the mTLS host.
fn certificate(request: &JsValue, now: Timestamp) -> Option<Certificate> {
    let cf = Reflect::get(request, &"cf".into()).ok()?;
    let shown = Reflect::get(&cf, &"tlsClientAuth".into()).ok()?;
    Certificate::read(|name| Reflect::get(&shown, &name.into()).ok()?.as_string(), now)
}

/// Reads `request.cf` in one crossing. Members that are missing or of another type stay unknown.
fn place(request: &JsValue) -> Place {
    let cf: BTreeMap<String, Value> = json::read(&cf_of(request)).unwrap_or_default();
    let text = |name: &str| cf.get(name)?.as_str().filter(|value| !value.is_empty()).map(str::to_owned);
    Place {
        country: text("country"),
        region: text("region"),
        city: text("city"),
        coordinates: text("latitude")
            .zip(text("longitude"))
            .and_then(|(north, east)| Coordinates::parse(&north, &east)),
        operator: text("asOrganization"),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a 32-bit number")]
        asn: cf.get("asn").and_then(Value::as_f64).map(|asn| asn as u32),
        zone: text("timezone"),
        colo: text("colo"),
    }
}

fn written(response: &Response) -> JsValue {
    let Some(text) = wire::text(response) else {
        object::complain("response", &Error::from("a header has a line break"));
        return "500\n\n".into();
    };
    if let Some(socket) = response.socket.as_ref().and_then(Socket::inner::<JsValue>) {
        return Array::of3(&text.into(), &JsValue::UNDEFINED, socket).into();
    }
    if let Some(rest) = &response.rest {
        return Array::of4(&text.into(), &JsValue::UNDEFINED, &JsValue::UNDEFINED, &rest.into()).into();
    }
    match &response.bytes {
        Some(bytes) => Array::of2(&text.into(), &Uint8Array::from(bytes.as_slice())).into(),
        None => text.into(),
    }
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
