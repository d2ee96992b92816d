//! Providers that cannot be reached or do not fit, and this server's own parts that cannot.

use serde_json::json;

use super::{CORP, assert_code_survives, leave, press, reason, world};
use crate::support::person::Person;

#[test]
fn a_provider_that_is_down_costs_nothing() {
    for (part, why) in [("jwks", "keys_unreachable"), ("token", "token_unreachable")] {
        let (world, corp) = world();
        let started = world.start();
        let (person, address) = leave(&world, &started.user_code);
        corp.down.borrow_mut().push(part);

        let page = person.open(&corp.authorize(&address));

        assert_eq!((page.status, reason(&page)), (503, why));
        assert!(page.body.contains("corp login") && page.body.contains("can’t be reached"), "{}", page.body);
        corp.down.borrow_mut().clear();
        world.wait(10);
        assert_code_survives(&world, &corp, &person, &started.user_code);
    }
}

#[test]
fn userinfo_that_is_needed_and_down_costs_nothing_either() {
    let (world, corp) = world();
    corp.claims.replace(json!({ "groups": null }));
    corp.down.borrow_mut().push("userinfo");
    let started = world.start();
    let (person, address) = leave(&world, &started.user_code);

    let page = person.open(&corp.authorize(&address));

    assert_eq!((page.status, reason(&page)), (503, "userinfo_unreachable"));
    corp.down.borrow_mut().clear();
    assert_code_survives(&world, &corp, &person, &started.user_code);
}

#[test]
fn discovery_is_fetched_once_an_hour_and_again_soon_after_a_failure() {
    let (world, corp) = world();
    let person = Person::of(&world);
    let fetches = || corp.log.borrow().iter().filter(|path| path.contains("openid-configuration")).count();
    let attempt = || {
        person.enter(&world.start().user_code);
        press(&person, "corp")
    };
    corp.down.borrow_mut().push("discovery");
    assert_eq!((reason(&attempt()), reason(&attempt())), ("discovery_unreachable", "discovery_unreachable"));
    assert_eq!(fetches(), 1, "not again within 10 seconds");

    corp.down.borrow_mut().clear();
    world.wait(10);
    (0..3).for_each(|_| assert_eq!(attempt().status, 200));
    assert_eq!(fetches(), 2);
    world.wait(3_600);
    corp.down.borrow_mut().push("discovery");
    assert_eq!(attempt().status, 200, "the last document is good for a day");
    assert_eq!(fetches(), 3);
}

#[test]
fn a_discovery_document_that_does_not_fit_is_named_in_the_log() {
    for (changes, why) in [
        (json!({ "issuer": format!("{CORP}/") }), "discovery_issuer_wrong"),
        (json!({ "token_endpoint": null }), "discovery_incomplete"),
        (json!({ "response_types_supported": ["id_token"] }), "discovery_without_code_flow"),
        (json!({ "code_challenge_methods_supported": ["plain"] }), "discovery_without_pkce"),
        (json!({ "id_token_signing_alg_values_supported": ["RS256"] }), "discovery_algorithm_other"),
        (json!({ "jwks_uri": "http://id.corp.example/jwks" }), "discovery_address_refused"),
    ] {
        let (world, corp) = world();
        corp.discovery.replace(changes);
        let person = Person::of(&world);
        let started = world.start();
        person.enter(&started.user_code);

        let page = press(&person, "corp");

        assert_eq!((page.status, reason(&page)), (400, why));
        assert!(page.body.contains("aren’t set up correctly"), "{}", page.body);
        corp.discovery.replace(json!({}));
        world.wait(10);
        assert_code_survives(&world, &corp, &person, &started.user_code);
    }
}

#[test]
fn a_token_endpoint_that_refuses_is_told_apart() {
    for (status, body, why, said) in [
        (400, r#"{"error":"invalid_grant"}"#, "token_invalid_grant", "wasn’t meant for this sign-in"),
        (401, r#"{"error":"invalid_client"}"#, "token_invalid_client", "aren’t set up correctly"),
        (500, "oops", "token_provider_down", "can’t be reached"),
        (200, "oops", "token_malformed", "aren’t set up correctly"),
        (200, r#"{"access_token":"a","token_type":"Bearer"}"#, "id_token_missing", "aren’t set up correctly"),
    ] {
        let (world, corp) = world();
        let started = world.start();
        let (person, address) = leave(&world, &started.user_code);
        corp.tokens.replace(Some((status, body.to_owned())));

        let page = person.open(&corp.authorize(&address));

        assert_eq!(reason(&page), why);
        assert!(page.body.contains(said), "{why}: {}", page.body);
        corp.tokens.replace(None);
        assert_code_survives(&world, &corp, &person, &started.user_code);
    }
}

#[test]
fn parts_of_our_own_that_are_down_lose_nothing() {
    for part in ["limits", "accounts"] {
        let (world, corp) = world();
        let started = world.start();
        let (person, address) = leave(&world, &started.user_code);
        let back = corp.authorize(&address);
        world.set_down(part, true);

        let page = person.open(&back);

        assert_eq!(page.status, 503, "{part}");
        world.set_down(part, false);
        if part == "limits" {
            assert!(person.open(&back).body.contains("value=\"approve\""), "the callback was not used up");
        }
    }
}
