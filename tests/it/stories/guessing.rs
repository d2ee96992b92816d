//! Wrong codes and wrong passwords: what they reveal, and how they are limited.

use std::collections::BTreeMap;

use device_grant::endpoint::http::{Afterwards, Response};
use device_grant::endpoint::platform::Platform as _;
use device_grant::limiter::budgets::EXPOSURE;
use device_grant::limiter::command::Expose;

use super::{ALICE, BOB, enter};
use crate::support::person::{Person, hidden};
use crate::support::{World, json, now_or_never, post};

#[test]
fn wrong_used_expired_and_foreign_codes_get_the_same_page_but_for_the_code_itself() {
    let world = World::new();
    let expired = world.start();
    world.wait(300);
    let person = enter(&world, ALICE, &world.start().user_code);
    // No time passes from here on, so all of these codes are still within their life when they are entered.
    let codes = [world.start(), world.start(), world.start(), world.start(), world.start()];
    let [used, denied, reported, contested, contested_before] = &codes;
    enter(&world, BOB, &used.user_code).decide("approve");
    assert_eq!(world.poll_outcome(&used.device_code), "issued");
    enter(&world, BOB, &denied.user_code).decide("deny");
    enter(&world, BOB, &reported.user_code).decide("report");
    enter(&world, BOB, &contested.user_code);
    enter(&world, BOB, &contested_before.user_code);
    let enters = |user_code: &str| {
        // An account has five tries; this test needs more.
        world.server.platform.reset_counters("code/");
        let page = person.enter(user_code);
        let body = page.body.replace(&format!("value=\"{user_code}\""), "");
        Response { decisions: Vec::new(), body, ..page }
    };
    enters(&contested_before.user_code);
    let ends: Vec<String> = codes.iter().map(|code| world.poll_outcome(&code.device_code)).collect();
    assert_eq!(
        ends,
        ["invalid_grant", "access_denied", "access_denied", "authorization_pending", "access_denied"]
    );

    let wrong = enters("BBBB-BBBB");

    assert_eq!(wrong.status, 400);
    for (why, code) in [
        ("used", used),
        ("denied", denied),
        ("reported", reported),
        ("contested now", contested),
        ("contested before", contested_before),
        ("expired", &expired),
    ] {
        assert_eq!(enters(&code.user_code), wrong, "{why}");
    }
    assert_eq!(world.poll_outcome(&contested.device_code), "access_denied");
    assert_eq!(world.poll_outcome(&expired.device_code), "expired_token");
    assert_eq!(world.events().iter().filter(|event| *event == "contested").count(), 2);
}

#[test]
fn before_sign_in_a_right_code_and_a_wrong_one_look_alike() {
    let world = World::new();
    let started = world.start();
    let mask = |page: Response| {
        let transaction = hidden(&page.body, "transaction").expect("a field");
        page.body.replace(&transaction, "")
    };
    let person = Person::of(&world);
    let hops = || world.server.platform.grant_hops.replace(0);
    hops();

    let (right, wrong) = (mask(person.enter(&started.user_code)), mask(person.enter("BBBB-BBBB")));

    assert_eq!(right, wrong);
    assert_eq!(hops(), 0, "nothing was looked up");
}

#[test]
fn a_right_code_uses_up_no_try_and_gives_none_back() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB");
    for _ in 0..3 {
        person.enter("BBBB-BBBB");
    }

    for _ in 0..10 {
        assert_eq!(person.enter(&world.start().user_code).status, 200);
    }

    assert_eq!(person.enter("BBBB-BBBB").status, 400, "the fifth");
    assert_eq!(person.enter(&world.start().user_code).status, 429, "then right codes have to wait, too");
    world.wait(300);
    assert_eq!(person.enter(&world.start().user_code).status, 200);
}

