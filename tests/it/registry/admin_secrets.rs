//! Client secrets through the admin API: drawn, kept, rotated, never shown again.

use device_grant::secret::Digest;
use serde_json::{Value, json};

use super::{errors, start};
use crate::support::admin::{Admin, device};
use crate::support::{World, json};

#[test]
fn a_changed_client_keeps_its_secret_and_gets_one_when_it_first_needs_one() {
    let world = World::new();
    let admin = Admin(&world);
    let secret = admin
        .created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_basic" })))
        .unwrap();

    let posts = admin.patch("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" }));
    assert_eq!(json(&posts).get("client_secret"), None);
    assert_eq!(start(&world, "tv", Some(&secret)), "issued");

    admin.patch("tv", &json!({ "token_endpoint_auth_method": "none" }));
    let drawn = json(&admin.patch("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" })));
    let drawn = drawn["client_secret"].as_str().unwrap();
    assert_ne!(drawn, secret);
    assert_eq!(
        (start(&world, "tv", Some(drawn)), start(&world, "tv", Some(&secret))),
        ("issued".to_owned(), "invalid_client".to_owned())
    );
}

#[test]
fn an_old_secret_is_good_for_the_overlap_and_no_longer() {
    let world = World::new();
    let admin = Admin(&world);
    let old =
        admin.created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" }))).unwrap();

    let rotated = json(&admin.ask("POST", "/clients/tv/secret", None, Some(&json!({ "overlap": 600 }))));
    let new = rotated["client_secret"].as_str().unwrap();

    assert_eq!(rotated["previous_client_secret_expires_at"], 1_795_262_400 + 600);
    assert_eq!(rotated["version"], 2, "a rotation is a change");
    world.wait(599);
    assert_eq!(
        (start(&world, "tv", Some(&old)), start(&world, "tv", Some(new))),
        ("issued".to_owned(), "issued".to_owned())
    );
    world.wait(1);
    assert_eq!(start(&world, "tv", Some(&old)), "invalid_client");
    assert_eq!(start(&world, "tv", Some(new)), "issued");
}

#[test]
fn an_overlap_of_zero_ends_the_old_secret_at_once_and_the_default_is_a_day() {
    let world = World::new();
    let admin = Admin(&world);
    let first =
        admin.created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" }))).unwrap();
    let second = json(&admin.ask("POST", "/clients/tv/secret", None, None));
    assert_eq!(second["previous_client_secret_expires_at"], 1_795_262_400 + 86_400);
    assert_eq!(start(&world, "tv", Some(&first)), "issued");

    let third = json(&admin.ask("POST", "/clients/tv/secret", None, Some(&json!({ "overlap": 0 }))));

    assert_eq!(third.get("previous_client_secret_expires_at"), None);
    for gone in [&first, second["client_secret"].as_str().unwrap()] {
        assert_eq!(start(&world, "tv", Some(gone)), "invalid_client");
    }
    assert_eq!(start(&world, "tv", third["client_secret"].as_str()), "issued");
}

#[test]
fn only_a_client_with_a_secret_can_rotate_it() {
    let world = World::new();
    let admin = Admin(&world);
    let rotate = |body: &Value| admin.ask("POST", "/clients/demo-tv/secret", None, Some(body));

    assert_eq!(rotate(&json!({})).status, 409);
    let wrong = rotate(&json!({ "overlap": 2_592_001, "forever": true }));
    assert_eq!(
        errors(&wrong)[0],
        ("/overlap".to_owned(), "overlap is 2592001: it must be a whole number from 0 to 2592000".to_owned())
    );
    assert_eq!(errors(&wrong)[1], ("/forever".to_owned(), "unknown member \"forever\"".to_owned()));
}

#[test]
fn no_response_shows_a_secret_again_or_its_digest() {
    let world = World::new();
    let admin = Admin(&world);
    let old =
        admin.created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" }))).unwrap();
    let new = json(&admin.ask("POST", "/clients/tv/secret", None, None))["client_secret"]
        .as_str()
        .unwrap()
        .to_owned();

    for path in ["/clients", "/clients/tv"] {
        let body = admin.get(path).body;
        for secret in [&old, &new] {
            let digest = device_grant::secret::encode(Digest::of(secret.as_bytes()).bytes());
            assert!(!body.contains(secret) && !body.contains(&digest));
        }
    }
}
