//! What would policy decide? About logins that are described, and about approvals of the past.

#![expect(clippy::indexing_slicing, reason = "a response of another shape fails its test")]

use device_grant::audit::What;
use device_grant::endpoint::http::Response;
use device_grant::place::Place;
use serde_json::{Value, json};

use super::{ALICE, BOB, Login, allow, berlin, denying, lagos, place, policy, rule};
use crate::support::admin::Admin;
use crate::support::{World, json as body};

fn ask(world: &World, question: &Value) -> Response {
    Admin(world).ask("POST", "/policy/what-if", None, Some(question))
}

/// Asks a question that the server must answer.
fn answer(world: &World, question: &Value) -> Value {
    let response = ask(world, question);
    assert_eq!(response.status, 200, "{}", response.body);
    body(&response)
}

fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// Returns the identifiers of all events that have facts, with what policy decided.
fn judged(world: &World) -> Vec<(String, Value)> {
    world.ship();
    let page = body(&Admin(world).get("/events?limit=500"));
    let events = page.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
    let with_facts = events.into_iter().filter(|record| record.pointer("/event/policy/facts").is_some());
    with_facts
        .map(|record| {
            let id = at(&record, "/id").as_str().expect("an id").to_owned();
            (id, at(&record, "/event/policy").clone())
        })
        .collect()
}

/// Returns a policy that judges every fact.
fn picky() -> Value {
    let deny = |id: &str, when: Value| rule(id, "deny", &json!({ "when": when }));
    let report = |id: &str, when: Value| rule(id, "deny", &json!({ "when": when, "state": "report_only" }));
    let mut picky = policy(&json!([
        rule("staff", "allow", &json!({ "when": { "groups": ["local:developers"] } })),
        rule("bob", "allow", &json!({ "when": { "accounts": ["local:bob"] } })),
        rule(
            "near",
            "require",
            &json!({ "when": { "device": { "asns": ["AS3320"] } }, "require": { "near": true } })
        ),
        deny("tor", json!({ "device": { "countries": ["T1"] } })),
        deny("far", json!({ "verdict": ["far"] })),
        report("office", json!({ "device": { "networks": ["office"] } })),
        report("home", json!({ "person": { "networks": ["home"] } })),
        report("first", json!({ "first": ["client"] })),
        report("old", json!({ "sign_in": { "phishing_resistant": false } })),
        report("openid", json!({ "scopes": ["openid"] })),
        report("same", json!({ "same_device": true })),
    ]));
    let glass = json!({ "accounts": ["local:bob"], "clients": ["demo-cli"], "owner": "a", "expires_at": "2027-01-01T00:00:00Z" });
    picky.as_object_mut().expect("members").insert("break_glass".to_owned(), glass);
    picky
}

fn tor() -> Place {
    place("T1", "Berlin", "Berlin", (52.52, 13.405), 3_320)
}

#[test]
fn the_present_policy_judges_a_past_approval_as_it_was_judged() {
    let world = World::new();
    world.set_policy(&picky());
    for device in [berlin(), lagos(), tor()] {
        for who in [ALICE, BOB] {
            for addresses in [("192.0.2.7", "198.51.100.23"), ("203.0.113.9", "203.0.113.9")] {
                Login { who, device: device.clone(), addresses, ..Login::of(&world) }.play();
            }
        }
    }

    let events = judged(&world);

    let refused = events.iter().filter(|(_, policy)| at(policy, "/outcome") == "refuse").count();
    assert!(events.len() >= 8 && (2..events.len() - 1).contains(&refused), "{refused} of {}", events.len());
    for (id, policy) in events {
        let answer = answer(&world, &json!({ "event": id }));
        for name in ["outcome", "decided_by", "matched", "would"] {
            let pointer = format!("/present/{name}");
            assert_eq!(
                at(&answer, &pointer),
                policy.get(name).unwrap_or(&Value::Null),
                "{id} {name}: {policy}"
            );
        }
        assert_eq!(at(&answer, "/recorded/decided_by"), at(&policy, "/decided_by"));
        assert_eq!(at(&answer, "/recorded/facts"), &Value::Null, "it has told them in other words");
    }
}

