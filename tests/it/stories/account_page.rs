//! `/account`: what has access to an account, and how its owner ends that.

use std::collections::BTreeSet;

use device_grant::endpoint::http::{Request, Response};
use device_grant::language::Language;
use device_grant::place::Place;
use serde_json::json;

use super::devices::{as_printer, introspect, tokens_of_printer};
use super::{ALICE, BOB, refresh_token};
use crate::support::admin::Admin;
use crate::support::person::{Person, hidden};
use crate::support::{World, get, json as body, outcome, post};

const PAGE: &str = "/account";
/// No page may have more bytes.
const HEAVIEST: usize = 30_000;

/// Sends a form of the page that the browser shows to `/account`.
fn submit(person: &Person<'_>, fields: &[(&str, &str)]) -> Response {
    let csrf = hidden(&person.page.borrow().body, "csrf").unwrap_or_default();
    person.send(post(PAGE, &[&[("csrf", csrf.as_str())], fields].concat()))
}

/// Opens the page in a new browser, and signs in.
fn open_as<'a>(world: &'a World, (username, password): (&str, &str)) -> Person<'a> {
    let person = Person::of(world);
    person.open(PAGE);
    submit(&person, &[("step", "sign_in"), ("username", username), ("password", password)]);
    person
}

/// Returns what the log says about the page.
fn logged(page: &Response) -> (&'static str, &'static str) {
    let line = page.decisions.iter().rev().find(|line| line.what == "account");
    line.map_or(("no line", ""), |line| (line.outcome, line.reason))
}

/// Returns the identifiers of the devices that a page lists.
fn ids(page: &Response) -> Vec<String> {
    let links = page.body.split("<a href=\"/account?device=").skip(1);
    links.filter_map(|link| link.split('"').next()).map(str::to_owned).collect()
}

/// Lets alice approve `demo-tv`, and returns its refresh token.
fn television(world: &World) -> String {
    refresh_token(&world.poll(&world.approved().device_code))
}

/// Returns a browser of somebody at a place.
fn at(world: &World, place: Place) -> Person<'_> {
    let send =
        move |request: &Request| world.send(&Request { place: place.clone().into(), ..request.clone() });
    Person::before(send, "198.51.100.23")
}

fn network(asn: u32) -> Place {
    Place { country: Some("NG".to_owned()), asn: Some(asn), ..Place::default() }
}

#[test]
fn an_account_without_devices_says_how_to_get_one() {
    let world = World::new();
    let person = Person::of(&world);
    assert!(person.open(PAGE).body.contains("To see what has access to your account, sign in."));

    let page = submit(&person, &[("step", "sign_in"), ("username", ALICE.0), ("password", ALICE.1)]);

    assert_eq!((page.status, logged(&page)), (200, ("signed_in", "password")));
    assert!(page.body.contains("No device has access to your account."));
    assert!(page.body.contains("href=\"/device\">Enter a code</a>"));
    assert!(!page.body.contains("Recent activity") && !page.body.contains("end_all"));
    let page = submit(&person, &[("step", "sign_out")]);
    assert!(page.body.contains("To see what has access") && logged(&page) == ("done", "sign_out"));
}

#[test]
fn a_device_shows_where_it_came_from_and_what_it_may_do_and_gets_a_name() {
    let world = World::new();
    television(&world);
    world.wait(7_200);
    let person = open_as(&world, ALICE);
    let page = person.page.borrow().clone();
    assert!(page.body.contains("<strong><bdi>Demo TV</bdi></strong>"), "{}", page.body);
    let id = ids(&page).remove(0);

    let page = person.open(&format!("/account?device={id}"));
    for text in ["Unknown device, Unknown place", "See your email address", "Stay signed in", "day 20778, "] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let name = |name: &str| submit(&person, &[("step", "name"), ("device", &id), ("name", name)]);
    let page = name(" Living room ");
    assert_eq!((page.status, logged(&page)), (200, ("changed", "named")));
    assert!(page.body.contains("<h1><bdi>Living room</bdi></h1>"), "{}", page.body);
    assert!(person.open(PAGE).body.contains("(<bdi>Demo TV</bdi>)"), "the client is still named");
    person.open(&format!("/account?device={id}"));
    for bad in ["x\u{202e}y", &"x".repeat(61)] {
        let page = name(bad);
        assert_eq!((page.status, logged(&page)), (400, ("refused", "name_malformed")), "{bad}");
    }
    assert!(name("").body.contains("<h1><bdi>Demo TV</bdi></h1>"), "without a name, it has the client's");
}

