//! Device codes that are bound to a key from the start.

use proptest::prelude::*;
use serde_json::json;

use super::pkce::{VERIFIER, redeem};
use super::{TV, approve, jkt_of, text};
use crate::support::dpop::{Key, send};
use crate::support::{World, json, outcome};

/// Starts a grant of `demo-tv` that is bound to the key, by a proof or by its thumbprint in `dpop_jkt`.
///
/// Returns device code and user code.
fn bound(world: &World, key: &Key, by_proof: bool) -> (String, String) {
    let jkt = key.jkt();
    let response = if by_proof {
        key.post(world, "/device_authorization", &TV)
    } else {
        world.post("/device_authorization", &[&TV[..], &[("dpop_jkt", &jkt)]].concat())
    };
    assert_eq!(response.status, 200, "{}", response.body);
    let answer = json(&response);
    (text(&answer, "device_code").to_owned(), text(&answer, "user_code").to_owned())
}

#[test]
fn p6_a_stolen_device_code_is_worthless_without_the_key_it_was_started_with() {
    for by_proof in [true, false] {
        let (world, key, thief) = (World::new(), Key::new(1), Key::new(2));
        let (device_code, user_code) = bound(&world, &key, by_proof);
        let unknown = world.poll("forged").body;

        for refused in [world.poll(&device_code), thief.poll(&world, &device_code)] {
            assert_eq!(refused.body, unknown, "the response is the same as for an unknown code");
            assert_eq!(refused.decisions[0].reason, "device_code_without_key");
        }
        approve(&world, &user_code);
        for refused in [world.poll(&device_code), thief.poll(&world, &device_code)] {
            assert_eq!(refused.body, unknown, "even once the code is approved");
        }

        let tokens = json(&key.poll(&world, &device_code));
        assert_eq!(
            jkt_of(text(&tokens, "access_token")),
            Some(key.jkt()),
            "the rightful device gets its tokens"
        );
        world.wait(10);
        assert_eq!(thief.poll(&world, &device_code).body, unknown);
        assert_eq!(
            outcome(&key.refresh(&world, text(&tokens, "refresh_token"))),
            "issued",
            "nothing was revoked"
        );
        let noted = world.events().iter().filter(|event| *event == "device_code_without_key").count();
        assert_eq!(noted, 1, "one event, however many polls");
    }
}

#[test]
fn p6_a_poll_without_the_key_costs_one_hop_and_does_not_slow_the_rightful_device_down() {
    let (world, key, thief) = (World::new(), Key::new(1), Key::new(2));
    let (device_code, _) = bound(&world, &key, true);
    assert_eq!(outcome(&key.poll(&world, &device_code)), "authorization_pending");
    world.wait(5);

    world.server.platform.grant_hops.set(0);
    for _ in 0..20 {
        thief.poll(&world, &device_code);
    }
    assert_eq!(world.server.platform.grant_hops.get(), 20);

    let pending = key.poll(&world, &device_code);
    assert_eq!(
        (outcome(&pending).as_str(), &json(&pending)["interval"]),
        ("authorization_pending", &json!(5))
    );
}

#[test]
fn p6_a_spent_code_that_comes_back_with_its_key_ends_its_tokens() {
    let (world, key) = (World::new(), Key::new(1));
    let (device_code, user_code) = bound(&world, &key, true);
    approve(&world, &user_code);
    let tokens = json(&key.poll(&world, &device_code));

    world.wait(10);
    assert_eq!(outcome(&key.poll(&world, &device_code)), "invalid_grant");

    assert_eq!(outcome(&key.refresh(&world, text(&tokens, "refresh_token"))), "invalid_grant");
}

