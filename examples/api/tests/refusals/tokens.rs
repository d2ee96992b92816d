//! Access tokens (RFC 9068), and how they are presented (RFC 6750).

use protected_api::api::Request;
use serde_json::{Value, json};

use crate::world::{Key, NOW, RESOURCE, Read as _, World, changed, claims, drop_member, encode, get, parts};

#[test]
fn an_unbound_token_is_accepted_as_bearer() {
    let world = World::new();

    let answer = world.get("/hello", &claims(|_| {}));

    assert_eq!((answer.status, answer.json()), (200, json!({ "hello": "acct-1", "client": "demo-tv" })));
}

#[test]
fn a_token_may_have_several_audiences_and_any_spelling_of_its_type() {
    let world = World::new();
    let token = world.issuer.sign(
        &json!({ "alg": "ES256", "typ": "application/AT+JWT", "kid": "k1" }),
        &claims(|claims| {
            claims["aud"] = json!(["https://other.example.com", RESOURCE]);
        }),
    );

    assert_eq!(world.ask("/hello", "Bearer", &token).status, 200);
}

#[test]
fn r1_without_a_token_both_schemes_are_offered_and_nothing_is_called_an_error() {
    for authorization in [None, Some("Basic YTpi")] {
        let answer =
            World::new().send(&Request { authorization: authorization.map(str::to_owned), ..get("/hello") });

        assert_eq!(
            (answer.status, answer.challenge().as_str()),
            (
                401,
                "Bearer resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource\", \
                 DPoP resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource\", \
                 algs=\"ES256 RS256 PS256 PS384 PS512 EdDSA Ed25519\""
            )
        );
    }
}

#[test]
fn a_malformed_authorization_header_is_an_invalid_request() {
    for header in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \u{e9}", "DPoP a\"b"] {
        let answer = World::new().send(&Request { authorization: Some(header.to_owned()), ..get("/hello") });

        assert_eq!((answer.status, answer.error()), (400, "invalid_request".to_owned()), "{header}");
    }
}

#[test]
fn j4_every_flaw_of_a_token_is_refused_with_its_reason() {
    let header =
        |change: fn(&mut Value)| changed(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k1" }), change);
    let fine = header(|_| {});
    for (flaw, header, claims, reason) in [
        ("another type", header(|it| it["typ"] = json!("JWT")), claims(|_| {}), "its type is not at+jwt"),
        ("no type", header(|it| drop_member(it, "typ")), claims(|_| {}), "its type is not at+jwt"),
        (
            "no algorithm at all",
            header(|it| it["alg"] = json!("none")),
            claims(|_| {}),
            "algorithm is not accepted",
        ),
        ("a MAC", header(|it| it["alg"] = json!("HS256")), claims(|_| {}), "algorithm is not accepted"),
        (
            "none, oddly spelled",
            header(|it| it["alg"] = json!("nOnE")),
            claims(|_| {}),
            "algorithm is not accepted",
        ),
        (
            "an algorithm that is not the key's",
            header(|it| it["alg"] = json!("RS256")),
            claims(|_| {}),
            "key is not one of",
        ),
        (
            "a critical extension",
            header(|it| it["crit"] = json!(["b64"])),
            claims(|_| {}),
            "critical extension",
        ),
        ("an unknown kid", header(|it| it["kid"] = json!("k9")), claims(|_| {}), "key is not one of"),
        ("no kid", header(|it| drop_member(it, "kid")), claims(|_| {}), "key is not one of"),
        (
            "another issuer",
            fine.clone(),
            claims(|it| it["iss"] = json!("https://evil.example")),
            "another issuer",
        ),
        (
            "an issuer with a slash",
            fine.clone(),
            claims(|it| it["iss"] = json!("https://login.example.com/")),
            "another issuer",
        ),
        (
            "another audience",
            fine.clone(),
            claims(|it| it["aud"] = json!("https://other.example.com")),
            "another API",
        ),
        (
            "an audience with the same beginning",
            fine.clone(),
            claims(|it| it["aud"] = json!("https://api.example.com.evil")),
            "another API",
        ),
        ("an empty list of audiences", fine.clone(), claims(|it| it["aud"] = json!([])), "another API"),
        ("the second of its expiry", fine.clone(), claims(|it| it["exp"] = json!(NOW)), "has expired"),
        (
            "a beginning in the future",
            fine.clone(),
            claims(|it| it["nbf"] = json!(NOW + 31)),
            "not valid yet",
        ),
        (
            "a certificate",
            fine.clone(),
            claims(|it| it["cnf"] = json!({ "x5t#S256": "AA" })),
            "this API cannot check",
        ),
        (
            "a key and a certificate",
            fine.clone(),
            claims(|it| it["cnf"] = json!({ "jkt": "a", "x5t#S256": "AA" })),
            "this API cannot check",
        ),
        ("a time as text", fine.clone(), claims(|it| it["exp"] = json!("tomorrow")), "lacks a claim"),
        ("no expiry", fine.clone(), claims(|it| drop_member(it, "exp")), "lacks a claim"),
        ("no subject", fine.clone(), claims(|it| drop_member(it, "sub")), "lacks a claim"),
        ("no client", fine.clone(), claims(|it| drop_member(it, "client_id")), "lacks a claim"),
        ("no jti", fine.clone(), claims(|it| drop_member(it, "jti")), "lacks a claim"),
        ("no audience", fine, claims(|it| drop_member(it, "aud")), "lacks a claim"),
    ] {
        let world = World::new();
        let answer = world.ask("/hello", "Bearer", &world.issuer.sign(&header, &claims));

        answer.must_refuse(401, "invalid_token", reason, flaw);
        assert!(answer.challenge().starts_with("Bearer error=\"invalid_token\""), "{flaw}");
    }
}

#[test]
fn text_that_is_not_a_jwt_is_refused() {
    let world = World::new();
    let good = world.token(&claims(|_| {}));
    let [header, payload, signature] = parts(&good);

    for text in [
        "a",
        "a.b",
        "a.b.c",
        "..",
        &format!("{header}.{payload}"),
        &format!("{good}.{signature}"),
        &format!("{good}="),
    ] {
        world.ask("/hello", "Bearer", text).must_refuse(401, "invalid_token", "is not a JWT", text);
    }
}

#[test]
fn j4_a_token_that_somebody_else_signed_or_changed_is_refused() {
    let world = World::new();
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k1" });
    let [header_part, _, signature] = parts(&world.token(&claims(|_| {})));
    let more = encode(&claims(|it| it["sub"] = json!("acct-2")));

    for (what, token) in [
        ("another's key under the same name", Key::new(9).sign(&header, &claims(|_| {}))),
        ("other claims under the same signature", format!("{header_part}.{more}.{signature}")),
        ("no signature", format!("{header_part}.{more}.")),
    ] {
        world.ask("/hello", "Bearer", &token).must_refuse(
            401,
            "invalid_token",
            "signature is not valid",
            what,
        );
    }
}
