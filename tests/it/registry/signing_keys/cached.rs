//! Verifiers that have an old copy of the published keys.

use proptest::prelude::*;
use serde_json::json;

use super::{DAY, ask, issue, kid_of, next, published, retire, rotate, signing, userinfo};
use crate::support::{World, own_key};

#[test]
fn while_the_registry_is_unreachable_the_keys_it_published_last_still_verify() {
    let world = World::new();
    let access = issue(&world);
    world.publish();
    world.wait(60);

    world.set_down("registry", true);

    assert!(published(&world).contains(&kid_of(&access)));
    assert_eq!(userinfo(&world, &access), 200);
}

/// A change to the keys for ES256.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Rotate { at_once: bool },
    RetireSigning,
    RetireNext,
    Import,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Nothing),
        any::<bool>().prop_map(|at_once| Change::Rotate { at_once }),
        Just(Change::RetireSigning),
        Just(Change::RetireNext),
        Just(Change::Import),
    ]
}

/// Seconds until the next change: minutes, hours or months, but always more than 300, the maximum age of a
/// copy.
fn pause() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 302_u64..1_500, 1 => 1_500..DAY, 1 => DAY..120 * DAY]
}

/// Makes a change. `own` is the number of the key to import.
fn make(world: &World, change: &Change, own: u8) {
    match change {
        Change::Nothing => {}
        Change::Rotate { at_once } => rotate(world, *at_once),
        Change::RetireSigning => retire(world, &signing(world)),
        Change::RetireNext => retire(world, &next(world)),
        Change::Import => {
            assert_eq!(ask(world, "POST", "", Some(&json!({ "jwk": own_key(own) }))).status, 201);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn the_signing_key_is_in_every_cached_copy_of_the_keys(
        days in prop_oneof![Just("0"), Just("1"), Just("90")],
        changes in prop::collection::vec((change(), pause()), 1..16),
    ) {
        let world = World::with(&[("SIGNING_KEY_ROTATION_DAYS", days)]);
        published(&world);
        for (own, (change, pause)) in (200..).zip(&changes) {
            world.wait(pause - 300);
            let copy = published(&world);
            world.wait(300);
            prop_assert!(copy.contains(&signing(&world)), "after the wait");
            make(&world, change, own);
            prop_assert!(copy.contains(&signing(&world)), "{change:?}");
            prop_assert!(published(&world).contains(&signing(&world)));
            prop_assert!(published(&world).contains(&next(&world)), "the next key is published");
        }
        let token = issue(&world);
        prop_assert_eq!(kid_of(&token), signing(&world));
        prop_assert_eq!(userinfo(&world, &token), 200);
    }
}
