//! Exceptions through the admin API: what each needs, how long it lives, who renews it, and who hears about its end.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a response of another shape fails its test"
)]

use device_grant::endpoint::http::Response;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::group::Group;
use device_grant::policy::name::Name;
use device_grant::registry::governance::exceptions::{ExceptionRefusal, Person, RenewException};
use device_grant::registry::governance::reminders;
use device_grant::time::Timestamp;
use serde_json::{Value, json};

use super::{errors, text};
use crate::support::admin::Admin;
use crate::support::{World, json as body};

const DAY: u64 = 86_400;

/// Returns a world with a policy that has the rule `abroad`, which denies.
fn world() -> World {
    let world = World::new();
    world.set_policy(&json!({
        "default": "enforced", "longest_exception_days": 60, "networks": { "office": ["192.0.2.0/24"] },
        "rules": [
            { "id": "abroad", "description": "A", "effect": "deny", "unless": { "device": { "countries": ["DE"] } } },
            { "id": "all", "description": "B", "effect": "allow" },
        ],
    }));
    world
}

/// Returns an exception for Bob that ends in 30 days, with `members` replaced.
fn bob(world: &World, members: &Value) -> Value {
    let mut exception = json!({
        "id": "bob", "when": { "clients": ["cli"], "accounts": ["local:bob"] }, "lifts": ["abroad"],
        "owner": "alice@example.com", "reason": "Bob is in Lisbon.", "ticket": "SEC-1", "expires_at": days(world, 30),
    });
    for (name, value) in members.as_object().unwrap() {
        exception[name] = value.clone();
    }
    exception
}

/// Returns the time in this many days, as text.
fn days(world: &World, days: u64) -> String {
    let now = world.now().millis() + days * DAY * 1_000;
    Timestamp::from_millis(now).to_string()
}

fn create(world: &World, members: &Value) -> Response {
    Admin(world).ask("POST", "/exceptions", None, Some(&bob(world, members)))
}

/// Creates the exception for Bob. The server must accept it.
fn created(world: &World) -> Value {
    let response = create(world, &json!({}));
    assert_eq!(response.status, 201, "{}", response.body);
    body(&response)
}

fn post(world: &World, path: &str, document: &Value) -> Response {
    Admin(world).ask("POST", path, None, Some(document))
}

fn find(world: &World) -> Value {
    body(&Admin(world).get("/exceptions/bob"))
}

fn live(world: &World) -> usize {
    world.server.forget_snapshot();
    let governance = &world.outline().governance;
    governance.exceptions.iter().filter(|exception| exception.is_live(world.now())).count()
}

/// Rings the alarm of the registry, and returns kind and subject of the events since.
fn ring(world: &World) -> Vec<String> {
    let before = world.changes().len();
    let Ok(()) = reminders::attend(&world.server.platform.registry, world.now());
    world.changes().split_off(before).iter().map(|change| text(change, "what")).collect()
}

#[test]
fn an_exception_is_kept_with_who_made_it_and_travels_with_the_policy() {
    let world = world();

    let response = create(&world, &json!({}));

    assert_eq!(response.status, 201, "{}", response.body);
    let issuer = "http://127.0.0.1:8787";
    assert_eq!(response.header("location"), Some(format!("{issuer}/admin/api/exceptions/bob").as_str()));
    let shown = body(&response);
    assert_eq!(shown, find(&world));
    assert_eq!(body(&Admin(&world).get("/exceptions"))["exceptions"], json!([shown]));
    assert_eq!(shown["created_by"]["operator"].as_str().map(str::len), Some(8));
    assert_eq!(
        (&shown["is_live"], &shown["wide"], &shown["warnings"]),
        (&json!(true), &json!(false), &json!([]))
    );
    assert_eq!((live(&world), world.outline().governance.revision), (1, 2));
    let event = world.changes().pop().unwrap();
    assert_eq!((text(&event, "what"), text(&event, "subject")), ("exception_created".into(), "bob".into()));
    let expires_at = world.now().millis() + 30 * DAY * 1_000;
    assert_eq!(event["exception"], json!({ "owner": "alice@example.com", "expires_at": expires_at }));
    assert_eq!(create(&world, &json!({})).status, 409, "its id is taken");
    assert_eq!(Admin(&world).get("/exceptions/eve").status, 404);
}

