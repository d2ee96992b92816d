//! Tokens and codes that are bound to a key (RFC 9449) or to a challenge (RFC 7636).

mod device_codes;
mod nonces;
mod pkce;
mod refresh;
mod token_endpoint;
mod userinfo;
mod with_certificates;

use serde_json::Value;

use crate::support::dpop::Key;
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, claims, json};

const TV: [(&str, &str); 2] = [("client_id", "demo-tv"), ("scope", "openid profile email offline_access")];
const PRINTER: [(&str, &str); 2] = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name} in {answer}"))
}

fn approve(world: &World, user_code: &str) {
    Person::of(world).approve_as("alice", "wonderland-8787", user_code);
}

/// Logs `demo-tv` in with this key, and returns its tokens.
fn tokens(world: &World, key: &Key) -> Value {
    let response = key.poll(world, &world.approved().device_code);
    assert_eq!(response.status, 200, "{}", response.body);
    json(&response)
}

/// Returns the thumbprint of the key to which an access token is bound.
fn jkt_of(access_token: &str) -> Option<String> {
    claims(access_token).pointer("/cnf/jkt").and_then(Value::as_str).map(str::to_owned)
}

/// Logs `demo-printer` in with this key, and returns its tokens.
fn printers_tokens(world: &World, key: &Key) -> Value {
    let started = world.start_with(&[&PRINTER[..], &[("scope", "openid offline_access")]].concat());
    approve(world, &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    json(&key.post(world, "/token", &[&PRINTER[..], &poll].concat()))
}
