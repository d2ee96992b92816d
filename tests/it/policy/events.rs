//! What events say about the policy.

use device_grant::audit::What;
use device_grant::audit::outcome::Outcome;
use device_grant::audit::policy_record::PolicyRecord;
use serde_json::json;

use super::{ALICE, Login, allow, lagos, policy, rule, text};
use crate::support::admin::Admin;
use crate::support::{World, json as body};

fn records(world: &World) -> Vec<(What, Option<PolicyRecord>)> {
    world.recorded().into_iter().map(|event| (event.what, event.policy.map(|record| *record))).collect()
}

#[test]
fn every_step_that_policy_allowed_says_by_which_version_and_rule() {
    let world = World::with_policy(&[]);
    assert_eq!(Login::of(&world).play(), "done");

    let mut points = Vec::new();
    for (what, record) in records(&world) {
        match (what, record) {
            (What::ConsentOpened, None) => {}
            (_, Some(record)) => {
                assert_eq!((record.version, record.revision), (1, 1), "{what:?}");
                assert_eq!((record.outcome.as_str(), record.decided_by.as_str()), ("allow", "rule all"));
                assert_eq!((record.matched, record.would), (vec!["all".to_owned()], None));
                points.push(record.point);
            }
            (_, None) => panic!("{what:?} says nothing"),
        }
    }
    assert_eq!(points, ["device_authorization", "approval", "redemption", "refresh"]);
}

#[test]
fn a_server_without_a_policy_has_nothing_to_say() {
    let world = World::new();
    Login::of(&world).play();

    assert!(records(&world).iter().all(|(_, record)| record.is_none()));
}

#[test]
fn a_rule_that_only_reports_lets_everything_go_on_and_says_what_it_would_have_refused() {
    let world = World::new();
    let watched = json!({ "when": { "device": { "countries": ["DE"] } }, "state": "report_only" });
    world.set_policy(&policy(&json!([allow(), rule("abroad", "deny", &watched)])));

    assert_eq!(Login::of(&world).play(), "done");
    for (what, record) in records(&world).into_iter().filter(|(what, _)| *what != What::ConsentOpened) {
        let record = record.unwrap_or_else(|| panic!("{what:?} says nothing"));
        let strict = record.would.expect("it would be refused");
        let decided = (strict.outcome.as_str(), strict.decided_by.as_str());
        assert_eq!(decided, ("refuse", "rule abroad"), "{what:?}");
        assert_eq!(record.matched, ["abroad", "all"]);
    }
}

#[test]
fn a_default_that_only_reports_lets_everything_go_on_and_says_so() {
    let world = World::new();
    world.set_policy(&json!({ "default": "report_only" }));

    assert_eq!(Login::of(&world).play(), "done");
    let (_, record) = records(&world).remove(0);
    let record = record.expect("a record");
    assert_eq!((record.outcome.as_str(), record.decided_by.as_str()), ("allow", "default"));
    assert_eq!(record.would.map(|strict| strict.outcome).as_deref(), Some("refuse"));
}

#[test]
fn a_refusal_at_any_step_is_one_event_with_the_rule_that_refused() {
    let world = World::new();
    let login = Login::of(&world);
    let tokens = login.poll(&login.approved());
    let (approved, (_, browser)) = (login.approved(), login.entered());
    world.set_policy(&policy(&json!([allow(), rule("nobody", "deny", &json!({}))])));

    for _ in 0..2 {
        browser.decide("approve");
        login.poll(&approved);
        login.refresh(&text(&tokens, "refresh_token"));
    }

    let refused: Vec<_> =
        records(&world).into_iter().filter(|(what, _)| what.outcome() == Outcome::Refused).collect();
    let said = refused.iter().map(|(what, record)| {
        let record = record.as_ref().expect("it says what decided");
        (*what, record.point.as_str(), record.outcome.as_str(), record.decided_by.as_str())
    });
    let mut said = said.collect::<Vec<_>>();
    said.sort_by_key(|(_, point, ..)| *point);
    let expected = [
        (What::ApprovalRefused, "approval"),
        (What::RedemptionRefused, "redemption"),
        (What::RefreshRefused, "refresh"),
    ];
    assert_eq!(said, expected.map(|(what, point)| (what, point, "refuse", "rule nobody")));
}