#[test]
fn a_draft_judges_a_past_approval_otherwise() {
    let world = World::with_policy(&[]);
    Login::of(&world).approved();
    let (id, _) = judged(&world).remove(0);
    let draft = |rules: Value| {
        let mut draft = policy(&rules);
        draft["reason"] = json!("to see");
        draft
    };
    let strong =
        rule("strong", "require", &json!({ "require": { "phishing_resistant": true, "max_age": 900 } }));

    let stronger = answer(&world, &json!({ "event": id, "policy": draft(json!([allow(), strong])) }));
    let denied = answer(&world, &json!({ "event": id, "policy": draft(json!([])) }));
    let let_in = json!({ "when": { "clients": ["demo-tv"], "accounts": ["local:alice"] } });
    let excepted =
        answer(&world, &json!({ "event": id, "policy": draft(json!([])), "exceptions": [let_in] }));

    assert_eq!(at(&stronger, "/draft/outcome"), "allow");
    assert_eq!(at(&stronger, "/draft/lacks"), &json!(["phishing_resistant"]));
    assert_eq!(
        (at(&denied, "/draft/outcome"), at(&denied, "/draft/decided_by")),
        (&json!("refuse"), &json!("default"))
    );
    let device = json!({ "require": { "initiation_verification": true, "out_of_band_binding": true } });
    let strict = draft(json!([allow(), rule("device", "require", &device)]));
    let unable = answer(&world, &json!({ "event": id, "policy": strict }));
    let unable_now = answer(&world, &json!({ "days": 1, "policy": strict }));

    assert_eq!(at(&unable, "/draft/lacks"), &json!(["initiation_verification", "out_of_band_binding"]));
    assert_eq!(at(&unable_now, "/changes/0/after"), "refuse");
    assert_eq!(at(&excepted, "/draft/decided_by"), "exception draft-1");
    assert_eq!(at(&excepted, "/present/decided_by"), "rule all");
}

#[test]
fn of_a_login_that_is_described_what_is_not_said_stays_unknown() {
    let world = denying(&json!({ "device": { "countries": ["RU"] }, "groups": ["local:developers"] }));
    let points = |request: Value| {
        let answer = answer(&world, &json!({ "request": request }));
        at(&answer, "/present").as_array().expect("points").clone()
    };

    let nothing = points(json!({}));
    let abroad = points(json!({ "device": { "country": "RU" } }));
    let alice = points(json!({ "account": "local:alice", "device": { "country": "RU" } }));
    let told = points(
        json!({ "groups": ["local:developers"], "device": { "country": "RU" }, "client_id": "demo-tv" }),
    );

    let names = |points: &[Value]| points.iter().map(|point| at(point, "/point").clone()).collect::<Vec<_>>();
    assert_eq!(names(&nothing), ["device_authorization", "sign_in", "approval", "redemption", "refresh"]);
    for point in nothing.iter().chain(&abroad) {
        assert_eq!(
            (at(point, "/outcome"), at(point, "/undecided")),
            (&json!("allow"), &json!(["no"])),
            "{point}"
        );
    }
    // Alice is in this group, and the server knows that.
    for points in [alice, told] {
        let outcomes: Vec<&Value> = points.iter().map(|point| at(point, "/outcome")).collect();
        assert_eq!(outcomes, ["allow", "allow", "refuse", "refuse", "refuse"]);
        assert_eq!(points.get(2).map(|point| at(point, "/decided_by")), Some(&json!("rule no")));
    }
}

#[test]
fn a_client_and_an_account_that_exist_are_judged_as_they_are() {
    let world = World::with_policy(&[]);
    let decided = |world: &World| {
        let request = json!({ "client_id": "demo-tv", "account": "local:alice" });
        let answer = answer(world, &json!({ "request": request }));
        let points = at(&answer, "/present").as_array().expect("points").clone();
        points.iter().map(|point| at(point, "/decided_by").clone()).collect::<Vec<_>>()
    };
    assert_eq!(decided(&world), ["rule all"; 5]);

    world.set_blocked("local:alice", true);
    let blocked = ["rule all", "account_blocked", "account_blocked", "account_blocked", "account_blocked"];
    assert_eq!(decided(&world), blocked);
    world.change_client("demo-tv", |client| client.enabled = false);
    assert_eq!(decided(&world).first(), Some(&json!("client_disabled")));
}

