//! The admin API through the whole server: who can use it, and how it refuses.

use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::{Digest, encode};
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use serde_json::json;

use crate::support::{World, get, json};

fn with_token(path: &str, token: &str) -> Request {
    let authorization = Some(format!("Bearer {token}"));
    Request { path: format!("/admin/api{path}"), authorization, ..get() }
}

fn ask(world: &World, path: &str) -> Response {
    world.send(&with_token(path, DEVELOPMENT_ADMIN_TOKEN))
}

#[test]
fn only_the_admin_token_opens_the_admin_api() {
    let world = World::new();

    assert_eq!(ask(&world, "/openapi.json").status, 200);
    for authorization in [None, Some("Bearer wrong"), Some("Basic d3Jvbmc6"), Some("Bearer"), Some("")] {
        let authorization = authorization.map(str::to_owned);
        let response = world.send(&Request { authorization, ..with_token("/openapi.json", "") });
        assert_eq!(response.status, 401);
        assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"device-grant-admin\""));
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn without_a_configured_token_there_is_no_admin_api() {
    let key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    let world = World::with(&[
        ("ENVIRONMENT", "production"),
        ("ISSUER", "http://127.0.0.1:8787"),
        ("MASTER_KEY", key),
    ]);

    for method in ["GET", "POST", "OPTIONS"] {
        let request =
            Request { method: method.to_owned(), ..with_token("/clients", DEVELOPMENT_ADMIN_TOKEN) };
        let response = world.send(&request);
        assert_eq!((response.status, response.body), (404, world.get("/nothing").body));
    }
}

#[test]
fn guesses_at_the_admin_token_are_limited_and_right_tokens_cost_nothing() {
    let world = World::new();
    let wrong = || world.send(&with_token("/openapi.json", "wrong")).status;

    let answers: Vec<u16> = (0..22).map(|_| wrong()).collect();

    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 20);
    let response = ask(&world, "/openapi.json");
    assert_eq!(response.status, 429, "even the right token has to wait");
    let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
    let expected =
        format!("Too many wrong admin tokens came from this network; try again in {wait} seconds.");
    assert_eq!(json(&response)["detail"], expected);
    world.wait(wait);
    (0..100)
        .for_each(|_| assert_eq!(ask(&world, "/openapi.json").status, 200, "a right token costs nothing"));
}

#[test]
fn two_admin_tokens_are_good_while_one_replaces_the_other() {
    let digest = |token: &str| encode(Digest::of(token.as_bytes()).bytes());
    let status = |digests: &str, token: &str| {
        World::with(&[("ADMIN_TOKEN_SHA256", digests)]).send(&with_token("/clients", token)).status
    };
    let both = format!("{},{}", digest("the new token"), digest("the old token"));

    assert_eq!((status(&both, "the new token"), status(&both, "the old token")), (200, 200));
    assert_eq!(status(&both, "another token"), 401);
    assert_eq!(status(&digest("the new token"), "the old token"), 401, "once its digest is removed");
}

#[test]
fn an_unknown_address_is_a_problem_document() {
    let world = World::new();

    let nothing = ask(&world, "/nothing");
    let post =
        Request { method: "OPTIONS".to_owned(), ..with_token("/openapi.json", DEVELOPMENT_ADMIN_TOKEN) };
    let wrong = world.send(&post);

    assert_eq!(
        json(&nothing),
        json!({
            "type": format!("{}/admin/api/openapi.json#/components/responses/not_found", crate::support::ISSUER),
            "title": "Not found",
            "status": 404,
            "detail": "Nothing exists at this address.",
        })
    );
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(wrong.header("access-control-allow-origin"), None);
}
