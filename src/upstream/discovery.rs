//! The discovery document of a provider (OpenID Connect Discovery §3, RFC 8414).

use serde::Deserialize;

use super::reach::Reach;
use crate::json;
use crate::token::signing_key::Algorithm;

/// What this server reads of a discovery document, checked.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "a field without a docstring is the member of the same name")]
pub struct Discovery {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    pub userinfo_endpoint: Option<String>,
    /// Where to send the parameters of an authorization request beforehand (RFC 9126 §5).
    pub pushed_authorization_request_endpoint: Option<String>,
    /// Whether every authorization response names its issuer (RFC 9207 §3).
    pub names_issuer: bool,
}

/// Why a discovery document cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DiscoveryFlaw {
    /// The document is not JSON, or a member has the wrong type.
    Malformed,
    /// `issuer` is not the configured one, byte for byte (OpenID Connect Discovery §4.3).
    OtherIssuer,
    /// An endpoint that the code flow needs is missing.
    Incomplete,
    /// An endpoint may not be requested: see [`Reach`].
    Address,
    /// The provider does not offer `code` as a response type.
    NoCodeFlow,
    /// The provider lists the methods of PKCE that it knows, and S256 is not among them.
    NoPkce,
    /// The provider does not sign ID tokens with the configured algorithm.
    OtherAlgorithm,
}

impl DiscoveryFlaw {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "discovery_malformed",
            Self::OtherIssuer => "discovery_issuer_wrong",
            Self::Incomplete => "discovery_incomplete",
            Self::Address => "discovery_address_refused",
            Self::NoCodeFlow => "discovery_without_code_flow",
            Self::NoPkce => "discovery_without_pkce",
            Self::OtherAlgorithm => "discovery_algorithm_other",
        }
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    jwks_uri: Option<String>,
    userinfo_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
}

impl Discovery {
    /// Parses the document of the provider with the issuer `issuer`, whose ID tokens are signed with `alg`.
    ///
    /// # Errors
    ///
    /// The first flaw of the document.
    pub fn parse(text: &str, issuer: &str, alg: Algorithm, reach: Reach) -> Result<Self, DiscoveryFlaw> {
        let document: Document = json::read(text).map_err(|_| DiscoveryFlaw::Malformed)?;
        if document.issuer != issuer {
            return Err(DiscoveryFlaw::OtherIssuer);
        }
        document.check_abilities(alg)?;
        document.endpoints(reach)
    }
}

impl Document {
    fn check_abilities(&self, alg: Algorithm) -> Result<(), DiscoveryFlaw> {
        let lists = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|other| other == name))
        };
        if !lists(&self.response_types_supported, "code") {
            return Err(DiscoveryFlaw::NoCodeFlow);
        }
        if !lists(&self.code_challenge_methods_supported, "S256") {
            return Err(DiscoveryFlaw::NoPkce);
        }
        let signs = |list: &Vec<String>| list.iter().any(|name| Algorithm::named(name) == Some(alg));
        if !self.id_token_signing_alg_values_supported.as_ref().is_none_or(signs) {
            return Err(DiscoveryFlaw::OtherAlgorithm);
        }
        Ok(())
    }

    fn endpoints(self, reach: Reach) -> Result<Discovery, DiscoveryFlaw> {
        let allowed =
            |address: String| reach.allows(&address).then_some(address).ok_or(DiscoveryFlaw::Address);
        let needed = |address: Option<String>| allowed(address.ok_or(DiscoveryFlaw::Incomplete)?);
        Ok(Discovery {
            authorization_endpoint: needed(self.authorization_endpoint)?,
            token_endpoint: needed(self.token_endpoint)?,
            jwks_uri: needed(self.jwks_uri)?,
            userinfo_endpoint: self.userinfo_endpoint.map(allowed).transpose()?,
            pushed_authorization_request_endpoint: self
                .pushed_authorization_request_endpoint
                .map(allowed)
                .transpose()?,
            names_issuer: self.authorization_response_iss_parameter_supported,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ISSUER: &str = "https://id.example/tenant/";

    fn document() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://keys.example/jwks",
            "userinfo_endpoint": "https://id.example/me",
            "response_types_supported": ["code", "code id_token"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn read(changes: &Value) -> Result<Discovery, DiscoveryFlaw> {
        let mut document = document();
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        Discovery::parse(&document.to_string(), ISSUER, Algorithm::Rs256, Reach::Secure)
    }

    #[test]
    fn a_document_is_read() {
        let discovery =
            read(&json!({ "pushed_authorization_request_endpoint": "https://id.example/par" })).unwrap();

        assert_eq!(discovery.token_endpoint, "https://id.example/token");
        assert_eq!(
            discovery.pushed_authorization_request_endpoint.as_deref(),
            Some("https://id.example/par")
        );
        assert!(discovery.names_issuer);
    }

    #[test]
    fn what_a_document_leaves_out_is_not_held_against_it() {
        for name in [
            "response_types_supported",
            "code_challenge_methods_supported",
            "id_token_signing_alg_values_supported",
        ] {
            assert!(read(&json!({ name: null })).is_ok(), "{name}");
        }
        let bare = read(&json!({ "userinfo_endpoint": null })).unwrap();
        assert_eq!((bare.userinfo_endpoint, bare.pushed_authorization_request_endpoint), (None, None));
    }

    #[test]
    fn a_document_that_cannot_be_used_says_why() {
        for (changes, flaw) in [
            (json!({ "issuer": "https://id.example/tenant" }), DiscoveryFlaw::OtherIssuer),
            (json!({ "issuer": "https://ID.example/tenant/" }), DiscoveryFlaw::OtherIssuer),
            (json!({ "issuer": null }), DiscoveryFlaw::Malformed),
            (json!({ "token_endpoint": ["https://id.example/token"] }), DiscoveryFlaw::Malformed),
            (json!({ "authorization_endpoint": null }), DiscoveryFlaw::Incomplete),
            (json!({ "token_endpoint": null }), DiscoveryFlaw::Incomplete),
            (json!({ "jwks_uri": null }), DiscoveryFlaw::Incomplete),
            (json!({ "jwks_uri": "http://id.example/jwks" }), DiscoveryFlaw::Address),
            (json!({ "authorization_endpoint": "javascript:alert(1)" }), DiscoveryFlaw::Address),
            (json!({ "userinfo_endpoint": "http://127.0.0.1/me" }), DiscoveryFlaw::Address),
            (json!({ "pushed_authorization_request_endpoint": "/par" }), DiscoveryFlaw::Address),
            (json!({ "response_types_supported": ["id_token"] }), DiscoveryFlaw::NoCodeFlow),
            (json!({ "code_challenge_methods_supported": ["plain"] }), DiscoveryFlaw::NoPkce),
            (
                json!({ "id_token_signing_alg_values_supported": ["HS256", "none"] }),
                DiscoveryFlaw::OtherAlgorithm,
            ),
        ] {
            assert_eq!(read(&changes), Err(flaw), "{changes}");
        }
        let text = "<html>Sign in to the hotel's network</html>";
        assert_eq!(
            Discovery::parse(text, ISSUER, Algorithm::Rs256, Reach::Secure),
            Err(DiscoveryFlaw::Malformed)
        );
    }
}
