//! What ledgers recorded is counted, each record once.

use std::collections::BTreeMap;

use device_grant::audit::ledger_name::LedgerName;
use device_grant::counts::command::{Command, ReadTotals, Tell, Totals};
use device_grant::counts::day::{MOST_KEYS, MOST_LABELS};
use device_grant::counts::kind::Kind;
use device_grant::counts::rows::{Place, Space};
use device_grant::counts::shard::apply;
use device_grant::counts::telling::message;
use device_grant::endpoint::http::Request;
use device_grant::secret::{Digest, encode};
use device_grant::time::Timestamp;
use serde_json::json;

use crate::support::admin::Admin;
use crate::support::counts_rows::CountsRows;
use crate::support::person::Person;
use crate::support::{World, get, json as body, outcome};

const AT: Timestamp = Timestamp::from_millis(1_795_262_400_000);

fn ledger(object: &str) -> LedgerName {
    LedgerName { day: 20_778, object: object.to_owned(), block: 0 }
}

/// Returns records of the starts of codes, numbered from 1.
fn starts(count: i64, client: impl Fn(i64) -> String) -> Vec<(i64, String)> {
    let record = |number: i64| {
        let event = json!({ "what": "device_authorization", "at": AT, "client_id": client(number) });
        (number, json!({ "id": format!("weur/0/{number}"), "event": event }).to_string())
    };
    (1..=count).map(record).collect()
}

fn tell(rows: &CountsRows, message: Tell) {
    let Ok(_) = apply(rows, Command::from(message), AT);
}

fn totals(rows: &CountsRows) -> Totals {
    let Ok(answer) = apply(rows, Command::from(ReadTotals {}), AT);
    answer.read::<ReadTotals>().expect("totals")
}

fn total(rows: &CountsRows, kind: Kind) -> u64 {
    totals(rows).counts.iter().filter(|tallied| tallied.kind == kind).map(|tallied| tallied.count).sum()
}

#[test]
fn a_login_is_counted_by_its_steps_however_often_ledgers_tell_it() {
    let world = World::new();
    let started = world.start();
    world.wait(30);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    world.poll(&started.device_code);
    world.start();

    world.count();
    world.count();

    let rows = &world.server.platform.counts;
    let counted: BTreeMap<_, _> =
        totals(rows).counts.into_iter().map(|one| ((one.kind.name(), one.key), one.count)).collect();
    let of = |kind: Kind, key: &str| counted.get(&(kind.name(), key.to_owned())).copied();
    assert_eq!(of(Kind::Started, "demo-tv"), Some(2), "{counted:?}");
    assert_eq!(of(Kind::Entered, "demo-tv"), Some(1));
    assert_eq!(of(Kind::Approved, "demo-tv"), Some(1));
    assert_eq!(of(Kind::Redeemed, "demo-tv"), Some(1));
    assert_eq!(of(Kind::SignedIn, "password"), Some(1));
    assert_eq!(of(Kind::Latency, "30"), Some(1), "{counted:?}");
    assert_eq!(of(Kind::Latency, "sum"), Some(30));
}

/// A ledger crashes before it hears the acknowledgment, and tells the same records again, with others or in other messages.
#[test]
fn records_that_are_told_again_in_other_messages_are_counted_once() {
    let all = starts(60, |_| "tv".to_owned());
    for heard in [1, 7, 30, 59, 60] {
        for again_from in [0, heard / 2, heard - 1] {
            let rows = CountsRows::default();
            let (first, again) =
                (all.get(..heard).expect("records"), all.get(again_from..).expect("records"));
            for records in [first, again, first, again] {
                tell(&rows, message(&ledger("weur/0"), records.to_vec()).expect("a message"));
            }

            let counted = total(&rows, Kind::Started);

            assert_eq!(counted, 60, "{heard} were counted before, and told again from {again_from} on");
        }
    }
}