#[test]
fn every_member_is_required_and_the_longest_life_is_that_of_the_policy() {
    let world = world();
    for member in ["id", "when", "owner", "reason", "ticket", "expires_at"] {
        let (pointer, detail) = errors(&create(&world, &json!({ member: null }))).remove(0);
        assert_eq!(pointer, format!("/{member}"));
        assert!(detail.contains(&format!("{member} is missing")), "{detail}");
    }
    for (members, expected) in [
        (json!({ "expires_at": days(&world, 61) }), "because longest_exception_days is 60"),
        (json!({ "expires_at": days(&world, 0) }), "it must be in the future"),
        (json!({ "lifts": ["all"] }), "lifts has \"all\", which does not deny"),
        (json!({ "lifts": ["none"] }), "lifts has \"none\", and the policy has no such rule"),
        (
            json!({ "when": { "device": { "networks": ["home"] } } }),
            "which the policy does not have under networks",
        ),
        (json!({ "when": { "clients": null } }), "when is empty"),
        (json!({ "until": "x" }), "unknown member \"until\""),
    ] {
        let refused = create(&world, &members);
        let details = errors(&refused);
        assert!(details.iter().any(|(_, detail)| detail.contains(expected)), "{members}: {}", refused.body);
    }
    let tried =
        post(&world, "/exceptions?dry_run=true", &bob(&world, &json!({ "expires_at": days(&world, 60) })));
    assert_eq!(tried.status, 200, "{}", tried.body);
    assert_eq!(Admin(&world).get("/exceptions/bob").status, 404, "a dry run changes nothing");
}

#[test]
fn a_wide_exception_and_one_that_lifts_nothing_are_flagged() {
    let world = world();

    let when = json!({ "accounts": ["local:bob"], "device": { "networks": ["office"] } });
    let wide = body(&create(&world, &json!({ "when": when })));

    assert_eq!(wide["wide"], true);
    let warning = "exception bob is wide: name clients, and accounts or groups, if you can";
    assert_eq!(wide["warnings"], json!([warning]));
    assert_eq!(world.changes().pop().unwrap()["granted"], json!(["wide"]));
    let policy = body(&Admin(&world).get("/policy"));
    assert!(policy["warnings"].as_array().unwrap().contains(&json!(warning)), "{policy}");
    let without = json!({ "default": "enforced", "reason": "Clean up" });
    let changed = body(&Admin(&world).ask("PUT", "/policy", Some("*"), Some(&without)));
    let idle = "exception bob lifts abroad, but no rule of that id denies";
    let gone = "exception bob has the network office, which the policy does not have";
    assert_eq!(changed["warnings"], json!([warning, idle, gone]));
}

#[test]
fn an_exception_can_end_earlier_but_later_only_by_a_renewal_with_a_new_reason() {
    let world = world();
    let shown = created(&world);
    let replace = |members: &Value, etag: Option<&str>| {
        Admin(&world).ask("PUT", "/exceptions/bob", etag, Some(&bob(&world, members)))
    };
    assert_eq!(replace(&json!({}), None).status, 428);
    assert_eq!(replace(&json!({}), Some("\"0.9\"")).status, 412);
    let same = Admin(&world).ask("PUT", "/exceptions/bob", Some("*"), Some(&shown));
    assert_eq!((same.status, body(&same)["version"].clone()), (200, json!(1)), "nothing has changed");
    let earlier = replace(&json!({ "expires_at": days(&world, 20), "id": null }), Some("*"));
    assert_eq!((earlier.status, body(&earlier)["version"].clone()), (200, json!(2)), "{}", earlier.body);
    assert_eq!(world.changes().pop().unwrap()["members"], json!(["expires_at"]));
    assert!(errors(&replace(&json!({}), Some("*")))[0].1.contains("renew the exception instead"));
    assert_eq!(
        errors(&replace(&json!({ "id": "eve", "expires_at": days(&world, 20) }), Some("*")))[0].0,
        "/id"
    );

    let renew = |reason: &str, end: u64| {
        post(&world, "/exceptions/bob/renew", &json!({ "reason": reason, "expires_at": days(&world, end) }))
    };
    assert_eq!(errors(&renew("bob is in Lisbon", 50))[0].0, "/reason", "it was given before");
    assert_eq!(errors(&renew("Longer", 61))[0].0, "/expires_at");
    assert_eq!(errors(&renew("Longer", 20))[0].0, "/expires_at");
    let renewed = renew("The office opens later.", 50);
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    let shown = body(&renewed);
    assert_eq!(text(&shown, "expires_at"), days(&world, 50));
    assert_eq!(text(&shown["renewals"][0], "reason"), "The office opens later.");
    assert_eq!(text(&shown["renewals"][0], "instead_of"), days(&world, 20));
    assert_eq!(text(&shown, "reason"), "Bob is in Lisbon.", "the first reason stays");
}

#[test]
fn whoever_profits_from_an_exception_cannot_renew_it() {
    let world = world();
    created(&world);
    let renew = |account: &str| {
        let reason = format!("Because {account} says so");
        let (id, expected) = (Name::parse("bob").unwrap(), device_grant::client::history::Expected::Any);
        let groups = vec![Group::parse("local:staff").unwrap()];
        let person = Some(Person { account: AccountKey::local(account), groups, names: Vec::new() });
        let expires_at = Timestamp::parse(&days(&world, 40)).unwrap();
        let by = device_grant::audit::change::Actor::Account("acct-a".into());
        world.registry(RenewException { id, expected, reason, expires_at, person, dry_run: true, by })
    };

    let Err(ExceptionRefusal::Faulty(faults)) = renew("bob") else { panic!("bob profits") };
    assert!(faults[0].detail.contains("you profit from it, so somebody else must renew it"), "{faults:?}");
    assert!(renew("alice").is_ok());
}

