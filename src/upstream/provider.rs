//! An OpenID Provider that people sign in with, as the registry stores it.

pub mod claim_path;
pub mod issuer;
mod record;
pub mod view;
pub mod written;

use core::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::client::SecretBy;
use crate::client::history::History;
use crate::derived_keys::{Keyring, Purpose};
use crate::format::Format;
use crate::identity::source::is_provider;
use crate::order;
use crate::scope::Scope;
use crate::secret;
use crate::secret::Digest;
use crate::token::signing_key::Algorithm;
use claim_path::ClaimPath;
use issuer::ProviderIssuer;

/// Identifies a provider for ever, in paths, in the keys of accounts and in the names of groups: 1 to 32 lower-case
/// letters, digits and hyphens, beginning with a letter or digit.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderId(String);

impl ProviderId {
    /// Reads an identifier; `None` if it is malformed or reserved.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_provider(text).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProviderId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a provider's id has 1 to 32 lower-case letters, digits and hyphens")
    }
}

impl From<ProviderId> for String {
    fn from(id: ProviderId) -> Self {
        id.0
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A provider, and this server's registration with it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Provider {
    pub format: Format<1>,
    pub id: ProviderId,
    /// What people call the provider: "Sign in with …".
    pub name: String,
    /// Never changes: another issuer would give the accounts of this `id` to other people.
    pub issuer: ProviderIssuer,
    /// The identifier that the provider gave to this server.
    pub client_id: String,
    pub authentication: ProviderAuthentication,
    /// The one algorithm of ID tokens and logout tokens.
    pub id_token_signed_response_alg: Algorithm,
    /// The scopes that this server asks for; `openid` is among them.
    pub scope: Scope,
    pub claims: ClaimPaths,
    /// The groups whose members may sign in, as the provider names them; empty if everybody may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_groups: Vec<String>,
    /// The domains of the verified e-mail addresses that may sign in, in lower case; empty if every address may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_email_domains: Vec<String>,
    /// The authentication context classes that this server asks for at every sign-in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// The methods (RFC 8176) of which one makes a sign-in strong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strong_amr: Vec<String>,
    /// The authentication context classes that make a sign-in strong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strong_acr: Vec<String>,
    /// Whether a logout at the provider ends the access of devices too, not only sessions.
    pub end_families_on_logout: bool,
    /// Seconds after which a refreshing device makes this server ask the provider whether the person is still there;
    /// `None` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recheck_seconds: Option<u64>,
    /// The digest of the token with which the provider pushes its users by SCIM; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim_token: Option<Digest>,
    /// If false, nobody can sign in with the provider.
    pub enabled: bool,
    /// The place among the providers on the page: smaller numbers come first.
    pub order: u64,
    pub history: History,
}

/// How this server authenticates to a provider.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum ProviderAuthentication {
    /// With a secret that the provider issued (RFC 6749 §2.3.1).
    Secret {
        /// By HTTP Basic or in the body.
        by: SecretBy,
        /// The secret, sealed.
        sealed: SealedSecret,
    },
    /// With a JWT that this server signs with its own key; the public half is at `/jwks.json` (RFC 7523 §2.2).
    PrivateKeyJwt {
        /// The algorithm of the signature.
        alg: Algorithm,
    },
}

impl ProviderAuthentication {
    /// Returns the `token_endpoint_auth_method` (RFC 7591 §2).
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Secret { by: SecretBy::Basic, .. } => "client_secret_basic",
            Self::Secret { by: SecretBy::Post, .. } => "client_secret_post",
            Self::PrivateKeyJwt { .. } => "private_key_jwt",
        }
    }

    /// Returns the sealed secret, if the method has one.
    #[must_use]
    pub const fn secret(&self) -> Option<&SealedSecret> {
        match self {
            Self::Secret { sealed, .. } => Some(sealed),
            Self::PrivateKeyJwt { .. } => None,
        }
    }

    /// Returns the algorithm for which this server needs a key of its own.
    #[must_use]
    pub const fn signing_alg(&self) -> Option<Algorithm> {
        match self {
            Self::Secret { .. } => None,
            Self::PrivateKeyJwt { alg } => Some(*alg),
        }
    }
}

