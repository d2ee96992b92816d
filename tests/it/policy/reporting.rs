//! What rules that only report would require and limit: in the event of the step, and in the report.

#![expect(clippy::indexing_slicing, reason = "a response of another shape fails its test")]

use device_grant::audit::What;
use device_grant::audit::policy_record::Would;
use serde_json::{Value, json};

use super::binding::{SERIAL, approve, assign, entered};
use super::{BOB, Login, allow, lagos, policy, rule};
use crate::support::admin::Admin;
use crate::support::{World, json as body};

/// Returns a server that allows everything, with a rule that only reports.
fn watching(effect: &str, members: &Value) -> World {
    let world = World::new();
    let mut watched = members.clone();
    watched["state"] = json!("report_only");
    world.set_policy(&policy(&json!([allow(), rule("watched", effect, &watched)])));
    world
}

/// Returns the row of the client, or null.
fn row(world: &World) -> Value {
    world.count();
    body(&Admin(world).get("/policy/report?by=client"))["rows"][0].clone()
}

/// Returns what the event of the approval says of the rules that only report.
fn would(world: &World) -> Option<Would> {
    let approved = world.recorded().into_iter().find(|event| event.what == What::Approved);
    approved.and_then(|event| event.policy?.would)
}

#[test]
fn a_requirement_that_only_reports_is_in_the_report_wherever_it_would_have_stopped_the_login() {
    for (require, is_far, reason, points) in [
        (
            json!({ "phishing_resistant": true }),
            false,
            "sign_in_not_enough",
            json!({ "approval": 1, "redemption": 1 }),
        ),
        (json!({ "near": true }), true, "not_near", json!({ "approval": 1, "redemption": 1 })),
        (
            json!({ "initiation_verification": true }),
            false,
            "unverified",
            json!({ "approval": 1, "device_authorization": 1 }),
        ),
        (
            json!({ "out_of_band_binding": true }),
            false,
            "unbound",
            json!({ "approval": 1, "device_authorization": 1 }),
        ),
    ] {
        let world = watching("require", &json!({ "require": require }));
        let person = if is_far { lagos() } else { super::berlin() };
        assert_eq!(Login { person, ..Login::of(&world) }.play(), "done", "{require}");

        let strict = would(&world).expect("a ruling");
        let said = (strict.outcome.as_str(), strict.decided_by.as_str(), strict.reason.as_deref());
        assert_eq!(said, ("refuse", "rule all", Some(reason)), "{require}");
        let row = row(&world);
        assert_eq!((&row["would_refuse"], &row["refused"]), (&points, &json!({})), "{require}");
        assert_eq!(row["decided_by"], json!([reason]), "{require}");
        let found = body(&Admin(&world).get("/events?policy=would_refuse&what=approved"));
        assert_eq!(found["events"].as_array().map(Vec::len), Some(1), "{require}");
    }
}

#[test]
fn a_requirement_that_is_met_would_stop_nobody() {
    for require in [json!({ "near": true }), json!({ "max_age": 600 })] {
        let world = watching("require", &json!({ "require": require }));
        assert_eq!(Login::of(&world).play(), "done");

        assert_eq!(
            would(&world).map(|would| (would.allows(), would.reason)),
            Some((true, None)),
            "{require}"
        );
        assert_eq!(row(&world), Value::Null, "{require}");
    }
}

#[test]
fn a_sign_in_that_grew_old_on_the_consent_page_would_have_been_asked_for_again() {
    let world = watching("require", &json!({ "require": { "max_age": 30 } }));
    let (_, browser) = Login::of(&world).entered();
    world.wait(31);
    assert_eq!(browser.decide("approve").status, 200);

    assert_eq!(would(&world).and_then(|would| would.reason).as_deref(), Some("sign_in_not_enough"));
}

#[test]
fn a_limit_that_only_reports_is_in_the_report_where_nothing_would_be_left() {
    for (limit, reason, points) in [
        (
            json!({ "scope": "email" }),
            "no_scope_left",
            json!({ "device_authorization": 1, "approval": 1, "redemption": 1, "refresh": 1 }),
        ),
        (
            json!({ "bound": true }),
            "key_required",
            json!({ "device_authorization": 1, "redemption": 1, "refresh": 1 }),
        ),
        (json!({ "no_refresh": true }), "no_offline_access", json!({ "refresh": 1 })),
    ] {
        let world = watching("limit", &json!({ "limit": limit }));
        assert_eq!(Login::of(&world).play(), "done", "{limit}");

        let row = row(&world);
        assert_eq!(row["would_refuse"], points, "{limit}");
        assert_eq!(row["decided_by"], json!([reason]), "{limit}");
    }
}

#[test]
fn a_device_that_is_somebody_elses_would_be_refused_and_one_of_the_person_would_not() {
    for (who, reason) in [(super::ALICE, None), (BOB, Some("unbound"))] {
        let world = watching("require", &json!({ "require": { "out_of_band_binding": true } }));
        assign(&world, SERIAL, &json!({ "accounts": ["local:alice"] }));
        let (_, browser) = entered(&Login { who, ..Login::of(&world) }, SERIAL);
        assert_eq!(approve(&browser, "").status, 200);

        assert_eq!(would(&world).and_then(|would| would.reason).as_deref(), reason);
    }
}

#[test]
fn what_if_says_what_a_requirement_that_only_reports_would_stop() {
    let world = watching("require", &json!({ "require": { "near": true } }));
    let asked = json!({ "request": {
        "client_id": "demo-tv", "account": "local:alice", "verdict": "far", "scope": "openid",
    } });
    let answer = Admin(&world).ask("POST", "/policy/what-if", None, Some(&asked));
    assert_eq!(answer.status, 200, "{}", answer.body);

    let approval = &body(&answer)["present"][2];
    assert_eq!(
        approval["would"],
        json!({ "outcome": "refuse", "decided_by": "rule all", "reason": "not_near" })
    );
}
