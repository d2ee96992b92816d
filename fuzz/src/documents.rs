//! Client ID metadata documents, and the URLs that name them.

use device_grant::client::Authentication;
use device_grant::client::document::Document;
use device_grant::client::document::address::DocumentUrl;
use device_grant::client::document::entry::Admitted;
use device_grant::client::document::response::{is_json, lifetime};

use crate::text;

/// A URL that is accepted is https, has one spelling, and names no address of a private network.
pub fn urls(input: &[u8]) {
    let text = text(input);
    lifetime(Some(text), Some(text));
    is_json(text);
    let entry = Admitted::parse(text, false);
    let Ok(url) = DocumentUrl::parse(text, false) else { return };
    assert_eq!(url.as_str(), text);
    assert!(entry.is_ok() && Admitted::parse(url.host(), false).is_ok());
    assert!(text.starts_with("https://") && text.is_ascii() && text.len() <= 256);
    assert!(!text.contains(['?', '#', '\\', ' ', '"', '<']) && !url.host().contains(['@', '[', '_']));
    assert!(!text.contains("/../") && !text.contains("/./"));
    let name = url.host().split(':').next().expect("a host has a name");
    assert!(name.contains('.') && name.parse::<std::net::IpAddr>().is_err());
    assert_eq!(name, name.to_ascii_lowercase());
    assert_eq!(DocumentUrl::parse(text, true).as_ref(), Ok(&url), "development accepts more");
}

/// A document that is accepted names itself and has no secret.
pub fn documents(input: &[u8]) {
    let url = DocumentUrl::parse("https://tool.example.org/client", false).expect("a URL");
    match Document::parse(&url, input, &["Acme"]) {
        Ok(document) => {
            let entry = r#"{"format":1,"entry":"tool.example.org","scope":"openid email"}"#;
            let entry = serde_json::from_str(entry).expect("an entry");
            let client = document.client(&entry);
            assert_eq!(client.client_id, url.as_str());
            assert!(client.scope.iter().all(|scope| ["openid", "email"].contains(&scope)));
            assert!(matches!(client.authentication, Authentication::None | Authentication::PrivateKeyJwt));
            assert!(client.about.logo_uri.is_none() && client.codes.allowed_origins.is_empty());
        }
        Err(faults) => assert!(!faults.is_empty()),
    }
}
