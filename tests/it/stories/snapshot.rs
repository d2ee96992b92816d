//! The snapshot of the registry in an isolate: who loads it, and what others get meanwhile.

use std::pin::Pin;
use std::task::Poll;

use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::{SNAPSHOT_AGE, SNAPSHOT_LEASE, SNAPSHOT_STALE_AGE};

use crate::support::admin::list_origin;
use crate::support::{World, now_or_never, outcome, poll, post};

type Answer<'a> = Pin<Box<dyn Future<Output = Response> + 'a>>;

fn start(client_id: &str) -> Request {
    post("/device_authorization", &[("client_id", client_id)])
}

fn discovery() -> Request {
    Request { path: "/.well-known/openid-configuration".to_owned(), ..crate::support::get() }
}

/// Returns a world whose isolate has a snapshot that has reached its age. Loads of the next one wait.
fn at_the_end_of_its_age() -> World {
    let world = World::new();
    world.send(&start("demo-tv"));
    world.wait(SNAPSHOT_AGE.as_secs());
    world.server.platform.loads_wait.set(true);
    world.server.platform.loads.take();
    world
}

/// Returns how often the whole snapshot was loaded: from KV and from the registry.
fn loads(world: &World) -> (u32, u32) {
    world.server.platform.loads.take()
}

fn is_waiting(answer: &mut Answer<'_>) -> bool {
    poll(answer.as_mut()).is_pending()
}

fn status(answer: &mut Answer<'_>) -> Option<u16> {
    if let Poll::Ready(response) = poll(answer.as_mut()) { Some(response.status) } else { None }
}

#[test]
fn of_many_requests_at_the_end_of_its_age_one_loads_the_snapshot_and_the_others_get_the_old_one() {
    let world = at_the_end_of_its_age();

    let mut answers: Vec<Answer<'_>> = (0..10).map(|_| world.begin(start("demo-tv"))).collect();

    let mut others = answers.split_off(1);
    assert!(is_waiting(&mut answers[0]), "the first loads");
    assert!(others.iter_mut().all(|answer| status(answer) == Some(200)), "the others do not wait");
    world.server.platform.loads_wait.set(false);
    assert_eq!(status(&mut answers[0]), Some(200));
    assert_eq!(loads(&world), (1, 1), "KV has no copy, so the one load asks the registry too");
    assert_eq!(world.send(&start("demo-tv")).status, 200);
    assert_eq!(loads(&world), (0, 0), "the new snapshot is kept");
}

#[test]
fn a_request_that_dies_while_it_loads_locks_nobody_out_for_longer_than_its_lease() {
    let world = at_the_end_of_its_age();
    // As in the runtime, which neither runs nor drops what a dead request left behind.
    std::mem::forget(world.begin(start("demo-tv")));
    loads(&world);

    world.wait_millis(u64::try_from(SNAPSHOT_LEASE.as_millis()).unwrap() - 1);
    assert_eq!(now_or_never(world.begin(start("demo-tv"))).status, 200);
    assert_eq!(loads(&world), (0, 0));

    world.wait_millis(1);
    world.server.platform.loads_wait.set(false);
    assert_eq!(world.send(&start("demo-tv")).status, 200);
    assert_eq!(loads(&world), (1, 1));
}

#[test]
fn a_load_that_outlives_its_lease_is_still_kept() {
    let world = at_the_end_of_its_age();
    let mut slow = world.begin(start("demo-tv"));
    assert!(is_waiting(&mut slow));
    world.wait(SNAPSHOT_LEASE.as_secs());
    let mut second = world.begin(start("demo-tv"));
    assert!(is_waiting(&mut second), "the lease has ended");

    world.server.platform.loads_wait.set(false);
    assert_eq!(status(&mut slow), Some(200));
    loads(&world);

    assert_eq!(now_or_never(world.begin(start("demo-tv"))).status, 200);
    assert_eq!(loads(&world), (0, 0));
}

