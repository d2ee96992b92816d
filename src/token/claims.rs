//! The claims of access tokens, ID tokens and `/userinfo`.

use core::fmt;
use core::time::Duration;

use jwt_compact::{Claims, TimeOptions};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::confirmation::Confirmation;
use super::resource::is_same;
use super::signing_key::Algorithm;
use crate::identity::account::Account;
use crate::scope::Scope;
use crate::secret;
use crate::time::Timestamp;

/// The claims of an access token (RFC 9068 §2.2) except `iat` and `exp`.
#[expect(missing_docs, reason = "the fields are named after the claims of RFC 9068 §2.2")]
#[derive(Clone, Debug, Serialize)]
pub struct AccessClaims {
    pub iss: String,
    pub sub: String,
    /// The resources that the token is for; a default if the request named none (RFC 9068 §3).
    pub aud: Audience,
    pub client_id: String,
    pub jti: String,
    pub scope: Scope,
    /// When the person signed in, in seconds since 1970.
    pub auth_time: u64,
    pub amr: Vec<String>,
    /// The requested authentication context class that the sign-in met; `None` if it met none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The family that the token belongs to.
    pub sid: String,
    /// The keys that the token is bound to; empty for a bearer token.
    #[serde(skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
    /// Claims added by claim mapping.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The `aud` claim: one value as a string, several as an array (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Audience {
    /// Serialized as a string.
    One(String),
    /// Serialized as an array.
    Many(Vec<String>),
}

/// Reads either without the copy that serde derives for untagged enums.
impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Audience;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of texts")
    }

    fn visit_str<E>(self, one: &str) -> Result<Audience, E> {
        Ok(Audience::One(one.to_owned()))
    }

    fn visit_string<E>(self, one: String) -> Result<Audience, E> {
        Ok(Audience::One(one))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Audience, A::Error> {
        let mut many = Vec::new();
        while let Some(one) = texts.next_element()? {
            many.push(one);
        }
        Ok(Audience::Many(many))
    }
}

impl Audience {
    /// Returns the audience of `resources`, or of the issuer if there are none.
    #[must_use]
    pub fn of(resources: &[String], issuer: &str) -> Self {
        match resources {
            [] => Self::One(issuer.to_owned()),
            [one] => Self::One(one.clone()),
            many => Self::Many(many.to_vec()),
        }
    }

    /// Returns whether `resource` is in the audience; a slash at its end does not count.
    #[must_use]
    pub fn has(&self, resource: &str) -> bool {
        self.resources().iter().any(|one| is_same(one, resource))
    }

    /// Returns all resources of the audience.
    #[must_use]
    pub fn resources(&self) -> &[String] {
        match self {
            Self::One(one) => core::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// The claims of an ID token (OpenID Connect Core §2, §3.1.3.6, §5.4) except `iat` and `exp`.
#[expect(missing_docs, reason = "the fields are named after the claims of OpenID Connect Core")]
#[derive(Clone, Debug, Serialize)]
pub struct IdClaims {
    pub iss: String,
    pub sub: String,
    /// The client's identifier.
    pub aud: String,
    /// When the person signed in, in seconds since 1970.
    pub auth_time: u64,
    pub amr: Vec<String>,
    /// The requested authentication context class that the sign-in met; `None` if it met none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The family that the token belongs to.
    pub sid: String,
    /// Binds the ID token to the access token issued with it: see [`at_hash`].
    pub at_hash: String,
    /// Copied from the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The claims of the granted scopes, after claim mapping.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The response of `/userinfo` (OpenID Connect Core §5.3.2).
#[expect(missing_docs, reason = "the fields are named after the claims of OpenID Connect Core")]
#[derive(Clone, Debug, Serialize)]
pub struct Userinfo {
    /// Only in a signed response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// The client's identifier; only in a signed response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    pub sub: String,
    /// The claims of the granted scopes, after claim mapping.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The claims that the scopes `profile` and `email` request (OpenID Connect Core §5.4).
#[expect(missing_docs, reason = "the fields are named after the claims of OpenID Connect Core")]
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Person {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

impl Person {
    /// Returns the claims of `account` that `scope` discloses.
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

    /// Returns the claims by name.
    #[must_use]
    pub fn claims(self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(claims)) => claims,
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))
            | Err(_) => Map::new(),
        }
    }
}

/// Adds `iat` and `exp`; `None` beyond the year 262000.
#[must_use]
pub fn dated<T>(claims: T, now: Timestamp, lifetime: Duration) -> Option<Claims<T>> {
    let issued_at = chrono::DateTime::from_timestamp(i64::try_from(now.seconds()).ok()?, 0)?;
    let lifetime = chrono::Duration::from_std(lifetime).ok()?;
    let options = TimeOptions::new(chrono::Duration::zero(), || issued_at);
    Some(Claims::new(claims).set_duration_and_issuance(&options, lifetime))
}

/// Adds `iat` only; `None` beyond the year 262000.
#[must_use]
pub fn issued<T>(claims: T, now: Timestamp) -> Option<Claims<T>> {
    let issued_at = chrono::DateTime::from_timestamp(i64::try_from(now.seconds()).ok()?, 0)?;
    let mut claims = Claims::new(claims);
    claims.issued_at = Some(issued_at);
    Some(claims)
}

/// Returns the left half of the access token's hash, base64url. `alg`, which signs the ID token, determines
/// the hash function (OpenID Connect Core §3.1.3.6); Ed25519 uses SHA-512 internally (RFC 8032 §5.1).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_hash_is_the_left_half_of_the_hash_of_the_algorithm() {
        let of = |alg| at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", alg);

        assert_eq!(of(Algorithm::Rs256), "77QmUPtjPfzWtF2AnpK9RQ", "OpenID Connect Core, appendix A.3");
        assert_eq!(of(Algorithm::EdDsa), "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM");
    }
}
