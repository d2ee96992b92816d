//! What is particular to a client: what people are told of it, its keys, and how its codes and tokens differ
//! from the server's settings. Every member may be left out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::format::{is_false, is_true};
use crate::token::mapping::Rules;
use crate::token::signing_key::Algorithm;

/// What people are told of a client, besides its name (RFC 7591 §2).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct About {
    /// Its picture. Stored and listed; the pages load nothing from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// What it does with people's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Who answers for it, as e-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// The team that it belongs to. For operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// A sentence that the consent page shows: what approving means for this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_text: Option<String>,
}

/// The keys that a client proves itself with (RFC 7591 §2).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct ClientKeys {
    /// A JWK set (RFC 7517 §5) of public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where to get one, over https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
}

/// How a client's codes differ from the server's settings.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct CodeRules {
    /// How long a code lives, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_lifetime: Option<u64>,
    /// The interval to begin with, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<u64>,
    /// What its user codes are made of.
    #[serde(skip_serializing_if = "UserCodeType::is_configured")]
    pub user_code_type: UserCodeType,
    /// Whether it is given a `verification_uri_complete` (RFC 8628 §3.3.1).
    #[serde(skip_serializing_if = "is_true")]
    pub verification_uri_complete: bool,
}

impl Default for CodeRules {
    fn default() -> Self {
        Self {
            code_lifetime: None,
            polling_interval: None,
            user_code_type: UserCodeType::default(),
            verification_uri_complete: true,
        }
    }
}

/// What a user code is made of (RFC 8628 §6.1).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserCodeType {
    /// What the settings say.
    #[default]
    Configured,
    /// Digits only, where Latin letters are hard to type.
    Digits,
}

impl UserCodeType {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    const fn is_configured(&self) -> bool {
        matches!(self, Self::Configured)
    }
}

/// How a client's tokens differ from the server's settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct TokenRules {
    /// What its access tokens are.
    #[serde(skip_serializing_if = "AccessTokenFormat::is_jwt")]
    pub access_token_format: AccessTokenFormat,
    /// The resources it may have tokens for (RFC 8707 §2), absolute URIs; the first is the default. None: the issuer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u64>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_lifetime: Option<u64>,
    /// How long a refresh token may lie unused, in seconds (RFC 9700 §4.14.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_idle_lifetime: Option<u64>,
    /// How long one approval may be refreshed at all, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<u64>,
    /// `/userinfo` answers with a JWT signed so (OpenID Connect Registration §2); plain JSON if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// Whether a token request without DPoP is refused (RFC 9449 §5.2).
    #[serde(skip_serializing_if = "is_false")]
    pub dpop_bound_access_tokens: bool,
    /// Whether its access tokens are bound to its certificate (RFC 8705 §3.4).
    #[serde(skip_serializing_if = "is_false")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// How the claims of its tokens are mapped.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub claims: Rules,
}

/// What an access token is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    /// RFC 9068: resource servers read it themselves.
    #[default]
    Jwt,
    /// Unreadable to all but this server: resource servers ask `/introspect`.
    Opaque,
}

impl AccessTokenFormat {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    const fn is_jwt(&self) -> bool {
        matches!(self, Self::Jwt)
    }
}
