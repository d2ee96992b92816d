//! ID tokens of providers (OpenID Connect Core §2, §3.1.3.7).
//!
//! Parsing and checking are pure. Between them, ring 2 verifies the signature with the provider's keys.

use core::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::jwt::{Audience, Jwt, JwtFlaw, SKEW};
use crate::derived_keys::same;
use crate::time::Timestamp;
use crate::token::claims::at_hash;
use crate::token::numeric_date::NumericDate;
use crate::token::signing_key::Algorithm;

/// Longest `sub`, in bytes (OpenID Connect Core §2).
pub const LONGEST_SUBJECT: usize = 255;
/// Longest `acr`, `sid` and method in `amr`, in bytes.
const LONGEST_TEXT: usize = 255;
/// Most methods in `amr`.
const MOST_METHODS: usize = 16;

/// A parsed ID token, whose signature is not verified and whose claims are not checked.
#[derive(Clone, Debug)]
pub struct IdToken {
    /// The token as text, which ring 2 verifies.
    pub jwt: Jwt,
    claims: Claims,
    all: Value,
}

/// Why an ID token is refused: logged, but not disclosed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IdTokenFlaw {
    /// The text is not a compact JWS with a JSON header and JSON claims, or a claim has the wrong type.
    Malformed,
    /// `alg` is not the provider's algorithm. So `none` and HMAC are refused, too.
    OtherAlgorithm,
    /// The header has a `crit`, or a `typ` of another kind of token.
    UnsuitableHeader,
    /// The provider has no key that may have signed the token.
    UnknownKey,
    /// The signature does not verify.
    WrongSignature,
    /// `iss` is missing or not the provider's.
    WrongIssuer,
    /// `sub` is missing, empty or too long.
    WrongSubject,
    /// `aud` is missing, does not name this server, or names others too.
    WrongAudience,
    /// `azp` is not this server.
    WrongParty,
    /// `exp` is missing or past.
    Expired,
    /// `iat` is missing, or it, `nbf` or `auth_time` is in the future.
    NotYet,
    /// `nonce` is missing or not the one that was sent.
    WrongNonce,
    /// `at_hash` does not belong to the access token.
    WrongAccessToken,
    /// `max_age` was sent, and `auth_time` is missing or too long ago.
    TooOld,
}

impl IdTokenFlaw {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "id_token_malformed",
            Self::OtherAlgorithm => "id_token_algorithm_other",
            Self::UnsuitableHeader => "id_token_header_unsuitable",
            Self::UnknownKey => "id_token_key_unknown",
            Self::WrongSignature => "id_token_signature_wrong",
            Self::WrongIssuer => "id_token_issuer_wrong",
            Self::WrongSubject => "id_token_subject_wrong",
            Self::WrongAudience => "id_token_audience_wrong",
            Self::WrongParty => "id_token_party_wrong",
            Self::Expired => "id_token_expired",
            Self::NotYet => "id_token_not_yet",
            Self::WrongNonce => "id_token_nonce_wrong",
            Self::WrongAccessToken => "id_token_access_token_wrong",
            Self::TooOld => "id_token_auth_time_old",
        }
    }
}

/// What an ID token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider's issuer.
    pub issuer: &'a str,
    /// This server, at the provider.
    pub client_id: &'a str,
    /// The one that was sent.
    pub nonce: &'a str,
    /// The access token that came with the ID token.
    pub access_token: &'a str,
    /// The provider's algorithm.
    pub alg: Algorithm,
    /// The one that was sent, if one was.
    pub max_age: Option<u64>,
    /// When the person was sent to the provider.
    pub asked_at: Timestamp,
}

/// What a good ID token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Authenticated {
    /// The `sub`.
    pub subject: String,
    /// When the person authenticated at the provider; the year 1970 if it does not say, so that it never counts as recent.
    pub auth_time: Timestamp,
    /// The methods, as the provider names them (RFC 8176).
    pub amr: Vec<String>,
    /// The authentication context class, as the provider names it.
    pub acr: Option<String>,
    /// The session at the provider.
    pub sid: Option<String>,
    /// All claims.
    pub claims: Value,
}

#[derive(Clone, Debug, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    azp: Option<String>,
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    nonce: Option<String>,
    at_hash: Option<String>,
    auth_time: Option<NumericDate>,
    acr: Option<String>,
    amr: Option<Vec<String>>,
    sid: Option<String>,
}

