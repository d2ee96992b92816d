//! Out-of-band binding: a device of the inventory, assigned to the person, who knows how its identifier ends
//! (RFC 10027 §6.1.17).

use device_grant::audit::What;
use device_grant::audit::change::Actor;
use device_grant::endpoint::http::Response;
use device_grant::policy::inventory::Identifier;
use device_grant::registry::inventory::{PutInventory, RemoveInventory};
use serde_json::{Value, json};

use super::{BOB, Login, allow, policy, rule, text};
use crate::support::person::Person;
use crate::support::{World, outcome};

pub(super) const SERIAL: &str = "SN-0042-AB17";

fn rules() -> Value {
    json!([allow(), rule("bound", "require", &json!({ "require": { "out_of_band_binding": true } }))])
}

/// Returns a server on which every device has to be assigned, and one that is assigned to alice.
fn binding() -> World {
    let world = World::new();
    world.set_policy(&policy(&rules()));
    assign(&world, SERIAL, &json!({ "accounts": ["local:alice"] }));
    world
}

pub(super) fn assign(world: &World, identifier: &str, to: &Value) {
    let entry = json!({ "format": 1, "identifier": identifier });
    let mut entry = entry.as_object().expect("it is an object").clone();
    entry.extend(to.as_object().expect("members").clone());
    let entry = serde_json::from_value(entry.into()).expect("an entry");
    world.registry(PutInventory { entry: Box::new(entry), by: Actor::Server });
}

/// Starts a login at a device with this serial number.
fn start(login: &Login<'_>, identifier: &str) -> Response {
    login.ask("/device_authorization", &[("scope", login.scope), ("device_identifier", identifier)])
}

/// Lets the person open the request. Returns the device code, and the browser.
pub(super) fn entered<'a>(login: &Login<'a>, identifier: &str) -> (String, Person<'a>) {
    let started = start(login, identifier);
    assert_eq!(started.status, 200, "{}", started.body);
    let browser = login.browser();
    browser.enter_as(login.who.0, login.who.1, &text(&started, "user_code"));
    (text(&started, "device_code"), browser)
}

/// Approves with this as the end of the identifier.
pub(super) fn approve(browser: &Person<'_>, typed: &str) -> Response {
    browser.submit(&[
        ("step", "decide"),
        ("decision", "approve"),
        ("confirm_device", "yes"),
        ("identifier_end", typed),
    ])
}

fn events(world: &World) -> Vec<What> {
    world.recorded().iter().map(|event| event.what).collect()
}

#[test]
fn a_device_is_approved_by_whom_it_is_assigned_to_and_who_knows_how_its_name_ends() {
    let world = binding();
    let login = Login::of(&world);
    let (device_code, browser) = entered(&login, "sn 0042 ab17");
    let page = browser.page.borrow().body.clone();
    assert!(page.contains("name=\"identifier_end\""), "{page}");
    assert!(!page.to_uppercase().contains("AB17"), "the page never shows it: {page}");

    let page = approve(&browser, " ab17 ");
    assert!(page.body.contains("Now go back to your device"), "{}", page.body);
    assert_eq!(login.poll(&device_code).status, 200);
}

#[test]
fn a_group_can_have_a_device() {
    let world = binding();
    assign(&world, "SN-0042-AB18", &json!({ "groups": ["local:staff"] }));
    let login = Login::of(&world);
    assert_eq!(entered(&login, "SN-0042-AB18").1.page.borrow().status, 403);
    world.change_account("local:alice", |account| {
        account.groups = vec![device_grant::identity::group::Group::parse("local:staff").expect("a group")];
    });

    let (device_code, browser) = entered(&login, "SN-0042-AB18");
    approve(&browser, "AB18");
    assert_eq!(login.poll(&device_code).status, 200);
}

