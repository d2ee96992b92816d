//! Assertions that the server verifies with the `jwks` of a client, and the metadata about assertions.

use device_grant::client::Authentication;
use device_grant::endpoint::http::Request;
use serde_json::{Value, json};

use super::{PRINTER, SCOPE, approved, ask, device_code, poll, reason, register, start, text, world_with};
use crate::support::signer::{JWT_BEARER, Signer, by};
use crate::support::{Cost, ISSUER, World, json, outcome, post};

#[test]
fn s5_a_client_with_a_key_needs_a_secret_at_no_endpoint() {
    let world = world_with(&[]);
    let signer = Signer::new(&world, PRINTER, 1).named("ours");
    let fresh = || signer.assertion(&json!(ISSUER));
    let device_code = approved(&world, &signer);

    let tokens = json(&poll(&world, &fresh(), &device_code));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &text(&tokens, "refresh_token"))];
    let next = json(&ask(&world, "/token", &fresh(), &refresh));
    let token = text(&next, "access_token");
    let active = || json(&ask(&world, "/introspect", &fresh(), &[("token", &token)]));

    assert_eq!(active().get("active"), Some(&json!(true)));
    assert_eq!(ask(&world, "/revoke", &fresh(), &[("token", &token)]).status, 200);
    assert_eq!(active().get("active"), Some(&json!(false)));
}

#[test]
fn s13_the_audience_is_the_issuer_or_the_url_that_got_the_assertion_as_one_string() {
    let world = world_with(&[]);
    let signer = Signer::new(&world, PRINTER, 1);
    let url = |path: &str| json!(format!("{ISSUER}{path}"));
    let form = [SCOPE, ("token", "unknown"), ("grant_type", "refresh_token"), ("refresh_token", "unknown")];

    for path in ["/device_authorization", "/token", "/introspect", "/revoke"] {
        for good in [json!(ISSUER), url(path)] {
            let response = ask(&world, path, &signer.assertion(&good), &form);
            assert_ne!(response.status, 401, "{path} {good}: {}", response.body);
        }
        let other = if path == "/token" { "/device_authorization" } else { "/token" };
        for bad in
            [url(other), json!([ISSUER]), json!([ISSUER, url(path)]), json!("https://a.example"), json!(null)]
        {
            let response = ask(&world, path, &signer.assertion(&bad), &form);
            assert_eq!(
                (response.status, outcome(&response).as_str()),
                (401, "invalid_client"),
                "{path} {bad}"
            );
            assert_eq!(reason(&response), ("assertion_audience_wrong", Some(PRINTER.to_owned())));
        }
    }
}

#[test]
fn s13_in_strict_mode_the_audience_is_the_issuer() {
    let world = world_with(&[("CLIENT_ASSERTION_AUDIENCE", "strict")]);
    let signer = Signer::new(&world, PRINTER, 1);

    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);
    let to_url = signer.assertion(&json!(format!("{ISSUER}/device_authorization")));
    assert_eq!(outcome(&start(&world, &to_url)), "invalid_client");
}

#[test]
fn s13_at_the_mtls_host_the_audience_is_the_url_of_that_host() {
    let mtls = "http://localhost:8787";
    let world = world_with(&[("ISSUER", ISSUER), ("MTLS_ORIGIN", mtls)]);
    let signer = Signer::new(&world, PRINTER, 1);
    let at = |host: &str, audience: &str| {
        let assertion = signer.assertion(&json!(audience));
        let request = post("/device_authorization", &[&by(&assertion)[..], &[SCOPE]].concat());
        world.send(&Request { host: host.to_owned(), ..request }).status
    };
    let (own, other) = (format!("{mtls}/device_authorization"), format!("{ISSUER}/device_authorization"));

    assert_eq!((at("localhost:8787", &own), at("127.0.0.1:8787", &own)), (200, 401));
    assert_eq!((at("localhost:8787", &other), at("127.0.0.1:8787", &other)), (401, 200));
    assert_eq!((at("localhost:8787", ISSUER), at("localhost:8787", mtls)), (200, 401));
}

