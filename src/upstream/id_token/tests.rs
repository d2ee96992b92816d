use super::*;
use crate::secret;
use serde_json::json;

const ISSUER: &str = "https://id.example";
const NOW: Timestamp = Timestamp::from_millis(1_000_000_500);

fn token(header: &Value, claims: &Value) -> Result<IdToken, IdTokenFlaw> {
    let part = |value: &Value| secret::encode(value.to_string().as_bytes());
    IdToken::parse(&format!("{}.{}.AA", part(header), part(claims)), Algorithm::Rs256)
}

fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "s", "aud": "rp", "exp": 1_000_060, "iat": 1_000_000, "nonce": "n", "auth_time": 999_000
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

const EXPECTED: Expected<'_> = Expected {
    issuer: ISSUER,
    client_id: "rp",
    nonce: "n",
    access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
    alg: Algorithm::Rs256,
    max_age: None,
    asked_at: Timestamp::from_millis(999_900_000),
};

/// Every flaw.
const ALL: [IdTokenFlaw; 14] = [
    IdTokenFlaw::Malformed,
    IdTokenFlaw::OtherAlgorithm,
    IdTokenFlaw::UnsuitableHeader,
    IdTokenFlaw::UnknownKey,
    IdTokenFlaw::WrongSignature,
    IdTokenFlaw::WrongIssuer,
    IdTokenFlaw::WrongSubject,
    IdTokenFlaw::WrongAudience,
    IdTokenFlaw::WrongParty,
    IdTokenFlaw::Expired,
    IdTokenFlaw::NotYet,
    IdTokenFlaw::WrongNonce,
    IdTokenFlaw::WrongAccessToken,
    IdTokenFlaw::TooOld,
];

fn judged_as(changes: &Value, expected: &Expected<'_>) -> Result<Authenticated, IdTokenFlaw> {
    token(&json!({ "alg": "RS256" }), &claims(changes))?.check(expected, NOW)
}

fn flaw(changes: &Value) -> Option<IdTokenFlaw> {
    judged_as(changes, &EXPECTED).err()
}

#[test]
fn a_good_token_says_who_signed_in_and_how() {
    let said = json!({ "amr": ["pwd", "otp"], "acr": "urn:strong", "sid": "session", "groups": ["a"] });

    let who = judged_as(&said, &EXPECTED).unwrap();

    assert_eq!((who.subject.as_str(), who.auth_time.seconds()), ("s", 999_000));
    assert_eq!(who.amr, ["pwd", "otp"]);
    assert_eq!((who.acr.as_deref(), who.sid.as_deref()), (Some("urn:strong"), Some("session")));
    assert_eq!(who.claims["groups"], json!(["a"]));
}

#[test]
fn only_the_algorithm_of_the_provider_counts() {
    for alg in
        [json!("none"), json!("None"), json!("HS256"), json!("ES256"), json!("PS256"), json!(7), json!(null)]
    {
        let refused = token(&json!({ "alg": alg }), &claims(&json!({}))).err();
        assert_eq!(refused, Some(IdTokenFlaw::OtherAlgorithm), "{alg}");
    }
    for typ in ["JWT", "jwt", "application/jwt"] {
        assert!(token(&json!({ "alg": "RS256", "typ": typ }), &claims(&json!({}))).is_ok(), "{typ}");
    }
    for header in [
        json!({ "alg": "RS256", "typ": "logout+jwt" }),
        json!({ "alg": "RS256", "typ": "at+jwt" }),
        json!({ "alg": "RS256", "crit": ["b64"], "b64": false }),
    ] {
        let refused = token(&header, &claims(&json!({}))).err();
        assert_eq!(refused, Some(IdTokenFlaw::UnsuitableHeader), "{header}");
    }
}

