//! How long tokens live.

use serde_json::{Value, json};

use super::{EVERY_SCOPE, approved, redeem, text, userinfo};
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
