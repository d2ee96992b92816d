//! The report: who was refused by policy, and who would have been.

#![expect(clippy::indexing_slicing, reason = "a response of another shape fails its test")]

use std::collections::BTreeMap;

use device_grant::audit::ledger_name::LedgerName;
use device_grant::counts::blocked::{By, MOST_ROWS, MOST_UNKNOWN};
use device_grant::counts::command::{BlockedPage, Command, NoteRefusedStarts, ReadBlocked, RefusedStarts};
use device_grant::counts::day::EVER;
use device_grant::counts::kind::Kind;
use device_grant::counts::rows::Rows as _;
use device_grant::counts::shard::apply;
use device_grant::counts::telling::message;
use device_grant::endpoint::http::Request;
use device_grant::place::Place;
use device_grant::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::counts_rows::CountsRows;
use crate::support::person::Person;
use crate::support::{World, json as body, outcome, post};

/// 2026-11-21, day 20,778.
const AT: Timestamp = Timestamp::from_millis(1_795_262_400_000);
const TODAY: u32 = 20_778;

fn report(world: &World, query: &str) -> Vec<Value> {
    let response = Admin(world).get(&format!("/policy/report?{query}"));
    assert_eq!(response.status, 200, "{}", response.body);
    body(&response)["rows"].as_array().expect("rows").clone()
}

/// Returns a policy that denies Germany, and only reports that.
fn watched(state: &str) -> Value {
    json!({ "default": "enforced", "rules": [
        { "id": "all", "description": "x", "effect": "allow" },
        { "id": "abroad", "description": "x", "effect": "deny", "state": state, "when": { "device": { "countries": ["DE"] } } },
    ] })
}

fn berlin() -> Place {
    Place { country: Some("DE".to_owned()), asn: Some(3_320), ..Place::default() }
}

fn start(world: &World, client: &str) -> device_grant::endpoint::http::Response {
    world.send(&Request { place: berlin().into(), ..post("/device_authorization", &[("client_id", client)]) })
}

#[test]
fn those_who_would_have_been_refused_are_rows_with_a_draft_that_lets_them_through() {
    let world = World::new();
    world.set_policy(&watched("report_only"));
    let started = body(&start(&world, "demo-tv"));
    let code = started["user_code"].as_str().expect("a code");
    Person::of(&world).approve_as("alice", "wonderland-8787", code);
    world.count();

    let row = report(&world, "by=client").remove(0);

    assert_eq!((&row["key"], &row["people"], &row["new"]), (&json!("demo-tv"), &json!(1), &json!(true)));
    assert_eq!(row["refused"], json!({}));
    assert_eq!(row["would_refuse"], json!({ "device_authorization": 1, "approval": 1 }));
    assert_eq!(row["decided_by"], json!(["rule abroad"]));
    let when = json!({ "accounts": ["local:alice"], "clients": ["demo-tv"] });
    assert_eq!(row["draft"], json!({ "id": "client-demo-tv", "when": when, "lifts": ["abroad"] }));
    let drafts = |by: &str| report(&world, &format!("by={by}"))[0]["draft"].clone();
    assert_eq!(drafts("group")["when"], json!({ "groups": ["local:developers"], "clients": ["demo-tv"] }));
    assert_eq!(drafts("account")["when"], json!({ "accounts": ["local:alice"], "clients": ["demo-tv"] }));
    assert_eq!(
        drafts("country")["when"],
        json!({ "accounts": ["local:alice"], "clients": ["demo-tv"], "device": { "countries": ["DE"] } })
    );
    assert_eq!(drafts("network")["when"]["device"], json!({ "asns": ["AS3320"] }));

    // Each draft is an exception, once somebody answers for it.
    world.set_policy(&watched("enforced"));
    assert_eq!(outcome(&start(&world, "demo-tv")), "unauthorized_client");
    for by in ["client", "group", "account", "country", "network"] {
        let mut exception = drafts(by);
        let more =
            json!({ "owner": "a", "reason": "b", "ticket": "c", "expires_at": "2026-12-01T00:00:00Z" });
        exception.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        let created = Admin(&world).ask("POST", "/exceptions", None, Some(&exception));
        assert_eq!(created.status, 201, "{by}: {}", created.body);
    }
    assert_eq!(start(&world, "demo-tv").status, 200);
    let usage = body(&Admin(&world).get("/usage"));
    assert_eq!(usage["clients"], json!([]), "nobody has got tokens yet");
}

