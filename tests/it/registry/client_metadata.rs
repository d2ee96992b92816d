//! Client metadata (RFC 7591 §2): what is refused, and how exactly each fault is reported.

use device_grant::client::registration::{Fresh, parse};
use device_grant::secret::Digest;
use serde_json::{Value, json};

const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","y":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}"#;

/// Client metadata with one fault, the pointer of the fault, and a part of its detail.
type Case = (Value, &'static str, &'static str);

/// Returns pointer and detail of each fault in a client with these members.
fn faults(members: &Value) -> Vec<(String, String)> {
    let mut client = serde_json::Map::from_iter([("client_name".to_owned(), json!("TV"))]);
    client.extend(members.as_object().expect("members").clone());
    let fresh = Fresh { client_id: "new".to_owned(), secret: Digest::of(b"secret") };
    let faults = parse(client, fresh, true).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
}

fn key() -> Value {
    serde_json::from_str(KEY).expect("a key")
}

/// Checks that each case has exactly this fault, and that the report repeats no secret.
fn assert_reported(cases: impl IntoIterator<Item = Case>) {
    for (members, pointer, detail) in cases {
        let faults = faults(&members);
        let [(at, text)] = faults.as_slice() else { panic!("{members}: {faults:?}") };
        assert_eq!(at, pointer);
        assert!(text.contains(detail), "{members}: {text}");
        assert!(!text.contains("hunter2") && !text.contains("a-private-number"));
    }
}

#[test]
fn faults_in_the_description_of_a_client_are_reported_with_the_value() {
    assert_reported([
        (
            json!({ "client_name": null }),
            "/client_name",
            "client_name is missing: people are asked to approve the client by name",
        ),
        (
            json!({ "client_name": "a".repeat(101) }),
            "/client_name",
            "a string of 1 to 100 visible characters",
        ),
        (json!({ "owner": "a\u{202e}b" }), "/owner", "owner has U+202E at character 2"),
        (json!({ "consent_text": "..." }), "/consent_text", "has neither a letter, a digit nor a pictograph"),
        (
            json!({ "client_id": "acct-1" }),
            "/client_id",
            "must not start with \"acct-\", as the subjects of accounts do",
        ),
        (
            json!({ "client_id": "é" }),
            "/client_id",
            "client_id is \"é\": it must be 1 to 128 printable ASCII characters",
        ),
        (json!({ "client_id": ".." }), "/client_id", "not . or .."),
        (json!({ "client_id": "a".repeat(129) }), "/client_id", "1 to 128"),
        (
            json!({ "client_uri": "http://tv.example" }),
            "/client_uri",
            "client_uri is \"http://tv.example\": it must be an https URL",
        ),
        (json!({ "logo_uri": "https://a/#b" }), "/logo_uri", "without user name or fragment"),
        (json!({ "tos_uri": "\u{202e}x" }), "/tos_uri", "tos_uri is \"\\u{202e}x\": it must be an https URL"),
        (json!({ "policy_uri": 1 }), "/policy_uri", "policy_uri is 1: it must be an https URL"),
        (
            json!({ "contacts": ["nobody"] }),
            "/contacts/0",
            "contacts has \"nobody\": each entry must be an e-mail address",
        ),
        (json!({ "contacts": ["a@b", "a@"] }), "/contacts/1", "an e-mail address"),
        (json!({ "contacts": ["@b"] }), "/contacts/0", "an e-mail address"),
        (json!({ "contacts": ["a@b@c"] }), "/contacts/0", "an e-mail address"),
        (json!({ "contacts": ["a b@c"] }), "/contacts/0", "an e-mail address"),
        (json!({ "contacts": "a@b" }), "/contacts", "a list of strings"),
        (
            json!({ "grant_types": ["password"] }),
            "/grant_types/0",
            "grant_types has \"password\": each entry must be urn:ietf",
        ),
        (json!({ "grant_types": ["refresh_token"] }), "/grant_types", "there would be nothing to refresh"),
        (
            json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:device_code"] }),
            "/grant_types/1",
            "listed only once",
        ),
        (json!({ "scope": "a\"b" }), "/scope", "space-separated scopes of visible ASCII"),
    ]);
}

