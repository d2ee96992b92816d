//! What asking policy costs: no call of an object, and no row.

use serde_json::{Value, json};

use super::{Login, allow, policy, rule, text};
use crate::support::{Cost, World};

/// Returns a policy with as many rules as there can be, each with conditions of every kind.
fn large() -> Value {
    let when = |number: usize| {
        json!({
            "clients": ["demo-tv"], "groups": [format!("local:group-{number}")], "verdict": ["far"],
            "device": { "countries": ["US"], "networks": ["home"] }, "sign_in": { "max_age": 60 },
        })
    };
    let rules =
        (0..199).map(|number| rule(&format!("rule-{number}"), "deny", &json!({ "when": when(number) })));
    policy(&Value::from([vec![allow()], rules.collect()].concat()))
}

/// Returns the costs of the steps of a login, each with the calls of the registry.
fn costs(world: &World) -> Vec<(&'static str, Cost, u32)> {
    let mut costs = Vec::new();
    let login = Login::of(world);
    login.poll(&login.approved());
    let mut note = |step| costs.push((step, world.cost(), world.server.platform.registry_hops.take()));
    note("before");
    let started = login.start();
    note("start");
    let browser = login.browser();
    browser.enter(&text(&started, "user_code"));
    note("code");
    browser.sign_in(login.who.0, login.who.1);
    note("sign-in");
    browser.decide("approve");
    note("approval");
    let tokens = login.poll(&text(&started, "device_code"));
    note("redemption");
    login.refresh(&text(&tokens, "refresh_token"));
    note("refresh");
    costs.split_off(1)
}

#[test]
fn a_time_in_wasms_no_call_and_no_row_at_any_step() {
    let (without, with) = (World::new(), World::new());
    with.set_policy(&large());

    assert_eq!(costs(&with), costs(&without));
}

#[test]
fn a_start_is_one_call_and_its_decision_has_no_row_of_its_own() {
    let world = World::new();
    world.set_policy(&large());
    let start = costs(&world).remove(0);

    let (step, cost, registry_hops) = start;
    assert_eq!((step, cost.grant_hops, registry_hops), ("start", 1, 0));
    assert_eq!(cost.grant_writes, 3, "the grant, the codes of its network, and its event with the decision");
}
