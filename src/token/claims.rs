//! What the tokens say.

use core::time::Duration;

use jwt_compact::{Claims, TimeOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::confirmation::Confirmation;
use super::signing_key::Algorithm;
use crate::identity::account::Account;
use crate::scope::Scope;
use crate::secret;
use crate::time::Timestamp;

/// The access token's claims (RFC 9068 §2.2), besides `iat` and `exp`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccessClaims {
    /// The issuer.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// Where it is good (RFC 9068 §3: a default, if the request named no resource).
    pub aud: Audience,
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
    /// The authentication context class that was met, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The family it belongs to.
    pub sid: String,
    /// The key it is bound to.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
    /// What claim mapping adds.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The `aud` claim: one value as a string, several as an array (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Audience {
    /// Of some resources; the issuer's own if there is none.
    #[must_use]
    pub fn of(resources: &[String], issuer: &str) -> Self {
        match resources {
            [] => Self::One(issuer.to_owned()),
            [one] => Self::One(one.clone()),
            many => Self::Many(many.to_vec()),
        }
    }

    /// Whether `resource` is one of them.
    #[must_use]
    pub fn has(&self, resource: &str) -> bool {
        self.resources().iter().any(|one| one == resource)
    }

    /// All of them.
    #[must_use]
    pub fn resources(&self) -> &[String] {
        match self {
            Self::One(one) => core::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
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
    /// The authentication context class that was met, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The family it belongs to.
    pub sid: String,
    /// Binds it to the access token.
    pub at_hash: String,
    /// As the request had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// What the granted scopes say of the person, after claim mapping.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// What `/userinfo` answers (OpenID Connect Core §5.3.2).
#[derive(Clone, Debug, Serialize)]
pub struct Userinfo {
    /// The issuer; in a signed answer only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// The client; in a signed answer only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    /// Whom it is about.
    pub sub: String,
    /// What the granted scopes say of the person, after claim mapping.
    #[serde(flatten)]
    pub others: Map<String, Value>,
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

    /// The claims by name.
    #[must_use]
    pub fn claims(self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(claims)) => claims,
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))
            | Err(_) => Map::new(),
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

/// Adds `iat` alone.
///
/// `None` beyond the year 262000.
#[must_use]
pub fn issued<T>(claims: T, now: Timestamp) -> Option<Claims<T>> {
    let issued_at = chrono::DateTime::from_timestamp(i64::try_from(now.seconds()).ok()?, 0)?;
    let mut claims = Claims::new(claims);
    claims.issued_at = Some(issued_at);
    Some(claims)
}

/// The left half of the access token's hash, of the size that `alg`, which signs the ID token, uses (OpenID Connect
/// Core §3.1.3.6). Ed25519 uses SHA-512 inside (RFC 8032 §5.1).
#[must_use]
pub fn at_hash(access_token: &str, alg: Algorithm) -> String {
    let bytes = access_token.as_bytes();
    match alg {
        Algorithm::Es256 | Algorithm::Rs256 | Algorithm::Ps256 => left_half(&Sha256::digest(bytes)),
        Algorithm::Ps384 => left_half(&Sha384::digest(bytes)),
        Algorithm::Ps512 | Algorithm::EdDsa => left_half(&Sha512::digest(bytes)),
    }
}

fn left_half(hash: &[u8]) -> String {
    secret::encode(hash.split_at(hash.len() / 2).0)
}
