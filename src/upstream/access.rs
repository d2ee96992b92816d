//! What Cloudflare Access says about a person whose browser it let through: a JWT in the header `Cf-Access-Jwt-Assertion`.
//!
//! Parsing and checking are pure. Between them, ring 2 verifies the signature with the keys of the team.

use serde::Deserialize;
use serde_json::Value;

use super::jwt::{Audience, Jwt, JwtFlaw, SKEW};
use super::posture::Posture;
use super::profile::{LONGEST_NAME, Profile, address};
use crate::time::Timestamp;
use crate::token::numeric_date::NumericDate;
use crate::token::signing_key::Algorithm;
use crate::visible;

/// The only algorithm of Access.
pub const ALGORITHM: Algorithm = Algorithm::Rs256;
/// What people read on the button and in messages.
pub const NAME: &str = "Cloudflare Access";
/// The type of a token for an application; the others are for Access itself.
const FOR_APPLICATION: &str = "app";

/// An application of a team at Cloudflare Access, in front of this server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Application {
    /// The issuer: `https://<team>.cloudflareaccess.com`.
    pub issuer: String,
    /// The application's audience tag: 64 hexadecimal digits.
    pub audience: String,
    /// The checks by which a person's machine counts as managed; `None` if none does.
    pub posture: Option<Posture>,
}

/// A parsed assertion, whose signature is not verified and whose claims are not checked.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// The assertion as text, which ring 2 verifies.
    pub jwt: Jwt,
    claims: Claims,
}

/// Why an assertion is refused: logged, but not disclosed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccessFlaw {
    /// The request has no assertion, so it did not come through Access.
    Missing,
    /// The text is not a JWT with the claims of an assertion, or not signed with RS256.
    Malformed,
    /// The team has no key that may have signed the assertion.
    UnknownKey,
    /// The signature does not verify.
    WrongSignature,
    /// `iss` is another team.
    WrongIssuer,
    /// `aud` lacks this application.
    WrongAudience,
    /// `exp` is missing or past.
    Expired,
    /// `iat` or `nbf` is in the future.
    NotYet,
    /// The assertion is about a program (a service token), or for Access itself.
    Nobody,
}

#[derive(Clone, Debug, Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    #[serde(rename = "type")]
    kind: Option<String>,
    sub: Option<String>,
    name: Option<Value>,
    email: Option<Value>,
}

impl AccessFlaw {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "access_assertion_missing",
            Self::Malformed => "access_assertion_malformed",
            Self::UnknownKey => "access_key_unknown",
            Self::WrongSignature => "access_signature_wrong",
            Self::WrongIssuer => "access_issuer_wrong",
            Self::WrongAudience => "access_audience_wrong",
            Self::Expired => "access_assertion_expired",
            Self::NotYet => "access_assertion_not_yet",
            Self::Nobody => "access_assertion_of_nobody",
        }
    }
}

impl From<JwtFlaw> for AccessFlaw {
    fn from(flaw: JwtFlaw) -> Self {
        match flaw {
            JwtFlaw::Malformed | JwtFlaw::OtherAlgorithm | JwtFlaw::UnsuitableHeader => Self::Malformed,
        }
    }
}

impl Application {
    /// Returns where the team's keys are.
    #[must_use]
    pub fn keys_uri(&self) -> String {
        format!("{}/cdn-cgi/access/certs", self.issuer)
    }

    /// Returns where the team says more about the person of an assertion.
    #[must_use]
    pub fn identity_uri(&self) -> String {
        format!("{}/cdn-cgi/access/get-identity", self.issuer)
    }
}

impl Assertion {
    /// Parses an assertion.
    ///
    /// # Errors
    ///
    /// [`AccessFlaw::Malformed`].
    pub fn parse(text: &str) -> Result<Self, AccessFlaw> {
        let jwt = Jwt::parse(text, ALGORITHM, |typ| typ.is_none_or(|typ| typ == "jwt"))?;
        let claims = jwt.claims()?;
        Ok(Self { jwt, claims })
    }

    /// Checks the claims. The signature has been verified before.
    ///
    /// # Errors
    ///
    /// The first flaw.
    pub fn check(self, application: &Application, now: Timestamp) -> Result<Profile, AccessFlaw> {
        let claims = self.claims;
        if claims.iss.as_ref() != Some(&application.issuer) {
            return Err(AccessFlaw::WrongIssuer);
        }
        if !claims.aud.as_ref().is_some_and(|audience| audience.all().contains(&application.audience)) {
            return Err(AccessFlaw::WrongAudience);
        }
        if claims.exp.is_none_or(|end| end.0 + SKEW <= now) {
            return Err(AccessFlaw::Expired);
        }
        if ![claims.iat, claims.nbf].into_iter().flatten().all(|date| date.0 <= now + SKEW) {
            return Err(AccessFlaw::NotYet);
        }
        claims.profile().ok_or(AccessFlaw::Nobody)
    }
}

