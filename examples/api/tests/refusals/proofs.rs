//! Bound tokens and their proofs (RFC 9449).

use protected_api::jws::sha256;
use serde_json::{Value, json};

use crate::world::{Key, NOW, Read as _, World, claims, drop_member};

#[test]
fn a_bound_token_needs_a_proof_of_its_key_and_a_proof_works_once() {
    let world = World::new();
    let token = world.bound_token();
    let proof = world.device.proof(&token, |_, _| {});

    let answer = world.show("/hello", &token, Some(&proof));

    assert_eq!(answer.status, 200, "{}", answer.body);
    let again = world.show("/hello", &token, Some(&proof));
    again.must_refuse(401, "invalid_dpop_proof", "used before", "the same proof");
    assert!(again.challenge().starts_with("DPoP error=\"invalid_dpop_proof\""));
    assert!(again.challenge().ends_with("algs=\"ES256 RS256 PS256 PS384 PS512 EdDSA Ed25519\""));
    let next = world.device.proof(&token, |_, claims| claims["jti"] = json!("j2"));
    assert_eq!(world.show("/hello", &token, Some(&next)).status, 200);
}

#[test]
fn a_token_must_come_under_its_own_scheme() {
    let world = World::new();
    let bound = world.bound_token();
    let free = world.token(&claims(|_| {}));

    let as_bearer = world.ask("/hello", "Bearer", &bound);
    as_bearer.must_refuse(401, "invalid_token", "bound to a key", "a bound token as Bearer");
    assert!(as_bearer.challenge().starts_with("DPoP "), "the challenge names the right scheme");
    let proof = world.device.proof(&free, |_, _| {});
    let as_dpop = world.show("/hello", &free, Some(&proof));
    as_dpop.must_refuse(401, "invalid_token", "not bound to a key", "a free token as DPoP");
    assert!(as_dpop.challenge().starts_with("Bearer "));
}

#[test]
fn a_proof_with_another_key_than_the_tokens_is_refused() {
    let world = World::new();
    let token = world.bound_token();

    let answer = world.show("/hello", &token, Some(&Key::new(9).proof(&token, |_, _| {})));

    answer.must_refuse(401, "invalid_token", "another key", "a thief's own key");
}

#[test]
fn every_flaw_of_a_proof_is_refused_with_its_reason() {
    type Change = fn(&mut Value, &mut Value);
    let flaws: [(&str, Change, &str); 21] = [
        ("a type of another token", |header, _| header["typ"] = json!("JWT"), "type is not dpop+jwt"),
        ("none", |header, _| header["alg"] = json!("none"), "algorithm is not accepted"),
        ("a MAC", |header, _| header["alg"] = json!("HS256"), "algorithm is not accepted"),
        ("a critical extension", |header, _| header["crit"] = json!(["x"]), "critical extension"),
        ("no key", |header, _| drop_member(header, "jwk"), "no public key"),
        ("a symmetric key", |header, _| header["jwk"] = json!({ "kty": "oct" }), "no public key"),
        ("a key for another algorithm", |header, _| header["alg"] = json!("EdDSA"), "no public key"),
        ("a private key", |header, _| header["jwk"]["d"] = json!("AA"), "discloses a private key"),
        ("a symmetric secret", |header, _| header["jwk"]["k"] = json!("AA"), "discloses a private key"),
        ("another's key", |header, _| header["jwk"] = Key::new(9).jwk(), "signature is not valid"),
        ("another method", |_, claims| claims["htm"] = json!("POST"), "another method"),
        ("a method in lower case", |_, claims| claims["htm"] = json!("get"), "another method"),
        (
            "another path",
            |_, claims| claims["htu"] = json!("https://api.example.com/payments"),
            "another address",
        ),
        ("another host", |_, claims| claims["htu"] = json!("https://evil.example/hello"), "another address"),
        ("a time in the past", |_, claims| claims["iat"] = json!(NOW - 61), "too old or from the future"),
        ("a time in the future", |_, claims| claims["iat"] = json!(NOW + 61), "too old or from the future"),
        ("no time", |_, claims| drop_member(claims, "iat"), "lacks a claim"),
        ("no name", |_, claims| drop_member(claims, "jti"), "lacks a claim"),
        ("no address", |_, claims| drop_member(claims, "htu"), "lacks a claim"),
        ("another token", |_, claims| claims["ath"] = json!(sha256(b"another")), "another token"),
        ("no token", |_, claims| drop_member(claims, "ath"), "another token"),
    ];
    for (flaw, change, reason) in flaws {
        let world = World::new();
        let token = world.bound_token();

        let answer = world.show("/hello", &token, Some(&world.device.proof(&token, change)));

        answer.must_refuse(401, "invalid_dpop_proof", reason, flaw);
    }
}

#[test]
fn a_request_must_have_exactly_one_proof() {
    let world = World::new();
    let token = world.bound_token();
    let [one, other] =
        ["a", "b"].map(|jti| world.device.proof(&token, |_, claims| claims["jti"] = json!(jti)));

    for (proof, reason) in [
        (None, "header is missing"),
        (Some(format!("{one}, {other}")), "more than one"),
        (Some(String::new()), "is not a JWT"),
        (Some("a.b.c".to_owned()), "is not a JWT"),
    ] {
        let answer = world.show("/hello", &token, proof.as_deref());

        answer.must_refuse(401, "invalid_dpop_proof", reason, reason);
    }
}

#[test]
fn the_query_of_an_address_is_ignored() {
    let world = World::new();
    let token = world.bound_token();
    let proof = world
        .device
        .proof(&token, |_, claims| claims["htu"] = json!("HTTPS://api.example.com:443/hello?a=b"));

    assert_eq!(world.show("/hello", &token, Some(&proof)).status, 200);
}

#[test]
fn a_refused_proof_is_not_used_up() {
    let world = World::new();
    let token = world.bound_token();
    let thief = Key::new(9).proof(&token, |_, _| {});

    world.show("/hello", &token, Some(&thief));

    assert_eq!(world.show("/hello", &token, Some(&world.device.proof(&token, |_, _| {}))).status, 200);
}
