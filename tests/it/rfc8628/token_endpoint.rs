//! Statements T1 to T11 and T13: the token endpoint. For T12, which is about devices, see `stock_client.rs`.

use device_grant::endpoint::http::Request;
use serde_json::json;

use super::basic;
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, ISSUER, World, json, outcome, post};

#[test]
fn t1_the_grant_type_is_exact() {
    let world = World::with(&[("COMPATIBILITY", "none")]);
    let started = world.start();
    let with = |grant_type: &str| {
        let form =
            [("grant_type", grant_type), ("client_id", "demo-tv"), ("device_code", &started.device_code)];
        outcome(&world.post("/token", &form))
    };

    assert_eq!(with(DEVICE_CODE), "authorization_pending");
    assert_eq!(with("device_code"), "unsupported_grant_type");
    assert_eq!(with("password"), "unsupported_grant_type");
    assert_eq!(outcome(&world.post("/token", &[("client_id", "demo-tv")])), "invalid_request");
}

#[test]
fn t2_a_missing_device_code_is_an_invalid_request() {
    let response = World::new().post("/token", &[("grant_type", DEVICE_CODE), ("client_id", "demo-tv")]);

    assert_eq!((response.status, outcome(&response).as_str()), (400, "invalid_request"));
}

#[test]
fn t3_a_client_with_credentials_authenticates_at_the_token_endpoint() {
    let world = World::new();
    let started =
        world.start_with(&[("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")]);
    let code = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    let with = |more: &[(&str, &str)], authorization| {
        world.send(&Request { authorization, ..post("/token", &[&code, more].concat()) })
    };

    assert_eq!(outcome(&with(&[("client_id", "demo-printer")], None)), "invalid_client");
    assert_eq!(outcome(&with(&[], None)), "invalid_request");
    let by_post = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    assert_eq!(outcome(&with(&by_post, None)), "authorization_pending");
    world.wait(5);
    assert_eq!(
        outcome(&with(&[], Some(basic("demo-printer", "demo-printer-secret")))),
        "authorization_pending"
    );
}

#[test]
fn t4_another_clients_code_is_an_invalid_grant_and_is_not_spent() {
    let world = World::new();
    let started = world.approved();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-printer"),
        ("client_secret", "demo-printer-secret"),
        ("device_code", started.device_code.as_str()),
    ];

    assert_eq!(outcome(&world.post("/token", &form)), "invalid_grant");

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn t5_before_a_decision_the_answer_is_authorization_pending() {
    let world = World::new();
    let started = world.start();

    let response = world.poll(&started.device_code);

    assert_eq!((response.status, outcome(&response).as_str()), (400, "authorization_pending"));
    assert_eq!(json(&response)["interval"], 5);
}

#[test]
fn t6_slow_down_adds_five_seconds_for_this_and_all_later_requests() {
    let world = World::new();
    let started = world.start();
    world.poll(&started.device_code);

    world.wait(1);
    let early = world.poll(&started.device_code);
    assert_eq!((early.status, outcome(&early).as_str()), (400, "slow_down"));
    assert_eq!((json(&early)["interval"].clone(), early.header("retry-after")), (json!(10), Some("10")));

    world.wait(8);
    assert_eq!(
        world.poll_outcome(&started.device_code),
        "slow_down",
        "8 s are less than the interval of 10 s minus 1 s of tolerance"
    );
    world.wait(15);
    let on_time = world.poll(&started.device_code);
    assert_eq!(outcome(&on_time), "authorization_pending", "a client that obeys can poll again at once");
    assert_eq!(json(&on_time)["interval"], 15, "the interval stays longer");
}

#[test]
fn t6_a_client_that_polls_every_interval_with_jitter_never_gets_slow_down() {
    let world = World::new();
    let started = world.start();

    for jitter in [0, 900, 0, 1_000, 500, 250, 1_000] {
        assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
        world.wait_millis(5_000 - jitter);
    }
}

/// Polls as Go's x/oauth2 does in every round until it has tokens: with HTTP Basic, and after any error at once
/// again with the credentials in the form. Returns the outcomes.
fn round_of_go(world: &World, client_id: &str, secret: &str, device_code: &str) -> Vec<String> {
    let form = [("client_id", client_id), ("device_code", device_code), ("grant_type", DEVICE_CODE)];
    let by_header = Request { authorization: Some(basic(client_id, secret)), ..post("/token", &form) };
    let first = outcome(&world.send(&by_header));
    if first == "issued" {
        return vec![first];
    }
    let in_form = [&form[..], &[("client_secret", secret)]].concat();
    let in_form = if secret.is_empty() { &form[..] } else { &in_form };
    vec![first, outcome(&world.post("/token", in_form))]
}

