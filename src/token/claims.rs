//! What the tokens say.

use core::time::Duration;

use jwt_compact::{Claims, TimeOptions};
use serde::{Deserialize, Serialize};

use crate::client::scope::Scope;
use crate::identity::account::Account;
use crate::secret::{self, Digest};
use crate::time::Timestamp;

/// The access token's claims (RFC 9068 §2.2), besides `iat` and `exp`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccessClaims {
    /// The issuer.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// Where it is good (RFC 9068 §3: a default, if the request named no resource).
    pub aud: String,
    /// Who got it.
    pub client_id: String,
    /// Its own name.
    pub jti: String,
    /// What was granted.
    pub scope: Scope,
    /// When the person signed in, in seconds.
    pub auth_time: u64,
    /// How.
    pub amr: Vec<String>,
    /// The family it belongs to.
    pub sid: String,
}

/// The ID token's claims (OpenID Connect Core §2, §3.1.3.6, §5.4), besides `iat` and `exp`.
#[derive(Clone, Debug, Serialize)]
pub struct IdClaims {
    /// The issuer.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// When the person signed in, in seconds.
    pub auth_time: u64,
    /// How.
    pub amr: Vec<String>,
    /// The family it belongs to.
    pub sid: String,
    /// Binds it to the access token.
    pub at_hash: String,
    /// As the request had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// What the granted scopes say of the person.
    #[serde(flatten)]
    pub person: Person,
}

/// The claims that `profile` and `email` ask for (OpenID Connect Core §5.4).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Person {
    /// Full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they sign in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address is known to be theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

impl Person {
    /// What `scope` lets a client know of `account`.
    #[must_use]
    pub fn of(account: &Account, scope: &Scope) -> Self {
        let profile = scope.has("profile");
        let email = scope.has("email");
        Self {
            name: profile.then(|| account.name.clone()),
            preferred_username: profile.then(|| account.username.clone()),
            email: email.then(|| account.email.clone()).flatten(),
            email_verified: email.then_some(account.email_verified).filter(|_| account.email.is_some()),
        }
    }
}

/// Adds `iat` and `exp`.
///
/// `None` beyond the year 262000.
#[must_use]
pub fn dated<T>(claims: T, now: Timestamp, lifetime: Duration) -> Option<Claims<T>> {
    let issued_at = chrono::DateTime::from_timestamp(i64::try_from(now.seconds()).ok()?, 0)?;
    let lifetime = chrono::Duration::from_std(lifetime).ok()?;
    let options = TimeOptions::new(chrono::Duration::zero(), || issued_at);
    Some(Claims::new(claims).set_duration_and_issuance(&options, lifetime))
}

/// The left half of the access token's SHA-256 (OpenID Connect Core §3.1.3.6; every algorithm here uses it).
#[must_use]
pub fn at_hash(access_token: &str) -> String {
    let digest = Digest::of(access_token.as_bytes());
    let (half, _) = digest.bytes().split_at(16);
    secret::encode(half)
}
