//! Nonces in DPoP proofs (RFC 9449 §8).

use device_grant::endpoint::http::Request;
use device_grant::secret::encode;
use serde_json::json;

use crate::support::admin::list_origin;
use crate::support::dpop::{Key, send};
use crate::support::{DEVICE_CODE, World, outcome, post};

#[test]
fn p1_a_proof_without_a_required_nonce_gets_one_and_reaches_no_grant() {
    let world = World::with(&[("DPOP_NONCE", "required")]);
    let key = Key::new(1);
    let started = world.approved();
    world.server.platform.grant_hops.set(0);

    let refused = key.poll(&world, &started.device_code);
    assert_eq!((refused.status, outcome(&refused).as_str()), (400, "use_dpop_nonce"));
    assert_eq!(world.server.platform.grant_hops.get(), 0);
    let nonce = refused.header("dpop-nonce").expect("a nonce").to_owned();

    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let proof = key.proof_with_nonce(&world, "/token", &nonce);
    let issued = send(&world, "/token", &form, Some(proof));
    assert_eq!(outcome(&issued), "issued");
    assert!(issued.header("dpop-nonce").is_some(), "for the next request");
}

#[test]
fn every_response_to_a_proof_has_a_nonce_that_outlives_the_longest_interval() {
    let world = World::with(&[("DPOP_NONCE", "required")]);
    let key = Key::new(1);
    let started = world.start();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let mut nonce = key.poll(&world, &started.device_code).header("dpop-nonce").expect("a nonce").to_owned();
    assert_eq!(world.poll("forged").header("dpop-nonce"), None, "a poll without a proof gets none");

    for wait in [0, 61, 61, 61] {
        world.wait(wait);
        let pending = send(&world, "/token", &form, Some(key.proof_with_nonce(&world, "/token", &nonce)));
        assert_eq!(outcome(&pending), "authorization_pending");
        pending.header("dpop-nonce").expect("a nonce").clone_into(&mut nonce);
    }

    world.wait(360);
    let stale = send(&world, "/token", &form, Some(key.proof_with_nonce(&world, "/token", &nonce)));
    assert_eq!(outcome(&stale), "use_dpop_nonce");
}

#[test]
fn p1_a_device_with_a_wrong_clock_gets_a_nonce_and_then_needs_no_clock() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.approved();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let in_1970 = |nonce: Option<&str>| {
        let (header, mut claims) = key.parts(&world, "POST", "/token");
        claims["iat"] = json!(12);
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        send(&world, "/token", &form, Some(key.sign(&(header, claims))))
    };

    let refused = in_1970(None);
    assert_eq!(outcome(&refused), "use_dpop_nonce");

    assert_eq!(outcome(&in_1970(refused.header("dpop-nonce"))), "issued");
}

#[test]
fn nonces_outlive_one_change_of_the_master_key() {
    let (world, key) = (World::with(&[("DPOP_NONCE", "required")]), Key::new(1));
    let nonce = key.poll(&world, "forged").header("dpop-nonce").expect("a nonce").to_owned();
    let other = encode(&[9; 32]);
    let vars = |previous| {
        [("DPOP_NONCE", "required"), ("MASTER_KEY", other.as_str()), ("MASTER_KEY_PREVIOUS", previous)]
    };
    let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", "forged")];
    let poll = |world: &World| {
        outcome(&send(world, "/token", &form, Some(key.proof_with_nonce(world, "/token", &nonce))))
    };

    let world = world.restarted(&vars(device_grant::derived_keys::DEVELOPMENT_KEY));
    assert_eq!(poll(&world), "invalid_grant", "the nonce is good");

    let world = world.restarted(&vars(""));
    assert_eq!(poll(&world), "use_dpop_nonce");
}

#[test]
fn scripts_may_send_a_proof_and_read_the_nonce() {
    let (world, key) = (World::new(), Key::new(1));
    let mut options = crate::support::get();
    (options.method, options.path) = ("OPTIONS".to_owned(), "/token".to_owned());

    list_origin(&world, "demo-tv", "https://app.example");
    options.origin = Some("https://app.example".to_owned());

    let allowed = world.send(&options);
    assert_eq!(allowed.header("access-control-allow-headers"), Some("authorization, *"));
    let proof = Some(key.proof(&world, "/token"));
    let form = [("client_id", "demo-tv"), ("grant_type", DEVICE_CODE), ("device_code", "forged")];
    let answer = world.send(&Request { dpop: proof, origin: options.origin, ..post("/token", &form) });
    assert!(answer.header("access-control-expose-headers").is_some_and(|names| names.contains("dpop-nonce")));
}
