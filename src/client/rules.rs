//! Optional members of a client: what people see of it, its keys, and how its codes and tokens differ from
//! the server's settings.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::format::{is_false, is_true};
use crate::identity::demand::Demand;
use crate::place::Place;
use crate::token::mapping::Rules;
use crate::token::signing_key::Algorithm;
use crate::web_origin::WebOrigin;

/// Information about a client for people (RFC 7591 §2).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct About {
    /// Fetched when an operator writes the client: see [`Client::logo`](super::Client::logo). The pages load nothing from
    /// other sites.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// The privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// The terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// E-mail addresses of the people responsible.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// The team responsible for the client; visible to operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// A sentence on the consent page that says what approval means for this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_text: Option<String>,
}

/// The public keys that a client authenticates with (RFC 7591 §2): at most one of the two members.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ClientKeys {
    /// A JWK set (RFC 7517 §5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The https URL of a JWK set; http on loopback only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
}

/// How a client's codes differ from the server's settings.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct CodeRules {
    /// Seconds; `None` for the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_lifetime: Option<u64>,
    /// Initial interval in seconds; `None` for the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<u64>,
    /// The characters of its user codes.
    #[serde(skip_serializing_if = "UserCodeType::is_configured")]
    pub user_code_type: UserCodeType,
    /// Whether devices get a `verification_uri_complete` (RFC 8628 §3.3.1).
    #[serde(skip_serializing_if = "is_true")]
    pub verification_uri_complete: bool,
    /// Whether the client must use its credentials at the device authorization endpoint; `None` for the
    /// server's setting. The token endpoint always requires them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_client_authentication: Option<bool>,
    /// The web pages that may request codes; only operators list them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<WebOrigin>,
    /// From where an approved device code can be redeemed.
    #[serde(skip_serializing_if = "RedemptionPlace::is_any")]
    pub redemption_place: RedemptionPlace,
    /// How many shards may have the codes of one network, each a part of as many as the network may have.
    #[serde(skip_serializing_if = "is_one")]
    pub shards_per_network: u8,
    /// How a person must have signed in who approves.
    #[serde(skip_serializing_if = "Demand::is_empty")]
    pub sign_in: Demand,
}

/// From where an approved device code can be redeemed, compared with where it was requested.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RedemptionPlace {
    /// From anywhere.
    #[default]
    Any,
    /// From the same country only.
    SameCountry,
    /// From the network of the same operator (AS number) only.
    SameNetwork,
}

impl RedemptionPlace {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// Returns whether a code that was requested at `start` can be redeemed at `here`. An unknown place counts
    /// as another one.
    #[must_use]
    pub fn allows(self, start: &Place, here: &Place) -> bool {
        match self {
            Self::Any => true,
            Self::SameCountry => here.is_in_country_of(start),
            Self::SameNetwork => here.is_in_network_of(start),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_one(number: &u8) -> bool {
    *number == 1
}

impl Default for CodeRules {
    fn default() -> Self {
        Self {
            code_lifetime: None,
            polling_interval: None,
            user_code_type: UserCodeType::default(),
            verification_uri_complete: true,
            device_client_authentication: None,
            allowed_origins: Vec::new(),
            redemption_place: RedemptionPlace::Any,
            shards_per_network: 1,
            sign_in: Demand::default(),
        }
    }
}

/// The characters of a user code (RFC 8628 §6.1).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserCodeType {
    /// Those that the server's settings name.
    #[default]
    Configured,
    /// Digits only, for people who cannot easily type Latin letters.
    Digits,
}

impl UserCodeType {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_configured(&self) -> bool {
        matches!(self, Self::Configured)
    }
}

/// How a client's tokens differ from the server's settings.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct TokenRules {
    /// JWT unless registered otherwise.
    #[serde(skip_serializing_if = "AccessTokenFormat::is_jwt")]
    pub access_token_format: AccessTokenFormat,
    /// Absolute URIs of the resources that its tokens may be for (RFC 8707 §2). The first is the default; if
    /// there are none, tokens are for the issuer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// Seconds; `None` for the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u64>,
    /// Seconds; `None` for the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_lifetime: Option<u64>,
    /// Seconds until an unused refresh token expires (RFC 9700 §4.14.2); `None` for the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_idle_lifetime: Option<u64>,
    /// Seconds for which one approval can be refreshed; `None` for the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<u64>,
    /// How `/userinfo` responses are signed (OpenID Connect Registration §2); `None` for plain JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// Whether token requests without DPoP are refused (RFC 9449 §5.2).
    #[serde(skip_serializing_if = "is_false")]
    pub dpop_bound_access_tokens: bool,
    /// Whether access tokens are bound to the client's certificate (RFC 8705 §3.4).
    #[serde(skip_serializing_if = "is_false")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Claim mapping for the client's tokens.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub claims: Rules,
}

/// Whether resource servers can read an access token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    /// They can: it is a JWT (RFC 9068).
    #[default]
    Jwt,
    /// Only this server can; resource servers ask `/introspect`.
    Opaque,
}

impl AccessTokenFormat {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_jwt(&self) -> bool {
        matches!(self, Self::Jwt)
    }
}
