//! Refusals of valid tokens, where keys come from, and how the API describes itself.

use protected_api::api::Request;
use serde_json::{Value, json};

use crate::world::{ISSUER, NOW, RESOURCE, Read as _, World, claims, drop_member, get};

#[test]
fn the_challenge_names_the_missing_scope() {
    let world = World::new();

    for scope in ["openid", "profiles", ""] {
        let answer = world.get("/hello", &claims(|it| it["scope"] = json!(scope)));

        answer.must_refuse(403, "insufficient_scope", "lacks the required scope", scope);
        assert!(answer.challenge().contains("scope=\"profile\""));
    }
    let answer = world.get("/hello", &claims(|it| drop_member(it, "scope")));
    answer.must_refuse(403, "insufficient_scope", "lacks the required scope", "none");
}

#[test]
fn an_old_sign_in_is_challenged() {
    let world = World::new();

    assert_eq!(world.get("/payments", &claims(|it| it["auth_time"] = json!(NOW - 300))).status, 200);
    let too_old = claims(|it| it["auth_time"] = json!(NOW - 301));
    assert_eq!(world.get("/hello", &too_old).status, 200, "other routes accept it");
    for (what, claims) in [("too old", too_old), ("unknown", claims(|it| drop_member(it, "auth_time")))] {
        let answer = world.get("/payments", &claims);

        answer.must_refuse(401, "insufficient_user_authentication", "more recent", what);
        assert!(answer.challenge().contains("max_age=\"300\"") && !answer.challenge().contains("acr_values"));
    }
}

#[test]
fn a_weak_sign_in_is_challenged() {
    let world = World::with(&[("STEP_UP_ACR", "gold platinum"), ("STEP_UP_MAX_AGE", "60")]);

    assert_eq!(world.get("/payments", &claims(|it| it["acr"] = json!("platinum"))).status, 200);
    for acr in [json!("silver"), Value::Null] {
        let answer = world.get("/payments", &claims(|it| it["acr"] = acr.clone()));

        answer.must_refuse(401, "insufficient_user_authentication", "stronger", "acr");
        assert!(
            answer.challenge().contains("max_age=\"60\", acr_values=\"gold platinum\""),
            "{}",
            answer.challenge()
        );
    }
}

#[test]
fn keys_are_fetched_once_and_for_an_unknown_kid_at_most_once_a_minute() {
    let world = World::new();
    let unknown =
        world.issuer.sign(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k9" }), &claims(|_| {}));

    for _ in 0..3 {
        world.get("/hello", &claims(|_| {}));
        world.ask("/hello", "Bearer", &unknown);
    }
    assert_eq!(world.outside.asked.get(), 2, "the metadata and the keys");

    world.later(60);
    for _ in 0..3 {
        world.ask("/hello", "Bearer", &unknown);
    }
    assert_eq!(world.outside.asked.get(), 4);
}

#[test]
fn without_the_issuers_keys_no_token_is_accepted_or_called_invalid() {
    let world = World::with(&[("ISSUER", "https://away.example.com")]);

    let answer = world.get("/hello", &claims(|_| {}));

    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5".to_owned())));
    assert_eq!(answer.header("www-authenticate"), None);
    let asked = world.outside.asked.get();
    for _ in 0..10 {
        assert_eq!(world.get("/hello", &claims(|_| {})).status, 503);
    }
    assert_eq!(world.outside.asked.get(), asked, "the issuer is not asked at each request");
}

#[test]
fn known_keys_are_used_for_an_hour_while_the_issuer_is_away() {
    let world = World::new();
    let long = claims(|it| it["exp"] = json!(NOW + 10_000));
    assert_eq!(world.get("/hello", &long).status, 200);
    world.outside.away.set(true);

    world.later(3599);
    assert_eq!(world.get("/hello", &long).status, 200);
    world.later(1);
    let asked = world.outside.asked.get();
    for _ in 0..3 {
        assert_eq!(world.get("/hello", &long).status, 503);
    }
    assert_eq!(world.outside.asked.get(), asked, "it failed a moment ago, at the first request");
    world.outside.away.set(false);
    world.later(5);
    assert_eq!(world.get("/hello", &long).status, 200, "after as long as Retry-After says");
}

#[test]
fn r1_the_api_describes_itself_and_knows_its_routes() {
    let world = World::new();

    let described = world.send(&get("/.well-known/oauth-protected-resource")).json();

    assert_eq!(
        (&described["resource"], &described["authorization_servers"]),
        (&json!(RESOURCE), &json!([ISSUER]))
    );
    assert_eq!(world.send(&get("/")).json()["routes"]["/hello"], "greets you; needs the scope profile");
    assert_eq!(world.send(&get("/nothing")).status, 404);
    let posted = world.send(&Request { method: "POST".to_owned(), ..get("/hello") });
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET".to_owned())));
}

#[test]
fn the_log_says_why_and_repeats_nothing_from_the_request() {
    let world = World::new();
    let token = world.issuer.sign(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k9" }), &claims(|_| {}));
    let request = Request { authorization: Some(format!("Bearer {token}")), ..get("/hello") };

    let line = world.send(&request).line(&request).expect("a guarded route logs its decision");

    let outcome = "The token's key is not one of the authorization server's.";
    assert_eq!(
        serde_json::from_str::<Value>(&line).unwrap(),
        json!({ "route": "/hello", "status": 401, "outcome": outcome })
    );
    let stray = get("/secret");
    assert_eq!(world.send(&stray).line(&stray), None, "nothing was decided");
}
