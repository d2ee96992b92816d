//! Logout tokens (OpenID Connect Back-Channel Logout §2.4, §2.6).

use core::time::Duration;

use serde_json::Value;

use super::{Concerned, EventFlaw, EventToken, Once, sound};
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;

/// The member of `events` that makes a JWT a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long after its `iat` a token without `exp` is accepted.
const WITHOUT_END: Duration = Duration::from_secs(300);

/// Parses a logout token of a provider that signs with `alg`. `typ` is `logout+jwt`, `JWT` or absent.
///
/// # Errors
///
/// [`EventFlaw::Malformed`], [`EventFlaw::OtherAlgorithm`] or [`EventFlaw::UnsuitableHeader`].
pub fn parse(text: &str, alg: Algorithm) -> Result<EventToken, EventFlaw> {
    EventToken::parse(text, alg, |typ| typ.is_none_or(|typ| typ == "logout+jwt" || typ == "jwt"))
}

/// Checks the claims of a logout token. The signature has been verified before. Returns what ends, and the name that
/// must not have been used.
///
/// # Errors
///
/// The first flaw.
pub fn check(
    token: &EventToken,
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<(Concerned, Once), EventFlaw> {
    let once = token.check(issuer, &[client_id], WITHOUT_END, now)?;
    let claims = &token.claims;
    if !claims.events.as_ref().is_some_and(|events| events.get(EVENT).is_some_and(Value::is_object)) {
        return Err(EventFlaw::NoEvent);
    }
    if claims.nonce {
        return Err(EventFlaw::Nonce);
    }
    let concerned = Concerned { sid: sound(claims.sid.as_deref()), subject: sound(claims.sub.as_deref()) };
    if concerned.sid.is_none() && concerned.subject.is_none() {
        return Err(EventFlaw::Nobody);
    }
    Ok((concerned, once))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{token, with};
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_262_400_000);

    fn claims() -> Value {
        json!({
            "iss": "https://id.example", "aud": "rp", "iat": NOW.seconds(), "exp": NOW.seconds() + 120, "jti": "a",
            "events": { EVENT: {} }, "sid": "s", "sub": "1"
        })
    }

    fn judge(changes: &Value, later: u64) -> Result<(Concerned, Once), EventFlaw> {
        let text = token(&json!({ "alg": "RS256", "typ": "logout+jwt" }), &with(claims(), changes));
        let token = parse(&text, Algorithm::Rs256)?;
        check(&token, "https://id.example", "rp", NOW + Duration::from_secs(later))
    }

    #[test]
    fn a_logout_token_names_a_session_or_a_person() {
        let (concerned, once) = judge(&json!({}), 0).unwrap();
        assert_eq!(concerned, Concerned { sid: Some("s".to_owned()), subject: Some("1".to_owned()) });
        assert_eq!(
            once,
            Once { name: "a".to_owned(), made_at: NOW, made_by: NOW, until: NOW + Duration::from_secs(180) }
        );
        for one in [json!({ "sid": null }), json!({ "sub": null }), json!({ "aud": ["rp"] })] {
            assert!(judge(&one, 0).is_ok(), "{one}");
        }
        for nobody in [json!({ "sid": null, "sub": null }), json!({ "sid": "", "sub": "x".repeat(256) })] {
            assert_eq!(judge(&nobody, 0), Err(EventFlaw::Nobody), "{nobody}");
        }
    }

    #[test]
    fn a_claim_that_a_logout_token_must_not_lack_or_have_refuses_it() {
        for (changes, flaw) in [
            (json!({ "iss": null }), EventFlaw::WrongIssuer),
            (json!({ "iss": "https://id.example/" }), EventFlaw::WrongIssuer),
            (json!({ "aud": null }), EventFlaw::WrongAudience),
            (json!({ "aud": "other" }), EventFlaw::WrongAudience),
            (json!({ "aud": [] }), EventFlaw::WrongAudience),
            (json!({ "aud": ["rp", "other"] }), EventFlaw::WrongAudience),
            (json!({ "iat": null }), EventFlaw::TooOld),
            (json!({ "iat": NOW.seconds() + 61 }), EventFlaw::NotYet),
            (json!({ "jti": null }), EventFlaw::Nameless),
            (json!({ "jti": "" }), EventFlaw::Nameless),
            (json!({ "jti": "x".repeat(256) }), EventFlaw::Nameless),
            (json!({ "events": null }), EventFlaw::NoEvent),
            (json!({ "events": { "other": {} } }), EventFlaw::NoEvent),
            (json!({ "events": { EVENT: true } }), EventFlaw::NoEvent),
            (json!({ "events": [EVENT] }), EventFlaw::Malformed),
            (json!({ "nonce": "n" }), EventFlaw::Nonce),
            (json!({ "sid": 7 }), EventFlaw::Malformed),
        ] {
            assert_eq!(judge(&changes, 0), Err(flaw), "{changes}");
        }
    }

    #[test]
    fn a_nonce_refuses_a_logout_token_even_if_it_is_null() {
        let claims = with(claims(), &json!({ "jti": "b" })).to_string().replacen('{', r#"{"nonce":null,"#, 1);
        let part = |text: &str| crate::secret::encode(text.as_bytes());
        let text = format!("{}.{}.AA", part(r#"{"alg":"RS256"}"#), part(&claims));

        let token = parse(&text, Algorithm::Rs256).unwrap();

        assert_eq!(check(&token, "https://id.example", "rp", NOW), Err(EventFlaw::Nonce));
    }

    #[test]
    fn the_clock_of_the_provider_may_be_a_minute_ahead() {
        assert!(judge(&json!({ "iat": NOW.seconds() + 60 }), 0).is_ok());
        assert_eq!(judge(&json!({ "iat": NOW.seconds() + 61 }), 0), Err(EventFlaw::NotYet));
    }

    #[test]
    fn a_logout_token_ends_with_its_exp_and_without_one_five_minutes_after_its_iat() {
        for (changes, last) in [
            (json!({}), 179),
            (json!({ "exp": null }), 359),
            (json!({ "exp": NOW.seconds() + 900_000 }), 86_459),
        ] {
            assert!(judge(&changes, last).is_ok(), "{changes}");
            assert_eq!(judge(&changes, last + 1), Err(EventFlaw::TooOld), "{changes}");
        }
    }

    #[test]
    fn only_the_header_of_a_logout_token_will_do() {
        let header = |header: Value| parse(&token(&header, &claims()), Algorithm::Rs256).map(|_| ()).err();

        for typ in ["logout+jwt", "Logout+JWT", "application/logout+jwt", "JWT", "jwt"] {
            assert_eq!(header(json!({ "alg": "RS256", "typ": typ })), None, "{typ}");
        }
        assert_eq!(header(json!({ "alg": "RS256" })), None);
        for typ in ["at+jwt", "secevent+jwt", "dpop+jwt", ""] {
            assert_eq!(
                header(json!({ "alg": "RS256", "typ": typ })),
                Some(EventFlaw::UnsuitableHeader),
                "{typ}"
            );
        }
        for crit in [json!(["x"]), json!([]), json!(null)] {
            let found = header(json!({ "alg": "RS256", "crit": crit }));
            assert_eq!(found, Some(EventFlaw::UnsuitableHeader), "{crit}");
        }
        for alg in [json!("none"), json!("HS256"), json!("ES256"), json!(null), json!(7)] {
            assert_eq!(header(json!({ "alg": alg })), Some(EventFlaw::OtherAlgorithm), "{alg}");
        }
        for text in ["", "a.b", "e30.e30.", "bnVsbA.e30.AA"] {
            assert!(parse(text, Algorithm::Rs256).is_err(), "{text}");
        }
    }
}
