//! Requests about keys that are refused.

use device_grant::endpoint::http::Request;
use device_grant::secret::encode;
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use serde_json::json;

use super::{ask, issue, views};
use crate::support::{World, get, json as body, own_key};

#[test]
fn a_bad_request_is_refused_and_its_fault_located() {
    let world = World::new();
    for (path, request, pointer) in [
        ("", json!({}), "/jwk"),
        ("", json!({ "jwk": { "kty": "oct", "k": "AA" } }), "/jwk"),
        ("", json!({ "jwk": own_key(9), "alg": "RS256" }), "/jwk"),
        ("", json!({ "jwk": own_key(9), "alg": "HS256" }), "/alg"),
        ("", json!({ "jwk": own_key(9), "at_once": "yes" }), "/at_once"),
        ("", json!({ "jwk": own_key(9), "now": true }), "/now"),
        ("", json!({ "jwk": own_key(9).to_string() }), "/jwk"),
        ("", json!({ "jwk": own_key(9), "alg": null, "kid": own_key(9) }), "/kid"),
        ("", own_key(9), "/jwk"),
        ("/rotate", json!({ "alg": 7 }), "/alg"),
        ("/rotate", json!({ "kid": "x" }), "/kid"),
    ] {
        let refused = ask(&world, "POST", path, Some(&request));
        assert_eq!(refused.status, 422, "{request}: {}", refused.body);
        assert_eq!(body(&refused)["errors"][0]["pointer"], pointer, "{}", refused.body);
        assert!(!refused.body.contains(&encode(&[9; 32])), "the response does not repeat the key");
    }
}

#[test]
fn all_faults_are_reported_at_once_with_what_was_sent_and_what_is_allowed() {
    let world = World::new();

    let request = json!({ "jwk": { "kty": "oct" }, "at_once": "yes", "now": true });
    let refused = body(&ask(&world, "POST", "", Some(&request)));

    let errors = refused["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/at_once", "/jwk", "/now"]);
    assert_eq!(errors[0]["detail"], "at_once is \"yes\": it must be true or false");
    let refused = body(&ask(&world, "POST", "/rotate", Some(&json!({ "alg": "HS256", "at_once": 1 }))));
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("alg is \"HS256\": it must be one of ES256, "), "{detail}");
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn an_unknown_parameter_is_refused_and_changes_nothing() {
    let world = World::new();
    issue(&world);
    let before = views(&world);

    for (method, path, request) in [
        ("GET", "", None),
        ("POST", "", Some(json!({ "jwk": own_key(9) }))),
        ("POST", "/rotate", None),
        ("POST", "/any/retire", None),
    ] {
        let authorization = Some(format!("Bearer {DEVELOPMENT_ADMIN_TOKEN}"));
        let refused = world.send(&Request {
            method: method.to_owned(),
            path: format!("/admin/api/keys{path}"),
            query: "dry_run=true".to_owned(),
            authorization,
            content_type: Some("application/json".to_owned()),
            body: Some(request.map(|json| json.to_string().into_bytes()).unwrap_or_default()),
            ..get()
        });
        assert_eq!(refused.status, 422, "{method} {path}: {}", refused.body);
        assert_eq!(body(&refused)["errors"][0]["pointer"], "/dry_run", "{}", refused.body);
    }

    assert_eq!(views(&world), before);
}