#[test]
fn malformed_text_is_refused() {
    let header = secret::encode(br#"{"alg":"RS256"}"#);
    let twice = secret::encode(br#"{"iss":"a","iss":"b","sub":"s"}"#);
    for text in
        ["", "a.b", "a.b.c.d.e", "e30.e30.AA", &format!("{header}.{twice}.AA"), &format!("{header}.e30=.AA")]
    {
        assert!(IdToken::parse(text, Algorithm::Rs256).is_err(), "{text}");
    }
    for changes in [
        json!({ "exp": "1000060" }),
        json!({ "iat": -1 }),
        json!({ "aud": 7 }),
        json!({ "aud": ["rp", 7] }),
        json!({ "amr": "pwd" }),
        json!({ "auth_time": "0" }),
    ] {
        assert_eq!(flaw(&changes), Some(IdTokenFlaw::Malformed), "{changes}");
    }
}

#[test]
fn the_token_is_this_providers_about_somebody_for_this_server() {
    for (changes, expected) in [
        (json!({ "iss": "https://id.example/" }), IdTokenFlaw::WrongIssuer),
        (json!({ "iss": null }), IdTokenFlaw::WrongIssuer),
        (json!({ "sub": null }), IdTokenFlaw::WrongSubject),
        (json!({ "sub": "" }), IdTokenFlaw::WrongSubject),
        (json!({ "sub": "x".repeat(256) }), IdTokenFlaw::WrongSubject),
        (json!({ "aud": null }), IdTokenFlaw::WrongAudience),
        (json!({ "aud": "other" }), IdTokenFlaw::WrongAudience),
        (json!({ "aud": [] }), IdTokenFlaw::WrongAudience),
        (json!({ "aud": ["rp", "other"] }), IdTokenFlaw::WrongAudience),
        (json!({ "aud": ["rp", "other"], "azp": "rp" }), IdTokenFlaw::WrongAudience),
        (json!({ "azp": "other" }), IdTokenFlaw::WrongParty),
        (json!({ "nonce": null }), IdTokenFlaw::WrongNonce),
        (json!({ "nonce": "m" }), IdTokenFlaw::WrongNonce),
        (json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RA" }), IdTokenFlaw::WrongAccessToken),
    ] {
        assert_eq!(flaw(&changes), Some(expected), "{changes}");
    }
    for changes in [
        json!({ "aud": ["rp"] }),
        json!({ "azp": "rp" }),
        json!({ "sub": "x".repeat(255) }),
        json!({ "at_hash": at_hash(EXPECTED.access_token, Algorithm::Rs256) }),
        json!({ "nbf": null, "azp": null, "at_hash": null, "acr": null, "amr": null, "auth_time": null }),
    ] {
        assert_eq!(flaw(&changes), None, "{changes}");
    }
}

#[test]
fn clocks_may_differ_by_a_minute() {
    for (changes, expected) in [
        (json!({ "exp": 999_941 }), None),
        (json!({ "exp": 999_940 }), Some(IdTokenFlaw::Expired)),
        (json!({ "exp": null }), Some(IdTokenFlaw::Expired)),
        (json!({ "iat": 1_000_060 }), None),
        (json!({ "iat": 1_000_061 }), Some(IdTokenFlaw::NotYet)),
        (json!({ "iat": null }), Some(IdTokenFlaw::NotYet)),
        (json!({ "nbf": 1_000_060 }), None),
        (json!({ "nbf": 1_000_061 }), Some(IdTokenFlaw::NotYet)),
        (json!({ "auth_time": 1_000_061 }), Some(IdTokenFlaw::NotYet)),
        (json!({ "iat": 5 }), None),
    ] {
        assert_eq!(flaw(&changes), expected, "{changes}");
    }
}

#[test]
fn with_a_max_age_the_person_authenticated_recently() {
    let at = |auth_time: Value, max_age| {
        let expected = Expected { max_age: Some(max_age), ..EXPECTED };
        judged_as(&json!({ "auth_time": auth_time }), &expected).map(|who| who.auth_time.seconds())
    };

    // The person was sent there at 999,900.
    assert_eq!(at(json!(999_950), 0), Ok(999_950), "authenticated for this request");
    assert_eq!(at(json!(999_840), 0), Ok(999_900), "within the tolerance");
    assert_eq!(at(json!(999_839), 0), Err(IdTokenFlaw::TooOld));
    assert_eq!(at(json!(999_500), 600), Ok(999_500));
    assert_eq!(at(json!(999_380), 600), Ok(999_400), "within the tolerance");
    assert_eq!(at(json!(999_340), 600), Err(IdTokenFlaw::TooOld));
    assert_eq!(at(json!(0), 600), Err(IdTokenFlaw::TooOld), "1970 is not the same as absent");
    assert_eq!(at(json!(null), 600), Err(IdTokenFlaw::TooOld));
    assert_eq!(at(json!(1_000_030), 600), Ok(1_000_000), "the provider's clock is ahead");
}

#[test]
fn without_a_max_age_an_unknown_time_never_counts_as_recent() {
    for auth_time in [json!(null), json!(0)] {
        let who = judged_as(&json!({ "auth_time": auth_time }), &EXPECTED).unwrap();
        assert_eq!(who.auth_time, Timestamp::default());
    }
}

#[test]
fn what_a_provider_says_at_length_is_cut() {
    let methods: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let long = "x".repeat(256);

    let who = judged_as(&json!({ "amr": methods, "acr": long, "sid": long }), &EXPECTED).unwrap();

    assert_eq!((who.amr.len(), who.acr, who.sid), (MOST_METHODS, None, None));
}

#[test]
fn every_flaw_has_a_reason_of_its_own() {
    let reasons: std::collections::BTreeSet<_> = ALL.map(IdTokenFlaw::reason).into();

    assert_eq!(reasons.len(), ALL.len());
}
