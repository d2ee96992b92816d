//! Signing keys through the whole server: their schedule, and what an operator does with them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "an answer of another shape fails its test"
)]

use crate::support::{World, get, header, json as body, own_key};
use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::encode;
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use device_grant::token::signing_key::Algorithm;
use proptest::prelude::*;
use serde_json::{Value, json};

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
    keys.sort_by_key(|key| key["signs_from"].as_u64().unwrap_or(u64::MAX));
    keys.iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
}

/// The key for ES256 that signs next.
fn next(world: &World) -> String {
    let mut keys = views(world);
    keys.retain(|key| key["alg"] == "ES256" && key["state"] == "announced");
    let next = keys.iter().min_by_key(|key| key["signs_from"].as_u64().unwrap_or(u64::MAX)).unwrap();
    next["kid"].as_str().unwrap().to_owned()
}

/// The key for ES256 that signs.
fn signing(world: &World) -> String {
    let keys = views(world);
    let mut active = keys.iter().filter(|key| key["alg"] == "ES256" && key["state"] == "active");
    let kid = active.next().unwrap()["kid"].as_str().unwrap().to_owned();
    assert!(active.next().is_none(), "one signs");
    kid
}

fn rotate(world: &World, at_once: bool) {
    let rotated = ask(world, "POST", "/rotate", Some(&json!({ "alg": "ES256", "at_once": at_once })));
    assert_eq!(rotated.status, 200, "{}", rotated.body);
}

fn retire(world: &World, kid: &str) {
    assert_eq!(ask(world, "POST", &format!("/{kid}/retire"), None).status, 200);
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
fn a_key_signs_for_its_days_its_successor_is_published_from_the_start_and_it_verifies_a_week_longer() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let second = next(&world);
    assert_eq!(states(&world), ["active", "announced"]);
    assert!(published(&world).contains(&second), "long before its first use");
    world.wait(89 * DAY - 1);
    assert_eq!(states(&world), ["active", "announced"]);

    world.wait(1);
    assert_eq!(states(&world), ["active", "announced", "announced"], "the turn of the second is near");
    assert_eq!(next(&world), second);
    assert_eq!(kid_of(&issue(&world)), first);

    world.wait(DAY - 1);
    let last = issue(&world);
    assert_eq!(kid_of(&last), first);
    world.wait(1);
    assert_eq!(kid_of(&issue(&world)), second);
    assert_eq!(userinfo(&world, &last), 200, "what it signed last is good");
    assert_eq!(states(&world), ["verifying", "active", "announced"]);
    world.wait(7 * DAY - 1);
    assert!(published(&world).contains(&first), "long after its last use");
    world.wait(1);
    assert!(!published(&world).contains(&first));
    world.wait(3_600);
    assert_eq!(states(&world), ["active", "announced"], "and then it is gone");
}

#[test]
fn without_a_schedule_a_key_signs_until_an_operator_says_otherwise() {
    let world = World::with(&[("SIGNING_KEY_ROTATION_DAYS", "0")]);
    let first = kid_of(&issue(&world));

    let standby = next(&world);
    world.wait(3_650 * DAY);

    assert_eq!(kid_of(&issue(&world)), first);
    assert_eq!((states(&world), next(&world)), (vec!["active".to_owned(), "announced".to_owned()], standby));
    let shown = views(&world).into_iter().find(|key| key["state"] == "announced").unwrap();
    assert!(shown.get("signs_from").is_none(), "nobody knows when: {shown}");
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
    assert_eq!(first, ["ES256", "ES256", "RS256", "RS256"], "one signs, one stands by");

    world.change_client("demo-tv", |client| {
        client.access_token_signed_response_alg = Algorithm::EdDsa;
        client.id_token_signed_response_alg = Algorithm::Ps512;
    });
    world.wait(2);

    assert_eq!(algorithms(&world).len(), 8);
    assert_eq!(header(&issue(&world))["alg"], "EdDSA");
}

// --- Rotate ---

