//! The page of a request: it can be reloaded, says what was decided, and ends what was approved by mistake.

use device_grant::audit::{Event, What};
use device_grant::endpoint::http::Request;
use device_grant::sub::Sub;

use super::{ALICE, BOB, enter, refresh_token};
use crate::support::World;
use crate::support::person::{Person, hidden};

/// The heading of the page of each decision.
const RESULTS: [(&str, &str); 3] = [
    ("approve", "<h1>Approved</h1>"),
    ("deny", "<h1>Refused</h1>"),
    ("report", "<h1>Refused and reported</h1>"),
];

fn decide(person: &Person<'_>, decision: &str) -> Request {
    person.form(&[("step", "decide"), ("decision", decision), ("confirm_device", "yes")])
}

#[test]
fn a_decision_leads_to_a_page_that_can_be_reloaded() {
    let world = World::new();
    for (decision, heading) in RESULTS {
        let started = world.start();
        let person = enter(&world, ALICE, &started.user_code);

        let redirect = person.exchange(decide(&person, decision));

        assert_eq!(redirect.status, 303);
        let location = redirect.header("location").expect("a location");
        assert!(location.starts_with("/device?request=") && !location.contains(&started.user_code));
        let result = person.open(location);
        assert!(result.status == 200 && result.body.contains(heading), "{}", result.body);
        let events = world.events();
        world.wait(60);
        assert_eq!(person.open(location).body, result.body, "{decision}: with the time of the decision");
        assert_eq!(world.events(), events, "a GET changes nothing");
    }
}

#[test]
fn the_same_form_sent_again_gets_what_it_decided_and_when() {
    let world = World::new();
    for (decision, heading) in RESULTS {
        let started = world.start();
        let person = enter(&world, ALICE, &started.user_code);
        let form = decide(&person, decision);
        let time = format!("at {} UTC", world.now().clock());
        person.send(form.clone());
        world.poll(&started.device_code);
        let events = world.events();
        world.wait(61);

        let again = person.send(form);

        assert!(again.status == 200 && again.body.contains(heading), "{decision}: {}", again.body);
        assert!(again.body.contains(&time) && !again.body.contains("changed nothing"), "{}", again.body);
        assert_eq!(world.events(), events);
    }
}

#[test]
fn a_double_click_whose_first_answer_is_lost_shows_the_decision() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let form = decide(&person, "approve");

    // The browser drops the first response, with its cookie.
    world.send(&form);
    let page = person.send(form);

    assert!(page.body.contains("<h1>Approved</h1>"), "{}", page.body);
    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn going_back_to_the_consent_page_shows_the_decision() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
    let consent = person.reload();
    assert!(consent.body.contains("value=\"approve\""), "the consent page can be reloaded as well");

    // A second tab does not have the cookie of the decision.
    let tab = person.window();
    person.decide("approve");

    assert!(person.reload().body.contains("<h1>Approved</h1>"));
    assert!(tab.reload().body.contains("<h1>Approved</h1>"));
}

#[test]
fn another_button_says_that_nothing_changed_and_offers_to_end_the_access() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let refuse = decide(&person, "deny");
    person.decide("approve");

    let page = person.send(refuse.clone());

    assert!(
        page.body.contains("changed nothing") && page.body.contains("<h1>Approved</h1>"),
        "{}",
        page.body
    );
    assert!(page.body.contains("End access"));
    assert_eq!(world.poll_outcome(&started.device_code), "issued", "the approval stands");

    world.wait(61);
    let page = person.submit(&[("step", "withdraw"), ("request", &named(&person))]);
    assert!(page.body.contains("<h1>Access ended</h1>"), "{}", page.body);
    assert!(page.body.contains(&format!("at {} UTC", world.now().clock())), "{}", page.body);
    assert!(!page.body.contains("End access"));
    let page = person.send(refuse);
    assert!(page.body.contains("changed nothing") && page.body.contains("<h1>Access ended</h1>"));
}

/// Returns the name of the request whose result the browser shows.
fn named(person: &Person<'_>) -> String {
    hidden(&person.page.borrow().body, "request").expect("a field")
}

#[test]
fn an_approval_ends_before_the_device_has_tokens_and_afterwards() {
    for redeemed in [false, true] {
        let world = World::new();
        let started = world.start();
        let person = enter(&world, ALICE, &started.user_code);
        person.decide("approve");
        let token = redeemed.then(|| refresh_token(&world.poll(&started.device_code)));

        let form = [("step", "withdraw"), ("request", &*named(&person))];
        let form = person.form(&form);
        person.send(form.clone());
        let again = person.send(form);

        assert!(again.body.contains("<h1>Access ended</h1>"), "{}", again.body);
        let expected = if redeemed { "invalid_grant" } else { "access_denied" };
        assert_eq!(world.poll_outcome(&started.device_code), expected);
        if let Some(token) = token {
            assert_eq!(crate::support::outcome(&world.refresh(&token)), "invalid_grant");
        }
        let events: Vec<Event> =
            world.recorded().into_iter().filter(|event| event.what == What::Withdrawn).collect();
        let [event] = &*events else { panic!("only once") };
        assert_eq!(event.account, Some(Sub::from("acct-7f3a51c2")));
    }
}

