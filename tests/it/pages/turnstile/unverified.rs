//! Tokens that siteverify cannot verify, and Cloudflare's keys for tests.

use super::{ALICE, ALWAYS, KEYS, always, reason, send, solve};
use crate::support::World;
use crate::support::person::Person;

#[test]
fn a_token_that_cannot_be_verified_is_a_503_and_can_be_sent_again() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);
    person.open("/device");
    solve(&world, "good");
    let siteverify = &world.server.platform.siteverify;
    let says = |text: &str| siteverify.instead.replace(Some(text.to_owned()));

    world.set_down("siteverify", true);
    let entry = person.window();
    let unreachable = send(&person, &started.user_code, "good");
    world.set_down("siteverify", false);
    let mut failures = vec![(unreachable, "turnstile_unreachable")];
    for (answer, expected) in [
        ("<html>", "turnstile_unreadable"),
        (r#"{"success":"yes"}"#, "turnstile_unreadable"),
        (r#"{"success":false,"error-codes":["invalid-input-secret"]}"#, "turnstile_secret_key"),
        (r#"{"success":false,"error-codes":["internal-error"]}"#, "turnstile_error"),
    ] {
        says(answer);
        failures.push((send(&entry.window(), &started.user_code, "good"), expected));
    }

    for (page, expected) in failures {
        assert_eq!((page.status, page.header("retry-after")), (503, Some("5")), "{expected}");
        assert_eq!(reason(&page), ("unavailable", expected));
    }
    siteverify.instead.replace(None);
    assert_eq!(send(&entry, &started.user_code, "good").status, 200, "the same form, sent again");
    assert_eq!(entry.sign_in(ALICE.0, ALICE.1).status, 200);
}

#[test]
fn over_the_platforms_rate_limit_siteverify_is_not_asked() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);
    person.open("/device");
    solve(&world, "good");
    world.set_down("rate limit", true);

    let page = send(&person, &started.user_code, "good");

    assert_eq!((page.status, page.header("retry-after")), (429, Some("60")));
    assert!(world.server.platform.siteverify.asked.borrow().is_empty());
}

#[test]
fn cloudflares_secret_keys_for_tests_work_in_development() {
    let test_keys = [
        ("TURNSTILE_SITE_KEY", "1x00000000000000000000AA"),
        ("TURNSTILE_SECRET_KEY", "1x0000000000000000000000000000000AA"),
    ];
    let world = World::with(&[&KEYS[..], &test_keys, &[ALWAYS]].concat());
    let started = world.start();
    let answer = r#"{"success":true,"error-codes":[],"hostname":"example.com","metadata":{"result_with_testing_key":true}}"#;
    world.server.platform.siteverify.instead.replace(Some(answer.to_owned()));
    let person = Person::of(&world);
    person.open("/device");

    assert_eq!(send(&person, &started.user_code, "XXXX.DUMMY.TOKEN.XXXX").status, 200);
}