#[test]
fn a_page_says_in_minutes_how_long_a_device_can_still_use_what_it_has() {
    let world = World::new();
    television(&world);
    let person = open_as(&world, ALICE);
    let id = ids(&person.page.borrow()).remove(0);
    let path = format!("/account?device={id}");
    assert!(
        person.open(&path).body.contains("If you end its access, the device is signed out within 15 minutes")
    );

    for (seconds, text) in [(61, "within 2 minutes"), (60, "within 1 minute,"), (3_600, "within 60 minutes")]
    {
        let changed = Admin(&world).patch("demo-tv", &json!({ "access_token_lifetime": seconds }));
        assert_eq!(changed.status, 200, "{}", changed.body);
        world.publish();
        world.wait(90);
        assert!(person.open(&path).body.contains(text), "{text}");
    }
    let consent = Person::of(&world);
    consent.approve_as(ALICE.0, ALICE.1, &world.start().user_code);
    let nonce = hidden(&consent.page.borrow().body, "request").expect("the request");
    let page = consent.submit_only(&[("step", "withdraw"), ("request", &nonce)]);
    assert!(page.body.contains("The device will be signed out within 60 minutes."), "{}", page.body);
}

#[test]
fn ending_a_device_ends_its_tokens_at_once() {
    let world = World::new();
    let tokens = tokens_of_printer(&world);
    let other = television(&world);
    let person = open_as(&world, ALICE);
    let listed = ids(&person.page.borrow().clone());
    let printer = listed
        .into_iter()
        .find(|id| person.open(&format!("/account?device={id}")).body.contains("Demo Printer"))
        .expect("the printer is listed");
    assert_eq!(introspect(&world, &tokens["access_token"])["active"], true);

    let page = submit(&person, &[("step", "end"), ("device", &printer)]);

    assert_eq!((page.status, logged(&page)), (200, ("changed", "devices_ended")));
    assert!(page.body.contains("1 device has lost its access.") && ids(&page).len() == 1, "{}", page.body);
    for token in ["access_token", "refresh_token"] {
        assert_eq!(introspect(&world, &tokens[token]), json!({ "active": false }));
    }
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token)];
    assert_eq!(outcome(&as_printer(&world, "/token", &refresh)), "invalid_grant");
    let authorization = tokens["access_token"].as_str().map(|token| format!("Bearer {token}"));
    let userinfo = world.send(&Request { path: "/userinfo".to_owned(), authorization, ..get() });
    assert_eq!(userinfo.status, 401);
    assert_eq!(world.refresh(&other).status, 200, "the other device goes on");
    let ended = world.recorded().into_iter().find(|event| event.by.is_some());
    assert!(ended.is_none(), "`by` is left out for the owner");

    let again = submit(&person, &[("step", "end"), ("device", &printer)]);
    assert_eq!((again.status, logged(&again)), (400, ("refused", "device_unknown")));
    assert!(again.body.contains("That device no longer has access."));
    assert_eq!(person.open(&format!("/account?device={printer}")).status, 404);
}

#[test]
fn all_devices_end_together_but_only_with_the_box_ticked() {
    let world = World::new();
    let tokens = [television(&world), television(&world), television(&world)];
    let person = open_as(&world, ALICE);

    let page = submit(&person, &[("step", "end_all")]);
    assert_eq!((page.status, logged(&page)), (400, ("refused", "unconfirmed")));
    assert!(page.body.contains("check the box first") && ids(&page).len() == 3);
    let page = submit(&person, &[("step", "end_all"), ("confirm", "yes")]);

    assert!(page.body.contains("3 devices have lost their access."), "{}", page.body);
    assert!(tokens.iter().all(|token| outcome(&world.refresh(token)) == "invalid_grant"));
}

