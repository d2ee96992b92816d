//! What real clients send that is unusual and harmless, and what they hear if it is not.

use device_grant::endpoint::http::Request;
use serde_json::json;

use crate::support::person::Person;
use crate::support::{World, get, json, outcome, post, post_raw};

#[test]
fn a_hint_that_cannot_be_used_never_refuses_a_code() {
    let world = World::new();
    for (name, value) in [("ui_locales", "de_DE"), ("login_hint", &*"a".repeat(300)), ("login_hint", "a\nb")]
    {
        let form = [("client_id", "demo-tv"), (name, value)];

        assert_eq!(world.post("/device_authorization", &form).status, 200, "{name}={value:?}");
    }
}

#[test]
fn an_unknown_client_and_a_wrong_secret_in_the_form_are_told_how_clients_authenticate() {
    let world = World::new();
    let wrong = [("client_id", "demo-printer"), ("client_secret", "wrong")];
    for form in [&[("client_id", "nobody")][..], &wrong[..]] {
        let refused = world.post("/device_authorization", form);

        let challenge = refused.header("www-authenticate");
        assert_eq!((refused.status, challenge), (401, Some("Basic realm=\"device-grant\"")));
    }
}

#[test]
fn a_body_with_a_content_coding_is_415_and_another_media_type_400() {
    let world = World::new();
    let form = post("/device_authorization", &[("client_id", "demo-tv")]);
    let gzipped = Request { content_coding: Some("gzip".to_owned()), ..form.clone() };
    let text = Request { content_type: Some("text/plain".to_owned()), ..form };

    let refused = world.send(&gzipped);
    assert_eq!((refused.status, outcome(&refused).as_str()), (415, "invalid_request"));
    let description = &json(&refused)["error_description"];
    assert_eq!(description, "Send the body without a content coding such as gzip.");
    assert_eq!(world.send(&text).status, 400);
}

#[test]
fn a_client_that_authenticates_in_the_header_needs_no_body() {
    let world = World::new();
    world.change_client("demo-printer", |client| {
        if let device_grant::client::Authentication::Secret { by, .. } = &mut client.authentication {
            *by = device_grant::client::SecretBy::Basic;
        }
    });
    let basic = "Basic ZGVtby1wcmludGVyOmRlbW8tcHJpbnRlci1zZWNyZXQ=";
    let bare = Request {
        authorization: Some(basic.to_owned()),
        content_type: None,
        ..post_raw("/device_authorization", b"")
    };

    let response = world.send(&bare);

    assert_eq!(response.status, 200, "{}", response.body);
}

#[test]
fn a_refresh_may_repeat_the_scope_that_was_cut_at_the_start() {
    let world = World::new();
    let scope = "openid offline_access admin";
    let started = world.start_with(&[("client_id", "demo-tv"), ("scope", scope)]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let tokens = json(&world.poll(&started.device_code));
    let refresh_token = tokens["refresh_token"].as_str().expect("a refresh token");
    let form = |scope| {
        [
            ("grant_type", "refresh_token"),
            ("client_id", "demo-tv"),
            ("refresh_token", refresh_token),
            ("scope", scope),
        ]
    };

    assert_eq!(outcome(&world.post("/token", &form("admin"))), "invalid_scope");
    let refreshed = world.post("/token", &form(scope));

    assert_eq!((refreshed.status, &json(&refreshed)["scope"]), (200, &json!("offline_access openid")));
}

#[test]
fn a_preflight_may_name_any_header_where_no_cookie_is_read() {
    let world = World::new();
    let preflight =
        |path: &str| world.send(&Request { method: "OPTIONS".to_owned(), path: path.to_owned(), ..get() });

    for path in ["/userinfo", "/.well-known/openid-configuration"] {
        assert_eq!(
            preflight(path).header("access-control-allow-headers"),
            Some("authorization, *"),
            "{path}"
        );
    }
    assert_eq!(preflight("/device").status, 405, "the pages read cookies");
}

#[test]
fn a_deployment_with_the_placeholder_for_its_issuer_says_so() {
    let world = World::with(&[
        ("ENVIRONMENT", "production"),
        ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="),
        ("ISSUER", "https://login.example.com"),
    ]);
    let at = |path: &str| {
        let (host, path) = ("device-grant.example.workers.dev".to_owned(), path.to_owned());
        world.send(&Request { host, path, secure: true, ..get() })
    };

    for path in ["/", "/device", "/token", "/.well-known/openid-configuration"] {
        let refused = at(path);
        assert_eq!(refused.status, 503, "{path}");
        assert!(refused.body.starts_with("ISSUER is still the placeholder: set it"), "{}", refused.body);
    }
    assert_eq!(at("/healthz").status, 200);
}

#[test]
fn a_refusal_names_what_was_sent_and_what_to_send() {
    let world = World::with(&[("LIVE_CODES_PER_CLIENT_AND_NETWORK", "1")]);
    let description = |form: &[(&str, &str)]| {
        let form = [&[("client_id", "demo-tv")][..], form].concat();
        json(&world.post("/device_authorization", &form))["error_description"]
            .as_str()
            .expect("a text")
            .to_owned()
    };

    let commas = description(&[("scope", "openid,email")]);
    assert!(
        commas.starts_with("No scope of 'openid,email' is allowed")
            && commas.ends_with("Spaces separate scopes.")
    );
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for more in [&[][..], &[("code_challenge_method", "plain")]] {
        let plain = description(&[&[("code_challenge", challenge)][..], more].concat());
        assert!(plain.starts_with("Send code_challenge_method=S256 with the code_challenge:"), "{plain}");
    }
    world.start();
    assert_eq!(
        description(&[]),
        "Too many pending codes of this client from this network (/32); try again in 300 seconds."
    );
}
