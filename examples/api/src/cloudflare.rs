//! The Worker: answers requests, logs decisions, and verifies signatures in WebCrypto.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, WorkerGlobalScope};
use worker::{
    AbortSignal, Context, Date, Env, Fetch, Headers, Method, RequestInit, RequestRedirect, Response, Result,
    event,
};

use crate::api::{self, Api, Platform};
use crate::jws::{Algorithm, Signed};
use crate::settings::Settings;

/// Longest time that the issuer may take to answer, in milliseconds.
const PATIENCE: u32 = 5_000;

thread_local! {
    /// The API of this isolate.
    static API: RefCell<Option<Rc<Api<Workers>>>> = const { RefCell::new(None) };
}

/// Answers every request.
#[event(fetch)]
async fn fetch(incoming: worker::Request, env: Env, _: Context) -> Result<Response> {
    let api = match api(&env) {
        Ok(api) => api,
        Err(misconfigured) => {
            worker::console_error!("{misconfigured}");
            return Response::error(misconfigured, 503);
        }
    };
    let header = |name| incoming.headers().get(name).ok().flatten();
    let request = api::Request {
        method: incoming.inner().method(),
        path: incoming.path(),
        authorization: header("authorization"),
        dpop: header("dpop"),
    };
    let response = api.answer(&request, Date::now().as_millis() / 1000).await;
    if let Some(line) = response.line(&request) {
        worker::console_log!("{line}");
    }
    let headers = Headers::new();
    for (name, value) in &response.headers {
        headers.append(name, value)?;
    }
    let builder = Response::builder().with_status(response.status).with_headers(headers);
    Ok(builder.fixed(response.body.into_bytes()))
}

fn api(env: &Env) -> core::result::Result<Rc<Api<Workers>>, String> {
    if let Some(api) = API.with_borrow(Clone::clone) {
        return Ok(api);
    }
    let settings = Settings::read(|name| env.var(name).ok().map(|value| value.to_string()));
    let settings = settings.map_err(|bad| format!("This API is not configured: {bad}."))?;
    let api = Rc::new(Api::new(settings, Workers));
    API.set(Some(Rc::clone(&api)));
    Ok(api)
}

struct Workers;

impl Platform for Workers {
    async fn get(&self, url: &str) -> Option<Vec<u8>> {
        let found = get(url).await;
        if found.is_none() {
            worker::console_error!("{url} cannot be fetched");
        }
        found
    }

    async fn verify(&self, signed: Signed<'_>) -> bool {
        verify(signed).await.unwrap_or(false)
    }
}

/// Fetches a document. Follows no redirect, so that keys come from where the issuer says, or not at all.
async fn get(url: &str) -> Option<Vec<u8>> {
    let init =
        RequestInit { method: Method::Get, redirect: RequestRedirect::Manual, ..RequestInit::default() };
    let request = worker::Request::new_with_init(url, &init).ok()?;
    let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(PATIENCE));
    let mut response = Fetch::Request(request).send_with_signal(&signal).await.ok()?;
    if response.status_code() != 200 {
        return None;
    }
    response.bytes().await.ok()
}

async fn verify(signed: Signed<'_>) -> core::result::Result<bool, JsValue> {
    let Signed { alg, key, input, signature } = signed;
    let subtle = js_sys::global().unchecked_into::<WorkerGlobalScope>().crypto()?.subtle();
    let parameters = parameters(alg)?;
    let jwk: Object = JSON::parse(&serde_json::json!(key.members()).to_string())?.unchecked_into();
    let usages: JsValue = Array::of1(&"verify".into()).into();
    let imported: JsValue =
        JsFuture::from(subtle.import_key_with_object("jwk", &jwk, &parameters, false, &usages)?).await?;
    let imported: CryptoKey = imported.unchecked_into();
    let verified =
        subtle.verify_with_object_and_u8_array_and_u8_array(&parameters, &imported, signature, input)?;
    let verified: JsValue = JsFuture::from(verified).await?;
    Ok(verified.is_truthy())
}

/// Returns WebCrypto's parameters for an algorithm. The same object serves to import and to verify.
fn parameters(alg: Algorithm) -> core::result::Result<Object, JsValue> {
    let (name, hash, salt) = match alg {
        Algorithm::Es256 => ("ECDSA", "SHA-256", 0),
        Algorithm::Rs256 => ("RSASSA-PKCS1-v1_5", "SHA-256", 0),
        Algorithm::Ps256 => ("RSA-PSS", "SHA-256", 32),
        Algorithm::Ps384 => ("RSA-PSS", "SHA-384", 48),
        Algorithm::Ps512 => ("RSA-PSS", "SHA-512", 64),
        Algorithm::EdDsa | Algorithm::Ed25519 => ("Ed25519", "SHA-512", 0),
    };
    let object = Object::new();
    let set = |name: &str, value: JsValue| Reflect::set(&object, &name.into(), &value).map(drop);
    set("name", name.into())?;
    set("hash", hash.into())?;
    set("namedCurve", "P-256".into())?;
    set("saltLength", salt.into())?;
    Ok(object)
}
