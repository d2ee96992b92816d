//! The authorization request to a provider (OpenID Connect Core §3.1.2.1).

use core::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::scope::Scope;
use crate::secret;
use crate::secret::Digest;

/// How long a person may take at the provider.
pub const PATIENCE: Duration = Duration::from_secs(900);

/// What is encoded in a form: all but the unreserved characters (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the sign-in has to fulfill besides proving who the person is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// Most seconds since the person last authenticated at the provider.
    pub max_age: Option<u64>,
    /// The authentication context classes that the device prefers, best first.
    pub acr_values: Vec<String>,
    /// Whom the device expects.
    pub login_hint: Option<String>,
    /// How to ask for another account than the one that the person is signed in with, if they want that.
    pub other_account: Option<Choosing>,
}

/// How a provider is asked to let a person choose an account (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choosing {
    /// `prompt=select_account`.
    Select,
    /// `prompt=login`, for providers that know no `select_account`.
    Login,
}

/// The values that tie the response to the request and the ID token to both.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Secrets {
    /// Returned with the response: 128 random bits, base64url.
    pub state: String,
    /// Returned in the ID token: 128 random bits, base64url.
    pub nonce: String,
    /// The `code_verifier` (RFC 7636 §4.1): 256 random bits, base64url.
    pub verifier: String,
}

impl Secrets {
    /// Draws new values.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self {
            state: secret::random_id(rng),
            nonce: secret::random_id(rng),
            verifier: secret::encode(&secret::random::<32>(rng)),
        }
    }

    /// Returns the `code_challenge` for the method S256 (RFC 7636 §4.2).
    #[must_use]
    pub fn challenge(&self) -> String {
        secret::encode(Digest::of(self.verifier.as_bytes()).bytes())
    }
}

/// An authorization request.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct AuthorizationRequest<'a> {
    pub client_id: &'a str,
    pub redirect_uri: &'a str,
    pub scope: &'a Scope,
    /// The classes that this server asks for at every sign-in.
    pub acr_values: &'a [String],
    pub wanted: &'a Wanted,
    pub secrets: &'a Secrets,
    /// The languages of the page that led here, best first.
    pub ui_locales: Option<&'a str>,
}

/// Parameters of a request, in their order.
pub type Parameters = Vec<(&'static str, String)>;

impl AuthorizationRequest<'_> {
    /// Returns the parameters of the request.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let scope: Vec<&str> = self.scope.iter().collect();
        let required = [
            ("response_type", "code".to_owned()),
            ("response_mode", "query".to_owned()),
            ("client_id", self.client_id.to_owned()),
            ("redirect_uri", self.redirect_uri.to_owned()),
            ("scope", scope.join(" ")),
            ("state", self.secrets.state.clone()),
            ("nonce", self.secrets.nonce.clone()),
            ("code_challenge", self.secrets.challenge()),
            ("code_challenge_method", "S256".to_owned()),
        ];
        let optional = [
            ("prompt", self.prompt().map(str::to_owned)),
            // Some providers refuse a `max_age` of 0. `prompt=login` asks for the same (OpenID Connect Core §3.1.2.1).
            ("max_age", self.wanted.max_age.map(|seconds| seconds.max(1).to_string())),
            ("acr_values", self.classes()),
            ("login_hint", self.wanted.login_hint.clone()),
            ("ui_locales", self.ui_locales.map(str::to_owned)),
        ];
        let given = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        required.into_iter().chain(given).collect()
    }

    fn prompt(&self) -> Option<&'static str> {
        match (self.wanted.other_account, self.wanted.max_age) {
            (Some(Choosing::Select), _) => Some("select_account"),
            (Some(Choosing::Login), _) | (None, Some(0)) => Some("login"),
            (None, Some(_) | None) => None,
        }
    }

    /// Returns the classes of the device, then those of the provider's entry, each once.
    fn classes(&self) -> Option<String> {
        let mut classes: Vec<&str> = Vec::new();
        for class in self.wanted.acr_values.iter().chain(self.acr_values) {
            if !classes.contains(&class.as_str()) {
                classes.push(class);
            }
        }
        (!classes.is_empty()).then(|| classes.join(" "))
    }
}

