use super::*;
use crate::client::{Authentication, DEVICE_CODE_GRANT};
use crate::format::Format;
use crate::scope::Scope;
use entry::Admitted;
use serde_json::json;

const URL: &str = "https://tool.example.org/client.json";

fn url() -> DocumentUrl {
    DocumentUrl::parse(URL, false).unwrap()
}

fn read(changes: &Value) -> Result<Document, Vec<String>> {
    let mut document = json!({
        "client_id": URL,
        "client_name": "Tool",
        "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE_GRANT],
        "redirect_uris": ["http://127.0.0.1/", "vscode://x"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "logo_uri": "https://tracker.example/pixel.png",
        "something_new": { "a": 1 },
    });
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    let read = Document::parse(&url(), document.to_string().as_bytes(), &["login.example.com", "Acme"]);
    read.map_err(|faults| faults.into_iter().map(|fault| fault.detail).collect())
}

fn entry() -> Entry {
    Entry {
        format: Format,
        entry: Admitted::parse("tool.example.org", false).unwrap(),
        scope: Scope::parse("openid photos:read").unwrap(),
        audience: vec!["https://photos.example".to_owned()],
        enabled: true,
    }
}

fn key() -> Value {
    let x = crate::secret::encode(&[1; 32]);
    json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": x }] })
}

#[test]
fn a_document_describes_a_client_and_its_entry_decides_what_the_client_may_have() {
    let client = read(&json!({})).unwrap().client(&entry());

    assert_eq!((client.client_id.as_str(), client.client_name.as_str()), (URL, "Tool"));
    assert_eq!(client.grant_types, ["refresh_token", DEVICE_CODE_GRANT], "unknown grants are left out");
    assert_eq!(client.redirect_uris, ["http://127.0.0.1/"]);
    assert_eq!(client.authentication, Authentication::None);
    assert_eq!(client.registered_by, RegisteredBy::Document);
    assert_eq!(client.scope.to_string(), "openid photos:read");
    assert_eq!(client.tokens.audience, ["https://photos.example"]);
    assert_eq!(client.about.logo_uri, None, "nothing of a stranger is on a page");
    assert!(client.enabled);
    let disabled = Entry { enabled: false, ..entry() };
    assert!(!read(&json!({})).unwrap().client(&disabled).enabled);
}

#[test]
fn a_document_can_narrow_the_scopes_of_its_entry_but_not_widen_them() {
    for (asked, granted) in [
        ("openid email", "openid"),
        ("photos:read", "photos:read"),
        ("email", ""),
        ("", "openid photos:read"),
    ] {
        let client = read(&json!({ "scope": asked })).unwrap().client(&entry());
        assert_eq!(client.scope.to_string(), granted, "{asked}");
    }
}

#[test]
fn a_document_names_itself() {
    for other in [
        json!(null),
        json!(7),
        json!("https://tool.example.org/client.json/"),
        json!("https://evil.example/"),
    ] {
        let faults = read(&json!({ "client_id": other })).unwrap_err();
        assert_eq!(faults, ["client_id must be the URL of the document, character for character"]);
    }
}

#[test]
fn a_document_has_no_secret_and_only_a_method_without_one() {
    for name in ["client_secret", "client_secret_expires_at"] {
        let faults = read(&json!({ name: 0 })).unwrap_err();
        assert_eq!(faults, [format!("{name} must not be there: everybody can read the document")]);
    }
    for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt", "tls_client_auth", "x"] {
        let faults = read(&json!({ "token_endpoint_auth_method": method })).unwrap_err();
        let why = "token_endpoint_auth_method must be none or private_key_jwt: there is no secret to share";
        assert_eq!(faults[0], why, "{method}");
    }
    for method in [json!(null), json!("")] {
        let client = read(&json!({ "token_endpoint_auth_method": method })).unwrap().client(&entry());
        assert_eq!(client.authentication, Authentication::None, "a public client is the default");
    }
}

#[test]
fn a_document_may_have_keys_or_name_them_at_its_own_origin() {
    let with = |members: Value| {
        let mut all = json!({ "token_endpoint_auth_method": "private_key_jwt" });
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        read(&all).map(|document| document.client(&entry()))
    };

    assert_eq!(with(json!({ "jwks": key() })).unwrap().authentication, Authentication::PrivateKeyJwt);
    assert!(with(json!({ "jwks_uri": "https://tool.example.org/jwks.json" })).is_ok());
    assert_eq!(
        with(json!({ "jwks_uri": "https://other.example/jwks.json" })).unwrap_err(),
        ["jwks_uri must be at tool.example.org, as the document is"]
    );
    assert!(with(json!({})).unwrap_err()[0].contains("needs the client's public keys"));
    let mut private = key();
    private["keys"][0]["d"] = json!("AA");
    assert!(with(json!({ "jwks": private })).is_err(), "a private key is refused");
}

#[test]
fn the_device_grant_is_required() {
    for grants in [json!(null), json!([]), json!(["authorization_code", "refresh_token"])] {
        let faults = read(&json!({ "grant_types": grants })).unwrap_err();
        assert!(faults[0].starts_with("grant_types must include urn:ietf"), "{faults:?}");
    }
}

#[test]
fn a_name_is_visible_and_does_not_speak_for_the_service() {
    assert_eq!(
        read(&json!({ "client_name": null })).unwrap().client(&entry()).client_name,
        "tool.example.org"
    );
    for name in ["Acme", "Acme login", "Оfficial tool", "a\u{202e}b", ""] {
        let read = read(&json!({ "client_name": name }));
        assert_eq!(read.is_ok(), name.is_empty(), "{name:?}");
    }
}

#[test]
fn a_document_is_a_json_object() {
    for body in [&b""[..], b"[]", b"\"x\"", b"{", b"{}x", b"\xff", b"<html>"] {
        let faults = Document::parse(&url(), body, &[]).unwrap_err();
        assert_eq!(faults[0].detail, "it is not a JSON object");
    }
}
