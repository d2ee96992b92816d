//! Logins with replicas of the registry: what reads at one, and what happens if it does not answer.

use std::time::Duration;

use device_grant::endpoint::http::Response;
use device_grant::sharding::{Region, Replica};
use serde_json::json;

use super::{ALICE, enter, refresh_token};
use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{World, get};

/// Returns the calls of replicas and of the registry since the last call.
fn hops(world: &World) -> (Vec<String>, u32) {
    let platform = &world.server.platform;
    (platform.replica_hops.take(), platform.registry_hops.take())
}

/// A world with replicas, whose isolate knows the clients and the keys.
fn with_replicas() -> World {
    let world = World::with(&[("REGISTRY_REPLICAS", "2"), ("REGISTRY_LEASE_SECONDS", "20")]);
    let first = world.approved();
    assert_eq!(world.poll(&first.device_code).status, 200);
    hops(&world);
    world
}

#[test]
fn an_approval_a_redemption_and_a_refresh_each_ask_one_replica_and_not_the_registry() {
    let world = with_replicas();
    let started = world.start();
    world.poll(&started.device_code);
    assert_eq!(hops(&world), (Vec::new(), 0), "neither a start nor a pending poll asks either");

    enter(&world, ALICE, &started.user_code).decide("approve");
    let (near, asked) = hops(&world);
    assert_eq!((near.len(), asked), (1, 0), "the approval");
    let issued = world.poll(&started.device_code);
    assert_eq!(hops(&world), (near.clone(), 0), "the redemption asks the same");
    assert_eq!(world.refresh(&refresh_token(&issued)).status, 200);
    assert_eq!(hops(&world), (near, 0), "and so does the refresh");
}

#[test]
fn without_replicas_they_ask_the_registry_once() {
    let world = World::new();
    let started = world.approved();
    world.poll(&started.device_code);
    let started = world.start();
    hops(&world);

    enter(&world, ALICE, &started.user_code).decide("approve");
    assert_eq!(hops(&world), (Vec::new(), 1));
    let issued = world.poll(&started.device_code);
    assert_eq!(hops(&world), (Vec::new(), 1));
    world.refresh(&refresh_token(&issued));
    assert_eq!(hops(&world), (Vec::new(), 1));
}

#[test]
fn if_the_replica_does_not_answer_the_registry_is_asked_once_and_if_it_does_not_either_the_answer_is_503() {
    let world = with_replicas();
    let started = world.approved();
    world.set_down("replicas", true);
    hops(&world);

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
    let (near, asked) = hops(&world);
    assert_eq!((near.len(), asked), (1, 1));

    let started = world.approved();
    world.set_down("registry", true);
    hops(&world);
    let response = world.poll(&started.device_code);
    assert_eq!((response.status, response.header("retry-after")), (503, Some("5")));
    assert_eq!(hops(&world).1, 1);
    world.set_down("registry", false);
    assert_eq!(world.poll_outcome(&started.device_code), "issued", "nothing was spent");
}

#[test]
fn keys_are_read_where_the_client_was() {
    let world = with_replicas();
    world.wait(20);

    let keys = world.send(&device_grant::endpoint::http::Request { path: "/jwks.json".to_owned(), ..get() });

    assert_eq!(keys.status, 200);
    let (near, asked) = hops(&world);
    assert_eq!((near.len(), asked), (1, 0));
}

/// Cuts two replicas off. Returns their names, as a response has them.
fn cut_two_off(world: &World) -> &'static str {
    let replica = |region, index| Replica { region, index };
    world.server.platform.deaf.replace(vec![replica(Region::Weur, 1), replica(Region::Oc, 0)]);
    "replica/weur/1, replica/oc/0"
}

fn expired(response: &Response) -> Option<&str> {
    response.header("registry-replicas-expired")
}

#[test]
fn a_change_waits_for_the_replicas_and_names_those_whose_lease_has_ended() {
    let world = with_replicas();
    let admin = Admin(&world);
    let all_confirm = admin.patch("demo-tv", &json!({ "owner": "Team" }));
    assert_eq!((all_confirm.status, expired(&all_confirm)), (200, None));

    let named = cut_two_off(&world);
    let changes = [
        admin.patch("demo-tv", &json!({ "enabled": false })),
        admin.ask("PUT", "/scopes/fly", None, Some(&json!({ "description": "Fly" }))),
        admin.ask("POST", "/keys/rotate", None, None),
        admin.ask("DELETE", "/clients/demo-tv", Some("*"), None),
    ];
    for response in &changes {
        assert_eq!(expired(response), Some(named), "{} {}", response.status, response.body);
    }
    let reads = [admin.get("/clients"), admin.get("/keys"), admin.get("/tokens")];
    assert!(reads.iter().all(|response| response.status == 200 && expired(response).is_none()));

    // Somebody else may have deleted it a moment ago, and still be waiting.
    hops(&world);
    assert_eq!(admin.ask("DELETE", "/clients/demo-tv", Some("*"), None).status, 404);
    assert_eq!(hops(&world).1, 2, "a refused change waits, too");
}

#[test]
fn a_kill_switch_names_the_replicas_that_it_has_waited_for_before_it_ended_anything() {
    let world = with_replicas();
    let admin = Admin(&world);
    let named = cut_two_off(&world);
    let until = world.now() + Duration::from_hours(1);
    let switch = json!({ "id": "stop", "reason": "A campaign", "until": until.to_string(), "target": { "client": "demo-tv" } });
    let set = |query: &str| admin.ask("POST", &format!("/kill-switches{query}"), None, Some(&switch));

    assert_eq!(expired(&set("?dry_run=true")), None, "nothing has changed");
    let first = set("");
    assert_eq!((first.status, expired(&first)), (201, Some(named)), "{}", first.body);
    let again = set("");
    assert_eq!((again.status, expired(&again)), (200, None), "their leases have ended");
    let end = admin.ask("POST", "/kill-switches/stop/end", None, None);
    assert_eq!((end.status, expired(&end)), (200, Some(named)), "{}", end.body);
}

#[test]
fn the_console_names_the_replicas_too() {
    let world = with_replicas();
    let path = "/admin/clients/demo-tv";
    let nora = Person::of(&world);
    nora.open(path);
    nora.submit_to(path, &[("step", "sign_in"), ("username", "nora"), ("password", "keeper-8787")]);
    let change = |step| {
        nora.submit_to(path, &[("step", step)]);
        nora.page.borrow().body.clone()
    };
    let notice = "These replicas of the registry have not confirmed the change";

    assert!(!change("disable").contains(notice));
    let named = cut_two_off(&world);
    let page = change("enable");
    assert!(page.contains(&format!("{notice}: {named}. Their leases have ended")), "{page}");
    let page = nora.open(path).body;
    assert!(!page.contains(notice), "{page}");
}
