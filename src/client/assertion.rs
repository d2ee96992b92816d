//! A JWT that a client signed to prove itself (RFC 7523 §2.2, §3; OpenID Connect Core §9).

use core::fmt;
use core::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::secret;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::jws::Compact;
use crate::token::signing_key::Algorithm;

/// The `client_assertion_type` (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead `exp` may be: RFC 7523 §3 lets a server bound it, and a `jti` is remembered so long.
pub const LONGEST_LIFE: Duration = Duration::from_secs(600);
/// How far the clocks may differ.
pub const SKEW: Duration = Duration::from_secs(30);
/// A `typ` that says what the token is for must say this (RFC 8725 §3.11), or no more than that it is a JWT.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// A compact JWS (RFC 7515 §3.1) whose claims are all there, and not yet believed.
#[derive(Clone, Eq, PartialEq)]
pub struct Assertion {
    /// How it was signed.
    pub alg: Algorithm,
    /// The key that it names.
    pub kid: Option<String>,
    /// The client: `iss` and `sub`.
    pub client_id: String,
    /// `None` if it is not one string.
    audience: Option<String>,
    expires_at: Timestamp,
    /// The later of `nbf` and `iat`.
    not_before: Option<Timestamp>,
    name: String,
    input: String,
    signature: Vec<u8>,
}

/// It could be used once more.
impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What is wrong with an assertion. The client is told none of it; the log is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// `client_assertion_type` is another.
    UnknownType,
    /// It is not a JWS with claims in it.
    Malformed,
    /// The algorithm is none of ours.
    UnknownAlgorithm,
    /// The header asks for something unknown, or the token is for something else.
    UnsuitableHeader,
    /// `iss` and `sub` are not both the client.
    WrongSubject,
    /// `aud` is not this server, or not one string.
    WrongAudience,
    /// `exp` is missing or past.
    Expired,
    /// `exp` is too far ahead.
    TooLong,
    /// `nbf` or `iat` is ahead.
    TooEarly,
    /// `jti` is missing.
    Nameless,
    /// None of the client's keys made the signature.
    WrongSignature,
    /// It was used before.
    Replayed,
}

impl Flaw {
    /// For the log.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownType => "assertion_type_unknown",
            Self::Malformed => "assertion_malformed",
            Self::UnknownAlgorithm => "assertion_algorithm_unknown",
            Self::UnsuitableHeader => "assertion_header_unsuitable",
            Self::WrongSubject => "assertion_subject_wrong",
            Self::WrongAudience => "assertion_audience_wrong",
            Self::Expired => "assertion_expired",
            Self::TooLong => "assertion_too_long",
            Self::TooEarly => "assertion_too_early",
            Self::Nameless => "assertion_nameless",
            Self::WrongSignature => "assertion_signature_wrong",
            Self::Replayed => "assertion_replayed",
        }
    }
}

/// Who got an assertion.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The URL that it was sent to; `None` where the issuer alone is taken for an audience.
    pub url: Option<&'a str>,
}

#[derive(Deserialize)]
struct Header {
    alg: Value,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: Option<String>,
}

/// Seconds, perhaps with a fraction (RFC 7519 §2), which is cut off.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct NumericDate(Timestamp);

impl TryFrom<f64> for NumericDate {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        const YEAR_10000: f64 = 253_402_300_800.0;
        if !(0.0..YEAR_10000).contains(&seconds) {
            return Err("not an instant");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within bounds")]
        let seconds = seconds as u64;
        Ok(Self(Timestamp::from_millis(seconds * 1_000)))
    }
}

