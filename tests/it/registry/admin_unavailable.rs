//! The admin API while an object cannot be reached: every response is as the OpenAPI document says.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a response or a document of another shape fails its test"
)]

use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::encode;
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use serde_json::{Value, json};

use crate::support::admin::{Admin, device, provider};
use crate::support::{World, get};

fn document(world: &World) -> Value {
    crate::support::json(&Admin(world).get("/openapi.json"))
}

/// Returns method, path and description of every operation.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let path = path
            .replace("{client_id}", "demo-printer")
            .replace("{name}", "email")
            .replace("{account}", "local:alice")
            .replace("{kid}", "k")
            .replace("{version}", "1")
            .replace("{delivery}", "1")
            .replace("{event}", "weur%2F3%2F17")
            .replace("{identifier}", "SN-0042-AB17")
            .replace("{id}", "okta");
        let methods = methods.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters");
        methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    });
    operations.collect()
}

/// Returns whether an operation needs no registry, but the shards of accounts or codes.
fn is_of_shards(path: &str) -> bool {
    ["/accounts", "/devices", "/sessions", "/grants"].iter().any(|of| path.starts_with(of))
}

/// Returns a body that the operation accepts.
fn body(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("POST", "/clients") => Some(device("newcomer", &json!({}))),
        ("PUT", "/clients/demo-printer") => Some(device("demo-printer", &json!({}))),
        ("POST", "/providers") | ("PUT", "/providers/okta") => Some(provider("okta", &json!({}))),
        ("PATCH", "/providers/okta") => Some(json!({ "enabled": false })),
        ("PATCH", _) => Some(json!({ "owner": "Team" })),
        ("POST", "/clients/demo-printer/secret") => Some(json!({ "overlap": 60 })),
        ("PUT", "/inventory/SN-0042-AB17") => Some(json!({ "accounts": ["local:alice"] })),
        ("PUT", "/scopes/email") => Some(json!({ "description": "Know your address" })),
        ("PUT", "/scopes/email/claims") => Some(json!({ "claims": [] })),
        ("POST", "/dry-run") => Some(json!({ "client_id": "demo-printer", "account": "alice" })),
        ("POST", "/keys") => Some(json!({ "jwk": own_key() })),
        ("POST", "/keys/rotate") => Some(json!({ "alg": "ES256" })),
        ("POST", "/accounts") => Some(json!({ "username": "carol" })),
        ("PUT", "/accounts/local:alice/groups") => Some(json!({ "groups": [] })),
        ("POST", "/tokens") => Some(json!({ "id": "ci", "owner": "Team", "scopes": ["read"] })),
        ("POST", "/access-requests/okta/grant") => {
            Some(json!({ "owner": "Alice", "expires_at": "2099-12-01T00:00:00Z" }))
        }
        ("POST", "/invitations" | "/exceptions") | ("PUT", "/exceptions/okta") => Some(json!({})),
        ("PUT", "/policy") => Some(json!({ "default": "enforced", "reason": "A test" })),
        ("POST", "/policy/what-if") => Some(json!({ "request": {} })),
        ("POST", "/policy/rollback") => Some(json!({ "version": 1, "reason": "A test" })),
        ("POST", "/exceptions/okta/renew") => {
            Some(json!({ "reason": "Another", "expires_at": "2027-01-01T00:00:00Z" }))
        }
        ("POST", "/kill-switches") => {
            let until = "2026-12-01T00:00:00Z";
            Some(json!({ "id": "stop", "target": { "client": "x" }, "reason": "A test", "until": until }))
        }
        ("POST", "/destinations") | ("PUT", "/destinations/okta") => {
            Some(json!({ "id": "okta", "kind": "webhook", "url": "https://siem.example/" }))
        }
        ("POST", "/devices/end" | "/sessions/end") => Some(json!({ "asn": 1 })),
        _ => None,
    }
}

fn own_key() -> Value {
    let number = encode(&[9; 32]);
    json!({ "kty": "EC", "crv": "P-256", "x": number, "y": number, "d": number, "alg": "ES256" })
}

