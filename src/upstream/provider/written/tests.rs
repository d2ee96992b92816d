use serde_json::json;

use super::*;
use crate::upstream::provider::view::view;

const OWN: &str = "https://login.example.com";

fn read(members: Value, before: Option<&Provider>) -> Result<Provider, Vec<Fault>> {
    let Value::Object(members) = members else { panic!("an object") };
    parse(members, Reading { own: OWN, before, seal: sealed })
}

fn sealed(secret: &str) -> SealedSecret {
    serde_json::from_value(format!("sealed {}", secret.len()).into()).unwrap()
}

fn smallest() -> Value {
    json!({
        "id": "okta", "name": "Example", "issuer": "https://example.okta.com", "client_id": "0oa1",
        "client_secret": "s3cret"
    })
}

/// Returns the smallest provider with other members; `null` removes one.
fn with(changes: &Value) -> Value {
    let mut members = smallest();
    for (name, value) in changes.as_object().unwrap() {
        members[name] = value.clone();
    }
    members
}

#[test]
fn five_members_are_enough() {
    let provider =
        read(with(&json!({ "token_endpoint_auth_signing_alg": null, "order": null })), None).unwrap();

    assert_eq!(
        Value::Object(view(&provider)),
        json!({
            "id": "okta", "name": "Example", "issuer": "https://example.okta.com", "client_id": "0oa1",
            "token_endpoint_auth_method": "client_secret_basic", "id_token_signed_response_alg": "RS256",
            "scope": "email openid profile",
            "claims": {
                "subject": "sub", "name": "name", "email": "email", "username": "preferred_username",
                "groups": "groups"
            },
            "allowed_groups": [], "allowed_email_domains": [], "acr_values": [], "strong_amr": [],
            "strong_acr": [], "end_families_on_logout": false, "enabled": true, "order": 0, "version": 1
        })
    );
    assert_eq!(provider.authentication.secret(), Some(&sealed("s3cret")));
}

#[test]
fn what_is_shown_can_be_sent_back_and_keeps_the_secret() {
    let all = with(&json!({
        "token_endpoint_auth_method": "client_secret_post", "id_token_signed_response_alg": "ES256",
        "scope": "openid groups", "claims": { "subject": "oid", "groups": "/realm_access/roles" },
        "allowed_groups": ["Staff (all)"], "allowed_email_domains": ["my-2nd.example.com"],
        "acr_values": ["urn:mfa"], "strong_amr": ["hwk"], "strong_acr": ["urn:mfa"],
        "end_families_on_logout": true, "recheck_seconds": 3600, "enabled": false, "order": 7
    }));
    let provider = read(all, None).unwrap();

    let again = read(Value::Object(view(&provider)), Some(&provider)).unwrap();

    assert_eq!(again, provider);
    assert!(!format!("{provider:?}{:?}", view(&provider)).contains("s3cret"));
}

#[test]
fn a_key_of_ours_takes_the_place_of_a_secret() {
    let changes = json!({
        "token_endpoint_auth_method": "private_key_jwt", "client_secret": null,
        "token_endpoint_auth_signing_alg": "RS256"
    });
    let provider = read(with(&changes), None).unwrap();

    assert_eq!(provider.authentication, ProviderAuthentication::PrivateKeyJwt { alg: Algorithm::Rs256 });
    // It has no secret that a change back could keep.
    let faults = read(with(&json!({ "client_secret": null })), Some(&provider)).unwrap_err();
    assert_eq!(faults[0].pointer, "/client_secret");
}

