//! Limits on live codes and requests.

use super::{ALICE, enter};
use crate::support::World;

#[test]
fn live_codes_are_capped_per_client_and_network() {
    let world = World::new();
    let started: Vec<_> = (0..20).map(|_| world.start()).collect();
    let one_more = || world.post("/device_authorization", &[("client_id", "demo-tv")]);

    let refused = one_more();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("300")));

    let person = enter(&world, ALICE, &started[0].user_code);
    person.decide("deny");
    assert_eq!(one_more().status, 200, "a refused code is not live");
    assert_eq!(one_more().status, 429);
    enter(&world, ALICE, &started[1].user_code).decide("approve");
    world.poll(&started[1].device_code);
    assert_eq!(one_more().status, 200, "a redeemed code is not live");
    world.wait(300);
    assert_eq!(one_more().status, 200, "an expired code is not live");
}

#[test]
fn a_shard_takes_no_more_codes_than_its_cap() {
    let world = World::with(&[("SHARDS_PER_REGION", "1"), ("LIVE_CODES_PER_SHARD", "3")]);
    for _ in 0..3 {
        world.start();
    }
    world.wait(100);

    let full = world.post("/device_authorization", &[("client_id", "demo-tv")]);

    assert_eq!((full.status, full.header("retry-after")), (429, Some("200")));
}

#[test]
fn the_platforms_rate_limit_is_a_429() {
    let world = World::new();
    world.set_down("rate limit", true);

    let refused = world.post("/device_authorization", &[("client_id", "demo-tv")]);

    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
}