#[test]
fn a_rotation_waits_until_the_next_key_has_been_published_for_ten_minutes() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let standby = next(&world);

    let rotated = ask(&world, "POST", "/rotate", Some(&json!({ "alg": "ES256" })));

    assert_eq!((rotated.status, kids(&rotated).len()), (200, 5), "RS256 keeps its two");
    assert_eq!(published(&world).len(), 5);
    world.wait(599);
    assert_eq!(kid_of(&issue(&world)), first);
    world.wait(1);
    assert_eq!(kid_of(&issue(&world)), standby);
    assert_eq!(states(&world), ["verifying", "active", "announced"]);
}

#[test]
fn a_rotation_to_a_key_that_was_published_long_ago_needs_no_wait() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let standby = next(&world);
    world.wait(600);

    rotate(&world, false);

    assert_ne!(first, standby);
    assert_eq!(kid_of(&issue(&world)), standby);
    assert_eq!(states(&world), ["verifying", "active", "announced"], "the next one stands by");
    rotate(&world, false);
    rotate(&world, false);
    assert_eq!(kid_of(&issue(&world)), standby);
    assert_eq!(states(&world), ["verifying", "active", "announced", "announced"], "that one waits");
}

#[test]
fn a_rotation_at_once_and_of_all_needs_no_body_but_that_word() {
    let world = World::new();
    let before = issue(&world);
    let standby = next(&world);
    world.wait(1);

    ask(&world, "POST", "/rotate", Some(&json!({ "at_once": true })));

    let after = issue(&world);
    assert_ne!(kid_of(&before), kid_of(&after));
    assert_eq!(kid_of(&after), standby, "what was published already");
    assert_eq!((userinfo(&world, &before), userinfo(&world, &after)), (200, 200));
    assert_eq!(published(&world).len(), 6);
}

#[test]
fn a_rotation_brings_the_turn_of_the_schedule_forward() {
    let world = World::new();
    issue(&world);
    let standby = next(&world);
    world.wait(89 * DAY);
    assert_eq!(states(&world), ["active", "announced", "announced"]);

    ask(&world, "POST", "/rotate", None);

    assert_eq!(kid_of(&issue(&world)), standby);
    assert_eq!(states(&world), ["verifying", "active", "announced"]);
    world.wait(89 * DAY - 1);
    assert_eq!(states(&world).len(), 2, "and the next turn is counted from there");
    world.wait(1);
    assert_eq!(states(&world), ["active", "announced", "announced"]);
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
    assert_eq!(states(&world), ["retired", "active", "announced"]);
    assert_eq!(ask(&world, "POST", &format!("/{kid}/retire"), None).status, 200, "it is already");
}

#[test]
fn a_retirement_promotes_a_key_that_was_published_before_and_puts_another_in_its_place() {
    let world = World::with(&[("SIGNING_KEY_ROTATION_DAYS", "0")]);
    let first = kid_of(&issue(&world));
    world.wait(3 * DAY);
    let copy = published(&world);
    world.wait(1);

    retire(&world, &first);

    let token = issue(&world);
    assert!(copy.contains(&kid_of(&token)), "a verifier need not fetch anything");
    let standby = next(&world);
    assert!(!copy.contains(&standby) && published(&world).contains(&standby));
}

#[test]
fn a_second_retirement_before_the_next_key_is_known_everywhere_still_counts_at_once() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    world.wait(DAY);
    let copy = published(&world);

    retire(&world, &first);
    let second = kid_of(&issue(&world));
    world.wait(60);
    retire(&world, &second);

    let third = kid_of(&issue(&world));
    assert!(!copy.contains(&third), "verifiers have to fetch it");
    assert!(published(&world).contains(&third));
    assert_eq!(states(&world), ["retired", "retired", "active", "announced"]);
}