#[test]
fn every_fault_is_named_with_what_is_allowed() {
    for (changes, pointer, why) in [
        (json!({ "id": null }), "/id", "id is missing"),
        (json!({ "id": "Okta" }), "/id", "id is \"Okta\": it must be 1 to 32 lower-case letters"),
        (json!({ "id": "local" }), "/id", "not local or access"),
        (json!({ "name": null }), "/name", "name is missing"),
        (json!({ "name": "a\u{202e}b" }), "/name", "U+202E at character 2"),
        (json!({ "name": "x".repeat(51) }), "/name", "1 to 50 visible characters"),
        (json!({ "issuer": null }), "/issuer", "issuer is missing"),
        (json!({ "issuer": 7 }), "/issuer", "issuer is 7: it must be the issuer identifier"),
        (json!({ "issuer": "http://id.example.com" }), "/issuer", "it must be https"),
        (
            json!({ "issuer": "https://login.microsoftonline.com/common/v2.0" }),
            "/issuer",
            "it must be the issuer of one tenant",
        ),
        (json!({ "issuer": OWN }), "/issuer", "another server"),
        (json!({ "client_id": null }), "/client_id", "client_id is missing"),
        (json!({ "client_id": " a" }), "/client_id", "printable ASCII"),
        (json!({ "client_secret": null }), "/client_secret", "client_secret is missing"),
        (json!({ "client_secret": "s3cret " }), "/client_secret", "without spaces at either end"),
        (
            json!({ "token_endpoint_auth_method": "none" }),
            "/token_endpoint_auth_method",
            "one of client_secret_basic",
        ),
        (
            json!({ "token_endpoint_auth_signing_alg": "RS256" }),
            "/token_endpoint_auth_signing_alg",
            "private_key_jwt only",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
            "/client_secret",
            "uses the keys at /jwks.json",
        ),
        (json!({ "id_token_signed_response_alg": "HS256" }), "/id_token_signed_response_alg", "one of"),
        (json!({ "id_token_signed_response_alg": "none" }), "/id_token_signed_response_alg", "one of"),
        (json!({ "scope": "profile" }), "/scope", "scope lacks openid"),
        (json!({ "scope": "a\"b" }), "/scope", "space-separated scopes"),
        (json!({ "claims": ["sub"] }), "/claims", "an object"),
        (json!({ "claims": { "subject": "email" } }), "/claims/subject", "one person for ever"),
        (json!({ "claims": { "groups": "/" } }), "/claims/groups", "JSON pointer"),
        (json!({ "claims": { "sub": "oid" } }), "/claims/sub", "unknown member"),
        (json!({ "allowed_groups": [""] }), "/allowed_groups/0", "the name of a group"),
        (
            json!({ "allowed_email_domains": ["@example.com"] }),
            "/allowed_email_domains/0",
            "a domain in lower case without @",
        ),
        (json!({ "allowed_email_domains": ["a.b", "localhost"] }), "/allowed_email_domains/1", "a domain"),
        (json!({ "acr_values": ["a b"] }), "/acr_values/0", "without spaces"),
        (json!({ "strong_amr": "hwk" }), "/strong_amr", "a list of strings"),
        (json!({ "strong_acr": [7] }), "/strong_acr/0", "visible ASCII"),
        (json!({ "recheck_seconds": 59 }), "/recheck_seconds", "from 60 to 2592000"),
        (
            json!({ "scim_token_sha256": "A".repeat(64) }),
            "/scim_token_sha256",
            "64 hexadecimal digits in lower case",
        ),
        (json!({ "scim_token_sha256": "a".repeat(63) }), "/scim_token_sha256", "the SHA-256 of a token"),
        (json!({ "scim_token_sha256": Digest::of(b"a") }), "/scim_token_sha256", "the SHA-256 of a token"),
        (json!({ "enabled": "yes" }), "/enabled", "true or false"),
        (json!({ "order": 1000 }), "/order", "from 0 to 999"),
        (json!({ "client_secrets": "s3cret" }), "/client_secrets", "unknown member"),
    ] {
        let faults = read(with(&changes), None).unwrap_err();

        assert!(faults.len() == 1 && faults[0].pointer == pointer, "{changes}: {faults:?}");
        assert!(faults[0].detail.contains(why), "{changes}: {faults:?}");
        assert!(!faults[0].detail.contains("s3cret"), "{changes}: {faults:?}");
    }
    assert_eq!(read(json!({}), None).unwrap_err().len(), 5, "every missing member at once");
}
