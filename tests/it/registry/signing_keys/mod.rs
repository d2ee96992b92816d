//! Signing keys through the whole server: their schedule, and what an operator does with them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a response of another shape fails its test"
)]

mod cached;
mod first;
mod imported;
mod requests;
mod retirement;
mod rotation;
mod schedule;

use device_grant::endpoint::http::{Request, Response};
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use serde_json::{Value, json};

use crate::support::{World, get, header, json as body};

const DAY: u64 = 86_400;

/// Sends a request to the admin API, to a path below `/keys`.
fn ask(world: &World, method: &str, path: &str, request: Option<&Value>) -> Response {
    let authorization = Some(format!("Bearer {DEVELOPMENT_ADMIN_TOKEN}"));
    let content_type = request.map(|_| "application/json".to_owned());
    let body = Some(request.map(|json| json.to_string().into_bytes()).unwrap_or_default());
    let path = format!("/admin/api/keys{path}");
    world.send(&Request { method: method.to_owned(), path, authorization, content_type, body, ..get() })
}

/// Returns the states of the keys for ES256, in the order in which they begin to sign.
fn states(world: &World) -> Vec<String> {
    let mut keys = views(world);
    keys.retain(|key| key["alg"] == "ES256");
    keys.sort_by_key(|key| key["signs_from"].as_u64().unwrap_or(u64::MAX));
    keys.iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
}

/// Returns the `kid` of the key for ES256 that signs next.
fn next(world: &World) -> String {
    let mut keys = views(world);
    keys.retain(|key| key["alg"] == "ES256" && key["state"] == "announced");
    let next = keys.iter().min_by_key(|key| key["signs_from"].as_u64().unwrap_or(u64::MAX)).unwrap();
    next["kid"].as_str().unwrap().to_owned()
}

/// Returns the `kid` of the key for ES256 that signs now.
fn signing(world: &World) -> String {
    let keys = views(world);
    let mut active = keys.iter().filter(|key| key["alg"] == "ES256" && key["state"] == "active");
    let kid = active.next().unwrap()["kid"].as_str().unwrap().to_owned();
    assert!(active.next().is_none(), "only one key signs");
    kid
}

fn rotate(world: &World, at_once: bool) {
    let rotated = ask(world, "POST", "/rotate", Some(&json!({ "alg": "ES256", "at_once": at_once })));
    assert_eq!(rotated.status, 200, "{}", rotated.body);
}

fn retire(world: &World, kid: &str) {
    assert_eq!(ask(world, "POST", &format!("/{kid}/retire"), None).status, 200);
}

/// Returns the keys as the admin API lists them.
fn views(world: &World) -> Vec<Value> {
    body(&ask(world, "GET", "", None))["keys"].as_array().unwrap().clone()
}

fn kids(response: &Response) -> Vec<String> {
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    body(response)["keys"].as_array().unwrap().iter().map(kid).collect()
}

/// Returns the `kid`s in `/jwks.json`.
fn published(world: &World) -> Vec<String> {
    let response = world.get("/jwks.json");
    assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
    kids(&response)
}

/// Signs in, and returns the access token. Checks that its key is published.
fn issue(world: &World) -> String {
    let tokens = body(&world.poll(&world.approved().device_code));
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    assert!(published(world).contains(&kid_of(&access)), "the key that signs is published");
    access
}

fn kid_of(token: &str) -> String {
    header(token)["kid"].as_str().unwrap().to_owned()
}

fn userinfo(world: &World, token: &str) -> u16 {
    let authorization = Some(format!("Bearer {token}"));
    world.send(&Request { authorization, path: "/userinfo".to_owned(), ..get() }).status
}
