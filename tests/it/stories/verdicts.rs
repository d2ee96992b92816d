//! Near, far or unknown: on the consent page, in events and in the log.

use device_grant::coordinates::Coordinates;
use device_grant::endpoint::http::{Request, Response};
use device_grant::place::Place;
use device_grant::verdict::Verdict;
use serde_json::{Value, json};

use super::ALICE;
use crate::support::person::Person;
use crate::support::{World, json as body, post};

const CLIENT: (&str, &str) = ("client_id", "demo-tv");
const SUB: &str = "acct-7f3a51c2";

fn place(country: &str, city: &str, coordinates: (f64, f64), asn: u32) -> Place {
    let text = |text: &str| Some(text.to_owned());
    let coordinates = Coordinates::of(coordinates.0, coordinates.1);
    Place { country: text(country), city: text(city), coordinates, asn: Some(asn), ..Place::default() }
}

pub(super) fn berlin() -> Place {
    place("DE", "Berlin", (52.52, 13.405), 3_320)
}

pub(super) fn lagos() -> Place {
    place("NG", "Lagos", (6.455, 3.384), 37_148)
}

/// Starts a grant from `there`. Returns its user code.
pub(super) fn start(world: &World, there: Place) -> String {
    let request = Request { place: there.into(), ..post("/device_authorization", &[CLIENT]) };
    user_code(&world.send(&request))
}

fn user_code(started: &Response) -> String {
    body(started).get("user_code").and_then(Value::as_str).expect("a code").to_owned()
}

/// Returns a browser in Berlin.
pub(super) fn in_berlin(world: &World) -> Person<'_> {
    let send = |request: &Request| world.send(&Request { place: berlin().into(), ..request.clone() });
    Person::before(send, "198.51.100.23")
}

/// Returns the words of a piece of HTML.
fn words(html: &str) -> String {
    html.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text).collect()
}

/// Returns the verdicts in the lines of the log.
fn logged(page: &Response) -> Vec<Option<Verdict>> {
    page.decisions.iter().map(|line| line.verdict).collect()
}

/// Returns the event of this kind, as JSON.
fn event(world: &World, what: &str) -> Value {
    let all = world.recorded().into_iter().map(|event| serde_json::to_value(event).expect("it serializes"));
    all.into_iter()
        .find(|event| event.get("what").is_some_and(|kind| kind == what))
        .unwrap_or_else(|| panic!("no event {what}"))
}

#[test]
fn a_far_request_begins_with_both_places_and_a_button_that_refuses() {
    let world = World::new();
    let person = in_berlin(&world);

    let page = person.enter_as(ALICE.0, ALICE.1, &start(&world, lagos()));

    let (before, after) = page.body.split_once("Let <bdi class=\"client\">").expect("the heading");
    assert!(words(before).contains("This request comes from Lagos, Nigeria. You are in Berlin, Germany."));
    assert!(before.contains("class=\"far\"") && before.contains("value=\"deny\""));
    assert!(!before.contains("approve"), "nothing else comes first");
    assert!(words(after).contains("Lagos, Nigeria (about 5200 km away)"));
    assert!(after.contains("<details class=\"details\" open>") && !page.body.contains("Same area"));
    assert_eq!(logged(&page), [Some(Verdict::Far), None], "the code entry, and the sign-in before it");
    let refused = person.submit(&[("step", "decide"), ("decision", "deny")]);
    assert_eq!((refused.status, logged(&refused)), (200, vec![Some(Verdict::Far)]));
}