#[test]
fn addresses_are_in_the_networks_of_the_policy_that_judges() {
    let world = denying(&json!({ "device": { "networks": ["office"] } }));
    let elsewhere = json!({
        "default": "enforced", "reason": "to see", "networks": { "office": ["203.0.113.0/24"] },
        "rules": [allow(), rule("no", "deny", &json!({ "when": { "device": { "networks": ["office"] } } }))],
    });

    for (address, present, draft) in [("192.0.2.7", "refuse", "allow"), ("203.0.113.7", "allow", "refuse")] {
        let request = json!({ "device": { "address": address } });
        let answer = answer(&world, &json!({ "request": request, "policy": elsewhere }));
        assert_eq!(at(&answer, "/present/0/outcome"), present, "{address}");
        assert_eq!(at(&answer, "/draft/0/outcome"), draft, "{address}");
    }
}

/// Returns the sums of all pages about the last days, and how many pages there were.
fn days(world: &World, question: &Value) -> (Value, usize) {
    let (mut pages, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut question = question.clone();
        question["cursor"] = cursor;
        let page = answer(world, &question);
        cursor = at(&page, "/next_cursor").clone();
        pages.push(page);
        if cursor.is_null() {
            break;
        }
    }
    let sum = |name: &str| -> u64 { pages.iter().filter_map(|page| page.get(name)?.as_u64()).sum() };
    let all = |name: &str| -> Vec<Value> {
        pages.iter().filter_map(|page| page.get(name)?.as_array()).flatten().cloned().collect()
    };
    let counted = |name: &str| -> u64 {
        let of = |change: &&Value| at(change, "/after") == name;
        all("changes").iter().filter(of).filter_map(|change| change["count"].as_u64()).sum()
    };
    let sums = json!({
        "judged": sum("judged"), "unchanged": sum("unchanged"),
        "refuse": counted("refuse"), "sign_in_again": counted("sign_in_again"), "allow": counted("allow"),
        "examples": [all("now_refused").len(), all("now_sign_in_again").len(), all("now_allowed").len()],
        "changes": all("changes"),
    });
    (sums, pages.len())
}

#[test]
fn the_approvals_of_the_last_days_are_counted_by_what_a_draft_would_change() {
    let world = denying(&json!({ "device": { "countries": ["NG"] } }));
    for number in 0..30 {
        let who = if number % 3 == 0 { BOB } else { ALICE };
        let device = if number % 5 == 0 { lagos() } else { berlin() };
        Login { who, device: device.clone(), ..Login::of(&world) }.play();
    }
    world.ship();
    // Without a draft, what happened is compared with the present policy.
    assert_eq!(
        days(&world, &json!({ "days": 1 })).0["unchanged"],
        24,
        "a start in Lagos is refused before an approval"
    );

    world.set_policy(&policy(&json!([allow()])));
    for _ in 0..6 {
        let login = Login { device: lagos(), ..Login::of(&world) };
        let (_, browser) = login.entered();
        world.set_policy(&policy(&json!([allow(), rule("no", "deny", &json!({}))])));
        assert_eq!(browser.decide("approve").status, 403);
        world.set_policy(&policy(&json!([allow()])));
    }
    world.ship();
    let bob_only = json!({
        "default": "enforced", "reason": "to see",
        "rules": [rule("bob", "allow", &json!({ "when": { "accounts": ["local:bob"] } }))],
    });

    let (now, _) = days(&world, &json!({ "days": 1 }));
    let (draft, pages) = days(&world, &json!({ "days": 1, "policy": bob_only }));

    assert_eq!((&now["judged"], &now["unchanged"], &now["allow"]), (&json!(30), &json!(24), &json!(6)));
    assert_eq!(now["examples"], json!([0, 0, 6]));
    // Of the 24 approvals, 8 are Bob's; the 6 refused ones are Alice's, and stay refused.
    assert_eq!(
        (&draft["judged"], &draft["unchanged"], &draft["refuse"]),
        (&json!(30), &json!(14), &json!(16))
    );
    assert!(pages >= 1);
    let change = draft.pointer("/changes/0").expect("a change");
    assert_eq!(
        (at(change, "/client_id"), at(change, "/before"), at(change, "/decided_by")),
        (&json!("demo-tv"), &json!("allow"), &json!("default"))
    );
}

