//! Dynamic client registration (RFC 7591): off by default, and open only with an initial access token.

use device_grant::endpoint::http::{Request, Response};
use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::{World, get, json, outcome};

/// SHA-256 of the token `test`, in hex.
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Returns a server on which clients can register themselves with the token `test`.
fn open() -> World {
    World::with(&[("INITIAL_ACCESS_TOKEN_SHA256", DIGEST), ("REGISTRATION_SCOPES", "openid email")])
}

fn register(world: &World, token: Option<&str>, metadata: &Value) -> Response {
    world.send(&Request {
        method: "POST".to_owned(),
        path: "/register".to_owned(),
        authorization: token.map(|token| format!("Bearer {token}")),
        content_type: Some("application/json".to_owned()),
        body: Some(metadata.to_string().into_bytes()),
        ..get()
    })
}

#[test]
fn registration_is_off_until_a_token_is_configured_and_discovery_says_so() {
    let off = World::new();
    assert_eq!(register(&off, Some("test"), &json!({})).status, 404);
    assert_eq!(json(&off.get("/.well-known/oauth-authorization-server")).get("registration_endpoint"), None);

    let on = open();
    let endpoint = &json(&on.get("/.well-known/oauth-authorization-server"))["registration_endpoint"];
    assert_eq!(endpoint, "http://127.0.0.1:8787/register");
}

#[test]
fn a_client_registers_itself_and_starts_a_login() {
    let world = open();
    let metadata = json!({
        "client_name": "TV",
        "client_name#de": "Fernseher",
        "grant_types": [GRANT, "refresh_token"],
        "redirect_uris": ["https://tv.example/cb"],
        "scope": "openid email offline_access",
        "token_endpoint_auth_method": "client_secret_post",
    });

    let response = register(&world, Some("test"), &metadata);

    let body = json(&response);
    assert_eq!((response.status, &body["client_secret_expires_at"]), (201, &json!(0)));
    assert_eq!((&body["scope"], &body["grant_types"]), (&json!("email openid"), &metadata["grant_types"]));
    assert_eq!(body["client_id_issued_at"], 1_795_262_400);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let mut names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = "client_id client_id_issued_at client_name client_secret client_secret_expires_at \
                    dpop_bound_access_tokens grant_types id_token_signed_response_alg redirect_uris response_types scope \
                    tls_client_certificate_bound_access_tokens token_endpoint_auth_method";
    assert_eq!(names.join(" "), expected, "what it registered, and nothing that only operators see");
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let form = [("client_id", &*text("client_id")), ("client_secret", &*text("client_secret"))];
    assert_eq!(outcome(&world.post("/device_authorization", &form)), "issued");
}

#[test]
fn only_the_initial_access_token_lets_a_client_register() {
    let world = open();

    for token in [None, Some("wrong"), Some("development-admin-token"), Some("")] {
        let response = register(&world, token, &json!({ "client_name": "TV", "grant_types": [GRANT] }));
        assert_eq!((response.status, &json(&response)["error"]), (401, &json!("invalid_token")));
        assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"device-grant\""));
    }
    let guess = |_| register(&world, Some("wrong"), &json!({}));
    let refused = (0..21).map(guess).collect::<Vec<_>>().pop().expect("an answer");
    assert_eq!(refused.status, 429, "guesses are limited");
    let seconds = refused.header("retry-after").expect("a number");
    let expected = format!(
        "Too many wrong initial access tokens came from this network; try again in {seconds} seconds."
    );
    assert_eq!(json(&refused)["error_description"], expected);
}

#[test]
fn members_for_operators_are_ignored() {
    let world = open();
    let metadata = json!({
        "client_id": "demo-tv",
        "client_name": "TV",
        "grant_types": [GRANT],
        "token_endpoint_auth_method": "none",
        "enabled": false,
        "owner": "Somebody else",
        "audience": ["https://api.example"],
        "registered_by": "operator",
        "access_token_lifetime": 86_400,
        "device_client_authentication": false,
        "consent_text": "This is your bank.",
        "allowed_origins": ["https://evil.example"],
        "redemption_place": "same_network",
        "shards_per_network": 64,
        "client_secret": "chosen",
    });

    let body = json(&register(&world, Some("test"), &metadata));

    assert_ne!(body["client_id"], "demo-tv");
    assert_eq!((body.get("client_secret"), body.get("client_secret_expires_at")), (None, None));
    let stored = json(&Admin(&world).get(&format!("/clients/{}", body["client_id"].as_str().unwrap())));
    assert_eq!((&stored["enabled"], &stored["owner"]), (&json!(true), &json!("dynamic registration")));
    assert_eq!(
        (&stored["registered_by"], &stored["redemption_place"]),
        (&json!("initial_access_token"), &json!("any"))
    );
    for name in [
        "audience",
        "access_token_lifetime",
        "device_client_authentication",
        "consent_text",
        "allowed_origins",
        "shards_per_network",
    ] {
        assert_eq!((stored.get(name), body.get(name)), (None, None), "{name}");
    }
    assert_eq!(
        (&stored["scope"], &body["scope"]),
        (&json!("email openid"), &json!("email openid")),
        "every scope that it may have"
    );
}

