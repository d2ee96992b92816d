//! What a token of the widget is worth, and for how long.

use super::{
    ACTION, ALICE, BOB, HOST, NOT_ACCEPTED, UNCHECKED, WIDGET, always, assert_asks, calm, guess_codes,
    reason, send, solve,
};
use crate::support::person::Person;

#[test]
fn without_a_token_the_page_is_shown_again_with_the_code() {
    let world = calm();
    guess_codes(&world);
    let started = world.start();
    let person = Person::of(&world);

    let page = person.enter(&started.user_code);

    assert_eq!((page.status, reason(&page)), (400, ("unchecked", "turnstile_missing")));
    assert_asks(&page, &started.user_code, UNCHECKED);
    solve(&world, "good");
    assert_eq!(send(&person, &started.user_code, "good").status, 200, "the page that was shown works");
    assert_eq!(person.sign_in(ALICE.0, ALICE.1).status, 200);
}

#[test]
fn a_code_from_a_link_needs_a_token_too() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);

    let page = person.open(&format!("/device?user_code={}", started.user_code));

    assert!(page.body.contains(WIDGET) && page.body.contains("Yes, continue"));
    let page = person.submit(&[("step", "code"), ("user_code", &started.user_code)]);
    assert_asks(&page, &started.user_code, UNCHECKED);
}

#[test]
fn a_token_counts_once_and_only_here() {
    let world = always();
    let started = world.start();
    let siteverify = &world.server.platform.siteverify;
    siteverify.solve("token-elsewhere", "evil.example", ACTION);
    siteverify.solve("token-other-action", HOST, "login");
    solve(&world, "token-good");
    let person = Person::of(&world);
    person.open("/device");
    assert_eq!(send(&person, &started.user_code, "token-good").status, 200);
    person.open("/device");

    let too_long = "x".repeat(2_049);
    for (token, expected) in [
        ("token-good", "turnstile_spent"),
        ("token-elsewhere", "turnstile_other_host"),
        ("token-other-action", "turnstile_other_action"),
        ("token-made-up", "turnstile_invalid"),
        (&too_long, "turnstile_invalid"),
    ] {
        let page = send(&person, &started.user_code, token);

        assert_eq!((page.status, reason(&page)), (400, ("unchecked", expected)));
        assert_asks(&page, &started.user_code, NOT_ACCEPTED);
        assert!(!page.body.contains(token));
    }
    assert!(
        !siteverify.asked.borrow().contains(&too_long),
        "siteverify is not asked about a token of that length"
    );
}

#[test]
fn an_entry_without_a_good_token_uses_up_no_budget() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);
    solve(&world, "first");
    person.open("/device");
    send(&person, "BBBB-BBBB", "first");
    person.sign_in(ALICE.0, ALICE.1);
    world.server.platform.grant_hops.set(0);

    for _ in 0..40 {
        assert_eq!(send(&person, "CCCC-CCCC", "made up").status, 400);
        assert_eq!(person.enter("CCCC-CCCC").status, 400);
    }

    assert_eq!(world.server.platform.grant_hops.get(), 0, "no code was looked up");
    solve(&world, "second");
    let page = send(&person, &started.user_code, "second");
    assert_eq!((page.status, reason(&page)), (200, ("consent_shown", "consent_shown")));
}

#[test]
fn every_guess_needs_a_token_of_its_own() {
    let world = always();
    let person = Person::of(&world);
    solve(&world, "first");
    person.open("/device");
    send(&person, "BBBB-BBBB", "first");
    let page = person.sign_in(ALICE.0, ALICE.1);
    assert_eq!(reason(&page), ("wrong", "absent"));

    let page = send(&person, "CCCC-CCCC", "first");

    assert_eq!(reason(&page), ("unchecked", "turnstile_spent"));
}

#[test]
fn a_malformed_code_spends_no_token() {
    let world = always();
    solve(&world, "good");
    let person = Person::of(&world);
    person.open("/device");

    let page = send(&person, "AEIOU", "good");

    assert_eq!((page.status, reason(&page)), (400, ("wrong", "malformed")));
    assert!(page.body.contains(WIDGET), "the next entry needs a token");
    assert!(world.server.platform.siteverify.asked.borrow().is_empty());
}

#[test]
fn a_sign_in_begun_before_the_guessing_needs_a_token_after_it() {
    let world = calm();
    let started = world.start();
    let person = Person::of(&world);
    person.enter(&started.user_code);
    guess_codes(&world);

    let page = person.sign_in(ALICE.0, ALICE.1);

    assert_eq!((page.status, reason(&page)), (200, ("unchecked", "turnstile_missing")));
    assert_asks(&page, &started.user_code, UNCHECKED);
    assert!(page.body.contains("Signed in as"), "the person need not type the password again");
    solve(&world, "good");
    assert_eq!(reason(&send(&person, &started.user_code, "good")), ("consent_shown", "consent_shown"));
    assert_eq!(person.decide("approve").status, 200);
}

#[test]
fn a_token_counts_through_a_wrong_password_and_a_change_of_account() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);
    person.open("/device");
    solve(&world, "good");
    send(&person, &started.user_code, "good");
    person.sign_in(ALICE.0, "looking-glass");
    assert_eq!(person.sign_in(ALICE.0, ALICE.1).status, 200);

    person.submit(&[("step", "switch_account")]);
    let page = person.sign_in(BOB.0, BOB.1);

    assert_eq!(reason(&page), ("consent_shown", "consent_shown"));
    assert_eq!(*world.server.platform.siteverify.asked.borrow(), ["good"]);
}

#[test]
fn a_token_counts_no_longer_than_a_code_lives() {
    let world = always();
    let person = Person::of(&world);
    person.open("/device");
    solve(&world, "good");
    send(&person, "BBBB-BBBB", "good");
    let form = person.window();
    world.wait(299);
    assert_eq!(reason(&person.sign_in(ALICE.0, ALICE.1)), ("wrong", "absent"));
    world.wait(1);

    let page = form.sign_in(BOB.0, BOB.1);

    assert_eq!(reason(&page), ("unchecked", "turnstile_missing"));
}
