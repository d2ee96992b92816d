//! DPoP proofs at the token endpoint: which are accepted, what they bind, and what they cost.

use device_grant::secret::encode;
use serde_json::{Value, json};

use super::{approve, jkt_of, text, tokens};
use crate::support::dpop::{Key, send};
use crate::support::{Cost, DEVICE_CODE, World, claims, json, outcome};

#[test]
fn s2_p2_p5_a_redemption_with_a_proof_gives_tokens_bound_to_its_key() {
    let (world, key) = (World::new(), Key::new(1));

    let tokens = tokens(&world, &key);

    assert_eq!(text(&tokens, "token_type"), "DPoP");
    assert_eq!(jkt_of(text(&tokens, "access_token")), Some(key.jkt()));
    assert_eq!(claims(text(&tokens, "id_token")).get("cnf"), None, "nobody presents an ID token anywhere");
}

#[test]
fn p2_a_request_without_a_proof_gets_bearer_tokens() {
    let world = World::new();

    let tokens = json(&world.poll(&world.approved().device_code));

    assert_eq!(text(&tokens, "token_type"), "Bearer");
    assert_eq!(jkt_of(text(&tokens, "access_token")), None);
}

#[test]
fn p1_p2_a_bad_proof_is_invalid_dpop_proof_and_spends_nothing() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.approved();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let edited = |edit: &dyn Fn(&mut Value, &mut Value)| {
        let (mut header, mut claims) = key.parts(&world, "POST", "/token");
        edit(&mut header, &mut claims);
        key.sign(&(header, claims))
    };
    let good = key.proof(&world, "/token");
    let (head, _) = good.rsplit_once('.').expect("a JWT");

    for (bad, reason) in [
        (format!("{good}, {good}"), "several_proofs"),
        (String::new(), "malformed_proof"),
        (edited(&|header, _| header["typ"] = json!("JWT")), "proof_type"),
        (edited(&|header, _| header["alg"] = json!("none")), "proof_algorithm"),
        (edited(&|header, _| header["jwk"]["d"] = json!(encode(&[1; 32]))), "proof_key"),
        (format!("{head}.{}", encode(&[1; 64])), "proof_signature"),
        (edited(&|header, _| header["jwk"] = Key::new(2).jwk()), "proof_signature"),
        (edited(&|_, claims| claims["htm"] = json!("GET")), "proof_method"),
        (key.proof(&world, "/device_authorization"), "proof_uri"),
    ] {
        let refused = send(&world, "/token", &form, Some(bad.clone()));
        assert_eq!((refused.status, outcome(&refused).as_str()), (400, "invalid_dpop_proof"), "{bad}");
        assert_eq!(refused.decisions[0].reason, reason);
    }

    assert_eq!(outcome(&send(&world, "/token", &form, Some(good))), "issued");
}

#[test]
fn p1_htu_is_the_issuers_endpoint_with_its_path() {
    let world = World::with(&[("ISSUER", "http://127.0.0.1:8787/auth")]);
    let key = Key::new(1);
    let poll = |proof: String| {
        let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", "forged")];
        outcome(&send(&world, "/auth/token", &form, Some(proof)))
    };

    assert_eq!(poll(key.proof(&world, "/auth/token")), "invalid_grant", "the proof was good");
    assert_eq!(poll(key.proof(&world, "/token")), "invalid_dpop_proof");
}

#[test]
fn p1_a_proof_gets_tokens_only_once_and_a_pending_poll_costs_one_hop() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.start();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let proof = key.proof(&world, "/token");
    world.cost();

    let pending = send(&world, "/token", &form, Some(proof.clone()));
    let one_hop = Cost { grant_hops: 1, ..Cost::default() };
    assert_eq!((outcome(&pending).as_str(), world.cost()), ("authorization_pending", one_hop));
    send(&world, "/token", &form, Some("forged".to_owned()));
    assert_eq!(world.cost(), Cost::default(), "a bad proof costs no hop");

    approve(&world, &started.user_code);
    world.cost();
    assert_eq!(outcome(&send(&world, "/token", &form, Some(proof.clone()))), "issued");
    let redeemed = Cost {
        grant_hops: 2,
        grant_writes: 4,
        account_hops: 1,
        account_writes: 2,
        limit_hops: 1,
        limit_writes: 1,
    };
    assert_eq!(world.cost(), redeemed, "one call of a limiter, for the proof");

    let again = world.approved();
    let form =
        [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", again.device_code.as_str())];
    let replayed = send(&world, "/token", &form, Some(proof));
    assert_eq!(
        (outcome(&replayed).as_str(), replayed.decisions[0].reason),
        ("invalid_dpop_proof", "replayed_proof")
    );
    assert_eq!(outcome(&key.poll(&world, &again.device_code)), "issued", "nothing was spent");
}

