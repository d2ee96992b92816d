//! Events are as `docs/event.schema.json` says. `support/rows.rs` checks each event of each story.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::event_schema::fault;
use crate::support::person::Person;
use crate::support::{World, json as body, outcome};

const ALICE: (&str, &str, &str) = ("alice", "wonderland-8787", "acct-7f3a51c2");

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/event.schema.json")).expect("JSON")
}

/// Returns the events of account shards about people who sign in, as JSON.
fn sign_ins(world: &World) -> Vec<Value> {
    let shards = world.server.platform.accounts.borrow();
    let events = shards.values().flat_map(|rows| rows.sign_ins.borrow().clone());
    events.map(|event| serde_json::to_value(event).expect("it serializes")).collect()
}

/// Returns the events of this kind, as JSON.
fn told(world: &World, what: &str) -> Vec<Value> {
    let events =
        world.recorded().into_iter().map(|event| serde_json::to_value(event).expect("it serializes"));
    events.filter(|event| event["what"] == what).collect()
}

/// Tries to sign in, and returns the status.
fn sign_in(world: &World, username: &str, password: &str) -> u16 {
    Person::of(world).enter_as(username, password, &world.start().user_code).status
}

#[test]
fn the_schema_has_the_kinds_that_can_be_asked_for() {
    let document = body(&Admin(&World::new()).get("/openapi.json"));
    let kinds = |list: &Value| -> BTreeSet<String> {
        let list = list.as_array().expect("a list");
        list.iter().map(|kind| kind.as_str().expect("a text").to_owned()).collect()
    };
    let schema = schema();
    let mut known = BTreeSet::new();
    for of in ["grant_event", "sign_in_event", "change_event", "alert_event"] {
        known.extend(kinds(&schema["$defs"][of]["properties"]["what"]["enum"]));
    }

    assert_eq!(known, kinds(&document["components"]["schemas"]["EventKind"]["enum"]));
    for kind in known {
        assert_eq!(Admin(&World::new()).get(&format!("/events?what={kind}")).status, 200, "{kind}");
    }
}

#[test]
fn the_schema_refuses_what_no_event_may_have() {
    let world = World::new();
    world.approved();
    let event = told(&world, "approved").remove(0);
    assert_eq!(fault(&event), None);

    let with = |name: &str, value: Value| {
        let mut event = event.clone();
        event[name] = value;
        event
    };
    for (name, value) in [
        ("device_code", json!("x")),
        ("user_code", json!("BCDF-GHJK")),
        ("token", json!("x")),
        ("format", json!(1)),
        ("outcome", json!("allowed")),
        ("what", json!("nonsense")),
        ("at", json!("yesterday")),
        ("request_id", json!("a b")),
    ] {
        assert!(fault(&with(name, value)).is_some(), "{name}");
    }
    let policy = json!({
        "version": 3, "revision": 9, "point": "approval", "outcome": "allow", "decided_by": "rule staff-cli",
        "matched": ["staff-cli"], "would": { "outcome": "refuse", "decided_by": "default" },
    });
    assert_eq!(fault(&with("policy", policy)), None);
    assert!(fault(&with("policy", json!({ "version": 3 }))).is_some());
    assert_eq!(fault(&with("request_id", json!("9a2b3c4d5e6f7a8b-FRA"))), None);
}

#[test]
fn every_event_of_a_grant_has_the_place_of_its_start_and_after_an_approval_its_name() {
    let world = World::new();
    let started = world.approved();
    let tokens = world.poll(&started.device_code);
    world.refresh(body(&tokens)["refresh_token"].as_str().expect("a token"));

    let events: Vec<Value> =
        world.recorded().into_iter().map(|event| serde_json::to_value(event).expect("JSON")).collect();

    let approval = &told(&world, "approved")[0]["approval_id"];
    assert!(approval.is_string());
    for event in &events {
        assert!(event["started"]["at"].is_u64(), "{event}");
        let follows =
            ["approved", "redeemed", "refreshed"].contains(&event["what"].as_str().expect("a kind"));
        assert_eq!(event["approval_id"] == *approval, follows, "{event}");
    }
    let outcomes: Vec<_> = events.iter().map(|event| (&event["what"], &event["outcome"])).collect();
    for (what, outcome) in [("redeemed", "granted"), ("consent_opened", "noted"), ("refreshed", "granted")] {
        assert!(outcomes.contains(&(&json!(what), &json!(outcome))), "{outcomes:?}");
    }
}

#[test]
fn people_who_sign_in_or_are_refused_are_events_and_strangers_are_not() {
    let world = World::new();

    assert_eq!(sign_in(&world, ALICE.0, ALICE.1), 200);
    assert_eq!(sign_in(&world, ALICE.0, "wrong"), 400);
    assert_eq!(sign_in(&world, "nobody", "wrong"), 400);
    let blocked = Admin(&world).ask("POST", "/accounts/local:alice/block", Some("*"), Some(&json!({})));
    assert_eq!(blocked.status, 200, "{}", blocked.body);
    assert_eq!(sign_in(&world, ALICE.0, ALICE.1), 403);

    let events = sign_ins(&world);
    let seen: Vec<_> = events.iter().map(|event| (&event["what"], &event["how"], &event["reason"])).collect();
    let (null, refused) = (json!(null), json!("sign_in_refused"));
    assert_eq!(
        seen,
        [
            (&json!("signed_in"), &json!("password"), &null),
            (&refused, &null, &json!("credentials")),
            (&refused, &null, &json!("account_blocked")),
        ]
    );
    assert!(events.iter().all(|event| event["account"] == ALICE.2));
    let all = serde_json::to_string(&events).expect("JSON");
    assert!(!all.contains("wonderland") && !all.contains("wrong"), "{all}");
}

#[test]
fn a_refused_redemption_is_one_event_however_often_the_device_asks() {
    let world = World::new();
    let started = world.approved();
    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "enabled": false })).status, 200);

    for _ in 0..3 {
        assert_ne!(outcome(&world.poll(&started.device_code)), "issued");
        world.wait(5);
    }

    let refused = told(&world, "redemption_refused");
    assert_eq!(refused.len(), 1);
    assert_eq!((&refused[0]["reason"], &refused[0]["account"]), (&json!("client_disabled"), &json!(ALICE.2)));
    assert_eq!(refused[0]["outcome"], "refused");
}

#[test]
fn a_refused_refresh_is_one_event_however_often_the_device_asks() {
    let world = World::new();
    let started = world.approved();
    let tokens = body(&world.poll(&started.device_code));
    let token = tokens["refresh_token"].as_str().expect("a token");
    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "enabled": false })).status, 200);

    for _ in 0..3 {
        assert_ne!(world.refresh(token).status, 200);
        world.wait(10);
    }

    let refused = told(&world, "refresh_refused");
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["reason"], "client_disabled");
    assert!(refused[0]["approval_id"].is_string());
}
