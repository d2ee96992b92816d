//! What a device can request of the sign-in: `max_age`, `acr_values`, `login_hint` and others.

use device_grant::endpoint::http::Response;
use device_grant::identity::acr::PASSWORD;
use serde_json::{Value, json};

use super::{id_of, start_tv};
use crate::support::person::Person;
use crate::support::{World, json, outcome};

fn refused(world: &World, more: &[(&str, &str)]) -> Response {
    world.post("/device_authorization", &[&[("client_id", "demo-tv")][..], more].concat())
}

/// Logs `demo-tv` in with more parameters, and returns the claims of the ID token.
fn id_claims(world: &World, more: &[(&str, &str)]) -> Value {
    let started = start_tv(world, more);
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    id_of(&world.poll(&started.device_code))
}

#[test]
fn parameters_about_the_sign_in_are_kept_and_requirements_refused_by_name() {
    let world = World::new();
    let long = "x".repeat(600);
    for (name, bad) in [
        ("max_age", "-1"),
        ("max_age", "1h"),
        ("acr_values", "a\tb"),
        ("nonce", long.as_str()),
        ("acr_values", &long),
    ] {
        let response = refused(&world, &[(name, bad)]);
        assert_eq!((response.status, outcome(&response).as_str()), (400, "invalid_request"), "{name}");
        assert!(response.body.contains(name), "{}", response.body);
    }

    let said =
        [("max_age", "60"), ("acr_values", "urn:b urn:a"), ("login_hint", "Bob"), ("ui_locales", "fr-CA en")];
    start_tv(&world, &said);

    let kept = world.grants().remove(0).request;
    assert_eq!((kept.max_age, kept.login_hint.as_deref()), (Some(60), Some("Bob")));
    assert_eq!(
        (kept.acr_values, kept.ui_locales),
        (["urn:b", "urn:a"].map(str::to_owned).to_vec(), ["fr-CA", "en"].map(str::to_owned).to_vec())
    );
}

#[test]
fn j2_an_acr_that_was_requested_and_met_is_in_the_tokens() {
    let world = World::new();

    assert_eq!(
        id_claims(&world, &[("acr_values", &format!("phr {PASSWORD}"))]).get("acr"),
        Some(&json!(PASSWORD))
    );
    assert_eq!(
        id_claims(&world, &[("acr_values", "phr")]).get("acr"),
        None,
        "an unknown `acr` is no failure, because `acr_values` are voluntary"
    );
    assert_eq!(id_claims(&world, &[]).get("acr"), None, "the device requested none");
}

#[test]
fn a_sign_in_that_is_too_old_is_done_again_and_the_page_says_why() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &start_tv(&world, &[]).user_code);
    world.wait(61);

    let started = start_tv(&world, &[("max_age", "60"), ("acr_values", PASSWORD)]);
    let page = person.enter(&started.user_code);
    assert!(page.status == 200 && page.body.contains("Sign in again to continue"), "{}", page.body);
    assert!(page.body.contains("Alice Liddell") && page.body.contains(r#"value="alice""#));

    let wrong = person.sign_in("alice", "looking-glass").body;
    assert!(wrong.contains("Sign in again") && wrong.contains("Wrong username or password."));
    let consent = person.sign_in("alice", "wonderland-8787");
    assert!(consent.body.contains("use your account?"), "{}", consent.body);
    assert_eq!(person.decide("approve").status, 200);

    let id = id_of(&world.poll(&started.device_code));
    assert_eq!(
        id.get("auth_time"),
        Some(&json!(world.now().seconds())),
        "the sign-in is fresh, as step-up needs it (RFC 9470)"
    );
    assert_eq!(id.get("acr"), Some(&json!(PASSWORD)));
}

#[test]
fn a_recent_sign_in_is_enough() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &start_tv(&world, &[]).user_code);
    world.wait(59);

    let page = person.enter(&start_tv(&world, &[("max_age", "60")]).user_code);

    assert!(page.body.contains("use your account?"));
}

#[test]
fn max_age_0_asks_once_and_does_not_loop() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &start_tv(&world, &[]).user_code);
    world.wait(1);

    let started = start_tv(&world, &[("max_age", "0")]);
    assert!(person.enter(&started.user_code).body.contains("Sign in again"));
    world.wait(30);
    assert!(person.sign_in("alice", "wonderland-8787").body.contains("use your account?"));
    world.wait(30);
    assert!(person.decide("approve").body.contains("Approved"));

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn an_approval_checks_the_age_of_the_sign_in_again() {
    let world = World::with(&[("CODE_LIFETIME_SECONDS", "1800")]);
    let person = Person::of(&world);
    let started = start_tv(&world, &[("max_age", "60")]);
    person.enter_as("alice", "wonderland-8787", &started.user_code);
    world.wait(301);

    let page = person.decide("approve");
    assert!(page.body.contains("Sign in again") && page.body.contains("Nothing has been approved yet"));
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");

    assert!(person.sign_in("alice", "wonderland-8787").body.contains("use your account?"));
    assert!(person.decide("approve").body.contains("Approved"));
}

#[test]
fn a_page_left_open_can_still_refuse() {
    let world = World::with(&[("CODE_LIFETIME_SECONDS", "1800")]);
    let person = Person::of(&world);
    let started = start_tv(&world, &[("max_age", "60")]);
    person.enter_as("alice", "wonderland-8787", &started.user_code);
    world.wait(301);

    assert!(person.decide("deny").body.contains("Refused"));
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
}

#[test]
fn the_login_hint_is_shown_only_after_sign_in() {
    let world = World::new();
    let person = Person::of(&world);
    let started = start_tv(&world, &[("login_hint", "bob@example.com")]);

    assert!(!person.enter(&started.user_code).body.contains("bob"), "the code has not been looked up yet");
    let consent = person.sign_in("alice", "wonderland-8787").body;
    assert!(consent.contains("The device expects <bdi class=\"account-name\">bob@example.com</bdi>"));
    let sign_in = person.submit(&[("step", "switch_account")]).body;
    assert!(sign_in.contains(r#"value="bob@example.com""#), "{sign_in}");

    let hinted = start_tv(&world, &[("login_hint", "ALICE")]);
    let consent = Person::of(&world).enter_as("alice", "wonderland-8787", &hinted.user_code).body;
    assert!(!consent.contains("The device expects"), "alice is signed in");
}

#[test]
fn the_metadata_list_what_a_device_can_request() {
    let metadata = json(&World::new().get("/.well-known/openid-configuration"));

    assert_eq!(metadata.get("acr_values_supported"), Some(&json!([PASSWORD, "phr"])));
    assert_eq!(
        metadata.get("ui_locales_supported"),
        Some(&json!(["en", "de", "fr", "es", "pt-BR", "ja", "zh-Hans", "ar"]))
    );
    let all = json!(["ES256", "RS256", "PS256", "PS384", "PS512", "EdDSA"]);
    assert_eq!(metadata.get("userinfo_signing_alg_values_supported"), Some(&all));
    assert_eq!(metadata.get("id_token_signing_alg_values_supported"), Some(&all));
}
