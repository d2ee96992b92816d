//! A redemption whose response was lost, with `REISSUE_LOST_ANSWERS` on and off.

use device_grant::endpoint::http::Response;

use super::{ALICE, enter, refresh_token};
use crate::support::{World, outcome};

/// Returns a world with an approved code of `demo-printer`, and a function that polls with that code.
fn reissuing(vars: &[(&str, &str)]) -> (World, impl Fn(&World) -> Response) {
    let world = World::with(vars);
    let secret = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let started = world.start_with(&[&secret[..], &[("scope", "openid offline_access")]].concat());
    enter(&world, ALICE, &started.user_code).decide("approve");
    let poll = move |world: &World| {
        let code =
            [("grant_type", crate::support::DEVICE_CODE), ("device_code", started.device_code.as_str())];
        world.post("/token", &[&secret[..], &code].concat())
    };
    (world, poll)
}

fn refresh_printer(world: &World, token: &str) -> String {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "demo-printer"),
        ("client_secret", "demo-printer-secret"),
        ("refresh_token", token),
    ];
    outcome(&world.post("/token", &form))
}

#[test]
fn a_lost_answer_is_reissued_once_if_reissue_is_on() {
    let (world, poll) = reissuing(&[("REISSUE_LOST_ANSWERS", "true")]);
    let lost = refresh_token(&poll(&world));
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "the loser of a race");

    world.wait(3);
    let again = refresh_token(&poll(&world));
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "the loser of another race");
    assert_eq!(refresh_printer(&world, &lost), "invalid_grant", "only one family is live");
    assert!(!world.events().contains(&"device_code_replayed".to_owned()));
    world.wait(3);
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "it is reissued only once");
    assert_eq!(refresh_printer(&world, &again), "invalid_grant", "the third redemption was a replay");
    assert!(world.events().contains(&"reissued".to_owned()));
}

#[test]
fn a_second_redemption_is_a_replay_if_the_answer_arrived_or_is_old_or_the_client_is_public() {
    let (world, poll) = reissuing(&[("REISSUE_LOST_ANSWERS", "true")]);
    let first = refresh_token(&poll(&world));
    assert_eq!(refresh_printer(&world, &first), "issued");
    world.wait(5);
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "its refresh token was used, so it had arrived");

    let (world, poll) = reissuing(&[("REISSUE_LOST_ANSWERS", "true")]);
    poll(&world);
    world.wait(60);
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "a minute has passed");

    let (world, poll) = reissuing(&[]);
    poll(&world);
    world.wait(5);
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "off by default");

    let world = World::with(&[("REISSUE_LOST_ANSWERS", "true")]);
    let started = world.approved();
    world.poll(&started.device_code);
    world.wait(5);
    assert_eq!(world.poll_outcome(&started.device_code), "invalid_grant", "nothing proves who has the code");
}
