//! Bound access tokens at `/userinfo` and at introspection.

use device_grant::endpoint::http::Response;
use serde_json::{Value, json};

use super::{PRINTER, printers_tokens, text, tokens};
use crate::support::dpop::{Key, send, userinfo};
use crate::support::{DEVICE_CODE, World, json, outcome};

fn introspected(world: &World, token: &str) -> Value {
    json(&world.post("/introspect", &[&PRINTER[..], &[("token", token)]].concat()))
}

#[test]
fn i4_introspection_names_the_key_and_the_type() {
    let (world, key) = (World::new(), Key::new(1));
    let tokens = printers_tokens(&world, &key);

    let access = introspected(&world, text(&tokens, "access_token"));
    assert_eq!((&access["token_type"], &access["cnf"]), (&json!("DPoP"), &json!({ "jkt": key.jkt() })));
    let refresh = introspected(&world, text(&tokens, "refresh_token"));
    assert_eq!(
        (refresh.get("token_type"), refresh.get("cnf")),
        (None, None),
        "the refresh token is not bound"
    );
}

#[test]
fn p1_userinfo_needs_a_new_proof_with_the_tokens_hash_each_time() {
    let (world, key) = (World::new(), Key::new(1));
    let tokens = tokens(&world, &key);
    let access = text(&tokens, "access_token");
    let proof = key.proof_for(&world, access);

    let answer = userinfo(&world, "DPoP", access, Some(proof.clone()));
    assert_eq!((answer.status, &json(&answer)["name"]), (200, &json!("Alice Liddell")));
    assert_eq!(userinfo(&world, "dpop", access, Some(key.proof_for(&world, access))).status, 200);

    let without_ath = key.sign(&key.parts(&world, "GET", "/userinfo"));
    for bad in [Some(proof), Some(without_ath), Some(key.proof_for(&world, "another")), None] {
        refused(&userinfo(&world, "DPoP", access, bad), "invalid_dpop_proof");
    }
    let theirs = Key::new(2).proof_for(&world, access);
    refused(&userinfo(&world, "DPoP", access, Some(theirs)), "invalid_token");
}

#[test]
fn a_stolen_access_token_without_its_key_does_not_show_that_its_response_arrived() {
    let (world, key) = (World::new(), Key::new(1));
    let first = tokens(&world, &key);
    let first = text(&first, "refresh_token");
    let lost = json(&key.refresh(&world, first));
    let stolen = text(&lost, "access_token");

    refused(&userinfo(&world, "Bearer", stolen, None), "invalid_token");
    refused(&userinfo(&world, "DPoP", stolen, Some(Key::new(2).proof_for(&world, stolen))), "invalid_token");

    // So the response to the refresh still counts as lost, and the client gets another.
    world.wait(10);
    assert_eq!(outcome(&key.refresh(&world, first)), "issued");
}

#[test]
fn p1_a_bound_token_is_refused_as_a_bearer_token_and_the_other_way_round() {
    let (world, key) = (World::new(), Key::new(1));
    let bound = tokens(&world, &key);
    let bound = text(&bound, "access_token");
    refused(&userinfo(&world, "Bearer", bound, None), "invalid_token");
    refused(&userinfo(&world, "Bearer", bound, Some(key.proof_for(&world, bound))), "invalid_token");
    refused(&world.post("/userinfo", &[("access_token", bound)]), "invalid_token");

    let bearer = json(&world.poll(&world.approved().device_code));
    let bearer = text(&bearer, "access_token");
    assert_eq!(userinfo(&world, "Bearer", bearer, None).status, 200);
    refused(&userinfo(&world, "DPoP", bearer, Some(key.proof_for(&world, bearer))), "invalid_token");
}

#[test]
fn p1_userinfo_requires_nonces_too_and_says_so_in_its_challenge() {
    let world = World::with(&[("DPOP_NONCE", "required")]);
    let key = Key::new(1);
    let nonce = key.poll(&world, "forged").header("dpop-nonce").expect("a nonce").to_owned();
    let started = world.approved();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let proof = key.proof_with_nonce(&world, "/token", &nonce);
    let tokens = json(&send(&world, "/token", &form, Some(proof)));
    let access = text(&tokens, "access_token");

    let answer = userinfo(&world, "DPoP", access, Some(key.proof_for(&world, access)));

    refused(&answer, "use_dpop_nonce");
    assert_eq!(answer.header("dpop-nonce"), Some(nonce.as_str()), "every endpoint has the same nonce");
}

#[test]
fn a_request_without_a_token_is_offered_both_schemes() {
    let none = World::new().get("/userinfo");

    let challenges: Vec<&str> = none
        .headers
        .iter()
        .filter(|(name, _)| *name == "www-authenticate")
        .map(|(_, value)| value.as_str())
        .collect();
    assert!(matches!(challenges.as_slice(), [bearer, dpop]
        if bearer.starts_with("Bearer ") && dpop.starts_with("DPoP ") && dpop.contains("algs=\"ES256 ")));
}

/// Checks that `/userinfo` refused a request with a DPoP challenge that has this `error`.
#[track_caller]
fn refused(response: &Response, error: &str) {
    let challenge = response.header("www-authenticate").unwrap_or_default();
    let named = challenge.starts_with("DPoP ") && challenge.contains(&format!("error=\"{error}\""));
    assert!(
        response.status == 401 && named && challenge.contains("algs=\"ES256 "),
        "{} {challenge}",
        response.status
    );
}
