//! The policy through the admin API: its versions, what they change, the way back, and who must not be shut out.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a response of another shape fails its test"
)]

use std::rc::Rc;

use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::Platform as _;
use device_grant::policy::document::Fallback;
use device_grant::policy::exception::Exception;
use device_grant::policy::governance::Governance;
use device_grant::policy::kill::KillSwitch;
use device_grant::registry::command::{FindAtSource, Keeper};
use device_grant::sharding::{Region, Replica};
use serde_json::{Value, json};

use super::{errors, text};
use crate::support::admin::Admin;
use crate::support::{World, get, json as body, now_or_never};

/// Returns a policy with these rules.
fn policy(rules: &Value) -> Value {
    json!({ "default": "enforced", "reason": "A test", "rules": rules })
}

fn rule(id: &str, effect: &str, when: &Value) -> Value {
    let mut rule = json!({ "id": id, "description": "For a test", "effect": effect });
    if !when.is_null() {
        rule["when"] = when.clone();
    }
    rule
}

fn put(world: &World, document: &Value) -> Response {
    Admin(world).ask("PUT", "/policy", Some("*"), Some(document))
}

/// Replaces the policy. The server must accept it.
fn write(world: &World, document: &Value) -> Value {
    let response = put(world, document);
    assert_eq!(response.status, 200, "{}", response.body);
    body(&response)
}

fn now(world: &World) -> Value {
    body(&Admin(world).get("/policy"))
}

/// Returns the governance that the isolate applies to a request for a code.
fn applied(world: &World) -> Rc<Governance> {
    now_or_never(world.server.governance(world.now())).unwrap()
}

/// Returns the governance that the isolate applies after it has read a client at its source.
fn at_source(world: &World) -> Rc<Governance> {
    now_or_never(world.server.registered_client("demo-tv")).unwrap();
    world.server.governance_at_source().unwrap()
}

#[test]
fn without_a_document_development_allows_and_production_refuses_and_both_say_so() {
    let world = World::new();
    let development = now(&world);
    assert_eq!((&development["default"], &development["protects"]), (&json!("allow"), &json!(false)));
    assert_eq!(development["warnings"], json!(["there is no policy: everything is allowed"]));
    assert_eq!((&development["version"], &development["revision"]), (&json!(0), &json!(0)));
    assert_eq!(applied(&world).policy.default, Fallback::Allow);
    assert_eq!(at_source(&world).policy.default, Fallback::Allow);

    let key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    for environment in ["production", "preview"] {
        let vars = [("ENVIRONMENT", environment), ("ISSUER", "https://a.example"), ("MASTER_KEY", key)];
        let world = World::with(&vars);
        assert_eq!(applied(&world).policy.default, Fallback::Enforced, "{environment}");
        assert_eq!(at_source(&world).policy.default, Fallback::Enforced, "{environment}");
    }
}

#[test]
fn a_policy_is_kept_as_it_was_written_with_author_reason_and_date() {
    let world = World::new();
    let staff = rule("staff", "allow", &json!({ "groups": ["local:staff"], "clients": ["cli"] }));
    let mut document = policy(&json!([staff]));
    document["contact"] = "security@example.com".into();

    let shown = write(&world, &document);

    assert_eq!((&shown["version"], &shown["revision"]), (&json!(1), &json!(1)));
    assert_eq!((&shown["protects"], &shown["warnings"]), (&json!(true), &json!([])));
    assert_eq!(shown["author"]["operator"].as_str().map(str::len), Some(8));
    assert_eq!(
        (text(&shown, "reason"), text(&shown, "changed_at")),
        ("A test".into(), world.now().to_string())
    );
    assert_eq!(shown["rules"][0]["when"], staff["when"]);
    assert_eq!(shown["contact"], document["contact"]);
    let read = now(&world);
    assert_eq!(read["changes"], json!([]));
    let again = put(&world, &read);
    assert_eq!(
        (again.status, &body(&again)["version"]),
        (200, &json!(1)),
        "the same policy is no new version"
    );
    assert_eq!(world.changes().len(), 1);
}

#[test]
fn report_only_is_said_to_protect_nobody() {
    let world = World::new();
    let mut document = policy(&json!([]));
    document["default"] = "report_only".into();

    let shown = write(&world, &document);

    assert_eq!(shown["protects"], false);
    assert!(shown["warnings"][0].as_str().unwrap().contains("it does not protect"), "{shown}");
}