#[test]
fn t6_a_client_that_tries_both_ways_in_every_round_gets_its_tokens_in_the_round_after_the_approval() {
    for (client_id, secret) in [("demo-tv", ""), ("demo-printer", "demo-printer-secret")] {
        let world = World::new();
        let proof = [("client_id", client_id), ("client_secret", secret)];
        let started = world.start_with(if secret.is_empty() { &proof[..1] } else { &proof });
        let round = || round_of_go(&world, client_id, secret, &started.device_code);

        for _ in 0..6 {
            world.wait(5);
            assert_eq!(round(), ["authorization_pending", "authorization_pending"], "{client_id}");
        }
        world.wait(1);
        Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
        world.wait(4);

        assert_eq!(round(), ["issued"], "{client_id}, 35 s after the start");
    }
}

#[test]
fn t6_two_polls_at_once_in_the_same_way_slow_down_both_ways() {
    let world = World::new();
    let started = world.start();
    let form = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    let by_header = || Request { authorization: Some(basic("demo-tv", "")), ..post("/token", &form) };
    assert_eq!(outcome(&world.send(&by_header())), "authorization_pending");
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");

    let early = world.send(&by_header());
    assert_eq!((outcome(&early).as_str(), &json(&early)["interval"]), ("slow_down", &json!(10)));

    world.wait(5);
    let other_way = world.poll(&started.device_code);
    assert_eq!((outcome(&other_way).as_str(), &json(&other_way)["interval"]), ("slow_down", &json!(15)));
}

#[test]
fn t6_only_a_pending_grant_is_paced() {
    let world = World::new();
    let started = world.start();
    world.poll(&started.device_code);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);

    assert_eq!(world.poll_outcome(&started.device_code), "issued", "however soon after the last poll");
}

#[test]
fn t7_a_refusal_is_access_denied_and_stays_so() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &started.user_code);
    person.decide("deny");

    for _ in 0..3 {
        let response = world.poll(&started.device_code);
        assert_eq!((response.status, outcome(&response).as_str()), (400, "access_denied"));
    }
}

#[test]
fn t8_an_expired_code_is_expired_token_now_and_later() {
    let world = World::new();
    let started = world.start();

    for seconds in [300, 30, 30, 3_600] {
        world.wait(seconds);
        let response = world.poll(&started.device_code);
        assert_eq!((response.status, outcome(&response).as_str()), (400, "expired_token"));
    }
}

#[test]
fn t9_unknown_and_spent_codes_are_invalid_grants() {
    let world = World::new();
    let started = world.approved();
    assert_eq!(world.poll_outcome(&started.device_code), "issued");

    assert_eq!(world.poll_outcome(&started.device_code), "invalid_grant");
    assert_eq!(world.poll_outcome("AAAA"), "invalid_grant");
    assert_eq!(world.poll_outcome("not base64 \0"), "invalid_grant");
}

#[test]
fn t10_success_is_bearer_tokens_with_scope_and_is_not_cached() {
    let world = World::new();
    let started = world.approved();

    let response = world.poll(&started.device_code);

    let tokens = json(&response);
    assert_eq!(response.status, 200);
    assert_eq!((tokens["token_type"].clone(), tokens["expires_in"].clone()), (json!("Bearer"), json!(900)));
    assert_eq!(tokens["scope"], "email offline_access openid profile");
    assert!(tokens["id_token"].is_string() && tokens["refresh_token"].is_string());
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("pragma"), Some("no-cache"));
}

#[test]
fn t11_an_approval_is_redeemed_once() {
    let world = World::new();
    let started = world.approved();

    let outcomes: Vec<String> = (0..5).map(|_| world.poll_outcome(&started.device_code)).collect();

    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "issued").count(), 1);
    assert_eq!(outcomes.first().map(String::as_str), Some("issued"));
}

#[test]
fn t13_the_metadata_lists_the_grant_and_its_endpoint() {
    let metadata = json(&World::new().get("/.well-known/oauth-authorization-server"));

    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(DEVICE_CODE)));
    assert_eq!(metadata["device_authorization_endpoint"], format!("{ISSUER}/device_authorization"));
}
