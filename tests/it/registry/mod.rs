//! Clients, scopes, OpenID Providers, signing keys, admin tokens and invitations, through the admin API and through
//! self-registration.

mod access;
mod accounts;
mod admin;
mod admin_clients;
mod admin_requests;
mod admin_scopes;
mod admin_secrets;
mod admin_tokens;
mod admin_unavailable;
mod at_once;
mod blocked;
mod changes;
mod client_logos;
mod client_metadata;
mod counts;
mod destinations;
mod detections;
mod doctor;
mod event_schema;
mod events;
mod exceptions;
mod inventory;
mod invitations;
mod ledgers;
mod mcp_clients;
mod open_registration;
mod policy;
mod providers;
mod registration;
mod roots;
mod signing_keys;
mod visible_names;

use serde_json::Value;

use crate::support::{World, json, outcome};

/// Returns pointer and detail of each fault that a problem document lists.
fn errors(response: &device_grant::endpoint::http::Response) -> Vec<(String, String)> {
    let body = json(response);
    let errors = body.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |error: &Value, name| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    errors.iter().map(|error| (text(error, "pointer"), text(error, "detail"))).collect()
}

/// Returns a member of a response that is a text.
fn text(body: &Value, name: &str) -> String {
    body.get(name).and_then(Value::as_str).expect("the response has it").to_owned()
}

/// Starts a grant, and returns the `error` of the response, or `issued`.
fn start(world: &World, client_id: &str, secret: Option<&str>) -> String {
    let mut form = vec![("client_id", client_id)];
    form.extend(secret.map(|secret| ("client_secret", secret)));
    outcome(&world.post("/device_authorization", &form))
}
