//! `authorization_details` (RFC 9396) is a parameter like any other that this server does not know, and errors that
//! belong to what is not there are never sent.

use std::fs::{read_dir, read_to_string};
use std::path::Path;

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, claims, json, outcome};
use serde_json::json;

const CLIENT: (&str, &str) = ("client_id", "demo-tv");
/// Such as are of a type that somebody has, of one that nobody has, and such as are none.
const DETAILS: [&str; 4] =
    [r#"[{"type":"payment_initiation","actions":["initiate"]}]"#, r#"[{"type":""}]"#, "[{}]", "{"];
/// RFC 9396 §5, RFC 7009 §2.2.1.
const NEVER_SENT: [&str; 2] = ["invalid_authorization_details", "unsupported_token_type"];

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
fn v4_a_hint_at_a_type_of_token_that_nobody_has_does_not_matter() {
    let world = World::new();
    let started = world.approved();
    let tokens = json(&world.poll(&started.device_code));
    let refresh_token = tokens["refresh_token"].as_str().expect("a refresh token");

    for (token, hint) in [("unknown", "saml2"), (refresh_token, "pat"), (refresh_token, "id_token")] {
        let revoked = world.post("/revoke", &[CLIENT, ("token", token), ("token_type_hint", hint)]);
        assert_eq!((revoked.status, json(&revoked)), (200, json!({})), "{hint}");
    }
    assert_eq!(outcome(&world.refresh(refresh_token)), "invalid_grant", "and it is revoked");
}

#[test]
fn errors_that_belong_to_what_is_not_there_are_written_nowhere() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = sources(&source);
    assert!(
        sources.iter().any(|text| text.contains("\"invalid_grant\"")),
        "this is where errors are written"
    );

    for error in NEVER_SENT {
        assert!(!sources.iter().any(|text| text.contains(error)), "{error}");
    }
}

/// The texts of all files below a directory.
fn sources(directory: &Path) -> Vec<String> {
    let entries = read_dir(directory).expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths
        .flat_map(
            |path| {
                if path.is_dir() { sources(&path) } else { vec![read_to_string(&path).expect("a text")] }
            },
        )
        .collect()
}
