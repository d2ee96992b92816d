//! Events and log lines.

use device_grant::audit::What;
use device_grant::endpoint::http::Response;
use device_grant::sub::Sub;

use super::{ALICE, enter, refresh_token};
use crate::support::{World, outcome};

#[test]
fn every_transition_leaves_an_event() {
    let world = World::new();
    let started = world.approved();
    let tokens = world.poll(&started.device_code);
    world.refresh(&refresh_token(&tokens));

    assert_eq!(
        world.events(),
        ["device_authorization", "consent_opened", "approved", "redeemed", "refreshed"]
    );
}

#[test]
fn every_event_after_a_sign_in_names_the_account() {
    let world = World::new();
    let refused = world.start();
    enter(&world, ALICE, &refused.user_code).decide("deny");
    let started = world.approved();
    let tokens = world.poll(&started.device_code);
    world.refresh(&refresh_token(&tokens));

    let alice = Sub::from("acct-7f3a51c2");
    for event in world.recorded() {
        let expected = (event.what != What::DeviceAuthorization).then_some(&alice);
        assert_eq!(event.account.as_ref(), expected, "{:?}", event.what);
    }
}

#[test]
fn every_decision_leaves_a_log_line_with_its_reason_and_no_secret() {
    let world = World::new();
    let started = world.start();
    world.poll(&started.device_code);
    let poll = world.poll(&started.device_code);
    let unknown = world
        .post("/token", &[("grant_type", crate::support::DEVICE_CODE), ("client_id", &started.device_code)]);

    let expected = r#"{"what":"poll","client":"demo-tv","outcome":"slow_down","reason":"too_soon"}"#;
    assert_eq!(line(&poll), expected);
    assert_eq!(line(&unknown), r#"{"what":"poll","outcome":"invalid_client","reason":"unknown_client"}"#);
    let person = enter(&world, ALICE, &started.user_code);
    let decisions: Vec<_> =
        person.page.borrow().decisions.iter().map(|decision| (decision.what, decision.outcome)).collect();
    assert_eq!(decisions, [("code_entry", "consent_shown"), ("sign_in", "signed_in")]);
}

fn line(response: &Response) -> String {
    serde_json::to_string(response.decisions.first().expect("a decision")).expect("it serializes")
}

#[test]
fn a_pending_poll_is_not_logged_unless_a_setting_says_so() {
    let pending = |vars: &[(&str, &str)]| {
        let world = World::with(vars);
        let poll = world.poll(&world.start().device_code);
        assert_eq!(outcome(&poll), "authorization_pending");
        poll
    };

    assert!(pending(&[]).decisions.is_empty());
    let expected =
        r#"{"what":"poll","client":"demo-tv","outcome":"authorization_pending","reason":"pending"}"#;
    assert_eq!(line(&pending(&[("LOG_PENDING_POLLS", "true")])), expected);
}

#[test]
fn a_start_is_not_logged_unless_a_setting_says_so_and_a_refused_one_is() {
    let started =
        |vars: &[(&str, &str)]| World::with(vars).post("/device_authorization", &[("client_id", "demo-tv")]);

    assert!(started(&[]).decisions.is_empty());
    let expected =
        r#"{"what":"device_authorization","client":"demo-tv","outcome":"started","reason":"started"}"#;
    assert_eq!(line(&started(&[("LOG_STARTS", "true")])), expected);
    let refused = World::new().post("/device_authorization", &[("client_id", "nobody")]);
    let expected = r#"{"what":"device_authorization","outcome":"invalid_client","reason":"unknown_client"}"#;
    assert_eq!(line(&refused), expected);
}

#[test]
fn the_event_of_a_redemption_says_how_often_the_device_polled_before() {
    let world = World::new();
    let started = world.start();
    for wait in [5, 5, 1] {
        world.poll(&started.device_code);
        world.wait(wait);
    }
    assert_eq!(outcome(&world.poll(&started.device_code)), "slow_down");
    let other = world.start();
    world.poll(&other.device_code);
    enter(&world, ALICE, &started.user_code).decide("approve");
    world.wait(10);

    assert_eq!(world.poll(&started.device_code).status, 200);

    let polls: Vec<_> = world.recorded().iter().map(|event| (event.what, event.polls)).collect();
    let counted: Vec<_> = polls.into_iter().filter(|(_, polls)| polls.is_some()).collect();
    assert_eq!(counted, [(What::Redeemed, Some(4))]);
}

#[test]
fn a_form_without_its_transaction_leaves_a_log_line_at_every_step() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    let steps = [
        ("sign_in", vec![("step", "sign_in"), ("username", "alice"), ("password", "wonderland-8787")]),
        ("sign_out", vec![("step", "switch_account")]),
        ("decision", vec![("step", "decide"), ("decision", "approve"), ("confirm_device", "yes")]),
    ];

    for (what, form) in steps {
        let page = person.submit_only(&form);
        let line = page.decisions.first().unwrap_or_else(|| panic!("{what} left no log line"));
        assert_eq!((line.what, line.outcome), (what, "refused"), "{line:?}");
    }
}
