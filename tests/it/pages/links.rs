//! `verification_uri_complete`: it tells when its code has expired, and loses it to nothing else in the link.

use serde_json::Value;

use crate::support::person::{Person, hidden};
use crate::support::{Started, World};

fn link(started: &Started) -> String {
    let uri = started.answer.get("verification_uri_complete").and_then(Value::as_str).expect("a link");
    uri.trim_start_matches("http://127.0.0.1:8787").to_owned()
}

fn filled_in(page: &str) -> Option<String> {
    hidden(page, "user_code").filter(|code| !code.is_empty())
}

#[test]
fn an_expired_link_says_so_and_costs_no_try_and_no_look_up() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    let in_time = person.open(&link(&started));
    assert_eq!(filled_in(&in_time.body), Some(started.user_code.clone()));
    world.wait(300);
    let end = world.now().clock();
    world.cost();

    let pages = [
        person.open(&link(&started)),
        // The page was opened in time, and is sent too late.
        person.window().submit(&[
            ("step", "code"),
            ("user_code", &started.user_code),
            ("e", &hidden(&in_time.body, "e").expect("the proof")),
        ]),
    ];

    for page in pages {
        assert!(page.body.contains(&format!("expired at {end} UTC")), "{}", page.body);
        assert_eq!(filled_in(&page.body), None);
    }
    let cost = world.cost();
    assert_eq!((cost.limit_hops, cost.grant_hops), (0, 0), "{cost:?}");
}

#[test]
fn a_code_from_a_link_without_a_right_proof_counts_as_typed() {
    let world = World::new();
    let started = world.start();
    world.wait(300);
    let complete = link(&started);
    let forged = complete.replace("&e=", "&e=A");
    for path in [forged.as_str(), complete.split('&').next().expect("a path")] {
        let page = Person::of(&world).open(path);

        assert_eq!(filled_in(&page.body), Some(started.user_code.clone()), "{path}");
        assert!(!page.body.contains("expired at"), "{path}");
    }
    let person = Person::of(&world);
    let page = person.enter_as("alice", "wonderland-8787", &started.user_code);
    assert!(page.body.contains("That code didn’t work."), "a typed dead code is told like a wrong one");
}

#[test]
fn what_is_broken_elsewhere_in_a_link_does_not_lose_the_code() {
    let world = World::new();
    let started = world.start();
    for more in ["&utm_source=%ff", "&a=1&a=2", "&%", "&user_code=BBBB-BBBB", "&=&&x=%E4"] {
        let page = Person::of(&world).open(&format!("{}{more}", link(&started)));

        assert_eq!(filled_in(&page.body), Some(started.user_code.clone()), "{more}");
    }
}

#[test]
fn a_link_stays_short_enough_for_a_small_qr_code() {
    let world = World::new();
    let complete = link(&world.start());

    // Version 5 with medium error correction holds 84 bytes: these, and 42 for scheme and host.
    assert!(complete.len() <= 42, "{complete}");
}

#[test]
fn the_code_to_compare_is_read_letter_by_letter_to_a_screen_reader() {
    let world = World::new();
    let started = world.start();

    let page = Person::of(&world).open(&link(&started)).body;

    let letters: String = started
        .user_code
        .chars()
        .map(|symbol| if symbol == '-' { ", ".to_owned() } else { format!("{symbol} ") })
        .collect();
    assert!(page.contains(&format!("id=\"code_letters\" translate=\"no\">{letters}</p>")), "{page}");
    assert!(page.contains("aria-describedby=\"code_letters code_hint\""));
}
