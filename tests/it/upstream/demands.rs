//! Demands on a sign-in that people meet at their provider.

use serde_json::{Value, json};

use super::{CORP, add, address, leave, press};
use crate::support::World;
use crate::support::admin::Admin;

/// Returns a world whose `demo-tv` has a demand, with a provider whose entry counts these as strong.
fn world(demand: &Value) -> (World, std::rc::Rc<crate::support::provider::ScriptedProvider>) {
    let world = World::new();
    world.start();
    let changed = Admin(&world).patch("demo-tv", &json!({ "sign_in": demand }));
    assert_eq!(changed.status, 200, "{}", changed.body);
    let corp = add(&world, "corp", CORP, |provider| {
        provider.strong_amr = vec!["hwk".to_owned(), "fido".to_owned()];
        provider.strong_acr = vec!["phrh".to_owned()];
    });
    (world, corp)
}

const CONSENT: &str = "name=\"confirm_device\"";

#[test]
fn what_the_entry_of_a_provider_counts_as_strong_resists_phishing() {
    for (claims, is_strong) in [
        (json!({}), false),
        (json!({ "amr": ["pwd", "otp"], "acr": "phr" }), false),
        (json!({ "amr": ["pwd", "hwk"] }), true),
        (json!({ "acr": "phrh" }), true),
    ] {
        let (world, corp) = world(&json!({ "phishing_resistant": true }));
        corp.claims.replace(claims.clone());
        let started = world.start();
        let (person, at_corp) = leave(&world, &started.user_code);

        let page = person.open(&corp.authorize(&at_corp));

        assert_eq!(page.body.contains(CONSENT), is_strong, "{claims}");
        if is_strong {
            person.decide("approve");
            assert_eq!(world.poll(&started.device_code).status, 200, "judged again at redemption");
        }
    }
}

#[test]
fn a_person_who_has_to_sign_in_better_is_sent_with_the_classes_that_are_demanded_and_keeps_the_code() {
    for (demand, expected) in [
        (json!({ "phishing_resistant": true }), "phrh"),
        (json!({ "acr_values": ["gold", "silver"] }), "gold silver"),
    ] {
        let (world, corp) = world(&demand);
        let started = world.start();
        let (person, at_corp) = leave(&world, &started.user_code);
        assert_eq!(corp.request(&at_corp).get("acr_values"), None, "not before the code was looked up");
        let page = person.open(&corp.authorize(&at_corp));
        assert!(page.body.contains("asks for a stronger sign-in"), "{}", page.body);

        let again = address(&press(&person, "corp"));

        assert_eq!(corp.request(&again).get("acr_values"), Some(expected));
        corp.claims.replace(json!({ "acr": expected.split(' ').next().unwrap() }));
        let page = person.open(&corp.authorize(&again));
        assert!(page.body.contains(CONSENT), "{}", page.body);
        person.decide("approve");
        assert_eq!(world.poll(&started.device_code).status, 200);
    }
}

#[test]
fn a_strong_provider_is_no_passkey_of_this_server() {
    let (world, corp) = world(&json!({ "fresh_passkey": true }));
    corp.claims.replace(json!({ "amr": ["hwk"], "acr": "phrh" }));
    let started = world.start();
    let (person, at_corp) = leave(&world, &started.user_code);

    let page = person.open(&corp.authorize(&at_corp));

    assert!(page.body.contains("asks for your passkey"), "{}", page.body);
}