/// A secret that the provider issued, sealed with a key derived from `MASTER_KEY` ([`Purpose::ProviderSecret`]): base64url.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct SealedSecret(String);

impl SealedSecret {
    /// Seals a secret.
    pub fn seal(secret: &str, keyring: &Keyring, rng: &mut impl CryptoRng) -> Self {
        Self(secret::encode(&keyring.seal(Purpose::ProviderSecret, secret.as_bytes(), rng)))
    }

    /// Returns the secret; `None` if the server no longer has the key.
    #[must_use]
    pub fn open(&self, keyring: &Keyring) -> Option<String> {
        String::from_utf8(keyring.open(Purpose::ProviderSecret, &secret::decode(&self.0)?)?).ok()
    }

    /// Returns whether the secret is sealed with the current key.
    #[must_use]
    pub fn is_current(&self, keyring: &Keyring) -> bool {
        secret::decode(&self.0).is_some_and(|sealed| keyring.is_current(Purpose::ProviderSecret, &sealed))
    }
}

/// Even sealed, a secret does not belong in a log.
impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(..)")
    }
}

/// Where the claims of a person are in an ID token or a userinfo response.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct ClaimPaths {
    /// What identifies the person at the provider. Never changes, as the issuer.
    pub subject: ClaimPath,
    pub name: ClaimPath,
    pub email: ClaimPath,
    pub username: ClaimPath,
    pub groups: ClaimPath,
}

impl Provider {
    /// Returns whether this entry counts a sign-in with these methods and this class as strong.
    #[must_use]
    pub fn is_strong(&self, amr: &[String], acr: Option<&str>) -> bool {
        amr.iter().any(|method| self.strong_amr.contains(method))
            || acr.is_some_and(|acr| self.strong_acr.iter().any(|strong| strong == acr))
    }

    /// Returns what stays reserved for the `id`, even when the provider is deleted.
    #[must_use]
    pub fn source(&self) -> Source {
        Source { issuer: self.issuer.clone(), subject: self.claims.subject.clone() }
    }
}

/// A provider as the sign-in page offers it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are named after those of a provider")]
pub struct Offer {
    pub id: ProviderId,
    pub name: String,
}

/// Returns the enabled providers in the order of the page.
#[must_use]
pub fn offers(mut providers: Vec<Provider>) -> Vec<Offer> {
    providers.retain(|provider| provider.enabled);
    order::sort_by(&mut providers, |one, other| {
        (one.order, &one.name, &one.id).cmp(&(other.order, &other.name, &other.id))
    });
    providers.into_iter().map(|Provider { id, name, .. }| Offer { id, name }).collect()
}

/// Who the subjects of a provider are: its issuer, and the claim that identifies them. An `id` stands for one source for
/// ever, even after its provider was deleted, because accounts carry the `id`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what they are")]
pub struct Source {
    pub issuer: ProviderIssuer,
    pub subject: ClaimPath,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::{Keys, MasterKey};
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn a_secret_that_the_previous_pair_sealed_opens_but_is_not_current() {
        let keys = |fill: u8| Keys::derive(&MasterKey::parse(&secret::encode(&[fill; 32])).unwrap(), 8);
        let ring = |current, previous: Option<u8>| Keyring {
            current: keys(current),
            previous: previous.map(keys),
            retired: Vec::new(),
        };
        let (before, after) = (ring(1, None), ring(2, Some(1)));
        let sealed = SealedSecret::seal("s3cret", &before, &mut ChaCha20Rng::seed_from_u64(1));

        assert_eq!(sealed.open(&after).as_deref(), Some("s3cret"));
        assert!(sealed.is_current(&before) && !sealed.is_current(&after));
    }

    #[test]
    fn an_id_is_short_and_plain_and_not_a_source_of_our_own() {
        for good in ["okta", "0", "entra-id", "a-", &"a".repeat(32)] {
            assert!(ProviderId::parse(good).is_some(), "{good}");
        }
        for bad in ["", "-a", "Okta", "a b", "a:b", "ö", "local", "access", &"a".repeat(33)] {
            assert!(ProviderId::parse(bad).is_none(), "{bad}");
        }
        assert!(serde_json::from_str::<ProviderId>("\"local\"").is_err());
    }
}