/// Encodes a text for a form. Keeps all that may be kept, because some servers compare credentials without decoding them.
#[must_use]
pub fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
}

/// Returns parameters as a form.
#[must_use]
pub fn form(parameters: &[(&'static str, String)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Adds parameters to the query of an endpoint, which may have one of its own (RFC 6749 §3.1).
#[must_use]
pub fn address(endpoint: &str, parameters: &[(&'static str, String)]) -> String {
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{separator}{}", form(parameters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    fn sent(wanted: &Wanted) -> Parameters {
        let secrets = Secrets::draw(&mut ChaCha20Rng::seed_from_u64(1));
        let scope = Scope::parse("openid profile").unwrap();
        let acr_values = ["urn:own".to_owned()];
        let request = AuthorizationRequest {
            client_id: "rp",
            redirect_uri: "https://login.example.com/callback",
            scope: &scope,
            acr_values: &acr_values,
            wanted,
            secrets: &secrets,
            ui_locales: None,
        };
        request.parameters()
    }

    fn find<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
        parameters.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_request_is_a_code_flow_with_pkce_state_and_nonce() {
        let sent = sent(&Wanted::default());
        let get = |name| find(&sent, name);

        assert_eq!((get("response_type"), get("response_mode")), (Some("code"), Some("query")));
        assert_eq!((get("scope"), get("code_challenge_method")), (Some("openid profile"), Some("S256")));
        assert_eq!(get("acr_values"), Some("urn:own"));
        let secrets = Secrets::draw(&mut ChaCha20Rng::seed_from_u64(1));
        assert_eq!((get("state"), get("nonce")), (Some(&*secrets.state), Some(&*secrets.nonce)));
        assert!(secrets.state != secrets.nonce && secrets.verifier.len() == 43);
        for absent in ["prompt", "max_age", "login_hint", "code_verifier", "ui_locales"] {
            assert_eq!(get(absent), None, "{absent}");
        }
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        // RFC 7636 appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let secrets = Secrets { state: String::new(), nonce: String::new(), verifier };

        assert_eq!(secrets.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_wish_of_the_device_is_passed_on() {
        let wanted = Wanted {
            max_age: Some(60),
            acr_values: vec!["urn:device".to_owned(), "urn:own".to_owned()],
            login_hint: Some("alice@example.com".to_owned()),
            other_account: None,
        };
        let recent = sent(&wanted);
        assert_eq!((find(&recent, "max_age"), find(&recent, "prompt")), (Some("60"), None));
        assert_eq!(find(&recent, "acr_values"), Some("urn:device urn:own"));
        assert_eq!(find(&recent, "login_hint"), Some("alice@example.com"));

        let fresh = sent(&Wanted { max_age: Some(0), ..wanted.clone() });
        assert_eq!((find(&fresh, "max_age"), find(&fresh, "prompt")), (Some("1"), Some("login")));
        for (choosing, prompt) in [(Choosing::Select, "select_account"), (Choosing::Login, "login")] {
            let other = sent(&Wanted { other_account: Some(choosing), ..wanted.clone() });
            assert_eq!(find(&other, "prompt"), Some(prompt));
        }
    }

    #[test]
    fn parameters_are_encoded_and_join_the_query_of_the_endpoint() {
        let parameters = [("scope", "openid a&b".to_owned()), ("state", "x-._~é".to_owned())];

        assert_eq!(
            address("https://a.example/", &parameters),
            "https://a.example/?scope=openid%20a%26b&state=x-._~%C3%A9"
        );
        assert!(address("https://a.example/?p=1", &parameters).starts_with("https://a.example/?p=1&scope="));
    }
}
