//! The cases of OpenID's conformance plans for relying parties, as a table.
//!
//! The names are those of the test modules of the conformance suite: the plans for the Basic RP and the Config RP, and what
//! the FAPI plans for clients add. Cases of the implicit and the hybrid flow, of JARM, of encryption and of aggregated
//! claims are left out, because this server uses none of them.

use serde_json::{Value, json};

use super::{CORP, assert_code_survives, come_back, leave, press, reason, world};
use crate::support::person::Person;
use crate::support::provider::ScriptedProvider;
use crate::support::{START, json as body};

/// What happens in a case: the person is signed in, or the log has this reason.
enum Outcome {
    SignedIn,
    Refused(&'static str),
}

/// A case of the suite: its name, how the provider behaves, and what happens.
type Case = (&'static str, fn(&ScriptedProvider), Outcome);

fn claim(corp: &ScriptedProvider, name: &str, value: Value) {
    corp.claims.borrow_mut()[name] = value;
}

fn head(corp: &ScriptedProvider, name: &str, value: Value) {
    corp.header.borrow_mut()[name] = value;
}

/// Cuts the signature off.
#[expect(clippy::needless_pass_by_value, reason = "the provider gives its token away")]
fn unsigned(token: String) -> String {
    token.rsplit_once('.').map(|(input, _)| format!("{input}.")).expect("three parts")
}

/// Flips a bit of the signature.
#[expect(clippy::needless_pass_by_value, reason = "the provider gives its token away")]
fn falsified(token: String) -> String {
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let mut bytes = device_grant::secret::decode(signature).expect("base64url");
    bytes[40] ^= 1;
    format!("{input}.{}", device_grant::secret::encode(&bytes))
}

const NOW: u64 = START / 1_000;

use Outcome::{Refused, SignedIn};

const CASES: &[Case] = &[
    ("oidcc-client-test", |_| {}, SignedIn),
    (
        "oidcc-client-test-invalid-iss",
        |corp| claim(corp, "iss", json!("https://id.corp.example/")),
        Refused("id_token_issuer_wrong"),
    ),
    (
        "oidcc-client-test-missing-iss",
        |corp| claim(corp, "iss", json!(null)),
        Refused("id_token_issuer_wrong"),
    ),
    (
        "oidcc-client-test-missing-sub",
        |corp| claim(corp, "sub", json!(null)),
        Refused("id_token_subject_wrong"),
    ),
    (
        "oidcc-client-test-invalid-aud",
        |corp| claim(corp, "aud", json!("other")),
        Refused("id_token_audience_wrong"),
    ),
    (
        "oidcc-client-test-missing-aud",
        |corp| claim(corp, "aud", json!(null)),
        Refused("id_token_audience_wrong"),
    ),
    ("oidcc-client-test-missing-iat", |corp| claim(corp, "iat", json!(null)), Refused("id_token_not_yet")),
    (
        "oidcc-client-test-nonce-invalid",
        |corp| claim(corp, "nonce", json!("other")),
        Refused("id_token_nonce_wrong"),
    ),
    (
        "oidcc-client-test-invalid-athash",
        |corp| claim(corp, "at_hash", json!("77QmUPtjPfzWtF2AnpK9RA")),
        Refused("id_token_access_token_wrong"),
    ),
    // The suite allows a client to refuse this one, and asks it to if it is configured for another algorithm.
    (
        "oidcc-client-test-idtoken-sig-none",
        |corp| {
            head(corp, "alg", json!("none"));
            corp.mangle.set(unsigned);
        },
        Refused("id_token_algorithm_other"),
    ),
    (
        "oidcc-client-test-invalid-sig-es256",
        |corp| corp.mangle.set(falsified),
        Refused("id_token_signature_wrong"),
    ),
    (
        "oidcc-client-test-invalid-sig-hs256",
        |corp| head(corp, "alg", json!("HS256")),
        Refused("id_token_algorithm_other"),
    ),
    (
        "oidcc-client-test-invalid-sig-rs256",
        |corp| head(corp, "alg", json!("RS256")),
        Refused("id_token_algorithm_other"),
    ),
    ("oidcc-client-test-kid-absent-single-jwks", |corp| head(corp, "kid", json!(null)), SignedIn),
    (
        "oidcc-client-test-kid-absent-multiple-jwks",
        |corp| {
            head(corp, "kid", json!(null));
            corp.published.replace(vec![102, 101]);
        },
        SignedIn,
    ),
    ("oidcc-client-test-discovery-jwks-uri-keys", |corp| corp.named_keys.set(false), SignedIn),
    (
        "oidcc-client-test-signing-key-rotation-just-before-signing",
        |corp| {
            corp.published.replace(vec![103]);
            corp.signing.set(103);
        },
        SignedIn,
    ),
    (
        "oidcc-client-test-userinfo-invalid-sub",
        |corp| {
            claim(corp, "groups", json!(null));
            corp.userinfo.borrow_mut()["sub"] = json!("other");
        },
        Refused("userinfo_subject_wrong"),
    ),
    (
        "oidcc-client-test-scope-userinfo-claims",
        |corp| {
            claim(corp, "name", json!(null));
            corp.userinfo.borrow_mut()["name"] = json!("Alice Userinfo");
        },
        SignedIn,
    ),
    (
        "fapi1-advanced-final-client-test-invalid-missing-aud",
        |corp| claim(corp, "aud", json!([])),
        Refused("id_token_audience_wrong"),
    ),
    (
        "fapi1-advanced-final-client-test-invalid-secondary-aud",
        |corp| claim(corp, "aud", json!(["rp", "other"])),
        Refused("id_token_audience_wrong"),
    ),
    (
        "fapi1-advanced-final-client-test-valid-aud-as-array",
        |corp| claim(corp, "aud", json!(["rp"])),
        SignedIn,
    ),
    (
        "fapi1-advanced-final-client-test-invalid-missing-exp",
        |corp| claim(corp, "exp", json!(null)),
        Refused("id_token_expired"),
    ),
    (
        "fapi1-advanced-final-client-test-invalid-expired-exp",
        |corp| claim(corp, "exp", json!(NOW - 300)),
        Refused("id_token_expired"),
    ),
    (
        "fapi1-advanced-final-client-test-invalid-missing-nonce",
        |corp| claim(corp, "nonce", json!(null)),
        Refused("id_token_nonce_wrong"),
    ),
    (
        "fapi1-advanced-final-client-test-invalid-null-alg",
        |corp| head(corp, "alg", json!("none")),
        Refused("id_token_algorithm_other"),
    ),
    (
        "fapi1-advanced-final-client-test-invalid-alternate-alg",
        |corp| head(corp, "alg", json!("PS256")),
        Refused("id_token_algorithm_other"),
    ),
    // The suite lets a client decide. The nonce ties the token to this sign-in, whatever its date.
    (
        "fapi1-advanced-final-client-test-iat-is-week-in-past",
        |corp| claim(corp, "iat", json!(NOW - 604_800)),
        SignedIn,
    ),
    (
        "fapi1-advanced-final-client-test-encrypted-idtoken",
        |corp| corp.mangle.set(|_| "e30.e30.e30.e30.e30".to_owned()),
        Refused("id_token_malformed"),
    ),
    ("fapi1-advanced-final-client-test-token-type-case-insenstivity", |_| {}, SignedIn),
    // Not a module of the suite: a key that nobody publishes, at all.
    ("unknown-key", |corp| corp.signing.set(104), Refused("id_token_key_unknown")),
    ("invalid-azp", |corp| claim(corp, "azp", json!("other")), Refused("id_token_party_wrong")),
    ("invalid-nbf", |corp| claim(corp, "nbf", json!(NOW + 300)), Refused("id_token_not_yet")),
    ("iat-in-the-future", |corp| claim(corp, "iat", json!(NOW + 300)), Refused("id_token_not_yet")),
];

#[test]
fn every_case_of_the_plans_ends_as_it_must() {
    for (name, behave, outcome) in CASES {
        let (world, corp) = world();
        let started = world.start();
        // The first sign-in fills the caches, as in a server that has been up for a while.
        come_back(&world, &corp, &world.start().user_code);
        world.wait(61);
        let (person, address) = leave(&world, &started.user_code);
        behave(&corp);

        let page = person.open(&corp.authorize(&address));

        match outcome {
            SignedIn => {
                assert!(page.body.contains("value=\"approve\""), "{name}: {} {}", reason(&page), page.body);
            }
            Refused(why) => {
                assert_eq!((page.status, reason(&page)), (400, *why), "{name}");
                assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending", "{name}");
            }
        }
    }
}

#[test]
fn oidcc_client_test_discovery_issuer_mismatch() {
    let (world, corp) = world();
    corp.discovery.replace(json!({ "issuer": "https://other.example" }));
    let person = Person::of(&world);
    person.enter(&world.start().user_code);

    assert_eq!(reason(&press(&person, "corp")), "discovery_issuer_wrong");
}

#[test]
fn oidcc_client_test_signing_key_rotation() {
    let (world, corp) = world();
    come_back(&world, &corp, &world.start().user_code);
    let keys = || corp.log.borrow().iter().filter(|path| *path == "/jwks").count();
    assert_eq!(keys(), 1);

    corp.published.replace(vec![101, 105]);
    corp.signing.set(105);
    world.wait(60);
    let (_, page) = come_back(&world, &corp, &world.start().user_code);
    assert!(page.body.contains("value=\"approve\""), "{}", reason(&page));
    assert_eq!(keys(), 2);

    // Whatever signs from now on, the keys are fetched at most once a minute.
    corp.signing.set(106);
    for _ in 0..3 {
        let (_, page) = come_back(&world, &corp, &world.start().user_code);
        assert_eq!(reason(&page), "id_token_key_unknown");
        assert!(page.body.contains("a key that this service doesn’t know"), "{}", page.body);
    }
    assert_eq!(keys(), 2);
}

#[test]
fn fapi2_security_profile_final_client_test_remove_and_invalid_authorization_response_iss() {
    let (world, corp) = world();
    let started = world.start();
    let (person, address) = leave(&world, &started.user_code);
    let back = corp.authorize(&address);
    let without = back.split("&iss=").next().unwrap();

    assert_eq!(reason(&person.open(without)), "response_issuer_missing");
    assert_eq!(
        reason(&person.open(&format!("{without}&iss=https%3A%2F%2Fother.example"))),
        "response_issuer_wrong"
    );
    assert_code_survives(&world, &corp, &person, &started.user_code);
}

#[test]
fn oidcc_client_test_client_secret_basic_and_userinfo_bearer_header() {
    let (world, corp) = world();
    corp.claims.replace(json!({ "email": null, "email_verified": null }));
    corp.userinfo.replace(json!({ "email": "alice@userinfo.example", "email_verified": true }));
    let started = world.start();

    let (person, page) = come_back(&world, &corp, &started.user_code);

    assert!(page.body.contains("alice@userinfo.example"), "{}", page.body);
    assert!(corp.last.borrow().0.as_ref().is_some_and(|header| header.starts_with("Basic ")));
    person.decide("approve");
    let tokens = body(&world.poll(&started.device_code));
    let claims = crate::support::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&claims["email"], &claims["email_verified"]),
        (&json!("alice@userinfo.example"), &json!(true))
    );
}

#[test]
fn a_clock_that_is_wrong_has_a_page_of_its_own() {
    for (name, value) in [("iat", json!(NOW + 120)), ("exp", json!(NOW - 120))] {
        let (world, corp) = world();
        let started = world.start();
        corp.claims.borrow_mut()[name] = value;

        let (person, page) = come_back(&world, &corp, &started.user_code);

        assert!(page.body.contains("The clocks of"), "{name}: {}", page.body);
        corp.claims.replace(json!({}));
        assert_code_survives(&world, &corp, &person, &started.user_code);
    }
    assert_eq!(CORP, "https://id.corp.example");
}