#[test]
fn the_owner_of_an_exception_of_a_day_hears_about_the_end_halfway() {
    let world = world();
    create(&world, &json!({ "expires_at": days(&world, 1) }));
    let heard = |hours: u64| {
        world.wait(hours * 3_600);
        ring(&world)
    };

    assert_eq!(heard(11), [""; 0]);
    assert_eq!(heard(1), ["exception_ending"]);
    assert_eq!(heard(11), [""; 0]);
    assert_eq!(heard(1), ["exception_lapsed"]);
}

#[test]
fn the_owner_hears_about_the_end_a_week_and_a_day_before_and_the_record_outlives_it() {
    let world = world();
    created(&world);
    let heard = |day: u64| {
        world.wait(day * DAY);
        ring(&world)
    };

    assert_eq!(heard(22), [""; 0]);
    assert_eq!(heard(1), ["exception_ending"], "a week before");
    assert_eq!(ring(&world), [""; 0], "only once");
    let reminder = world.changes().pop().unwrap();
    assert_eq!((text(&reminder, "subject"), reminder["by"].clone()), ("bob".into(), json!("server")));
    assert_eq!(text(&reminder["exception"], "owner"), "alice@example.com");
    assert_eq!(heard(6), ["exception_ending"], "a day before");
    assert_eq!((live(&world), heard(1)), (1, vec!["exception_lapsed".to_owned()]));
    assert_eq!(live(&world), 0, "it lapses without a deployment");
    assert_eq!(find(&world)["is_live"], false);
    assert_eq!(heard(399), [""; 0]);
    assert_eq!(Admin(&world).get("/exceptions/bob").status, 200);
    assert_eq!(heard(1), [""; 0]);
    assert_eq!(Admin(&world).get("/exceptions/bob").status, 404);
    assert!(world.server.platform.registry.exceptions.borrow().is_empty());
}

#[test]
fn after_a_late_alarm_nobody_is_reminded_of_what_has_passed() {
    let world = world();
    created(&world);
    world.wait(31 * DAY);

    assert_eq!(ring(&world), ["exception_lapsed"]);
}

#[test]
fn an_exception_that_is_ended_is_over_at_once_and_can_be_renewed_but_not_ended_again() {
    let world = world();
    created(&world);
    let revision = world.outline().governance.revision;

    let ended = post(&world, "/exceptions/bob/end", &json!({}));

    assert_eq!((ended.status, body(&ended)["is_live"].clone()), (200, json!(false)), "{}", ended.body);
    assert_eq!((live(&world), world.outline().governance.revision), (0, revision + 1));
    assert_eq!(post(&world, "/exceptions/bob/end", &json!({})).status, 409);
    assert_eq!(ring(&world), [""; 0], "it was ended, and has not lapsed");
    let renewal = json!({ "reason": "He is there again.", "expires_at": days(&world, 5) });
    assert_eq!(post(&world, "/exceptions/bob/renew", &renewal).status, 200);
    assert_eq!(live(&world), 1);
    world.wait(4 * DAY);
    assert_eq!(ring(&world), ["exception_ending"], "the reminder is that of the new end");
    assert_eq!(post(&world, "/exceptions/eve/end", &json!({})).status, 404);
}

#[test]
fn five_hundred_exceptions_can_be_live_and_the_list_is_read_page_by_page() {
    let world = world();
    for number in 0..500 {
        let response = create(&world, &json!({ "id": format!("bob-{number:03}") }));
        assert_eq!(response.status, 201, "{}", response.body);
    }

    assert_eq!(create(&world, &json!({})).status, 409);

    let page = body(&Admin(&world).get("/exceptions?limit=200"));
    let cursor = text(&page, "next_cursor");
    let next = body(&Admin(&world).get(&format!("/exceptions?limit=200&cursor={cursor}")));
    assert_eq!(text(&next["exceptions"][0], "id"), "bob-200");
    let cursor = text(&next, "next_cursor");
    let last = body(&Admin(&world).get(&format!("/exceptions?limit=200&cursor={cursor}")));
    assert_eq!((last["exceptions"].as_array().unwrap().len(), last.get("next_cursor")), (100, None));
    assert_eq!(errors(&Admin(&world).get("/exceptions?cursor=!"))[0].0, "/cursor");
    post(&world, "/exceptions/bob-000/end", &json!({}));
    assert_eq!(create(&world, &json!({})).status, 201, "one that has ended makes room");
}
