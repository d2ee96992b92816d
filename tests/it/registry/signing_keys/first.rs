//! The first keys of a new deployment: nobody waits for them but a redemption.

use device_grant::endpoint::http::{Afterwards, Request};
use device_grant::registry::rows::Rows as _;

use super::{kid_of, published};
use crate::support::person::Person;
use crate::support::{World, json as body, post};

fn stored(world: &World) -> usize {
    let Ok(keys) = world.server.platform.registry.keys();
    keys.len()
}

fn start() -> Request {
    post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "openid")])
}

#[test]
fn the_first_start_is_answered_before_any_key_is_made() {
    let world = World::new();

    let first = world.answer(&start());

    assert_eq!((first.status, stored(&world)), (200, 0));
    assert_eq!(first.afterwards, [Afterwards::MakeKeys]);
    assert!(world.answer(&start()).afterwards.is_empty(), "the next request does not make them again");
    world.wait(10);
    let again = world.answer(&start());
    assert!(again.afterwards.contains(&Afterwards::MakeKeys), "the first try may have been lost");

    world.finish(again);
    assert_eq!(stored(&world), 4, "of ES256 and RS256, one that signs and one that stands by");
    world.wait(10);
    assert!(!world.answer(&start()).afterwards.contains(&Afterwards::MakeKeys));
}

#[test]
fn a_redemption_waits_for_a_key_that_nobody_has_made() {
    let world = World::new();
    let started = body(&world.answer(&start()));
    let (device_code, user_code) = (started["device_code"].as_str().unwrap(), &started["user_code"]);
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", user_code.as_str().unwrap());
    person.decide("approve");
    assert_eq!(stored(&world), 0, "neither a page nor a decision needs a key");

    let tokens = world.poll(device_code);

    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let access = body(&tokens)["access_token"].as_str().unwrap().to_owned();
    assert!(published(&world).contains(&kid_of(&access)));
}