#[test]
fn each_ledger_has_its_own_numbers() {
    let rows = CountsRows::default();
    for object in ["weur/0", "weur/1", "weur/0"] {
        let records = starts(3, |_| "tv".to_owned());
        tell(&rows, message(&ledger(object), records).expect("a message"));
    }

    assert_eq!(total(&rows, Kind::Started), 6);
    assert_eq!(message(&ledger("weur/0"), Vec::new()), None, "nothing is left to tell");
}

#[test]
fn keys_are_bounded_and_the_rest_counts_together() {
    let rows = CountsRows::default();
    let records = starts(1_500, |number| format!("client-{number}"));

    tell(&rows, message(&ledger("weur/0"), records).expect("a message"));

    let days = rows.counts.borrow();
    let of = |day: u32| days.iter().filter(move |((other, kind, _), _)| *other == day && kind == "started");
    for (day, most) in [(20_778, MOST_KEYS), (0, MOST_LABELS)] {
        assert_eq!(of(day).count() as u64, u64::from(most) + 1, "{day}");
        assert_eq!(of(day).map(|(_, count)| count).sum::<u64>(), 1_500, "{day}");
        let others = days.get(&(day, "started".to_owned(), "other".to_owned()));
        assert_eq!(others, Some(&(1_500 - u64::from(most))), "{day}");
    }
}

#[test]
fn decisions_of_the_policy_are_counted_by_their_verdict_and_by_what_decided() {
    let rows = CountsRows::default();
    let would = json!({ "outcome": "refuse", "decided_by": "rule later" });
    let decisions = [
        ("approved", json!({ "outcome": "allow", "decided_by": "rule staff" })),
        ("break_glass", json!({ "outcome": "allow", "decided_by": "break_glass" })),
        ("redeemed", json!({ "outcome": "allow", "decided_by": "rule staff", "would": would })),
        ("approval_refused", json!({ "outcome": "refuse", "decided_by": "default", "would": would })),
    ];
    let record = |(number, (what, policy)): (i64, (&str, serde_json::Value))| {
        let mut policy = policy;
        let point = json!({ "version": 1, "revision": 1, "point": "approval" });
        policy.as_object_mut().expect("members").extend(point.as_object().expect("members").clone());
        let event = json!({ "what": what, "at": AT, "client_id": "tv", "policy": policy });
        (number, json!({ "id": format!("weur/0/{number}"), "event": event }).to_string())
    };
    let records = (1..).zip(decisions).map(record).collect();

    tell(&rows, message(&ledger("weur/0"), records).expect("a message"));

    let counts = totals(&rows).counts;
    let of = |kind| -> Vec<_> {
        let own = counts.iter().filter(|tallied| tallied.kind == kind);
        own.map(|tallied| (tallied.key.as_str(), tallied.count)).collect()
    };
    assert_eq!(of(Kind::Policy), [("allow", 1), ("refuse", 1), ("would_refuse", 1)]);
    assert_eq!(of(Kind::RefusedBy), [("default", 1)]);
    assert_eq!(of(Kind::WouldBlock), [("rule later", 1)]);
}

#[test]
fn a_login_makes_no_call_of_the_object_that_counts() {
    let world = World::new();
    world.set_down("counts", true);

    assert_eq!(outcome(&world.poll(&world.approved().device_code)), "issued");
    assert_eq!(world.server.platform.counts.writes.get(), 0);
}

/// Each memory is a row, and an entry in an index. Those of ledgers and clients are shared by all logins of a message.
#[test]
fn the_simulation_of_a_day_knows_what_a_login_leaves_in_the_object_that_counts() {
    const ENDS_AT: usize = 8;
    let table: serde_json::Value =
        serde_json::from_str(include_str!("../../../bench/scale/operations.json")).expect("JSON");
    let world = World::new();
    for _ in 0..12 {
        world.poll(&world.approved().device_code);
        world.wait(86_400);
        world.count();
    }
    let rows = &world.server.platform.counts;
    rows.remembered.take();
    world.poll(&world.approved().device_code);
    world.count();

    let own = |place: &&Place| !matches!(place.space, Space::Ledger | Space::Client);
    let written = rows.remembered.borrow().iter().filter(own).count();
    assert_eq!(json!(written), table["counted"]["login"]["memories"], "{:?}", rows.remembered.borrow());
    for (name, space) in [("account", Space::Account), ("person", Space::Person)] {
        let memories = rows.memories.borrow();
        let (place, (_, record)) = memories.iter().find(|(place, _)| place.space == space).expect("a memory");
        let key = space.name().len() + place.key.len() + place.part.len() + ENDS_AT;
        let (size, stated) =
            (2 * key + record.len(), table["counted"]["bytes"][name].as_u64().expect("bytes"));
        assert!(
            size as u64 <= stated && stated * 10 <= size as u64 * 12,
            "{name} has {size} bytes, and the table says {stated}"
        );
    }
}