#[test]
fn p6_a_proof_and_a_thumbprint_must_both_be_valid_and_agree() {
    let (world, key) = (World::new(), Key::new(1));
    let (own, other) = (key.jkt(), Key::new(2).jkt());
    let start = |jkt: &str, dpop: Option<String>| {
        outcome(&send(&world, "/device_authorization", &[&TV[..], &[("dpop_jkt", jkt)]].concat(), dpop))
    };
    let proof = || Some(key.proof(&world, "/device_authorization"));

    assert_eq!(start(&own, proof()), "issued");
    assert_eq!(start(&other, proof()), "invalid_request");
    assert_eq!(start("short", None), "invalid_request");
    assert_eq!(start(&own, Some(key.proof(&world, "/token"))), "invalid_dpop_proof");
    assert_eq!(start(&own, Some("junk".to_owned())), "invalid_dpop_proof");

    let world = World::with(&[("DPOP_NONCE", "required")]);
    let refused = key.post(&world, "/device_authorization", &TV);
    assert_eq!((refused.status, outcome(&refused).as_str()), (400, "use_dpop_nonce"));
    let proof =
        key.proof_with_nonce(&world, "/device_authorization", refused.header("dpop-nonce").expect("a nonce"));
    assert_eq!(outcome(&send(&world, "/device_authorization", &TV, Some(proof))), "issued");
}

#[test]
fn a_lost_answer_is_reissued_to_a_public_client_that_has_the_key_of_its_code() {
    let world = World::with(&[("REISSUE_LOST_ANSWERS", "true")]);
    let key = Key::new(1);
    let (device_code, user_code) = bound(&world, &key, true);
    approve(&world, &user_code);
    let lost = json(&key.poll(&world, &device_code));

    world.wait(5);
    assert_eq!(outcome(&world.poll(&device_code)), "invalid_grant", "not without the key");
    let again = json(&key.poll(&world, &device_code));

    assert_eq!(outcome(&key.refresh(&world, text(&lost, "refresh_token"))), "invalid_grant");
    assert_eq!(outcome(&key.refresh(&world, text(&again, "refresh_token"))), "issued");
}

#[test]
fn a_second_redemption_is_a_replay_if_the_code_is_not_bound_or_reissue_is_off() {
    let world = World::with(&[("REISSUE_LOST_ANSWERS", "true")]);
    let key = Key::new(1);
    let started = world.approved();
    let tokens = json(&key.poll(&world, &started.device_code));
    world.wait(5);
    assert_eq!(outcome(&key.poll(&world, &started.device_code)), "invalid_grant", "the code accepts any key");
    assert_eq!(
        outcome(&key.refresh(&world, text(&tokens, "refresh_token"))),
        "invalid_grant",
        "the second redemption was a replay"
    );

    let world = World::new();
    let (device_code, user_code) = bound(&world, &key, true);
    approve(&world, &user_code);
    key.poll(&world, &device_code);
    world.wait(5);
    assert_eq!(outcome(&key.poll(&world, &device_code)), "invalid_grant", "off by default");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_binding_is_never_lost(steps in prop::collection::vec((0..4_u8, 0..20_u64), 1..20), approved_at in 0..20_usize) {
        let (world, key, thief) = (World::new(), Key::new(1), Key::new(2));
        let (device_code, user_code) = bound(&world, &key, true);
        let mut issued = 0;
        for (index, (step, wait)) in steps.into_iter().enumerate() {
            if index == approved_at {
                approve(&world, &user_code);
            }
            world.wait(wait);
            let response = match step {
                0 => key.poll(&world, &device_code),
                1 => thief.poll(&world, &device_code),
                2 => world.poll(&device_code),
                _ => redeem(&world, &device_code, VERIFIER),
            };
            prop_assert!(response.status == 400 || step == 0, "only a poll with the key succeeds");
            if response.status == 200 {
                issued += 1;
                let tokens = json(&response);
                prop_assert_eq!(jkt_of(text(&tokens, "access_token")), Some(key.jkt()));
                prop_assert_eq!(outcome(&world.refresh(text(&tokens, "refresh_token"))), "invalid_grant");
            }
        }
        prop_assert!(issued <= 1);
    }
}
