//! What real clients send that is unusual and harmless, and what they hear if it is not.

use device_grant::endpoint::http::{Request, Response};
use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, get, json, outcome, post, post_raw};

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
fn a_client_that_is_not_authenticated_is_told_how_clients_authenticate_at_every_endpoint() {
    let world = World::new();
    let wrong = [("client_id", "demo-printer"), ("client_secret", "wrong")];
    let more = [("grant_type", DEVICE_CODE), ("device_code", "x"), ("token", "x")];
    let headers = ["Basic !!!", "Bearer abc", "Basic", "Basic bm9ib2R5Ong="];
    for path in ["/device_authorization", "/token", "/introspect", "/revoke"] {
        for (form, authorization) in [(&[("client_id", "nobody")][..], None), (&wrong[..], None)]
            .into_iter()
            .chain(headers.map(|header| (&[][..], Some(header))))
        {
            let request = post(path, &[form, &more[..]].concat());

            let refused = world.send(&Request { authorization: authorization.map(str::to_owned), ..request });

            let challenge = refused.header("www-authenticate");
            let expected = (401, Some("Basic realm=\"device-grant\""));
            assert_eq!((refused.status, challenge), expected, "{path} {form:?} {authorization:?}");
            assert_eq!(outcome(&refused), "invalid_client", "{path} {form:?} {authorization:?}");
        }
    }
}

/// Every address that takes a body, with its method. Those of the admin API are in its document.
const DOORS: [(&str, &str); 16] = [
    ("POST", "/device_authorization"),
    ("POST", "/token"),
    ("POST", "/introspect"),
    ("POST", "/revoke"),
    ("POST", "/userinfo"),
    ("POST", "/device"),
    ("POST", "/account"),
    ("POST", "/account/passkeys"),
    ("POST", "/invitation"),
    ("POST", "/authorize"),
    ("POST", "/register"),
    ("POST", "/backchannel-logout/corp"),
    ("POST", "/security-events/corp"),
    ("POST", "/scim/v2/Users"),
    ("PUT", "/scim/v2/Users/1"),
    ("PATCH", "/scim/v2/Users/1"),
];

#[test]
fn a_body_with_a_content_coding_is_415_at_every_door() {
    let world = World::with(&[("OPEN_REGISTRATION", "true")]);
    let admin = Admin(&world).operations().into_iter();
    let admin = admin.filter(|(method, _)| ["POST", "PUT", "PATCH"].contains(&method.as_str()));
    let admin = admin.map(|(method, path)| (method, format!("/admin/api{path}")));
    let doors = DOORS.map(|(method, path)| (method.to_owned(), path.to_owned())).into_iter().chain(admin);
    for (method, path) in doors {
        let send = |coding: &str| {
            let (method, content_coding) = (method.clone(), Some(coding.to_owned()));
            world.send(&Request { method, content_coding, ..post(&path, &[("client_id", "demo-tv")]) })
        };
        for coding in ["gzip", "br", "GZIP", "gzip, br", "aes128gcm"] {
            let refused = send(coding);

            assert_eq!(refused.status, 415, "{method} {path}: {}", refused.body);
            let is_page = refused.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
            let named = format!("the body has the content coding '{coding}': send it without one");
            assert!(
                is_page || refused.body.to_lowercase().contains(&named.to_lowercase()),
                "{path}: {}",
                refused.body
            );
            assert_eq!(
                refused.decisions.iter().map(|line| line.reason).collect::<Vec<_>>(),
                ["content_coding"]
            );
        }
        for none in ["", "identity", "Identity"] {
            assert_ne!(send(none).status, 415, "{method} {path}");
        }
    }
}

#[test]
fn a_content_coding_without_a_body_says_nothing() {
    let world = World::new();
    let (path, content_coding) = ("/healthz".to_owned(), Some("gzip".to_owned()));

    assert_eq!(world.send(&Request { path, content_coding, ..get() }).status, 200);
}