#[test]
fn a_far_request_says_what_else_it_can_mean_and_what_to_check() {
    let world = World::new();

    let page = words(&in_berlin(&world).enter_as(ALICE.0, ALICE.1, &start(&world, lagos())).body);

    for said in [
        "Only approve if you started this yourself.",
        "A VPN, roaming or a company network can make your own device look far away.",
        "Even then, only approve if your device shows the code below.",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
}

#[test]
fn the_parts_of_the_page_have_one_order_and_the_code_is_there_once() {
    let world = World::new();
    let (near, far, unknown) = (berlin(), lagos(), Place::default());
    for (there, verdict) in [
        (near, "Same area as you"),
        (far, "A VPN, roaming"),
        (unknown, "We don’t know where this request comes from"),
    ] {
        let user_code = start(&world, there);
        let page = in_berlin(&world).enter_as(ALICE.0, ALICE.1, &user_code).body;

        let parts = [
            "Let <bdi class=\"client\">",
            verdict,
            &user_code,
            "If you approve, the device can:",
            "confirm_device",
        ];
        let places = parts.map(|part| page.find(part).unwrap_or_else(|| panic!("{part}: {page}")));
        assert!(places.is_sorted(), "{verdict}: {places:?}");
        assert_eq!(page.matches(&user_code).count(), 1, "{verdict}");
    }
}

#[test]
fn where_only_a_country_is_known_the_sentence_fits_its_name() {
    let world = World::new();
    let country = |code: &str| Place { city: None, coordinates: None, ..place(code, "", (0.0, 0.0), 3_320) };
    for (there, here, heading) in [
        (
            country("NG"),
            berlin(),
            "This request comes from another country: Nigeria. You are in: Berlin, Germany.",
        ),
        (
            lagos(),
            country("DE"),
            "This request comes from another country: Lagos, Nigeria. You are in: Germany.",
        ),
        (lagos(), berlin(), "This request comes from Lagos, Nigeria. You are in Berlin, Germany."),
    ] {
        let send = |request: &Request| world.send(&Request { place: here.clone().into(), ..request.clone() });
        let person = Person::before(send, "198.51.100.23");
        let page = person.enter_as(ALICE.0, ALICE.1, &start(&world, there));
        let (_, rest) = page.body.split_once("<h2 id=\"far_title\">").expect("a far request");
        let shown = rest.split_once("</h2>").expect("its end").0;
        assert_eq!(words(&format!("<h2>{shown}<")), heading);
    }
}

#[test]
fn the_page_says_what_refusing_and_reporting_do() {
    let world = World::new();
    let page = in_berlin(&world).enter_as(ALICE.0, ALICE.1, &start(&world, berlin()));

    let said = words(&page.body);
    let difference =
        "“Refuse” gives no access. “I didn’t start this” also warns the people who run this service.";
    assert!(said.contains(difference), "{said}");
    assert!(page.body.contains("value=\"report\" formnovalidate aria-describedby=\"choices\""));
}

#[test]
fn a_near_request_has_a_neutral_line() {
    let world = World::new();

    let page = in_berlin(&world).enter_as(ALICE.0, ALICE.1, &start(&world, berlin()));

    let (before, _) = page.body.split_once("Same area").expect("the line");
    assert!(before.contains("Only approve if you started this yourself."), "what matters most comes first");
    assert!(words(&page.body).contains("Same area as you: Berlin, Germany. This alone"), "{}", page.body);
    assert!(page.body.contains("<details class=\"details\">"), "what matches is folded away");
    assert!(!page.body.contains("class=\"far\"") && !page.body.contains("notice warn"));
    assert_eq!(logged(&page).first(), Some(&Some(Verdict::Near)));
}

#[test]
fn an_unknown_place_is_never_shown_as_near() {
    let hosting = place("DE", "Frankfurt am Main", (50.11, 8.68), 24_940);
    for (there, why) in [
        (Place::default(), "We don’t know where this request comes from."),
        (hosting, "This request came through a rented server or a VPN."),
    ] {
        let world = World::new();

        let page = in_berlin(&world).enter_as(ALICE.0, ALICE.1, &start(&world, there));

        assert!(page.body.contains(why), "{}", page.body);
        assert!(page.body.contains("If you didn’t start this yourself just now, refuse."));
        assert!(!page.body.contains("km away"), "the place of a rented server is not that of the device");
        assert!(page.body.contains("<details class=\"details\" open>"));
        assert!(page.body.contains("<path d=\"M12 21.5s-7-6.2"), "a place with a question mark");
        assert!(!page.body.contains("Same area") && !page.body.contains("class=\"far\""));
    }
}

#[test]
fn no_page_shows_the_number_of_a_network_or_a_doubled_region() {
    let world = World::new();
    let region = Some("Berlin".to_owned());
    let there = Place { region, operator: Some("Example Telecom".to_owned()), ..berlin() };

    let page = in_berlin(&world).enter_as(ALICE.0, ALICE.1, &start(&world, there)).body;

    assert!(page.contains("Example Telecom") && !page.contains("AS3320"), "{page}");
    let page = words(&page);
    assert!(page.contains("Berlin, Germany") && !page.contains("Berlin, Berlin"));
}

#[test]
fn the_verdict_is_in_the_event_of_every_step_of_a_person() {
    for (decision, what) in [("approve", "approved"), ("deny", "denied"), ("report", "reported")] {
        let world = World::new();
        let person = in_berlin(&world);
        person.enter_as(ALICE.0, ALICE.1, &start(&world, lagos()));
        person.decide(decision);

        for what in ["consent_opened", what] {
            let event = event(&world, what);
            assert_eq!(event["account"], SUB);
            assert_eq!(
                event["comparison"],
                json!({
                    "verdict": { "is": "far" },
                    "kilometers": 5200,
                    "device": { "country": "NG", "city": "Lagos", "asn": 37148, "kind": "Unknown device" },
                    "person": { "country": "DE", "city": "Berlin", "asn": 3320, "kind": "Unknown device" },
                }),
                "{what}"
            );
        }
        assert_eq!(event(&world, "device_authorization").get("comparison"), None);
    }
}

#[test]
fn a_decision_is_compared_with_where_it_is_made() {
    let world = World::new();
    let (code, person) = (start(&world, berlin()), in_berlin(&world));
    person.enter_as(ALICE.0, ALICE.1, &code);
    let decide = person.form(&[("step", "decide"), ("decision", "approve"), ("confirm_device", "yes")]);

    let result = world.send(&Request { place: lagos().into(), ..decide });

    assert_eq!((result.status, logged(&result)), (303, vec![Some(Verdict::Far)]));
    assert_eq!(event(&world, "consent_opened")["comparison"]["verdict"]["is"], "near");
    assert_eq!(event(&world, "approved")["comparison"]["verdict"]["is"], "far");
}

#[test]
fn the_same_block_of_addresses_is_near_even_where_the_city_differs() {
    let world = World::new();
    let place = place("DE", "Potsdam", (50.0, 10.0), 3_320);
    let address = Some("198.51.100.99".to_owned());
    let request = Request { place: place.into(), address, ..post("/device_authorization", &[CLIENT]) };
    let code = user_code(&world.send(&request));

    let page = in_berlin(&world).enter_as(ALICE.0, ALICE.1, &code);

    assert_eq!(logged(&page).first(), Some(&Some(Verdict::Near)));
}
