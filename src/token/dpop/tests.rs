use jwt_compact::alg::{Es256, VerifyingKey as _};
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde_json::json;

use super::*;
use crate::derived_keys::{DEVELOPMENT_KEY, Keys, MasterKey};

const NOW: Timestamp = Timestamp::from_millis(1_562_262_616_000);
const TOKEN: &str = "https://server.example.com/token";

/// RFC 9449 §4.1, figure 1.
const EXAMPLE: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik",
    "VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR",
    "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE",
    "QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj",
    "oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia",
    "WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg",
    "4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
);

fn keyring() -> Keyring {
    Keyring {
        current: Keys::derive(&MasterKey::parse(DEVELOPMENT_KEY).unwrap(), 8),
        previous: None,
        retired: Vec::new(),
    }
}

fn header() -> Value {
    json!({
        "typ": "dpop+jwt",
        "alg": "ES256",
        "jwk": {
            "kty": "EC",
            "crv": "P-256",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        },
    })
}

fn claims() -> Value {
    json!({ "jti": "-BwC3ESc6acc2lTc", "htm": "POST", "htu": TOKEN, "iat": 1_562_262_616 })
}

fn with(mut json: Value, name: &str, value: Value) -> Value {
    json[name] = value;
    json
}

fn without(mut json: Value, name: &str) -> Value {
    json.as_object_mut().unwrap().remove(name);
    json
}

fn jwt(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| secret::encode(json.to_string().as_bytes());
    format!("{}.{}.{}", part(header), part(claims), secret::encode(&[1; 64]))
}

#[track_caller]
fn flaw_of(text: &str) -> Flaw {
    Unverified::parse(text).err().unwrap_or_else(|| panic!("{text} was parsed"))
}

fn of_claims(claims: &Value) -> String {
    jwt(&header(), claims)
}

fn check(claims: &Value, target: Target<'_>) -> Result<(), Flaw> {
    Unverified::parse(&of_claims(claims)).unwrap().is_for(target)
}

fn at_token(claims: &Value) -> Result<(), Flaw> {
    check(claims, Target { method: "POST", uri: TOKEN, access_token: None })
}

fn fresh(claims: &Value, nonces: Nonces) -> Option<Timestamp> {
    Unverified::parse(&of_claims(claims)).unwrap().fresh_until(nonces, &keyring(), NOW)
}