impl From<JwtFlaw> for IdTokenFlaw {
    fn from(flaw: JwtFlaw) -> Self {
        match flaw {
            JwtFlaw::Malformed => Self::Malformed,
            JwtFlaw::OtherAlgorithm => Self::OtherAlgorithm,
            JwtFlaw::UnsuitableHeader => Self::UnsuitableHeader,
        }
    }
}

impl IdToken {
    /// Parses an ID token of a provider that signs with `alg`.
    ///
    /// # Errors
    ///
    /// [`IdTokenFlaw::Malformed`], [`IdTokenFlaw::OtherAlgorithm`] or [`IdTokenFlaw::UnsuitableHeader`].
    pub fn parse(text: &str, alg: Algorithm) -> Result<Self, IdTokenFlaw> {
        let jwt = Jwt::parse(text, alg, |typ| typ.is_none_or(|typ| typ == "jwt"))?;
        let (claims, all) = (jwt.claims()?, jwt.claims()?);
        Ok(Self { jwt, claims, all })
    }

    /// Checks the claims, in the order of OpenID Connect Core §3.1.3.7. The signature has been verified before.
    ///
    /// # Errors
    ///
    /// The first flaw.
    pub fn check(self, expected: &Expected<'_>, now: Timestamp) -> Result<Authenticated, IdTokenFlaw> {
        let claims = &self.claims;
        if claims.iss.as_deref() != Some(expected.issuer) {
            return Err(IdTokenFlaw::WrongIssuer);
        }
        if !claims.aud.as_ref().is_some_and(|audience| audience.is_only(&[expected.client_id])) {
            return Err(IdTokenFlaw::WrongAudience);
        }
        if claims.azp.as_ref().is_some_and(|party| party != expected.client_id) {
            return Err(IdTokenFlaw::WrongParty);
        }
        claims.check_times(now)?;
        if !claims.nonce.as_ref().is_some_and(|nonce| same(nonce.as_bytes(), expected.nonce.as_bytes())) {
            return Err(IdTokenFlaw::WrongNonce);
        }
        let at_hash = at_hash(expected.access_token, expected.alg);
        if claims.at_hash.as_ref().is_some_and(|own| *own != at_hash) {
            return Err(IdTokenFlaw::WrongAccessToken);
        }
        let auth_time = claims.authenticated_at(expected, now)?;
        self.authenticated(auth_time)
    }

    fn authenticated(self, auth_time: Timestamp) -> Result<Authenticated, IdTokenFlaw> {
        let Self { claims, all, .. } = self;
        let is_subject = |sub: &String| (1..=LONGEST_SUBJECT).contains(&sub.len());
        let is_short = |text: &String| text.len() <= LONGEST_TEXT;
        Ok(Authenticated {
            subject: claims.sub.filter(is_subject).ok_or(IdTokenFlaw::WrongSubject)?,
            auth_time,
            amr: claims.amr.unwrap_or_default().into_iter().filter(is_short).take(MOST_METHODS).collect(),
            acr: claims.acr.filter(is_short),
            sid: claims.sid.filter(is_short),
            claims: all,
        })
    }
}

impl Claims {
    fn check_times(&self, now: Timestamp) -> Result<(), IdTokenFlaw> {
        if self.exp.is_none_or(|end| end.0 + SKEW <= now) {
            return Err(IdTokenFlaw::Expired);
        }
        let is_past = |date: NumericDate| date.0 <= now + SKEW;
        if !self.iat.is_some_and(is_past) || ![self.nbf, self.auth_time].into_iter().flatten().all(is_past) {
            return Err(IdTokenFlaw::NotYet);
        }
        Ok(())
    }

    /// Returns when the person authenticated. With a `max_age`, that was after the request or at most `max_age` ago; the
    /// tolerated [`SKEW`] then counts for the provider, so that the device's `max_age` is met here as well as there.
    fn authenticated_at(&self, expected: &Expected<'_>, now: Timestamp) -> Result<Timestamp, IdTokenFlaw> {
        let at = self.auth_time.map(|date| date.0.min(now)).unwrap_or_default();
        let Some(max_age) = expected.max_age.map(Duration::from_secs) else { return Ok(at) };
        if expected.asked_at <= at + SKEW {
            Ok(at.max(expected.asked_at))
        } else if now.since(at) <= max_age + SKEW {
            Ok(at.max(now.before(max_age)))
        } else {
            Err(IdTokenFlaw::TooOld)
        }
    }
}

#[cfg(test)]
mod tests;
