//! The dry run of a login: which tokens it would issue, or where it would be refused.

use serde_json::{Value, json};

use super::claim_mapping::{admin, with_rules};
use super::{EVERY_SCOPE, start_tv};
use crate::support::person::Person;
use crate::support::{World, claims, json};

/// Dry-runs a login through the admin API. The server must accept the request.
fn dry_run(world: &World, trial: &Value) -> Value {
    let response = admin(world, "POST", "/dry-run", trial);
    assert_eq!(response.status, 200, "{}", response.body);
    json(&response)
}

#[test]
fn a_dry_run_shows_what_would_be_issued_and_issues_nothing() {
    let world = with_rules();
    let trial = json!({ "client_id": "demo-tv", "account": "alice", "scope": EVERY_SCOPE });
    let shown = dry_run(&world, &trial);

    let started = start_tv(&world, &[]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let tokens = json(&world.poll(&started.device_code));
    for name in ["access_token", "id_token"] {
        let mut real = claims(tokens.get(name).and_then(Value::as_str).expect("a token"));
        for made in ["jti", "sid", "at_hash"] {
            real.as_object_mut().expect("claims").remove(made);
        }
        assert_eq!(shown.get(name), Some(&real));
    }
    assert_eq!(shown.get("scope"), tokens.get("scope"));
    assert_eq!(shown.pointer("/userinfo/mail"), Some(&json!("alice@example.com")));
    assert_eq!((shown.get("allowed"), shown.get("refresh_token")), (Some(&json!(true)), Some(&json!(true))));
    assert_eq!(world.grants().len(), 1, "only the real login stored a grant");
}

#[test]
fn a_dry_run_says_where_and_why_it_would_be_refused() {
    let world = World::new();
    let trial = |more: Value| {
        let mut trial = json!({ "client_id": "demo-tv", "account": "bob" });
        trial.as_object_mut().expect("a trial").extend(more.as_object().expect("members").clone());
        dry_run(&world, &trial)
    };
    assert_eq!(trial(json!({})).get("scope"), Some(&json!("email openid profile")));
    let refused = |at: &str, reason: &str| json!({ "allowed": false, "at": at, "reason": reason });

    assert_eq!(trial(json!({ "scope": "admin" })), refused("device_authorization", "no_scope_left"));
    for elsewhere in [json!("https://evil.example"), json!(["https://evil.example"])] {
        let elsewhere = json!({ "resource": elsewhere });
        assert_eq!(trial(elsewhere), refused("device_authorization", "target_not_allowed"));
    }
    world.set_blocked("local:bob", true);
    assert_eq!(trial(json!({})), refused("sign_in", "account_blocked"));
    world.change_client("demo-tv", |client| client.enabled = false);
    assert_eq!(trial(json!({})), refused("device_authorization", "client_disabled"));
}

#[test]
fn a_dry_run_without_a_known_client_and_account_is_a_problem() {
    let world = World::new();
    for (trial, pointer) in [
        (json!({ "client_id": "none", "account": "alice" }), "/client_id"),
        (json!({ "client_id": "demo-tv", "account": "carol" }), "/account"),
        (json!({ "client_id": "demo-tv", "account": "alice", "scope": "a\"b" }), "/scope"),
        (json!({ "client_id": "demo-tv" }), "/account"),
        (json!({ "client_id": "demo-tv", "account": "alice", "password": "x" }), "/password"),
        (json!({ "client_id": "demo-tv", "account": "alice", "resource": [7] }), "/resource/0"),
    ] {
        let response = admin(&world, "POST", "/dry-run", &trial);
        assert_eq!(response.status, 422, "{}", response.body);
        assert_eq!(json(&response).pointer("/errors/0/pointer"), Some(&json!(pointer)), "{}", response.body);
    }
}

#[test]
fn a_dry_run_asks_the_policy_which_refuses_only_what_it_refuses_in_any_case() {
    let world = World::new();
    let staff = json!({ "groups": ["local:developers"], "device": { "countries": ["DE"] } });
    world.set_policy(&json!({ "default": "enforced", "rules": [
        { "id": "staff", "description": "x", "effect": "allow", "when": staff },
        { "id": "short", "description": "x", "effect": "limit", "limit": { "scope": "openid", "access_token_lifetime": 60 } },
    ] }));
    let trial = |account: &str| dry_run(&world, &json!({ "client_id": "demo-tv", "account": account }));

    // Where the device is nobody knows, so Alice, who is a developer, could be allowed.
    let alice = trial("alice");
    assert_eq!((alice.get("allowed"), alice.get("scope")), (Some(&json!(true)), Some(&json!("openid"))));
    let time = |name: &str| alice.pointer(&format!("/access_token/{name}")).and_then(Value::as_u64);
    assert_eq!(time("exp").zip(time("iat")).map(|(exp, iat)| exp - iat), Some(60));
    let refused = json!({ "allowed": false, "at": "approval", "reason": "policy", "decided_by": "default" });
    assert_eq!(trial("bob"), refused);
}