#[test]
fn a_refused_start_makes_no_call_and_is_counted_afterwards() {
    let world = World::new();
    world.set_policy(&watched("enforced"));
    world.cost();
    for client in ["demo-tv", "nobody-knows", "demo-tv", "\u{202e}evil"] {
        assert_ne!(start(&world, client).status, 200);
        world.wait(11);
    }
    assert_eq!(world.cost().grant_hops, 0);

    let known = report(&world, "by=client");
    let unknown = report(&world, "by=unknown_client");

    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(known[0]["refused"], json!({ "device_authorization": 2 }));
    assert_eq!(known[0]["draft"]["lifts"], json!(["abroad"]));
    let names: Vec<&Value> = unknown.iter().map(|row| &row["key"]).collect();
    assert_eq!(names, ["evil", "nobody-knows"], "what must not be shown is not");
    assert!(unknown.iter().all(|row| row["draft"].is_null()), "no exception registers a client");
    assert_eq!(unknown[0]["decided_by"], json!(["unknown_client"]));
    assert_eq!(report(&world, "by=country")[0]["key"], json!("DE"));
}

/// Returns a policy that allows everything, with these rules besides.
fn with_rules(rules: &[Value]) -> Value {
    let all = json!({ "id": "all", "description": "x", "effect": "allow" });
    let rules: Vec<&Value> = std::iter::once(&all).chain(rules).collect();
    json!({ "default": "enforced", "rules": rules })
}

fn metric(world: &World, kind: Kind, key: &str) -> u64 {
    let counts = world.server.platform.counts.counts(EVER).expect("counts");
    counts.iter().filter(|one| one.kind == kind && one.key == key).map(|one| one.count).sum()
}

#[test]
fn a_start_that_lacks_what_a_rule_demands_is_counted_and_offers_no_exception() {
    for (rule, cause) in [
        (json!({ "effect": "limit", "limit": { "bound": true } }), "key_required"),
        (json!({ "effect": "limit", "limit": { "scope": "nothing" } }), "no_scope_left"),
        (json!({ "effect": "require", "require": { "initiation_verification": true } }), "unverified"),
        (json!({ "effect": "require", "require": { "out_of_band_binding": true } }), "unbound"),
    ] {
        let world = World::new();
        let mut strict = rule.clone();
        strict["id"] = json!("strict");
        strict["description"] = json!("x");
        world.set_policy(&with_rules(&[strict]));
        assert_ne!(start(&world, "demo-tv").status, 200, "{rule}");

        let row = report(&world, "by=client").remove(0);

        assert_eq!(row["refused"], json!({ "device_authorization": 1 }), "{rule}");
        assert_eq!((&row["decided_by"], &row["draft"]), (&json!([cause]), &Value::Null));
        assert_eq!((metric(&world, Kind::Policy, "refuse"), metric(&world, Kind::RefusedBy, cause)), (1, 1));
    }
}

#[test]
fn a_start_that_the_policy_refuses_is_one_of_its_decisions_and_in_the_overview() {
    let world = World::new();
    world.set_policy(&watched("enforced"));
    for client in ["demo-tv", "nobody-knows"] {
        start(&world, client);
        world.wait(11);
    }
    start(&world, "demo-tv");

    assert_eq!(
        metric(&world, Kind::Policy, "refuse"),
        2,
        "the policy was not asked about a client that nobody knows"
    );
    let seen = body(&Admin(&world).get("/overview?days=1"));
    assert_eq!((&seen["days"][0]["refused_start"], &seen["days"][0]["refused"]), (&json!(3), &json!(0)));
}