#[test]
fn an_assertion_is_good_once_at_any_endpoint() {
    let world = world_with(&[]);
    let signer = Signer::new(&world, PRINTER, 1);
    let assertion = signer.assertion(&json!(ISSUER));
    let code = device_code(&start(&world, &assertion));

    for again in [start(&world, &assertion), poll(&world, &assertion, &code)] {
        assert_eq!((again.status, reason(&again).0), (401, "assertion_replayed"));
    }
    world.wait(91);
    assert_eq!(
        reason(&start(&world, &assertion)).0,
        "assertion_expired",
        "the `jti` is remembered until the assertion expires"
    );
    let other_claims = signer.assertion_with(&json!({ "jti": "1-1" }));
    assert_eq!(
        start(&world, &other_claims).status,
        200,
        "a `jti` can be used again once its assertion has expired"
    );
}

#[test]
fn two_clients_can_use_the_same_jti() {
    let world = world_with(&[]);
    world.change_client("demo-tv", |client| {
        client.authentication = Authentication::PrivateKeyJwt;
        client.keys.jwks = Some(Signer::new(&world, "demo-tv", 1).jwks());
    });

    for client_id in [PRINTER, "demo-tv"] {
        let assertion = Signer::new(&world, client_id, 1).assertion_with(&json!({ "jti": "same" }));
        assert_eq!(start(&world, &assertion).status, 200, "{client_id}");
    }
}

#[test]
fn an_assertion_with_a_wrong_signature_uses_up_no_jti() {
    let world = world_with(&[]);
    let with_key = |seed| Signer::new(&world, PRINTER, seed).assertion_with(&json!({ "jti": "n" }));

    assert_eq!(reason(&start(&world, &with_key(2))).0, "assertion_signature_wrong");

    assert_eq!(start(&world, &with_key(1)).status, 200);
}

#[test]
fn without_the_limiter_no_assertion_is_accepted_or_used_up() {
    let world = world_with(&[]);
    let signer = Signer::new(&world, PRINTER, 1);
    let device_code = approved(&world, &signer);
    let assertion = signer.assertion(&json!(ISSUER));

    world.set_down("limits", true);
    let refused = poll(&world, &assertion, &device_code);
    assert_eq!((refused.status, outcome(&refused).as_str()), (503, "temporarily_unavailable"));

    world.set_down("limits", false);
    assert_eq!(outcome(&poll(&world, &assertion, &device_code)), "issued");
}

