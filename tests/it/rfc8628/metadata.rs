//! Statements M1 to M4: the metadata (RFC 8414).

use crate::support::{ISSUER, World, json};

#[test]
fn m1_the_well_known_path_stands_between_host_and_path_of_the_issuer() {
    let world = World::with(&[("ISSUER", "http://127.0.0.1:8787/auth")]);

    let found = world.get("/.well-known/oauth-authorization-server/auth");
    assert_eq!((found.status, found.header("content-type")), (200, Some("application/json")));
    assert_eq!(json(&found)["token_endpoint"], format!("{ISSUER}/auth/token"));
    assert_eq!(world.get("/auth/.well-known/openid-configuration").body, found.body);
    assert_eq!(world.get("/.well-known/oauth-authorization-server").status, 404);
}

#[test]
fn m2_the_issuer_matches_the_address_of_the_request() {
    let metadata = json(&World::new().get("/.well-known/openid-configuration"));

    assert_eq!(metadata["issuer"], ISSUER);
}

#[test]
fn m3_m4_only_response_types_supported_is_empty() {
    let metadata = json(&World::new().get("/.well-known/oauth-authorization-server"));

    let empty: Vec<&String> = metadata
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| value.as_array().is_some_and(Vec::is_empty))
        .map(|(name, _)| name)
        .collect();

    assert_eq!(empty, ["response_types_supported"]);
    let refused = World::new().get("/authorize");
    assert_eq!(refused.status, 400, "the authorization endpoint explains itself and refuses");
    assert!(refused.body.contains("device"));
}