#[test]
fn a_question_changes_nothing_and_is_no_event() {
    let world = World::with_policy(&[]);
    Login::of(&world).approved();
    let (id, _) = judged(&world).remove(0);
    let before = (world.changes(), world.recorded().len(), world.grants());
    world.cost();

    for question in
        [json!({ "request": { "client_id": "demo-tv" } }), json!({ "event": id }), json!({ "days": 7 })]
    {
        answer(&world, &question);
    }

    assert_eq!((world.changes(), world.recorded().len(), world.grants()), before);
    assert_eq!(world.cost().grant_writes, 0);
}

#[test]
fn a_bad_question_is_refused_with_every_fault() {
    let world = World::new();
    let faults = |question: Value| {
        let response = ask(&world, &question);
        assert_eq!(response.status, 422, "{question}: {}", response.body);
        let errors = body(&response)["errors"].as_array().expect("errors").clone();
        errors
            .iter()
            .map(|error| error["pointer"].as_str().expect("a pointer").to_owned())
            .collect::<Vec<_>>()
    };

    assert_eq!(faults(json!({})), ["/"]);
    assert_eq!(faults(json!({ "request": {}, "days": 1 })), ["/"]);
    assert_eq!(faults(json!({ "days": 91 })), ["/days"]);
    assert_eq!(faults(json!({ "days": 1, "cursor": "x" })), ["/cursor"]);
    assert_eq!(faults(json!({ "request": {}, "cursor": "x" })), ["/cursor"]);
    assert_eq!(faults(json!({ "event": "weur/3/17" })), ["/event"]);
    assert_eq!(faults(json!({ "event": "weur/3/17", "at": "yesterday" })), ["/at"]);
    assert_eq!(
        faults(json!({ "request": { "device": { "country": "de" }, "verdict": "close", "x": 1 } })),
        ["/request/device/country", "/request/verdict", "/request/x"]
    );
    assert_eq!(
        faults(json!({ "request": {}, "policy": { "default": "no" }, "exceptions": [{ "when": {} }, 7] })),
        ["/policy/default", "/policy/reason", "/exceptions/0/when", "/exceptions/1"]
    );
}

#[test]
fn facts_are_in_the_event_of_the_approval_and_nowhere_else() {
    let world = World::new();
    world.set_policy(&picky());
    let login = Login { who: ALICE, ..Login::of(&world) };
    let (_, browser) = login.entered();
    world.set_policy(&policy(&json!([allow(), rule("no", "deny", &json!({}))])));

    let refused = browser.decide("approve");
    world.wait(7);
    browser.decide("approve");
    world.set_policy(&picky());
    login.approved();

    let line = refused.decisions.iter().find_map(|line| line.policy.as_ref()).expect("a decision in the log");
    assert_eq!(line.facts, None, "the log names no groups");
    let with_facts = world
        .recorded()
        .into_iter()
        .filter(|event| event.policy.as_ref().is_some_and(|policy| policy.facts.is_some()));
    let events: Vec<_> = with_facts.collect();
    let kinds: Vec<What> = events.iter().map(|event| event.what).collect();
    assert_eq!(kinds, [What::ApprovalRefused, What::Approved], "an older sign-in is no new refusal");
    for event in events {
        assert!(event.comparison.is_some(), "both places are known");
        let facts = event.policy.and_then(|policy| policy.facts).expect("facts");
        assert_eq!(facts.scope, "offline_access openid");
        assert_eq!(facts.device.networks, ["office"]);
    }
}

#[test]
fn events_are_found_by_what_policy_decided() {
    let world = World::new();
    world.set_policy(&json!({ "default": "report_only" }));
    Login::of(&world).approved();
    world.ship();
    let found = |policy: &str| {
        let page = body(&Admin(&world).get(&format!("/events?what=approved&policy={policy}")));
        page["events"].as_array().expect("events").len()
    };

    assert_eq!((found("would_refuse"), found("allow"), found("refuse")), (1, 0, 0));
    assert_eq!(Admin(&world).get("/events?policy=deny").status, 422);
}
