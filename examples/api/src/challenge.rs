//! What a refusal looks like: status, `WWW-Authenticate`, and a body for the developer (RFC 6750 §3,
//! RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1).

use serde_json::json;

use crate::api::Response;
use crate::jws::{Algorithm, Malformed};
use crate::settings::Settings;
use crate::{dpop, token};

/// How the caller presents its token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// The token alone (RFC 6750 §2.1).
    Bearer,
    /// The token with a proof (RFC 9449 §7.1).
    Dpop,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The request has no token.
    NoToken,
    /// The `Authorization` header is malformed.
    Unreadable,
    /// The token is not valid.
    Token(Scheme, token::Reason),
    /// The token is bound to a key, but came as `Bearer` (RFC 9449 §7.2).
    BoundAsBearer,
    /// The token is not bound to a key, but came as `DPoP`.
    NotBound,
    /// The proof is not valid.
    Proof(dpop::Reason),
    /// The proof was made with another key than the one that the token is bound to.
    AnotherKey,
    /// The token lacks this scope.
    Scope(Scheme, &'static str),
    /// The person signed in too long ago, or not as required (RFC 9470).
    SignIn(Scheme),
    /// The issuer's keys cannot be fetched.
    NoKeys,
}

impl Refusal {
    /// Returns the registered error code; `None` if there is no token, because that is not an error
    /// (RFC 6750 §3.1).
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::NoToken => None,
            Self::NoKeys => Some("temporarily_unavailable"),
            Self::Unreadable => Some("invalid_request"),
            Self::Token(..) | Self::BoundAsBearer | Self::NotBound | Self::AnotherKey => {
                Some("invalid_token")
            }
            Self::Proof(_) => Some("invalid_dpop_proof"),
            Self::Scope(..) => Some("insufficient_scope"),
            Self::SignIn(_) => Some("insufficient_user_authentication"),
        }
    }

    const fn status(&self) -> u16 {
        match self {
            Self::NoToken
            | Self::Token(..)
            | Self::BoundAsBearer
            | Self::NotBound
            | Self::AnotherKey
            | Self::Proof(_)
            | Self::SignIn(_) => 401,
            Self::Unreadable => 400,
            Self::Scope(..) => 403,
            Self::NoKeys => 503,
        }
    }

    /// Returns a sentence for the caller's developer.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NoToken => "An access token is required.",
            Self::Unreadable => "The Authorization header must consist of a scheme and one token.",
            Self::Token(_, reason) => of_token(*reason),
            Self::BoundAsBearer => "The token is bound to a key: send it with the scheme DPoP and a proof.",
            Self::NotBound => "The token is not bound to a key: send it with the scheme Bearer.",
            Self::AnotherKey => "The token is bound to another key than the proof's.",
            Self::Proof(reason) => of_proof(*reason),
            Self::Scope(..) => "The token lacks the required scope.",
            Self::SignIn(_) => "A more recent or stronger sign-in is required.",
            Self::NoKeys => "The authorization server cannot be reached; try again.",
        }
    }

    /// Builds the response.
    #[must_use]
    pub fn response(&self, settings: &Settings) -> Response {
        let error = self.code().unwrap_or("no_token");
        let body = json!({ "error": error, "error_description": self.description() });
        let response = Response::json(self.status(), &body).noting(self.description());
        if matches!(self, Self::NoKeys) {
            response.with("retry-after", "5")
        } else {
            response.with("www-authenticate", &self.challenge(settings))
        }
    }

    /// Offers both schemes if the caller can still choose, or else the scheme that it used or should have
    /// used.
    fn challenge(&self, settings: &Settings) -> String {
        let parameters = self.parameters(settings).join(", ");
        let algs = Algorithm::ALL.map(Algorithm::name).join(" ");
        let bearer = format!("Bearer {parameters}");
        let dpop = format!("DPoP {parameters}, algs=\"{algs}\"");
        match self {
            Self::NoToken | Self::Unreadable | Self::NoKeys => format!("{bearer}, {dpop}"),
            Self::Token(Scheme::Bearer, _)
            | Self::Scope(Scheme::Bearer, _)
            | Self::SignIn(Scheme::Bearer)
            | Self::NotBound => bearer,
            Self::Token(Scheme::Dpop, _)
            | Self::Scope(Scheme::Dpop, _)
            | Self::SignIn(Scheme::Dpop)
            | Self::BoundAsBearer
            | Self::AnotherKey
            | Self::Proof(_) => dpop,
        }
    }

    /// Returns the parameters of a challenge. Nothing in them needs escaping: the settings are checked, and
    /// the rest is constant.
    fn parameters(&self, settings: &Settings) -> Vec<String> {
        let mut parameters = Vec::new();
        let mut add = |name: &str, value: &str| parameters.push(format!("{name}=\"{value}\""));
        if let Some(code) = self.code() {
            add("error", code);
            add("error_description", self.description());
        }
        if let Self::Scope(_, scope) = self {
            add("scope", scope);
        }
        if let Self::SignIn(_) = self {
            add("max_age", &settings.max_age.to_string());
            if !settings.acr_values.is_empty() {
                add("acr_values", &settings.acr_values.join(" "));
            }
        }
        add("resource_metadata", &format!("{}/.well-known/oauth-protected-resource", settings.resource));
        parameters
    }
}

const fn of_token(reason: token::Reason) -> &'static str {
    match reason {
        token::Reason::Malformed(Malformed::NotAJws) => "The token is not a JWT.",
        token::Reason::Malformed(Malformed::Type) => {
            "The token is not an access token: its type is not at+jwt."
        }
        token::Reason::Malformed(Malformed::Algorithm) => "The token's algorithm is not accepted.",
        token::Reason::Malformed(Malformed::Critical) => {
            "The token has a critical extension that this API does not know."
        }
        token::Reason::UnknownKey => "The token's key is not one of the authorization server's.",
        token::Reason::Signature => "The token's signature is not valid.",
        token::Reason::Claims => "The token lacks a claim, or has a malformed one.",
        token::Reason::Issuer => "The token comes from another issuer.",
        token::Reason::Audience => "The token is meant for another API.",
        token::Reason::Expired => "The token has expired.",
        token::Reason::NotYetValid => "The token is not valid yet.",
        token::Reason::OtherBinding => "The token is bound in a way that this API cannot check.",
    }
}

const fn of_proof(reason: dpop::Reason) -> &'static str {
    match reason {
        dpop::Reason::Missing => "The DPoP header is missing.",
        dpop::Reason::Several => "There is more than one DPoP header.",
        dpop::Reason::Malformed(Malformed::NotAJws) => "The proof is not a JWT.",
        dpop::Reason::Malformed(Malformed::Type) => "The proof's type is not dpop+jwt.",
        dpop::Reason::Malformed(Malformed::Algorithm) => "The proof's algorithm is not accepted.",
        dpop::Reason::Malformed(Malformed::Critical) => {
            "The proof has a critical extension that this API does not know."
        }
        dpop::Reason::PrivateKey => "The proof discloses a private key.",
        dpop::Reason::Key => "The proof has no public key for its algorithm.",
        dpop::Reason::Signature => "The proof's signature is not valid.",
        dpop::Reason::Claims => "The proof lacks a claim, or has a malformed one.",
        dpop::Reason::Method => "The proof is for another method.",
        dpop::Reason::Address => "The proof is for another address.",
        dpop::Reason::Time => "The proof is too old or from the future.",
        dpop::Reason::Token => "The proof is for another token.",
        dpop::Reason::Replayed => "The proof was used before.",
    }
}
