//! Calls of objects that do not depend on each other: none waits for the reply to another.

use std::pin::pin;
use std::task::Poll;

use device_grant::endpoint::http::Request;

use super::{ALICE, enter, refresh_token};
use crate::support::{World, poll, post};

/// Sends a request while the replies of these objects wait. Returns the calls of grant shards, account shards, limiters and
/// the registry by then, and the status of the answer, once the replies have come.
fn calls(world: &World, slow: &'static str, request: Request) -> ([u32; 4], u16) {
    let platform = &world.server.platform;
    platform.slow.borrow_mut().extend(slow.split(' ').map(str::to_owned));
    world.cost();
    platform.registry_hops.set(0);
    let mut answer = world.begin(request);
    assert!(poll(answer.as_mut()).is_pending(), "it waits");
    let cost = world.cost();
    let calls = [cost.grant_hops, cost.account_hops, cost.limit_hops, platform.registry_hops.get()];
    platform.slow.borrow_mut().clear();
    let Poll::Ready(response) = poll(answer.as_mut()) else { panic!("it waits for something else") };
    (calls, response.status)
}

#[test]
fn a_refresh_reads_the_client_and_the_device_at_once() {
    let world = World::new();
    let token = refresh_token(&world.poll(&world.approved().device_code));
    let form = [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", token.as_str())];

    assert_eq!(calls(&world, "accounts registry", post("/token", &form)), ([1, 1, 0, 1], 200));
}

#[test]
fn an_approval_reads_the_session_and_the_client_at_once() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    let approve = person.form(&[("step", "decide"), ("decision", "approve"), ("confirm_device", "yes")]);

    assert_eq!(calls(&world, "accounts registry", approve), ([0, 1, 0, 1], 303));
}

#[test]
fn a_refusal_does_not_read_the_client() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    let deny = person.form(&[("step", "decide"), ("decision", "deny")]);

    assert_eq!(calls(&world, "accounts registry", deny), ([0, 1, 0, 0], 303));
}

#[test]
fn a_right_code_is_answered_before_its_attempts_are_given_back_and_they_are_at_once() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    let code = world.start().user_code;
    person.open("/device");
    world.server.platform.slow.borrow_mut().insert("give_back".to_owned());
    world.cost();

    let mut answer = world.answer(&person.form(&[("step", "code"), ("user_code", &code)]));
    assert_eq!((answer.status, world.cost().limit_hops), (303, 2), "two attempts were taken");
    let left = std::mem::take(&mut answer.afterwards);
    let mut work = pin!(world.server.finish(left, world.now()));

    assert!(poll(work.as_mut()).is_pending());
    assert_eq!(world.cost().limit_hops, 2, "two attempts are being given back");
}

#[test]
fn a_code_is_looked_up_under_both_key_pairs_at_once() {
    const NEW: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";
    let world = World::new();
    let code = world.start().user_code;
    let world = world.restarted(&[
        ("MASTER_KEY", NEW),
        ("MASTER_KEY_PREVIOUS", device_grant::derived_keys::DEVELOPMENT_KEY),
    ]);
    let person = enter(&world, ALICE, &world.start().user_code);
    person.open("/device");
    let entered = person.form(&[("step", "code"), ("user_code", &code)]);

    assert_eq!(calls(&world, "grants", entered), ([2, 1, 2, 0], 303));
}

#[test]
fn a_session_that_another_one_replaces_ends_after_the_response() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    let again = person.form(&[("step", "sign_in"), ("username", ALICE.0), ("password", ALICE.1)]);

    let answer = world.answer(&again);

    assert!(answer.status < 400, "{}", answer.body);
    assert_eq!(world.sessions(), 2);
    world.finish(answer);
    assert_eq!(world.sessions(), 1);
}

#[test]
fn pages_of_the_account_and_of_requests_read_what_they_show_at_once() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    for path in ["/account", "/account/access", "/account/access?client_id=demo-tv"] {
        let (rounds, answer) = world.in_rounds(person.request(path));
        assert_eq!((answer.status, rounds), (200, 2), "the session, and then the rest: {path}");
    }
}
