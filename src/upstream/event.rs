//! What a provider tells this server without being asked: that somebody has signed out, or that an account was disabled.
//!
//! Both come as signed JWTs, a [logout token](logout_token) or a [security event token](security_event). Parsing and
//! checking are pure. Between them, ring 2 verifies the signature with the provider's keys.

pub mod logout_token;
pub mod security_event;

use core::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::jwt::{Audience, Jwt, JwtFlaw, SKEW};
use crate::presence::is_present;
use crate::time::Timestamp;
use crate::token::numeric_date::NumericDate;
use crate::token::signing_key::Algorithm;

/// Longest `jti`, `sid` and subject, in bytes.
const LONGEST: usize = 255;

/// Why an event is refused. The provider hears the kind of flaw, the log its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventFlaw {
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
    /// `aud` is missing, or does not name this server alone.
    WrongAudience,
    /// `exp` is past, or `iat` is missing or too long ago.
    TooOld,
    /// `iat` is in the future.
    NotYet,
    /// `jti` is missing, empty or too long.
    Nameless,
    /// `events` is missing or lacks the event.
    NoEvent,
    /// A `nonce` is present, so this is an ID token (OpenID Connect Back-Channel Logout §2.4).
    Nonce,
    /// Neither a session nor a person is named.
    Nobody,
    /// The token was used before.
    Replayed,
}

impl EventFlaw {
    /// Returns what is wrong, in a sentence for the people who run the provider.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Malformed => {
                "the token is not a compact JWS with a JSON header and JSON claims of the right types"
            }
            Self::OtherAlgorithm => "alg is not the one that this server expects of the provider",
            Self::UnsuitableHeader => "the header has a crit, or a typ of another kind of token",
            Self::UnknownKey => "the provider publishes no key that may have signed the token",
            Self::WrongSignature => "the signature does not verify with the keys that the provider publishes",
            Self::WrongIssuer => "iss is not the issuer of the provider",
            Self::WrongAudience => "aud does not name this server, or not this server alone",
            Self::TooOld => "exp is past, or iat is missing or too long ago",
            Self::NotYet => "iat is in the future",
            Self::Nameless => "jti is missing, or not 1 to 255 bytes long",
            Self::NoEvent => "events lacks the event of this kind of token",
            Self::Nonce => "nonce must not be present",
            Self::Nobody => "the token names neither a session nor a person of this provider",
            Self::Replayed => "a token with this jti was received before",
        }
    }

    /// Returns the code of RFC 8935 §2.4.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownKey | Self::WrongSignature => "invalid_key",
            Self::WrongIssuer => "invalid_issuer",
            Self::WrongAudience => "invalid_audience",
            Self::Malformed
            | Self::OtherAlgorithm
            | Self::UnsuitableHeader
            | Self::TooOld
            | Self::NotYet
            | Self::Nameless
            | Self::NoEvent
            | Self::Nonce
            | Self::Nobody
            | Self::Replayed => "invalid_request",
        }
    }

    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "event_malformed",
            Self::OtherAlgorithm => "event_algorithm_other",
            Self::UnsuitableHeader => "event_header_unsuitable",
            Self::UnknownKey => "event_key_unknown",
            Self::WrongSignature => "event_signature_wrong",
            Self::WrongIssuer => "event_issuer_wrong",
            Self::WrongAudience => "event_audience_wrong",
            Self::TooOld => "event_too_old",
            Self::NotYet => "event_not_yet",
            Self::Nameless => "event_nameless",
            Self::NoEvent => "event_unknown",
            Self::Nonce => "event_with_nonce",
            Self::Nobody => "event_of_nobody",
            Self::Replayed => "event_replayed",
        }
    }
}

/// A parsed token whose signature is not verified and whose claims are not checked.
#[derive(Clone, Debug)]
pub struct EventToken {
    /// The token as text, which ring 2 verifies.
    pub jwt: Jwt,
    claims: Claims,
}

/// A token that is used up once it has been heeded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Once {
    /// The `jti`.
    pub name: String,
    /// The `iat`, by which the provider's events can be put in their order.
    pub made_at: Timestamp,
    /// The `iat`, as late as the clocks may differ. What began later does not end, so a replay can do no harm.
    pub made_by: Timestamp,
    /// Until when the token would be accepted again.
    pub until: Timestamp,
}

/// The people and sessions that an event is about, as the provider names them. At least one of the two is present.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Concerned {
    /// The session at the provider.
    pub sid: Option<String>,
    /// The `sub`.
    pub subject: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    nonce: bool,
    sub: Option<String>,
    sid: Option<String>,
    sub_id: Option<Value>,
    events: Option<Map<String, Value>>,
}

impl From<JwtFlaw> for EventFlaw {
    fn from(flaw: JwtFlaw) -> Self {
        match flaw {
            JwtFlaw::Malformed => Self::Malformed,
            JwtFlaw::OtherAlgorithm => Self::OtherAlgorithm,
            JwtFlaw::UnsuitableHeader => Self::UnsuitableHeader,
        }
    }
}

impl EventToken {
    /// Parses a token of a provider that signs with `alg`, whose `typ` is as [`Jwt::parse`] says.
    fn parse(text: &str, alg: Algorithm, is_type: impl Fn(Option<&str>) -> bool) -> Result<Self, EventFlaw> {
        let jwt = Jwt::parse(text.trim(), alg, is_type)?;
        let claims = jwt.claims()?;
        Ok(Self { jwt, claims })
    }

    /// Checks issuer, audience, dates and name. `longest` is how long a token without `exp` is accepted.
    fn check(
        &self,
        issuer: &str,
        audiences: &[&str],
        longest: Duration,
        now: Timestamp,
    ) -> Result<Once, EventFlaw> {
        let claims = &self.claims;
        if claims.iss.as_deref() != Some(issuer) {
            return Err(EventFlaw::WrongIssuer);
        }
        if !claims.aud.as_ref().is_some_and(|audience| audience.is_only(audiences)) {
            return Err(EventFlaw::WrongAudience);
        }
        let made_at = claims.iat.ok_or(EventFlaw::TooOld)?.0;
        if now + SKEW < made_at {
            return Err(EventFlaw::NotYet);
        }
        let until = claims.exp.map_or(made_at + longest, |end| end.0) + SKEW;
        // A far end would have to be remembered for as long, so no token is good longer than a day.
        let until = until.min(made_at + A_DAY + SKEW);
        if until <= now {
            return Err(EventFlaw::TooOld);
        }
        let is_name = |name: &&String| (1..=LONGEST).contains(&name.len());
        let name = claims.jti.as_ref().filter(is_name).ok_or(EventFlaw::Nameless)?;
        Ok(Once { name: name.clone(), made_at, made_by: (made_at + SKEW).min(now), until })
    }
}

/// How long any event is accepted, at most.
const A_DAY: Duration = Duration::from_secs(86_400);

/// Returns an identifier that can be compared: neither empty nor too long.
fn sound(text: Option<&str>) -> Option<String> {
    text.filter(|text| (1..=LONGEST).contains(&text.len())).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::secret::encode;

    /// Returns a token with an empty signature.
    pub(super) fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| encode(value.to_string().as_bytes());
        format!("{}.{}.AA", part(header), part(claims))
    }

    /// Returns the claims with some of them replaced; `null` removes one.
    pub(super) fn with(mut claims: Value, changes: &Value) -> Value {
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            }
        }
        claims
    }
}
