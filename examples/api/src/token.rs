//! Access tokens, and which of them this API accepts (RFC 9068 §4).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jws::{Algorithm, Jws, Malformed, PublicKey, Signed};

/// The `typ` of an access token (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";
/// How far the issuer's clock may be ahead of ours, in seconds.
const LEEWAY: u64 = 30;

/// Why an access token is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// It is not a JWS that this API accepts.
    Malformed(Malformed),
    /// It names no key, or none that the issuer has for its algorithm.
    UnknownKey,
    /// Its signature is not valid.
    Signature,
    /// A required claim is missing, or a claim is malformed (RFC 9068 §2.2).
    Claims,
    /// It comes from another issuer.
    Issuer,
    /// It is meant for another API.
    Audience,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is bound to something that this API cannot check, such as a client certificate.
    OtherBinding,
}

impl From<Malformed> for Reason {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// A parsed access token, not yet verified.
#[derive(Debug)]
pub struct Unverified<'a>(Jws<'a, Header>);

#[derive(Debug, Deserialize)]
struct Header {
    kid: Option<String>,
}

/// What this API requires of every token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The required `iss`.
    pub issuer: &'a str,
    /// A value that `aud` must contain.
    pub audience: &'a str,
    /// Seconds since 1970.
    pub now: u64,
}

/// An accepted access token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessToken {
    /// The account.
    pub sub: String,
    /// The client that the token was issued to.
    pub client_id: String,
    /// When the person signed in, in seconds since 1970.
    pub auth_time: Option<u64>,
    /// How the person signed in (RFC 9068 §2.2.1).
    pub acr: Option<String>,
    /// The thumbprint of the key that the token is bound to (RFC 9449 §6.1); `None` for a bearer token.
    pub jkt: Option<String>,
    scope: String,
}

impl AccessToken {
    /// Returns whether `scope` was granted.
    #[must_use]
    pub fn allows(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|granted| granted == scope)
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: u64,
    nbf: Option<u64>,
    #[serde(rename = "iat")]
    _iat: u64,
    #[serde(rename = "jti")]
    _jti: String,
    sub: String,
    client_id: String,
    #[serde(default)]
    scope: String,
    auth_time: Option<u64>,
    acr: Option<String>,
    cnf: Option<Confirmation>,
}

/// A string or an array (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// The claim `cnf` (RFC 7800 §3.1). A method that this API does not understand is not ignored: the token is
/// refused.
#[derive(Deserialize)]
struct Confirmation {
    jkt: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl<'a> Unverified<'a> {
    /// Parses a token.
    pub fn parse(text: &'a str) -> Result<Self, Reason> {
        Ok(Self(Jws::parse(text, TYPE)?))
    }

    /// Returns the name of its key. A token must name one, because the issuer may have several.
    pub fn kid(&self) -> Result<&str, Reason> {
        self.0.header.kid.as_deref().ok_or(Reason::UnknownKey)
    }

    /// Returns the algorithm in its header.
    #[must_use]
    pub const fn alg(&self) -> Algorithm {
        self.0.alg
    }

    /// Returns the signature to verify, if `key` suits the token's algorithm.
    pub fn signed_by<'k>(&'k self, key: &'k PublicKey) -> Result<Signed<'k>, Reason> {
        if key.suits(self.0.alg) { Ok(self.0.signed_by(key)) } else { Err(Reason::UnknownKey) }
    }

    /// Checks the claims of a token whose signature is verified.
    pub fn accept(&self, expected: Expected<'_>) -> Result<AccessToken, Reason> {
        let claims: Claims = self.0.claims().ok_or(Reason::Claims)?;
        if claims.iss != expected.issuer {
            return Err(Reason::Issuer);
        }
        if !claims.aud.has(expected.audience) {
            return Err(Reason::Audience);
        }
        if expected.now >= claims.exp {
            return Err(Reason::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf > expected.now.saturating_add(LEEWAY)) {
            return Err(Reason::NotYetValid);
        }
        Ok(AccessToken {
            jkt: claims.cnf.map(Confirmation::jkt).transpose()?,
            sub: claims.sub,
            client_id: claims.client_id,
            auth_time: claims.auth_time,
            acr: claims.acr,
            scope: claims.scope,
        })
    }
}

impl Audience {
    fn has(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

impl Confirmation {
    fn jkt(self) -> Result<String, Reason> {
        self.jkt.filter(|_| self.others.is_empty()).ok_or(Reason::OtherBinding)
    }
}