#[test]
fn every_refusal_looks_the_same_and_the_log_tells_them_apart() {
    let world = world_with(&[]);
    let signer = Signer::new(&world, PRINTER, 1);
    let now = world.now().seconds();
    let replayed = signer.assertion(&json!(ISSUER));
    start(&world, &replayed);
    let form = |assertion: &str, kind: &str| {
        let form = [("client_assertion_type", kind), ("client_assertion", assertion), SCOPE];
        world.post("/device_authorization", &form)
    };
    let changed = |changes: Value| signer.assertion_with(&changes);

    let unknown = Signer::new(&world, "nobody", 1).assertion(&json!(ISSUER));
    let public = Signer::new(&world, "demo-tv", 1).assertion(&json!(ISSUER));
    for (assertion, expected) in [
        (unknown.as_str(), "unknown_client"),
        (&public, "wrong_method"),
        (&Signer::new(&world, PRINTER, 2).assertion(&json!(ISSUER)), "assertion_signature_wrong"),
        (&replayed, "assertion_replayed"),
        (&changed(json!({ "exp": now - 31 })), "assertion_expired"),
        (&changed(json!({ "exp": null })), "assertion_expired"),
        (&changed(json!({ "exp": now + 631 })), "assertion_too_long"),
        (&changed(json!({ "nbf": now + 31 })), "assertion_too_early"),
        (&changed(json!({ "jti": null })), "assertion_nameless"),
        (&changed(json!({ "iss": "another" })), "assertion_subject_wrong"),
        ("a.b.c", "assertion_malformed"),
        (&replayed.replace("eyJhbGciOiJFUzI1NiI", "eyJhbGciOiJIUzI1NiI"), "assertion_algorithm_unknown"),
    ] {
        let response = form(assertion, JWT_BEARER);
        assert_eq!(reason(&response).0, expected);
        let challenge = response.header("www-authenticate");
        assert_eq!((response.status, challenge), (401, Some("Basic realm=\"device-grant\"")));
        assert_eq!(response.body, form(&unknown, JWT_BEARER).body, "{expected}");
    }
    let saml = form(&changed(json!({})), "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    assert_eq!((saml.status, reason(&saml).0), (401, "assertion_type_unknown"));
}

#[test]
fn a_client_with_a_key_has_no_secret_and_one_with_a_secret_no_key() {
    let world = world_with(&[]);
    world.wait(10);
    let secret = [("client_id", PRINTER), ("client_secret", "demo-printer-secret"), SCOPE];

    assert_eq!(reason(&world.post("/device_authorization", &secret)).0, "wrong_method");
    let bare = world.post("/device_authorization", &[("client_id", PRINTER), SCOPE]);
    assert_eq!((bare.status, reason(&bare).0), (401, "no_proof"));

    let world = World::new();
    let assertion = Signer::new(&world, PRINTER, 1).assertion(&json!(ISSUER));
    assert_eq!(reason(&start(&world, &assertion)).0, "wrong_method");
}

#[test]
fn a_removed_key_redeems_nothing_and_a_new_one_does() {
    let world = world_with(&[]);
    let (old, new) = (Signer::new(&world, PRINTER, 1), Signer::new(&world, PRINTER, 2));
    world.wait(10);
    let device_code = approved(&world, &old);
    assert_eq!(world.get("/jwks.json").status, 200, "a snapshot with the old key is loaded");

    register(&world, &new.jwks());

    let refused = poll(&world, &old.assertion(&json!(ISSUER)), &device_code);
    assert_eq!((outcome(&refused).as_str(), reason(&refused).0), ("access_denied", "redemption_refused"));
    assert_eq!(outcome(&poll(&world, &new.assertion(&json!(ISSUER)), &device_code)), "issued");
}

#[test]
fn a_pending_poll_asks_its_grant_once_and_writes_only_its_jti() {
    let world = world_with(&[]);
    let signer = Signer::new(&world, PRINTER, 1);
    let code = device_code(&start(&world, &signer.assertion(&json!(ISSUER))));
    world.cost();

    assert_eq!(outcome(&poll(&world, &signer.assertion(&json!(ISSUER)), &code)), "authorization_pending");

    assert_eq!(world.cost(), Cost { grant_hops: 1, limit_hops: 1, limit_writes: 1, ..Cost::default() });
}

#[test]
fn the_metadata_list_the_methods_of_client_authentication() {
    let metadata = json(&World::new().get("/.well-known/oauth-authorization-server"));

    let (proven, algorithms) = (
        ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        ["ES256", "RS256", "PS256", "PS384", "PS512", "EdDSA", "Ed25519"],
    );
    let any = [&["none"], &proven[..]].concat();
    for (endpoint, methods) in [("token", &any[..]), ("revocation", &any), ("introspection", &proven)] {
        let member = |name: &str| metadata.get(format!("{endpoint}_endpoint_auth_{name}_supported"));
        assert_eq!(member("methods"), Some(&json!(methods)));
        assert_eq!(member("signing_alg_values"), Some(&json!(algorithms)));
    }
    assert_eq!(metadata.get("mtls_endpoint_aliases"), None);
    assert_eq!(metadata.get("tls_client_certificate_bound_access_tokens"), None);
}