#[test]
fn an_isolate_without_a_snapshot_loads_one_and_reads_single_clients_meanwhile() {
    let world = World::new();
    world.server.platform.loads_wait.set(true);

    let mut first = world.begin(start("demo-tv"));
    let mut others: Vec<Answer<'_>> = (0..9).map(|_| world.begin(start("demo-tv"))).collect();
    others.push(world.begin(discovery()));

    assert!(is_waiting(&mut first));
    assert!(others.iter_mut().all(|answer| status(answer) == Some(200)));
    assert_eq!(outcome(&now_or_never(world.begin(start("stranger")))), "invalid_client");
    world.server.platform.loads_wait.set(false);
    assert_eq!(status(&mut first), Some(200));
    assert_eq!(loads(&world), (1, 1));
}

#[test]
fn a_page_whose_origin_is_listed_starts_while_the_first_snapshot_loads() {
    let world = World::new();
    list_origin(&world, "demo-tv", "https://app.example");
    let world = world.restarted(&[]);
    world.server.platform.loads_wait.set(true);
    let mut first = world.begin(discovery());
    assert!(is_waiting(&mut first));
    let from = |origin: &str| {
        now_or_never(world.begin(Request { origin: Some(origin.to_owned()), ..start("demo-tv") }))
    };

    let listed = from("https://app.example");
    assert_eq!(listed.status, 200, "{}", listed.body);
    assert_eq!(listed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(outcome(&from("https://evil.example")), "invalid_request");
}

#[test]
fn a_change_made_while_the_snapshot_loads_is_not_lost() {
    let world = at_the_end_of_its_age();
    let mut slow = world.begin(discovery());
    assert!(is_waiting(&mut slow));

    world.server.platform.loads_wait.set(false);
    world.publish();
    let admin = crate::support::admin::Admin(&world);
    let created = admin.create(&serde_json::json!({"client_name": "New"}));
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(status(&mut slow), Some(200));
    loads(&world);

    world.server.platform.published.replace(None);
    assert_eq!(world.send(&start("demo-tv")).status, 200);
    assert_eq!(loads(&world), (1, 1), "what was loaded before the change was not kept");
}

#[test]
fn an_outage_of_kv_and_registry_is_bridged_for_half_a_minute() {
    let world = World::new();
    world.send(&start("demo-tv"));
    world.set_down("registry", true);

    world.wait(SNAPSHOT_STALE_AGE.as_secs() - 1);
    assert_eq!(world.send(&start("demo-tv")).status, 200);
    world.wait(1);
    assert_eq!(world.send(&start("demo-tv")).status, 503);

    world.set_down("registry", false);
    assert_eq!(world.send(&start("demo-tv")).status, 200, "at once after the outage");
}

#[test]
fn an_older_publication_that_arrives_after_a_newer_one_changes_nothing() {
    let world = World::new();
    world.send(&start("demo-tv"));
    world.publish();
    let older = world.server.platform.published.borrow().clone();
    world.wait(20);
    world.change_client("demo-tv", |client| client.enabled = false);
    world.publish();
    world.wait(SNAPSHOT_AGE.as_secs());
    let started = || outcome(&world.send(&start("demo-tv")));
    let refused = started();
    assert_ne!(refused, "issued");

    world.server.platform.published.replace(older);
    world.wait(SNAPSHOT_AGE.as_secs());

    assert_eq!(started(), refused);
}

#[test]
fn unknown_clients_cost_the_registry_one_question_each_and_a_limited_number_in_all() {
    let world = World::new();
    world.send(&start("demo-tv"));
    let asked = || world.server.platform.registry_hops.take();
    asked();

    (0..5).for_each(|_| assert_eq!(outcome(&world.send(&start("nobody"))), "invalid_client"));
    assert_eq!(asked(), 1);

    (0..500).for_each(|number| drop(world.send(&start(&format!("nobody-{number}")))));
    assert_eq!(asked(), 99);
    assert_eq!(world.send(&start("demo-tv")).status, 200, "known clients are not affected");

    world.wait(10);
    assert_eq!(outcome(&world.send(&start("nobody"))), "invalid_client");
    assert!(asked() >= 1, "an unknown client is asked for again after 10 s");
}

#[test]
fn a_client_made_in_another_isolate_works_although_it_was_unknown_a_moment_ago() {
    let world = World::new();
    assert_eq!(outcome(&world.send(&start("demo-tv-0"))), "invalid_client");
    world.multiply_client("demo-tv", 1);

    world.wait(10);

    assert_eq!(world.send(&start("demo-tv-0")).status, 200);
}
