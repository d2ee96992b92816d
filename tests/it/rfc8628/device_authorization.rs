//! Statements D1 to D15: the device authorization endpoint.

use device_grant::endpoint::http::Request;
use serde_json::json;

use super::{START, basic};
use crate::support::{DEVICE_CODE, ISSUER, World, json, outcome, post, post_raw};

#[test]
fn d1_only_a_posted_form_starts_a_grant() {
    let world = World::new();

    let fetched = world.get("/device_authorization");
    assert_eq!((fetched.status, fetched.header("allow")), (405, Some("POST")));

    let body = br#"{"client_id":"demo-tv"}"#.to_vec();
    let content_type = Some("application/json".to_owned());
    let sent = world.send(&Request { content_type, body: Some(body), ..post("/device_authorization", &[]) });
    assert_eq!((sent.status, json(&sent)["error"].clone()), (400, json!("invalid_request")));

    let untyped = world.send(&Request { content_type: None, ..post("/device_authorization", START) });
    assert_eq!(json(&untyped)["error"], "invalid_request");

    let charset = Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8".to_owned());
    let typed = world.send(&Request { content_type: charset, ..post("/device_authorization", START) });
    assert_eq!(typed.status, 200);
}

#[test]
fn d2_plain_http_is_served_to_this_machine_only() {
    let issuer = [
        ("ENVIRONMENT", "production"),
        ("ISSUER", "https://login.example.net"),
        ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"),
    ];
    let world = World::with(&issuer);
    let at = |secure, host: &str| {
        world.send(&Request { secure, host: host.to_owned(), ..post("/device_authorization", START) }).status
    };

    assert_eq!(at(false, "login.example.net"), 421);
    assert_eq!(at(true, "login.example.net"), 401, "https is served, but production has no demo client");
    assert_eq!(at(true, "other.example.com"), 421);

    let laptop = World::new();
    let foreign =
        laptop.send(&Request { host: "192.0.2.1:8787".to_owned(), ..post("/device_authorization", START) });
    assert_eq!(foreign.status, 421);
}

#[test]
fn d3_a_request_without_a_client_is_refused() {
    let world = World::new();

    let response = world.post("/device_authorization", &[("scope", "openid")]);

    assert_eq!((response.status, json(&response)["error"].clone()), (400, json!("invalid_request")));
}

#[test]
fn d4_a_client_with_credentials_must_authenticate() {
    let world = World::new();
    let start = |form: &[(&str, &str)]| world.post("/device_authorization", form);

    let bare = start(&[("client_id", "demo-printer")]);
    assert_eq!((bare.status, outcome(&bare).as_str()), (401, "invalid_client"));
    assert_eq!(bare.header("www-authenticate"), Some("Basic realm=\"device-grant\""), "RFC 9110 §15.5.2");

    let right = start(&[("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")]);
    assert_eq!(right.status, 200);

    let authorization = Some(basic("demo-printer", "wrong"));
    let wrong = world.send(&Request { authorization, ..post("/device_authorization", &[]) });
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.header("www-authenticate"), Some("Basic realm=\"device-grant\""));
}

#[test]
fn d4_the_requirement_can_be_switched_off_here_but_not_at_the_token_endpoint() {
    let world = World::with(&[("DEVICE_CLIENT_AUTHENTICATION", "false")]);

    let started = world.start_with(&[("client_id", "demo-printer")]);

    let form =
        [("grant_type", DEVICE_CODE), ("client_id", "demo-printer"), ("device_code", &started.device_code)];
    assert_eq!(outcome(&world.post("/token", &form)), "invalid_client");
}

#[test]
fn d4_a_client_can_be_exempt_from_the_requirement_or_keep_it_on_its_own() {
    for (setting, own, status) in [("true", false, 200), ("false", true, 401)] {
        let world = World::with(&[("DEVICE_CLIENT_AUTHENTICATION", setting)]);
        world.change_client("demo-printer", |client| client.codes.device_client_authentication = Some(own));
        world.wait(10);

        let bare = world.post("/device_authorization", &[("client_id", "demo-printer")]);
        assert_eq!(bare.status, status, "{setting}, {own}");
        let wrong = [("client_id", "demo-printer"), ("client_secret", "wrong")];
        assert_eq!(
            world.post("/device_authorization", &wrong).status,
            401,
            "a wrong secret is never accepted"
        );
    }
}

