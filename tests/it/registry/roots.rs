//! Closed days: their signed roots, late events, and what is found when somebody changes the record.

#![expect(clippy::indexing_slicing, reason = "an answer of another shape fails its test")]

use std::collections::BTreeSet;

use device_grant::audit::ledger::RETENTION_DAYS;
use device_grant::secret::encode;
use device_grant::time::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::admin::Admin;
use crate::support::rows::LedgerRows;
use crate::support::{World, claims, header, json as body, verified};

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

fn day(world: &World) -> u32 {
    u32::try_from(world.now().seconds() / DAY).expect("a day")
}

/// Moves the clock to this many seconds after the begin of the next day.
fn into_next_day(world: &World, seconds: u64) {
    world.wait(DAY - world.now().seconds() % DAY + seconds);
}

/// Ships all events, and lets the day end and be closed. Returns the day.
fn closed(world: &World) -> u32 {
    let day = day(world);
    world.ship();
    into_next_day(world, 2 * HOUR);
    close(world);
    day
}

/// Closes what is over, in as many alarms as it takes.
fn close(world: &World) {
    for _ in 0..20 {
        assert_eq!(world.close_days(), None);
    }
}

/// Returns the signed root of a day, as it is published.
fn root(world: &World, day: u32) -> Option<String> {
    let answer = world.get(&format!("/ledger/roots/{day}"));
    (answer.status == 200).then_some(answer.body)
}

