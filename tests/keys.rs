//! Signing keys through the whole server: their schedule, and what an operator does with them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "an answer of another shape fails its test"
)]

mod support;

use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::encode;
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use device_grant::token::key::Algorithm;
use serde_json::{Value, json};
use support::{World, get, header, json as body};

const DAY: u64 = 86_400;

fn ask(world: &World, method: &str, path: &str, request: Option<&Value>) -> Response {
    let authorization = Some(format!("Bearer {DEVELOPMENT_ADMIN_TOKEN}"));
    let content_type = request.map(|_| "application/json".to_owned());
    let body = Some(request.map(|json| json.to_string().into_bytes()).unwrap_or_default());
    let path = format!("/admin/api/keys{path}");
    world.send(&Request { method: method.to_owned(), path, authorization, content_type, body, ..get() })
}

/// The states of the keys for ES256, oldest first.
fn states(world: &World) -> Vec<String> {
    let mut keys = views(world);
    keys.retain(|key| key["alg"] == "ES256");
    keys.sort_by_key(|key| key["signs_from"].as_u64());
    keys.iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
}

fn views(world: &World) -> Vec<Value> {
    body(&ask(world, "GET", "", None))["keys"].as_array().unwrap().clone()
}

fn kids(response: &Response) -> Vec<String> {
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    body(response)["keys"].as_array().unwrap().iter().map(kid).collect()
}

fn published(world: &World) -> Vec<String> {
    let response = world.get("/jwks.json");
    assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
    kids(&response)
}

/// A new sign-in's access token; its key is published.
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

// --- The schedule ---

#[test]
fn a_key_signs_for_its_days_its_successor_is_published_a_day_before_and_it_verifies_a_week_longer() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    world.wait(89 * DAY - 1);
    assert_eq!(states(&world), ["active"]);

    world.wait(1);
    assert_eq!(states(&world), ["active", "announced"]);
    assert_eq!(kid_of(&issue(&world)), first);
    let next = views(&world).into_iter().find(|key| key["state"] == "announced" && key["alg"] == "ES256");
    let next = next.unwrap()["kid"].as_str().unwrap().to_owned();
    assert!(published(&world).contains(&next), "before its first use");

    world.wait(DAY - 1);
    let last = issue(&world);
    assert_eq!(kid_of(&last), first);
    world.wait(1);
    assert_eq!(kid_of(&issue(&world)), next);
    assert_eq!(userinfo(&world, &last), 200, "what it signed last is good");
    assert_eq!(states(&world), ["verifying", "active"]);
    world.wait(7 * DAY - 1);
    assert!(published(&world).contains(&first), "long after its last use");
    world.wait(1);
    assert!(!published(&world).contains(&first));
    world.wait(3_600);
    assert_eq!(states(&world), ["active"], "and then it is gone");
}

#[test]
fn without_a_schedule_a_key_signs_until_an_operator_says_otherwise() {
    let world = World::with(&[("SIGNING_KEY_ROTATION_DAYS", "0")]);
    let first = kid_of(&issue(&world));

    world.wait(3_650 * DAY);

    assert_eq!(kid_of(&issue(&world)), first);
}