#[test]
fn d5_a_parameter_without_a_value_is_as_if_omitted() {
    let world = World::new();

    let started =
        world.start_with(&[("client_id", "demo-tv"), ("scope", ""), ("nonce", ""), ("client_secret", "")]);
    assert!(started.answer.get("device_code").is_some());

    let response = world.post("/device_authorization", &[("client_id", "")]);
    assert_eq!((response.status, outcome(&response).as_str()), (400, "invalid_request"));
}

#[test]
fn d6_unknown_parameters_are_ignored() {
    let world = World::new();

    world.start_with(&[
        ("client_id", "demo-tv"),
        ("utm_source", "x"),
        ("redirect_uri", "https://evil.example"),
    ]);
}

#[test]
fn d7_a_repeated_parameter_is_refused() {
    let world = World::new();
    let raw = |body: &str| outcome(&world.send(&post_raw("/device_authorization", body.as_bytes())));

    assert_eq!(raw("client_id=demo-tv&client_id=demo-tv"), "invalid_request");
    assert_eq!(raw("client_id=demo-tv&x=1&x=2"), "invalid_request");
    let resources = "resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb";
    assert_eq!(
        raw(&format!("client_id=demo-tv&{resources}")),
        "invalid_target",
        "RFC 8707 allows several resources"
    );
}

#[test]
fn d8_d9_d13_the_answer_has_every_member_and_is_not_cached() {
    let world = World::new();

    let response = world.post("/device_authorization", START);

    let answer = json(&response);
    for member in ["device_code", "user_code", "verification_uri", "verification_uri_complete"] {
        assert!(answer[member].is_string(), "{member}");
    }
    assert_eq!((answer["expires_in"].clone(), answer["interval"].clone()), (json!(300), json!(5)));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[test]
fn d10_codes_are_unique_while_they_live() {
    let world = World::with(&[
        ("USER_CODE_CHARSET", "AB"),
        ("USER_CODE_LENGTH", "4"),
        ("ALLOW_WEAK_USER_CODES", "true"),
        ("SHARDS_PER_REGION", "1"),
    ]);
    let mut seen = std::collections::BTreeSet::new();

    // There are only 16 codes of four letters A and B, so 40 draws must collide.
    for _ in 0..40 {
        let response = world.post("/device_authorization", START);
        if response.status == 200 {
            assert!(seen.insert(json(&response)["user_code"].to_string()), "a live code was issued again");
        }
    }

    assert!(!seen.is_empty());
}

#[test]
fn d11_the_verification_uri_is_short_and_has_no_code() {
    let started = World::new().start();

    assert_eq!(started.answer["verification_uri"], format!("{ISSUER}/device"));
    let complete = format!("{ISSUER}/device?user_code={}&e=", started.user_code);
    let uri = started.answer["verification_uri_complete"].as_str().expect("a link");
    assert_eq!(uri.strip_prefix(&complete).map(str::len), Some(12), "{uri}");
}

#[test]
fn d12_a_code_expires_after_expires_in() {
    let world = World::with(&[("CODE_LIFETIME_SECONDS", "120")]);
    let started = world.start();
    assert_eq!(started.answer["expires_in"], 120);

    world.wait(119);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
    world.wait(1);
    assert_eq!(world.poll_outcome(&started.device_code), "expired_token");
}

#[test]
fn d14_errors_are_json_with_a_code_and_are_not_cached() {
    let response = World::new().post("/device_authorization", &[]);

    assert_eq!(json(&response)["error"], "invalid_request");
    assert!(json(&response)["error_description"].is_string());
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[test]
fn d15_a_device_code_has_256_bits_of_its_own() {
    let world = World::new();
    let bytes = |code: &str| device_grant::secret::decode(code).unwrap();
    let (one, two) = (bytes(&world.start().device_code), bytes(&world.start().device_code));

    // The secret is the 32 bytes after format, key pair, shard and row key.
    let differing = (20..52).filter(|at| one[*at] != two[*at]).count();

    assert!(differing >= 28, "{differing} of 32 bytes differ");
}
