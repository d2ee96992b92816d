//! A person signs in at a provider, and approves a device.

use serde_json::json;

use super::{add, address, come_back, leave, press, reason, world};
use crate::support::person::Person;
use crate::support::{World, claims, json as body};

#[test]
fn somebody_signs_in_at_a_provider_and_approves_a_device() {
    let (world, corp) = world();
    let started = world.start();

    let (person, page) = come_back(&world, &corp, &started.user_code);
    assert!(page.body.contains("Alice Upstream"), "{}", page.body);
    assert!(page.body.contains("value=\"approve\""), "consent is always asked for: {}", page.body);
    assert_eq!(person.decide("approve").status, 200);

    let tokens = body(&world.poll(&started.device_code));
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["email"], "alice@corp.example");
    assert_ne!(id_token["sub"], "alice-upstream", "our own, not the provider's");
}

#[test]
fn the_pages_name_every_provider_in_its_order_and_keep_form_action_to_ourselves() {
    let world = World::new();
    let _second = add(&world, "second", "https://b.example", |provider| provider.order = 2);
    let _first = add(&world, "first", "https://a.example", |provider| provider.order = 1);
    let _off = add(&world, "off", "https://c.example", |provider| provider.enabled = false);
    let person = Person::of(&world);

    let page = person.enter(&world.start().user_code);

    let at = |text: &str| page.body.find(text).unwrap_or_else(|| panic!("{text}: {}", page.body));
    assert!(at("first login") < at("second login"));
    assert!(!page.body.contains("off login"));
    let going = press(&person, "first");
    let policy = going.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self'") && !policy.contains("a.example"), "{policy}");
    assert_eq!(going.status, 200, "a redirect would be subject to form-action");
    assert_eq!(going.header("referrer-policy"), Some("same-origin"));
}

#[test]
fn no_address_on_the_way_has_the_user_code_and_none_of_ours_has_a_secret() {
    let (world, corp) = world();
    let started = world.start();
    let (person, address) = leave(&world, &started.user_code);
    let bare = started.user_code.replace('-', "");

    let back = corp.authorize(&address);

    for text in [&address, &back] {
        assert!(!text.contains(&started.user_code) && !text.contains(&bare), "{text}");
    }
    assert!(!person.cookie().unwrap().contains(&bare), "the cookie is sealed");
    let request = corp.request(&address);
    assert!(request.get("code_verifier").is_none());
}

#[test]
fn the_session_at_the_provider_does_not_replace_our_consent() {
    let (world, corp) = world();
    let (person, _) = come_back(&world, &corp, &world.start().user_code);
    let again = world.start();

    let page = person.enter(&again.user_code);

    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
    assert_eq!(world.poll_outcome(&again.device_code), "authorization_pending");
}

#[test]
fn somebody_can_cancel_at_the_provider_and_try_again() {
    let (world, corp) = world();
    let started = world.start();
    let (person, address) = leave(&world, &started.user_code);

    let page = person.open(&corp.refuse(&address, "access_denied"));

    assert_eq!((page.status, reason(&page)), (400, "response_denied"));
    assert!(page.body.contains("canceled or refused"), "{}", page.body);
    super::assert_code_survives(&world, &corp, &person, &started.user_code);
}

#[test]
fn two_windows_can_sign_in_at_the_same_time() {
    let (world, corp) = world();
    let (one, other) = (world.start(), world.start());
    let person = Person::of(&world);
    person.enter(&one.user_code);
    let first = address(&press(&person, "corp"));
    person.enter(&other.user_code);
    let second = address(&press(&person, "corp"));

    let page = person.open(&corp.authorize(&first));
    assert!(page.body.contains(&one.user_code), "{}", page.body);
    let page = person.open(&corp.authorize(&second));
    assert!(page.body.contains(&other.user_code), "{}", page.body);
}

#[test]
fn an_http_provider_answers_only_where_both_servers_are_on_loopback() {
    let world = World::new();
    let local = add(&world, "corp", "http://localhost:4600/api/oidc", |_| {});
    let started = world.start();
    let (_, page) = come_back(&world, &local, &started.user_code);
    assert!(page.body.contains("value=\"approve\""), "{}", page.body);

    local.discovery.replace(json!({ "token_endpoint": "http://id.example/token" }));
    world.wait(3_601);
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    assert_eq!(reason(&press(&person, "corp")), "discovery_address_refused");
}

#[test]
fn the_page_on_the_way_can_be_read_in_another_language_and_still_leads_there() {
    let (world, corp) = world();
    let started = world.start();
    let (person, _) = leave(&world, &started.user_code);

    let page = person.submit(&[("step", "provider"), ("provider", "corp"), ("language", "de")]);

    assert!(page.body.contains("weitergeleitet</h1>"), "{}", page.body);
    assert!(page.body.contains(r#"form="form" name="language" value="fr""#), "{}", page.body);
    let page = person.open(&corp.authorize(&address(&page)));
    assert!(page.body.contains(&started.user_code), "{}", page.body);
    assert!(page.body.contains(r#"<html lang="de""#), "the choice is remembered");
}
