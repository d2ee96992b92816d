//! Clients and devices that know another product's addresses.

use device_grant::endpoint::http::Request;
use serde_json::json;

use crate::support::dpop::Key;
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, ISSUER, World, get, json, outcome, post};

/// Each product's paths for the device authorization and the token endpoint.
const PRODUCTS: [(&str, &str, &str); 5] = [
    ("microsoft", "/devicecode", "/token"),
    ("wrangler", "/oauth2/device/auth", "/oauth2/token"),
    ("authentik", "/application/o/device/", "/application/o/token/"),
    ("keycloak", "/protocol/openid-connect/auth/device", "/protocol/openid-connect/token"),
    ("hydra", "/oauth2/device/auth", "/oauth2/token"),
];

const START: [(&str, &str); 2] = [("client_id", "demo-tv"), ("scope", "openid offline_access")];

fn poll<'a>(grant_type: &'a str, device_code: &'a str) -> [(&'a str, &'a str); 3] {
    [("grant_type", grant_type), ("client_id", "demo-tv"), ("device_code", device_code)]
}

#[test]
fn each_products_paths_lead_to_tokens_where_it_is_switched_on_and_nowhere_where_it_is_not() {
    for (product, start, token) in PRODUCTS {
        let world = World::with(&[("COMPATIBILITY", product)]);
        let codes = json(&world.post(start, &START));
        let device_code = codes["device_code"].as_str().expect("a device code");

        assert_eq!(outcome(&world.post(token, &poll(DEVICE_CODE, device_code))), "authorization_pending");
        assert_eq!(outcome(&world.post(token, &poll(DEVICE_CODE, device_code))), "slow_down", "one pace");
        Person::of(&world).approve_as(
            "alice",
            "wonderland-8787",
            codes["user_code"].as_str().expect("a code"),
        );
        assert_eq!(world.post(token, &poll(DEVICE_CODE, device_code)).status, 200, "{product}");

        let without = World::with(&[("COMPATIBILITY", "none")]);
        assert_eq!(without.post(start, &START).status, 404, "{product}");
    }
}

#[test]
fn microsoft_and_wrangler_are_on_by_default() {
    let world = World::new();

    for (product, start, _) in PRODUCTS {
        let expected = if ["microsoft", "wrangler", "hydra"].contains(&product) { 200 } else { 404 };
        assert_eq!(
            world.post(start, &START).status,
            expected,
            "{product}; hydra shares a path with wrangler"
        );
    }
}

#[test]
fn the_short_grant_type_is_microsofts_only() {
    let device_code = |world: &World| world.start().device_code;
    let world = World::new();
    let code = device_code(&world);
    assert_eq!(outcome(&world.post("/token", &poll("device_code", &code))), "authorization_pending");

    let other = World::with(&[("COMPATIBILITY", "wrangler,authentik,keycloak,hydra")]);
    let code = device_code(&other);
    assert_eq!(outcome(&other.post("/token", &poll("device_code", &code))), "unsupported_grant_type");
}

#[test]
fn the_metadata_name_no_alias_and_no_short_grant_type() {
    let world = World::with(&[("COMPATIBILITY", "microsoft,wrangler,authentik,keycloak,hydra")]);

    let metadata = world.get("/.well-known/openid-configuration").body;

    for (_, start, _) in PRODUCTS {
        assert!(!metadata.contains(&format!("{ISSUER}{start}\"")), "{start}");
    }
    assert!(metadata.contains(DEVICE_CODE) && !metadata.contains("\"device_code\""));
}

#[test]
fn an_alias_is_an_address_of_its_own_to_a_proof() {
    let world = World::with(&[("COMPATIBILITY", "wrangler")]);
    let (key, code) = (Key::new(1), world.start().device_code);
    let send = |path: &str, proof_for: &str| {
        let dpop = Some(key.proof(&world, proof_for));
        outcome(&world.send(&Request { dpop, ..post(path, &poll(DEVICE_CODE, &code)) }))
    };

    assert_eq!(send("/oauth2/token", "/oauth2/token"), "authorization_pending");
    assert_eq!(send("/oauth2/token", "/token"), "invalid_dpop_proof");
}

#[test]
fn a_get_of_an_alias_is_405_like_that_of_its_endpoint() {
    let world = World::new();

    for path in ["/devicecode", "/device_authorization"] {
        assert_eq!(world.send(&Request { path: path.to_owned(), ..get() }).status, 405, "{path}");
    }
}

#[test]
fn the_answer_has_a_message_for_people() {
    let world = World::new();
    let started = world.start();

    let expected = format!("To sign in, open {ISSUER}/device and enter the code {}.", started.user_code);
    assert_eq!(started.answer["message"], json!(expected));
}
