//! What clients demand of a sign-in: judged when the request is opened, at approval, and at redemption.

use device_grant::endpoint::http::Response;
use serde_json::{Value, json};

use super::owner::{browser, owned, sign_in};
use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{Started, World, outcome};

/// A world whose `demo-tv` has this demand, in which alice has a passkey.
fn world(demand: &Value) -> World {
    let world = World::new();
    world.start();
    demand_of(&world, demand);
    world
}

fn demand_of(world: &World, demand: &Value) {
    let changed = Admin(world).patch("demo-tv", &json!({ "sign_in": demand }));
    assert_eq!(changed.status, 200, "{}", changed.body);
}

fn start(world: &World) -> (Person<'_>, Started) {
    let started = world.start();
    let person = browser(world);
    person.enter(&started.user_code);
    (person, started)
}

/// Returns why the log says that the person has to sign in again.
fn reasons(response: &Response) -> Vec<&'static str> {
    let again = response.decisions.iter().filter(|line| line.outcome == "sign_in_again");
    again.map(|line| line.reason).collect()
}

const CONSENT: &str = "name=\"confirm_device\"";

#[test]
fn a_password_is_not_enough_where_phishing_must_fail_and_the_code_is_kept() {
    let world = world(&json!({ "phishing_resistant": true }));
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, started) = start(&world);

    let again = person.sign_in("alice", "wonderland-8787");
    assert!(!again.body.contains(CONSENT));
    assert!(again.body.contains("asks for a stronger sign-in"), "{}", again.body);
    assert!(!again.body.contains(&started.user_code), "no code in the page before");
    let again = person.sign_in("alice", "wonderland-8787");
    assert!(again.body.contains("asks for a stronger sign-in"), "the same password again does not help");
    let consent = sign_in(&person, &authenticator);
    assert!(consent.body.contains(CONSENT), "{}", consent.body);
    person.decide("approve");
    assert_eq!(world.poll(&started.device_code).status, 200);
}

#[test]
fn a_class_is_met_by_the_sign_in_that_has_it() {
    let world = world(&json!({ "acr_values": ["phr"] }));
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, _) = start(&world);

    assert!(!person.sign_in("alice", "wonderland-8787").body.contains(CONSENT));
    assert!(sign_in(&person, &authenticator).body.contains(CONSENT));
}

#[test]
fn a_fresh_passkey_is_at_most_a_minute_old_when_the_person_approves() {
    let world = world(&json!({ "fresh_passkey": true }));
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, started) = start(&world);
    assert!(sign_in(&person, &authenticator).body.contains(CONSENT));
    world.wait(61);

    let again = person.decide("approve");
    assert!(again.body.contains("asks for your passkey"), "{}", again.body);
    assert_eq!(reasons(&again), ["fresh_passkey"]);
    assert_eq!(outcome(&world.poll(&started.device_code)), "authorization_pending");
    assert!(sign_in(&person, &authenticator).body.contains(CONSENT), "the person comes back to the request");
    world.wait(60);
    person.decide("approve");
    assert_eq!(world.poll(&started.device_code).status, 200);
}

#[test]
fn an_age_counts_at_approval_and_not_at_redemption() {
    let world = world(&json!({ "max_age": 30 }));
    let (person, started) = start(&world);
    person.sign_in("alice", "wonderland-8787");
    world.wait(31);
    let again = person.decide("approve");
    assert!(!again.body.contains("Approved"));
    assert_eq!(reasons(&again), ["max_age"]);
    person.sign_in("alice", "wonderland-8787");
    person.decide("approve");
    world.wait(31);

    assert_eq!(world.poll(&started.device_code).status, 200);
}

#[test]
fn refusing_demands_nothing() {
    let world = world(&json!({ "max_age": 30 }));
    let (person, started) = start(&world);
    person.sign_in("alice", "wonderland-8787");
    world.wait(31);

    person.decide("deny");
    assert_eq!(outcome(&world.poll(&started.device_code)), "access_denied");
}

#[test]
fn a_demand_that_comes_after_the_approval_is_judged_at_redemption() {
    let world = world(&json!({}));
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, weak) = start(&world);
    person.sign_in("alice", "wonderland-8787");
    person.decide("approve");
    let (person, strong) = start(&world);
    sign_in(&person, &authenticator);
    person.decide("approve");
    demand_of(&world, &json!({ "phishing_resistant": true }));

    assert_eq!(outcome(&world.poll(&weak.device_code)), "access_denied");
    assert_eq!(world.poll(&strong.device_code).status, 200);
}

#[test]
fn the_device_can_ask_for_more_and_not_for_less() {
    let world = world(&json!({ "max_age": 30 }));
    let parameters = [("client_id", "demo-tv"), ("scope", "openid"), ("max_age", "9999")];
    let started = world.start_with(&parameters);
    let person = browser(&world);
    person.enter(&started.user_code);
    person.sign_in("alice", "wonderland-8787");
    world.wait(31);

    assert!(!person.decide("approve").body.contains("Approved"));
}