#[test]
fn only_the_session_that_approved_can_end_the_access() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    person.decide("approve");
    let request = named(&person);
    let form = [("step", "withdraw"), ("request", request.as_str())];

    let bob = enter(&world, BOB, &world.start().user_code);
    assert_eq!(bob.submit(&form).status, 409, "another browser");
    assert_eq!(person.window().submit_only(&[("step", "withdraw"), ("request", "guess")]).status, 409);
    let csrf = [("csrf", "guess"), ("step", "withdraw"), ("request", request.as_str())];
    assert_eq!(person.window().send(crate::support::post("/device", &csrf)).status, 403, "another site");
    person.enter(&world.start().user_code);
    person.submit(&[("step", "switch_account")]);
    person.sign_in(ALICE.0, ALICE.1);
    assert_eq!(person.submit(&form).status, 409, "another session of the same account");

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn others_learn_only_that_the_request_has_ended() {
    let world = World::new();
    let started = world.start();
    let alice = enter(&world, ALICE, &started.user_code);
    let redirect = alice.exchange(decide(&alice, "approve"));
    let location = redirect.header("location").expect("a location").to_owned();

    let bob = enter(&world, BOB, &world.start().user_code);
    let stranger = Person::of(&world);
    let cookies = [alice.cookie(), bob.cookie()].map(|cookie| cookie.expect("cookies"));
    let of = |cookies: &str, name: &str| {
        cookies.split("; ").find(|pair| pair.starts_with(&format!("{name}="))).expect("the cookie").to_owned()
    };
    let stolen = format!("{}; {}", of(&cookies[1], "device-grant"), of(&cookies[0], "device-grant-requests"));
    let (path, query) = location.split_once('?').expect("a query");
    let stolen = Request {
        cookie: Some(stolen),
        path: path.to_owned(),
        query: query.to_owned(),
        ..crate::support::get()
    };

    let pages = [bob.open(&location), stranger.open(&location), world.send(&stolen)];

    for page in pages {
        assert_eq!(page.status, 409);
        assert!(
            page.body.contains("This request has ended") && !page.body.contains("Demo TV"),
            "{}",
            page.body
        );
    }
}

#[test]
fn the_result_outlives_the_row_by_an_hour() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    person.decide("approve");
    let row = 300 + 60;
    world.wait(row - 1);
    assert!(person.reload().body.contains("End access"), "as long as the row is there");

    world.wait(1);
    let page = person.reload();
    assert!(page.body.contains("<h1>Approved</h1>") && !page.body.contains("End access"), "{}", page.body);
    world.wait(3_599);
    assert!(person.reload().body.contains("<h1>Approved</h1>"));
    world.wait(1);
    assert!(person.reload().body.contains("This request has ended"));
}

#[test]
fn a_consent_page_that_is_reloaded_too_late_says_when_the_request_expired() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
    world.wait(300);
    let end = world.now().clock();

    let page = person.reload();

    assert!(page.body.contains(&format!("expired at {end} UTC, so nothing was approved")), "{}", page.body);
}

#[test]
fn a_consent_page_that_is_reloaded_after_signing_out_asks_to_sign_in() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, &started.user_code);
    world.end_all_sessions();

    assert!(person.reload().body.contains("name=\"password\""));
    let consent = person.sign_in(ALICE.0, ALICE.1);

    assert!(consent.body.contains(&started.user_code), "the code is not lost");
}

#[test]
fn an_approval_sent_again_stands_even_if_the_client_is_disabled_by_then() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    let form = decide(&person, "approve");
    person.send(form.clone());
    world.change_client("demo-tv", |client| client.enabled = false);

    let page = person.send(form);

    assert!(page.body.contains("<h1>Approved</h1>"), "{}", page.body);
}

#[test]
fn a_browser_remembers_its_last_four_requests() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    let mut locations = Vec::new();
    for _ in 0..5 {
        person.enter(&world.start().user_code);
        let redirect = person.exchange(decide(&person, "deny"));
        locations.push(redirect.header("location").expect("a location").to_owned());
    }

    let statuses: Vec<u16> = locations.iter().map(|location| person.open(location).status).collect();

    assert_eq!(statuses, [409, 200, 200, 200, 200]);
    assert!(person.cookie().expect("cookies").len() < 2_600, "the cookies stay small");
}