#[test]
fn an_operator_sees_what_happened_on_the_last_days() {
    let world = World::new();
    for _ in 0..2 {
        world.poll(&world.approved().device_code);
    }
    world.start();
    world.count();

    let seen = body(&Admin(&world).get("/overview?days=2"));

    let today = world.now().seconds() / 86_400;
    assert_eq!(seen["days"].as_array().map(Vec::len), Some(2));
    assert_eq!(seen["days"][0]["started"], 0, "yesterday");
    let day = &seen["days"][1];
    let counts =
        ["day", "started", "entered", "approved", "redeemed", "denied"].map(|name| day[name].as_u64());
    assert_eq!(counts, [Some(today), Some(3), Some(2), Some(2), Some(2), Some(0)]);
    assert_eq!(seen["clients"], json!([{ "client_id": "demo-tv", "logins": 2 }]));
    let waits = seen["approval_seconds"].as_array().expect("a list");
    assert_eq!(waits.iter().filter_map(|waits| waits["approvals"].as_u64()).sum::<u64>(), 2);
    assert!(seen["half_approved_within"].is_u64());
    for query in ["days=0", "days=32", "days=x", "day=1"] {
        assert_eq!(Admin(&world).get(&format!("/overview?{query}")).status, 422, "{query}");
    }
}

#[test]
fn an_operator_sees_how_clients_are_used() {
    let world = World::new();
    for _ in 0..2 {
        world.poll(&world.approved().device_code);
    }
    let bobs = world.start();
    Person::of(&world).approve_as("bob", "builder-8787", &bobs.user_code);
    world.poll(&bobs.device_code);
    let last = world.now().seconds();
    world.count();

    let report = body(&Admin(&world).get("/usage"));

    let tv = json!({
        "client_id": "demo-tv", "logins": 3, "people": 2, "more_people": false, "exceptions": 0,
        "first_login_at": report["clients"][0]["first_login_at"], "last_login_at": last,
    });
    assert_eq!(report, json!({ "clients": [tv] }));
}

#[test]
fn a_report_of_many_clients_has_pages_and_people_are_counted_up_to_a_thousand() {
    let world = World::new();
    let rows = &world.server.platform.counts;
    let record = |number: i64, client: &str| {
        let event =
            json!({ "what": "redeemed", "at": AT, "client_id": client, "account": format!("a{number}") });
        (number, json!({ "id": format!("weur/0/{number}"), "event": event }).to_string())
    };
    let records = (1..=1_002).map(|number| record(number, if number < 1_002 { "b" } else { "a" })).collect();
    tell(rows, message(&ledger("weur/0"), records).expect("a message"));

    let first = body(&Admin(&world).get("/usage?limit=1"));
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = body(&Admin(&world).get(&format!("/usage?limit=1&cursor={cursor}")));

    for (client_id, found) in [("a", 1), ("b", 1), ("c", 0), ("ab", 0)] {
        let one = body(&Admin(&world).get(&format!("/usage?client_id={client_id}")));
        let clients = one["clients"].as_array().expect("a list");
        assert_eq!((clients.len(), one.get("next_cursor")), (found, None), "{client_id}: {one}");
        assert!(clients.iter().all(|client| client["client_id"] == client_id), "{one}");
    }
    let people = |page: &serde_json::Value| {
        let client = &page["clients"][0];
        (client["client_id"].clone(), client["people"].clone(), client["more_people"].clone())
    };
    assert_eq!(people(&first), (json!("a"), json!(1), json!(false)));
    assert_eq!(people(&second), (json!("b"), json!(1_000), json!(true)));
    assert!(second.get("next_cursor").is_none());
    let long = format!("client_id={}", "c".repeat(257));
    for query in ["cursor=A", "limit=0", "limit=201", "state=open", &long] {
        assert_eq!(Admin(&world).get(&format!("/usage?{query}")).status, 422, "{query}");
    }
}