#[test]
fn an_algorithm_has_a_key_as_soon_as_a_client_is_registered_with_it() {
    let world = World::new();
    let algorithms = |world: &World| {
        let keys = body(&world.get("/jwks.json"))["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["alg"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut first = algorithms(&world);
    first.sort();
    assert_eq!(first, ["ES256", "RS256"]);

    world.change_client("demo-tv", |client| {
        client.access_token_signed_response_alg = Algorithm::EdDsa;
        client.id_token_signed_response_alg = Algorithm::Ps512;
    });
    world.wait(2);

    assert_eq!(algorithms(&world).len(), 4);
    assert_eq!(header(&issue(&world))["alg"], "EdDSA");
}

// --- Rotate ---

#[test]
fn a_rotation_publishes_the_next_key_for_ten_minutes_before_it_signs() {
    let world = World::new();
    let first = kid_of(&issue(&world));

    let rotated = ask(&world, "POST", "/rotate", Some(&json!({ "alg": "ES256" })));

    assert_eq!((rotated.status, kids(&rotated).len()), (200, 3), "RS256 keeps its one");
    assert_eq!(published(&world).len(), 3);
    world.wait(599);
    assert_eq!(kid_of(&issue(&world)), first);
    world.wait(1);
    assert_ne!(kid_of(&issue(&world)), first);
    assert_eq!(states(&world), ["verifying", "active"]);
}

#[test]
fn a_rotation_at_once_and_of_all_needs_no_body_but_that_word() {
    let world = World::new();
    let before = issue(&world);
    world.wait(1);

    ask(&world, "POST", "/rotate", Some(&json!({ "at_once": true })));

    let after = issue(&world);
    assert_ne!(kid_of(&before), kid_of(&after));
    assert_eq!((userinfo(&world, &before), userinfo(&world, &after)), (200, 200));
    assert_eq!(published(&world).len(), 4);
}

#[test]
fn a_rotation_brings_forward_what_is_announced_and_makes_no_third_key() {
    let world = World::new();
    issue(&world);
    world.wait(89 * DAY);
    assert_eq!(states(&world), ["active", "announced"]);

    ask(&world, "POST", "/rotate", None);
    ask(&world, "POST", "/rotate", None);

    assert_eq!(states(&world), ["active", "announced"]);
    world.wait(600);
    assert_eq!(states(&world), ["verifying", "active"]);
}

// --- Retire ---

#[test]
fn a_retired_key_is_gone_at_once_and_its_tokens_with_it_and_another_signs() {
    let world = World::new();
    let access = issue(&world);
    let kid = kid_of(&access);
    assert_eq!(userinfo(&world, &access), 200);
    world.wait(1);

    let retired = ask(&world, "POST", &format!("/{kid}/retire"), None);

    assert_eq!(retired.status, 200);
    assert_eq!(userinfo(&world, &access), 401, "forged or not, nobody can tell any more");
    assert!(!published(&world).contains(&kid));
    assert_ne!(kid_of(&issue(&world)), kid);
    assert_eq!(states(&world), ["retired", "active"]);
    assert_eq!(ask(&world, "POST", &format!("/{kid}/retire"), None).status, 200, "it is already");
}

#[test]
fn a_retirement_between_approval_and_redemption_counts() {
    let world = World::new();
    let kid = kid_of(&issue(&world));
    let started = world.approved();

    ask(&world, "POST", &format!("/{kid}/retire"), None);

    let tokens = body(&world.poll(&started.device_code));
    let access = tokens["access_token"].as_str().unwrap();
    assert_ne!(kid_of(access), kid);
    assert_eq!(userinfo(&world, access), 200);
}

#[test]
fn another_isolate_signs_with_no_retired_key_and_refuses_its_tokens_within_a_second() {
    let world = World::new();
    let access = issue(&world);
    let kid = kid_of(&access);
    let started = world.approved();

    // As by another isolate: this one does not know.
    world.retire_elsewhere(&kid);

    let tokens = body(&world.poll(&started.device_code));
    assert_ne!(kid_of(tokens["access_token"].as_str().unwrap()), kid, "redemption reads at the source");
    world.wait(1);
    assert_eq!(userinfo(&world, &access), 401);
    assert!(!published(&world).contains(&kid));
}

#[test]
fn a_key_that_verifies_or_is_announced_can_be_retired_too() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    world.wait(1);
    ask(&world, "POST", "/rotate", Some(&json!({ "alg": "ES256", "at_once": true })));
    world.wait(1);
    ask(&world, "POST", "/rotate", Some(&json!({ "alg": "ES256" })));
    let announced = views(&world).into_iter().find(|key| key["state"] == "announced").unwrap();

    ask(&world, "POST", &format!("/{first}/retire"), None);
    ask(&world, "POST", &format!("/{}/retire", announced["kid"].as_str().unwrap()), None);

    assert_eq!(states(&world), ["retired", "active", "retired"]);
    assert_eq!(ask(&world, "POST", "/unknown/retire", None).status, 404);
}

// --- Bring ---

fn own_key(fill: u8) -> Value {
    let number = encode(&[fill; 32]);
    json!({ "kty": "EC", "crv": "P-256", "x": number, "y": number, "d": number, "alg": "ES256" })
}

#[test]
fn an_operators_own_key_is_published_then_signs_and_is_not_replaced_by_the_clock() {
    let world = World::new();
    let first = kid_of(&issue(&world));

    let brought = ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9) })));

    assert_eq!(brought.status, 201, "{}", brought.body);
    assert_eq!(
        (body(&brought)["imported"].clone(), body(&brought)["state"].clone()),
        (json!(true), json!("announced"))
    );
    assert!(!brought.body.contains("\"d\"") && !brought.body.contains("wrapped"));
    let kid = body(&brought)["kid"].as_str().unwrap().to_owned();
    assert!(published(&world).contains(&kid));
    assert_eq!(kid_of(&issue(&world)), first);
    world.wait(600);
    world.wait(1_000 * DAY);
    let signing = views(&world).into_iter().find(|key| key["alg"] == "ES256" && key["state"] == "active");
    assert_eq!(signing.unwrap()["kid"], kid.as_str());
}

#[test]
fn an_operators_own_key_takes_the_place_of_one_that_is_announced() {
    let world = World::new();
    issue(&world);
    world.wait(89 * DAY);
    assert_eq!(states(&world), ["active", "announced"]);

    ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9), "at_once": true })));

    assert_eq!(states(&world), ["verifying", "active"]);
}

#[test]
fn a_key_comes_once_and_never_again_after_it_was_retired() {
    let world = World::new();
    let bring = || ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9), "at_once": true })));
    let kid = body(&bring())["kid"].as_str().unwrap().to_owned();

    let again = bring();
    assert_eq!((again.status, again.body.contains("here already")), (409, true));
    ask(&world, "POST", &format!("/{kid}/retire"), None);
    let again = bring();
    assert_eq!((again.status, again.body.contains("retired")), (409, true));
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
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
        assert!(!refused.body.contains(&encode(&[9; 32])), "no key is quoted");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_what_was_sent_and_what_is_allowed() {
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
fn a_parameter_that_is_not_known_is_refused_and_nothing_is_done() {
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

// --- Out of reach ---

#[test]
fn while_the_registry_is_out_of_reach_what_it_published_last_still_verifies() {
    let world = World::new();
    let access = issue(&world);
    world.publish();
    world.wait(60);

    world.set_down("registry", true);

    assert!(published(&world).contains(&kid_of(&access)));
    assert_eq!(userinfo(&world, &access), 200);
}