#[test]
fn a_change_names_what_it_changes_and_so_does_its_event() {
    let world = World::new();
    let deny = |countries: &[&str]| rule("abroad", "deny", &json!({ "device": { "countries": countries } }));
    write(&world, &policy(&json!([deny(&["RU"]), rule("old", "deny", &Value::Null)])));

    let next = policy(&json!([rule("all", "allow", &Value::Null), deny(&["RU", "XX"])]));
    let tried = Admin(&world).ask("PUT", "/policy?dry_run=true", Some("*"), Some(&next));
    assert_eq!(now(&world)["version"], 1, "a dry run changes nothing");
    let shown = write(&world, &next);

    assert_eq!(body(&tried)["changes"], shown["changes"]);
    let changes = shown["changes"].as_array().unwrap();
    let ways: Vec<&str> = changes.iter().map(|change| change["at"].as_str().unwrap()).collect();
    let expected = ["/rules/abroad/when/device/countries", "/rules/all", "/rules/old"];
    assert_eq!(ways, expected);
    assert_eq!((&changes[0]["before"], &changes[0]["after"]), (&json!(["RU"]), &json!(["RU", "XX"])));
    let event = world.changes().pop().unwrap();
    assert_eq!((&event["what"], &event["subject"]), (&json!("policy_changed"), &json!("2")));
    assert_eq!(event["members"], json!(expected));
}

#[test]
fn every_version_can_be_read_compared_and_made_the_newest_again() {
    let world = World::new();
    let admin = Admin(&world);
    for id in ["a", "b", "c"] {
        let mut document = policy(&json!([rule(id, "allow", &Value::Null)]));
        document["reason"] = format!("Why {id}").into();
        write(&world, &document);
        world.wait(1);
    }

    let versions = body(&admin.get("/policy/versions"));
    let listed: Vec<(u64, String)> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| (edit["version"].as_u64().unwrap(), text(edit, "reason")))
        .collect();
    assert_eq!(listed, [(3, "Why c".into()), (2, "Why b".into()), (1, "Why a".into())]);
    assert!(versions["versions"][0].get("rules").is_none(), "the list has no documents");
    let ways = |path: &str| {
        let version = body(&admin.get(path));
        let changes = version["changes"].as_array().cloned().unwrap_or_default();
        (text(&version["rules"][0], "id"), changes.iter().map(|one| text(one, "at")).collect::<Vec<_>>())
    };
    let both = |one: &str, other: &str| vec![format!("/rules/{one}"), format!("/rules/{other}")];
    assert_eq!(ways("/policy/versions/3"), ("c".into(), both("b", "c")));
    assert_eq!(ways("/policy/versions/3?against=1"), ("c".into(), both("a", "c")));
    assert_eq!(ways("/policy/versions/1"), ("a".into(), Vec::new()), "nothing was before it");
    for absent in ["0", "4", "01", "x", "-1"] {
        assert_eq!(admin.get(&format!("/policy/versions/{absent}")).status, 404, "{absent}");
        let against = admin.get(&format!("/policy/versions/1?against={absent}"));
        let (pointer, detail) = errors(&against).remove(0);
        assert_eq!(pointer, "/against", "{absent}");
        assert!(detail.ends_with("it must be the number of a version that is kept"), "{detail}");
    }

    let back = json!({ "version": 1, "reason": "b and c were mistakes" });
    let tried = admin.ask("POST", "/policy/rollback?dry_run=true", Some("*"), Some(&back));
    assert_eq!(body(&tried)["rules"][0]["id"], "a");
    assert_eq!(now(&world)["rules"][0]["id"], "c", "a dry run changes nothing");
    let rolled = admin.ask("POST", "/policy/rollback", Some("*"), Some(&back));
    assert_eq!(rolled.status, 200, "{}", rolled.body);
    let shown = now(&world);
    assert_eq!((&shown["version"], &shown["rules"][0]["id"]), (&json!(4), &json!("a")));
    assert_eq!(text(&shown, "reason"), "b and c were mistakes");
    let unknown = json!({ "version": 9, "reason": "Why not" });
    let (pointer, detail) =
        errors(&admin.ask("POST", "/policy/rollback", Some("*"), Some(&unknown))).remove(0);
    assert_eq!(
        (pointer.as_str(), detail.as_str()),
        ("/version", "there is no such version: the last 200 are kept")
    );
}

