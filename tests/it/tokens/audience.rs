//! Where tokens are good (RFC 8707), who may know of them (RFC 7662), and in which form they come.

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, ISSUER, World, claims, get, json, outcome, verified};
use device_grant::client::Client;
use device_grant::client::rules::AccessTokenFormat;
use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::encode;
use device_grant::token::signing_key::Algorithm;
use serde_json::{Value, json};

const API: &str = "https://api.example.com";
const FILES: &str = "https://files.example.com/v1";
const ALL: &str = "openid email offline_access";

/// A server on which `demo-tv` may have tokens for two resources, the first by default.
fn world() -> World {
    let world = World::new();
    world.change_client("demo-tv", |client| client.tokens.audience = vec![API.to_owned(), FILES.to_owned()]);
    world.wait(10);
    world
}

/// Asks for codes as `demo-tv`.
fn start(world: &World, more: &[(&str, &str)]) -> Response {
    let scope = [("client_id", "demo-tv"), ("scope", ALL)];
    world.post("/device_authorization", &[&scope[..], more].concat())
}

/// Asks for codes, and has alice approve.
fn approved(world: &World, scope: &str, more: &[(&str, &str)]) -> String {
    let started = world.start_with(&[&[("client_id", "demo-tv"), ("scope", scope)][..], more].concat());
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    started.device_code
}

/// Comes for the tokens of a code as `demo-tv`.
fn redeem(world: &World, device_code: &str, more: &[(&str, &str)]) -> Response {
    let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", device_code)];
    world.post("/token", &[&form[..], more].concat())
}

