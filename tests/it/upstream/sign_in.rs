//! A person signs in at a provider, and approves a device.

use serde_json::json;

use super::{add, address, come_back, leave, press, reason, world};
use crate::support::person::{Person, hidden};
use crate::support::{World, claims, json as body, post};

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

#[test]
fn somebody_without_a_code_signs_in_at_a_provider_to_see_a_page_of_their_own() {
    let (world, corp) = world();
    for (path, heading) in [("/account", "Devices with access"), ("/account/passkeys", "Your passkeys")] {
        let person = Person::of(&world);
        let page = person.open(path);
        let csrf = hidden(&page.body, "csrf").unwrap();
        let form = [("csrf", csrf.as_str()), ("step", "provider"), ("provider", "corp")];
        let address = address(&person.send(post(path, &form)));
        assert_eq!(corp.request(&address).get("max_age"), None);
        let back = corp.authorize(&address);

        let page = person.open(&back);
        assert_eq!((page.status, reason(&page)), (200, "upstream"));
        assert!(page.body.contains(heading), "{}", page.body);
        let again = person.open(&back);
        assert_eq!(reason(&again), "callback_replayed");
        assert!(again.body.contains(heading), "it leads back to the page");

        let other = Person::of(&world);
        let csrf = hidden(&other.open(path).body, "csrf").unwrap();
        let form = [("csrf", csrf.as_str()), ("step", "provider"), ("provider", "corp"), ("language", "de")];
        let german = other.send(post(path, &form));
        assert!(german.body.contains("weitergeleitet</h1>"), "{}", german.body);
    }
}

#[test]
fn a_change_of_passkeys_asks_the_provider_for_a_recent_sign_in() {
    let (world, corp) = world();
    let person = Person::of(&world);
    let press = |page: &device_grant::endpoint::http::Response| {
        let csrf = hidden(&page.body, "csrf").unwrap();
        let form = [("csrf", csrf.as_str()), ("step", "provider"), ("provider", "corp")];
        address(&person.send(post("/account/passkeys", &form)))
    };
    let page = person.open("/account/passkeys");
    let page = person.open(&corp.authorize(&press(&page)));
    let csrf = hidden(&page.body, "csrf").unwrap();
    world.wait(700);

    let page = person.send(post("/account/passkeys", &[("csrf", csrf.as_str()), ("step", "add")]));
    assert!(page.body.contains("too long ago to change your passkeys"), "{}", page.body);
    assert_eq!(corp.request(&press(&page)).get("max_age"), Some("300"));
}

#[test]
fn what_goes_wrong_on_the_way_to_a_page_of_ones_own_is_said_on_its_sign_in_page() {
    let (world, corp) = world();
    let person = Person::of(&world);
    let page = person.open("/account");
    let csrf = hidden(&page.body, "csrf").unwrap();
    let form = |id| [("csrf", csrf.as_str()), ("step", "provider"), ("provider", id)].map(|(n, v)| (n, v));
    let gone = person.send(post("/account", &form("nobody")));
    assert_eq!((gone.status, reason(&gone)), (400, "provider_gone"));
    assert!(gone.body.contains("To see what has access to your account"), "{}", gone.body);

    let address = address(&person.send(post("/account", &form("corp"))));
    let state = corp.request(&address).get("state").unwrap().to_owned();
    let issuer = super::CORP.replace(':', "%3A").replace('/', "%2F");
    let page = person.open(&format!("/callback/corp?error=access_denied&state={state}&iss={issuer}"));
    assert!(page.body.contains("canceled or refused"), "{}", page.body);
    assert!(page.body.contains("To see what has access to your account"), "{}", page.body);
}
