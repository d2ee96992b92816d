//! Client assertions: JWTs that clients sign to authenticate (RFC 7523 §2.2, §3; OpenID Connect Core §9).

use core::fmt;
use core::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::json;
use crate::presence::is_present;
use crate::secret;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::jws::Compact;
use crate::token::numeric_date::NumericDate;
use crate::token::signing_key::Algorithm;

/// The only supported `client_assertion_type` (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longest accepted time until `exp`. RFC 7523 §3 lets a server limit it. A short limit bounds how long each
/// `jti` is remembered.
pub const LONGEST_LIFE: Duration = Duration::from_secs(600);
/// Tolerated difference between the client's clock and the server's.
pub const SKEW: Duration = Duration::from_secs(30);
/// Accepted values of `typ`, which is optional: any JWT, or explicitly a client assertion (RFC 8725 §3.11).
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// A parsed compact JWS (RFC 7515 §3.1) that has every required claim, but whose signature is not verified.
#[derive(Clone, Eq, PartialEq)]
pub struct Assertion {
    /// From the header.
    pub alg: Algorithm,
    /// From the header; `None` if any of the client's keys may have signed.
    pub kid: Option<String>,
    /// Both `iss` and `sub`.
    pub client_id: String,
    /// `None` unless `aud` is a single string.
    audience: Option<String>,
    expires_at: Timestamp,
    /// The later of `nbf` and `iat`.
    not_before: Option<Timestamp>,
    /// The `jti`.
    name: String,
    input: String,
    signature: Vec<u8>,
}

/// Shows only the client, because a logged assertion could be replayed.
impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Why an assertion is refused: logged, but not disclosed to the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// `client_assertion_type` is not [`JWT_BEARER`].
    UnknownType,
    /// The text is not a compact JWS with a JSON header and JSON claims.
    Malformed,
    /// `alg` is not supported.
    UnknownAlgorithm,
    /// The header has a `crit`, or a `typ` of another kind of token.
    UnsuitableHeader,
    /// `iss` or `sub` is missing, or they differ.
    WrongSubject,
    /// `aud` does not name this server, or is not a single string.
    WrongAudience,
    /// `exp` is missing or past.
    Expired,
    /// `exp` is further ahead than [`LONGEST_LIFE`] and [`SKEW`] allow.
    TooLong,
    /// `nbf` or `iat` is further ahead than [`SKEW`] allows.
    TooEarly,
    /// `jti` is missing or empty.
    Nameless,
    /// The signature does not verify with any of the client's keys.
    WrongSignature,
    /// The assertion was used before.
    Replayed,
}

impl Flaw {
    /// Returns the reason as the log states it.
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

/// The values that are accepted as the `aud` of an assertion.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// This server's issuer identifier.
    pub issuer: &'a str,
    /// URL of the request that carries the assertion; `None` if only the issuer is accepted.
    pub url: Option<&'a str>,
}

#[derive(Deserialize)]
struct Header {
    alg: Value,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
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

impl Assertion {
    /// Parses an assertion.
    ///
    /// # Errors
    ///
    /// A flaw that does not depend on the time, the recipient or the key.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        let jws = Compact::parse(text).ok_or(Flaw::Malformed)?;
        let header: Header = json::read_bytes(&jws.header).map_err(|_| Flaw::Malformed)?;
        let claims: Claims = json::read_bytes(&jws.payload).map_err(|_| Flaw::Malformed)?;
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

    /// Checks that the assertion is meant for `recipient` and valid at `now`.
    ///
    /// # Errors
    ///
    /// [`Flaw::WrongAudience`], [`Flaw::Expired`], [`Flaw::TooLong`] or [`Flaw::TooEarly`].
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

    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// Returns the decoded signature, which is not verified.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Returns the name under which a use is remembered: a digest of client and `jti`, base64url.
    #[must_use]
    pub fn once(&self) -> String {
        let pair = serde_json::json!([self.client_id, self.name]).to_string();
        secret::encode(Digest::of(pair.as_bytes()).bytes())
    }

    /// Returns when the assertion expires, including the tolerated [`SKEW`].
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.expires_at + SKEW
    }
}

impl Header {
    fn algorithm(&self) -> Result<Algorithm, Flaw> {
        let typ = self.typ.as_ref().map(|typ| typ.to_ascii_lowercase());
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        // RFC 7515 §4.1.11: a critical extension that is not understood makes the JWS invalid.
        if self.crit || typ.is_some_and(|typ| !TYPES.contains(&typ)) {
            return Err(Flaw::UnsuitableHeader);
        }
        self.alg.as_str().and_then(Algorithm::named).ok_or(Flaw::UnknownAlgorithm)
    }
}

/// Refuses an array: if it named a second server, that server could replay the assertion here.
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
    fn s13_the_audience_is_the_issuer_or_the_receiving_url_and_nothing_else() {
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
    fn an_assertion_is_valid_for_at_most_ten_minutes_plus_clock_skew() {
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
    fn the_last_second_of_each_limit_is_allowed() {
        let now = Timestamp::from_millis(1_000_000_000);
        let recipient = Recipient { issuer: ISSUER, url: Some(TOKEN) };
        for changes in [json!({ "exp": 1_000_630 }), json!({ "nbf": 1_000_030 })] {
            let assertion = assertion(&json!({ "alg": "ES256" }), &claims(&changes)).unwrap();
            assert_eq!(assertion.check(recipient, now), Ok(()), "{changes}");
        }
    }

    #[test]
    fn an_assertion_needs_equal_iss_and_sub_and_a_jti() {
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
    fn an_assertion_header_needs_a_supported_alg_and_no_foreign_typ() {
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
    fn malformed_text_is_refused() {
        let twice = secret::encode(br#"{"iss":"c","iss":"d","sub":"c"}"#);
        for text in ["", ".", "..", "a.b.c", "e30.e30.e30.e30", &format!("eyJhbGciOiJFUzI1NiJ9.{twice}.AA")] {
            assert_eq!(Assertion::parse(text), Err(Flaw::Malformed), "{text}");
        }
    }

    #[test]
    fn a_use_is_named_after_client_and_jti_and_debug_shows_only_the_client() {
        let once = |changes: Value| assertion(&json!({ "alg": "ES256" }), &claims(&changes)).unwrap().once();

        assert_eq!(once(json!({})), once(json!({ "exp": 1_000_099 })));
        assert_ne!(once(json!({})), once(json!({ "jti": "k" })));
        assert_ne!(once(json!({})), once(json!({ "iss": "d", "sub": "d" })));
        let shown = format!("{:?}", assertion(&json!({ "alg": "ES256" }), &claims(&json!({}))).unwrap());
        assert_eq!(shown, "Assertion { client_id: \"c\", .. }");
    }
}