#[test]
fn p1_the_example_of_rfc_9449_verifies_and_p5_its_thumbprint_matches() {
    let proof = Unverified::parse(EXAMPLE).unwrap();

    assert_eq!(proof.is_for(Target { method: "POST", uri: TOKEN, access_token: None }), Ok(()));
    let numbers = header();
    let number = |name: &str| secret::decode(numbers["jwk"][name].as_str().unwrap()).unwrap();
    let point = [vec![4], number("x"), number("y")].concat();
    let key = <Es256 as jwt_compact::Algorithm>::VerifyingKey::from_slice(&point).unwrap();
    let signature = <Es256 as jwt_compact::Algorithm>::Signature::try_from_slice(proof.signature()).unwrap();
    assert!(Es256.verify_signature(&signature, &key, proof.input()));
    // RFC 9449 §6.1.
    assert_eq!(proof.key().kid, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

#[test]
fn p1_item_1_there_is_one_proof() {
    assert_eq!(flaw_of(&format!("{EXAMPLE}, {EXAMPLE}")), Flaw::Several);
    assert_eq!(flaw_of(&format!("{EXAMPLE},")), Flaw::Several);
}

#[test]
fn p1_item_2_it_is_a_well_formed_jwt() {
    for text in
        ["", ".", "..", "a.b", "a.b.c", "e30.e30.", &EXAMPLE.replace('.', ""), &format!("{EXAMPLE}.AA")]
    {
        assert_eq!(flaw_of(text), Flaw::Malformed, "{text:?}");
    }
    let critical = with(header(), "crit", json!(["exp"]));
    assert_eq!(flaw_of(&jwt(&critical, &claims())), Flaw::Malformed, "RFC 7515 §4.1.11");
}

#[test]
fn p1_item_3_every_claim_is_present_and_of_its_type() {
    for name in ["jti", "htm", "htu", "iat"] {
        assert_eq!(flaw_of(&of_claims(&without(claims(), name))), Flaw::Malformed, "{name}");
        assert_eq!(flaw_of(&of_claims(&with(claims(), name, json!([])))), Flaw::Malformed, "{name}");
    }
    assert_eq!(flaw_of(&of_claims(&with(claims(), "jti", json!("")))), Flaw::Malformed);
    for name in ["typ", "alg", "jwk"] {
        assert_eq!(flaw_of(&jwt(&without(header(), name), &claims())), Flaw::Malformed, "{name}");
    }
}

#[test]
fn p1_item_4_typ_is_dpop_jwt() {
    for typ in ["JWT", "at+jwt", "DPoP+JWT", ""] {
        assert_eq!(flaw_of(&jwt(&with(header(), "typ", json!(typ)), &claims())), Flaw::Type, "{typ}");
    }
}

#[test]
fn p1_item_5_alg_is_asymmetric_and_supported() {
    for alg in ["none", "HS256", "ES384", "es256", ""] {
        assert_eq!(flaw_of(&jwt(&with(header(), "alg", json!(alg)), &claims())), Flaw::Algorithm, "{alg}");
    }
    let number = |bytes: usize| secret::encode(&vec![1; bytes]);
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": number(32) });
    let rsa = json!({ "kty": "RSA", "e": "AQAB", "n": number(256) });
    for name in Algorithm::NAMES {
        let jwk = match name {
            "ES256" => header()["jwk"].clone(),
            "EdDSA" | "Ed25519" => okp.clone(),
            _ => rsa.clone(),
        };
        let header = json!({ "typ": "dpop+jwt", "alg": name, "jwk": jwk });
        assert!(Unverified::parse(&jwt(&header, &claims())).is_ok(), "{name}");
    }
}

#[test]
fn p1_item_6_the_signature_covers_header_and_payload() {
    let proof = Unverified::parse(EXAMPLE).unwrap();

    let (input, signature) = EXAMPLE.rsplit_once('.').unwrap();
    assert_eq!((proof.input(), secret::encode(proof.signature()).as_str()), (input.as_bytes(), signature));
}

#[test]
fn p1_item_7_the_key_is_public_and_fits_alg() {
    let jwk = |name: &str, value: Value| {
        let mut header = header();
        header["jwk"][name] = value;
        jwt(&header, &claims())
    };

    for (name, value) in [
        ("d", json!("AQ")),
        ("k", json!("AQ")),
        ("kty", json!("oct")),
        ("crv", json!("P-384")),
        ("x", json!("AQ")),
    ] {
        assert_eq!(flaw_of(&jwk(name, value)), Flaw::Key, "{name}");
    }
    assert_eq!(flaw_of(&jwt(&with(header(), "alg", json!("RS256")), &claims())), Flaw::Key);
    assert_eq!(flaw_of(&jwt(&with(header(), "jwk", json!("key")), &claims())), Flaw::Key);
}

#[test]
fn p1_item_8_htm_is_the_method() {
    assert_eq!(at_token(&claims()), Ok(()));
    for htm in ["GET", "post", ""] {
        assert_eq!(at_token(&with(claims(), "htm", json!(htm))), Err(Flaw::Method), "{htm}");
    }
}

#[test]
fn p1_item_9_htu_is_the_uri_in_any_spelling() {
    for htu in [
        "https://server.example.com:443/token",
        "HTTPS://SERVER.example.com/token?query#fragment",
        "https://server.example.com/a/../%74oken",
    ] {
        assert_eq!(at_token(&with(claims(), "htu", json!(htu))), Ok(()), "{htu}");
    }
    for htu in [
        "http://server.example.com/token",
        "https://server.example.com/token/",
        "https://server.example.com/userinfo",
        "https://server.example.com",
        "https://other.example.com/token",
        "https://server.example.com:8443/token",
        "/token",
        "",
    ] {
        assert_eq!(at_token(&with(claims(), "htu", json!(htu))), Err(Flaw::Uri), "{htu}");
    }
}

#[test]
fn p1_item_10_a_nonce_is_this_servers_and_fresh() {
    let nonce = nonce::issue(&keyring().current, NOW);
    let good = with(claims(), "nonce", json!(nonce));

    for nonces in [Nonces::Required, Nonces::Optional] {
        assert_eq!(fresh(&good, nonces), nonce::good_until(&nonce, &keyring(), NOW));
        assert_eq!(fresh(&with(claims(), "nonce", json!("made up")), nonces), None, "although iat is recent");
    }
    assert_eq!(fresh(&claims(), Nonces::Required), None);
    let wrong_clock = with(good, "iat", json!(0));
    assert!(fresh(&wrong_clock, Nonces::Optional).is_some(), "the nonce dates it");
}

#[test]
fn p1_item_11_without_a_nonce_iat_is_within_a_minute() {
    let at = |iat: Value| fresh(&with(claims(), "iat", iat), Nonces::Optional);

    for (iat, end) in [(1_562_262_616, 61), (1_562_262_556, 1), (1_562_262_676, 121)] {
        let end = NOW.millis() + (end - 1) * 1_000 + 1;
        assert_eq!(at(json!(iat)), Some(Timestamp::from_millis(end)), "{iat}");
    }
    assert!(at(json!(1_562_262_556.5)).is_some(), "a NumericDate may have a fraction");
    for iat in [json!(1_562_262_555), json!(1_562_262_677), json!(0), json!(-1), json!(1e300)] {
        assert_eq!(at(iat.clone()), None, "{iat}");
    }
}

#[test]
fn p1_item_12_ath_is_the_hash_of_the_access_token() {
    // RFC 9449 §7.1.
    let (token, ath) =
        ("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU", "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    let target = Target { method: "POST", uri: TOKEN, access_token: Some(token) };

    assert_eq!(check(&with(claims(), "ath", json!(ath)), target), Ok(()));
    assert_eq!(check(&claims(), target), Err(Flaw::AccessToken));
    assert_eq!(check(&with(claims(), "ath", json!("x")), target), Err(Flaw::AccessToken));
}

#[test]
fn a_use_is_named_after_key_and_jti() {
    let proven =
        |header: &Value, claims: &Value| Unverified::parse(&jwt(header, claims)).unwrap().proven(NOW);
    let first = proven(&header(), &claims());
    let mut other_key = header();
    other_key["jwk"]["x"] = json!(secret::encode(&[1; 32]));

    assert_eq!(first, proven(&header(), &with(claims(), "htm", json!("GET"))));
    assert_ne!(first.once, proven(&header(), &with(claims(), "jti", json!("another"))).once);
    assert_ne!(first.once, proven(&other_key, &claims()).once);
}

#[test]
fn a_description_has_only_characters_that_rfc_6749_allows() {
    for flaw in [
        Flaw::Several,
        Flaw::Malformed,
        Flaw::Type,
        Flaw::Algorithm,
        Flaw::Key,
        Flaw::Signature,
        Flaw::Method,
        Flaw::Uri,
        Flaw::AccessToken,
        Flaw::Replayed,
    ] {
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(flaw.description().bytes().all(allowed), "{flaw:?}");
    }
}

#[test]
fn a_thumbprint_is_a_digest() {
    assert!(is_thumbprint("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
    for text in [
        "",
        "AA",
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I=",
        "0ZcOCORZNYy+DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
    ] {
        assert!(!is_thumbprint(text), "{text}");
    }
}

#[test]
fn every_flaw_says_which_part_of_the_proof_is_wrong() {
    for (flaw, part) in [
        (Flaw::Several, "more than one DPoP proof"),
        (Flaw::Malformed, "not a JWT"),
        (Flaw::Type, "typ"),
        (Flaw::Algorithm, "alg"),
        (Flaw::Key, "jwk"),
        (Flaw::Signature, "signature"),
        (Flaw::Method, "htm"),
        (Flaw::Uri, "htu"),
        (Flaw::AccessToken, "ath"),
        (Flaw::Replayed, "jti"),
    ] {
        assert!(flaw.description().contains(part), "{flaw:?}");
    }
}
