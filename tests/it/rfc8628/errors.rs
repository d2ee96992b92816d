//! Error codes and statuses (RFC 6749 §5.2, RFC 8628 §3.5), 404 and 405.

use device_grant::endpoint::http::Request;

use super::{START, basic};
use crate::support::{DEVICE_CODE, World, get, json, outcome, post};

#[test]
fn errors_have_their_registered_code_and_status() {
    let world = World::new();
    let started = world.start();
    let unknown = [("grant_type", DEVICE_CODE), ("client_id", "nobody"), ("device_code", "x")];
    let two = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let both = world.send(&Request {
        authorization: Some(basic("demo-printer", "demo-printer-secret")),
        ..post("/device_authorization", &two)
    });
    for (response, status, code) in [
        (both, 400, "invalid_request"),
        (world.post("/token", &unknown), 401, "invalid_client"),
        (world.poll("forged"), 400, "invalid_grant"),
        (world.refresh("forged"), 400, "invalid_grant"),
        (
            world.post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "admin")]),
            400,
            "invalid_scope",
        ),
        (
            world.post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "a\"b")]),
            400,
            "invalid_scope",
        ),
        (world.poll(&started.device_code), 400, "authorization_pending"),
        (world.poll(&started.device_code), 400, "slow_down"),
    ] {
        assert_eq!((response.status, outcome(&response).as_str()), (status, code));
    }
}

#[test]
fn a_client_without_the_grant_is_an_unauthorized_client() {
    let world = World::new();
    let started = world.start();
    world.change_client("demo-tv", |client| client.grant_types.clear());
    world.wait(10);

    let response = world.post("/device_authorization", START);
    assert_eq!((response.status, outcome(&response).as_str()), (400, "unauthorized_client"));
    assert_eq!(world.poll_outcome(&started.device_code), "unauthorized_client");
}

#[test]
fn an_unknown_client_and_a_wrong_secret_look_alike() {
    let world = World::new();
    let with =
        |id: &str| world.post("/device_authorization", &[("client_id", id), ("client_secret", "wrong")]);

    let (unknown, wrong) = (with("nobody"), with("demo-printer"));

    assert_eq!((unknown.status, unknown.headers, unknown.body), (wrong.status, wrong.headers, wrong.body));
}

#[test]
fn other_paths_are_not_found_and_a_wrong_method_names_the_right_ones() {
    let world = World::new();
    for path in
        ["/", "/login", "/token/", "/device/x", "/administration", "/register", "//token", "/.well-known/"]
    {
        assert_eq!(world.get(path).status, 404, "{path}");
    }
    for (path, allow) in [
        ("/token", "POST"),
        ("/device_authorization", "POST"),
        ("/device", "GET, HEAD, POST"),
        ("/jwks.json", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
    ] {
        let response = world.send(&Request { method: "DELETE".to_owned(), path: path.to_owned(), ..get() });
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{path}");
    }
    assert_eq!(json(&world.get("/healthz"))["version"], "0.0.0-test");
}