#[test]
fn a_draft_lifts_every_rule_that_denies_and_so_lets_the_steps_through() {
    let world = World::new();
    let deny = |id: &str, state: &str| json!({ "id": id, "description": "x", "effect": "deny", "state": state, "when": { "device": { "countries": ["DE"] } } });
    world.set_policy(&with_rules(&[
        deny("a-country", "enforced"),
        deny("b-country", "enforced"),
        deny("c-watched", "report_only"),
    ]));
    assert_ne!(start(&world, "demo-tv").status, 200);

    let mut draft = report(&world, "by=client")[0]["draft"].clone();

    assert_eq!(draft["lifts"], json!(["a-country", "b-country"]), "what only reports denied nothing");
    let more = json!({ "owner": "a", "reason": "b", "ticket": "c", "expires_at": "2026-12-01T00:00:00Z" });
    draft.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    let created = Admin(&world).ask("POST", "/exceptions", None, Some(&draft));
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(start(&world, "demo-tv").status, 200);
}

#[test]
fn a_kill_switch_offers_no_exception() {
    let world = World::with_policy(&[]);
    let until = (world.now() + std::time::Duration::from_secs(60)).to_string();
    let written =
        json!({ "id": "stop", "target": { "country": "DE" }, "reason": "A campaign", "until": until });
    assert_eq!(Admin(&world).ask("POST", "/kill-switches", None, Some(&written)).status, 201);
    start(&world, "demo-tv");

    let row = report(&world, "by=client").remove(0);

    assert_eq!((&row["decided_by"], &row["draft"]), (&json!(["kill_switch stop"]), &Value::Null));
}

#[test]
fn a_client_that_names_a_document_is_an_entry_by_its_whole_address() {
    let world = World::new();
    let long = |end: &str| format!("https://tool.example.org/{}{end}", "a".repeat(200));
    let flawed = "https://tool.example.org/a#b".to_owned();
    let all = [long("1"), long("2"), flawed.clone()];
    for url in &all {
        let outcome = outcome(&start(&world, url));
        assert_eq!(outcome, "invalid_client", "{url}");
        world.wait(11);
    }

    let rows = report(&world, "by=unknown_client");
    let keys: Vec<&str> = rows.iter().filter_map(|row| row["key"].as_str()).collect();

    assert_eq!(keys, [flawed.as_str(), &all[0], &all[1]]);
    assert_eq!(rows[0]["decided_by"], json!(["document_address"]));
    let allowed = Admin(&world).ask(
        "PUT",
        &format!("/documents/{}", keys[1].replace('/', "%2F")),
        None,
        Some(&json!({ "scope": "openid" })),
    );
    assert!([200, 201].contains(&allowed.status), "{}", allowed.body);
}

#[test]
fn a_row_is_new_as_long_as_nothing_happened_before() {
    let world = World::new();
    world.set_policy(&watched("enforced"));
    start(&world, "demo-tv");
    world.wait(5 * 86_400);
    start(&world, "demo-tv");
    world.wait(11);
    start(&world, "vscode");

    let new = |by: &str, days: u32| report(&world, &format!("by={by}&days={days}"))[0]["new"].clone();

    assert_eq!((new("client", 7), new("client", 3)), (json!(true), json!(false)));
    assert_eq!(new("unknown_client", 3), json!(true));
}

