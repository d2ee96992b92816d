//! Signing in with a passkey, through the pages.

use serde_json::{Value, json};

use super::ceremonies::HOST;
use super::owner::{account, browser, challenge_of, options, owned, send, sign_in};
use crate::support::authenticator::Authenticator;
use crate::support::person::Person;
use crate::support::{World, claims, json as body};

/// What the log says about the last page.
fn logged(page: &device_grant::endpoint::http::Response) -> (&'static str, &'static str) {
    page.decisions.iter().find(|decision| decision.what == "sign_in").map(|d| (d.outcome, d.reason)).unwrap()
}

fn start(world: &World) -> (Person<'_>, String, String) {
    let started = world.start();
    let person = browser(world);
    person.enter(&started.user_code);
    (person, started.device_code, started.user_code)
}

#[test]
fn a_passkey_signs_its_owner_in_and_the_code_is_still_there() {
    let world = World::new();
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, device_code, _) = start(&world);

    let consent = sign_in(&person, &authenticator);
    assert!(consent.body.contains("Alice Liddell"), "{}", consent.body);
    assert_eq!(logged(&consent), ("signed_in", "passkey"));
    person.decide("approve");

    let tokens = body(&world.poll(&device_code));
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["amr"], json!(["pop", "user", "mfa"]));
    assert_eq!(account(&world, "alice").passkeys[0].last_used_at, Some(world.now()));
}

#[test]
fn the_class_of_a_passkey_is_phishing_resistant() {
    let world = World::new();
    let authenticator = owned(&world, "alice", 1, 0);
    let wants = [("client_id", "demo-tv"), ("scope", "openid"), ("acr_values", "phrh phr")];
    let started = world.start_with(&wants);
    let person = browser(&world);
    person.enter(&started.user_code);
    sign_in(&person, &authenticator);
    person.decide("approve");

    let tokens = body(&world.poll(&started.device_code));
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["acr"], "phr");
}

#[test]
fn the_page_asks_for_any_passkey_of_this_host_with_its_owner_verified() {
    let world = World::new();
    let (person, ..) = start(&world);

    let page = person.page.borrow().clone();
    let options = options(&page);
    assert_eq!(options["rpId"], HOST);
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["allowCredentials"], json!([]));
    assert_eq!(options["challenge"].as_str().unwrap().len(), 43);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert!(page.body.contains("autocomplete=\"username webauthn\""));
    assert!(page.body.contains("Passkeys need JavaScript"), "without scripts, the page says why");
}

#[test]
fn at_an_ip_address_there_are_no_passkeys_and_the_page_says_why() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);

    let page = person.page.borrow().clone();
    assert!(page.body.contains("this server’s address is a number"), "{}", page.body);
    assert!(
        !page.body.contains("<script") && !page.header("content-security-policy").unwrap().contains("script")
    );
    let sent = send(&person, &page, "{}");
    assert_eq!((sent.status, logged(&sent)), (400, ("refused", "passkey_challenge_over")));
}

#[test]
fn without_passwords_only_a_passkey_signs_in() {
    let world = World::with(&[("PASSWORDS", "false")]);
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, ..) = start(&world);

    assert!(!person.page.borrow().body.contains("name=\"password\""));
    let refused = person.sign_in("alice", "wonderland-8787");
    assert_eq!((refused.status, logged(&refused).0), (400, "refused"));
    assert_eq!(logged(&sign_in(&person, &authenticator)), ("signed_in", "passkey"));
}

#[test]
fn a_challenge_is_good_once_for_five_minutes_and_in_its_own_browser() {
    let world = World::new();
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, _, code) = start(&world);
    let page = person.page.borrow().clone();
    let response = authenticator.get(&challenge_of(&page));

    let (other, ..) = start(&world);
    let elsewhere = other.page.borrow().clone();
    let foreign = [("step", "passkey"), ("credential", response.as_str())];
    let ceremony = crate::support::person::hidden(&page.body, "ceremony").unwrap();
    let refused = other.submit(&[&foreign[..], &[("ceremony", &ceremony)]].concat());
    assert_eq!(logged(&refused), ("refused", "passkey_challenge_over"), "in another browser");
    assert!(challenge_of(&elsewhere) != challenge_of(&page));

    world.wait(299);
    assert_eq!(logged(&send(&person, &page, &response)).0, "signed_in");
    let again = browser(&world);
    again.enter(&code);
    let stale = again.page.borrow().clone();
    world.wait(300);
    let late = send(&again, &stale, &authenticator.get(&challenge_of(&stale)));
    assert_eq!((late.status, logged(&late)), (400, ("refused", "passkey_challenge_over")));
    assert!(late.body.contains("more than five minutes"));
    assert_eq!(logged(&sign_in(&again, &authenticator)).0, "signed_in", "the page has a new challenge");
}

#[test]
fn the_same_answer_signs_in_once() {
    let world = World::new();
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, ..) = start(&world);
    let page = person.page.borrow().clone();
    let response = authenticator.get(&challenge_of(&page));
    let twin = person.window();

    assert_eq!(logged(&send(&person, &page, &response)).0, "signed_in");
    let replayed = send(&twin, &page, &response);
    assert_eq!((replayed.status, logged(&replayed)), (400, ("refused", "passkey_challenge_over")));
}