#[test]
fn alerts_are_listed_newest_first_and_closed_by_an_administrator() {
    let world = World::new();
    for (username, password) in [("alice", "wonderland-8787"), ("bob", "builder-8787")] {
        let started = world.start();
        Person::of(&world).approve_as(username, password, &started.user_code);
        world.poll(&started.device_code);
    }
    world.count();
    let admin = Admin(&world);

    let first = body(&admin.get("/alerts?limit=1"));
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = body(&admin.get(&format!("/alerts?limit=1&cursor={cursor}")));

    let alert = &first["alerts"][0];
    assert_eq!((&alert["detection"], &alert["state"]), (&json!("first_sign_in"), &json!("open")));
    assert!(second["alerts"][0]["id"].as_str() < alert["id"].as_str(), "{second}");
    assert!(second.get("next_cursor").is_none());
    let path = format!("/alerts/{}/close", alert["id"].as_str().expect("a number"));
    for _ in 0..2 {
        let closed = body(&admin.ask("POST", &path, None, None));
        assert_eq!((&closed["state"], closed["closed_by"]["operator"].is_string()), (&json!("closed"), true));
    }
    assert_eq!(body(&admin.get("/alerts"))["alerts"].as_array().map(Vec::len), Some(1));
    assert_eq!(body(&admin.get("/alerts?state=closed"))["alerts"][0]["id"], alert["id"]);
    let found = body(&admin.get("/events?what=alert_opened"));
    assert_eq!(found["events"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["events"][1]["event"]["subject"], alert["id"]);
    for (path, status) in [("/alerts/1/close", 404), ("/alerts/+1/close", 404), ("/alerts/x/close", 404)] {
        assert_eq!(admin.ask("POST", path, None, None).status, status, "{path}");
    }
    for query in ["cursor=%2B1", "state=all", "limit=0"] {
        assert_eq!(admin.get(&format!("/alerts?{query}")).status, 422, "{query}");
    }
}

#[test]
fn metrics_need_their_token_and_exist_only_with_the_setting() {
    assert_eq!(World::new().send(&Request { path: "/metrics".to_owned(), ..get() }).status, 404);
    let token = "a-token-of-at-least-thirty-two-bytes";
    let digest = encode(Digest::of(token.as_bytes()).bytes());
    let world = World::with(&[("METRICS_TOKEN_SHA256", &digest)]);
    world.poll(&world.approved().device_code);
    world.count();
    let with = |token: &str| Request {
        authorization: Some(format!("Bearer {token}")),
        path: "/metrics".to_owned(),
        ..get()
    };

    let metrics = world.send(&with(token));

    assert_eq!(metrics.status, 200, "{}", metrics.body);
    assert!(metrics.body.contains("device_grant_logins_total{client=\"demo-tv\",outcome=\"redeemed\"} 1\n"));
    assert_eq!(world.send(&with("another")).status, 401);
    assert_eq!(world.send(&Request { path: "/metrics".to_owned(), ..get() }).status, 401);
    for down in ["counts", "ledger"] {
        world.set_down(down, true);
        assert_eq!(world.send(&with(token)).status, 503, "{down}");
        world.set_down(down, false);
    }
}

#[test]
fn wrong_codes_are_counted_after_the_response() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &world.start().user_code);

    let response = person.enter_as("alice", "wonderland-8787", "BBBB-BBBB");

    assert_eq!(response.status, 400, "{}", response.body);
    assert_eq!(total(&world.server.platform.counts, Kind::WrongCode), 1);
}
