//! The server ignores `authorization_details` (RFC 9396) and hints about tokens (RFC 7009 §2.1) that it does not know. A
//! test in `src/endpoint/error/tests.rs` lists the errors that it sends.

use serde_json::json;

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, claims, json, outcome};

const CLIENT: (&str, &str) = ("client_id", "demo-tv");
/// Details with a type that some servers have, with an empty type and without a type, and malformed JSON.
const DETAILS: [&str; 4] =
    [r#"[{"type":"payment_initiation","actions":["initiate"]}]"#, r#"[{"type":""}]"#, "[{}]", "{"];

#[test]
fn d6_authorization_details_are_as_if_they_were_not_sent() {
    for details in DETAILS {
        let world = World::new();
        let details = ("authorization_details", details);
        let started = world.start_with(&[CLIENT, ("scope", "openid offline_access"), details]);
        Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);

        let poll = [CLIENT, ("grant_type", DEVICE_CODE), ("device_code", &started.device_code), details];
        let redeemed = world.post("/token", &poll);
        assert_eq!(redeemed.status, 200, "{}", redeemed.body);
        let refresh_token = json(&redeemed)["refresh_token"].as_str().expect("a refresh token").to_owned();
        let refresh =
            [CLIENT, ("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str()), details];
        let refreshed = world.post("/token", &refresh);
        assert_eq!(refreshed.status, 200, "{}", refreshed.body);

        for tokens in [json(&redeemed), json(&refreshed)] {
            assert_eq!(tokens.get("authorization_details"), None);
            let claims = claims(tokens["access_token"].as_str().expect("a token"));
            assert_eq!(claims.get("authorization_details"), None);
        }
    }
    let metadata = json(&World::new().get("/.well-known/oauth-authorization-server"));
    assert_eq!(metadata.get("authorization_details_types_supported"), None);
}

#[test]
fn v4_a_hint_that_names_an_unknown_type_of_token_does_not_matter() {
    let world = World::new();
    let started = world.approved();
    let tokens = json(&world.poll(&started.device_code));
    let refresh_token = tokens["refresh_token"].as_str().expect("a refresh token");

    for (token, hint) in [("unknown", "saml2"), (refresh_token, "pat"), (refresh_token, "id_token")] {
        let revoked = world.post("/revoke", &[CLIENT, ("token", token), ("token_type_hint", hint)]);
        assert_eq!((revoked.status, json(&revoked)), (200, json!({})), "{hint}");
    }
    assert_eq!(outcome(&world.refresh(refresh_token)), "invalid_grant", "the token is revoked all the same");
}