#[test]
fn nobody_sees_names_or_ends_what_belongs_to_another_account() {
    let world = World::new();
    let token = television(&world);
    let id = ids(&open_as(&world, ALICE).page.borrow()).remove(0);
    // The rows of bob are in another object, and those of the neighbor in the same one.
    let neighbor = world.neighbor_of_alice();
    for other in [BOB, (&neighbor, BOB.1)] {
        let other = open_as(&world, other);
        assert_eq!(other.open(&format!("/account?device={id}")).status, 404);
        for step in ["name", "end"] {
            let page = submit(&other, &[("step", step), ("device", &id), ("name", "Mine")]);
            assert_eq!((page.status, logged(&page)), (400, ("refused", "device_unknown")), "{step}");
        }
        submit(&other, &[("step", "end_all"), ("confirm", "yes")]);
    }

    assert_eq!(world.refresh(&token).status, 200);
}

#[test]
fn a_form_of_another_site_or_session_changes_nothing() {
    let world = World::new();
    let token = television(&world);
    let person = open_as(&world, ALICE);
    let all = [("step", "end_all"), ("confirm", "yes")];
    let twin = person.window();

    let forged = person.send(post(PAGE, &[&all[..], &[("csrf", "x")]].concat()));
    assert_eq!((forged.status, logged(&forged)), (403, ("refused", "csrf")));
    assert!(forged.body.contains("while this page was open, so nothing has changed."), "{}", forged.body);
    let csrf = hidden(&twin.page.borrow().body, "csrf").expect("a token");
    let form = [&all[..], &[("csrf", csrf.as_str())]].concat();
    let foreign = Request { origin: Some("https://evil.example".to_owned()), ..post(PAGE, &form) };
    let refused = twin.send(foreign);
    assert_eq!((refused.status, logged(&refused)), (403, ("refused", "cross_site")));
    let strange = person.window().send(post(PAGE, &[("csrf", csrf.as_str()), ("step", "everything")]));
    assert_eq!(strange.status, 400);
    let late = person.window();
    world.wait(3_601);
    let refused = late.send(post(PAGE, &form));
    assert_eq!((refused.status, logged(&refused)), (403, ("refused", "no_session")));
    assert!(refused.body.contains("You’ve been signed out, so nothing has changed. Sign in again."));

    assert_eq!(world.refresh(&token).status, 200);
}

#[test]
fn a_long_list_has_pages_with_every_device_once() {
    let world = World::new();
    for _ in 0..20 {
        television(&world);
        world.wait(60);
    }
    let person = open_as(&world, ALICE);
    submit(&person, &[("step", "confirm"), ("client", "demo-tv")]);
    let (mut all, mut page) = (Vec::new(), person.page.borrow().clone());
    loop {
        let ids = ids(&page);
        assert!(ids.len() <= 8);
        all.extend(ids);
        let Some((_, next)) = page.body.split_once("href=\"/account?after=") else { break };
        page = person.open(&format!("/account?after={}", next.split('"').next().unwrap_or_default()));
        assert!(page.body.contains("Back to your account"));
    }

    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (20, 20));
    assert!(!page.body.contains("Where you’re signed in"), "only the first page has the rest");
}

#[test]
fn a_full_page_is_light_in_every_language() {
    let world = World::new();
    for _ in 0..9 {
        television(&world);
        world.wait(60);
    }
    let person = open_as(&world, ALICE);
    let _others = [open_as(&world, ALICE), open_as(&world, ALICE), open_as(&world, ALICE)];
    for language in Language::ALL {
        let page = submit(&person, &[("step", "language"), ("language", language.tag())]);
        assert_eq!((page.status, ids(&page).len()), (200, 8));
        assert!(page.body.len() < HEAVIEST, "{language:?}: {} bytes", page.body.len());
        assert!(page.body.contains(&format!("<html lang=\"{}\"", language.tag())));
    }
}