#[test]
fn faults_in_the_authentication_of_a_client_are_reported_without_its_keys() {
    let (key, mut private) = (key(), key());
    private["d"] = json!("a-private-number");
    assert_reported([
        (
            json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
            "/token_endpoint_auth_method",
            "keeps only its digest; use private_key_jwt",
        ),
        (
            json!({ "token_endpoint_auth_method": "magic" }),
            "/token_endpoint_auth_method",
            "is \"magic\": it must be one of none, client_secret_basic",
        ),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "/jwks", "send jwks or jwks_uri"),
        (
            json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": { "keys": [key] } }),
            "/jwks",
            "send jwks with x5c",
        ),
        (
            json!({ "token_endpoint_auth_method": "tls_client_auth" }),
            "/tls_client_auth_subject_dn",
            "the subject of the certificate",
        ),
        (
            json!({ "tls_client_auth_subject_dn": "CN=a" }),
            "/tls_client_auth_subject_dn",
            "for token_endpoint_auth_method tls_client_auth only",
        ),
        (json!({ "jwks": { "keys": [] } }), "/jwks", "a list of 1 to 20 keys"),
        (
            json!({ "jwks": { "keys": [key, private] } }),
            "/jwks/keys/1",
            "the key is private: send only its public half",
        ),
        (
            json!({ "jwks": { "keys": [key] }, "jwks_uri": "https://tv.example/jwks" }),
            "/jwks_uri",
            "send either jwks or jwks_uri, not both",
        ),
        (json!({ "jwks_uri": "http://tv.example/jwks" }), "/jwks_uri", "https URL"),
    ]);
}

#[test]
fn faults_in_the_codes_and_tokens_of_a_client_are_reported_with_what_is_allowed() {
    let long_audience: Vec<String> = (0..9).map(|number| format!("a:{number}{}", "x".repeat(500))).collect();
    assert_reported([
        (
            json!({ "id_token_signed_response_alg": "none" }),
            "/id_token_signed_response_alg",
            "is \"none\": it must be one of ES256, RS256, PS256, PS384, PS512, EdDSA",
        ),
        (
            json!({ "access_token_signed_response_alg": "HS256" }),
            "/access_token_signed_response_alg",
            "one of ES256",
        ),
        (
            json!({ "access_token_format": "JWT" }),
            "/access_token_format",
            "is \"JWT\": it must be one of jwt, opaque",
        ),
        (json!({ "audience": ["api"] }), "/audience/0", "an absolute URI"),
        (json!({ "audience": long_audience }), "/audience", "in total: at most 4096 are allowed"),
        (
            json!({ "code_lifetime": 9 }),
            "/code_lifetime",
            "code_lifetime is 9: it must be a whole number from 10 to 1800",
        ),
        (json!({ "code_lifetime": "300" }), "/code_lifetime", "is \"300\": it must be a whole number"),
        (json!({ "access_token_lifetime": 86401 }), "/access_token_lifetime", "from 60 to 86400"),
        (json!({ "id_token_lifetime": -1 }), "/id_token_lifetime", "from 60 to 86400"),
        (json!({ "refresh_token_lifetime": 1.5 }), "/refresh_token_lifetime", "from 60 to 31536000"),
        (
            json!({ "refresh_token_idle_lifetime": 120, "refresh_token_lifetime": 60 }),
            "/refresh_token_idle_lifetime",
            "must not exceed refresh_token_lifetime, which is 60",
        ),
        (json!({ "polling_interval": 61 }), "/polling_interval", "from 1 to 60"),
        (
            json!({ "polling_interval": 30, "code_lifetime": 30 }),
            "/polling_interval",
            "less than code_lifetime, which is 30",
        ),
        (json!({ "user_code_type": "letters" }), "/user_code_type", "one of configured, digits"),
        (
            json!({ "verification_uri_complete": "yes" }),
            "/verification_uri_complete",
            "is \"yes\": it must be true or false",
        ),
        (
            json!({ "device_client_authentication": "no" }),
            "/device_client_authentication",
            "is \"no\": it must be true or false",
        ),
        (
            json!({ "redemption_place": "home" }),
            "/redemption_place",
            "one of any, same_country, same_network",
        ),
        (
            json!({ "shards_per_network": 65 }),
            "/shards_per_network",
            "is 65: it must be a whole number from 1 to 64",
        ),
        (
            json!({ "allowed_origins": ["https://app.example", "https://app.example/"] }),
            "/allowed_origins/1",
            "has \"https://app.example/\": each entry must be an origin without a slash at its end",
        ),
        (json!({ "allowed_origins": ["*"] }), "/allowed_origins/0", "one exact origin: * is not supported"),
        (json!({ "allowed_origins": ["null", "null"] }), "/allowed_origins/1", "listed only once"),
        (json!({ "allowed_origins": [7] }), "/allowed_origins/0", "has 7: each entry must be an origin"),
        (json!({ "allowed_origins": vec!["null"; 21] }), "/allowed_origins", "at most 20 are allowed"),
        (json!({ "enabled": 1 }), "/enabled", "enabled is 1: it must be true or false"),
        (
            json!({ "consent_prompt": "once" }),
            "/consent_prompt",
            "it must be \"always\": anybody can request a code, so a person must approve every one",
        ),
        (json!({ "client_secrte": "hunter2" }), "/client_secrte", "unknown member \"client_secrte\""),
    ]);
}