#[test]
fn a_device_that_is_missing_and_one_of_somebody_else_get_the_same_page() {
    let world = binding();
    let (alice, bob) = (Login::of(&world), Login { who: BOB, ..Login::of(&world) });
    let pages = [entered(&bob, SERIAL), entered(&alice, "SN-9999-9999")].map(|(_, browser)| {
        let page = browser.page.borrow().clone();
        assert!(page.decisions.iter().any(|line| line.reason == "unbound"), "{:?}", page.decisions);
        (page.status, page.body)
    });

    assert_eq!(pages[0], pages[1]);
    assert!(
        pages[0].0 == 403 && pages[0].1.contains("Access is given only to a device that is assigned to you")
    );
}

#[test]
fn a_device_that_does_not_say_what_it_is_called_is_refused_at_once() {
    let world = binding();
    let login = Login::of(&world);

    let started = login.start();
    assert_eq!(outcome(&started), "invalid_request");
    assert!(text(&started, "error_description").contains("as device_identifier"), "{}", started.body);
    for odd in ["short", "SN-0042-ÄB17", &"9".repeat(65)] {
        let refused = start(&login, odd);
        assert!(text(&refused, "error_description").contains("8 to 64 letters and digits"), "{odd}");
    }
    assert_eq!(events(&world), []);
}

#[test]
fn the_third_wrong_end_denies_the_request_with_a_warning_and_what_cannot_be_one_costs_no_try() {
    let world = binding();
    let login = Login::of(&world);
    let (device_code, browser) = entered(&login, SERIAL);

    for _ in 0..2 {
        for typed in ["", "17", "SN0042AB17"] {
            let page = approve(&browser, typed);
            assert!(page.status == 400 && page.body.contains("Type exactly the last four"), "{}", page.body);
        }
        let page = approve(&browser, "AB18");
        assert!(page.status == 400 && page.body.contains("has another serial number"), "{}", page.body);
        assert_eq!(outcome(&login.poll(&device_code)), "authorization_pending");
        world.wait(5);
    }
    let page = approve(&browser, "AB19");
    assert!(page.body.contains("was typed wrong three times"), "{}", page.body);
    assert!(browser.reload().body.contains("was typed wrong three times"));
    assert_eq!(outcome(&login.poll(&device_code)), "access_denied");
    assert_eq!(events(&world).iter().filter(|what| **what == What::BindingFailed).count(), 1);
}

#[test]
fn refusing_and_reporting_need_no_identifier() {
    let world = binding();
    let login = Login::of(&world);
    for (decision, words) in [("deny", "Refused"), ("report", "Refused and reported")] {
        let (_, browser) = entered(&login, SERIAL);
        assert!(browser.decide(decision).body.contains(words), "{decision}");
    }
}

#[test]
fn a_device_that_was_taken_away_is_not_approved_any_more() {
    let world = binding();
    let login = Login::of(&world);
    let (device_code, browser) = entered(&login, SERIAL);
    world.registry(RemoveInventory {
        identifier: Identifier::parse(SERIAL).expect("an identifier"),
        by: Actor::Server,
    });

    let page = approve(&browser, "AB17");
    assert!(page.status == 403 && page.body.contains("assigned to you"), "{}", page.body);
    assert_eq!(outcome(&login.poll(&device_code)), "authorization_pending", "the code lives on");
}

#[test]
fn what_is_required_after_the_approval_is_judged_at_the_redemption_by_what_was_true_then() {
    for (before, expected) in [(true, "issued"), (false, "access_denied")] {
        let world = binding();
        let login = Login::of(&world);
        if !before {
            world.set_policy(&policy(&json!([allow()])));
        }
        let (device_code, browser) = entered(&login, SERIAL);
        approve(&browser, "AB17");
        world.set_policy(&policy(&rules()));

        assert_eq!(outcome(&login.poll(&device_code)), expected, "{before}");
    }
}

#[test]
fn a_login_that_needs_no_binding_does_not_ask_the_inventory() {
    let world = World::new();
    world.set_policy(&policy(&json!([allow()])));
    let login = Login::of(&world);
    let (device_code, browser) = entered(&login, SERIAL);
    assert!(!browser.page.borrow().body.contains("identifier_end"));
    browser.decide("approve");

    assert_eq!(login.poll(&device_code).status, 200);
}
