//! The consent page: which window, browser and account may decide, and what the page shows.

use device_grant::endpoint::http::Request;

use super::{ALICE, BOB, enter};
use crate::support::person::{Person, hidden};
use crate::support::{World, json, post};

#[test]
fn every_page_of_a_code_in_one_session_decides() {
    let world = World::new();
    let started = world.start();
    let first = enter(&world, ALICE, &started.user_code);
    let second = first.window();
    second.enter(&started.user_code);

    assert_eq!(first.decide("approve").status, 200);

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
    assert!(second.decide("approve").body.contains("<h1>Approved</h1>"));
    assert_eq!(world.events().iter().filter(|event| *event == "consent_opened").count(), 1);
}

#[test]
fn a_page_of_an_older_session_of_the_same_account_no_longer_decides() {
    let world = World::new();
    let started = world.start();
    let older = enter(&world, ALICE, &started.user_code);
    let newer = enter(&world, ALICE, &started.user_code);

    let refused = older.decide("approve");

    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("Opened elsewhere"));
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
    assert_eq!(newer.decide("approve").status, 200);
}

#[test]
fn another_account_in_the_same_browser_takes_over_the_page() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let alices_window = person.window();

    person.submit(&[("step", "switch_account")]);
    person.sign_in(BOB.0, BOB.1);

    assert_eq!(alices_window.decide("approve").status, 403, "alice is signed out");
    person.decide("approve");
    let claims = crate::support::claims(
        json(&world.poll(&started.device_code))["id_token"].as_str().expect("an ID token"),
    );
    assert_eq!(claims["preferred_username"], "bob");
}

#[test]
fn a_window_left_behind_by_another_account_says_that_the_request_is_open_elsewhere() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let older = person.page.borrow().clone();
    person.submit(&[("step", "switch_account")]);
    person.sign_in(BOB.0, BOB.1);

    // The same browser has the newer cookie, but this window has the older form.
    person.page.replace(older);
    let page = person.decide("approve");

    assert_eq!(page.status, 403);
    assert!(page.body.contains("Opened elsewhere"));
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn a_second_account_in_another_browser_ends_the_code() {
    let world = World::new();
    let started = world.start();
    let alice = enter(&world, ALICE, &started.user_code);

    let bob = enter(&world, BOB, &started.user_code);

    assert!(bob.page.borrow().body.contains("didn’t work"));
    assert_eq!(alice.decide("approve").status, 409);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
    assert!(world.events().contains(&"contested".to_owned()));
}

#[test]
fn the_same_account_may_change_browsers() {
    let world = World::new();
    let started = world.start();
    enter(&world, ALICE, &started.user_code);

    let phone = enter(&world, ALICE, &started.user_code);

    assert_eq!(phone.decide("approve").status, 200);
}

#[test]
fn a_decision_is_final() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let again = person.window();
    person.decide("deny");

    assert!(again.decide("approve").body.contains("<h1>Refused</h1>"));
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
}

#[test]
fn a_form_without_a_decision_is_refused_and_asks_again() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);

    for fields in [&[("step", "decide")][..], &[("step", "decide"), ("decision", "maybe")]] {
        assert_eq!(person.submit(fields).status, 400);
    }

    assert_eq!(person.decide("deny").status, 200);
}

#[test]
fn the_page_shows_where_the_request_came_from_and_where_the_person_is() {
    let world = World::new();
    let place = |city: &str, country: &str| device_grant::place::Place {
        city: Some(city.to_owned()),
        country: Some(country.to_owned()),
        operator: Some(format!("{city} Telecom")),
        asn: Some(64500),
        ..Default::default()
    };
    let start = Request {
        place: place("Lyon", "FR").into(),
        user_agent: Some("curl/8.4".to_owned()),
        ..post("/device_authorization", &[("client_id", "demo-tv")])
    };
    let user_code = json(&world.send(&start))["user_code"].as_str().expect("a code").to_owned();
    let person = Person::of(&world);
    person.enter(&user_code);
    let page = person.page.borrow().body.clone();
    let fields = [
        ("csrf", hidden(&page, "csrf").expect("a token")),
        ("transaction", hidden(&page, "transaction").expect("a field")),
        ("step", "sign_in".to_owned()),
        ("username", ALICE.0.to_owned()),
        ("password", ALICE.1.to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let user_agent = Some("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)".to_owned());

    person.send(post("/device", &fields));
    let here = Request { place: place("Oslo", "NO").into(), user_agent, ..crate::support::get() };
    let consent = person.reload_from(here).body;

    for words in [
        "Lyon</bdi>, <bdi>France",
        "Lyon Telecom<",
        "Command line (<bdi>curl</bdi>)",
        "Oslo</bdi>, <bdi>Norway",
        "iPhone",
        "Just now, 12:00 UTC",
    ] {
        assert!(consent.contains(words), "{words}");
    }
}

#[test]
fn only_documents_on_https_are_linked_to() {
    let world = World::new();
    let started = world.start();
    world.change_client("demo-tv", |client| {
        client.about.policy_uri = Some("https://example.com/privacy".to_owned());
        client.about.tos_uri = Some("javascript:alert(1)".to_owned());
    });
    world.wait(20);

    let page = enter(&world, ALICE, &started.user_code).page.borrow().body.clone();

    assert!(page.contains(r#"<a href="https://example.com/privacy""#));
    assert!(!page.contains("javascript:") && !page.contains("Its terms of service"));
}
