//! Tokens: what is in them, where they are good, how long they live, and how they end.

mod audience;
mod claim_mapping;
mod client_codes;
mod dry_run;
mod issued;
mod lifetimes;
mod opaque;
mod refresh;
mod refresh_laws;
mod rfc9396;
mod rfc9700;
mod sign_in_requests;

use device_grant::client::Client;
use device_grant::endpoint::http::{Request, Response};
use serde_json::Value;

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, claims, get, json};

/// Every scope that `demo-tv` may have.
const EVERY_SCOPE: &str = "openid profile email offline_access";

/// Starts a grant as `demo-tv` with more parameters.
fn start_tv(world: &World, more: &[(&str, &str)]) -> crate::support::Started {
    world.start_with(&[&[("client_id", "demo-tv"), ("scope", EVERY_SCOPE)][..], more].concat())
}

/// Returns the claims of the ID token in a response.
fn id_of(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", response.body);
    claims(json(response).get("id_token").and_then(Value::as_str).expect("an ID token"))
}

/// Polls as `demo-tv`, with more parameters.
fn redeem(world: &World, device_code: &str, more: &[(&str, &str)]) -> Response {
    let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", device_code)];
    world.post("/token", &[&form[..], more].concat())
}

/// Starts a grant as `demo-tv`, lets alice approve it, and returns the device code.
fn approved(world: &World, scope: &str, more: &[(&str, &str)]) -> String {
    let started = world.start_with(&[&[("client_id", "demo-tv"), ("scope", scope)][..], more].concat());
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    started.device_code
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens.get(name).and_then(Value::as_str).expect("the response has it")
}

fn userinfo(world: &World, token: &str) -> Response {
    let authorization = Some(format!("Bearer {token}"));
    world.send(&Request { authorization, path: "/userinfo".to_owned(), ..get() })
}

/// Introspects a token as `demo-printer`.
fn introspect(world: &World, token: &str) -> Value {
    let printer = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    json(&world.post("/introspect", &[&printer[..], &[("token", token)]].concat()))
}

/// Changes `demo-printer`, logs it in, and returns its tokens.
fn printed(world: &World, change: impl FnOnce(&mut Client)) -> Value {
    world.change_client("demo-printer", change);
    world.wait(10);
    let printer = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let scope = [("scope", "openid profile email offline_access")];
    let started = world.start_with(&[&printer[..], &scope].concat());
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    json(&world.post("/token", &[&printer[..], &poll].concat()))
}
