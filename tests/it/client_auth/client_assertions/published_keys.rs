//! Assertions that the server verifies with the keys that a client publishes at its `jwks_uri`.

use device_grant::client::Authentication;
use device_grant::endpoint::{KEY_SET_AGE, KEY_SET_REFUSAL_AGE};
use serde_json::{Value, json};

use super::{PRINTER, reason, start};
use crate::support::signer::Signer;
use crate::support::{ISSUER, World};

const JWKS_URI: &str = "https://printer.example/jwks.json";

/// Replaces the keys at the `jwks_uri`.
fn publish(world: &World, jwks: &Value) {
    world.server.platform.documents.borrow_mut().insert(JWKS_URI.to_owned(), jwks.to_string());
}

/// Returns a world in which `demo-printer` publishes the key made from 1, with the `kid` `a`.
fn world_with_uri() -> World {
    let world = World::new();
    world.change_client(PRINTER, |client| {
        client.authentication = Authentication::PrivateKeyJwt;
        client.keys.jwks_uri = Some(JWKS_URI.to_owned());
    });
    publish(&world, &Signer::new(&world, PRINTER, 1).named("a").jwks());
    world.wait(10);
    world
}

#[test]
fn published_keys_are_fetched_once_in_five_minutes() {
    let world = world_with_uri();
    let signer = Signer::new(&world, PRINTER, 1).named("a");
    let fetches = || world.server.platform.fetches.get();

    for _ in 0..3 {
        assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);
    }
    assert_eq!(fetches(), 1);
    world.wait(KEY_SET_AGE.as_secs());
    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);
    assert_eq!(fetches(), 2);
}

#[test]
fn a_key_that_is_no_longer_published_is_good_for_at_most_five_minutes() {
    let world = world_with_uri();
    let signer = Signer::new(&world, PRINTER, 1).named("a");
    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);

    publish(&world, &json!({ "keys": [] }));

    world.wait(299);
    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);
    world.wait(1);
    assert_eq!(reason(&start(&world, &signer.assertion(&json!(ISSUER)))).0, "assertion_signature_wrong");
}

#[test]
fn an_unknown_kid_causes_a_fetch_at_most_once_a_minute() {
    let world = world_with_uri();
    let (old, new) = (Signer::new(&world, PRINTER, 1).named("a"), Signer::new(&world, PRINTER, 2).named("b"));
    let fetches = || world.server.platform.fetches.get();
    let status = |signer: &Signer<'_>| start(&world, &signer.assertion(&json!(ISSUER))).status;
    assert_eq!(status(&old), 200);

    publish(&world, &json!({ "keys": [old.jwk(), new.jwk()] }));

    assert_eq!((status(&new), fetches()), (401, 1), "the last fetch was less than a minute ago");
    world.wait(KEY_SET_REFUSAL_AGE.as_secs());
    assert_eq!((status(&new), fetches()), (200, 2));
    assert_eq!((status(&new), status(&old), fetches()), (200, 200, 2));
    let stranger = Signer::new(&world, PRINTER, 3).named("c");
    for _ in 0..5 {
        assert_eq!((status(&stranger), fetches()), (401, 2), "unknown keys cause no more fetches");
    }
}

#[test]
fn keys_that_cannot_be_fetched_are_a_503_and_are_fetched_again_after_ten_seconds() {
    let world = world_with_uri();
    let signer = Signer::new(&world, PRINTER, 1).named("a");
    let status = || start(&world, &signer.assertion(&json!(ISSUER))).status;
    world.set_down("documents", true);

    assert_eq!((status(), status(), world.server.platform.fetches.get()), (503, 503, 1));
    world.set_down("documents", false);
    assert_eq!(status(), 503, "a failure is remembered for ten seconds");
    world.wait(10);
    assert_eq!(status(), 200);

    world.set_down("documents", true);
    world.wait(299);
    assert_eq!(status(), 200, "fetched keys are good for five minutes");
    world.wait(1);
    assert_eq!(status(), 503);
    publish(&world, &json!("not a set"));
    world.set_down("documents", false);
    world.wait(10);
    assert_eq!(status(), 503);
}

#[test]
fn keys_are_never_fetched_without_tls() {
    let world = world_with_uri();
    world.change_client(PRINTER, |client| {
        client.keys.jwks_uri = Some("http://printer.example/jwks".to_owned());
    });
    world.wait(10);
    let signer = Signer::new(&world, PRINTER, 1).named("a");

    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 503);

    assert_eq!(world.server.platform.fetches.get(), 0);
}
