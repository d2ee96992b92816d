//! Clients: what they may ask for, and how they authenticate.

pub mod assertion;
pub mod authentication;
pub mod certificate;
pub mod demo;
pub mod distinguished_name;
pub mod document;
pub mod history;
pub mod jwks;
pub mod likeness;
mod record;
pub mod redirect_uri;
pub mod registered_by;
pub mod registration;
pub mod rules;

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;
use crate::web_origin::WebOrigin;
use history::History;
use registered_by::{RegisteredBy, STAMPED, UNUSED};
use rules::{About, ClientKeys, CodeRules, TokenRules};

/// The grant type of RFC 8628 §3.4.
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The grant type of RFC 6749 §6.
pub const REFRESH_TOKEN_GRANT: &str = "refresh_token";

/// A registered client.
#[expect(missing_docs, reason = "the fields are named after the members of RFC 7591 §2, where there is one")]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Client {
    pub format: Format<1>,
    pub client_id: String,
    pub client_name: String,
    /// The home page. The consent page shows it as text, not as a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Every grant must be listed; even the device grant is off by default.
    pub grant_types: Vec<String>,
    /// The scopes that a grant may have.
    pub scope: Scope,
    pub authentication: Authentication,
    /// RS256 unless registered otherwise (OpenID Connect Registration §2).
    pub id_token_signed_response_alg: Algorithm,
    /// ES256 unless registered otherwise.
    pub access_token_signed_response_alg: Algorithm,
    /// If false, the client gets no codes and no tokens, and this server treats its tokens as invalid.
    pub enabled: bool,
    /// Where the authorization endpoint may send an error: see [`redirect_uri`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "RegisteredBy::is_operator")]
    pub registered_by: RegisteredBy,
    /// The last redemption or refresh, to about a day; recorded only for clients of open registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// The last part of the address of its logo, if the registry keeps the image at `logo_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    #[serde(flatten)]
    pub about: About,
    #[serde(flatten)]
    pub keys: ClientKeys,
    #[serde(flatten)]
    pub codes: CodeRules,
    #[serde(flatten)]
    pub tokens: TokenRules,
    #[serde(skip_serializing_if = "History::is_unknown")]
    pub history: History,
}

/// How a client authenticates.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum Authentication {
    /// A public client, which cannot keep a secret (RFC 8628 §5.6).
    None,
    /// A secret, sent by HTTP Basic or in the body (RFC 6749 §2.3.1).
    Secret {
        /// Digest of the secret.
        digest: Digest,
        /// The replaced secret, while it is still valid.
        #[serde(skip_serializing_if = "Option::is_none")]
        previous: Option<Retiring>,
        /// The registered way to send the secret; the other way is accepted as well.
        #[serde(skip_serializing_if = "SecretBy::is_basic")]
        by: SecretBy,
    },
    /// A JWT signed with one of [`Client::keys`] (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A certificate with a known subject, verified by the platform's mTLS (RFC 8705 §2.1).
    TlsClientAuth {
        /// The expected subject in RFC 4514 form.
        subject_dn: String,
    },
    /// A certificate registered in [`Client::keys`] (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
}

/// A replaced secret that is still valid for a while.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Retiring {
    /// Digest of the secret.
    pub digest: Digest,
    /// When the secret becomes invalid.
    pub until: Timestamp,
}

/// How a client sends its secret.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretBy {
    /// `client_secret_basic`: by HTTP Basic.
    #[default]
    Basic,
    /// `client_secret_post`: in the body.
    Post,
}

impl SecretBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_basic(&self) -> bool {
        matches!(self, Self::Basic)
    }
}

impl Authentication {
    /// Returns whether the client has credentials (RFC 6749 §2.1).
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

    /// Returns the `token_endpoint_auth_method` (RFC 7591 §2, RFC 8705 §2.1.1, §2.2.1).
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
    /// Returns the entry of `allowed_origins` that equals this `Origin` header. A disabled client allows none.
    #[must_use]
    pub fn allowed_origin(&self, origin: &str) -> Option<&WebOrigin> {
        let mut allowed = self.codes.allowed_origins.iter().filter(|_| self.enabled);
        allowed.find(|allowed| allowed.as_str() == origin)
    }

    /// Returns whether the client is registered for `grant_type`.
    #[must_use]
    pub fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }

    /// Returns when the client is deleted unless it is used before; `None` if never.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        let since = self.used_at.or(self.history.created_at).unwrap_or_default();
        self.registered_by.is_anyone().then(|| since + UNUSED)
    }

    /// Returns whether the client has ended, even if its row is still there.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at().is_some_and(|end| end <= now)
    }

    /// Returns whether a use at `now` is worth a write.
    #[must_use]
    pub fn is_stamp_due(&self, now: Timestamp) -> bool {
        self.registered_by.is_anyone() && self.used_at.is_none_or(|at| now >= at + STAMPED)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn only_a_client_of_open_registration_ends_thirty_days_after_its_last_use() {
        let thirty_days = DAY * 30;
        let now = Timestamp::from_millis(1_795_262_400_000);
        let mut client = Client { history: History::beginning(now), ..demo::clients().remove(0) };
        for registered_by in [RegisteredBy::Operator, RegisteredBy::InitialAccessToken] {
            client.registered_by = registered_by;
            assert_eq!((client.ends_at(), client.is_stamp_due(now)), (None, false));
        }

        client.registered_by = RegisteredBy::Anyone;
        assert_eq!((client.ends_at(), client.is_stamp_due(now)), (Some(now + thirty_days), true));

        client.used_at = Some(now + DAY);
        assert_eq!(client.ends_at(), Some(now + DAY + thirty_days));
        assert!(!client.is_stamp_due(now + DAY) && client.is_stamp_due(now + DAY + DAY));
    }
}
