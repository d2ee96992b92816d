//! What operators read out of the ledgers.

use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{World, json as body};

const ALICE: (&str, &str, &str) = ("alice", "wonderland-8787", "acct-7f3a51c2");
const BOB: (&str, &str, &str) = ("bob", "builder-8787", "acct-b42c9e07");

/// Returns what a query finds, over all of its pages, and the number of pages.
fn found(world: &World, query: &str) -> (Vec<Value>, usize) {
    let (mut events, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let answer = Admin(world).get(&format!("/events?{query}{cursor}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let page = body(&answer);
        events.extend(page.get("events").and_then(Value::as_array).expect("a list").clone());
        pages += 1;
        let Some(next) = page.get("next_cursor").and_then(Value::as_str) else { return (events, pages) };
        cursor = format!("&cursor={next}");
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|record| record.pointer("/event/what").and_then(Value::as_str).expect("a kind"))
        .collect()
}

/// Returns a server with events: alice approved one code and reported another, bob refused one.
fn lived() -> World {
    let world = World::new();
    world.approved();
    for ((name, password, _), decision) in [(ALICE, "report"), (BOB, "deny")] {
        let person = Person::of(&world);
        person.enter_as(name, password, &world.start().user_code);
        assert_eq!(person.decide(decision).status, 200);
    }
    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "owner": "Team" })).status, 200);
    world.ship();
    world
}

#[test]
fn each_filter_finds_its_events_and_no_others() {
    let world = lived();
    let kinds = |query: &str| {
        let mut kinds: Vec<String> = kinds(&found(&world, query).0).into_iter().map(str::to_owned).collect();
        kinds.sort();
        kinds
    };

    assert_eq!(kinds("").len(), 13);
    assert_eq!(kinds("what=reported"), ["reported"]);
    assert_eq!(kinds(&format!("account={}", BOB.2)), ["consent_opened", "denied", "signed_in"]);
    assert_eq!(kinds(&format!("account={}&what=approved", ALICE.2)), ["approved"]);
    assert_eq!(kinds("client_id=demo-tv&what=client_changed"), ["client_changed"]);
    assert_eq!(kinds("outcome=changed"), ["client_changed"]);
    assert_eq!(kinds("outcome=refused"), ["denied", "reported"]);
    assert_eq!(kinds("asn=64500"), Vec::<String>::new());
    assert_eq!(kinds("client_id=demo-printer"), Vec::<String>::new());
    assert_eq!(kinds(&format!("from={}", world.now().seconds() + 1)), Vec::<String>::new());
    assert_eq!(kinds(&format!("to={}", world.now().seconds())), Vec::<String>::new());
}

#[test]
fn an_event_of_a_person_has_their_sub_and_both_places() {
    let world = lived();

    let (events, _) = found(&world, "what=reported");

    let [record] = &*events else { panic!("one event") };
    assert!(record["id"].as_str().is_some_and(|id| id.contains('/')), "{record}");
    assert_eq!(record["event"]["account"], ALICE.2);
    let nothing = json!({ "kind": "Unknown device" });
    let verdict = json!({ "is": "unknown", "why": "not_known", "whose": "both" });
    let comparison = json!({ "verdict": verdict, "device": nothing, "person": nothing });
    assert_eq!(record["event"]["comparison"], comparison);
    let all = serde_json::to_string(&found(&world, "").0).expect("it serializes");
    assert!(!all.contains("local:"), "no event has the name by which a person signs in");
}

#[test]
fn pages_of_any_size_have_every_event_once() {
    let world = lived();
    let (all, pages) = found(&world, "");
    assert_eq!(pages, 1);

    for limit in 1..=all.len() {
        let (events, pages) = found(&world, &format!("limit={limit}"));
        assert_eq!(events, all, "{limit}");
        assert!(pages >= all.len().div_ceil(limit));
    }
}

/// Returns a server with this many codes, one every twelve hours.
fn scattered(count: usize) -> World {
    let world = World::new();
    for _ in 0..count {
        world.start();
        world.wait(43_200);
        world.get("/.well-known/openid-configuration");
    }
    world.ship();
    world
}

