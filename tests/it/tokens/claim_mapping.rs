//! Claim mapping rules of clients and scopes.

use device_grant::endpoint::http::{Request, Response};
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use serde_json::{Value, json};

use super::{id_of, start_tv};
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, claims, get, json};

/// Sends a request to the admin API.
pub(super) fn admin(world: &World, method: &str, path: &str, body: &Value) -> Response {
    world.send(&Request {
        method: method.to_owned(),
        path: format!("/admin/api{path}"),
        authorization: Some(format!("Bearer {DEVELOPMENT_ADMIN_TOKEN}")),
        content_type: Some("application/json".to_owned()),
        body: Some(body.to_string().into_bytes()),
        ..get()
    })
}

/// Returns a server with claim mapping rules on `demo-tv` and on the scope `profile`.
pub(super) fn with_rules() -> World {
    let world = World::new();
    let rules = json!([
        { "claim": "groups", "from": "account.groups", "into": ["access_token", "userinfo"] },
        { "claim": "email", "as": "mail" },
        { "drop": "name" },
    ]);
    world.change_client("demo-tv", |client| {
        client.tokens.claims = serde_json::from_value(rules).expect("the rules are valid");
    });
    let mapped = json!({ "claims": [{ "claim": "tier", "value": "gold" }] });
    assert_eq!(admin(&world, "PUT", "/scopes/profile/claims", &mapped).status, 200);
    world.wait(10);
    world
}

#[test]
fn claims_are_mapped_in_every_token_and_in_userinfo() {
    let world = with_rules();
    let started = start_tv(&world, &[]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let tokens = json(&world.poll(&started.device_code));
    let access = tokens.get("access_token").and_then(Value::as_str).expect("a token");

    let id = id_of(&world.poll(&{
        let again = start_tv(&world, &[]);
        Person::of(&world).approve_as("alice", "wonderland-8787", &again.user_code);
        again.device_code
    }));
    assert_eq!(
        (id.get("mail"), id.get("email"), id.get("name")),
        (Some(&json!("alice@example.com")), None, None)
    );
    assert_eq!((id.get("tier"), id.get("groups")), (Some(&json!("gold")), None));
    let claims = claims(access);
    assert_eq!((claims.get("groups"), claims.get("mail")), (Some(&json!(["local:developers"])), None));
    assert_eq!(claims.get("tier"), Some(&json!("gold")));
    let authorization = Some(format!("Bearer {access}"));
    let userinfo = json(&world.send(&Request { authorization, path: "/userinfo".to_owned(), ..get() }));
    assert_eq!(
        (userinfo.get("groups"), userinfo.get("mail")),
        (Some(&json!(["local:developers"])), Some(&json!("alice@example.com")))
    );
}

#[test]
fn a_faulty_rule_of_a_scope_is_refused_when_it_is_saved() {
    let world = World::new();
    let put = |scope: &str, claims: Value| {
        admin(&world, "PUT", &format!("/scopes/{scope}/claims"), &json!({ "claims": claims }))
    };

    let response = put("profile", json!([{ "claim": "sub", "value": "root" }]));
    assert_eq!(response.status, 422);
    assert!(response.body.contains("the claim sub is reserved"), "{}", response.body);
    assert_eq!(put("fly", json!([])).status, 404, "the scope does not exist");

    let rules = json!([{ "claim": "tier", "value": "gold" }]);
    assert_eq!(put("profile", rules.clone()).status, 200);
    let read = || json(&admin(&world, "GET", "/scopes/profile/claims", &json!({})));
    assert_eq!(read(), json!({ "claims": rules }));
    assert_eq!(put("profile", json!([])).status, 200);
    assert_eq!(read(), json!({ "claims": [] }));
}

#[test]
fn rules_that_would_make_tokens_too_large_are_refused_when_they_are_saved() {
    let world = World::new();
    let rule = |claim: &str| json!({ "claim": claim, "value": "x".repeat(1_000) });
    let on_scope = |scope: &str, claims: &[&str]| {
        let rules: Vec<Value> = claims.iter().map(|claim| rule(claim)).collect();
        admin(&world, "PUT", &format!("/scopes/{scope}/claims"), &json!({ "claims": rules }))
    };
    let create = |client_id: &str, scope: &str, rules: Value| {
        let client = json!({ "client_id": client_id, "client_name": "TV", "scope": scope, "claims": rules,
            "token_endpoint_auth_method": "none", "grant_types": [DEVICE_CODE] });
        admin(&world, "POST", "/clients", &client)
    };
    assert_eq!(on_scope("email", &["a", "b"]).status, 200);
    assert_eq!(create("light", "openid email", json!([rule("c")])).status, 201);

    let heavy = create("heavy", "openid email", json!([rule("c"), rule("d")]));
    assert_eq!(heavy.status, 422, "together with the rules of its scope they are too large");
    assert!(heavy.body.contains("the limit is 4096"), "{}", heavy.body);
    assert_eq!(
        create("heavy", "openid", json!([rule("c"), rule("d")])).status,
        201,
        "without the scope they fit"
    );
    let scope = on_scope("email", &["a", "b", "c"]);
    assert_eq!(scope.status, 422, "the rules of a client with this scope would be too large");
    assert!(scope.body.contains("light"), "{}", scope.body);
    assert_eq!(admin(&world, "PUT", "/scopes/fly", &json!({ "description": "Fly" })).status, 201);
    assert_eq!(on_scope("fly", &["a", "b", "c"]).status, 200, "no client has this scope");
    let lists: Vec<Value> =
        (0..14).map(|claim| json!({ "claim": claim.to_string(), "from": "account.groups" })).collect();
    assert_eq!(create("lists", "openid", lists.into()).status, 422, "a list of groups can be long");
}

#[test]
fn a_faulty_rule_of_a_client_is_refused_when_it_is_saved() {
    let world = World::new();
    let register = |claims: Value| {
        let client = json!({ "client_id": "mapped", "client_name": "Mapped", "claims": claims });
        admin(&world, "POST", "/clients", &client)
    };

    let response =
        register(json!([{ "drop": "name" }, { "claim": "aud", "from": "account.groups" }, { "into": [] }]));
    assert_eq!(response.status, 422, "{}", response.body);
    let errors = json(&response);
    assert_eq!(errors.pointer("/errors/0/pointer"), Some(&json!("/claims/1")), "{errors}");
    assert_eq!(errors.pointer("/errors/1/pointer"), Some(&json!("/claims/2")), "{errors}");
    assert!(response.body.contains("the claim aud is reserved"));

    let rules = json!([{ "claim": "roles", "from": "account.groups" }]);
    let response = register(rules.clone());
    assert_eq!(response.status, 201, "{}", response.body);
    assert_eq!(json(&response).get("claims"), Some(&rules));
}

#[test]
fn the_claim_mapping_of_a_scope_is_deleted_with_it() {
    let world = World::new();
    let described = json!({ "description": "Watch films" });
    let mapped = json!({ "claims": [{ "claim": "films", "value": true }] });
    assert_eq!(admin(&world, "PUT", "/scopes/films", &described).status, 201);
    assert_eq!(admin(&world, "PUT", "/scopes/films/claims", &mapped).status, 200);

    assert_eq!(admin(&world, "DELETE", "/scopes/films", &json!({})).status, 204);
    assert_eq!(admin(&world, "GET", "/scopes/films/claims", &json!({})).status, 404);
    admin(&world, "PUT", "/scopes/films", &described);

    let again = json(&admin(&world, "GET", "/scopes/films/claims", &json!({})));
    assert_eq!(again, json!({ "claims": [] }), "the rules of the deleted scope are gone");
}
