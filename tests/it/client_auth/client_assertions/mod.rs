//! Clients that authenticate with a signed assertion (RFC 7523, `private_key_jwt`).

mod published_keys;
mod registered_keys;

use device_grant::client::Authentication;
use device_grant::endpoint::http::Response;
use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::signer::{Signer, by};
use crate::support::{DEVICE_CODE, ISSUER, World, json};

const PRINTER: &str = "demo-printer";
const SCOPE: (&str, &str) = ("scope", "openid offline_access");

/// Returns a world in which `demo-printer` authenticates with assertions, by the key made from 1.
fn world_with(vars: &[(&str, &str)]) -> World {
    let world = World::with(vars);
    register(&world, &Signer::new(&world, PRINTER, 1).jwks());
    world
}

/// Registers `demo-printer` with these keys.
fn register(world: &World, jwks: &Value) {
    world.change_client(PRINTER, |client| {
        client.authentication = Authentication::PrivateKeyJwt;
        client.keys.jwks = Some(jwks.clone());
    });
}

/// Sends a form with an assertion.
fn ask(world: &World, path: &str, assertion: &str, form: &[(&str, &str)]) -> Response {
    world.post(path, &[&by(assertion)[..], form].concat())
}

fn start(world: &World, assertion: &str) -> Response {
    ask(world, "/device_authorization", assertion, &[SCOPE])
}

fn poll(world: &World, assertion: &str, device_code: &str) -> Response {
    ask(world, "/token", assertion, &[("grant_type", DEVICE_CODE), ("device_code", device_code)])
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).expect("the response has it").to_owned()
}

fn device_code(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.body);
    text(&json(response), "device_code")
}

/// Starts a grant as `signer`, lets alice approve it, and returns the device code.
fn approved(world: &World, signer: &Signer<'_>) -> String {
    let started = start(world, &signer.assertion(&json!(ISSUER)));
    let device_code = device_code(&started);
    Person::of(world).approve_as("alice", "wonderland-8787", &text(&json(&started), "user_code"));
    device_code
}

/// Returns reason and client of the log line.
fn reason(response: &Response) -> (&'static str, Option<String>) {
    let decision = response.decisions.first().expect("a log line");
    (decision.reason, decision.client.clone())
}
