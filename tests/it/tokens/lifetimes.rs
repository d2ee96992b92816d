//! How long tokens live.

use serde_json::{Value, json};

use super::{EVERY_SCOPE, approved, introspect, printed, redeem, text, userinfo};
use crate::support::person::Person;
use crate::support::{World, claims, json};

#[test]
fn j2_tokens_have_the_lifetimes_that_their_client_is_registered_with() {
    let world = World::new();
    world.change_client("demo-tv", |client| {
        client.tokens.access_token_lifetime = Some(60);
        client.tokens.id_token_lifetime = Some(120);
    });

    let tokens = json(&redeem(&world, &approved(&world, EVERY_SCOPE, &[]), &[]));

    let lifetime = |token| {
        let claims = claims(text(&tokens, token));
        let time = |name| claims.get(name).and_then(Value::as_u64).expect("a time");
        time("exp") - time("iat")
    };
    assert_eq!((lifetime("access_token"), lifetime("id_token")), (60, 120));
    assert_eq!(tokens.get("expires_in"), Some(&json!(60)));
    world.wait(60);
    assert_eq!(userinfo(&world, text(&tokens, "access_token")).status, 401);
}

#[test]
fn a_family_without_a_refresh_token_lives_as_long_as_its_access_token() {
    let world = World::new();
    world.change_client("demo-tv", |client| client.tokens.access_token_lifetime = Some(3_600));
    let tokens = json(&redeem(&world, &approved(&world, "openid", &[]), &[]));

    world.wait(3_599);
    assert_eq!(userinfo(&world, text(&tokens, "access_token")).status, 200);
}

#[test]
fn a_client_hears_when_its_refresh_token_and_its_authorization_end() {
    let world = World::with(&[]);
    world.change_client("demo-tv", |client| {
        client.tokens.refresh_token_idle_lifetime = Some(3_600);
        client.tokens.refresh_token_lifetime = Some(7_200);
    });
    let started = world.approved();
    let ends = |answer: &Value| {
        (answer["refresh_token_timeout"].clone(), answer["authorization_expires_in"].clone())
    };

    let first = json(&world.poll(&started.device_code));
    assert_eq!(ends(&first), (json!(3_600), json!(7_200)));
    world.wait(3_000);
    let second = json(&world.refresh(first["refresh_token"].as_str().expect("a token")));
    assert_eq!(ends(&second), (json!(3_600), json!(4_200)));
    world.wait(3_000);
    let third = json(&world.refresh(second["refresh_token"].as_str().expect("a token")));
    assert_eq!(ends(&third), (json!(1_200), json!(1_200)), "the token never outlasts the authorization");

    let without = world.start_with(&[("client_id", "demo-tv"), ("scope", "openid")]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &without.user_code);
    let none = json(&world.poll(&without.device_code));
    assert_eq!((none.get("refresh_token_timeout"), none.get("authorization_expires_in")), (None, None));
}

#[test]
fn introspection_says_when_a_refresh_token_and_its_authorization_end_and_nothing_of_access_tokens() {
    let world = World::new();
    let tokens = printed(&world, |client| {
        client.tokens.refresh_token_idle_lifetime = Some(3_600);
        client.tokens.refresh_token_lifetime = Some(7_200);
    });
    world.wait(600);

    let seen = introspect(&world, text(&tokens, "refresh_token"));
    assert_eq!(
        (&seen["active"], &seen["refresh_token_timeout"], &seen["authorization_expires_in"]),
        (&json!(true), &json!(3_000), &json!(6_600))
    );
    let access = introspect(&world, text(&tokens, "access_token"));
    assert_eq!(access["active"], true);
    assert_eq!((access.get("refresh_token_timeout"), access.get("authorization_expires_in")), (None, None));
}
