//! Where tokens are good (RFC 8707), and who may introspect them (RFC 7662).

use device_grant::endpoint::http::Response;
use serde_json::{Value, json};

use super::{approved, introspect, redeem, text, userinfo};
use crate::support::person::Person;
use crate::support::{ISSUER, World, claims, json, outcome};

const API: &str = "https://api.example.com";
const FILES: &str = "https://files.example.com/v1";
const ALL: &str = "openid email offline_access";

/// Returns a server on which `demo-tv` may have tokens for two resources, the first by default.
fn world() -> World {
    let world = World::new();
    world.change_client("demo-tv", |client| client.tokens.audience = vec![API.to_owned(), FILES.to_owned()]);
    world.wait(10);
    world
}

/// Requests codes as `demo-tv`.
fn start(world: &World, more: &[(&str, &str)]) -> Response {
    let scope = [("client_id", "demo-tv"), ("scope", ALL)];
    world.post("/device_authorization", &[&scope[..], more].concat())
}

fn refresh(world: &World, tokens: &Value, more: &[(&str, &str)]) -> Response {
    let token = text(tokens, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", token)];
    world.post("/token", &[&form[..], more].concat())
}

/// Returns the `aud` of the access token in a response.
fn aud(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", response.body);
    claims(text(&json(response), "access_token")).get("aud").cloned().expect("an audience")
}

/// Makes `demo-printer` a resource server for `resource`.
fn serve(world: &World, resource: &str) {
    world.change_client("demo-printer", |client| {
        client.grant_types.clear();
        client.tokens.audience = vec![resource.to_owned()];
    });
    world.wait(10);
}

#[test]
fn j3_without_a_resource_the_token_is_for_the_clients_default() {
    let world = world();

    assert_eq!(aud(&redeem(&world, &approved(&world, "email", &[]), &[])), json!(API));
}

#[test]
fn j3_a_client_without_an_audience_has_tokens_for_the_issuer() {
    let world = World::new();

    assert_eq!(aud(&redeem(&world, &approved(&world, "email", &[]), &[])), json!(ISSUER));
}

#[test]
fn several_resources_become_an_array_and_audience_is_one_of_them() {
    let world = world();
    let both = [("resource", FILES), ("resource", API)];
    let alias = [("resource", FILES), ("audience", API)];

    for form in [both, alias] {
        assert_eq!(aud(&redeem(&world, &approved(&world, "email", &form), &[])), json!([FILES, API]));
    }
    let alone = [("audience", FILES)];
    assert_eq!(aud(&redeem(&world, &approved(&world, "email", &alone), &[])), json!(FILES));
}

#[test]
fn a_slash_at_the_end_of_a_resource_does_not_count_and_tokens_have_the_registered_spelling() {
    let world = world();
    let slashed = [("resource", "https://api.example.com/")];

    let code = approved(&world, "email", &slashed);
    assert_eq!(aud(&redeem(&world, &code, &slashed)), json!(API));
    let code = approved(&world, "email", &[("resource", ISSUER)]);
    assert_eq!(aud(&redeem(&world, &code, &[("resource", "http://127.0.0.1:8787/")])), json!(ISSUER));
}

#[test]
fn a_malformed_or_foreign_resource_is_an_invalid_target() {
    let world = world();

    for bad in
        ["api", "/api", "https://api.example.com/#x", "https://evil.example", "https://api.example.com//"]
    {
        for name in ["resource", "audience"] {
            let response = start(&world, &[(name, bad)]);
            assert_eq!((response.status, outcome(&response).as_str()), (400, "invalid_target"), "{bad}");
        }
    }
    assert_eq!(
        outcome(&start(&world, &[("resource", API), ("resource", "https://evil.example")])),
        "invalid_target"
    );
    assert_eq!(start(&world, &[("resource", "")]).status, 200, "an empty parameter counts as absent");
    assert_eq!(
        start(&world, &[("resource", ISSUER)]).status,
        200,
        "every client may have tokens for this server"
    );
    assert!(world.grants().len() == 2, "the refused requests started no grant");
}

#[test]
fn the_token_endpoint_can_only_narrow_the_resources_and_a_refusal_spends_nothing() {
    let world = world();
    let code = approved(&world, ALL, &[("resource", API)]);

    for bad in [FILES, "https://evil.example", "api"] {
        assert_eq!(outcome(&redeem(&world, &code, &[("resource", bad)])), "invalid_target", "{bad}");
    }

    let tokens = redeem(&world, &code, &[("resource", API)]);
    assert_eq!(aud(&tokens), json!(API), "the refusals did not spend the code");
}

#[test]
fn each_refresh_can_narrow_the_granted_resources_and_a_refusal_spends_nothing() {
    let world = world();
    let code = approved(&world, ALL, &[("resource", API), ("resource", FILES)]);
    let first = redeem(&world, &code, &[("resource", API)]);
    assert_eq!(aud(&first), json!(API));
    let first = json(&first);

    assert_eq!(outcome(&refresh(&world, &first, &[("resource", "https://evil.example")])), "invalid_target");
    assert_eq!(outcome(&refresh(&world, &first, &[("resource", "#")])), "invalid_target");

    let second = refresh(&world, &first, &[("resource", FILES)]);
    assert_eq!(aud(&second), json!(FILES), "the grant counts, not the last token");
    let third = refresh(&world, &json(&second), &[]);
    assert_eq!(aud(&third), json!([API, FILES, ISSUER]));
}

#[test]
fn s3_a_resource_that_the_client_lost_is_left_out_at_once() {
    let world = world();
    let code = approved(&world, ALL, &[("resource", API), ("resource", FILES)]);
    let tokens = json(&redeem(&world, &code, &[]));

    world.change_client("demo-tv", |client| client.tokens.audience = vec![FILES.to_owned()]);
    let next = refresh(&world, &tokens, &[]);
    assert_eq!(aud(&next), json!([FILES, ISSUER]));

    world.change_client("demo-tv", |client| client.tokens.audience.clear());
    assert_eq!(outcome(&refresh(&world, &json(&next), &[])), "invalid_target");
    world.change_client("demo-tv", |client| client.tokens.audience = vec![API.to_owned()]);
    assert_eq!(aud(&refresh(&world, &json(&next), &[])), json!([API, ISSUER]), "the refusal spent nothing");
}

#[test]
fn j4_userinfo_takes_only_tokens_that_are_for_it() {
    let world = world();
    let code = approved(&world, ALL, &[]);

    let both = json(&redeem(&world, &code, &[]));
    assert_eq!(
        claims(text(&both, "access_token")).get("aud"),
        Some(&json!([API, ISSUER])),
        "`openid` adds the issuer"
    );
    assert_eq!(userinfo(&world, text(&both, "access_token")).status, 200);

    let narrow = json(&refresh(&world, &both, &[("resource", API)]));
    let refused = userinfo(&world, text(&narrow, "access_token"));
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(refused.status == 401 && challenge.contains("error=\"invalid_token\""), "{challenge}");

    let named = format!("{ISSUER}/userinfo");
    let own = json(&refresh(&world, &narrow, &[("resource", &named)]));
    assert_eq!(claims(text(&own, "access_token")).get("aud"), Some(&json!(named)));
    assert_eq!(
        userinfo(&world, text(&own, "access_token")).status,
        200,
        "`/userinfo` is named as in RFC 9728"
    );
}

#[test]
fn the_consent_page_names_resources_other_than_the_usual_ones() {
    let world = world();
    let page = |more: &[(&str, &str)]| {
        let user_code = json(&start(&world, more));
        Person::of(&world).enter_as("alice", "wonderland-8787", text(&user_code, "user_code")).body
    };

    assert!(!page(&[]).contains("It asks to do this at"));
    assert!(!page(&[("resource", API)]).contains("It asks to do this at"));
    let both = page(&[("resource", API), ("resource", FILES)]);
    assert!(both.contains(
        r#"It asks to do this at <bdi class="uri" dir="ltr" translate="no">api.example.com</bdi> and <bdi class="uri" dir="ltr" translate="no">files.example.com</bdi>."#
    ));
}

#[test]
fn i2_a_resource_server_sees_the_tokens_that_are_for_it_and_no_others() {
    let world = world();
    serve(&world, API);
    let code = approved(&world, ALL, &[("resource", API), ("resource", FILES)]);
    let tokens = json(&redeem(&world, &code, &[]));

    let seen = introspect(&world, text(&tokens, "access_token"));
    assert_eq!((seen.get("active"), seen.get("client_id")), (Some(&json!(true)), Some(&json!("demo-tv"))));
    assert!(seen.get("auth_time").is_some_and(Value::is_u64), "step-up needs it (RFC 9470 §6.2)");

    let inactive = json!({ "active": false });
    assert_eq!(
        introspect(&world, text(&tokens, "refresh_token")),
        inactive,
        "only its own client sees a refresh token"
    );
    let elsewhere = json(&refresh(&world, &tokens, &[("resource", FILES)]));
    assert_eq!(introspect(&world, text(&elsewhere, "access_token")), inactive);
}

#[test]
fn i2_only_a_client_without_grants_is_a_resource_server() {
    let world = world();
    let code = approved(&world, "email", &[("resource", API)]);
    let tokens = json(&redeem(&world, &code, &[]));
    let token = text(&tokens, "access_token");

    world.change_client("demo-printer", |client| client.tokens.audience = vec![API.to_owned()]);
    world.wait(10);
    assert_eq!(
        introspect(&world, token),
        json!({ "active": false }),
        "it may get tokens for the resource, but not introspect those of others"
    );

    serve(&world, API);
    assert_eq!(introspect(&world, token).get("active"), Some(&json!(true)));
    world.change_client("demo-printer", |client| client.enabled = false);
    world.wait(10);
    assert_eq!(introspect(&world, token), json!({ "active": false }));
}

#[test]
fn i3_the_tokens_of_a_disabled_client_are_refused() {
    let world = World::new();
    let tokens = json(&world.poll(&world.approved().device_code));
    assert_eq!(userinfo(&world, text(&tokens, "access_token")).status, 200);

    world.change_client("demo-tv", |client| client.enabled = false);
    world.wait(10);

    assert_eq!(userinfo(&world, text(&tokens, "access_token")).status, 401);
}