#[test]
fn a_sign_in_says_what_policy_decided_and_so_does_one_that_is_refused() {
    let world = World::with_policy(&[]);
    let login = Login::of(&world);
    let started = login.start();
    login.browser().enter_as(ALICE.0, ALICE.1, &text(&started, "user_code"));
    world.set_policy(&policy(&json!([
        allow(),
        rule("alice", "deny", &json!({ "when": { "accounts": ["local:alice"] } }))
    ])));
    login.browser().enter_as(ALICE.0, ALICE.1, &text(&started, "user_code"));

    let said = world.sign_ins().into_iter().map(|event| {
        let record = event.policy.expect("it says what decided");
        (event.outcome, record.point, record.decided_by, event.reason)
    });
    let at = || "sign_in".to_owned();
    assert_eq!(
        said.collect::<Vec<_>>(),
        [
            (Outcome::Granted, at(), "rule all".to_owned(), None),
            (Outcome::Refused, at(), "rule alice".to_owned(), Some("policy".to_owned())),
        ]
    );
}

/// Returns the event of a refusal: its reason, and what it says of the policy.
fn refusal(world: &World, what: What) -> (Option<String>, PolicyRecord) {
    let event = world.recorded().into_iter().find(|event| event.what == what).expect("an event");
    (event.reason, *event.policy.expect("it says what decided"))
}

#[test]
fn a_redemption_that_a_rule_refuses_says_what_it_lacks_and_by_which_version() {
    for (effect, rules, reason) in [
        ("require", json!({ "phishing_resistant": true }), "sign_in_not_enough"),
        ("require", json!({ "near": true }), "not_near"),
        ("require", json!({ "initiation_verification": true }), "unverified"),
        ("require", json!({ "out_of_band_binding": true }), "unbound"),
        ("limit", json!({ "bound": true }), "key_required"),
        ("limit", json!({ "scope": "email" }), "no_scope_left"),
    ] {
        let world = World::new();
        let login = Login { person: lagos(), ..Login::of(&world) };
        let device_code = login.approved();
        world.set_policy(&policy(&json!([allow(), rule("strict", effect, &json!({ effect: rules }))])));
        login.poll(&device_code);

        let (said, record) = refusal(&world, What::RedemptionRefused);
        assert_eq!(said.as_deref(), Some(reason));
        assert_eq!((record.version, record.point.as_str()), (1, "redemption"), "{reason}");
        assert_eq!(record.matched, ["all", "strict"], "{reason}");
        world.count();
        let row = body(&Admin(&world).get("/policy/report?by=client"))["rows"][0].clone();
        assert_eq!(row["refused"], json!({ "redemption": 1 }), "{reason}");
        assert_eq!(row["decided_by"], json!([reason]));
    }
}

#[test]
fn a_refresh_that_a_limit_refuses_says_so_and_one_that_the_client_lost_names_no_rule() {
    for (limit, reason) in
        [(json!({ "no_refresh": true }), "no_offline_access"), (json!({ "scope": "email" }), "no_scope_left")]
    {
        let world = World::new();
        let login = Login::of(&world);
        let token = text(&login.poll(&login.approved()), "refresh_token");
        world.set_policy(&policy(&json!([allow(), rule("less", "limit", &json!({ "limit": limit }))])));
        login.refresh(&token);

        let (said, record) = refusal(&world, What::RefreshRefused);
        assert_eq!((said.as_deref(), record.version, record.matched.len()), (Some(reason), 1, 2));
    }
    let world = World::with_policy(&[]);
    let login = Login::of(&world);
    let device_code = login.approved();
    world.change_client("demo-tv", |client| client.codes.sign_in.phishing_resistant = true);
    login.poll(&device_code);
    let event = world.recorded().pop().expect("an event");
    assert_eq!((event.reason.as_deref(), event.policy), (Some("sign_in_not_enough"), None));
}
