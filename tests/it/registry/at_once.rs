//! Calls of objects that do not depend on each other, in the admin API: none waits for the reply to another.

use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::{World, json as body_of};

/// Returns in how many rounds of calls a request is answered that is sent for the second time, besides those that its
/// administrator's token costs, and the status.
fn rounds(world: &World, method: &str, path: &str, body: Option<&Value>) -> (u32, u16) {
    let request = || Admin::request(method, path, Some("*"), body);
    let own = world.in_rounds(Admin::request("GET", "/openapi.json", None, None)).0;
    world.in_rounds(request());
    let (rounds, answer) = world.in_rounds(request());
    (rounds - own, answer.status)
}

#[test]
fn lists_and_their_policy_are_read_at_once() {
    let world = World::with_policy(&[]);
    for (path, status) in [
        ("/exceptions", 200),
        ("/exceptions/none", 404),
        ("/policy/versions/1", 200),
        ("/policy/versions/1?against=2", 422),
        ("/usage", 200),
        ("/policy/report?by=client&days=7", 200),
    ] {
        assert_eq!(rounds(&world, "GET", path, None), (1, status), "{path}");
    }
}

#[test]
fn a_dry_run_reads_client_and_account_at_once() {
    let world = World::with_policy(&[]);
    let trial = json!({ "client_id": "demo-tv", "account": "alice" });

    assert_eq!(rounds(&world, "POST", "/dry-run", Some(&trial)), (1, 200));
}

#[test]
fn all_checks_of_the_doctor_run_at_once() {
    let world = World::with_policy(&[]);

    let (rounds, status) = rounds(&world, "GET", "/doctor", None);

    assert_eq!(status, 200);
    assert!(rounds <= 3, "{rounds}");
}

#[test]
fn a_day_of_the_ledger_and_its_root_are_read_in_a_few_rounds() {
    let world = World::with_policy(&[]);
    world.start();
    world.ship();
    let day = world.now().seconds() / 86_400;

    let path = format!("/ledger/verification?day={day}");
    let ledgers = body_of(&Admin(&world).get(&path))["ledgers"].as_array().map_or(0, Vec::len);

    // What there is, each ledger, the root of the day, and whether a later day has one.
    let expected = u32::try_from(ledgers).unwrap() + 3;
    assert_eq!(rounds(&world, "GET", &path, None), (expected, 200));
}