#[test]
fn a_key_that_stands_by_is_replaced_when_it_is_retired() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let standby = next(&world);

    retire(&world, &standby);

    assert_ne!(next(&world), standby);
    assert!(!published(&world).contains(&standby) && published(&world).contains(&next(&world)));
    assert_eq!(kid_of(&issue(&world)), first);
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
    rotate(&world, true);
    world.wait(1);
    rotate(&world, false);
    let announced = next(&world);

    retire(&world, &first);
    retire(&world, &announced);

    assert_eq!(states(&world), ["retired", "active", "retired", "announced"]);
    assert_eq!(ask(&world, "POST", "/unknown/retire", None).status, 404);
}

// --- Bring ---

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
fn an_operators_own_key_comes_before_those_that_are_announced_and_one_of_them_stands_by() {
    let world = World::new();
    issue(&world);
    let standby = next(&world);
    world.wait(89 * DAY);
    assert_eq!(states(&world), ["active", "announced", "announced"]);

    ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9), "at_once": true })));

    assert_eq!(states(&world), ["verifying", "active", "announced"]);
    assert_eq!(next(&world), standby, "which verifiers have had longest");
    world.wait(1_000 * DAY);
    assert_eq!((states(&world), next(&world)), (vec!["active".to_owned(), "announced".to_owned()], standby));
}

#[test]
fn while_an_operators_own_key_waits_a_retirement_promotes_the_key_that_verifiers_have() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let standby = next(&world);
    world.wait(DAY);
    let brought = body(&ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9) }))));
    assert_eq!(brought["kid"], next(&world));
    world.wait(60);

    retire(&world, &first);

    assert_eq!(kid_of(&issue(&world)), standby);
    world.wait(540);
    assert_eq!(kid_of(&issue(&world)), brought["kid"].as_str().unwrap(), "theirs takes over in its time");
    assert_eq!(states(&world), ["retired", "verifying", "active", "announced"]);
}

#[test]
fn a_key_comes_once_and_never_again_after_it_was_retired() {
    let world = World::new();
    let bring = || ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9), "at_once": true })));
    let kid = body(&bring())["kid"].as_str().unwrap().to_owned();

    let again = bring();
    assert_eq!((again.status, again.body.contains("already exists")), (409, true));
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

// --- A verifier that keeps its copy for as long as it may ---

/// What happens to the keys for ES256.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Rotate { at_once: bool },
    RetireSigning,
    RetireNext,
    Bring,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Nothing),
        any::<bool>().prop_map(|at_once| Change::Rotate { at_once }),
        Just(Change::RetireSigning),
        Just(Change::RetireNext),
        Just(Change::Bring),
    ]
}

/// Seconds until the next change: minutes, hours or months, and never within the age of a copy.
fn pause() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 302_u64..1_500, 1 => 1_500..DAY, 1 => DAY..120 * DAY]
}

fn make(world: &World, change: &Change, own: u8) {
    match change {
        Change::Nothing => {}
        Change::Rotate { at_once } => rotate(world, *at_once),
        Change::RetireSigning => retire(world, &signing(world)),
        Change::RetireNext => retire(world, &next(world)),
        Change::Bring => {
            assert_eq!(ask(world, "POST", "", Some(&json!({ "jwk": own_key(own) }))).status, 201);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_signs_is_in_every_copy_of_the_keys_however_old_it_may_be(
        days in prop_oneof![Just("0"), Just("1"), Just("90")],
        changes in prop::collection::vec((change(), pause()), 1..16),
    ) {
        let world = World::with(&[("SIGNING_KEY_ROTATION_DAYS", days)]);
        published(&world);
        for (own, (change, pause)) in (200..).zip(&changes) {
            world.wait(pause - 300);
            let copy = published(&world);
            world.wait(300);
            prop_assert!(copy.contains(&signing(&world)), "as time went by");
            make(&world, change, own);
            prop_assert!(copy.contains(&signing(&world)), "{change:?}");
            prop_assert!(published(&world).contains(&signing(&world)));
            prop_assert!(published(&world).contains(&next(&world)), "another stands by");
        }
        let token = issue(&world);
        prop_assert_eq!(kid_of(&token), signing(&world));
        prop_assert_eq!(userinfo(&world, &token), 200);
    }
}