fn refresh(world: &World, tokens: &Value, more: &[(&str, &str)]) -> Response {
    let token = text(tokens, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", token)];
    world.post("/token", &[&form[..], more].concat())
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens.get(name).and_then(Value::as_str).expect("it is there")
}

/// The `aud` of the access token in an answer.
fn aud(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", response.body);
    claims(text(&json(response), "access_token")).get("aud").cloned().expect("an audience")
}

fn userinfo(world: &World, token: &str) -> Response {
    let authorization = Some(format!("Bearer {token}"));
    world.send(&Request { authorization, path: "/userinfo".to_owned(), ..get() })
}

/// Makes `demo-printer` a resource server for `resource`.
fn serve(world: &World, resource: &str) {
    world.change_client("demo-printer", |client| {
        client.grant_types.clear();
        client.tokens.audience = vec![resource.to_owned()];
    });
    world.wait(10);
}

fn introspect(world: &World, token: &str) -> Value {
    let printer = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    json(&world.post("/introspect", &[&printer[..], &[("token", token)]].concat()))
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
fn several_resources_are_an_array_and_audience_is_one_more() {
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
fn a_resource_that_is_none_or_not_the_clients_is_an_invalid_target() {
    let world = world();

    for bad in
        ["api", "/api", "https://api.example.com/#x", "https://evil.example", "https://api.example.com/"]
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
    assert_eq!(start(&world, &[("resource", "")]).status, 200, "empty is absent");
    assert_eq!(start(&world, &[("resource", ISSUER)]).status, 200, "this server is everybody's");
    assert!(world.grants().len() == 2, "nothing was started for the others");
}

#[test]
fn the_token_endpoint_narrows_and_spends_nothing_on_more() {
    let world = world();
    let code = approved(&world, ALL, &[("resource", API)]);

    for bad in [FILES, "https://evil.example", "api"] {
        assert_eq!(outcome(&redeem(&world, &code, &[("resource", bad)])), "invalid_target", "{bad}");
    }

    let tokens = redeem(&world, &code, &[("resource", API)]);
    assert_eq!(aud(&tokens), json!(API), "the code was not spent");
}

#[test]
fn a_refresh_narrows_anew_each_time_and_spends_nothing_on_more() {
    let world = world();
    let code = approved(&world, ALL, &[("resource", API), ("resource", FILES)]);
    let first = redeem(&world, &code, &[("resource", API)]);
    assert_eq!(aud(&first), json!(API));
    let first = json(&first);

    assert_eq!(outcome(&refresh(&world, &first, &[("resource", "https://evil.example")])), "invalid_target");
    assert_eq!(outcome(&refresh(&world, &first, &[("resource", "#")])), "invalid_target");

    let second = refresh(&world, &first, &[("resource", FILES)]);
    assert_eq!(aud(&second), json!(FILES), "what was granted, not what the last token had");
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
    assert_eq!(aud(&refresh(&world, &json(&next), &[])), json!([API, ISSUER]), "nothing was spent meanwhile");
}

#[test]
fn j4_userinfo_takes_only_tokens_that_are_for_it() {
    let world = world();
    let code = approved(&world, ALL, &[]);

    let both = json(&redeem(&world, &code, &[]));
    assert_eq!(
        claims(text(&both, "access_token")).get("aud"),
        Some(&json!([API, ISSUER])),
        "openid adds the issuer"
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
        "by the name that RFC 9728 gives it"
    );
}

#[test]
fn the_consent_page_says_where_if_it_is_not_as_usual() {
    let world = world();
    let page = |more: &[(&str, &str)]| {
        let user_code = json(&start(&world, more));
        Person::of(&world).enter_as("alice", "wonderland-8787", text(&user_code, "user_code")).body
    };

    assert!(!page(&[]).contains("It asks to do this at"));
    assert!(!page(&[("resource", API)]).contains("It asks to do this at"));
    let both = page(&[("resource", API), ("resource", FILES)]);
    assert!(both.contains(
        r#"It asks to do this at <bdi class="uri">api.example.com</bdi> and <bdi class="uri">files.example.com</bdi>."#
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
    assert!(seen.get("auth_time").is_some_and(Value::is_u64), "for step-up (RFC 9470 §6.2)");

    let inactive = json!({ "active": false });
    assert_eq!(
        introspect(&world, text(&tokens, "refresh_token")),
        inactive,
        "a refresh token is its client's alone"
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
        "it may get tokens for it, not see others'"
    );

    serve(&world, API);
    assert_eq!(introspect(&world, token).get("active"), Some(&json!(true)));
    world.change_client("demo-printer", |client| client.enabled = false);
    world.wait(10);
    assert_eq!(introspect(&world, token), json!({ "active": false }));
}

#[test]
fn i3_the_tokens_of_a_disabled_client_are_dead() {
    let world = World::new();
    let tokens = json(&world.poll(&world.approved().device_code));
    assert_eq!(userinfo(&world, text(&tokens, "access_token")).status, 200);

    world.change_client("demo-tv", |client| client.enabled = false);
    world.wait(10);

    assert_eq!(userinfo(&world, text(&tokens, "access_token")).status, 401);
}

/// The tokens of a login on the printer, changed first.
fn printed(world: &World, change: impl FnOnce(&mut Client)) -> Value {
    world.change_client("demo-printer", change);
    world.wait(10);
    let printer = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let scope = [("scope", "openid profile email offline_access")];
    let started = world.start_with(&[&printer[..], &scope].concat());
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    json(&world.post("/token", &[&printer[..], &poll].concat()))
}

fn opaque(client: &mut Client) {
    client.tokens.access_token_format = AccessTokenFormat::Opaque;
}

#[test]
fn an_opaque_token_lives_as_a_jwt_does() {
    let world = World::new();
    let tokens = printed(&world, opaque);
    let access = text(&tokens, "access_token");

    assert!(access.starts_with("dgat_") && !access.contains('.'), "nothing to read");
    let seen = introspect(&world, access);
    assert_eq!((seen.get("active"), seen.get("aud")), (Some(&json!(true)), Some(&json!(ISSUER))));
    assert_eq!(seen.get("exp").and_then(Value::as_u64), Some(world.now().seconds() + 900));
    assert_eq!(json(&userinfo(&world, access)).get("name"), Some(&json!("Alice Liddell")));
    let at_hash = claims(text(&tokens, "id_token"));
    assert!(at_hash.get("at_hash").is_some(), "the ID token is bound to it");

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
    assert_eq!(outcome(&foreign), "invalid_grant", "another client's");
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
fn an_opaque_token_of_another_issuer_is_none() {
    let world = World::new();
    let access = text(&printed(&world, opaque), "access_token").to_owned();

    let elsewhere = world.restarted(&[("ISSUER", "http://127.0.0.1:8787/other")]);
    let authorization = Some(format!("Bearer {access}"));
    let userinfo = Request { authorization, path: "/other/userinfo".to_owned(), ..get() };

    assert_eq!(elsewhere.send(&userinfo).status, 401);
}

#[test]
fn j2_tokens_live_as_long_as_their_client_is_registered() {
    let world = World::new();
    world.change_client("demo-tv", |client| {
        client.tokens.access_token_lifetime = Some(60);
        client.tokens.id_token_lifetime = Some(120);
    });

    let tokens = json(&redeem(&world, &approved(&world, ALL, &[]), &[]));

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
fn userinfo_is_signed_for_clients_that_want_it() {
    let world = World::new();
    let tokens =
        printed(&world, |client| client.tokens.userinfo_signed_response_alg = Some(Algorithm::Es256));

    let answer = userinfo(&world, text(&tokens, "access_token"));

    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/jwt")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (signed, plain) = (claims(&answer.body), verified(&answer.body));
    assert_eq!((signed.get("iss"), signed.get("aud")), (Some(&json!(ISSUER)), Some(&json!("demo-printer"))));
    assert_eq!(signed.get("name"), Some(&json!("Alice Liddell")));
    assert_eq!(signed.get("sub"), claims(text(&tokens, "id_token")).get("sub"));
    assert_eq!((signed.get("exp"), plain.get("exp")), (None, None), "so that it is no ID token");
}