#[test]
fn a_passkey_of_nobody_a_removed_one_and_a_false_one_get_the_same_page() {
    let world = World::new();
    let authenticator = owned(&world, "alice", 1, 0);
    let stranger = Authenticator { seed: 9, ..authenticator.clone() };
    let thief = Authenticator { user_handle: Some(b"acct-b42c9e07".to_vec()), ..authenticator.clone() };
    let phished = Authenticator { origin: "https://localhost.example".to_owned(), ..authenticator.clone() };
    let mut reasons = Vec::new();
    for liar in [stranger, thief, phished] {
        let (person, ..) = start(&world);
        let refused = sign_in(&person, &liar);
        assert_eq!(refused.status, 400);
        assert!(refused.body.contains("That passkey didn’t work here"), "{}", refused.body);
        reasons.push(logged(&refused).1);
    }
    assert_eq!(reasons, ["passkey_unknown", "passkey_user_handle", "passkey_origin"]);

    world.change_account("local:alice", |account| account.passkeys.clear());
    let (person, ..) = start(&world);
    let refused = sign_in(&person, &authenticator);
    assert_eq!((refused.status, logged(&refused)), (400, ("refused", "passkey_unknown")), "removed");
}

#[test]
fn the_signature_must_verify_with_the_stored_key() {
    let world = World::new();
    let authenticator = owned(&world, "alice", 1, 0);
    let (person, ..) = start(&world);
    let page = person.page.borrow().clone();
    let mut response: Value = serde_json::from_str(&authenticator.get(&challenge_of(&page))).unwrap();
    let other: Value =
        serde_json::from_str(&Authenticator { seed: 2, ..authenticator.clone() }.get(&challenge_of(&page)))
            .unwrap();
    response["response"]["signature"] = other["response"]["signature"].clone();

    let refused = send(&person, &page, &response.to_string());
    assert_eq!((refused.status, logged(&refused)), (400, ("refused", "passkey_signature")));
}

#[test]
fn a_counter_that_does_not_grow_is_refused_and_a_growing_one_goes_on() {
    let world = World::new();
    let mut authenticator = owned(&world, "alice", 1, 5);
    let mut copy = authenticator.clone();
    authenticator.counter = 7;
    let (person, ..) = start(&world);
    assert_eq!(logged(&sign_in(&person, &authenticator)).0, "signed_in");

    for counter in [6, 7, 0] {
        copy.counter = counter;
        let (person, ..) = start(&world);
        let refused = sign_in(&person, &copy);
        assert_eq!((refused.status, logged(&refused)), (400, ("refused", "passkey_counter")), "{counter}");
        assert!(refused.body.contains("may have been copied"));
    }
    assert_eq!(account(&world, "alice").passkeys[0].counter, 7);
    let events = world.changes();
    let copied: Vec<_> = events.iter().filter(|event| event["what"] == "passkey_copied").collect();
    assert_eq!(copied.len(), 3);
    assert_eq!(copied[0]["by"], json!({ "account": account(&world, "alice").sub }));
    authenticator.counter = 8;
    let (person, ..) = start(&world);
    assert_eq!(logged(&sign_in(&person, &authenticator)).0, "signed_in");
}

#[test]
fn a_passkey_never_becomes_able_to_be_backed_up() {
    let world = World::new();
    let mut authenticator = owned(&world, "alice", 1, 0);
    authenticator.flags &= !0b0001_1000;
    let (person, ..) = start(&world);

    let refused = sign_in(&person, &authenticator);
    assert_eq!((refused.status, logged(&refused)), (400, ("refused", "passkey_backup")));
    authenticator.flags |= 0b0000_1000;
    let (person, ..) = start(&world);
    assert_eq!(logged(&sign_in(&person, &authenticator)).0, "signed_in", "it may lose its copies");
    assert!(!account(&world, "alice").passkeys[0].backed_up);
}

#[test]
fn a_blocked_account_cannot_sign_in_with_its_passkey() {
    let world = World::new();
    let authenticator = owned(&world, "alice", 1, 0);
    world.set_blocked("local:alice", true);
    let (person, ..) = start(&world);

    let refused = sign_in(&person, &authenticator);
    assert_eq!((refused.status, logged(&refused).1), (403, "account_blocked"));
}

#[test]
fn a_form_without_a_passkey_says_what_passkeys_need() {
    let world = World::new();
    let (person, ..) = start(&world);
    let page = person.page.borrow().clone();

    let refused = send(&person, &page, "");
    assert_eq!((refused.status, logged(&refused)), (400, ("refused", "passkey_missing")));
    assert!(refused.body.contains("Your browser sent no passkey"));
    let refused = send(&person, &page, "{}");
    assert_eq!(logged(&refused), ("refused", "passkey_malformed"));
}

#[test]
fn wrong_passkeys_slow_a_network_down_and_right_ones_do_not() {
    let world = World::new();
    let authenticator = owned(&world, "alice", 1, 0);
    for _ in 0..25 {
        let (person, ..) = start(&world);
        assert_eq!(logged(&sign_in(&person, &authenticator)).0, "signed_in");
    }
    let stranger = Authenticator { seed: 9, ..authenticator.clone() };
    let answers: Vec<u16> = (0..22)
        .map(|_| {
            let (person, ..) = start(&world);
            sign_in(&person, &stranger).status
        })
        .collect();
    assert_eq!(answers[..20], [400; 20]);
    assert_eq!(answers[21], 429);
}
