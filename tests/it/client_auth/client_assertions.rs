//! Clients that prove themselves with a signed assertion (RFC 7523, `private_key_jwt`).

use crate::support::person::Person;
use crate::support::signer::{JWT_BEARER, Signer, by};
use crate::support::{Cost, DEVICE_CODE, ISSUER, World, json, outcome, post};
use device_grant::client::Authentication;
use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::{KEY_SET_AGE, KEY_SET_REFUSAL_AGE};
use serde_json::{Value, json};

const PRINTER: &str = "demo-printer";
const SCOPE: (&str, &str) = ("scope", "openid offline_access");

/// A world whose printer signs with the key made from 1.
fn world_with(vars: &[(&str, &str)]) -> World {
    let world = World::with(vars);
    register(&world, &Signer::new(&world, PRINTER, 1).jwks());
    world
}

fn register(world: &World, jwks: &Value) {
    world.change_client(PRINTER, |client| {
        client.authentication = Authentication::PrivateKeyJwt;
        client.keys.jwks = Some(jwks.clone());
    });
}

fn ask(world: &World, path: &str, assertion: &str, form: &[(&str, &str)]) -> Response {
    world.post(path, &[&by(assertion)[..], form].concat())
}

fn start(world: &World, assertion: &str) -> Response {
    ask(world, "/device_authorization", assertion, &[SCOPE])
}

fn poll(world: &World, assertion: &str, device_code: &str) -> Response {
    ask(world, "/token", assertion, &[("grant_type", DEVICE_CODE), ("device_code", device_code)])
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).expect("it is there").to_owned()
}

fn device_code(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.body);
    text(&json(response), "device_code")
}

/// Started by `signer`, and approved by alice.
fn approved(world: &World, signer: &Signer<'_>) -> String {
    let started = start(world, &signer.assertion(&json!(ISSUER)));
    let device_code = device_code(&started);
    Person::of(world).approve_as("alice", "wonderland-8787", &text(&json(&started), "user_code"));
    device_code
}

fn reason(response: &Response) -> (&'static str, Option<String>) {
    let decision = response.decisions.first().expect("a line for the log");
    (decision.reason, decision.client.clone())
}

#[test]
fn s5_a_client_with_a_key_goes_all_the_way_without_a_secret() {
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
fn s13_strictly_the_audience_is_the_issuer_alone() {
    let world = world_with(&[("CLIENT_ASSERTION_AUDIENCE", "strict")]);
    let signer = Signer::new(&world, PRINTER, 1);

    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);
    let to_url = signer.assertion(&json!(format!("{ISSUER}/device_authorization")));
    assert_eq!(outcome(&start(&world, &to_url)), "invalid_client");
}

#[test]
fn s13_at_the_mtls_host_the_url_is_that_hosts() {
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
    assert_eq!(reason(&start(&world, &assertion)).0, "assertion_expired", "forgotten no sooner than it ends");
    let other_claims = signer.assertion_with(&json!({ "jti": "1-1" }));
    assert_eq!(start(&world, &other_claims).status, 200, "a name may come back once its assertion has ended");
}