#[test]
fn the_oldest_versions_make_room() {
    let world = World::new();
    for number in 0..203 {
        write(&world, &policy(&json!([rule(&format!("rule-{number}"), "allow", &Value::Null)])));
    }

    let versions = body(&Admin(&world).get("/policy/versions"))["versions"].as_array().unwrap().clone();

    assert_eq!(
        (versions.len(), &versions[0]["version"], &versions[199]["version"]),
        (200, &json!(203), &json!(4))
    );
    assert_eq!(Admin(&world).get("/policy/versions/3").status, 404);
}

#[test]
fn nobody_overwrites_a_change_that_somebody_else_made_in_the_meantime() {
    let world = World::new();
    let admin = Admin(&world);
    let read = admin.get("/policy");
    let etag = read.header("etag").unwrap().to_owned();
    assert_eq!(admin.ask("PUT", "/policy", None, Some(&policy(&json!([])))).status, 428);
    write(&world, &policy(&json!([])));

    let late = policy(&json!([rule("late", "allow", &Value::Null)]));
    let back = json!({ "version": 1, "reason": "Why not" });
    assert_eq!(admin.ask("PUT", "/policy", Some(&etag), Some(&late)).status, 412);
    assert_eq!(admin.ask("POST", "/policy/rollback", Some(&etag), Some(&back)).status, 412);

    let etag = admin.get("/policy").header("etag").unwrap().to_owned();
    assert_eq!(admin.ask("PUT", "/policy", Some(&etag), Some(&late)).status, 200);
}

#[test]
fn a_policy_that_lets_people_in_but_no_administrator_is_refused() {
    let world = World::new();
    let no_administrators = rule("no-admins", "deny", &json!({ "groups": ["local:administrators"] }));
    let staff = || rule("staff", "allow", &json!({ "groups": ["local:staff"] }));
    let shut = policy(&json!([staff(), no_administrators]));

    let refused = put(&world, &shut);

    let (pointer, detail) = errors(&refused).remove(0);
    assert_eq!((refused.status, pointer.as_str()), (422, "/rules"));
    assert!(detail.starts_with("the policy lets people in, but no administrator"), "{detail}");
    assert!(detail.contains("local:administrators"), "{detail}");
    let tried = Admin(&world).ask("PUT", "/policy?dry_run=true", Some("*"), Some(&shut));
    assert_eq!(tried.status, 422, "a dry run says it, too");
    assert_eq!(now(&world)["version"], 0);
    write(&world, &policy(&json!([])));
    write(&world, &policy(&json!([staff()])));

    // Administrators are who the setting says.
    let world = world.restarted(&[("ADMIN_GROUPS", "local:root")]);
    write(&world, &shut);
    let root = rule("no-root", "deny", &json!({ "groups": ["local:root"] }));
    assert_eq!(put(&world, &policy(&json!([staff(), root]))).status, 422);
}

#[test]
fn a_policy_that_shut_administrators_out_cannot_come_back() {
    let world = World::with(&[("ADMIN_GROUPS", "local:root")]);
    let no_administrators = rule("no-admins", "deny", &json!({ "groups": ["local:administrators"] }));
    write(&world, &policy(&json!([rule("all", "allow", &Value::Null), no_administrators])));
    write(&world, &policy(&json!([])));
    let world = world.restarted(&[]);

    let back = json!({ "version": 1, "reason": "Why not" });
    let refused = Admin(&world).ask("POST", "/policy/rollback", Some("*"), Some(&back));
    assert_eq!((refused.status, errors(&refused)[0].0.as_str()), (422, "/version"), "{}", refused.body);
}