#[test]
fn a_page_reads_a_bounded_number_of_ledgers_and_makes_none() {
    let world = scattered(400);
    let ledgers = world.server.platform.ledger_names();
    assert!(ledgers.len() > 100, "{}", ledgers.len());
    world.server.platform.ledger_hops.set(0);

    let (none, pages) = found(&world, "from=0&what=reported");

    assert!(none.is_empty() && pages > 5, "{pages}");
    let hops = world.server.platform.ledger_hops.get();
    assert!(hops <= u32::try_from(pages * 21).expect("a number"), "{hops} in {pages} pages");
    assert_eq!(found(&world, "from=0").0.len(), 400);
    found(&world, "from=0&to=253402300799");
    assert_eq!(world.server.platform.ledger_names(), ledgers, "reading makes no ledger");
}

#[test]
fn an_event_is_read_by_its_identifier_if_its_day_is_looked_at() {
    let world = lived();
    let (all, _) = found(&world, "");
    let read = |record: &Value, query: &str| {
        let id = record["id"].as_str().expect("an identifier").replace('/', "%2F");
        Admin(&world).get(&format!("/events/{id}{query}"))
    };

    for record in &all {
        assert_eq!(body(&read(record, "")), *record);
        let at = record["event"]["at"].as_u64().expect("a time") / 1_000;
        assert_eq!(body(&read(record, &format!("?at={at}"))), *record);
        assert_eq!(read(record, &format!("?at={}", at - 3 * 86_400)).status, 404, "two days for late ones");
        assert_eq!(body(&read(record, &format!("?at={}&days=2", at - 3 * 86_400))), *record);
    }
    let first = all.first().expect("an event");
    let ledgers = world.server.platform.ledger_names();
    for id in ["weur%2F3%2F999999", "weur%2F99%2F1", "nothing", "%2F"] {
        assert_eq!(Admin(&world).get(&format!("/events/{id}")).status, 404, "{id}");
    }
    assert_eq!(world.server.platform.ledger_names(), ledgers, "reading makes no ledger");
    for query in ["days=0", "days=15", "at=x", "from=1"] {
        assert_eq!(read(first, &format!("?{query}")).status, 422, "{query}");
    }
    world.set_down("ledger", true);
    assert_eq!(read(first, "").status, 503);
}

#[test]
fn a_query_that_cannot_be_used_says_what_is_allowed() {
    let world = World::new();
    for (query, words) in [
        ("from=x", "from is \"x\": it must be a whole number"),
        ("from=9&to=8", "from is 9: it must not be after to, which is 8"),
        ("limit=501", "from 1 to 500"),
        ("what=nonsense", "there is no such kind of event"),
        ("cursor=AAAA", "cursor must be the next_cursor"),
        ("outcome=denied", "there is no such outcome"),
        ("asn=x", "asn is \"x\": it must be a whole number"),
        ("network=1", "no such parameter"),
        (&format!("account={}", "x".repeat(257)), "at most 256 bytes"),
    ] {
        let answer = Admin(&world).get(&format!("/events?{query}"));
        assert_eq!(answer.status, 422, "{query}");
        assert!(answer.body.replace("\\\"", "\"").contains(words), "{}", answer.body);
    }
    world.set_down("ledger", true);
    assert_eq!(Admin(&world).get("/events").status, 503);
}

#[test]
fn an_export_has_every_event_once_in_answers_that_follow_each_other() {
    let world = scattered(60);
    let all = found(&world, "from=0").0;
    assert_eq!(all.len(), 60);

    let (mut lines, mut answers, mut next) =
        (Vec::new(), 0, Some("/admin/api/events/export?from=0".to_owned()));
    while let Some(path) = next {
        let answer = Admin(&world).get(path.strip_prefix("/admin/api").expect("a path of the admin API"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        lines.extend(answer.body.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
        (answers, next) = (answers + 1, answer.rest);
    }

    assert_eq!(lines, all);
    assert!(answers > 1, "{answers}");
}

#[test]
fn the_rest_of_an_export_has_the_same_filter_and_the_same_end() {
    let world = scattered(60);

    let answer = Admin(&world).get("/events/export?from=0&client_id=demo-tv%26&outcome=granted");

    let rest = answer.rest.expect("it goes on");
    assert!(rest.contains(&format!("&to={}&", world.now().seconds() + 1)), "{rest}");
    assert!(rest.ends_with("&client_id=demo%2Dtv%26&outcome=granted"), "{rest}");
    let head = Admin(&world).ask("HEAD", "/events/export?from=0", None, None);
    assert_eq!((head.body.as_str(), head.rest), ("", None));
}
