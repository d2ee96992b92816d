//! What this server asks a provider for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use device_grant::client::SecretBy;
use device_grant::endpoint::form::Form;
use device_grant::token::signing_key::Algorithm;
use device_grant::upstream::provider::ProviderAuthentication;
use serde_json::{Value, json};

use super::{CORP, add, address, come_back, leave, press, reason, world};
use crate::support::person::Person;
use crate::support::{ISSUER, World, header};

fn start_wanting(world: &World, wanted: &[(&str, &str)]) -> String {
    let form = [&[("client_id", "demo-tv"), ("scope", "openid profile")], wanted].concat();
    world.start_with(&form).user_code
}

#[test]
fn the_request_is_a_code_flow_with_pkce_state_and_nonce() {
    let (world, corp) = world();

    let (_, address) = leave(&world, &world.start().user_code);

    let request = corp.request(&address);
    let redirect = format!("{ISSUER}/callback/corp");
    for (name, value) in [
        ("client_id", "rp"),
        ("redirect_uri", redirect.as_str()),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(request.get(name), Some(value), "{name}");
    }
    assert!(["state", "nonce", "code_challenge"].iter().all(|name| request.get(name).is_some()));
    assert!(request.get("scope").unwrap().split(' ').any(|scope| scope == "openid"));
}

#[test]
fn parameters_are_pushed_where_the_provider_takes_them() {
    let (world, corp) = world();
    let par = json!({ "pushed_authorization_request_endpoint": format!("{CORP}/par") });
    corp.discovery.replace(par);
    let started = world.start();

    let (person, address) = leave(&world, &started.user_code);

    let query = address.split_once('?').unwrap().1;
    let sent = Form::parse(query.as_bytes()).unwrap();
    assert_eq!(sent.names().collect::<Vec<_>>(), ["client_id", "request_uri"]);
    let page = person.open(&corp.authorize(&address));
    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
    corp.down.borrow_mut().push("par");
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    assert_eq!(reason(&press(&person, "corp")), "push_unreachable");
}

#[test]
fn this_server_authenticates_as_the_entry_says() {
    let world = World::new();
    for (id, by) in [("basic", SecretBy::Basic), ("post", SecretBy::Post)] {
        let issuer = format!("https://{id}.example");
        let provider = add(&world, id, &issuer, |provider| {
            let ProviderAuthentication::Secret { sealed, .. } = provider.authentication.clone() else {
                panic!()
            };
            provider.authentication = ProviderAuthentication::Secret { by, sealed };
        });
        let person = Person::of(&world);
        person.enter(&world.start().user_code);
        let address = address(&press(&person, id));
        let page = person.open(&provider.authorize(&address));
        assert!(page.body.contains("value=\"approve\""), "{}", page.body);
        let (authorization, form) = provider.last.borrow().clone();
        assert_eq!(authorization.is_some(), id == "basic");
        assert_eq!(form.contains("client_secret="), id == "post");
        if let Some(authorization) = authorization {
            let pair = STANDARD.decode(authorization.strip_prefix("Basic ").unwrap()).unwrap();
            assert!(pair.starts_with(b"rp:rp%20secret"), "encoded as RFC 6749 §2.3.1 says");
        }
    }
}

