//! Statements U1 to U10: the pages on which a person enters a code and decides.

use device_grant::endpoint::http::Request;

use super::basic;
use crate::support::person::Person;
use crate::support::{World, outcome, post};

#[test]
fn u1_a_code_typed_at_the_verification_uri_works() {
    let world = World::new();
    let started = world.start();

    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn u2_nobody_approves_without_signing_in() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    person.enter(&started.user_code);

    let page = person.submit(&[("step", "decide"), ("decision", "approve"), ("confirm_device", "yes")]);

    assert_eq!(page.status, 403);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn u3_both_choices_are_offered_and_both_lead_back_to_the_device() {
    let world = World::new();
    for (decision, back, polled) in [
        ("approve", "<strong>Now go back to your device.</strong>", "issued"),
        ("deny", "You can go back to your device.", "access_denied"),
        ("report", "go back to it and get a new code.", "access_denied"),
    ] {
        let started = world.start();
        let person = Person::of(&world);
        let consent = person.enter_as("alice", "wonderland-8787", &started.user_code);
        assert!(consent.body.contains(&format!("value=\"{decision}\"")), "{decision} is offered");

        let result = person.decide(decision);

        assert!(
            !consent.body.contains(back) && result.body.contains(back),
            "{decision}: the result page leads back to the device"
        );
        assert_eq!(world.poll_outcome(&started.device_code), polled);
    }
}

#[test]
fn u4_the_device_code_appears_on_no_page() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);

    let pages = [
        person.open(&format!("/device?user_code={}", started.user_code)),
        person.enter(&started.user_code),
        person.sign_in("alice", "wonderland-8787"),
        person.decide("approve"),
    ];

    assert!(pages.iter().all(|page| !page.body.contains(&started.device_code)));
}

#[test]
fn u5_the_complete_uri_prefills_the_code_and_approves_nothing() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);

    let page = person.open(&format!("/device?user_code={}", started.user_code));

    assert!(page.body.contains(&started.user_code), "the page shows the code for comparison");
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
    assert_eq!(world.events(), ["device_authorization"], "a GET changes nothing");

    person.submit(&[("step", "code"), ("user_code", &started.user_code)]);
    let consent = person.sign_in("alice", "wonderland-8787");
    assert!(consent.body.contains(&started.user_code) && consent.body.contains("value=\"deny\""));
}

#[test]
fn u6_wrong_codes_are_limited_per_account() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", "BBBB-BBBB");

    let statuses: Vec<u16> = (0..5).map(|_| person.enter("BBBB-BBBC").status).collect();

    assert_eq!(statuses, [400, 400, 400, 400, 429], "five tries in all, then a wait");
    let page = person.page.borrow();
    assert!(page.header("retry-after").is_some());
    assert!(page.body.contains("5 minutes"), "the page names the wait");
}

#[test]
fn u7_the_page_asks_whether_the_device_is_at_hand_and_the_server_insists() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    let consent = person.enter_as("alice", "wonderland-8787", &started.user_code);
    assert!(consent.body.contains("name=\"confirm_device\"") && consent.body.contains("Demo TV"));

    let page = person.submit(&[("step", "decide"), ("decision", "approve")]);
    assert_eq!(page.status, 400);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");

    assert_eq!(person.decide("approve").status, 200, "the page that asked again works");
}

#[test]
fn u8_a_code_is_read_however_it_is_typed() {
    let world = World::new();
    for spelling in
        [str::to_lowercase, |code: &str| code.replace('-', " "), |code: &str| format!(" {code}. ")]
    {
        let started = world.start();

        Person::of(&world).approve_as("alice", "wonderland-8787", &spelling(&started.user_code));

        assert_eq!(world.poll_outcome(&started.device_code), "issued");
    }
}

#[test]
fn u9_codes_can_be_digits_only() {
    let world = World::with(&[("USER_CODE_CHARSET", "0123456789"), ("USER_CODE_LENGTH", "12")]);

    let started = world.start();

    assert_eq!(started.user_code.len(), 14, "{}", started.user_code);
    assert!(started.user_code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
    assert!(Person::of(&world).open("/device").body.contains("inputmode=\"numeric\""));
}

#[test]
fn u10_a_public_client_has_no_secret() {
    let world = World::new();
    let with_secret = [("client_id", "demo-tv"), ("client_secret", "guess")];

    assert_eq!(outcome(&world.post("/device_authorization", &with_secret)), "invalid_client");

    let authorization = Some(basic("demo-tv", ""));
    let empty =
        world.send(&Request { authorization, ..post("/device_authorization", &[("client_id", "demo-tv")]) });
    assert_eq!(empty.status, 200, "HTTP Basic with an empty secret counts as no secret");
}