#[test]
fn the_faults_of_a_policy_and_of_its_reason_are_named_together() {
    let world = World::new();
    let mut document = policy(&json!([rule("Staff", "allow", &Value::Null)]));
    document.as_object_mut().unwrap().remove("reason");

    let refused = put(&world, &document);

    assert_eq!(refused.status, 422);
    let pointers: Vec<String> = errors(&refused).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/rules/0/id", "/reason"]);
    let details = errors(&refused);
    assert_eq!(details[1].1, "reason is missing: write why you change the policy");
    let bodies =
        [json!({}), json!({ "version": 0, "reason": "Why not" }), json!({ "version": 1, "reason": "" })];
    for (document, pointer) in bodies.iter().zip(["/version", "/version", "/reason"]) {
        let refused = Admin(&world).ask("POST", "/policy/rollback", Some("*"), Some(document));
        assert_eq!(errors(&refused).first().map(|(at, _)| at.as_str()), Some(pointer), "{document}");
    }
    // A table whose members are all null has no condition, so it would always be true.
    for when in [json!({}), json!({ "clients": null }), json!({ "device": { "countries": null } })] {
        let refused = put(&world, &policy(&json!([rule("all", "allow", &when)])));
        assert!(errors(&refused)[0].1.contains("is empty"), "{when}: {}", refused.body);
    }
    let alone = rule("all", "allow", &json!({ "time": { "offset": "+01:00" } }));
    let (pointer, detail) = errors(&put(&world, &policy(&json!([alone])))).remove(0);
    assert_eq!(pointer, "/rules/0/when/time/offset");
    assert!(detail.contains("offset is alone: write days, hours, not_before or before, too"), "{detail}");
}

#[test]
fn a_step_that_asks_at_the_source_sees_a_change_at_once_and_is_not_sent_what_it_has() {
    let world = World::with_policy(&[]);
    assert_eq!((applied(&world).version, at_source(&world).version), (1, 1));
    let same = at_source(&world);
    assert!(Rc::ptr_eq(&same, &at_source(&world)), "nothing was sent again");

    // Another isolate changes the policy.
    let other = World::new();
    write(&other, &policy(&json!([rule("staff", "allow", &json!({ "groups": ["local:staff"] }))])));
    let version = other.server.platform.registry.policies.borrow()[&1].clone();
    let rows = &world.server.platform.registry;
    rows.policies
        .borrow_mut()
        .insert(2, device_grant::registry::governance::PolicyVersion { version: 2, ..version });
    rows.revision.set(2);

    assert_eq!(applied(&world).version, 1, "the snapshot is from before");
    assert_eq!(at_source(&world).version, 2);
    assert_eq!(applied(&world).version, 2, "the newer one of the two counts");
    world.wait(11);
    assert_eq!(applied(&world).version, 2);
}

#[test]
fn a_replica_gets_the_governance_for_others_even_if_the_worker_that_asks_has_it() {
    let world = World::with_policy(&[]);
    let keeper = Keeper { replica: Replica { region: Region::Weur, index: 0 }, lease: 30 };

    for (keeper, is_sent) in [(None, false), (Some(keeper), true)] {
        let find = FindAtSource { client_id: "demo-tv".to_owned(), using: false, revision: Some(1), keeper };
        let found = now_or_never(world.server.platform.registry(find)).unwrap();
        assert_eq!(found.governance.is_some(), is_sent, "{keeper:?}");
    }
}

#[test]
fn live_exceptions_and_kill_switches_travel_with_the_policy() {
    let world = World::with_policy(&[]);
    let exception = |id: &str, end: &str| {
        let record = json!({
            "format": 1, "id": id, "when": { "clients": ["cli"] }, "owner": "Alice", "reason": "A test", "ticket": "SEC-1",
            "created_by": "server", "expires_at": end, "history": { "version": 1 },
        });
        serde_json::from_value::<Exception>(record).unwrap()
    };
    let switch = |id: &str, until: &str| {
        let target = json!({ "client": "tv" });
        let record = json!({
            "format": 1, "id": id, "target": target, "until": until, "reason": "A test", "by": "server", "at": until,
        });
        serde_json::from_value::<KillSwitch>(record).unwrap()
    };
    let (past, future) = ("2026-11-20T00:00:00Z", "2026-11-30T00:00:00Z");

    world.set_governance(
        &[exception("over", past), exception("live", future)],
        &[switch("off", past), switch("on", future)],
    );

    for governance in [applied(&world), at_source(&world)] {
        let exceptions: Vec<&str> = governance.exceptions.iter().map(|one| one.id.as_str()).collect();
        let switches: Vec<&str> = governance.kill_switches.iter().map(|one| one.id.as_str()).collect();
        assert_eq!((exceptions, switches, governance.revision), (vec!["live"], vec!["on"], 2));
    }
}

#[test]
fn an_isolate_without_a_snapshot_asks_at_the_source() {
    let world = World::with_policy(&[]);
    world.server.platform.loads_wait.set(true);
    let path = "/.well-known/openid-configuration".to_owned();
    let waiting = world.begin(Request { path, ..get() });

    assert_eq!(applied(&world).version, 1);
    drop(waiting);
}
