//! What rules require of an approval.

use serde_json::{Value, json};

use super::{ALICE, Login, allow, lagos, policy, rule, text};
use crate::support::World;

/// Returns a server that allows everything, if this is met.
fn requiring(require: &Value) -> World {
    let world = World::new();
    world.set_policy(&policy(&json!([allow(), rule("needs", "require", &json!({ "require": require }))])));
    world
}

#[test]
fn a_sign_in_that_is_too_old_is_done_again_and_the_code_is_kept() {
    let world = requiring(&json!({ "max_age": 30 }));
    let login = Login::of(&world);
    let (device_code, browser) = login.entered();
    world.wait(31);

    let again = browser.decide("approve");
    assert!(again.body.contains("more recent sign-in"), "{}", again.body);
    let consent = browser.sign_in(ALICE.0, ALICE.1);
    assert!(consent.body.contains("confirm_device"), "{}", consent.body);
    browser.decide("approve");
    assert_eq!(login.poll(&device_code).status, 200);
}

#[test]
fn a_password_is_asked_for_something_stronger_before_the_consent_page() {
    for require in [json!({ "phishing_resistant": true }), json!({ "fresh_passkey": true })] {
        assert_eq!(Login::of(&requiring(&require)).play(), "sign_in_again", "{require}");
    }
}

#[test]
fn the_demands_of_a_client_and_of_the_rules_add_up() {
    let world = requiring(&json!({ "max_age": 600 }));
    world.change_client("demo-tv", |client| client.codes.sign_in.max_age = Some(30));
    world.wait(60);
    let (_, browser) = Login::of(&world).entered();
    world.wait(31);

    assert!(browser.decide("approve").body.contains("more recent sign-in"));
}

#[test]
fn only_a_near_device_is_let_in_and_the_page_says_so() {
    let world = requiring(&json!({ "near": true }));
    assert_eq!(Login::of(&world).play(), "done");
    let far = Login { person: lagos(), ..Login::of(&world) };
    let (_, browser) = far.entered();

    let page = browser.page.borrow().clone();
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Only a device near you may get access"), "{}", page.body);
    assert!(page.decisions.iter().any(|line| line.reason == "not_near"), "{:?}", page.decisions);
    let unknown = Login { person: device_grant::place::Place::default(), ..Login::of(&world) };
    assert_eq!(unknown.play(), "consent", "what cannot be compared is not near");
}

#[test]
fn what_is_required_after_the_approval_is_judged_at_the_redemption_by_what_was_true_then() {
    for (require, far, expected) in [
        (json!({ "near": true }), false, "issued"),
        (json!({ "near": true }), true, "access_denied"),
        (json!({ "phishing_resistant": true }), false, "access_denied"),
        (json!({ "max_age": 60 }), false, "issued"),
    ] {
        let world = World::new();
        let person = if far { lagos() } else { super::berlin() };
        let login = Login { person, ..Login::of(&world) };
        let device_code = login.approved();
        world.wait(120);
        let rules = json!([allow(), rule("needs", "require", &json!({ "require": require }))]);
        world.set_policy(&policy(&rules));

        assert_eq!(crate::support::outcome(&login.poll(&device_code)), expected, "{require}");
    }
}

#[test]
fn a_refresh_asks_no_more_for_what_an_approval_needed() {
    let world = World::new();
    let login = Login::of(&world);
    let token = text(&login.poll(&login.approved()), "refresh_token");
    let rules =
        json!([allow(), rule("needs", "require", &json!({ "require": { "phishing_resistant": true } }))]);
    world.set_policy(&policy(&rules));

    assert_eq!(login.refresh(&token).status, 200);
}