#[test]
fn the_language_menu_shows_the_same_device() {
    let world = World::new();
    television(&world);
    let person = open_as(&world, ALICE);
    let id = ids(&person.page.borrow()).remove(0);
    person.open(&format!("/account?device={id}"));

    let page = submit(&person, &[("step", "language"), ("language", "de"), ("device", &id)]);

    assert!(page.body.contains("Was es tun kann") && page.body.contains("Von Ihnen genehmigt"));
    assert_eq!(
        page.header("set-cookie").map(|cookie| cookie.starts_with("device-grant-language=de")),
        Some(true)
    );
}

#[test]
fn wrong_passwords_slow_an_account_down_and_say_for_how_long() {
    let world = World::new();
    let person = Person::of(&world);
    person.open(PAGE);
    let sign_in =
        |password| submit(&person, &[("step", "sign_in"), ("username", ALICE.0), ("password", password)]);
    for _ in 0..5 {
        assert_eq!(sign_in("wrong").status, 400);
    }

    let slowed = sign_in(ALICE.1);
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, Some("1")));
}

#[test]
fn sessions_end_one_by_one_or_all_but_this_one() {
    let world = World::new();
    let person = open_as(&world, ALICE);
    let [one, two, three] = [0, 1, 2].map(|_| open_as(&world, ALICE));
    let sees = |person: &Person<'_>| person.open(PAGE).body.contains("Devices with access");
    let page = person.open(PAGE);
    assert_eq!(page.body.matches("this browser").count(), 1);
    let named: Vec<&str> = page.body.split("name=\"session\" value=\"").skip(1).collect();
    assert_eq!(named.len(), 3);
    let id = named[0].split('"').next().expect("a digest");

    let ended = submit(&person, &[("step", "end_session"), ("session", id)]);
    assert_eq!(logged(&ended), ("changed", "session_ended"));
    let signed_out =
        || world.account_changes().iter().filter(|change| change["what"] == "account_signed_out").count();
    assert_eq!(signed_out(), 1);
    assert_eq!([&one, &two, &three].into_iter().filter(|other| sees(other)).count(), 2);
    let neighbor = world.neighbor_of_alice();
    let [bob, neighbor] = [BOB, (&neighbor, BOB.1)].map(|other| open_as(&world, other));
    let left = person.open(PAGE);
    let id = left.body.split("name=\"session\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    for other in [&bob, &neighbor] {
        submit(other, &[("step", "end_session"), ("session", id.expect("a digest"))]);
    }
    assert_eq!([&one, &two, &three].into_iter().filter(|other| sees(other)).count(), 2, "they end nothing");
    submit(&person, &[("step", "end_sessions")]);

    assert_eq!(signed_out(), 2, "the forms of others ended nothing");
    assert!(sees(&person) && sees(&bob) && ![&one, &two, &three].into_iter().any(sees));
    assert!(!person.page.borrow().body.contains("Sign out everywhere else"));
}

#[test]
fn recent_decisions_are_listed_and_a_lost_note_loses_no_decision() {
    let world = World::new();
    for decision in ["approve", "deny", "report"] {
        let person = Person::of(&world);
        person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
        person.decide(decision);
        world.wait(60);
    }

    let page = open_as(&world, ALICE).page.borrow().body.clone();
    let places: Vec<usize> = ["You reported", "You refused", "You approved"]
        .into_iter()
        .map(|text| page.find(text).unwrap_or_else(|| panic!("{text}: {page}")))
        .collect();
    assert!(places.is_sorted(), "the newest comes first");
    assert!(!open_as(&world, BOB).page.borrow().body.contains("Recent activity"));
}

