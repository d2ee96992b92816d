//! A sign-in: who has proven to be whom, and how.

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::credential_id::CredentialId;
use crate::format::is_false;
use crate::time::Timestamp;

/// The authentication context class that signing in here meets: a password sent over TLS.
pub const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// The class that signing in with a passkey meets: nobody can imitate the page that asks (OpenID Connect EAP ACR Values
/// 1.0). Not `phrh`, which promises hardware: passkeys are not attested.
pub const PHISHING_RESISTANT: &str = "phr";

/// The methods of a sign-in with a passkey (RFC 8176 §2): a key was used, its user was present, and was verified. Whether
/// the key is in hardware (`hwk`) or in software (`swk`) is not attested.
const PASSKEY_METHODS: [&str; 3] = ["pop", "user", "mfa"];

/// A sign-in that has succeeded. Every method leads to one.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The account as it is now.
    pub account: Account,
    /// When the person authenticated, which was earlier if a provider had a session.
    pub auth_time: Timestamp,
    /// The methods (RFC 8176).
    pub amr: Vec<String>,
    /// The authentication context class that was met (OpenID Connect Core §2); `None` if it is not known.
    pub acr: Option<String>,
    /// The way that the person took.
    pub how: How,
}

impl SignIn {
    /// Returns the sign-in of somebody who knew the password.
    #[must_use]
    pub fn by_password(account: Account, now: Timestamp) -> Self {
        let (amr, acr) = (vec!["pwd".to_owned()], Some(PASSWORD.to_owned()));
        Self { account, auth_time: now, amr, acr, how: How::Password }
    }

    /// Returns the sign-in of somebody who used a passkey.
    #[must_use]
    pub fn by_passkey(account: Account, credential: CredentialId, now: Timestamp) -> Self {
        let amr = PASSKEY_METHODS.map(str::to_owned).to_vec();
        let acr = Some(PHISHING_RESISTANT.to_owned());
        Self { account, auth_time: now, amr, acr, how: How::Passkey { credential } }
    }
}

/// How a person signed in.
#[expect(missing_docs, reason = "the names of the members say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// With a password of this server.
    Password,
    /// With a passkey of this server.
    Passkey { credential: CredentialId },
    /// At an OpenID Provider.
    Upstream {
        provider: String,
        /// The session there, if the provider named it (OpenID Connect Back-Channel Logout §2.1).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sid: Option<String>,
        /// Whether the methods or the class were among those that the provider's entry counts as strong then.
        #[serde(default, skip_serializing_if = "is_false")]
        strong: bool,
    },
    /// At Cloudflare Access, which stands in front of this server.
    Access,
}

impl How {
    /// Returns whether the person signed in at the OpenID Provider with this identifier.
    #[must_use]
    pub fn is_at(&self, id: &str) -> bool {
        match self {
            Self::Upstream { provider, .. } => provider == id,
            Self::Password | Self::Passkey { .. } | Self::Access => false,
        }
    }

    /// Returns whether nobody could have imitated the page that asked: a passkey, or a provider that is trusted to have
    /// used the like.
    #[must_use]
    pub const fn resists_phishing(&self) -> bool {
        match self {
            Self::Passkey { .. } => true,
            Self::Upstream { strong, .. } => *strong,
            Self::Password | Self::Access => false,
        }
    }

    /// Returns the way as the log states it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Passkey { .. } => "passkey",
            Self::Upstream { .. } => "upstream",
            Self::Access => "access",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sign_in_at_a_provider_is_at_that_provider() {
        let at = |id: &str| How::Upstream { provider: id.to_owned(), sid: None, strong: false };

        assert!(at("corp").is_at("corp") && !at("corp").is_at("other"));
        assert!(!How::Password.is_at("corp") && !How::Access.is_at("access"));
    }
}
