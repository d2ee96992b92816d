//! Approvals, polls and redemptions: which come too late, which of two wins, and what each costs.

use super::{ALICE, enter, refresh_token};
use crate::support::{Cost, World, outcome};

#[test]
fn an_approval_at_the_last_second_leaves_the_device_time_to_poll() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    world.wait(299);
    assert_eq!(person.decide("approve").status, 200);

    world.wait(58);

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn an_approval_that_is_not_redeemed_expires() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    world.wait(299);
    person.decide("approve");

    world.wait(60);

    assert_eq!(world.poll_outcome(&started.device_code), "expired_token");
}

#[test]
fn nothing_is_approved_at_or_after_the_expiry() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);

    world.wait(300);

    assert_eq!(person.decide("approve").status, 409);
    assert_eq!(world.poll_outcome(&started.device_code), "expired_token");
}

#[test]
fn a_second_redemption_within_three_seconds_revokes_nothing() {
    let world = World::new();
    let started = world.approved();
    let winner = world.poll(&started.device_code);

    world.wait_millis(2_999);

    assert_eq!(world.poll_outcome(&started.device_code), "invalid_grant");
    assert_eq!(outcome(&world.refresh(&refresh_token(&winner))), "issued");
}

#[test]
fn a_spent_code_that_comes_back_later_revokes_its_tokens() {
    let world = World::new();
    let started = world.approved();
    let tokens = world.poll(&started.device_code);

    world.wait(3);

    assert_eq!(world.poll_outcome(&started.device_code), "invalid_grant");
    assert_eq!(outcome(&world.refresh(&refresh_token(&tokens))), "invalid_grant");
    assert!(world.events().contains(&"device_code_replayed".to_owned()));
}

#[test]
fn a_spent_code_from_another_client_changes_nothing() {
    let world = World::new();
    let started = world.approved();
    let tokens = world.poll(&started.device_code);
    world.wait(10);
    let theirs = [
        ("grant_type", crate::support::DEVICE_CODE),
        ("client_id", "demo-printer"),
        ("client_secret", "demo-printer-secret"),
        ("device_code", started.device_code.as_str()),
    ];

    assert_eq!(outcome(&world.post("/token", &theirs)), "invalid_grant");

    assert_eq!(outcome(&world.refresh(&refresh_token(&tokens))), "issued");
}

#[test]
fn a_pending_poll_is_one_hop_and_a_redemption_two() {
    let world = World::new();
    let started = world.start();
    let hops = || world.server.platform.grant_hops.replace(0);
    hops();

    world.poll(&started.device_code);
    assert_eq!(hops(), 1);

    world.poll("forged");
    assert_eq!(hops(), 0, "the isolate refuses a forged code");

    enter(&world, ALICE, &started.user_code).decide("approve");
    hops();
    world.poll(&started.device_code);
    assert_eq!(hops(), 2);

    world.wait(360);
    world.poll(&started.device_code);
    assert_eq!(hops(), 0, "the isolate refuses a code that expired long ago");
}

#[test]
fn a_pending_poll_writes_nothing_but_a_longer_interval() {
    let world = World::new();
    let printer = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let one_hop = Cost { grant_hops: 1, ..Cost::default() };
    for client in [&[("client_id", "demo-tv")][..], &printer] {
        let started = world.start_with(client);
        let person = enter(&world, ALICE, &started.user_code);
        let code =
            [("grant_type", crate::support::DEVICE_CODE), ("device_code", started.device_code.as_str())];
        let poll = || outcome(&world.post("/token", &[client, &code].concat()));
        world.cost();

        for _ in 0..10 {
            assert_eq!((poll().as_str(), world.cost()), ("authorization_pending", one_hop));
            world.wait(5);
        }
        assert_eq!(poll(), "authorization_pending");
        world.cost();
        let raised = Cost { grant_writes: 1, ..one_hop };
        for _ in 0..11 {
            assert_eq!((poll().as_str(), world.cost()), ("slow_down", raised), "the new interval is stored");
        }
        assert_eq!((poll().as_str(), world.cost()), ("slow_down", one_hop), "at its cap it does not change");

        person.decide("deny");
        world.cost();
        assert_eq!((poll().as_str(), world.cost()), ("access_denied", one_hop));
    }
}
