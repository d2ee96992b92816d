//! Clients: who they are, what they may ask for, and how they prove it.

pub mod assertion;
pub mod authentication;
pub mod certificate;
pub mod demo;
pub mod distinguished_name;
pub mod history;
pub mod jwks;
pub mod registration;
pub mod rules;

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;
use history::History;
use rules::{About, ClientKeys, CodeRules, TokenRules};

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
    /// What else people are told of it.
    #[serde(flatten)]
    pub about: About,
    /// The keys it proves itself with.
    #[serde(flatten)]
    pub keys: ClientKeys,
    /// What its codes are like, where that differs from the server's settings.
    #[serde(flatten)]
    pub codes: CodeRules,
    /// What its tokens are like, where that differs from the server's settings.
    #[serde(flatten)]
    pub tokens: TokenRules,
    /// When it was made and changed.
    #[serde(default, skip_serializing_if = "History::is_unknown")]
    pub history: History,
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
        /// The secret before it, while both are good.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Retiring>,
        /// How it was registered to be sent; the other way is taken as well.
        #[serde(default, skip_serializing_if = "SecretBy::is_basic")]
        by: SecretBy,
    },
    /// A JWT signed with a key of [`Client::keys`] (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A certificate that the platform's mTLS verified, by its subject (RFC 8705 §2.1).
    TlsClientAuth {
        /// The expected subject, as RFC 4514 writes it.
        subject_dn: String,
    },
    /// A certificate that is in [`Client::keys`] (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
}

/// A secret that is on its way out.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Retiring {
    /// Its digest.
    pub digest: Digest,
    /// It is good until then.
    pub until: Timestamp,
}

/// How a secret is sent.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretBy {
    /// HTTP Basic.
    #[default]
    Basic,
    /// In the body.
    Post,
}

impl SecretBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    const fn is_basic(&self) -> bool {
        matches!(self, Self::Basic)
    }
}

impl Authentication {
    /// Whether the client has something to prove itself with.
    #[must_use]
    pub const fn is_confidential(&self) -> bool {
        match self {
            Self::None => false,
            Self::Secret { .. }
            | Self::PrivateKeyJwt
            | Self::TlsClientAuth { .. }
            | Self::SelfSignedTlsClientAuth => true,
        }
    }

    /// The `token_endpoint_auth_method` (RFC 7591 §2, RFC 8705 §2.1.1, §2.2.1).
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Secret { by: SecretBy::Basic, .. } => "client_secret_basic",
            Self::Secret { by: SecretBy::Post, .. } => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth { .. } => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        }
    }
}

impl Client {
    /// Whether the client may use `grant_type`.
    #[must_use]
    pub fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}