#[test]
fn a_network_has_its_own_budget_of_wrong_codes() {
    let world = World::new();
    for round in 0..6 {
        // An account has five tries; a network has thirty, whoever is signed in there.
        world.server.platform.reset_counters("code/account");
        let person = Person::of(&world);
        person.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB");
        for _ in 0..4 {
            assert_eq!(person.enter("BBBB-BBBB").status, 400, "round {round}");
        }
    }
    world.server.platform.reset_counters("code/account");

    let here = Person::of(&world);
    assert_eq!(here.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB").status, 429);
    let elsewhere = Person::at(&world, "203.0.113.9");
    assert_eq!(elsewhere.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB").status, 400);
}

#[test]
fn a_typo_now_and_then_makes_no_code_longer() {
    let world = World::new();
    let started: Vec<_> = (0..6).map(|_| world.start()).collect();
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB");
    for code in &started {
        person.enter("BBBB-BBBB");
        person.enter(&code.user_code);
        world.server.platform.reset_counters("code/");
    }
    world.wait(10);

    assert_eq!(world.start().user_code.len(), 9);
}

#[test]
fn a_busy_service_of_honest_people_keeps_its_codes_short() {
    let world = World::new();
    // Ten logins a second for a day, of which one in ten takes two tries; the other isolates report theirs.
    for _ in 0..60 {
        now_or_never(report(&world, 3_000, 100, 10));
        world.wait(10);
    }
    assert_eq!(world.start().user_code.len(), 9);

    now_or_never(report(&world, 3_000, 0, 900));
    world.wait(10);
    world.start();

    assert_eq!(world.start().user_code.len(), 12, "somebody guesses");
}

#[test]
fn a_start_hears_of_guesses_behind_its_answer_and_waits_for_nobody_but_after_a_quiet_minute() {
    let world = World::new();
    let start = || post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "openid")]);
    let length = |answer: &Response| json(answer)["user_code"].as_str().map(str::len);
    world.start();
    now_or_never(report(&world, 3_000, 0, 30_000));
    world.wait(59);
    world.cost();

    let answer = world.answer(&start());
    let cost = world.cost();
    assert_eq!((cost.grant_hops, cost.limit_hops, length(&answer)), (1, 0, Some(9)), "it asks nobody");
    assert_eq!(answer.afterwards, [Afterwards::Expose]);
    assert!(
        world.answer(&start()).afterwards.is_empty(),
        "one start reports for all of the next ten seconds"
    );
    world.finish(answer);
    assert_eq!((world.cost().limit_hops, length(&world.answer(&start()))), (1, Some(12)));

    world.wait(60);
    world.cost();
    let quiet = world.answer(&start());
    assert_eq!((world.cost().limit_hops, length(&quiet)), (1, Some(12)), "what it knew is too old");
    assert!(quiet.afterwards.is_empty());
}

#[test]
fn without_the_limiter_new_codes_are_longer() {
    let world = World::new();
    world.start();
    world.server.platform.down.borrow_mut().insert("limits");
    world.wait(10);

    assert_eq!(world.start().user_code.len(), 9);
    assert_eq!(world.start().user_code.len(), 12, "the first could not report");
    world.wait(60);
    assert_eq!(world.start().user_code.len(), 12, "nor ask");
}

/// Reports live codes, and right and wrong entries, as other isolates would.
async fn report(world: &World, live: u64, right: u64, wrong: u64) {
    // The objects learn the time from the requests.
    world.get("/healthz");
    let live = BTreeMap::from([("weur/0".to_owned(), live)]);
    let allowed = device_grant::limiter::budgets::allowed_exposure(34.575);
    let expose = Expose { key: EXPOSURE.to_owned(), live, wrong, right, window: 300, allowed };
    world.server.platform.limits(expose).await.expect("the limiter answers");
}

#[test]
fn guessing_makes_new_codes_longer_and_refuses_nobody() {
    let world = World::new();
    for _ in 0..4 {
        world.start();
    }
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB");
    now_or_never(world.server.expose(7_000, world.now()));
    world.wait(10);

    let longer = world.start();

    assert_eq!(longer.user_code.replace('-', "").len(), 10, "{}", longer.user_code);
    Person::at(&world, "203.0.113.9").approve_as(BOB.0, BOB.1, &longer.user_code);
    assert_eq!(world.poll_outcome(&longer.device_code), "issued");
    world.wait(330);
    assert_eq!(world.start().user_code.len(), 9, "codes are short again once the guesses are forgotten");
}

#[test]
fn a_wrong_password_and_an_unknown_name_look_alike() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    let attempt = |username: &str| {
        let page = person.sign_in(username, "wrong");
        (page.status, page.body.replace(username, ""))
    };

    assert_eq!(attempt("alice"), attempt("nobody"));
}

#[test]
fn wrong_passwords_slow_an_account_down_and_never_lock_it() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    for _ in 0..5 {
        assert_eq!(person.sign_in(ALICE.0, "wrong").status, 400);
    }

    let slowed = person.sign_in(ALICE.0, ALICE.1);
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, Some("1")));
    assert!(slowed.body.contains("1 second"));

    world.wait(1);
    assert_eq!(person.sign_in(ALICE.0, ALICE.1).status, 200);
}