#[test]
fn metadata_that_cannot_be_registered_is_refused_with_every_reason() {
    let world = open();
    for (metadata, expected) in [
        (
            json!({ "client_name": "TV" }),
            "grant_types must include urn:ietf:params:oauth:grant-type:device_code",
        ),
        (
            json!({ "client_name": "TV", "grant_types": [GRANT], "scope": "offline_access" }),
            "scope must include at least one of these: email openid",
        ),
        (json!({ "grant_types": [GRANT], "jwks_uri": "x" }), "jwks_uri is 'x': it must be an https URL"),
        (json!({ "grant_types": [GRANT], "jwks_uri": "x" }), "client_name is missing"),
        (
            json!({ "client_name": "TV", "grant_types": [GRANT], "token_endpoint_auth_method": "client_secret_jwt" }),
            "use private_key_jwt",
        ),
    ] {
        let response = register(&world, Some("test"), &metadata);
        let body = json(&response);
        assert_eq!((response.status, &body["error"]), (400, &json!("invalid_client_metadata")));
        assert!(body["error_description"].as_str().unwrap().contains(expected), "{body}");
    }
    let certificate = json!({ "client_name": "TV", "grant_types": [GRANT], "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=tv" });
    let unserved = json(&register(&world, Some("test"), &certificate));
    assert!(unserved["error_description"].as_str().unwrap().contains("client certificates"), "{unserved}");
    let array = register(&world, Some("test"), &json!([]));
    assert_eq!(json(&array)["error_description"], "The body must be a JSON object.");
}

#[test]
fn a_client_with_a_certificate_registers_itself_where_certificates_are_accepted() {
    let settings = [
        ("ISSUER", "http://127.0.0.1:8787"),
        ("MTLS_ORIGIN", "http://localhost:8787"),
        ("INITIAL_ACCESS_TOKEN_SHA256", DIGEST),
    ];
    let world = World::with(&settings);
    let certificate = json!({ "client_name": "TV", "grant_types": [GRANT], "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=tv" });

    let response = register(&world, Some("test"), &certificate);

    assert_eq!(response.status, 201, "{}", response.body);
    assert_eq!(json(&response)["tls_client_auth_subject_dn"], "CN=tv");
}

#[test]
fn every_registration_leaves_a_log_line_and_no_line_has_the_token_or_the_secret() {
    let world = open();
    let good = json!({ "client_name": "TV", "grant_types": [GRANT] });
    let line = |response: &Response| {
        let [line] = response.decisions.as_slice() else { panic!("one line: {:?}", response.decisions) };
        (line.what, line.client.clone(), line.outcome, line.reason)
    };

    let registered = register(&world, Some("test"), &good);
    let client_id = json(&registered)["client_id"].as_str().map(str::to_owned);
    assert_eq!(line(&registered), ("registration", client_id, "registered", "registered"));
    let wrong = register(&world, Some("wrong"), &good);
    assert_eq!(line(&wrong), ("registration", None, "invalid_token", "initial_access_token"));
    let bad = register(&world, Some("test"), &json!({}));
    assert_eq!(line(&bad), ("registration", None, "invalid_client_metadata", "invalid"));
    world.set_down("registry", true);
    let unavailable = register(&world, Some("test"), &good);
    assert_eq!(line(&unavailable), ("registration", None, "temporarily_unavailable", "unavailable"));
    assert_eq!((unavailable.status, unavailable.header("retry-after")), (503, Some("5")));
}

#[test]
fn at_most_a_hundred_clients_an_hour_register_themselves() {
    let world = open();
    let metadata =
        json!({ "client_name": "TV", "grant_types": [GRANT], "token_endpoint_auth_method": "none" });

    (0..100).for_each(|_| assert_eq!(register(&world, Some("test"), &metadata).status, 201));
    let refused = register(&world, Some("test"), &metadata);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("3600")));
    let expected = "Too many clients have registered with a token within an hour; try again in 3600 seconds.";
    assert_eq!(json(&refused)["error_description"], expected);

    world.wait(3_600);
    assert_eq!(register(&world, Some("test"), &metadata).status, 201);
}

#[test]
fn clients_that_register_themselves_leave_half_of_the_room_to_the_operator() {
    let world = open();
    let metadata =
        json!({ "client_name": "TV", "grant_types": [GRANT], "token_endpoint_auth_method": "none" });
    world.multiply_client("demo-tv", 2_497);

    assert_eq!(register(&world, Some("test"), &metadata).status, 201, "the last of 2,500");
    let refused = register(&world, Some("test"), &metadata);

    assert_eq!(json(&refused)["error_description"], "There is no room for more clients.");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("3600")));
    assert_eq!(Admin(&world).create(&metadata).status, 201, "an operator can still create a client");
    world.multiply_client("demo-printer", 2_499);
    assert_eq!(Admin(&world).create(&metadata).status, 409, "until there is no room for anybody");
}
