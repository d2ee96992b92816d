//! Callbacks that do not count: replayed, in another browser, late, from another provider, or at its address.

use super::{CORP, add, address, come_back, leave, press, reason, world};
use crate::support::World;
use crate::support::person::Person;

#[test]
fn a_callback_counts_once() {
    let (world, corp) = world();
    let started = world.start();
    let (person, address) = leave(&world, &started.user_code);
    let back = corp.authorize(&address);
    let stolen = person.window();
    person.open(&back);

    let page = person.open(&back);
    assert_eq!((page.status, reason(&page)), (400, "callback_replayed"));
    assert!(page.body.contains("already used") && page.body.contains(&started.user_code), "{}", page.body);
    let page = stolen.open(&back);
    assert_eq!(reason(&page), "callback_replayed", "even with all cookies from before");
    let tokens = corp.log.borrow().iter().filter(|path| *path == "/token").count();
    assert_eq!(tokens, 1, "the code was sent to the provider once");
}

#[test]
fn a_callback_in_another_browser_signs_nobody_in() {
    let (world, corp) = world();
    let (_attacker, address) = leave(&world, &world.start().user_code);
    let back = corp.authorize(&address);

    for victim in [Person::of(&world), come_back(&world, &corp, &world.start().user_code).0] {
        let before = world.server.platform.limit_hops.get();
        let page = victim.open(&back);
        assert_eq!((page.status, reason(&page)), (400, "callback_other_browser"));
        assert!(page.body.contains("didn’t start in this browser"), "{}", page.body);
        assert_eq!(world.server.platform.limit_hops.get(), before, "it costs no object");
    }
}

#[test]
fn a_callback_from_a_second_provider_signs_nobody_in() {
    let (world, corp) = world();
    let evil = add(&world, "evil", "https://evil.example", |_| {});
    let started = world.start();
    let (person, address) = leave(&world, &started.user_code);
    let state = corp.request(&address).get("state").unwrap().to_owned();

    let code = "code-of-evil";
    for back in [
        format!("/callback/corp?code={code}&state={state}&iss=https%3A%2F%2Fevil.example"),
        format!("/callback/corp?code={code}&state={state}"),
        format!("/callback/corp?error=access_denied&state={state}&iss=https%3A%2F%2Fevil.example"),
    ] {
        let page = person.open(&back);
        assert!(
            ["response_issuer_wrong", "response_issuer_missing"].contains(&reason(&page)),
            "{}",
            reason(&page)
        );
        assert!(page.body.contains("didn’t come from"), "{}", page.body);
    }
    assert!(!corp.log.borrow().iter().any(|path| path == "/token"), "no code went anywhere");
    assert!(evil.log.borrow().is_empty());
    super::assert_code_survives(&world, &corp, &person, &started.user_code);
}

/// The mix-up attack (RFC 9207 §1): a provider that was taken over sends the browser on to an honest one, to get its code.
#[test]
fn a_code_of_an_honest_provider_does_not_reach_the_one_that_the_person_chose() {
    let (world, corp) = world();
    let evil = add(&world, "evil", "https://evil.example", |_| {});
    let started = world.start();
    let person = Person::of(&world);
    person.enter(&started.user_code);
    let asked = evil.request(&address(&press(&person, "evil")));
    let [state, challenge, nonce] = ["state", "code_challenge", "nonce"].map(|name| asked.get(name).unwrap());
    let onward = format!(
        "{CORP}/authorize?response_type=code&client_id=rp&redirect_uri=http%3A%2F%2F127.0.0.1%3A8787%2Fcallback%2Fcorp&scope=openid&\
         state={state}&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256"
    );

    let page = person.open(&corp.authorize(&onward));

    assert_eq!((page.status, reason(&page)), (400, "response_address_wrong"), "{}", page.body);
    // The same at the address of the other provider, and without `iss`, as from one that knows no RFC 9207.
    let back = corp.authorize(&onward);
    let page = person.open(&back.replace("/callback/corp?", "/callback/evil?"));
    assert_eq!((page.status, reason(&page)), (400, "response_issuer_wrong"), "{}", page.body);
    let page = person.open(back.split("&iss=").next().unwrap());
    assert_eq!((page.status, reason(&page)), (400, "response_address_wrong"), "{}", page.body);
    let asked = |provider: &crate::support::provider::ScriptedProvider| {
        provider.log.borrow().iter().any(|path| path == "/token")
    };
    assert!(!asked(&evil) && !asked(&corp), "the code went nowhere");
    super::assert_code_survives(&world, &corp, &person, &started.user_code);
}

#[test]
fn a_provider_without_iss_gets_only_the_codes_of_its_own_sign_ins() {
    let (world, corp) = world();
    corp.discovery.replace(serde_json::json!({ "authorization_response_iss_parameter_supported": null }));
    let _evil = add(&world, "evil", "https://evil.example", |_| {});
    let (person, address) = leave(&world, &world.start().user_code);
    let back = corp.authorize(&address).split("&iss=").next().unwrap().to_owned();

    let page = person.open(&back);

    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
    assert_eq!(corp.log.borrow().iter().filter(|path| *path == "/token").count(), 1);
}

#[test]
fn a_late_callback_keeps_the_code() {
    let (world, corp) = world();
    let started = world.start_with(&[("client_id", "demo-tv"), ("scope", "openid")]);
    let (person, address) = leave(&world, &started.user_code);
    let back = corp.authorize(&address);
    world.wait(900);

    let page = person.open(&back);

    assert_eq!((page.status, reason(&page)), (400, "callback_too_late"));
    assert!(page.body.contains("away for too long"), "{}", page.body);
}

#[test]
fn a_callback_of_a_provider_that_is_gone_keeps_the_code() {
    let (world, corp) = world();
    let (person, address) = leave(&world, &world.start().user_code);
    let back = corp.authorize(&address);
    world.change_provider("corp", |provider| provider.enabled = false);

    let page = person.open(&back);

    assert_eq!(reason(&page), "provider_gone");
    assert!(page.body.contains("no longer exists"), "{}", page.body);
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    assert_eq!(reason(&press(&person, "corp")), "provider_gone", "an old page has its button");
}

#[test]
fn a_malformed_callback_is_refused() {
    let world = World::new();
    let _corp = add(&world, "corp", CORP, |_| {});
    let person = Person::of(&world);

    for (path, why) in [
        ("/callback/corp?state=a&state=b&code=c", "callback_malformed"),
        ("/callback/corp?state=%FF&code=c", "callback_malformed"),
        ("/callback/corp?code=c", "callback_other_browser"),
        ("/callback/nobody", "callback_other_browser"),
    ] {
        let page = person.open(path);
        assert_eq!((page.status, reason(&page)), (400, why), "{path}");
    }
    let head = crate::support::get();
    let head = world.send(&device_grant::endpoint::http::Request {
        method: "HEAD".to_owned(),
        path: "/callback/corp".to_owned(),
        ..head
    });
    assert_eq!(head.status, 405, "a program that looks at links must not use a code up");
}

#[test]
fn an_old_window_does_not_take_the_place_of_newer_ones() {
    let (world, corp) = world();
    let person = Person::of(&world);
    let mut backs = Vec::new();
    for _ in 0..4 {
        person.enter(&world.start().user_code);
        backs.push(corp.authorize(&address(&press(&person, "corp"))));
    }

    assert_eq!(reason(&person.open(&backs[0])), "callback_other_browser", "the cookie holds three");
    assert!(person.open(&backs[1]).body.contains("value=\"approve\""));
}
