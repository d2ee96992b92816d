//! The schedule: when keys are made, sign, only verify, and disappear.

use std::time::Duration;

use device_grant::token::signing_key::Algorithm;
use serde_json::json;

use super::{DAY, issue, kid_of, next, published, states, userinfo, views};
use crate::support::admin::Admin;
use crate::support::{World, header, json as body};

#[test]
fn a_key_signs_for_90_days_and_verifies_for_7_more_and_its_successor_is_published_all_the_time() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let second = next(&world);
    assert_eq!(states(&world), ["active", "announced"]);
    assert!(published(&world).contains(&second), "the next key is published long before its first use");
    world.wait(89 * DAY - 1);
    assert_eq!(states(&world), ["active", "announced"]);

    world.wait(1);
    assert_eq!(
        states(&world),
        ["active", "announced", "announced"],
        "the second key is about to sign, so a third is made"
    );
    assert_eq!(next(&world), second);
    assert_eq!(kid_of(&issue(&world)), first);

    world.wait(DAY - 1);
    let last = issue(&world);
    assert_eq!(kid_of(&last), first);
    world.wait(1);
    assert_eq!(kid_of(&issue(&world)), second);
    assert_eq!(userinfo(&world, &last), 200, "the last token of the old key is still good");
    assert_eq!(states(&world), ["verifying", "active", "announced"]);
    world.wait(7 * DAY - 1);
    assert!(published(&world).contains(&first), "the old key is published long after its last use");
    world.wait(1);
    assert!(!published(&world).contains(&first));
    world.wait(3_600);
    assert_eq!(states(&world), ["active", "announced"], "then the row is deleted");
}

#[test]
fn the_first_key_signs_for_workers_whose_clocks_are_up_to_30_seconds_behind_the_registry() {
    for (ahead, status) in [(0, 200), (30, 200), (31, 503)] {
        let world = World::new();
        world.server.platform.registry_ahead.set(Duration::from_secs(ahead));
        let approved = world.approved();
        // An isolate that has read the keys signs with the one that the registry names.
        let world = world.restarted(&[]);

        assert_eq!(world.poll(&approved.device_code).status, status, "{ahead} s");
    }
}

#[test]
fn without_a_schedule_a_key_signs_until_an_operator_says_otherwise() {
    let world = World::with(&[("SIGNING_KEY_ROTATION_DAYS", "0")]);
    let first = kid_of(&issue(&world));

    let standby = next(&world);
    world.wait(3_650 * DAY);

    assert_eq!(kid_of(&issue(&world)), first);
    assert_eq!((states(&world), next(&world)), (vec!["active".to_owned(), "announced".to_owned()], standby));
    let shown = views(&world).into_iter().find(|key| key["state"] == "announced").unwrap();
    assert!(shown.get("signs_from").is_none(), "no time is set: {shown}");
}

#[test]
fn an_algorithm_has_a_key_as_soon_as_a_client_is_registered_with_it() {
    let world = World::new();
    let algorithms = |world: &World| {
        let keys = body(&world.get("/jwks.json"))["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["alg"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut first = algorithms(&world);
    first.sort();
    assert_eq!(
        first,
        ["ES256", "ES256", "RS256", "RS256"],
        "for each algorithm one key signs and one stands by"
    );

    world.change_client("demo-tv", |client| {
        client.access_token_signed_response_alg = Algorithm::EdDsa;
        client.id_token_signed_response_alg = Algorithm::Ps512;
    });
    world.wait(2);

    assert_eq!(algorithms(&world).len(), 8);
    assert_eq!(header(&issue(&world))["alg"], "EdDSA");
}

#[test]
fn an_algorithm_gets_a_key_when_a_client_first_uses_it() {
    let world = World::new();
    issue(&world);
    let has_key = || views(&world).iter().any(|key| key["alg"] == "PS384");
    assert!(!has_key());

    let changed = Admin(&world).patch("demo-tv", &json!({ "userinfo_signed_response_alg": "PS384" }));

    assert_eq!((changed.status, has_key()), (200, true));
}
