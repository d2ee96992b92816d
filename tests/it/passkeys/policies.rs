//! What the policy demands of a sign-in, and what it never decides.

use device_grant::audit::{What, warning};
use device_grant::sub::Sub;
use serde_json::{Value, json};

use super::invitations::{form, invite, passkey};
use super::owner::{browser, owned, sign_in};
use crate::support::person::Person;
use crate::support::{Started, World, outcome};

const CONSENT: &str = "name=\"confirm_device\"";

fn policy(members: &Value) -> Value {
    let mut policy = json!({
        "default": "enforced",
        "rules": [{ "id": "all", "description": "everything", "effect": "allow" }],
    });
    for (name, value) in members.as_object().expect("members") {
        policy[name] = value.clone();
    }
    policy
}

/// Returns a server with this policy, in which alice has a passkey.
fn start(world: &World) -> (Person<'_>, Started) {
    let started = world.start();
    let person = browser(world);
    person.enter(&started.user_code);
    (person, started)
}

#[test]
fn a_rule_that_wants_a_sign_in_to_resist_phishing_is_met_by_a_passkey_and_the_code_is_kept() {
    let world = World::new();
    world.start();
    let authenticator = owned(&world, "alice", 1, 0);
    let strong = json!({ "id": "strong", "description": "strong", "effect": "require", "require": { "phishing_resistant": true } });
    let all = json!({ "id": "all", "description": "everything", "effect": "allow" });
    world.set_policy(&policy(&json!({ "rules": [all, strong] })));
    let (person, started) = start(&world);

    let again = person.sign_in("alice", "wonderland-8787");
    assert!(again.body.contains("asks for a stronger sign-in"), "{}", again.body);
    let consent = sign_in(&person, &authenticator);
    assert!(consent.body.contains(CONSENT), "{}", consent.body);
    person.decide("approve");
    assert_eq!(world.poll(&started.device_code).status, 200);
}

/// Returns a server that lets in nobody but alice, by break-glass.
fn broken(ends_at: &str) -> World {
    let world = World::new();
    world.start();
    let glass = json!({
        "accounts": ["local:alice"], "clients": ["demo-tv"], "owner": "security", "expires_at": ends_at,
    });
    world.set_policy(&policy(&json!({ "rules": [], "break_glass": glass })));
    world
}

#[test]
fn break_glass_lets_in_who_is_named_with_a_fresh_passkey_and_always_warns() {
    let world = broken("2026-12-01T00:00:00Z");
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, started) = start(&world);
    let again = person.sign_in("alice", "wonderland-8787");
    assert!(again.body.contains("asks for your passkey"), "{}", again.body);
    assert!(sign_in(&person, &authenticator).body.contains(CONSENT));
    world.wait(61);
    assert!(person.decide("approve").body.contains("asks for your passkey"), "it is not fresh any more");
    sign_in(&person, &authenticator);
    person.decide("approve");

    let warnings: Vec<_> =
        world.recorded().into_iter().filter(|event| warning::line(event).is_some()).collect();
    let [event] = warnings.as_slice() else { panic!("one warning: {warnings:?}") };
    assert_eq!(event.what, What::BreakGlass);
    assert_eq!(event.account.as_ref().map(Sub::as_str), Some("acct-7f3a51c2"));
    assert!(event.comparison.is_some() && event.approval_id.is_some() && event.is_for_webhook());
    assert_eq!(world.events().iter().filter(|name| *name == "approved").count(), 1, "beside the approval");
    assert_eq!(world.poll(&started.device_code).status, 200);
}

#[test]
fn break_glass_lets_in_nobody_else_and_ends() {
    let world = broken("2026-12-01T00:00:00Z");
    let (person, _) = start(&world);
    assert_eq!(person.sign_in("bob", "builder-8787").status, 403);

    let world = broken("2026-11-21T12:30:00Z");
    world.wait(1_800);
    let refused = world.post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "openid")]);
    assert_eq!(outcome(&refused), "unauthorized_client", "nobody could be let in any more");
}

#[test]
fn an_approval_that_rules_allow_warns_nobody() {
    let world = World::with_policy(&[]);
    let started = world.approved();

    assert_eq!(world.poll(&started.device_code).status, 200);
    assert!(world.recorded().iter().all(|event| event.what != What::BreakGlass));
}

#[test]
fn an_invitation_leads_to_an_account_whatever_the_policy_says() {
    let world = World::new();
    world.start();
    world.set_policy(&policy(
        &json!({ "rules": [{ "id": "no", "description": "nothing", "effect": "deny" }] }),
    ));
    let person = browser(&world);
    let page = person.open(&invite(&world, &json!({ "kind": "account", "groups": ["local:developers"] })));
    let credential = passkey(&page, 3);
    let fields = [("username", "carol"), ("name", "Carol Danvers"), ("credential", credential.as_str())];

    let done = person.send(form(&page.body, &fields));
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("Your account is ready"));
}
