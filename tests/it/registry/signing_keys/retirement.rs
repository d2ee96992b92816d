//! Retirement by an operator: from then on, a key neither signs nor verifies.

use super::{DAY, ask, issue, kid_of, next, published, retire, rotate, states, userinfo};
use crate::support::{World, json as body};

#[test]
fn a_retired_key_and_its_tokens_are_dead_at_once_and_another_key_signs() {
    let world = World::new();
    let access = issue(&world);
    let kid = kid_of(&access);
    assert_eq!(userinfo(&world, &access), 200);
    world.wait(1);

    let retired = ask(&world, "POST", &format!("/{kid}/retire"), None);

    assert_eq!(retired.status, 200);
    assert_eq!(userinfo(&world, &access), 401, "nobody can tell any more whether it is forged");
    assert!(!published(&world).contains(&kid));
    assert_ne!(kid_of(&issue(&world)), kid);
    assert_eq!(states(&world), ["retired", "active", "announced"]);
    assert!(
        world.server.platform.registry.keys.borrow()[&kid].wrapped.is_empty(),
        "its private half is deleted"
    );
    assert_eq!(
        ask(&world, "POST", &format!("/{kid}/retire"), None).status,
        200,
        "retiring a retired key changes nothing"
    );
}

#[test]
fn a_retirement_promotes_a_published_key_and_announces_another() {
    let world = World::with(&[("SIGNING_KEY_ROTATION_DAYS", "0")]);
    let first = kid_of(&issue(&world));
    world.wait(3 * DAY);
    let copy = published(&world);
    world.wait(1);

    retire(&world, &first);

    let token = issue(&world);
    assert!(copy.contains(&kid_of(&token)), "verifiers need not fetch the keys again");
    let standby = next(&world);
    assert!(!copy.contains(&standby) && published(&world).contains(&standby));
}

#[test]
fn a_second_retirement_soon_after_the_first_counts_at_once() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    world.wait(DAY);
    let copy = published(&world);

    retire(&world, &first);
    let second = kid_of(&issue(&world));
    world.wait(60);
    retire(&world, &second);

    let third = kid_of(&issue(&world));
    assert!(!copy.contains(&third), "verifiers have to fetch the new key");
    assert!(published(&world).contains(&third));
    assert_eq!(states(&world), ["retired", "retired", "active", "announced"]);
}

#[test]
fn a_retired_standby_key_is_replaced() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let standby = next(&world);

    retire(&world, &standby);

    assert_ne!(next(&world), standby);
    assert!(!published(&world).contains(&standby) && published(&world).contains(&next(&world)));
    assert_eq!(kid_of(&issue(&world)), first);
}

#[test]
fn a_retirement_between_approval_and_redemption_counts() {
    let world = World::new();
    let kid = kid_of(&issue(&world));
    let started = world.approved();

    ask(&world, "POST", &format!("/{kid}/retire"), None);

    let tokens = body(&world.poll(&started.device_code));
    let access = tokens["access_token"].as_str().unwrap();
    assert_ne!(kid_of(access), kid);
    assert_eq!(userinfo(&world, access), 200);
}

#[test]
fn another_isolate_never_signs_with_a_retired_key_and_refuses_its_tokens_within_a_second() {
    let world = World::new();
    let access = issue(&world);
    let kid = kid_of(&access);
    let started = world.approved();

    world.retire_elsewhere(&kid);

    let tokens = body(&world.poll(&started.device_code));
    assert_ne!(
        kid_of(tokens["access_token"].as_str().unwrap()),
        kid,
        "a redemption reads the keys at the source"
    );
    world.wait(1);
    assert_eq!(userinfo(&world, &access), 401);
    assert!(!published(&world).contains(&kid));
}

#[test]
fn a_verifying_or_announced_key_can_be_retired_too() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    world.wait(1);
    rotate(&world, true);
    world.wait(1);
    rotate(&world, false);
    let announced = next(&world);

    retire(&world, &first);
    retire(&world, &announced);

    assert_eq!(states(&world), ["retired", "active", "retired", "announced"]);
    assert_eq!(ask(&world, "POST", "/unknown/retire", None).status, 404);
}