#[test]
fn unknown_clients_take_no_room_of_known_ones() {
    let rows = CountsRows::default();
    let note = |name: String, is_registered| {
        let decided_by = "default".to_owned();
        let (country, asn) = (None, None);
        let (is_by_policy, matched) = (true, Vec::new());
        RefusedStarts {
            client_id: name,
            is_registered,
            decided_by,
            is_by_policy,
            matched,
            country,
            asn,
            times: 1,
        }
    };
    let mut starts: Vec<RefusedStarts> = (0..1_500).map(|number| note(format!("u{number}"), false)).collect();
    starts.extend((0..1_200).map(|number| note(format!("c{number}"), true)));
    let Ok(_) = apply(&rows, Command::from(NoteRefusedStarts { starts }), AT);

    let count = |by| read(&rows, by).rows.len() as u64;

    assert_eq!(count(By::UnknownClient), u64::from(MOST_UNKNOWN) + 1);
    assert_eq!(count(By::Client), u64::from(MOST_ROWS) + 1);
    let others = read(&rows, By::Client).rows.into_iter().find(|(key, _)| key == "other");
    let refused: u64 = others.expect("a row").1.steps.iter().map(|steps| steps.refused).sum();
    assert_eq!(refused, 200);
}

fn read(rows: &CountsRows, by: By) -> BlockedPage {
    let ask = ReadBlocked { by, since: TODAY, after: String::new(), limit: 5_000 };
    let Ok(answer) = apply(rows, Command::from(ask), AT);
    answer.read::<ReadBlocked>().expect("a page")
}

/// An event, and what the report should make of it.
#[derive(Clone, Debug)]
struct Drawn {
    client: &'static str,
    account: &'static str,
    groups: Vec<&'static str>,
    country: Option<&'static str>,
    asn: u32,
    outcome: &'static str,
    would: Option<&'static str>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (
        (
            select(vec!["tv", "cli"]),
            select(vec!["a", "b", "c"]),
            subsequence(vec!["local:x", "local:y"], 0..=2),
        ),
        (select(vec![None, Some("DE"), Some("FR")]), 1..3_u32),
        (select(vec!["allow", "refuse"]), select(vec![None, Some("allow"), Some("refuse")])),
    )
        .prop_map(|((client, account, groups), (country, asn), (outcome, would))| Drawn {
            client,
            account,
            groups,
            country,
            asn,
            outcome,
            would,
        })
}

impl Drawn {
    fn record(&self, number: i64) -> (i64, String) {
        let would = self.would.map(|would| json!({ "outcome": would, "decided_by": "rule later" }));
        let mut policy = json!({
            "version": 1, "revision": 1, "point": "approval", "outcome": self.outcome, "decided_by": "rule now",
            "facts": { "groups": self.groups },
        });
        if let Some(would) = would {
            policy["would"] = would;
        }
        let what = if self.outcome == "allow" { "approved" } else { "approval_refused" };
        let reason = (self.outcome != "allow").then_some("policy");
        let event = json!({
            "what": what, "at": AT, "client_id": self.client, "account": self.account, "policy": policy, "reason": reason,
            "started": { "at": AT, "country": self.country, "asn": self.asn, "kind": "Apple TV" },
        });
        (number, json!({ "id": format!("weur/0/{number}"), "event": event }).to_string())
    }

    /// Returns whether it was refused, or would have been; `None` for neither.
    fn is_refused(&self) -> Option<bool> {
        match (self.outcome, self.would) {
            ("refuse", _) => Some(true),
            (_, Some("refuse")) => Some(false),
            _ => None,
        }
    }
}

