//! What comes from Tor, which Cloudflare names `T1` where it names a country: rules and kill switches know it, pages do not.

use std::time::Duration;

use device_grant::place::Place;
use serde_json::{Value, json};

use super::{Login, allow, policy, rule, text};
use crate::support::admin::Admin;
use crate::support::{World, json as body, outcome};

/// Returns an exit of Tor.
fn exit() -> Place {
    Place { country: Some("T1".to_owned()), asn: Some(60_729), ..Place::default() }
}

/// Returns where nothing is known.
fn nowhere() -> Place {
    Place { country: Some("XX".to_owned()), ..Place::default() }
}

fn from(world: &World, place: fn() -> Place) -> Login<'_> {
    Login { device: place(), person: place(), ..Login::of(world) }
}

/// Sets a kill switch by country for a minute. Returns how many devices, sessions and codes it ends.
fn kill(world: &World, country: &str) -> [u64; 3] {
    let until = (world.now() + Duration::from_secs(60)).to_string();
    let id = country.to_lowercase();
    let written =
        json!({ "id": id, "target": { "country": country }, "reason": "A campaign", "until": until });
    let response = Admin(world).ask("POST", "/kill-switches", None, Some(&written));
    assert_eq!(response.status, 201, "{}", response.body);
    let ended = body(&response);
    ["devices", "sessions", "codes"].map(|name| ended.get(name).and_then(Value::as_u64).expect("a number"))
}

#[test]
fn a_kill_switch_on_tor_ends_what_started_there_and_nothing_else() {
    let world = World::with_policy(&[]);
    let logins = [from(&world, exit), from(&world, nowhere), Login::of(&world)];
    let started: Vec<_> = logins
        .iter()
        .map(|login| {
            let token = text(&login.poll(&login.approved()), "refresh_token");
            (login, token, text(&login.start(), "device_code"))
        })
        .collect();
    world.wait(5);
    let outcomes = |number: usize| {
        let (login, token, code): &(&Login<'_>, String, String) = &started[number];
        [outcome(&login.refresh(token)), outcome(&login.poll(code))]
    };

    assert_eq!(kill(&world, "T1"), [1, 1, 1]);
    assert_eq!(outcomes(0), ["invalid_grant", "access_denied"]);
    assert_eq!(from(&world, exit).play(), "start", "and refuses what starts there now");
    for other in [1, 2] {
        assert_eq!(started[other].0.play(), "done", "{other}");
    }

    assert_eq!(kill(&world, "XX")[0], 2, "with the device of that last login");
    assert_eq!(outcomes(1)[0], "invalid_grant");
    assert_eq!(outcome(&started[2].0.refresh(&started[2].1)), "issued");
}

#[test]
fn an_unknown_country_is_not_tor() {
    let world = World::with_policy(&[]);
    let login = from(&world, exit);
    let token = text(&login.poll(&login.approved()), "refresh_token");

    assert_eq!(kill(&world, "XX"), [0; 3]);
    assert_eq!(outcome(&login.refresh(&token)), "issued");
}

#[test]
fn a_rule_on_tor_meets_an_approval_from_there_after_the_fact() {
    for (country, expected) in [("T1", "access_denied"), ("XX", "issued")] {
        let world = World::with_policy(&[]);
        let login = Login { person: exit(), ..Login::of(&world) };
        let device_code = login.approved();
        let no = rule("no", "deny", &json!({ "when": { "person": { "countries": [country] } } }));
        world.set_policy(&policy(&json!([allow(), no])));
        assert_eq!(outcome(&login.poll(&device_code)), expected, "{country}");
    }
}

#[test]
fn events_and_the_admin_api_name_tor_and_pages_say_that_the_place_is_unknown() {
    let world = World::with_policy(&[]);
    let login = from(&world, exit);
    let (device_code, browser) = login.entered();
    browser.decide("approve");
    assert_eq!(outcome(&login.poll(&device_code)), "issued");
    let event = serde_json::to_value(world.recorded().pop().expect("an event")).expect("JSON");
    assert_eq!((&event["started"]["country"], &event["approved"]["country"]), (&json!("T1"), &json!("T1")));
    let count = |path: &str, name: &str| body(&Admin(&world).get(path))[name].as_array().map(Vec::len);
    assert_eq!(count("/devices?country=T1", "devices"), Some(1));
    assert_eq!(count("/devices?country=XX", "devices"), Some(0));
    assert_eq!(count("/sessions?country=T1", "sessions"), Some(1));
    assert_eq!(count("/sessions?country=XX", "sessions"), Some(0));

    let page = browser.open("/account").body;
    assert!(page.contains("Unknown place") && !page.contains("T1"), "{page}");
}
