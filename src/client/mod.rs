//! Clients: who they are, what they may ask for, and how they prove it.

pub mod authentication;
pub mod demo;
pub mod registry;
pub mod scope;

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::secret::Digest;
use crate::token::key::Algorithm;
use scope::Scope;

/// RFC 8628 §3.4.
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 6749 §6.
pub const REFRESH_TOKEN_GRANT: &str = "refresh_token";

/// A registered client; the names are those of RFC 7591 §2 where it has one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Client {
    /// Of this record.
    pub format: Format<1>,
    /// Its identifier.
    pub client_id: String,
    /// The name people see.
    pub client_name: String,
    /// Its home page, shown as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// The grants it may use. The device grant is off until it is listed.
    pub grant_types: Vec<String>,
    /// The scopes it may have.
    pub scope: Scope,
    /// How it authenticates.
    pub authentication: Authentication,
    /// How its ID tokens are signed (OpenID Connect Registration §2; RS256 unless registered otherwise).
    pub id_token_signed_response_alg: Algorithm,
    /// How its access tokens are signed.
    pub access_token_signed_response_alg: Algorithm,
    /// Whether it may do anything at all.
    pub enabled: bool,
}

/// How a client authenticates.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum Authentication {
    /// A public client: it has no secret to keep (RFC 8628 §5.6).
    None,
    /// A secret, sent by HTTP Basic or in the body (RFC 6749 §2.3.1).
    Secret {
        /// The digest of the secret.
        digest: Digest,
    },
}

impl Client {
    /// Whether the client may use `grant_type`.
    #[must_use]
    pub fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}