/// Checks a response against what the document says about its status.
fn assert_described(document: &Value, operation: &Value, response: &Response, what: &str) {
    let reference = operation["responses"][response.status.to_string()]["$ref"].as_str();
    let reference = reference.unwrap_or_else(|| panic!("{what}: the document has no {}", response.status));
    let described = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();

    for (name, header) in described["headers"].as_object().unwrap() {
        let value = response.header(&name.to_lowercase()).unwrap_or_else(|| panic!("{what}: no {name}"));
        assert_eq!(header["schema"]["type"], "integer");
        value.parse::<u64>().unwrap();
    }
    let (media_type, content) = described["content"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(response.header("content-type"), Some(media_type.as_str()), "{what}");
    let schema = document.pointer(content["schema"]["$ref"].as_str().unwrap().strip_prefix('#').unwrap());
    assert_matches_schema(&crate::support::json(response), schema.unwrap(), what);
    let kind = format!("{}/admin/api/openapi.json{reference}", crate::support::ISSUER);
    assert_eq!(crate::support::json(response)["type"], kind.as_str(), "{what}");
}

/// Checks a value against a schema. Knows only the part of JSON Schema that the type of a problem uses.
fn assert_matches_schema(value: &Value, schema: &Value, what: &str) {
    assert_eq!((&schema["type"], &schema["additionalProperties"]), (&json!("object"), &json!(false)));
    let members = value.as_object().unwrap();
    for name in schema["required"].as_array().unwrap() {
        assert!(members.contains_key(name.as_str().unwrap()), "{what}: no {name}");
    }
    for (name, member) in members {
        let fits = match schema["properties"][name]["type"].as_str() {
            Some("string") => member.is_string(),
            Some("integer") => member.is_u64(),
            other => panic!("{what}: {name} is {other:?}"),
        };
        assert!(fits, "{what}: {name} is {member}");
    }
}

#[test]
fn without_the_registry_every_operation_on_it_is_503_and_says_when_to_try_again() {
    let world = World::new();
    let document = document(&world);
    world.set_down("registry", true);
    let mut tried = 0;

    // The document itself and the settings are served without the registry, reports of outboxes and events come from ledgers,
    // alerts, usage, reports and destinations from the object that counts, and the doctor says what it cannot reach.
    let elsewhere = [
        "/openapi.json",
        "/outboxes",
        "/alerts",
        "/usage",
        "/policy/report",
        "/overview",
        "/settings",
        "/events",
        "/events/export",
        "/events/weur%2F3%2F17",
        "/ledger/verification",
        "/doctor",
    ];
    for (method, path, operation) in operations(&document).into_iter().filter(|(_, path, _)| {
        !elsewhere.contains(&path.as_str())
            && !path.starts_with("/alerts/")
            && !path.starts_with("/destinations")
            && !is_of_shards(path)
    }) {
        let response = Admin(&world).ask(&method, &path, Some("*"), body(&method, &path).as_ref());
        let what = format!("{method} {path}");
        assert_eq!(response.status, 503, "{what}: {}", response.body);
        assert_described(&document, operation, &response, &what);
        tried += 1;
    }

    assert_eq!(tried, 60);
    world.set_down("registry", false);
    assert_eq!(Admin(&world).get("/clients/demo-printer").status, 200, "nothing has changed");
    assert_eq!(Admin(&world).get("/clients/newcomer").status, 404, "nothing has changed");
}

#[test]
fn without_the_object_that_counts_every_operation_on_destinations_is_503() {
    let world = World::new();
    let document = document(&world);
    world.set_down("counts", true);
    let mut tried = 0;

    for (method, path, operation) in
        operations(&document).into_iter().filter(|(_, path, _)| path.starts_with("/destinations"))
    {
        let response = Admin(&world).ask(&method, &path, Some("*"), body(&method, &path).as_ref());
        let what = format!("{method} {path}");
        assert_eq!(response.status, 503, "{what}: {}", response.body);
        assert_described(&document, operation, &response, &what);
        tried += 1;
    }

    assert_eq!(tried, 11);
}

#[test]
fn without_the_shards_of_accounts_every_operation_on_them_is_503_and_says_when_to_try_again() {
    let world = World::new();
    let document = document(&world);
    world.set_down("accounts", true);
    let mut tried = 0;

    for (method, path, operation) in operations(&document)
        .into_iter()
        .filter(|(_, path, _)| is_of_shards(path) && !path.starts_with("/grants"))
    {
        let response = Admin(&world).ask(&method, &path, Some("*"), body(&method, &path).as_ref());
        let what = format!("{method} {path}");
        assert_eq!(response.status, 503, "{what}: {}", response.body);
        assert_described(&document, operation, &response, &what);
        tried += 1;
    }

    assert_eq!(tried, 15);
}

#[test]
fn without_the_shards_of_codes_every_operation_on_them_is_503_and_says_when_to_try_again() {
    let world = World::new();
    let document = document(&world);
    world.set_down("grants", true);
    let mut tried = 0;

    for (method, path, operation) in
        operations(&document).into_iter().filter(|(_, path, _)| path.starts_with("/grants"))
    {
        let path = path.replace("okta", &encode(&[0; 18]));
        let response = Admin(&world).ask(&method, &path, None, None);
        let what = format!("{method} {path}");
        assert_eq!(response.status, 503, "{what}: {}", response.body);
        assert_described(&document, operation, &response, &what);
        tried += 1;
    }

    assert_eq!(tried, 2);
}

#[test]
fn without_the_limiter_no_token_is_looked_at_and_every_operation_is_503() {
    let world = World::new();
    let document = document(&world);
    world.set_down("limits", true);

    for (method, path, operation) in operations(&document) {
        let authorization = Some(format!("Bearer {DEVELOPMENT_ADMIN_TOKEN}"));
        let address = format!("/admin/api{path}");
        let response = world.send(&Request { method: method.clone(), path: address, authorization, ..get() });
        let what = format!("{method} {path}");
        assert_eq!(response.status, 503, "{what}: {}", response.body);
        assert_described(&document, operation, &response, &what);
    }
}
