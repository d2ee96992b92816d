//! Issued tokens that are presented: revocation (RFC 7009), introspection (RFC 7662) and `/userinfo`.

use device_grant::endpoint::http::{Request, Response};
use device_grant::token::signing_key::Algorithm;
use serde_json::{Value, json};

use super::{printed, text, userinfo};
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, ISSUER, World, claims, get, json, outcome, post, verified};

const PRINTER: [(&str, &str); 2] = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];

/// Logs `demo-printer` in, and returns its tokens. It may introspect them itself.
fn tokens(world: &World) -> Value {
    let scope = ("scope", "openid profile email offline_access");
    let started = world.start_with(&[&PRINTER[..], &[scope]].concat());
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    let response = world.post("/token", &[&PRINTER[..], &poll].concat());
    assert_eq!(response.status, 200, "{}", response.body);
    json(&response)
}

fn token<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens.get(name).and_then(Value::as_str).expect("the token was issued")
}

fn ask(world: &World, path: &str, token: &str) -> Response {
    world.post(path, &[&PRINTER[..], &[("token", token)]].concat())
}

fn active(world: &World, token: &str) -> bool {
    json(&ask(world, "/introspect", token)).get("active") == Some(&json!(true))
}

fn refresh(world: &World, token: &str) -> Response {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token)];
    world.post("/token", &[&PRINTER[..], &refresh].concat())
}

#[test]
fn v1_v3_a_revoked_refresh_token_ends_every_token_of_its_grant() {
    let world = World::new();
    let tokens = tokens(&world);

    let revoked = ask(&world, "/revoke", token(&tokens, "refresh_token"));

    assert_eq!(revoked.status, 200);
    assert_eq!(outcome(&refresh(&world, token(&tokens, "refresh_token"))), "invalid_grant");
    assert!(!active(&world, token(&tokens, "access_token")), "a JWT ends at once, too");
    assert_eq!(userinfo(&world, token(&tokens, "access_token")).status, 401);
    assert!(world.events().contains(&"revoked".to_owned()));
}

#[test]
fn v1_a_revoked_access_token_ends_its_grant_too() {
    let world = World::new();
    let tokens = tokens(&world);

    assert_eq!(ask(&world, "/revoke", token(&tokens, "access_token")).status, 200);

    assert!(!active(&world, token(&tokens, "access_token")));
    assert_eq!(outcome(&refresh(&world, token(&tokens, "refresh_token"))), "invalid_grant");
}

#[test]
fn v2_the_client_authenticates_and_revokes_only_its_own() {
    let world = World::new();
    let tokens = tokens(&world);
    let access = token(&tokens, "access_token");

    let bare = world.post("/revoke", &[("client_id", "demo-printer"), ("token", access)]);
    assert_eq!((bare.status, outcome(&bare).as_str()), (401, "invalid_client"));
    let foreign = world.post("/revoke", &[("client_id", "demo-tv"), ("token", access)]);
    assert_eq!((foreign.status, outcome(&foreign).as_str()), (400, "invalid_grant"));
    let foreign =
        world.post("/revoke", &[("client_id", "demo-tv"), ("token", token(&tokens, "refresh_token"))]);
    assert_eq!(foreign.status, 200, "another client's refresh token counts as unknown");

    assert!(active(&world, access));
}

#[test]
fn v4_an_unknown_token_is_revoked_already_and_a_wrong_hint_does_not_matter() {
    let world = World::new();
    let tokens = tokens(&world);

    assert_eq!(ask(&world, "/revoke", "unknown").status, 200);
    assert_eq!(ask(&world, "/revoke", "a.b.c").status, 200);
    assert_eq!(outcome(&world.post("/revoke", &PRINTER)), "invalid_request");
    let hinted = [("token", token(&tokens, "refresh_token")), ("token_type_hint", "access_token")];
    assert_eq!(world.post("/revoke", &[&PRINTER[..], &hinted].concat()).status, 200);
    assert!(!active(&world, token(&tokens, "access_token")));
}

#[test]
fn v1_a_revocation_that_fails_is_a_503_and_the_tokens_stay_good() {
    let world = World::new();
    let tokens = tokens(&world);

    for name in ["refresh_token", "access_token"] {
        world.set_down("grants", true);
        let refused = ask(&world, "/revoke", token(&tokens, name));
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")), "{name}");
        assert_eq!(outcome(&refused), "temporarily_unavailable", "{name}");

        world.set_down("grants", false);
        assert!(active(&world, token(&tokens, "access_token")), "{name}");
        assert_eq!(userinfo(&world, token(&tokens, "access_token")).status, 200, "{name}");
    }
    assert_eq!(outcome(&refresh(&world, token(&tokens, "refresh_token"))), "issued");
}