#[test]
fn a_content_coding_is_repeated_printable_and_bounded() {
    let world = World::new();
    let content_coding = Some(format!("\"<b>\u{202e}{}", "x".repeat(1_000)));

    let refused = world.send(&Request { content_coding, ..post("/token", &[]) });

    let shown = format!("'<b>?{}", "x".repeat(95));
    let expected = format!("The body has the content coding '{shown}': send it without one.");
    assert_eq!(json(&refused)["error_description"], expected);
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

/// Returns the description of a refusal.
fn description(response: &Response) -> String {
    let body = json(response);
    body.get("error_description").and_then(Value::as_str).expect("a text").to_owned()
}

#[test]
fn a_refusal_names_what_was_sent_and_what_to_send() {
    let world = World::new();
    let challenge = ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let start = |more: &[(&str, &str)], expected: &str| {
        let form = [&[("client_id", "demo-tv")][..], more].concat();
        assert_eq!(description(&world.post("/device_authorization", &form)), expected, "{more:?}");
    };
    start(
        &[("scope", "openid,email")],
        "No scope of 'openid,email' is allowed, or at a refresh was granted. Spaces separate scopes.",
    );
    start(
        &[("scope", "openid \"é")],
        "The scope 'openid '?' has a character that no scope can have: send visible ASCII without quotation marks and \
         backslashes, and a space between scopes.",
    );
    for more in [&[challenge][..], &[challenge, ("code_challenge_method", "plain")]] {
        start(
            more,
            "Send code_challenge_method=S256 with the code_challenge: without it the method is plain, which is not \
             accepted.",
        );
    }
    start(
        &[("resource", "api")],
        "The resource 'api' is malformed: send an absolute URI without a fragment, of at most 512 bytes.",
    );
    start(
        &[("resource", "https://api.example.org")],
        "The resource 'https://api.example.org' is not in the audience of this client, or was not granted: send one \
         that is, or none.",
    );
    start(
        &[("max_age", "soon")],
        "The parameter max_age is malformed: it must be a whole number of seconds.",
    );
    start(
        &[("dpop_jkt", "x")],
        "The parameter dpop_jkt is malformed: it must be the SHA-256 thumbprint of a JWK in base64url, 43 characters.",
    );
    start(&[("scope", "a"), ("scope", "b")], "The parameter 'scope' was sent more than once: send it once.");
    let grant_type = world.post("/token", &[("grant_type", "password"), ("client_id", "demo-tv")]);
    let expected = "This server has no grant type 'password': send urn:ietf:params:oauth:grant-type:device_code or \
                    refresh_token.";
    assert_eq!(
        (outcome(&grant_type).as_str(), &*description(&grant_type)),
        ("unsupported_grant_type", expected)
    );
}

#[test]
fn a_body_of_another_type_is_400_and_its_type_is_named() {
    let world = World::new();
    for (content_type, expected) in [
        (Some("text/plain"), "The Content-Type is 'text/plain': send application/x-www-form-urlencoded."),
        (None, "There is no Content-Type: send application/x-www-form-urlencoded."),
    ] {
        let form = post("/device_authorization", &[("client_id", "demo-tv")]);

        let refused = world.send(&Request { content_type: content_type.map(str::to_owned), ..form });

        assert_eq!((refused.status, description(&refused).as_str()), (400, expected));
    }
}

#[test]
fn what_a_refusal_repeats_is_bounded() {
    let world = World::new();
    let long = "x".repeat(5_000);
    for (path, form) in [
        ("/device_authorization", [("client_id", "demo-tv"), ("scope", &*long)]),
        ("/device_authorization", [("client_id", "demo-tv"), ("resource", &long)]),
        ("/token", [("client_id", "demo-tv"), ("grant_type", &long)]),
        ("/token", [(&*long, "1"), (&*long, "2")]),
    ] {
        let refused = world.post(path, &form);

        let description = description(&refused);
        assert!(description.contains(&"x".repeat(100)) && description.len() < 350, "{description}");
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let world = World::new();
    let with = |authorization: &str| {
        let request = post("/token", &[("grant_type", DEVICE_CODE), ("device_code", "x")]);
        description(&world.send(&Request { authorization: Some(authorization.to_owned()), ..request }))
    };

    for header in ["hunter2", "hunter2 x", "Bearer hunter2"] {
        assert_eq!(
            with(header),
            "The Authorization header is malformed: send Basic, with client_id:client_secret in base64."
        );
    }
    let verifier = [("client_id", "demo-tv"), ("device_code", "x"), ("code_verifier", "hunter2")];
    let refused = world.post("/token", &[&[("grant_type", DEVICE_CODE)][..], &verifier].concat());
    assert!(!refused.body.contains("hunter2"), "{}", refused.body);
}

#[test]
fn a_429_says_which_limit_and_until_when() {
    let world = World::with(&[("LIVE_CODES_PER_CLIENT_AND_NETWORK", "1")]);
    let started = world.start();
    assert_eq!(
        description(&world.post("/device_authorization", &[("client_id", "demo-tv")])),
        "Too many pending codes of this client from this network (/32); try again in 300 seconds."
    );
    let secret = ("client_secret", "demo-printer-secret");
    let printer = world.start_with(&[("client_id", "demo-printer"), secret]);
    world.set_down("rate limit", true);
    let ask = |path: &str, form: &[(&str, &str)]| {
        let refused = world.post(path, form);
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
        description(&refused)
    };
    assert_eq!(
        ask("/device_authorization", &[("client_id", "demo-tv")]),
        "Too many requests for codes by this client from this network; try again in 60 seconds."
    );
    let wrong = [("client_id", "demo-printer"), ("client_secret", "wrong")];
    assert_eq!(
        ask("/device_authorization", &wrong),
        "Too many failed client authentications from this network; try again in 60 seconds."
    );
    let poll = [("grant_type", DEVICE_CODE), ("device_code", &*printer.device_code)];
    assert_eq!(
        ask("/token", &[&wrong[..], &poll].concat()),
        "Too many failed client authentications with this device code; try again in 60 seconds."
    );
    assert_eq!(
        world.poll_outcome(&started.device_code),
        "authorization_pending",
        "an honest poll has no such limit"
    );
}