#[test]
fn a_name_belongs_to_one_client() {
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
fn somebody_elses_signature_uses_up_no_name() {
    let world = world_with(&[]);
    let named = |seed| Signer::new(&world, PRINTER, seed).assertion_with(&json!({ "jti": "n" }));

    assert_eq!(reason(&start(&world, &named(2))).0, "assertion_signature_wrong");

    assert_eq!(start(&world, &named(1)).status, 200);
}

#[test]
fn without_the_limiter_no_assertion_is_taken_and_none_is_used_up() {
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
        assert_eq!((response.status, response.header("www-authenticate")), (401, None));
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
fn a_key_that_was_taken_away_redeems_nothing_and_one_that_came_since_does() {
    let world = world_with(&[]);
    let (old, new) = (Signer::new(&world, PRINTER, 1), Signer::new(&world, PRINTER, 2));
    world.wait(10);
    let device_code = approved(&world, &old);
    assert_eq!(world.get("/jwks.json").status, 200, "the snapshot still has the old key");

    register(&world, &new.jwks());

    let refused = poll(&world, &old.assertion(&json!(ISSUER)), &device_code);
    assert_eq!((outcome(&refused).as_str(), reason(&refused).0), ("access_denied", "redemption_refused"));
    assert_eq!(outcome(&poll(&world, &new.assertion(&json!(ISSUER)), &device_code)), "issued");
}

#[test]
fn a_poll_that_waits_asks_its_grant_once_and_writes_the_name_of_its_assertion_only() {
    let world = world_with(&[]);
    let signer = Signer::new(&world, PRINTER, 1);
    let code = device_code(&start(&world, &signer.assertion(&json!(ISSUER))));
    world.cost();

    assert_eq!(outcome(&poll(&world, &signer.assertion(&json!(ISSUER)), &code)), "authorization_pending");

    assert_eq!(world.cost(), Cost { grant_hops: 1, grant_writes: 0, limit_hops: 1, limit_writes: 1 });
}

// --- Keys that the client publishes ---

const JWKS_URI: &str = "https://printer.example/jwks.json";

fn publish(world: &World, jwks: &Value) {
    world.server.platform.documents.borrow_mut().insert(JWKS_URI.to_owned(), jwks.to_string());
}

/// A world whose printer publishes the keys of `1`, called `a`.
fn world_with_uri() -> World {
    let world = World::new();
    world.change_client(PRINTER, |client| {
        client.authentication = Authentication::PrivateKeyJwt;
        client.keys.jwks_uri = Some(JWKS_URI.to_owned());
    });
    publish(&world, &Signer::new(&world, PRINTER, 1).named("a").jwks());
    world.wait(10);
    world
}

#[test]
fn published_keys_are_fetched_once_in_a_while() {
    let world = world_with_uri();
    let signer = Signer::new(&world, PRINTER, 1).named("a");
    let fetches = || world.server.platform.fetches.get();

    for _ in 0..3 {
        assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);
    }
    assert_eq!(fetches(), 1);
    world.wait(KEY_SET_AGE.as_secs());
    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);
    assert_eq!(fetches(), 2);
}

#[test]
fn a_key_that_was_taken_out_of_what_is_published_is_good_for_five_minutes_at_most() {
    let world = world_with_uri();
    let signer = Signer::new(&world, PRINTER, 1).named("a");
    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);

    publish(&world, &json!({ "keys": [] }));

    world.wait(299);
    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 200);
    world.wait(1);
    assert_eq!(reason(&start(&world, &signer.assertion(&json!(ISSUER)))).0, "assertion_signature_wrong");
}

#[test]
fn an_unknown_key_has_them_fetched_anew_at_most_once_a_minute() {
    let world = world_with_uri();
    let (old, new) = (Signer::new(&world, PRINTER, 1).named("a"), Signer::new(&world, PRINTER, 2).named("b"));
    let fetches = || world.server.platform.fetches.get();
    let status = |signer: &Signer<'_>| start(&world, &signer.assertion(&json!(ISSUER))).status;
    assert_eq!(status(&old), 200);

    publish(&world, &json!({ "keys": [old.jwk(), new.jwk()] }));

    assert_eq!((status(&new), fetches()), (401, 1), "too soon after the first");
    world.wait(KEY_SET_REFUSAL_AGE.as_secs());
    assert_eq!((status(&new), fetches()), (200, 2));
    assert_eq!((status(&new), status(&old), fetches()), (200, 200, 2));
    let stranger = Signer::new(&world, PRINTER, 3).named("c");
    for _ in 0..5 {
        assert_eq!((status(&stranger), fetches()), (401, 2), "nobody can make it fetch more often");
    }
}

#[test]
fn keys_that_cannot_be_fetched_are_a_503_and_soon_asked_for_again() {
    let world = world_with_uri();
    let signer = Signer::new(&world, PRINTER, 1).named("a");
    let status = || start(&world, &signer.assertion(&json!(ISSUER))).status;
    world.set_down("documents", true);

    assert_eq!((status(), status(), world.server.platform.fetches.get()), (503, 503, 1));
    world.set_down("documents", false);
    assert_eq!(status(), 503, "not for ten seconds");
    world.wait(10);
    assert_eq!(status(), 200);

    world.set_down("documents", true);
    world.wait(299);
    assert_eq!(status(), 200, "what is known is good for its time");
    world.wait(1);
    assert_eq!(status(), 503);
    publish(&world, &json!("not a set"));
    world.set_down("documents", false);
    world.wait(10);
    assert_eq!(status(), 503);
}

#[test]
fn keys_are_never_fetched_without_tls() {
    let world = world_with_uri();
    world.change_client(PRINTER, |client| {
        client.keys.jwks_uri = Some("http://printer.example/jwks".to_owned());
    });
    world.wait(10);
    let signer = Signer::new(&world, PRINTER, 1).named("a");

    assert_eq!(start(&world, &signer.assertion(&json!(ISSUER))).status, 503);

    assert_eq!(world.server.platform.fetches.get(), 0);
}

#[test]
fn the_metadata_say_how_clients_may_prove_themselves() {
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
