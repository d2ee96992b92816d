//! Opaque access tokens.

use device_grant::client::Client;
use device_grant::client::rules::AccessTokenFormat;
use device_grant::endpoint::http::Request;
use device_grant::secret::encode;
use serde_json::{Value, json};

use super::{introspect, printed, text, userinfo};
use crate::support::{ISSUER, World, claims, get, json, outcome};

fn opaque(client: &mut Client) {
    client.tokens.access_token_format = AccessTokenFormat::Opaque;
}

#[test]
fn an_opaque_token_works_and_expires_as_a_jwt_does() {
    let world = World::new();
    let tokens = printed(&world, opaque);
    let access = text(&tokens, "access_token");

    assert!(access.starts_with("dgat_") && !access.contains('.'), "the token has no readable parts");
    let seen = introspect(&world, access);
    assert_eq!((seen.get("active"), seen.get("aud")), (Some(&json!(true)), Some(&json!(ISSUER))));
    assert_eq!(seen.get("exp").and_then(Value::as_u64), Some(world.now().seconds() + 900));
    assert_eq!(json(&userinfo(&world, access)).get("name"), Some(&json!("Alice Liddell")));
    let id_token = claims(text(&tokens, "id_token"));
    assert!(id_token.get("at_hash").is_some(), "the ID token is bound to the access token");

    world.wait(900);
    assert_eq!(introspect(&world, access), json!({ "active": false }));
    assert_eq!(userinfo(&world, access).status, 401);
}

#[test]
fn v1_an_opaque_token_is_revoked_with_its_grant() {
    let world = World::new();
    let tokens = printed(&world, opaque);
    let access = text(&tokens, "access_token");

    let foreign = world.post("/revoke", &[("client_id", "demo-tv"), ("token", access)]);
    assert_eq!(outcome(&foreign), "invalid_grant", "the token is another client's");
    assert_eq!(introspect(&world, access).get("active"), Some(&json!(true)));
    let own = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret"), ("token", access)];
    assert_eq!(world.post("/revoke", &own).status, 200);

    assert_eq!(introspect(&world, access), json!({ "active": false }));
    assert_eq!(introspect(&world, text(&tokens, "refresh_token")), json!({ "active": false }));
}

#[test]
fn an_opaque_token_outlives_one_change_of_the_master_key_and_not_two() {
    use device_grant::derived_keys::DEVELOPMENT_KEY;

    let world = World::new();
    let access = text(&printed(&world, opaque), "access_token").to_owned();
    let (second, third) = (encode(&[1; 32]), encode(&[2; 32]));

    let world = world.restarted(&[("MASTER_KEY", &second), ("MASTER_KEY_PREVIOUS", DEVELOPMENT_KEY)]);
    assert_eq!(introspect(&world, &access).get("active"), Some(&json!(true)));
    let world = world.restarted(&[("MASTER_KEY", &third), ("MASTER_KEY_PREVIOUS", &second)]);
    assert_eq!(introspect(&world, &access), json!({ "active": false }));
}

#[test]
fn an_opaque_token_of_another_issuer_is_refused() {
    let world = World::new();
    let access = text(&printed(&world, opaque), "access_token").to_owned();

    let elsewhere = world.restarted(&[("ISSUER", "http://127.0.0.1:8787/other")]);
    let authorization = Some(format!("Bearer {access}"));
    let userinfo = Request { authorization, path: "/other/userinfo".to_owned(), ..get() };

    assert_eq!(elsewhere.send(&userinfo).status, 401);
}