#[test]
fn v1_a_public_client_revokes_with_its_identifier_alone() {
    let world = World::new();
    let started = world.approved();
    let refresh_token = json(&world.poll(&started.device_code));
    let refresh_token = token(&refresh_token, "refresh_token");

    assert_eq!(world.post("/revoke", &[("client_id", "demo-tv"), ("token", refresh_token)]).status, 200);

    assert_eq!(outcome(&world.refresh(refresh_token)), "invalid_grant");
}

#[test]
fn i1_only_a_client_with_credentials_can_introspect() {
    let world = World::new();
    let tokens = tokens(&world);
    let access = token(&tokens, "access_token");

    for caller in
        [&[("client_id", "demo-tv")][..], &[("client_id", "demo-printer"), ("client_secret", "wrong")]]
    {
        let response = world.post("/introspect", &[caller, &[("token", access)]].concat());
        assert_eq!((response.status, outcome(&response).as_str()), (401, "invalid_client"));
    }
    assert_eq!(outcome(&world.post("/introspect", &PRINTER)), "invalid_request");
}

#[test]
fn introspection_shows_the_username_only_with_the_scope_profile() {
    let world = World::new();
    let started = world.start_with(&[&PRINTER[..], &[("scope", "openid offline_access")]].concat());
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    let tokens = json(&world.post("/token", &[&PRINTER[..], &poll].concat()));

    for name in ["access_token", "refresh_token"] {
        let described = json(&ask(&world, "/introspect", token(&tokens, name)));
        assert_eq!(
            (described.get("active"), described.get("username")),
            (Some(&json!(true)), None),
            "{name}"
        );
    }
}

