//! DPoP proofs at the mTLS host, together with certificates (RFC 8705).

use device_grant::client::certificate::Certificate;
use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::{Digest, encode};
use serde_json::json;

use super::text;
use crate::support::dpop::Key;
use crate::support::{DEVICE_CODE, World, claims, json, outcome, post};

const MTLS: &str = "http://localhost:8787";

/// Sends a form to the mTLS host, with a proof for that host and with this certificate.
fn post_by_mtls(world: &World, key: &Key, form: &[(&str, &str)], der: &[u8]) -> Response {
    let (header, mut claims) = key.parts(world, "POST", "/token");
    if let Some(htu) = claims.get_mut("htu") {
        *htu = json!(format!("{MTLS}/token"));
    }
    let (subject_dn, sha256) = ("CN=tv".to_owned(), encode(Digest::of(der).bytes()));
    world.send(&Request {
        host: "localhost:8787".to_owned(),
        dpop: Some(key.sign(&(header, claims))),
        certificate: Some(Certificate { verified: true, subject_dn, sha256 }),
        ..post("/token", form)
    })
}

#[test]
fn p1_at_the_mtls_host_htu_names_it_and_a_token_can_be_bound_to_a_key_and_a_certificate() {
    let world = World::with(&[("ISSUER", crate::support::ISSUER), ("MTLS_ORIGIN", MTLS)]);
    let key = Key::new(1);
    let started = world.approved();
    world.change_client("demo-tv", |client| client.tokens.tls_client_certificate_bound_access_tokens = true);
    world.wait(20);
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];

    let tokens = json(&post_by_mtls(&world, &key, &form, b"certificate"));
    let cnf = claims(text(&tokens, "access_token"))["cnf"].clone();
    assert_eq!(cnf, json!({ "jkt": key.jkt(), "x5t#S256": encode(Digest::of(b"certificate").bytes()) }));
    assert_eq!(text(&tokens, "token_type"), "DPoP");

    let token = text(&tokens, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", token)];
    assert_eq!(outcome(&post_by_mtls(&world, &key, &form, b"another")), "invalid_grant");
    assert_eq!(outcome(&post_by_mtls(&world, &Key::new(2), &form, b"certificate")), "invalid_grant");
    assert_eq!(outcome(&post_by_mtls(&world, &key, &form, b"certificate")), "issued");
}