#[test]
fn a_client_that_is_new_is_shown_until_the_person_knows_of_it_and_told_to_the_operator_once() {
    let world = World::new();
    television(&world);
    television(&world);
    let person = open_as(&world, ALICE);
    let page = person.page.borrow().body.clone();
    assert_eq!(page.matches("for the first time").count(), 1, "{page}");
    assert!(person.open(PAGE).body.contains("for the first time"), "looking confirms nothing");

    let page = submit(&person, &[("step", "confirm"), ("client", "demo-tv")]);
    assert_eq!(logged(&page), ("changed", "confirmed"));
    assert!(!page.body.contains("for the first time") && ids(&page).len() == 2);
    tokens_of_printer(&world);
    assert!(person.open(PAGE).body.contains(">Demo Printer</bdi> has access to your account for the first"));

    let told: Vec<_> = world
        .account_events()
        .into_iter()
        .map(|event| {
            let of = (event.account.is_some(), event.approval_id.is_some());
            (event.client_id.clone(), of, event.is_for_webhook())
        })
        .collect();
    let of = (true, true);
    assert_eq!(told, [("demo-tv".to_owned(), of, true), ("demo-printer".to_owned(), of, true)]);
}

#[test]
fn consent_says_how_the_access_ends() {
    let world = World::new();
    let person = Person::of(&world);
    let page = person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
    let link = "<a href=\"/account\">Your account</a>";
    let long = format!("You can end it under {link}. It lasts up to 30 days.");
    assert!(page.body.contains(&long), "{}", page.body);

    let short = world.start_with(&[("client_id", "demo-tv"), ("scope", "openid")]);
    let page = Person::of(&world).enter_as(ALICE.0, ALICE.1, &short.user_code);
    let short = format!("This access ends on its own after 15 minutes. You can end it sooner under {link}.");
    assert!(page.body.contains(&short), "{}", page.body);
}

/// Starts `demo-tv` from a network, and returns its codes.
fn start_from(world: &World, asn: u32) -> (String, String) {
    let form = [("client_id", "demo-tv"), ("scope", "openid offline_access")];
    let request = Request { place: network(asn).into(), ..post("/device_authorization", &form) };
    let codes = body(&world.send(&request));
    let text = |name: &str| codes.get(name).and_then(|code| code.as_str()).unwrap_or_default().to_owned();
    (text("user_code"), text("device_code"))
}

#[test]
fn after_a_report_the_person_can_end_what_the_same_network_obtained_in_the_last_day() {
    let world = World::new();
    let person = at(&world, network(3_320));
    let obtain = |asn| {
        let (user_code, device_code) = start_from(&world, asn);
        let consent = person.enter(&user_code);
        if consent.body.contains("name=\"password\"") {
            person.sign_in(ALICE.0, ALICE.1);
        }
        person.decide("approve");
        refresh_token(&world.poll(&device_code))
    };
    let old = obtain(37_148);
    world.wait(86_401);
    let (one, two, elsewhere) = (obtain(37_148), obtain(37_148), obtain(64_500));
    person.enter(&start_from(&world, 37_148).0);

    let page = person.decide("report");

    assert!(page.body.contains("In the last 24 hours, 2 devices got access"), "{}", page.body);
    let nonce = hidden(&page.body, "request").expect("the request");
    let page = person.submit_only(&[("step", "end_source"), ("request", &nonce)]);
    assert!(page.body.contains("2 devices have lost their access."), "{}", page.body);
    assert!(!page.body.contains("In the last 24 hours"), "nothing is left to end");
    assert!([one, two].iter().all(|token| outcome(&world.refresh(token)) == "invalid_grant"));
    assert!([old, elsewhere].iter().all(|token| world.refresh(token).status == 200));
}

#[test]
fn a_report_offers_nothing_if_nothing_else_came_from_there_or_the_place_is_not_known() {
    let world = World::new();
    television(&world);
    for asn in [Some(37_148), None] {
        let person = Person::of(&world);
        let code = asn.map_or_else(|| world.start().user_code, |asn| start_from(&world, asn).0);
        person.enter_as(ALICE.0, ALICE.1, &code);
        let page = person.decide("report");
        assert!(page.body.contains("Refused and reported") && !page.body.contains("24 hours"));
    }
    let denied = Person::of(&world);
    denied.enter_as(ALICE.0, ALICE.1, &start_from(&world, 37_148).0);
    let nonce = hidden(&denied.decide("deny").body, "request").expect("the request");
    denied.open("/device");
    let page = denied.submit_only(&[("step", "end_source"), ("request", &nonce)]);
    assert!(page.body.contains("Refused") && !page.body.contains("lost"), "a refusal names no source");
}
