//! Redemptions from another place than that of the start.

use device_grant::audit::{Event, What};
use device_grant::endpoint::http::{Request, Response};
use device_grant::place::{LazyPlace, Place};
use device_grant::sub::Sub;
use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, json as body, outcome, post};

const CLIENT: (&str, &str) = ("client_id", "demo-tv");
const ALICE: (&str, &str) = ("alice", "wonderland-8787");

fn place(country: &str, city: &str, asn: u32) -> Place {
    let text = |text: &str| Some(text.to_owned());
    Place { country: text(country), city: text(city), asn: Some(asn), ..Place::default() }
}

fn lyon() -> Place {
    place("FR", "Lyon", 64_500)
}

/// Returns a server on which alice has approved a code that was requested in Lyon, and the device code.
fn approved(rule: &str) -> (World, String) {
    let world = World::new();
    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "redemption_place": rule })).status, 200);
    let form = [CLIENT, ("scope", "openid offline_access")];
    let started =
        body(&world.send(&Request { place: lyon().into(), ..post("/device_authorization", &form) }));
    let text = |name: &str| started.get(name).and_then(Value::as_str).expect("codes").to_owned();
    Person::of(&world).approve_as(ALICE.0, ALICE.1, &text("user_code"));
    (world, text("device_code"))
}

fn poll(world: &World, device_code: &str, place: impl Into<LazyPlace>) -> Response {
    let form = [CLIENT, ("grant_type", DEVICE_CODE), ("device_code", device_code)];
    world.send(&Request { place: place.into(), ..post("/token", &form) })
}

/// Returns the events about a redemption or refusal elsewhere.
fn events_elsewhere(world: &World) -> Vec<Event> {
    world.recorded().into_iter().filter(|event| event.journey.is_some()).collect()
}

#[test]
fn each_rule_says_from_where_a_code_is_redeemed() {
    let (paris, oslo) = (place("FR", "Paris", 64_501), place("NO", "Oslo", 64_500));
    let only_country = Place { country: Some("FR".to_owned()), ..Place::default() };
    for (rule, here, expected) in [
        ("any", &oslo, "issued"),
        ("any", &Place::default(), "issued"),
        ("same_country", &lyon(), "issued"),
        ("same_country", &paris, "issued"),
        ("same_country", &oslo, "access_denied"),
        ("same_country", &Place::default(), "access_denied"),
        ("same_network", &oslo, "issued"),
        ("same_network", &paris, "access_denied"),
        ("same_network", &only_country, "access_denied"),
    ] {
        let (world, code) = approved(rule);

        assert_eq!(outcome(&poll(&world, &code, here.clone())), expected, "{rule} {here:?}");
    }
}

#[test]
fn an_unknown_start_is_elsewhere_for_a_client_that_compares() {
    for here in [lyon(), Place::default()] {
        let world = World::new();
        assert_eq!(
            Admin(&world).patch("demo-tv", &json!({ "redemption_place": "same_country" })).status,
            200
        );
        let started = world.approved();

        assert_eq!(outcome(&poll(&world, &started.device_code, here)), "access_denied");
        assert_eq!(world.events().last().map(String::as_str), Some("refused_elsewhere"));
    }
}

#[test]
fn a_refusal_elsewhere_ends_the_grant_for_good() {
    let (world, code) = approved("same_country");
    world.cost();

    let refused = poll(&world, &code, place("NO", "Oslo", 64_501));

    assert_eq!((refused.status, outcome(&refused).as_str()), (400, "access_denied"));
    assert_eq!(refused.decisions[0].reason, "elsewhere");
    assert_eq!(world.cost().grant_hops, 2, "one to judge, one to end");
    assert_eq!(world.server.platform.live_codes(), [0], "the code no longer counts as live");
    for here in [place("NO", "Oslo", 64_501), lyon()] {
        assert_eq!(outcome(&poll(&world, &code, here)), "access_denied", "also at home");
    }
    world.wait(300);
    assert_eq!(outcome(&poll(&world, &code, lyon())), "access_denied", "until the row is gone");
    assert_eq!(world.events(), ["device_authorization", "consent_opened", "approved", "refused_elsewhere"]);
    let [event] = &*events_elsewhere(&world) else { panic!("one event") };
    assert_eq!(event.account.as_ref().map(Sub::as_str), Some("acct-7f3a51c2"));
    assert_eq!(
        serde_json::to_value(&event.journey).expect("it serializes"),
        json!({ "start": { "country": "FR", "asn": 64500 }, "redemption": { "country": "NO", "asn": 64501 } })
    );
}

#[test]
fn nobody_can_end_a_grant_elsewhere_without_the_verifier() {
    let world = World::new();
    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "redemption_place": "same_country" })).status, 200);
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let form = [CLIENT, ("code_challenge", challenge), ("code_challenge_method", "S256")];
    let started =
        body(&world.send(&Request { place: lyon().into(), ..post("/device_authorization", &form) }));
    Person::of(&world).approve_as(ALICE.0, ALICE.1, started["user_code"].as_str().expect("a code"));
    let code = started["device_code"].as_str().expect("a code");

    assert_eq!(outcome(&poll(&world, code, place("NO", "Oslo", 64_501))), "invalid_grant");
    let verifier = ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let form = [CLIENT, ("grant_type", DEVICE_CODE), ("device_code", code), verifier];
    let redeemed = world.send(&Request { place: lyon().into(), ..post("/token", &form) });
    assert_eq!(outcome(&redeemed), "issued");
}

#[test]
fn a_redemption_elsewhere_is_an_event() {
    for (here, expected) in [
        (place("NO", "Oslo", 64_501), vec![What::RedeemedElsewhere]),
        (Place::default(), vec![What::RedeemedElsewhere]),
        (place("FR", "Lyon", 64_501), vec![]),
        (place("FR", "Paris", 64_500), vec![]),
        (lyon(), vec![]),
    ] {
        let (world, code) = approved("any");

        assert_eq!(outcome(&poll(&world, &code, here.clone())), "issued");

        let events = events_elsewhere(&world);
        let what: Vec<What> = events.iter().map(|event| event.what).collect();
        assert_eq!(what, expected, "{here:?}");
        assert!(events.iter().all(|event| event.account == Some(Sub::from("acct-7f3a51c2"))));
    }
}

#[test]
fn a_pending_poll_never_reads_where_it_comes_from() {
    let world = World::new();
    let started = world.start();
    let unread = || LazyPlace::read_by(|| panic!("a pending poll must not read the place"));

    assert_eq!(outcome(&poll(&world, &started.device_code, unread())), "authorization_pending");
    assert_eq!(outcome(&poll(&world, "forged", unread())), "invalid_grant");
}
