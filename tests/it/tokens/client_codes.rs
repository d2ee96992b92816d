//! The codes of a client by its own rules, and its own words on the consent page.

use device_grant::client::rules::UserCodeType;
use serde_json::json;

use super::start_tv;
use crate::support::person::Person;
use crate::support::{World, json};

#[test]
fn a_client_can_have_its_own_code_lifetime_and_polling_interval() {
    let world = World::new();
    world.change_client("demo-tv", |client| {
        client.codes.code_lifetime = Some(120);
        client.codes.polling_interval = Some(10);
        client.codes.verification_uri_complete = false;
    });
    world.wait(10);

    let started = start_tv(&world, &[]);

    assert_eq!(started.answer.get("expires_in"), Some(&json!(120)));
    assert_eq!(started.answer.get("interval"), Some(&json!(10)));
    assert_eq!(started.answer.get("verification_uri_complete"), None);
    assert_eq!(json(&world.poll(&started.device_code)).get("interval"), Some(&json!(10)));
    world.wait(8);
    assert_eq!(world.poll_outcome(&started.device_code), "slow_down");
    world.wait(112);
    assert_eq!(world.poll_outcome(&started.device_code), "expired_token");
}

#[test]
fn u9_codes_of_digits_work_beside_codes_of_letters() {
    let world = World::new();
    let plain = start_tv(&world, &[]);
    assert!(!Person::of(&world).open("/device").body.contains("0000-0000-0000"), "no client has such codes");
    world.change_client("demo-tv", |client| client.codes.user_code_type = UserCodeType::Digits);
    world.wait(10);

    let started = start_tv(&world, &[]);

    let code = &started.user_code;
    assert!(code.len() == 14 && code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'), "{code}");
    let page = Person::of(&world).open("/device").body;
    assert!(page.contains("XXXX-XXXX") && page.contains("0000-0000-0000"), "the hint shows both kinds");
    for (code, device_code) in
        [(code.replace('-', " "), started.device_code), (plain.user_code, plain.device_code)]
    {
        Person::of(&world).approve_as("alice", "wonderland-8787", &code);
        assert_eq!(world.poll_outcome(&device_code), "issued");
    }
    let linked = start_tv(&world, &[]);
    let page = Person::of(&world).open(&format!("/device?user_code={}", linked.user_code));
    assert!(page.body.contains(&linked.user_code));
}

#[test]
fn u6_wrong_codes_count_for_as_long_as_the_longest_code_lives() {
    let world = World::new();
    world.change_client("demo-tv", |client| client.codes.code_lifetime = Some(1_800));
    world.wait(10);
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", "BCDF-GHJK");
    (0..4).for_each(|_| assert_eq!(person.enter("BCDF-GHJK").status, 400));

    world.wait(1_000);

    assert_eq!(
        person.enter("BCDF-GHJK").status,
        429,
        "five tries in the life of a code, not in five minutes"
    );
}

#[test]
fn the_consent_page_has_the_clients_words_marked_as_such_and_escaped() {
    let world = World::new();
    world.change_client("demo-tv", |client| {
        client.about.consent_text = Some("<b>Free</b> films".to_owned());
        client.about.policy_uri = Some("https://tv.example/privacy?a=1&b=\"2\"".to_owned());
        client.about.tos_uri = Some("http://tv.example/terms".to_owned());
    });
    world.wait(10);

    let page = Person::of(&world).enter_as("alice", "wonderland-8787", &start_tv(&world, &[]).user_code).body;

    assert!(
        page.contains("In the words of <bdi>Demo TV</bdi>") && page.contains("&#60;b&#62;Free"),
        "{page}"
    );
    assert!(
        page.contains("rel=\"noopener noreferrer nofollow\"")
            && page.contains("on <bdi dir=\"ltr\" translate=\"no\">tv.example</bdi>")
    );
    assert!(!page.contains("http://tv.example/terms"), "no link over plain http");
    assert!(!page.contains("b=\"2\""));
}
