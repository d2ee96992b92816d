//! Rotation by an operator, before the schedule would do it.

use device_grant::audit::change::Actor;
use device_grant::registry::command::{Command, ListKeys, RetireKey, RotateKeys};
use device_grant::registry::signing_keys::wanted;
use device_grant::token::signing_key::Algorithm;
use serde_json::json;

use super::{DAY, ask, issue, kid_of, kids, next, published, rotate, states, userinfo};
use crate::support::World;

#[test]
fn a_rotation_waits_until_the_next_key_has_been_published_for_ten_minutes() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let standby = next(&world);

    let rotated = ask(&world, "POST", "/rotate", Some(&json!({ "alg": "ES256" })));

    assert_eq!((rotated.status, kids(&rotated).len()), (200, 5), "RS256 keeps its two keys");
    assert_eq!(published(&world).len(), 5);
    world.wait(599);
    assert_eq!(kid_of(&issue(&world)), first);
    world.wait(1);
    assert_eq!(kid_of(&issue(&world)), standby);
    assert_eq!(states(&world), ["verifying", "active", "announced"]);
}

#[test]
fn a_rotation_to_a_key_that_was_published_long_ago_needs_no_wait() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let standby = next(&world);
    world.wait(600);

    rotate(&world, false);

    assert_ne!(first, standby);
    assert_eq!(kid_of(&issue(&world)), standby);
    assert_eq!(states(&world), ["verifying", "active", "announced"], "the next key stands by");
    rotate(&world, false);
    rotate(&world, false);
    assert_eq!(kid_of(&issue(&world)), standby);
    assert_eq!(states(&world), ["verifying", "active", "announced", "announced"], "the next key has to wait");
}

#[test]
fn a_rotation_with_at_once_and_no_alg_rotates_all_keys_at_once() {
    let world = World::new();
    let before = issue(&world);
    let standby = next(&world);
    world.wait(1);

    ask(&world, "POST", "/rotate", Some(&json!({ "at_once": true })));

    let after = issue(&world);
    assert_ne!(kid_of(&before), kid_of(&after));
    assert_eq!(kid_of(&after), standby, "the key that was already published");
    assert_eq!((userinfo(&world, &before), userinfo(&world, &after)), (200, 200));
    assert_eq!(published(&world).len(), 6);
}

#[test]
fn a_rotation_restarts_the_schedule() {
    let world = World::new();
    issue(&world);
    let standby = next(&world);
    world.wait(89 * DAY);
    assert_eq!(states(&world), ["active", "announced", "announced"]);

    ask(&world, "POST", "/rotate", None);

    assert_eq!(kid_of(&issue(&world)), standby);
    assert_eq!(states(&world), ["verifying", "active", "announced"]);
    world.wait(89 * DAY - 1);
    assert_eq!(states(&world).len(), 2, "the schedule counts from the rotation");
    world.wait(1);
    assert_eq!(states(&world), ["active", "announced", "announced"]);
}

#[test]
fn a_key_is_made_where_no_announced_key_can_follow() {
    let world = World::new();
    let kid = kid_of(&issue(&world));
    let rows = &world.server.platform.registry;
    let by = || Actor::Registration;
    let wanted = |command: Command| {
        let Ok(algorithms) = wanted(rows, &command, world.now());
        algorithms
    };
    let rotate = |alg| wanted(RotateKeys { alg: Some(alg), at_once: true, by: by() }.into());
    let retire = |kid: &str| wanted(RetireKey { kid: kid.to_owned(), by: by() }.into());

    assert_eq!((rotate(Algorithm::Es256), retire(&kid)), (vec![], vec![]), "one stands by");
    assert_eq!(rotate(Algorithm::Ps384), [Algorithm::Ps384], "none stands by");

    let standby = next(&world);
    rows.keys.borrow_mut().remove(&standby);

    assert_eq!((rotate(Algorithm::Es256), retire(&kid)), (vec![Algorithm::Es256], vec![Algorithm::Es256]));
    assert_eq!((retire(&standby), wanted(ListKeys {}.into())), (vec![], vec![]));
}
