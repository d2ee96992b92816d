//! Access tokens: which of them count here (RFC 9068 §4).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jws::{Algorithm, Jws, Malformed, PublicKey, Signed};

/// RFC 9068 §2.1.
const TYPE: &str = "at+jwt";
/// How far the issuer's clock may be ahead of ours, in seconds.
const LEEWAY: u64 = 30;

/// Why an access token does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Something is wrong with it as a JWS.
    Malformed(Malformed),
    /// Its key is none of the issuer's.
    UnknownKey,
    /// The signature does not hold.
    Signature,
    /// A claim that it must have is missing, or cannot be read (RFC 9068 §2.2).
    Claims,
    /// It is another issuer's.
    Issuer,
    /// It is meant for another API.
    Audience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is bound to something that this API cannot check, as a client certificate.
    OtherBinding,
}

impl From<Malformed> for Reason {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// An access token, taken apart and not yet believed.
#[derive(Debug)]
pub struct Unverified<'a>(Jws<'a, Header>);

#[derive(Debug, Deserialize)]
struct Header {
    kid: Option<String>,
}

/// What this API asks of every token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who must have issued it.
    pub issuer: &'a str,
    /// Whom it must be meant for.
    pub audience: &'a str,
    /// The time, in seconds.
    pub now: u64,
}

/// An access token that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessToken {
    /// Whom it is about.
    pub sub: String,
    /// Who got it.
    pub client_id: String,
    /// When the person signed in, in seconds.
    pub auth_time: Option<u64>,
    /// How they did (RFC 9068 §2.2.1).
    pub acr: Option<String>,
    /// The thumbprint of the key that a caller must show to hold (RFC 9449 §6.1); without it, the token is enough.
    pub jkt: Option<String>,
    scope: String,
}

impl AccessToken {
    /// Whether `scope` was granted.
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

/// One, or several (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// RFC 7800 §3.1. A method that is not understood is not left out.
#[derive(Deserialize)]
struct Confirmation {
    jkt: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    pub fn parse(text: &'a str) -> Result<Self, Reason> {
        Ok(Self(Jws::parse(text, TYPE)?))
    }

    /// The key it names. Without a name there is no choosing among the issuer's keys.
    pub fn kid(&self) -> Result<&str, Reason> {
        self.0.header.kid.as_deref().ok_or(Reason::UnknownKey)
    }

    /// What it says it is signed with.
    #[must_use]
    pub const fn alg(&self) -> Algorithm {
        self.0.alg
    }

    /// What remains to be verified, if `key` suits what the token says of itself.
    pub fn signed_by<'k>(&'k self, key: &'k PublicKey) -> Result<Signed<'k>, Reason> {
        if key.suits(self.0.alg) { Ok(self.0.signed_by(key)) } else { Err(Reason::UnknownKey) }
    }

    /// What it says, once its signature held.
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
