//! Sessions of signed-in accounts: how they begin and end, and which browsers wait after wrong passwords.

use core::time::Duration;

use device_grant::identity::command::CheckSession;
use device_grant::identity::session::{Browser, SignedIn};
use device_grant::identity::shard::apply;
use device_grant::secret::Digest;

use super::{ALICE, BOB, enter};
use crate::support::World;
use crate::support::person::{Person, hidden};

#[test]
fn a_session_without_its_row_is_over_whatever_the_cookie_says() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);

    world.end_all_sessions();

    assert_eq!(person.decide("approve").status, 403);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn signing_out_ends_the_session_in_every_window() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let window = person.window();

    person.open("/device");
    person.submit(&[("step", "sign_out")]);

    assert_eq!(window.decide("approve").status, 403);
}

#[test]
fn a_session_ends_after_an_hour() {
    let world = World::with(&[("CODE_LIFETIME_SECONDS", "1800")]);
    enter(&world, ALICE, &world.start().user_code);
    let person = enter(&world, ALICE, &world.start().user_code);
    assert!(person.open("/device").body.contains("Alice"));

    world.wait(3_600);

    let page = person.enter(&world.start().user_code);
    assert!(page.body.contains("name=\"password\""), "the page asks for the password again");
}

#[test]
fn neither_the_cookie_nor_the_row_lives_in_the_moment_of_its_end() {
    let world = World::new();
    enter(&world, ALICE, &world.start().user_code);
    let accounts = world.server.platform.accounts.borrow();
    let rows =
        accounts.values().find(|rows| !rows.sessions.borrow().is_empty()).expect("a shard with a session");
    let (id, row) = rows
        .sessions
        .borrow()
        .first_key_value()
        .map(|(id, row)| (id.clone(), row.clone()))
        .expect("a session");
    let id = Digest::parse(&id).expect("a digest");
    let (account, ends_at) = (row.account, row.ends_at);
    let signed_in = SignedIn { session: String::new(), account, name: String::new(), ends_at };
    let browser = Browser { id: String::new(), signed_in: Some(signed_in), known: None };
    let is_live = |now| {
        let Ok(row) = apply(rows, CheckSession { id }.into(), now);
        (browser.signed_in(now).is_some(), row.into_json() != "null")
    };

    assert_eq!(is_live(ends_at.before(Duration::from_millis(1))), (true, true));
    assert_eq!(is_live(ends_at), (false, false));
}

#[test]
fn the_session_changes_at_sign_in() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    let (before, csrf_before) = (person.cookie(), hidden(&person.page.borrow().body, "csrf"));

    person.sign_in(ALICE.0, ALICE.1);

    assert_ne!(person.cookie(), before);
    assert_ne!(hidden(&person.page.borrow().body, "csrf"), csrf_before);
}

#[test]
fn wrong_passwords_of_strangers_do_not_slow_the_owner_down_in_her_own_browser() {
    let world = World::new();
    let own = enter(&world, ALICE, &world.start().user_code);
    own.submit(&[("step", "switch_account")]);
    let stranger = Person::at(&world, "203.0.113.66");
    stranger.enter(&world.start().user_code);
    (0..5).for_each(|_| drop(stranger.sign_in(ALICE.0, "wrong")));
    assert_eq!(stranger.sign_in(ALICE.0, "wrong").status, 429);

    let elsewhere = Person::of(&world);
    elsewhere.enter(&world.start().user_code);
    assert_eq!(elsewhere.sign_in(ALICE.0, ALICE.1).status, 429, "an unknown browser has to wait");
    assert_eq!(own.sign_in(ALICE.0, ALICE.1).status, 200);
}

#[test]
fn after_a_sign_out_the_browser_knows_no_account() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    person.open("/device");
    person.submit(&[("step", "sign_out")]);

    person.enter_as(BOB.0, BOB.1, &started.user_code);

    assert_eq!(world.poll_outcome(&started.device_code), "access_denied", "two people had the code");
}
