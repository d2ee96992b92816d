//! Rotation by an operator, before the schedule would do it.

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