/// Adds up a model by key: refused, and would have been.
fn model(events: &[Drawn], keys: impl Fn(&Drawn) -> Vec<String>) -> BTreeMap<String, (u64, u64)> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for event in events {
        let Some(is_refused) = event.is_refused() else { continue };
        for key in keys(event) {
            let sum = sums.entry(key).or_default();
            if is_refused { sum.0 += 1 } else { sum.1 += 1 }
        }
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_report_counts_what_a_model_counts(events in prop::collection::vec(drawn(), 0..60), parts in 1..9_usize) {
        let rows = CountsRows::default();
        let records: Vec<_> = (1..).zip(&events).map(|(number, event)| event.record(number)).collect();
        let ledger = LedgerName { day: TODAY, object: "weur/0".to_owned(), block: 0 };
        // A part is told again with the next one.
        for end in (parts..records.len() + parts).step_by(parts) {
            let part = records.get(..end.min(records.len())).expect("records").to_vec();
            let Some(message) = message(&ledger, part) else { continue };
            let Ok(_) = apply(&rows, Command::from(message), AT);
        }
        let counted = |by| -> BTreeMap<String, (u64, u64)> {
            let sums = |row: &device_grant::counts::blocked::Blocked| {
                let of = |count: fn(&device_grant::counts::blocked::Steps) -> u64| row.steps.iter().map(count).sum();
                (of(|steps| steps.refused), of(|steps| steps.would_refuse))
            };
            read(&rows, by).rows.iter().map(|(key, row)| (key.clone(), sums(row))).collect()
        };

        prop_assert_eq!(counted(By::Client), model(&events, |event| vec![event.client.to_owned()]));
        prop_assert_eq!(counted(By::Account), model(&events, |event| vec![event.account.to_owned()]));
        let groups = |event: &Drawn| event.groups.iter().map(|group| (*group).to_owned()).collect();
        prop_assert_eq!(counted(By::Group), model(&events, groups));
        let country = |event: &Drawn| vec![event.country.unwrap_or("XX").to_owned()];
        prop_assert_eq!(counted(By::Country), model(&events, country));
        prop_assert_eq!(counted(By::Network), model(&events, |event| vec![event.asn.to_string()]));
        for (key, row) in read(&rows, By::Client).rows {
            let who = |event: &&Drawn| event.client == key && event.is_refused().is_some();
            let people: std::collections::BTreeSet<_> = events.iter().filter(who).map(|event| event.account).collect();
            prop_assert_eq!(row.people.len(), people.len());
        }
    }
}

#[test]
fn a_report_has_pages_and_a_bad_question_is_refused() {
    let world = World::new();
    let starts = ["a", "b", "c"].map(|name| RefusedStarts {
        client_id: name.to_owned(),
        is_registered: true,
        decided_by: "default".to_owned(),
        is_by_policy: true,
        matched: Vec::new(),
        country: None,
        asn: None,
        times: 1,
    });
    let Ok(_) = apply(
        &world.server.platform.counts,
        Command::from(NoteRefusedStarts { starts: starts.to_vec() }),
        world.now(),
    );
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = body(&Admin(&world).get(&format!("/policy/report?limit=1{cursor}")));
        seen.extend(page["rows"].as_array().expect("rows").iter().map(|row| row["key"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["a", "b", "c"]);

    for bad in ["days=0", "days=31", "by=person", "limit=201", "cursor=!", "more=1"] {
        assert_eq!(Admin(&world).get(&format!("/policy/report?{bad}")).status, 422, "{bad}");
    }
}

#[test]
fn the_usage_of_a_client_says_which_exceptions_are_left() {
    let world = World::with_policy(&[]);
    world.poll(&world.approved().device_code);
    world.count();
    for (id, expires_at) in [("later", "2026-12-05T00:00:00Z"), ("sooner", "2026-12-01T00:00:00Z")] {
        let exception = json!({
            "id": id, "when": { "clients": ["demo-tv"], "accounts": ["local:bob"] }, "owner": "a", "reason": "b",
            "ticket": "c", "expires_at": expires_at,
        });
        assert_eq!(Admin(&world).ask("POST", "/exceptions", None, Some(&exception)).status, 201);
    }

    let usage = body(&Admin(&world).get("/usage"));

    let soonest = Timestamp::parse("2026-12-01T00:00:00Z").map(Timestamp::seconds);
    assert_eq!(usage["clients"][0]["exceptions"], json!(2));
    assert_eq!(usage["clients"][0]["next_exception_ends_at"].as_u64(), soonest);
}
