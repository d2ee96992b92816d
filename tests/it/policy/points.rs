//! Each point where policy is asked: what is refused there, and that nothing is lost by it.

use device_grant::identity::group::Group;
use serde_json::{Value, json};

use super::{ALICE, BOB, Login, allow, denying, lagos, policy, rule, text};
use crate::support::{World, json as body};

fn nobody() -> Value {
    policy(&json!([]))
}

#[test]
fn without_a_policy_a_development_server_allows_everything() {
    assert_eq!(Login::of(&World::new()).play(), "done");
}

#[test]
fn what_no_rule_allows_is_refused_as_soon_as_no_completion_could_be_allowed() {
    for (when, expected) in [
        (json!({ "clients": ["demo-printer"] }), "start"),
        (json!({ "groups": ["local:staff"] }), "sign_in"),
        (json!({ "verdict": ["far"] }), "consent"),
        (json!({ "groups": ["local:developers"], "verdict": ["near"] }), "done"),
    ] {
        let world = World::new();
        world.set_policy(&policy(&json!([rule("some", "allow", &json!({ "when": when }))])));
        assert_eq!(Login::of(&world).play(), expected, "{when}");
    }
}

#[test]
fn a_client_that_no_completion_could_allow_is_refused_at_once_with_what_its_user_can_do() {
    let world = World::new();
    world.set_policy(&policy(&json!([
        allow(),
        rule(
            "tv",
            "deny",
            &json!({ "when": { "clients": ["demo-tv"] }, "message": "Televisions are on their way out." })
        ),
    ])));
    let refused = Login::of(&world).start();

    assert_eq!(refused.status, 400);
    assert_eq!(
        body(&refused),
        json!({
            "error": "unauthorized_client",
            "error_description": "Televisions are on their way out. Ask security@example.com.",
            "error_uri": "https://help.example.com/devices",
        })
    );
    let line = serde_json::to_value(refused.decisions.last().expect("a line")).expect("JSON");
    assert_eq!((&line["reason"], &line["policy"]["decided_by"]), (&json!("policy"), &json!("rule tv")));
    assert_eq!(world.grants(), [], "nothing is stored");
}

#[test]
fn a_refusal_at_the_start_is_ascii_and_falls_back_to_our_own_words() {
    let start = |contact: Value, message: &str| {
        let world = World::with(&[("SUPPORT_URL", "https://support.example.com/")]);
        let denied = json!({ "when": { "clients": ["demo-tv"] }, "message": message });
        world.set_policy(&json!({
            "default": "enforced", "contact": contact, "rules": [rule("tv", "deny", &denied)],
        }));
        body(&Login::of(&world).start())
    };

    let refused = start(json!("security@example.com"), "Fernseher dürfen das nicht.");
    assert_eq!(
        refused["error_description"],
        "This server does not allow this sign-in. Ask security@example.com."
    );
    assert_eq!(refused["error_uri"], "https://support.example.com/", "without a page of the policy");
    let refused = start(Value::Null, "A \"quoted\" word.");
    assert_eq!(refused["error_description"], "A 'quoted' word. Ask the people who run it.");
}

#[test]
fn a_sign_in_is_refused_before_the_session_starts() {
    let world = denying(&json!({ "accounts": ["local:alice"] }));
    let login = Login::of(&world);
    let browser = login.browser();
    let page = browser.enter_as(ALICE.0, ALICE.1, &text(&login.start(), "user_code"));

    assert_eq!((page.status, world.sessions()), (403, 0));
    assert_eq!(Login { who: BOB, ..Login::of(&world) }.play(), "done", "somebody else may");
}

#[test]
fn the_denied_page_comes_instead_of_the_consent_page_and_at_its_address_too() {
    let world = denying(&json!({ "verdict": ["far"] }));
    let login = Login { person: lagos(), ..Login::of(&world) };
    let started = login.start();
    let (browser, code) = (login.browser(), text(&started, "user_code"));
    let page = browser.enter_as(ALICE.0, ALICE.1, &code);

    assert_eq!(page.status, 403);
    assert!(!page.body.contains("confirm_device"));
    world.allow_all();
    let consent = browser.enter(&code);
    assert!(consent.body.contains("confirm_device"), "the code has not ended: {}", consent.body);
    browser.decide("approve");
    assert_eq!(login.poll(&text(&started, "device_code")).status, 200);
}