impl Assertion {
    /// Takes an assertion apart.
    ///
    /// # Errors
    ///
    /// What does not depend on the time, the recipient and the key.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        let jws = Compact::parse(text).ok_or(Flaw::Malformed)?;
        let header: Header = serde_json::from_slice(&jws.header).map_err(|_| Flaw::Malformed)?;
        let claims: Claims = serde_json::from_slice(&jws.payload).map_err(|_| Flaw::Malformed)?;
        let client_id =
            claims.sub.filter(|sub| claims.iss.as_ref() == Some(sub)).ok_or(Flaw::WrongSubject)?;
        Ok(Self {
            alg: header.algorithm()?,
            kid: header.kid,
            client_id,
            audience: sole(claims.aud),
            expires_at: claims.exp.ok_or(Flaw::Expired)?.0,
            not_before: claims.nbf.into_iter().chain(claims.iat).map(|date| date.0).max(),
            name: claims.jti.filter(|jti| !jti.is_empty()).ok_or(Flaw::Nameless)?,
            input: jws.input.to_owned(),
            signature: jws.signature,
        })
    }

    /// Whether it is meant for this recipient, now.
    ///
    /// # Errors
    ///
    /// It is not.
    pub fn check(&self, recipient: Recipient<'_>, now: Timestamp) -> Result<(), Flaw> {
        let meant = |audience: &str| audience == recipient.issuer || Some(audience) == recipient.url;
        if !self.audience.as_deref().is_some_and(meant) {
            return Err(Flaw::WrongAudience);
        }
        if now >= self.until() {
            return Err(Flaw::Expired);
        }
        if self.expires_at > now + LONGEST_LIFE + SKEW {
            return Err(Flaw::TooLong);
        }
        if self.not_before.is_some_and(|instant| instant > now + SKEW) {
            return Err(Flaw::TooEarly);
        }
        Ok(())
    }

    /// What the signature is made over.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// A digest of the client and its own name for it: one use of it.
    #[must_use]
    pub fn once(&self) -> String {
        let pair = serde_json::json!([self.client_id, self.name]).to_string();
        secret::encode(Digest::of(pair.as_bytes()).bytes())
    }

    /// From then on it is good no more, whatever the clocks.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.expires_at + SKEW
    }
}

impl Header {
    fn algorithm(&self) -> Result<Algorithm, Flaw> {
        let typ = self.typ.as_ref().map(|typ| typ.to_ascii_lowercase());
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        // RFC 7515 §4.1.11: what is critical and not understood makes the JWS invalid.
        if self.crit.is_some() || typ.is_some_and(|typ| !TYPES.contains(&typ)) {
            return Err(Flaw::UnsuitableHeader);
        }
        self.alg.as_str().and_then(Algorithm::named).ok_or(Flaw::UnknownAlgorithm)
    }
}