#[test]
fn a_token_with_a_signature_of_the_wrong_length_is_only_inactive() {
    let world = World::new();
    let tokens = tokens(&world);
    let (signed, _) = token(&tokens, "access_token").rsplit_once('.').expect("a JWT");

    for signature in ["AA", "", &"A".repeat(400)] {
        let forged = format!("{signed}.{signature}");
        assert_eq!(ask(&world, "/introspect", &forged).body, r#"{"active":false}"#, "{signature:?}");
    }
}

#[test]
fn i2_a_good_token_is_described_and_any_other_is_only_inactive() {
    let world = World::new();
    let tokens = tokens(&world);

    let access = json(&ask(&world, "/introspect", token(&tokens, "access_token")));
    assert_eq!(access.get("iss"), Some(&json!(ISSUER)));
    assert_eq!(access.get("client_id"), Some(&json!("demo-printer")));
    assert_eq!(access.get("username"), Some(&json!("alice")));
    assert_eq!(access.get("token_type"), Some(&json!("Bearer")));
    assert_eq!(access.get("scope"), Some(&json!("email offline_access openid profile")));
    assert!(active(&world, token(&tokens, "refresh_token")));

    let theirs = json(&world.poll(&world.approved().device_code));
    assert_eq!(userinfo(&world, token(&theirs, "access_token")).status, 200, "good, but not for the caller");
    for bad in ["unknown", "a.b.c", token(&theirs, "access_token"), token(&tokens, "id_token")] {
        let described = ask(&world, "/introspect", bad);
        assert_eq!((described.status, described.body.as_str()), (200, r#"{"active":false}"#), "{bad}");
    }
    let empty = ask(&world, "/introspect", "");
    assert_eq!(
        (empty.status, outcome(&empty).as_str()),
        (400, "invalid_request"),
        "an empty parameter is missing"
    );
}

#[test]
fn i3_introspection_checks_expiry_signature_rotation_and_account() {
    let world = World::new();
    let tokens = tokens(&world);
    let access = token(&tokens, "access_token");
    let (head, signature) = access.rsplit_once('.').expect("a JWT");
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}.{flipped}{}", signature.split_at(1).1);

    assert!(!active(&world, &forged));

    world.set_blocked("local:alice", true);
    assert!(!active(&world, access));
    world.set_blocked("local:alice", false);
    assert!(active(&world, access));

    refresh(&world, token(&tokens, "refresh_token"));
    assert!(!active(&world, token(&tokens, "refresh_token")), "the rotation replaced it");
    assert!(active(&world, access));
    world.wait(900);
    assert!(!active(&world, access), "the access token has expired");
}

#[test]
fn a_replayed_device_code_makes_its_tokens_inactive() {
    let world = World::new();
    let started = world.approved();
    let tokens = json(&world.poll(&started.device_code));
    world.wait(10);
    world.poll(&started.device_code);

    assert_eq!(userinfo(&world, token(&tokens, "access_token")).status, 401);
}

#[test]
fn userinfo_has_the_claims_that_the_scopes_allow() {
    let world = World::new();
    let tokens = tokens(&world);
    let access = token(&tokens, "access_token");

    let answer = json(&userinfo(&world, access));
    assert_eq!(answer.get("sub"), claims(access).get("sub"));
    assert_eq!(answer.get("name"), Some(&json!("Alice Liddell")));
    assert_eq!(answer.get("email"), Some(&json!("alice@example.com")));

    let posted = world.post("/userinfo", &[("access_token", access)]);
    assert_eq!(json(&posted), answer);
}

#[test]
fn r1_userinfo_refuses_with_a_challenge_that_says_where_it_is_described() {
    let world = World::new();
    let tokens = tokens(&world);
    let access = token(&tokens, "access_token");

    let none = world.get("/userinfo");
    let metadata = format!("{ISSUER}/.well-known/oauth-protected-resource/userinfo");
    let bare = format!("Bearer realm=\"device-grant\", resource_metadata=\"{metadata}\"");
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some(bare.as_str())));
    for bad in ["unknown", token(&tokens, "id_token"), token(&tokens, "refresh_token")] {
        let refused = userinfo(&world, bad);
        let challenge = refused.header("www-authenticate").expect("a challenge");
        assert!(refused.status == 401 && challenge.contains("invalid_token"), "{challenge}");
    }
    let authorization = Some(format!("Bearer {access}"));
    let twice = world.send(&Request { authorization, ..post("/userinfo", &[("access_token", access)]) });
    assert_eq!(outcome(&twice), "invalid_request");

    let started = world.start_with(&[("client_id", "demo-tv"), ("scope", "email")]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let narrow = json(&world.poll(&started.device_code));
    let refused = userinfo(&world, token(&narrow, "access_token"));
    assert_eq!((refused.status, outcome(&refused).as_str()), (403, "insufficient_scope"));
}

#[test]
fn the_metadata_name_the_endpoints_for_issued_tokens() {
    let metadata = json(&World::new().get("/.well-known/openid-configuration"));

    for (member, path) in [
        ("introspection_endpoint", "/introspect"),
        ("revocation_endpoint", "/revoke"),
        ("userinfo_endpoint", "/userinfo"),
    ] {
        assert_eq!(metadata.get(member), Some(&json!(format!("{ISSUER}{path}"))));
    }
}

#[test]
fn r1_userinfo_describes_itself_as_a_resource() {
    let world = World::with(&[("ISSUER", "http://127.0.0.1:8787/auth")]);

    let found = json(&world.get("/.well-known/oauth-protected-resource/auth/userinfo"));

    assert_eq!(found.get("resource"), Some(&json!(format!("{ISSUER}/auth/userinfo"))));
    assert_eq!(found.get("authorization_servers"), Some(&json!([format!("{ISSUER}/auth")])));
    assert_eq!(world.get("/.well-known/oauth-protected-resource").status, 404);
}

#[test]
fn scripts_of_any_site_can_call_what_is_open_and_no_page() {
    let world = World::new();
    let options =
        |path: &str| world.send(&Request { method: "OPTIONS".to_owned(), path: path.to_owned(), ..get() });

    for path in [
        "/userinfo",
        "/jwks.json",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/userinfo",
    ] {
        let preflight = options(path);
        assert_eq!(
            (preflight.status, preflight.header("access-control-allow-origin")),
            (204, Some("*")),
            "{path}"
        );
        assert!(
            preflight
                .header("access-control-allow-headers")
                .is_some_and(|names| names.contains("authorization"))
        );
    }
    for path in ["/device", "/authorize", "/introspect", "/register", "/healthz"] {
        let preflight = options(path);
        let open = preflight.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
        assert_eq!(open, None, "{path}");
    }
    assert_eq!(Person::of(&world).open("/device").header("access-control-allow-origin"), None);
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
    assert_eq!(
        (signed.get("exp"), plain.get("exp")),
        (None, None),
        "without `exp` it cannot pass for an ID token"
    );
}
