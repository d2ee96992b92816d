//! The tokens that a login issues.

use device_grant::token::claims::at_hash;
use device_grant::token::signing_key::Algorithm;
use serde_json::json;

use crate::support::person::Person;
use crate::support::{ISSUER, World, claims, header, json, verified};

#[test]
fn j1_j2_an_access_token_is_an_rfc_9068_token() {
    let world = World::new();
    let started = world.approved();
    let tokens = json(&world.poll(&started.device_code));
    let access = tokens["access_token"].as_str().unwrap();

    let claims = verified(access);

    assert_eq!(
        (header(access)["typ"].clone(), header(access)["alg"].clone()),
        (json!("at+jwt"), json!("ES256"))
    );
    assert_eq!((claims["iss"].clone(), claims["aud"].clone()), (json!(ISSUER), json!(ISSUER)));
    assert_eq!(claims["client_id"], "demo-tv");
    assert_eq!(claims["scope"], "email offline_access openid profile");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 900);
    assert!(claims["sub"].is_string() && claims["jti"].is_string());
}

#[test]
fn an_id_token_says_who_signed_in_and_how_and_is_bound_to_the_access_token() {
    let world = World::new();
    let started =
        world.start_with(&[("client_id", "demo-tv"), ("scope", "openid email"), ("nonce", "n-0S6_WzA2Mj")]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let tokens = json(&world.poll(&started.device_code));

    let id = claims(tokens["id_token"].as_str().unwrap());

    assert_eq!(id["aud"], "demo-tv");
    assert_eq!(id["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(id["amr"], json!(["pwd"]));
    assert_eq!(id["auth_time"], crate::support::START / 1_000);
    assert_eq!(
        (id["email"].clone(), id.get("name")),
        (json!("alice@example.com"), None),
        "only claims of granted scopes"
    );
    let hash = at_hash(tokens["access_token"].as_str().unwrap(), Algorithm::Rs256);
    assert_eq!(id["at_hash"], hash);
    assert_eq!(tokens.get("refresh_token"), None, "offline_access was not granted");
}

#[test]
fn without_openid_there_is_no_id_token() {
    let world = World::new();
    let started = world.start_with(&[("client_id", "demo-tv"), ("scope", "email")]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);

    assert_eq!(json(&world.poll(&started.device_code)).get("id_token"), None);
}

#[test]
fn a_request_as_authentik_documents_it_works() {
    let world = World::new();

    let started = world.start_with(&[("client_id", "demo-tv"), ("scopes", "openid email my-other-scope")]);

    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    assert_eq!(json(&world.poll(&started.device_code))["scope"], "email openid");
}
