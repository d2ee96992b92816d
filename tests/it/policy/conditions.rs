//! Each condition, in a rule that denies: the step at which its fact is known is the first that is refused.

use serde_json::{Value, json};

use super::{Login, allow, denying, lagos, policy, rule};
use crate::support::World;

const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

#[test]
fn every_condition_denies_where_its_fact_is_first_known_and_nobody_else() {
    for (when, met, expected) in [
        ("clients", json!(["demo-tv"]), "start"),
        ("clients", json!(["demo-printer"]), "done"),
        ("scopes", json!(["openid"]), "start"),
        ("scopes", json!(["email"]), "done"),
        ("only_scopes", json!(["openid", "offline_access"]), "start"),
        ("only_scopes", json!(["openid"]), "done"),
        ("accounts", json!(["local:alice"]), "sign_in"),
        ("accounts", json!(["local:bob"]), "done"),
        ("groups", json!(["local:developers"]), "sign_in"),
        ("groups", json!(["local:staff"]), "done"),
        ("verdict", json!(["near"]), "consent"),
        ("verdict", json!(["far", "unknown"]), "done"),
        ("first", json!(["person"]), "consent"),
        ("first", json!(["client"]), "consent"),
        ("first", json!(["place"]), "consent"),
        ("same_device", json!(false), "consent"),
        ("same_device", json!(true), "done"),
        ("web_page", json!(false), "start"),
        ("web_page", json!(true), "done"),
    ] {
        assert_eq!(played(&json!({ when: met })), expected, "{when} {met}");
    }
}

#[test]
fn every_condition_on_a_side_denies_where_that_side_is_first_known() {
    let of_device = [
        ("countries", json!(["DE"]), json!(["US", "XX"])),
        ("regions", json!(["DE/Berlin"]), json!(["DE/Bayern"])),
        ("networks", json!(["office"]), json!(["home"])),
        ("asns", json!(["AS3320"]), json!(["AS64500"])),
        ("hosting", json!(false), json!(true)),
        ("kinds", json!(["television"]), json!(["phone_or_tablet"])),
        ("managed", json!(false), json!(true)),
    ];
    for (name, met, other) in of_device {
        assert_eq!(played(&json!({ "device": { name: met } })), "start", "{name}");
        assert_eq!(played(&json!({ "device": { name: other } })), "done", "{name}");
    }
    let of_person = [
        ("countries", json!(["DE"]), json!(["US", "XX"])),
        ("regions", json!(["DE/Berlin"]), json!(["DE/Bayern"])),
        ("networks", json!(["home"]), json!(["office"])),
        ("asns", json!(["AS3320"]), json!(["AS64500"])),
        ("hosting", json!(false), json!(true)),
        ("kinds", json!(["phone_or_tablet"]), json!(["television"])),
        ("managed", json!(false), json!(true)),
    ];
    for (name, met, other) in of_person {
        assert_eq!(played(&json!({ "person": { name: met } })), "sign_in", "{name}");
        assert_eq!(played(&json!({ "person": { name: other } })), "done", "{name}");
    }
    for (name, met, other) in [
        ("max_age", json!(60), Value::Null),
        ("acr", json!([PASSWORD]), json!(["phr"])),
        ("amr", json!(["pwd", "otp"]), json!(["otp"])),
        ("phishing_resistant", json!(false), json!(true)),
    ] {
        assert_eq!(played(&json!({ "sign_in": { name: met } })), "sign_in", "{name}");
        if !other.is_null() {
            assert_eq!(played(&json!({ "sign_in": { name: other } })), "done", "{name}");
        }
    }
}

fn played(when: &Value) -> &'static str {
    Login::of(&denying(when)).play()
}