/// An array could name another server beside this one, which could use the assertion here.
fn sole(audience: Option<Value>) -> Option<String> {
    audience?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ISSUER: &str = "https://login.example.com";
    const TOKEN: &str = "https://login.example.com/token";
    const NOW: Timestamp = Timestamp::from_millis(1_000_000_500);

    fn assertion(header: &Value, claims: &Value) -> Result<Assertion, Flaw> {
        let part = |value: &Value| secret::encode(value.to_string().as_bytes());
        Assertion::parse(&format!("{}.{}.AA", part(header), part(claims)))
    }

    fn claims(changes: &Value) -> Value {
        let mut claims =
            json!({ "iss": "c", "sub": "c", "aud": ISSUER, "exp": 1_000_060, "jti": "j", "iat": 1_000_000 });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn judged(changes: &Value) -> Result<(), Flaw> {
        let recipient = Recipient { issuer: ISSUER, url: Some(TOKEN) };
        assertion(&json!({ "alg": "ES256" }), &claims(changes))?.check(recipient, NOW)
    }

    #[test]
    fn s13_the_audience_is_the_issuer_or_the_url_that_got_it_and_nothing_else() {
        assert_eq!(judged(&json!({ "aud": ISSUER })), Ok(()));
        assert_eq!(judged(&json!({ "aud": TOKEN })), Ok(()));
        for aud in [
            json!([ISSUER]),
            json!([ISSUER, "https://other.example"]),
            json!([]),
            json!(null),
            json!(7),
            json!("https://login.example.com/"),
            json!("https://login.example.com/introspect"),
            json!("https://LOGIN.example.com"),
        ] {
            assert_eq!(judged(&json!({ "aud": aud })), Err(Flaw::WrongAudience), "{aud}");
        }
        let strict = Recipient { issuer: ISSUER, url: None };
        let to_url = assertion(&json!({ "alg": "ES256" }), &claims(&json!({ "aud": TOKEN }))).unwrap();
        assert_eq!(to_url.check(strict, NOW), Err(Flaw::WrongAudience));
    }

    #[test]
    fn an_assertion_is_good_for_ten_minutes_at_most_give_or_take_the_clocks() {
        for (changes, expected) in [
            (json!({ "exp": 999_971 }), Ok(())),
            (json!({ "exp": 999_970 }), Err(Flaw::Expired)),
            (json!({ "exp": 1_000_630 }), Ok(())),
            (json!({ "exp": 1_000_060.9 }), Ok(())),
            (json!({ "exp": 1_000_632 }), Err(Flaw::TooLong)),
            (json!({ "exp": null }), Err(Flaw::Expired)),
            (json!({ "exp": "1000060" }), Err(Flaw::Malformed)),
            (json!({ "exp": -1 }), Err(Flaw::Malformed)),
            (json!({ "exp": 1e300 }), Err(Flaw::Malformed)),
            (json!({ "nbf": 1_000_030 }), Ok(())),
            (json!({ "nbf": 1_000_031 }), Err(Flaw::TooEarly)),
            (json!({ "iat": 1_000_031 }), Err(Flaw::TooEarly)),
            (json!({ "iat": null }), Ok(())),
        ] {
            assert_eq!(judged(&changes), expected, "{changes}");
        }
    }

    #[test]
    fn it_names_its_client_twice_and_itself() {
        for (changes, expected) in [
            (json!({ "iss": "d" }), Err(Flaw::WrongSubject)),
            (json!({ "iss": null, "sub": null }), Err(Flaw::WrongSubject)),
            (json!({ "jti": null }), Err(Flaw::Nameless)),
            (json!({ "jti": "" }), Err(Flaw::Nameless)),
            (json!({ "jti": 7 }), Err(Flaw::Malformed)),
        ] {
            assert_eq!(judged(&changes), expected, "{changes}");
        }
    }

    #[test]
    fn its_header_is_for_this_and_by_an_algorithm_of_ours() {
        for alg in Algorithm::ALL {
            assert!(assertion(&json!({ "alg": alg }), &claims(&json!({}))).is_ok());
        }
        assert!(
            assertion(&json!({ "alg": "Ed25519" }), &claims(&json!({})))
                .is_ok_and(|a| a.alg == Algorithm::EdDsa)
        );
        for typ in ["JWT", "client-authentication+jwt", "application/client-authentication+jwt"] {
            assert!(assertion(&json!({ "alg": "ES256", "typ": typ }), &claims(&json!({}))).is_ok());
        }
        for (header, flaw) in [
            (json!({ "alg": "none" }), Flaw::UnknownAlgorithm),
            (json!({ "alg": "HS256" }), Flaw::UnknownAlgorithm),
            (json!({ "alg": 7 }), Flaw::UnknownAlgorithm),
            (json!({}), Flaw::Malformed),
            (json!({ "alg": "ES256", "typ": "at+jwt" }), Flaw::UnsuitableHeader),
            (json!({ "alg": "ES256", "typ": "dpop+jwt" }), Flaw::UnsuitableHeader),
            (json!({ "alg": "ES256", "crit": ["b64"], "b64": false }), Flaw::UnsuitableHeader),
        ] {
            assert_eq!(assertion(&header, &claims(&json!({}))), Err(flaw), "{header}");
        }
    }

    #[test]
    fn what_is_not_a_jws_is_refused() {
        let twice = secret::encode(br#"{"iss":"c","iss":"d","sub":"c"}"#);
        for text in ["", ".", "..", "a.b.c", "e30.e30.e30.e30", &format!("eyJhbGciOiJFUzI1NiJ9.{twice}.AA")] {
            assert_eq!(Assertion::parse(text), Err(Flaw::Malformed), "{text}");
        }
    }

    #[test]
    fn it_is_remembered_by_client_and_name_and_shows_itself_nowhere() {
        let once = |changes: Value| assertion(&json!({ "alg": "ES256" }), &claims(&changes)).unwrap().once();

        assert_eq!(once(json!({})), once(json!({ "exp": 1_000_099 })));
        assert_ne!(once(json!({})), once(json!({ "jti": "k" })));
        assert_ne!(once(json!({})), once(json!({ "iss": "d", "sub": "d" })));
        let shown = format!("{:?}", assertion(&json!({ "alg": "ES256" }), &claims(&json!({}))).unwrap());
        assert_eq!(shown, "Assertion { client_id: \"c\", .. }");
    }
}