/// Verifies a day over all answers, and returns them as one, without the cursors.
fn verification(world: &World, day: u32) -> Value {
    let (mut all, mut cursor) = (json!({ "records": 0, "ledgers": [], "faults": [] }), String::new());
    loop {
        let answer = Admin(world).get(&format!("/ledger/verification?day={day}{cursor}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let page = body(&answer);
        for list in ["ledgers", "faults"] {
            let more = page[list].as_array().expect("a list").clone();
            all[list].as_array_mut().expect("a list").extend(more);
        }
        all["records"] = (all["records"].as_u64().unwrap_or_default()
            + page["records"].as_u64().expect("a number"))
        .into();
        all["root"] = page["root"].clone();
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

fn faults(world: &World, day: u32) -> Vec<Value> {
    verification(world, day)["faults"].as_array().expect("a list").clone()
}

/// Changes the rows of the first ledger of a day that has at least `least` records. Returns its name.
fn tamper(world: &World, day: u32, least: usize, change: impl FnOnce(&LedgerRows)) -> String {
    let ledgers = world.server.platform.ledger_names();
    let of_day = ledgers.into_iter().filter(|name| name.starts_with(&format!("{day}/")));
    let mut large = of_day
        .filter(|name| world.server.platform.with_ledger(name, |rows| rows.records.borrow().len() >= least));
    let name = large.next().expect("a ledger of that size");
    world.server.platform.with_ledger(&name, change);
    name
}

/// Returns a world with three logins of one day.
fn lived() -> World {
    let world = World::new();
    for _ in 0..3 {
        world.poll(&world.approved().device_code);
    }
    world
}

#[test]
fn a_day_is_closed_two_hours_after_its_end_and_everybody_can_read_its_root() {
    let world = lived();
    let day = day(&world);
    world.ship();
    into_next_day(&world, 2 * HOUR - 1);
    close(&world);
    assert_eq!(root(&world, day), None);
    assert_eq!(verification(&world, day)["root"], "open");

    world.wait(1);
    close(&world);

    let root = root(&world, day).expect("a root");
    assert_eq!(header(&root)["typ"], "device-grant-ledger-root+jwt");
    assert_eq!(header(&root)["alg"], "ES256");
    let root = verified(&root);
    assert_eq!((&root["day"], &root["previous"]), (&json!(day), &json!(null)));
    let found = verification(&world, day);
    assert_eq!((&found["root"], &found["faults"]), (&json!("good"), &json!([])));
    assert!(found["records"].as_u64().expect("a number") >= 12, "{found}");
    let ledgers = found["ledgers"].as_array().expect("a list");
    assert!(ledgers.iter().all(|ledger| ledger["state"] == "sealed") && ledgers.len() > 1, "{found}");
    let listed = body(&world.get("/ledger/roots"));
    assert_eq!(listed["roots"][0]["day"], day);
}

#[test]
fn the_digest_in_a_root_can_be_computed_from_the_heads_alone() {
    let world = lived();
    let day = closed(&world);
    let mut lines = Vec::new();
    for name in
        world.server.platform.ledger_names().iter().filter(|name| name.starts_with(&format!("{day}/")))
    {
        world.server.platform.with_ledger(name, |rows| {
            let mut head = String::new();
            for (_, record, _) in rows.records.borrow().iter() {
                head = encode(&Sha256::digest(format!("{head}\n{record}")));
            }
            lines.push(format!("{name} 1 {} {head}\n", rows.records.borrow().len()));
        });
    }

    assert_eq!(claims(&root(&world, day).expect("a root"))["heads"], encode(&Sha256::digest(lines.concat())));
}

#[test]
fn each_root_links_the_one_before_also_across_a_change_of_keys() {
    let world = lived();
    let first = closed(&world);
    let old = header(&root(&world, first).expect("a root"))["kid"].clone();
    let rotate = json!({ "alg": "ES256", "at_once": true });
    assert_eq!(Admin(&world).ask("POST", "/keys/rotate", None, Some(&rotate)).status, 200);
    world.start();
    let second = closed(&world);

    let roots = [first, second].map(|day| root(&world, day).expect("a root"));

    assert_ne!(header(&roots[1])["kid"], old);
    assert_eq!(claims(&roots[1])["previous"], encode(&Sha256::digest(&roots[0])));
    assert_eq!(verification(&world, second)["root"], "good");
    world.wait(40 * DAY);
    assert_eq!(verification(&world, first)["root"], "key_retired");
}

#[test]
fn a_late_event_gets_into_a_ledger_of_the_day_it_arrives_and_is_found_by_the_day_it_happened() {
    let world = lived();
    let from = world.now().seconds();
    let first = closed(&world);
    let sealed = verification(&world, first);
    world.wait(600);
    // An object that could not ship for a day has an event from then.
    let late = world.tell_late("weur/63", Timestamp::from_millis(from * 1_000));
    assert_eq!(verification(&world, first), sealed, "the closed day is as it was");

    let found = body(&Admin(&world).get(&format!("/events?from={from}&to={}", from + 60)));

    let ids: BTreeSet<&str> =
        found["events"].as_array().expect("a list").iter().filter_map(|event| event["id"].as_str()).collect();
    assert!(ids.contains(late.as_str()), "{late}: {ids:?}");
    let second = closed(&world);
    let found = verification(&world, second);
    assert_eq!((&found["root"], &found["faults"]), (&json!("good"), &json!([])));
    let name = format!("{second}/weur/63/late/{first}");
    assert!(
        found["ledgers"].as_array().expect("a list").iter().any(|ledger| ledger["ledger"] == *name),
        "{found}"
    );
}

#[test]
fn an_event_that_arrives_twice_around_the_end_of_its_day_is_recorded_once() {
    let world = lived();
    world.ship();
    let first = closed(&world);
    let sealed = verification(&world, first);

    world.ship();

    assert_eq!(verification(&world, first), sealed);
    assert!(!world.server.platform.ledger_names().iter().any(|name| name.contains("/late/")));
}

#[test]
fn a_day_whose_root_cannot_be_signed_is_closed_later_with_the_same_heads() {
    let world = lived();
    let day = day(&world);
    world.ship();
    into_next_day(&world, 2 * HOUR);
    world.set_down("signing", true);
    let again = (0..20).find_map(|_| world.close_days()).expect("another try");
    assert_eq!(again, world.now() + std::time::Duration::from_secs(300));
    assert_eq!(root(&world, day), None);

    world.set_down("signing", false);
    world.wait(300);
    close(&world);

    assert_eq!(verification(&world, day)["root"], "good");
}

#[test]
fn days_are_closed_in_order_and_days_without_events_have_no_root() {
    let world = lived();
    let first = day(&world);
    world.ship();
    world.wait(3 * DAY);
    world.start();
    let third = day(&world);
    world.ship();
    world.wait(2 * DAY);

    close(&world);

    assert!(root(&world, first).is_some() && root(&world, third).is_some());
    assert_eq!(root(&world, first + 1), None);
    assert_eq!(verification(&world, first + 1)["root"], "empty");
    let roots = body(&world.get("/ledger/roots"));
    let days: Vec<_> = roots["roots"].as_array().expect("a list").iter().map(|root| &root["day"]).collect();
    assert_eq!(days, [&json!(third), &json!(first)]);
    let before = body(&world.get(&format!("/ledger/roots?before={third}")));
    assert_eq!(before["roots"].as_array().expect("a list").len(), 1);
}

#[test]
fn a_changed_event_is_found_and_named_in_an_open_and_in_a_closed_day() {
    for is_closed in [false, true] {
        let world = lived();
        let day = if is_closed { closed(&world) } else { day(&world) };
        world.ship();
        let mut id = String::new();
        let ledger = tamper(&world, day, 3, |rows| {
            let (name, record, _) = &mut rows.records.borrow_mut()[1];
            id.clone_from(name);
            *record = record.replace("\"at\":1", "\"at\":2");
        });

        assert_eq!(faults(&world, day), [json!({ "ledger": ledger, "what": "changed", "events": [id] })]);
    }
}

#[test]
fn a_removed_and_an_inserted_event_are_found_and_named() {
    let world = lived();
    let day = closed(&world);
    let mut id = String::new();
    let ledger = tamper(&world, day, 4, |rows| id = rows.records.borrow_mut().remove(2).0);
    let found = faults(&world, day);
    assert_eq!(found[0], json!({ "ledger": ledger, "what": "removed", "events": [id] }));

    let world = lived();
    let day = closed(&world);
    let ledger = tamper(&world, day, 3, |rows| rows.records.borrow_mut().truncate(2));
    let found = faults(&world, day).remove(0);
    assert_eq!((&found["ledger"], &found["what"]), (&json!(ledger), &json!("removed")));
    assert_eq!(found["records"]["first"], 3, "nothing tells the events: {found}");

    let world = lived();
    let day = closed(&world);
    let ledger = tamper(&world, day, 3, |rows| {
        let forged = r#"{"id":"weur/3/999","event":{"what":"approved"}}"#.to_owned();
        let head = encode(&Sha256::digest(format!(
            "{}\n{forged}",
            rows.records.borrow().last().expect("a record").2
        )));
        rows.records.borrow_mut().push(("weur/3/999".to_owned(), forged, head));
    });
    assert_eq!(
        faults(&world, day),
        [json!({ "ledger": ledger, "what": "inserted", "events": ["weur/3/999"] })]
    );
}

#[test]
fn heads_and_roots_that_were_changed_are_found() {
    let state = |change: &dyn Fn(&LedgerRows, u32)| {
        let world = lived();
        closed(&world);
        world.start();
        let second = closed(&world);
        world.server.platform.with_ledger("outboxes", |rows| change(rows, second));
        verification(&world, second)["root"].clone()
    };
    let forged = |rows: &LedgerRows, day: u32, change: &dyn Fn(&str) -> String| {
        let mut roots = rows.roots.borrow_mut();
        let root = roots.get_mut(&day).expect("a root").as_mut().expect("it is signed");
        *root = change(root);
    };

    assert_eq!(state(&|_, _| {}), "good");
    let heads = |rows: &LedgerRows, day: u32| {
        rows.heads.borrow_mut().retain(|name, _| name.day != day);
    };
    assert_eq!(state(&heads), "wrong_heads");
    let other_day = |rows: &LedgerRows, day: u32| {
        let other = rows.roots.borrow()[&(day - 1)].clone().expect("it is signed");
        forged(rows, day, &|_| other.clone());
    };
    assert_eq!(state(&other_day), "unreadable");
    assert_eq!(state(&|rows, day| forged(rows, day, &|_| "x".to_owned())), "unreadable");
    let unsigned = |root: &str| format!("{}.{}", root.rsplit_once('.').expect("a JWS").0, encode(&[1; 64]));
    assert_eq!(state(&|rows, day| forged(rows, day, &unsigned)), "wrong_signature");
    assert_eq!(state(&|rows, day| forged(rows, day - 1, &unsigned)), "wrong_previous");
    assert_eq!(state(&|rows, day| drop(rows.roots.borrow_mut().remove(&(day - 1)))), "wrong_previous");
}

#[test]
fn a_day_that_should_be_closed_and_has_no_root_is_overdue() {
    let world = lived();
    let (first, idle) = (day(&world), day(&world) + 1);
    world.ship();
    into_next_day(&world, 6 * HOUR - 1);
    assert_eq!(verification(&world, first)["root"], "open");
    world.wait(1);

    assert_eq!(verification(&world, first)["root"], "overdue", "closing has stopped");
    close(&world);
    assert_eq!(verification(&world, first)["root"], "good");
    into_next_day(&world, 12 * HOUR);
    assert_eq!(verification(&world, idle)["root"], "open", "a day without events gets no root");

    world.server.platform.with_ledger("outboxes", |rows| rows.roots.borrow_mut().clear());
    assert_eq!(verification(&world, first)["root"], "overdue", "the newest root was deleted");
}

#[test]
fn after_retention_the_root_still_proves_the_heads() {
    let world = lived();
    let day = closed(&world);
    world.wait(u64::from(RETENTION_DAYS) * DAY);
    for name in
        world.server.platform.ledger_names().iter().filter(|name| name.starts_with(&format!("{day}/")))
    {
        world.server.platform.with_ledger(name, |rows| rows.records.borrow_mut().clear());
    }

    let found = verification(&world, day);

    assert_eq!((&found["faults"], &found["records"]), (&json!([]), &json!(0)));
    assert!(found["ledgers"].as_array().expect("a list").iter().all(|ledger| ledger["state"] == "emptied"));
    assert!(found["root"] == "good" || found["root"] == "key_retired", "{found}");
}

#[test]
fn a_day_of_many_ledgers_is_verified_in_bounded_answers() {
    let world = World::new();
    for shard in 0..50 {
        world.tell_late(&format!("weur/{shard}"), world.now());
    }
    let day = day(&world);
    world.server.platform.ledger_hops.set(0);

    let first = body(&Admin(&world).get(&format!("/ledger/verification?day={day}")));

    assert!(first["next_cursor"].is_string() && first["root"].is_null(), "{first}");
    assert!(world.server.platform.ledger_hops.get() <= 25);
    let all = verification(&world, day);
    assert_eq!(all["ledgers"].as_array().expect("a list").len(), 50);
    assert_eq!(all["records"], 50);
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let world = World::new();
    for (query, words) in [
        ("day=x", "day is \\\"x\\\": it must be a whole number"),
        ("day=2932897", "from 0 to 2932896"),
        ("cursor=AAAA", "cursor must be the next_cursor"),
        ("from=1", "no such parameter"),
    ] {
        let answer = Admin(&world).get(&format!("/ledger/verification?{query}"));
        assert_eq!(answer.status, 422, "{query}");
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    for (path, status) in [
        ("/ledger/roots/1", 404),
        ("/ledger/roots/x", 404),
        ("/ledger/roots/4294967295", 404),
        ("/ledger/roots?before=x", 400),
        ("/ledger/roots?after=1", 400),
        ("/ledger/roots", 200),
        ("/ledger/roots/", 200),
    ] {
        assert_eq!(world.get(path).status, status, "{path}");
    }
    world.set_down("ledger", true);
    assert_eq!(world.get("/ledger/roots").status, 503);
    assert_eq!(Admin(&world).get("/ledger/verification").status, 503);
}