#[test]
fn the_key_of_a_certificate_can_be_of_any_kind_but_not_private() {
    let certificate = |more: Value| {
        let mut key = json!({ "kty": "EC", "crv": "P-384", "x5c": ["AAAA"] });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": { "keys": [key] } })
    };

    assert_eq!(faults(&certificate(json!({}))), []);
    assert_eq!(faults(&certificate(json!({ "d": "AA" })))[0].0, "/jwks/keys/0");
}

#[test]
fn all_faults_of_a_client_are_reported_at_once() {
    let faults = faults(&json!({ "client_uri": "x", "enabled": "x", "code_lifetime": 0, "other": 1 }));

    let pointers: Vec<&str> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/client_uri", "/enabled", "/code_lifetime", "/other"]);
}

#[test]
fn each_list_and_text_of_a_client_is_good_up_to_its_limit_and_no_further() {
    let many = |count: usize, of: &dyn Fn(usize) -> String| (0..count).map(of).collect::<Vec<_>>();
    let contact = |length: usize| format!("{}@a.example", "x".repeat(length - 10));
    let contacts = |count| json!({ "contacts": many(count, &|at| format!("tv{at}@example.com")) });
    let addresses = |count| json!({ "redirect_uris": many(count, &|at| format!("https://tv.example/{at}")) });
    let origins = |count| json!({ "allowed_origins": many(count, &|at| format!("https://{at}.example")) });
    let resources = |count| json!({ "audience": many(count, &|at| format!("a:{at}")) });
    let subject = |length: usize| {
        let dn = format!("CN={}", "x".repeat(length - 3));
        json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": dn })
    };
    let jwks = |count| json!({ "jwks": { "keys": many_keys(count) } });
    let audience = |length: usize| {
        let rest = |at| if at == 0 { length - 8 * 500 - 3 } else { 497 };
        json!({ "audience": many(9, &|at| format!("a:{at}{}", "x".repeat(rest(at)))) })
    };

    for (good, bad, pointer) in [
        (contacts(10), contacts(11), "/contacts"),
        (json!({ "contacts": [contact(254)] }), json!({ "contacts": [contact(255)] }), "/contacts/0"),
        (json!({ "contacts": ["a@b"] }), json!({ "contacts": ["a@b@c"] }), "/contacts/0"),
        (json!({ "contacts": ["é@b"] }), json!({ "contacts": ["a\u{202e}@b"] }), "/contacts/0"),
        (addresses(10), addresses(11), "/redirect_uris"),
        (origins(20), origins(21), "/allowed_origins"),
        (resources(20), resources(21), "/audience"),
        (audience(4_096), audience(4_097), "/audience"),
        (subject(512), subject(513), "/tls_client_auth_subject_dn"),
        (jwks(20), jwks(21), "/jwks"),
        (json!({ "client_id": "x".repeat(128) }), json!({ "client_id": "x".repeat(129) }), "/client_id"),
        (json!({ "client_id": "a b" }), json!({ "client_id": "." }), "/client_id"),
        (
            json!({ "consent_text": "x".repeat(200) }),
            json!({ "consent_text": "x".repeat(201) }),
            "/consent_text",
        ),
        (json!({ "owner": "x".repeat(100) }), json!({ "owner": "x".repeat(101) }), "/owner"),
        (
            json!({ "code_lifetime": 10, "polling_interval": 9 }),
            json!({ "code_lifetime": 10, "polling_interval": 10 }),
            "/polling_interval",
        ),
        (
            json!({ "refresh_token_idle_lifetime": 60, "refresh_token_lifetime": 60 }),
            json!({ "refresh_token_idle_lifetime": 61, "refresh_token_lifetime": 60 }),
            "/refresh_token_idle_lifetime",
        ),
        (json!({ "code_lifetime": 47.0 }), json!({ "code_lifetime": 47.5 }), "/code_lifetime"),
        (json!({ "jwks": { "keys": [key()] } }), json!({ "jwks": { "keys": [] } }), "/jwks"),
    ] {
        assert_eq!(faults(&good), [], "{good}");
        let pointers: Vec<String> = faults(&bad).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, [pointer], "{bad}");
    }
}

fn many_keys(count: usize) -> Vec<Value> {
    vec![key(); count]
}