impl Claims {
    /// Returns the person, unless the assertion is about none. A program's `sub` is empty.
    fn profile(self) -> Option<Profile> {
        let is_for_application = self.kind.as_deref() == Some(FOR_APPLICATION);
        let subject = self.sub.filter(|sub| is_for_application && !sub.is_empty())?;
        let email = self.email.as_ref().and_then(address);
        let username = email.clone().unwrap_or_else(|| subject.clone());
        let name = self.name.as_ref().and_then(Value::as_str);
        let name = name.and_then(|name| visible::cleaned(name, LONGEST_NAME));
        Some(Profile {
            subject,
            name: name.unwrap_or_else(|| username.clone()),
            username,
            // Access signs people in by this address.
            email_verified: email.is_some(),
            email,
            groups: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::encode;

    const NOW: Timestamp = Timestamp::from_millis(1_795_262_400_000);

    fn application() -> Application {
        Application {
            issuer: "https://corp.cloudflareaccess.com".to_owned(),
            audience: "a".repeat(64),
            posture: None,
        }
    }

    /// Checks an assertion with other claims; `null` removes one.
    fn judge(header: &Value, changes: &Value, later: u64) -> Result<Profile, AccessFlaw> {
        let mut claims = json!({
            "iss": "https://corp.cloudflareaccess.com", "aud": ["a".repeat(64)], "type": "app", "sub": "7c1d",
            "email": "alice@corp.example", "iat": NOW.seconds(), "nbf": NOW.seconds(), "exp": NOW.seconds() + 60,
            "identity_nonce": "n", "country": "US"
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            }
        }
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let assertion = Assertion::parse(&format!("{}.{}.AA", part(header), part(&claims)))?;
        assertion.check(&application(), NOW + core::time::Duration::from_secs(later))
    }

    fn claims(changes: &Value) -> Result<Profile, AccessFlaw> {
        judge(&json!({ "alg": "RS256", "kid": "k", "typ": "JWT" }), changes, 0)
    }

    #[test]
    fn an_assertion_says_who_the_person_is() {
        let alice = claims(&json!({})).unwrap();
        assert_eq!((alice.subject.as_str(), alice.username.as_str()), ("7c1d", "alice@corp.example"));
        assert_eq!((alice.email.as_deref(), alice.email_verified), (Some("alice@corp.example"), true));
        assert_eq!(claims(&json!({ "name": "Alice" })).unwrap().name, "Alice");
        let nameless = claims(&json!({ "email": null })).unwrap();
        assert_eq!(
            (nameless.username.as_str(), nameless.email, nameless.email_verified),
            ("7c1d", None, false)
        );
        assert!(claims(&json!({ "aud": ["b".repeat(64), "a".repeat(64)] })).is_ok());
    }

    #[test]
    fn an_assertion_of_another_team_application_or_kind_is_refused() {
        for (changes, flaw) in [
            (json!({ "iss": null }), AccessFlaw::WrongIssuer),
            (json!({ "iss": "https://corp.cloudflareaccess.com/" }), AccessFlaw::WrongIssuer),
            (json!({ "iss": "https://other.cloudflareaccess.com" }), AccessFlaw::WrongIssuer),
            (json!({ "aud": null }), AccessFlaw::WrongAudience),
            (json!({ "aud": ["b".repeat(64)] }), AccessFlaw::WrongAudience),
            (json!({ "exp": null }), AccessFlaw::Expired),
            (json!({ "iat": NOW.seconds() + 61 }), AccessFlaw::NotYet),
            (json!({ "nbf": NOW.seconds() + 61 }), AccessFlaw::NotYet),
            (json!({ "type": "org" }), AccessFlaw::Nobody),
            (json!({ "type": null }), AccessFlaw::Nobody),
            (json!({ "sub": "", "common_name": "robot.access" }), AccessFlaw::Nobody),
            (json!({ "sub": null }), AccessFlaw::Nobody),
            (json!({ "sub": 7 }), AccessFlaw::Malformed),
        ] {
            assert_eq!(claims(&changes), Err(flaw), "{changes}");
        }
    }

    #[test]
    fn only_rs256_counts_and_a_minute_of_difference_between_clocks() {
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "ES256" }),
            json!({ "alg": "RS256", "typ": "logout+jwt" }),
            json!({ "alg": "RS256", "crit": ["x"] }),
        ] {
            assert_eq!(judge(&header, &json!({}), 0), Err(AccessFlaw::Malformed), "{header}");
        }
        let header = json!({ "alg": "RS256" });
        assert!(judge(&header, &json!({}), 119).is_ok());
        assert_eq!(judge(&header, &json!({}), 120), Err(AccessFlaw::Expired));
    }
}