#[test]
fn this_server_can_sign_an_assertion_with_a_key_that_it_publishes() {
    let world = World::new();
    let corp = add(&world, "corp", CORP, |provider| {
        provider.authentication = ProviderAuthentication::PrivateKeyJwt { alg: Algorithm::Es256 };
    });

    let (_, page) = come_back(&world, &corp, &world.start().user_code);

    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
    let (_, form) = corp.last.borrow().clone();
    let form = Form::parse(form.as_bytes()).unwrap();
    let kid = header(form.get("client_assertion").unwrap())["kid"].clone();
    let published: Value = crate::support::json(&world.get("/jwks.json"));
    assert!(published["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid));
    assert_eq!(form.get("client_id"), Some("rp"));
}

#[test]
fn before_the_code_is_looked_up_nothing_that_the_device_wants_is_passed_on() {
    let (world, corp) = world();
    let code = start_wanting(&world, &[("login_hint", "alice"), ("acr_values", "urn:a"), ("max_age", "60")]);

    let (_, address) = leave(&world, &code);

    let request = corp.request(&address);
    for name in ["login_hint", "acr_values", "max_age", "prompt"] {
        assert_eq!(request.get(name), None, "{name}");
    }
}

#[test]
fn when_sign_in_is_asked_for_again_the_wishes_of_the_device_are_passed_on() {
    let (world, corp) = world();
    let old = world.now().seconds() - 3_600;
    corp.claims.replace(json!({ "auth_time": old }));
    let wanted = [("login_hint", "alice"), ("acr_values", "urn:a"), ("max_age", "60")];
    let code = start_wanting(&world, &wanted);
    let (person, page) = come_back(&world, &corp, &code);
    assert!(page.body.contains("Sign in again"), "{}", page.body);

    let again = address(&press(&person, "corp"));

    let request = corp.request(&again);
    for (name, value) in wanted {
        assert_eq!(request.get(name), Some(value), "{name}");
    }
    corp.claims.replace(json!({}));
    let page = person.open(&corp.authorize(&again));
    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
}

#[test]
fn an_auth_time_of_0_is_too_old_and_ends_in_a_page() {
    let (world, corp) = world();
    corp.claims.replace(json!({ "auth_time": 0 }));
    let code = start_wanting(&world, &[("max_age", "0")]);
    let (person, page) = come_back(&world, &corp, &code);
    assert!(page.body.contains("Sign in again"), "{}", page.body);
    let again = address(&press(&person, "corp"));
    let request = corp.request(&again);
    assert_eq!((request.get("prompt"), request.get("max_age")), (Some("login"), Some("1")));

    let page = person.open(&corp.authorize(&again));

    assert_eq!((page.status, reason(&page)), (400, "id_token_auth_time_old"));
    assert!(page.body.contains("didn’t ask you to sign in again"), "{}", page.body);
}

#[test]
fn another_account_is_asked_for_with_select_account() {
    let (world, corp) = world();
    let code = start_wanting(&world, &[("login_hint", "bob@corp.example")]);
    let (person, page) = come_back(&world, &corp, &code);
    assert!(page.body.contains("bob@corp.example"), "{}", page.body);
    person.submit(&[("step", "switch_account")]);

    let other = address(&press(&person, "corp"));

    let request = corp.request(&other);
    assert_eq!(request.get("prompt"), Some("select_account"));
    assert_eq!(request.get("login_hint"), Some("bob@corp.example"));
    corp.claims.replace(json!({ "sub": "bob-upstream", "name": "Bob Upstream" }));
    let page = person.open(&corp.authorize(&other));
    assert!(page.body.contains("Bob Upstream") && page.body.contains("value=\"approve\""), "{}", page.body);
}

#[test]
fn the_classes_of_the_entry_are_asked_for_at_every_sign_in() {
    let world = World::new();
    let corp = add(&world, "corp", CORP, |provider| provider.acr_values = vec!["urn:strong".to_owned()]);

    let (_, address) = leave(&world, &world.start().user_code);

    assert_eq!(corp.request(&address).get("acr_values"), Some("urn:strong"));
}

#[test]
fn a_provider_that_knows_no_select_account_is_asked_to_sign_in_again() {
    let (world, corp) = world();
    let (person, _) = come_back(&world, &corp, &world.start().user_code);
    person.submit(&[("step", "switch_account")]);
    let other = address(&press(&person, "corp"));

    let again = address(&person.open(&corp.refuse(&other, "invalid_request")));

    assert_eq!(corp.request(&again).get("prompt"), Some("login"));
    let page = person.open(&corp.refuse(&again, "invalid_request"));
    assert_eq!((page.status, reason(&page)), (400, "response_error"), "not for ever");
    let page = person.open(&corp.authorize(&again));
    assert!(page.body.contains("value=\"approve\""), "an error does not use the callback up: {}", page.body);
}