/// Makes a scope demand this.
fn scope_demands(world: &World, scope: &str, demand: &Value) {
    let body = json!({ "description": "Words", "sign_in": demand });
    let changed = Admin(world).ask("PUT", &format!("/scopes/{scope}"), None, Some(&body));
    assert_eq!(changed.status, 200, "{}", changed.body);
}

fn start_for<'a>(world: &'a World, scope: &str) -> (Person<'a>, Started) {
    let started = world.start_with(&[("client_id", "demo-tv"), ("scope", scope)]);
    let person = browser(world);
    person.enter(&started.user_code);
    (person, started)
}

#[test]
fn a_scope_demands_only_of_those_who_are_asked_for_it() {
    let world = world(&json!({}));
    let authenticator = owned(&world, "alice", 1, 0);
    scope_demands(&world, "email", &json!({ "phishing_resistant": true }));

    let (person, _) = start_for(&world, "openid");
    assert!(person.sign_in("alice", "wonderland-8787").body.contains(CONSENT));
    let (person, started) = start_for(&world, "openid email");
    let again = person.sign_in("alice", "wonderland-8787");
    assert!(again.body.contains("asks for a stronger sign-in"), "{}", again.body);
    assert!(sign_in(&person, &authenticator).body.contains(CONSENT), "the code is kept");
    person.decide("approve");
    assert_eq!(world.poll(&started.device_code).status, 200);
}

#[test]
fn a_scope_and_its_client_demand_together() {
    let world = world(&json!({ "max_age": 30 }));
    let authenticator = owned(&world, "alice", 1, 0);
    scope_demands(&world, "email", &json!({ "acr_values": ["phr"] }));
    let (person, started) = start_for(&world, "email");
    assert!(!person.sign_in("alice", "wonderland-8787").body.contains(CONSENT));
    assert!(sign_in(&person, &authenticator).body.contains(CONSENT));
    world.wait(31);

    assert!(!person.decide("approve").body.contains("Approved"), "too long ago for the client");
    sign_in(&person, &authenticator);
    person.decide("approve");
    assert_eq!(world.poll(&started.device_code).status, 200);
}

#[test]
fn a_demand_that_a_scope_makes_while_the_page_is_open_is_judged_at_approval() {
    let world = world(&json!({}));
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, started) = start_for(&world, "email");
    person.sign_in("alice", "wonderland-8787");
    scope_demands(&world, "email", &json!({ "fresh_passkey": true }));

    let again = person.decide("approve");
    assert!(again.body.contains("asks for your passkey"), "{}", again.body);
    sign_in(&person, &authenticator);
    person.decide("approve");
    assert_eq!(world.poll(&started.device_code).status, 200);
}

#[test]
fn a_demand_that_a_scope_makes_after_the_approval_is_judged_at_redemption() {
    let world = world(&json!({}));
    let approved = |scope: &str| {
        let (person, started) = start_for(&world, scope);
        person.sign_in("alice", "wonderland-8787");
        person.decide("approve");
        started.device_code
    };
    let (with, without) = (approved("openid email"), approved("openid"));
    scope_demands(&world, "email", &json!({ "phishing_resistant": true }));

    assert_eq!(outcome(&world.poll(&with)), "access_denied");
    assert_eq!(world.poll(&without).status, 200);
}

#[test]
fn a_scope_shows_its_demand_and_loses_it_when_it_is_described_without_one_or_removed() {
    let world = world(&json!({}));
    let admin = Admin(&world);
    let put = |body: &Value| admin.ask("PUT", "/scopes/pay", None, Some(body));
    let shown = || crate::support::json(&admin.get("/scopes/pay")).get("sign_in").cloned();
    let demanding = json!({ "description": "Pay", "sign_in": { "fresh_passkey": true } });

    assert_eq!(put(&demanding).status, 201);
    assert_eq!(shown(), Some(json!({ "fresh_passkey": true })));
    assert_eq!(put(&json!({ "description": "Pay" })).status, 200);
    assert_eq!(shown(), None);
    put(&demanding);
    assert_eq!(admin.ask("DELETE", "/scopes/pay", None, None).status, 204);
    assert_eq!(put(&json!({ "description": "Pay" })).status, 201);
    assert_eq!(shown(), None, "another scope of the same name begins without");
    let refused = put(&json!({ "description": "Pay", "sign_in": { "max_age": -1 } }));
    assert!(refused.body.contains("\"pointer\":\"/sign_in/max_age\""), "{}", refused.body);
}

#[test]
fn a_demand_is_read_strictly() {
    let world = world(&json!({}));
    for (demand, pointer) in [
        (json!(true), "/sign_in"),
        (json!({ "max_age": -1 }), "/sign_in/max_age"),
        (json!({ "acr_values": ["a b"] }), "/sign_in/acr_values/0"),
        (json!({ "phishing_resistant": "yes" }), "/sign_in/phishing_resistant"),
        (json!({ "fresh": true }), "/sign_in/fresh"),
    ] {
        let refused = Admin(&world).patch("demo-tv", &json!({ "sign_in": demand }));
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains(&format!("\"pointer\":\"{pointer}\"")), "{}", refused.body);
    }
}
