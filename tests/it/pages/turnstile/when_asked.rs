//! When the entry page has the widget.

use super::{
    ACTION, ALICE, CLOUDFLARE, UNCHECKED, WIDGET, always, assert_asks, calm, guess_codes, policy, send, solve,
};
use crate::support::World;
use crate::support::person::Person;
use crate::support::siteverify::{SECRET_KEY, SITE_KEY};

#[test]
fn without_keys_no_page_has_the_widget_even_while_codes_are_guessed() {
    let world = World::new();
    let before = Person::of(&world).open("/device");
    guess_codes(&world);
    let person = Person::of(&world);

    let page = person.open("/device");

    assert!(!page.body.contains(WIDGET) && !page.body.contains("<script"));
    assert_eq!(policy(&page), policy(&before));
    let started = world.start();
    assert_eq!(person.enter_as(ALICE.0, ALICE.1, &started.user_code).status, 200);
}

#[test]
fn while_nobody_guesses_the_pages_are_the_same_as_without_keys() {
    let (with, without) = (calm(), World::new());

    let [page, same] = [&with, &without].map(|world| Person::of(world).open("/device"));

    assert_eq!((page.body, page.status), (same.body, same.status));
    let started = with.start();
    Person::of(&with).approve_as(ALICE.0, ALICE.1, &started.user_code);
    assert!(with.server.platform.siteverify.asked.borrow().is_empty(), "siteverify is not asked");
}

#[test]
fn while_codes_are_guessed_the_entry_page_alone_has_the_widget_and_a_wider_policy() {
    let world = calm();
    let calm = policy(&Person::of(&world).open("/device")).to_owned();
    guess_codes(&world);
    let person = Person::of(&world);

    let entry = person.open("/device");

    assert!(entry.body.contains(&format!(
        "{WIDGET} data-sitekey=\"{SITE_KEY}\" data-action=\"{ACTION}\" data-size=\"flexible\"></div>"
    )));
    assert!(entry.body.contains("<noscript>") && !entry.body.contains(SECRET_KEY));
    assert_eq!(policy(&entry), format!("{calm}; script-src {CLOUDFLARE}; frame-src {CLOUDFLARE}"));
    let started = world.start();
    solve(&world, "good");
    for page in [
        send(&person, &started.user_code, "good"),
        person.sign_in(ALICE.0, ALICE.1),
        person.decide("approve"),
    ] {
        assert_eq!((page.status, policy(&page)), (200, calm.as_str()));
        assert!(!page.body.contains("<script"));
    }
    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn the_widget_goes_away_once_the_guesses_are_forgotten() {
    let world = calm();
    guess_codes(&world);
    world.wait(330);
    let started = world.start();

    Person::of(&world).approve_as(ALICE.0, ALICE.1, &started.user_code);

    assert!(world.server.platform.siteverify.asked.borrow().is_empty());
}

#[test]
fn the_widget_can_be_on_the_page_at_all_times() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);

    assert!(person.open("/device").body.contains(WIDGET));

    assert_asks(&person.enter(&started.user_code), &started.user_code, UNCHECKED);
}

#[test]
fn opening_a_page_changes_no_counter() {
    let world = calm();
    let started = world.start();
    world.wait(10);
    let before = world.server.platform.stored_counters();
    let page = format!("/device?user_code={}", started.user_code);

    assert!(!world.get(&page).body.contains(WIDGET));
    assert_eq!(world.server.platform.stored_counters(), before, "while nobody guesses");

    guess_codes(&world);
    let before = world.server.platform.stored_counters();
    assert!(world.get(&page).body.contains(WIDGET));
    assert_eq!(world.server.platform.stored_counters(), before, "not even old entries are removed");
}

#[test]
fn opening_pages_does_not_keep_live_codes_from_being_counted() {
    let world = calm();
    for _ in 0..3 {
        world.start();
        world.wait(9);
        world.get("/device");
    }
    world.wait(1);
    world.start();

    let counters = world.server.platform.stored_counters();
    let live: u64 = counters["exposure"].shards.values().map(|(live, _)| live).sum();
    assert!(live >= 3, "{live}");
}
