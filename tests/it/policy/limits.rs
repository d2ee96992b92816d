//! What rules limit.

use serde_json::{Value, json};

use super::{BOB, Login, allow, policy, rule, text};
use crate::support::admin::Admin;
use crate::support::dpop::Key;
use crate::support::{World, json as body, outcome};

fn limited(limit: &Value) -> World {
    let world = World::new();
    limit_to(&world, limit);
    world
}

fn limit_to(world: &World, limit: &Value) {
    world.set_policy(&policy(&json!([allow(), rule("less", "limit", &json!({ "limit": limit }))])));
}

#[test]
fn lifetimes_are_those_of_the_strictest_of_settings_client_and_rules() {
    let world = limited(&json!({ "access_token_lifetime": 120, "refresh_token_lifetime": 900 }));
    let login = Login::of(&world);
    let tokens = body(&login.poll(&login.approved()));
    assert_eq!((&tokens["expires_in"], &tokens["authorization_expires_in"]), (&json!(120), &json!(900)));
    world.wait(300);
    let again = body(&login.refresh(tokens["refresh_token"].as_str().expect("a token")));
    assert_eq!((&again["expires_in"], &again["authorization_expires_in"]), (&json!(120), &json!(600)));

    let changed = Admin(&world).patch("demo-tv", &json!({ "access_token_lifetime": 60 }));
    assert_eq!(changed.status, 200, "{}", changed.body);
    let tokens = body(&login.poll(&login.approved()));
    assert_eq!(tokens["expires_in"], 60, "the client's is stricter");
}

#[test]
fn a_limit_that_comes_later_holds_for_those_who_are_there_and_is_taken_back_with_it() {
    let world = World::new();
    let login = Login::of(&world);
    let token = text(&login.poll(&login.approved()), "refresh_token");
    limit_to(&world, &json!({ "refresh_token_lifetime": 600 }));
    world.wait(601);

    assert_eq!(outcome(&login.refresh(&token)), "invalid_grant");
    limit_to(&world, &json!({ "no_refresh": true }));
    assert_eq!(outcome(&login.refresh(&token)), "invalid_grant");
    limit_to(&world, &json!({ "scope": "openid" }));
    assert_eq!(outcome(&login.refresh(&token)), "invalid_grant", "offline_access is gone");
    world.allow_all();
    assert_eq!(outcome(&login.refresh(&token)), "issued");
}

#[test]
fn there_is_no_refresh_token_where_none_may_be() {
    let world = limited(&json!({ "no_refresh": true }));
    let login = Login::of(&world);
    let tokens = body(&login.poll(&login.approved()));

    assert_eq!(tokens.get("refresh_token"), None);
    assert_eq!(tokens["expires_in"], 900);
}

#[test]
fn scopes_are_cut_at_the_start_so_the_person_reads_what_is_granted() {
    let world = limited(&json!({ "scope": "openid profile" }));
    let login = Login { scope: "openid email", ..Login::of(&world) };
    let (device_code, browser) = login.entered();

    let page = browser.page.borrow().body.clone();
    assert!(!page.contains("email address"), "{page}");
    browser.decide("approve");
    assert_eq!(body(&login.poll(&device_code))["scope"], "openid");

    let nothing = Login { scope: "email", ..Login::of(&world) }.start();
    assert_eq!(text(&nothing, "error"), "invalid_scope");
}

#[test]
fn a_limit_for_some_people_is_what_they_read_and_get() {
    let world = World::new();
    let cut = json!({ "when": { "accounts": ["local:alice"] }, "limit": { "scope": "openid" } });
    world.set_policy(&policy(&json!([allow(), rule("cut", "limit", &cut)])));
    let login = Login { scope: "openid email", ..Login::of(&world) };
    let (device_code, browser) = login.entered();

    assert!(!browser.page.borrow().body.contains("email address"));
    browser.decide("approve");
    assert_eq!(body(&login.poll(&device_code))["scope"], "openid");
    let other = Login { who: BOB, scope: "openid email", ..Login::of(&world) };
    assert_eq!(body(&other.poll(&other.approved()))["scope"], "email openid");
}

#[test]
fn tokens_that_must_be_bound_need_a_key_at_the_start() {
    let world = limited(&json!({ "bound": true }));
    let login = Login::of(&world);

    let refused = login.start();
    assert_eq!((refused.status, text(&refused, "error").as_str()), (400, "invalid_request"));
    assert!(text(&refused, "error_description").contains("send a DPoP proof"), "{}", refused.body);
    let key = Key::new(7);
    let started = login.ask("/device_authorization", &[("scope", "openid"), ("dpop_jkt", &key.jkt())]);
    assert_eq!(started.status, 200, "{}", started.body);
}

#[test]
fn tokens_that_must_be_bound_since_the_approval_need_a_key_at_the_redemption() {
    let world = World::new();
    let login = Login::of(&world);
    let device_code = login.approved();
    limit_to(&world, &json!({ "bound": true }));

    assert_eq!(outcome(&login.poll(&device_code)), "invalid_request");
    limit_to(&world, &json!({ "no_refresh": true }));
    assert_eq!(outcome(&login.poll(&device_code)), "issued", "nothing was spent");
}