/// Every world begins on a Saturday at noon, UTC. Codes live for five minutes.
#[test]
fn a_window_of_time_denies_at_once_only_if_it_covers_the_whole_life_of_the_code() {
    let window = |hours: &str| denying(&json!({ "time": { "days": ["sat"], "hours": hours } }));

    assert_eq!(Login::of(&window("12:00-18:00")).play(), "start");
    assert_eq!(Login::of(&window("13:00-18:00")).play(), "done");
    let world = window("12:02-18:00");
    let (_, browser) = Login::of(&world).entered();
    world.wait(180);
    assert_eq!(browser.decide("approve").status, 403, "now it does");
    let world = window("12:02-18:00");
    let device_code = Login::of(&world).approved();
    world.wait(180);
    assert_eq!(text_of(&Login::of(&world).poll(&device_code)), "access_denied", "it holds at the redemption");
}

fn text_of(response: &device_grant::endpoint::http::Response) -> String {
    super::text(response, "error")
}

#[test]
fn a_person_a_client_and_a_country_are_new_until_a_device_got_tokens() {
    let world = World::new();
    assert_eq!(Login::of(&world).play(), "done", "there is no policy");
    for (first, elsewhere) in [("place", "consent"), ("person", "done"), ("client", "done")] {
        world.set_policy(&policy(&json!([
            allow(),
            rule("new", "deny", &json!({ "when": { "first": [first] } }))
        ])));
        assert_eq!(Login::of(&world).play(), "done", "{first}");
        let abroad = Login { device: lagos(), ..Login::of(&world) };
        assert_eq!(abroad.play(), elsewhere, "{first}");
    }
}

#[test]
fn who_is_new_at_the_redemption_has_let_the_device_in_at_a_refresh() {
    let world = World::new();
    let login = Login::of(&world);
    let device_code = login.approved();
    world.set_policy(&policy(&json!([
        allow(),
        rule("new", "deny", &json!({ "when": { "first": ["client"] } }))
    ])));
    assert_eq!(text_of(&login.poll(&device_code)), "access_denied", "the approval recorded it");
    world.allow_all();
    let tokens = login.poll(&device_code);
    world.set_policy(&policy(&json!([
        allow(),
        rule("new", "deny", &json!({ "when": { "first": ["client"] } }))
    ])));

    assert_eq!(login.refresh(&super::text(&tokens, "refresh_token")).status, 200);
}

#[test]
fn a_device_is_judged_where_it_is_and_a_person_where_they_approved() {
    let world = World::new();
    world.set_policy(&policy(&json!([
        allow(),
        rule("device", "deny", &json!({ "when": { "device": { "countries": ["NG"] } } })),
    ])));
    let at_home = Login::of(&world);
    let tokens = at_home.poll(&at_home.approved());
    let abroad = Login { device: lagos(), ..Login::of(&world) };
    let token = super::text(&tokens, "refresh_token");
    assert_eq!(text_of(&abroad.refresh(&token)), "invalid_grant");
    let again = at_home.refresh(&token);
    assert_eq!(again.status, 200, "the family has not ended: {}", again.body);
    let device_code = at_home.approved();
    assert_eq!(text_of(&abroad.poll(&device_code)), "access_denied");
    assert_eq!(at_home.poll(&device_code).status, 200, "the approval is not spent");

    for (conditions, expected) in [
        (json!({ "countries": ["DE"] }), "invalid_grant"),
        (json!({ "regions": ["DE/Berlin"] }), "invalid_grant"),
        (json!({ "networks": ["home"] }), "invalid_grant"),
        (json!({ "kinds": ["phone_or_tablet"] }), "invalid_grant"),
        (json!({ "countries": ["NG"] }), "issued"),
    ] {
        world.set_policy(&policy(&json!([allow()])));
        let token = super::text(&at_home.poll(&at_home.approved()), "refresh_token");
        world.set_policy(&policy(&json!([
            allow(),
            rule("person", "deny", &json!({ "when": { "person": conditions } })),
        ])));
        assert_eq!(crate::support::outcome(&abroad.refresh(&token)), expected, "{conditions}");
    }
}