#[test]
fn what_is_denied_while_the_page_is_open_is_refused_at_the_approval() {
    let world = World::new();
    let login = Login::of(&world);
    let (device_code, browser) = login.entered();
    world.set_policy(&nobody());

    let page = browser.decide("approve");
    assert_eq!(page.status, 403, "{}", page.body);
    assert_eq!(text(&login.poll(&device_code), "error"), "authorization_pending");
    assert_eq!(browser.reload().status, 403, "the request's own page says so, too");
    world.allow_all();
    assert!(browser.reload().body.contains("confirm_device"), "the same code can still be approved");
    browser.decide("approve");
    assert_eq!(login.poll(&device_code).status, 200);
}

#[test]
fn refusing_a_device_needs_no_permission() {
    let world = World::new();
    let login = Login::of(&world);
    let (device_code, browser) = login.entered();
    world.set_policy(&nobody());

    assert_eq!(browser.decide("deny").status, 200);
    assert_eq!(text(&login.poll(&device_code), "error"), "access_denied");
}

#[test]
fn an_approval_that_was_allowed_stays_on_its_page_when_it_no_longer_would_be() {
    let world = World::new();
    let login = Login::of(&world);
    let (_, browser) = login.entered();
    let again = browser.window();
    browser.decide("approve");
    world.set_policy(&nobody());

    let page = again.decide("approve");
    assert_eq!(page.status, 200, "{}", page.body);
}

#[test]
fn what_is_denied_after_the_approval_is_refused_at_the_redemption_and_not_spent() {
    let world = World::new();
    let login = Login::of(&world);
    let device_code = login.approved();
    world.set_policy(&nobody());

    assert_eq!(text(&login.poll(&device_code), "error"), "access_denied");
    world.allow_all();
    assert_eq!(login.poll(&device_code).status, 200);
}

#[test]
fn what_is_denied_after_the_redemption_is_refused_at_a_refresh_and_a_rollback_revives_it() {
    let world = World::new();
    let login = Login::of(&world);
    let tokens = login.poll(&login.approved());
    let token = text(&tokens, "refresh_token");
    world.set_policy(&nobody());

    assert_eq!(text(&login.refresh(&token), "error"), "invalid_grant");
    assert_eq!(world.live_families(), 1);
    world.allow_all();
    assert_eq!(login.refresh(&token).status, 200);
}

#[test]
fn groups_are_those_at_the_redemption_even_if_they_changed_since_the_approval() {
    let staff = || Group::parse("local:staff").expect("a group");
    for (groups, expected) in [(Vec::new(), "access_denied"), (vec![staff()], "issued")] {
        let world = World::new();
        let of = |group: &str| json!({ "when": { "groups": [group] } });
        world.set_policy(&policy(&json!([
            rule("developers", "allow", &of("local:developers")),
            rule("staff", "allow", &of("local:staff")),
        ])));
        let login = Login::of(&world);
        let device_code = login.approved();
        world.change_account("local:alice", |account| account.groups = groups);
        world.cost();

        assert_eq!(crate::support::outcome(&login.poll(&device_code)), expected);
        let hops = world.cost().account_hops;
        assert_eq!(hops, if expected == "issued" { 2 } else { 1 }, "asked again");
        assert_eq!(world.account_events().len(), usize::from(expected == "issued"), "no device is entered");
    }
}

#[test]
fn groups_are_those_at_each_refresh_and_a_refusal_ends_nothing() {
    let named = |name: &str| Group::parse(name).expect("a group");
    let (developers, leavers) = (named("local:developers"), named("local:leavers"));
    let world = World::new();
    let of = |group: &str| json!({ "when": { "groups": [group] } });
    world.set_policy(&policy(&json!([
        rule("developers", "allow", &of("local:developers")),
        rule("leavers", "deny", &of("local:leavers")),
    ])));
    let login = Login::of(&world);
    let mut token = text(&login.poll(&login.approved()), "refresh_token");
    for (groups, expected) in [
        (vec![developers.clone()], "issued"),
        (Vec::new(), "invalid_grant"),
        (vec![developers.clone()], "issued"),
        (vec![developers.clone(), leavers.clone()], "invalid_grant"),
        (vec![leavers], "invalid_grant"),
        (vec![developers], "issued"),
    ] {
        world.change_account("local:alice", |account| account.groups.clone_from(&groups));
        let answer = login.refresh(&token);
        assert_eq!(crate::support::outcome(&answer), expected, "{groups:?}");
        if expected == "issued" {
            token = text(&answer, "refresh_token");
        }
    }
    assert_eq!(world.live_families(), 1);
}

#[test]
fn a_disabled_client_gets_a_page_and_no_consent_page() {
    let world = World::new();
    let login = Login::of(&world);
    let started = login.start();
    world.change_client("demo-tv", |client| client.enabled = false);
    world.wait(60);
    let browser = login.browser();

    let page = browser.enter_as(ALICE.0, ALICE.1, &text(&started, "user_code"));
    assert_eq!(page.status, 403, "{}", page.body);
}
