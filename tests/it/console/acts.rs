//! Every act that the other tests leave out: what an administrator does at the console is an event by the administrator's account.

#![expect(clippy::indexing_slicing, reason = "an answer of another shape fails its test")]

use std::collections::BTreeMap;

use device_grant::counts::command::NoteWrongCodes;
use device_grant::endpoint::platform::Platform as _;
use serde_json::{Value, json};

use super::governance::send;
use super::{NORA, at, shown};
use crate::support::admin::{Admin, provider};
use crate::support::person::Person;
use crate::support::{World, json as body, now_or_never};

/// A page, the step and the fields that are sent to it, and the kinds of events that follow.
type Act<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

/// Returns how many events of each kind somebody has caused.
fn caused_by(world: &World, sub: &Value) -> BTreeMap<String, usize> {
    let json = |event| serde_json::to_value(event).expect("an event is JSON");
    let of_devices = world.account_events().into_iter().chain(world.recorded()).map(json);
    let all = world.changes().into_iter().chain(world.account_changes()).chain(of_devices);
    let mut kinds = BTreeMap::new();
    for event in all.filter(|event| event["by"]["account"] == *sub) {
        *kinds.entry(event["what"].as_str().expect("a kind").to_owned()).or_default() += 1;
    }
    kinds
}

/// Signs in alice twice, and bob, at devices. Returns the devices of alice, as the console names them.
fn sign_in(world: &World) -> Vec<String> {
    for _ in 0..2 {
        world.poll(&world.approved().device_code);
    }
    let started = world.start();
    Person::of(world).approve_as("bob", "builder-8787", &started.user_code);
    world.poll(&started.device_code);
    let devices = body(&Admin(world).get("/accounts/local:alice/devices"));
    let ids = devices["devices"].as_array().into_iter().flatten();
    ids.map(|device| format!("local:alice {}", device["id"].as_str().expect("an id"))).collect()
}

/// Returns the name of an event of this kind in the ledger.
fn event(world: &World, what: &str) -> String {
    world.count();
    let events = body(&Admin(world).get(&format!("/events?what={what}")));
    events["events"][0]["id"].as_str().expect("an event").to_owned()
}

#[test]
fn every_act_is_an_event_by_the_account_of_the_administrator() {
    let world = World::new();
    let devices = sign_in(&world);
    let [first, second] = devices.as_slice() else { panic!("{devices:?}") };
    let added = provider("okta", &json!({})).to_string();
    let nora = at(&world, "/admin", NORA);
    let sub = body(&Admin(&world).get("/accounts/local:nora"))["sub"].clone();
    let (providers, okta) = ("/admin/providers", "/admin/providers/okta");
    let (alice, carl) = ("/admin/people/local%3Aalice", "/admin/people/local%3Acarl");
    let printer = "/admin/clients/demo-printer";
    let off = "{\"enabled\": false}";
    let acts: &[Act<'_>] = &[
        (providers, "members", &[("members", &added)], &["provider_created"]),
        (okta, "members", &[("members", "{\"name\": \"Okta\"}")], &["provider_changed"]),
        (okta, "disable", &[], &["provider_changed"]),
        (okta, "enable", &[], &["provider_changed"]),
        ("/admin/keys", "rotate", &[("alg", "ES256"), ("at_once", "yes")], &["keys_rotated"]),
        ("/admin/devices", "end_device", &[("device", first)], &["access_ended"]),
        (alice, "end_device", &[("device", second)], &["access_ended"]),
        ("/admin/sessions", "end_all", &[("account", "local:bob")], &[]),
        ("/admin/sessions", "end_all_now", &[("account", "local:bob")], &["account_signed_out"]),
        (alice, "end_sessions", &[], &["account_signed_out"]),
        ("/admin/people", "create", &[("username", "carl"), ("name", "Carl")], &["account_created"]),
        (carl, "groups", &[("groups", "local:staff")], &["account_changed"]),
        (carl, "delete", &[], &[]),
        (carl, "delete_now", &[], &["account_deleted"]),
        (printer, "members", &[("members", off)], &["client_changed"]),
        (printer, "enable", &[], &["client_changed"]),
        (printer, "rotate", &[("overlap", "60")], &["client_secret_rotated"]),
    ];

    let mut before = caused_by(&world, &sub);
    for (path, step, fields, expected) in acts {
        assert_eq!(nora.open(path).status, 200, "{path}");
        let (status, page) = send(&nora, path, &[&[("step", *step)], *fields].concat());
        assert_eq!(status, 200, "{path} {step}: {page}");
        let after = caused_by(&world, &sub);
        let new = after.iter().filter(|(kind, count)| before.get(*kind) != Some(count));
        assert_eq!(new.map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), *expected, "{path} {step}");
        before = after;
    }
}

#[test]
fn an_alert_is_closed_by_the_account_of_the_administrator() {
    let world = World::new();
    let note = NoteWrongCodes { by_network: vec![(64_500, 1_000)] };
    now_or_never(world.server.platform.counts(note)).expect("the counts are there");
    let nora = at(&world, "/admin/alerts", NORA);
    let alert = || {
        let closed =
            ["open", "closed"].map(|state| body(&Admin(&world).get(&format!("/alerts?state={state}"))));
        closed.iter().find_map(|page| page["alerts"].get(0).cloned()).expect("an alert")
    };
    let id = alert()["id"].as_str().expect("an id").to_owned();

    let (status, page) = send(&nora, "/admin/alerts", &[("step", "close"), ("id", &id)]);

    assert!(status == 200 && page.contains("The alert is closed."), "{page}");
    let sub = body(&Admin(&world).get("/accounts/local:nora"))["sub"].clone();
    assert_eq!((&alert()["state"], &alert()["closed_by"]["account"]), (&json!("closed"), &sub));
}

#[test]
fn approvals_of_the_past_are_judged_again_and_asking_changes_nothing() {
    let world = World::with_policy(&[]);
    world.poll(&world.approved().device_code);
    let approved = event(&world, "approved");
    world.set_policy(&json!({ "default": "enforced" }));
    let nora = at(&world, "/admin/policy/what-if", NORA);
    let before = world.changes().len();

    for (fields, says) in [
        ([("step", "event"), ("event", approved.as_str())], "demo-tv"),
        ([("step", "days"), ("days", "7")], "Of 1 approvals, 0 would have come out as they did."),
    ] {
        nora.open("/admin/policy/what-if");
        let (status, page) = send(&nora, "/admin/policy/what-if", &fields);
        assert!(status == 200 && page.contains(says) && page.contains("default"), "{page}");
    }
    assert_eq!(world.changes().len(), before);
    assert!(shown(&nora).1.contains("API: <code>POST /admin/api/policy/what-if"), "{}", shown(&nora).1);
}