#[test]
fn without_the_limiter_a_proof_gets_nothing_and_spends_nothing() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.approved();

    world.set_down("limits", true);
    assert_eq!(key.poll(&world, &started.device_code).status, 503);

    world.set_down("limits", false);
    assert_eq!(outcome(&key.poll(&world, &started.device_code)), "issued");
}

#[test]
fn p4_a_client_that_always_uses_dpop_is_refused_without_a_proof() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.approved();
    world.change_client("demo-tv", |client| client.tokens.dpop_bound_access_tokens = true);

    let refused = world.poll(&started.device_code);
    let at_once = "even while the snapshot does not know it yet";
    assert_eq!((refused.status, outcome(&refused).as_str()), (400, "invalid_request"), "{at_once}");
    let tokens = json(&key.poll(&world, &started.device_code));

    world.wait(20);
    world.server.platform.grant_hops.set(0);
    assert_eq!(outcome(&world.poll(&world.start().device_code)), "invalid_request");
    assert_eq!(
        world.server.platform.grant_hops.get(),
        1,
        "only the start reaches a grant; the isolate refuses the poll"
    );
    assert_eq!(outcome(&world.refresh(text(&tokens, "refresh_token"))), "invalid_request");
    assert_eq!(outcome(&key.refresh(&world, text(&tokens, "refresh_token"))), "issued");
}

#[test]
fn p4_the_metadata_name_the_algorithms_the_extension_and_the_challenge_method() {
    let world = World::new();
    let algorithms = json!(["ES256", "RS256", "PS256", "PS384", "PS512", "EdDSA", "Ed25519"]);

    let metadata = json(&world.get("/.well-known/oauth-authorization-server"));
    assert_eq!(metadata["dpop_signing_alg_values_supported"], algorithms);
    assert_eq!(metadata["device_authorization_dpop_supported"], json!(true));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));

    let resource = json(&world.get("/.well-known/oauth-protected-resource/userinfo"));
    assert_eq!(resource["dpop_signing_alg_values_supported"], algorithms);
    assert_eq!(resource["dpop_bound_access_tokens_required"], json!(false));
}

#[test]
fn a_signature_of_the_wrong_length_is_an_invalid_proof_for_every_algorithm() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.start();
    let other = |kty: &str, alg: &str, jwk: Value| {
        (format!("{kty} {alg}"), json!({ "typ": "dpop+jwt", "alg": alg, "jwk": jwk }))
    };
    let rsa = json!({ "kty": "RSA", "e": "AQAB", "n": encode(&[0xc3; 256]) });
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(&[7; 32]) });
    let mut headers = vec![other("EC", "ES256", key.jwk()), other("OKP", "EdDSA", okp)];
    headers.extend(["RS256", "PS256", "PS384", "PS512"].map(|alg| other("RSA", alg, rsa.clone())));

    for (what, header) in headers {
        for length in [0, 1, 63, 65, 255, 257, 1_000] {
            let (_, claims) = key.parts(&world, "POST", "/token");
            let part = |json: &Value| encode(json.to_string().as_bytes());
            let proof = format!("{}.{}.{}", part(&header), part(&claims), encode(&vec![1; length]));
            let form = [
                ("grant_type", DEVICE_CODE),
                ("client_id", "demo-tv"),
                ("device_code", &started.device_code),
            ];

            let refused = send(&world, "/token", &form, Some(proof));

            assert_eq!(
                (refused.status, outcome(&refused).as_str()),
                (400, "invalid_dpop_proof"),
                "{what}, {length}"
            );
        }
    }
}
