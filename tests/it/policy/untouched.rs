//! What policy never decides: the pages of a person, and the server's management. Invitations are in `passkeys`.

use serde_json::json;

use super::{ALICE, Login, policy, rule};
use crate::support::admin::Admin;
use crate::support::person::{Person, hidden};
use crate::support::{World, post};

/// Returns a server whose policy denies everything to everybody.
fn closed() -> World {
    let world = World::new();
    assert_eq!(Login::of(&world).play(), "done");
    world.set_policy(&policy(&json!([rule("all", "deny", &json!({}))])));
    assert_eq!(Login::of(&world).play(), "start");
    world
}

fn sign_in_at<'a>(world: &'a World, path: &str) -> Person<'a> {
    let person = Person::of(world);
    let page = person.open(path);
    let csrf = hidden(&page.body, "csrf").expect("a form");
    let form = [("csrf", csrf.as_str()), ("step", "sign_in"), ("username", ALICE.0), ("password", ALICE.1)];
    let page = person.send(post(path, &form));
    assert_eq!(page.status, 200, "{}", page.body);
    person
}

#[test]
fn a_person_sees_and_ends_their_devices_whatever_the_policy_says() {
    let world = closed();
    let person = sign_in_at(&world, "/account");

    let page = person.open("/account");
    assert!(page.body.contains("Demo TV"), "{}", page.body);
    sign_in_at(&world, "/account/passkeys");
}

#[test]
fn an_operator_manages_the_server_and_takes_the_policy_back() {
    let world = closed();
    assert_eq!(Admin(&world).get("/clients").status, 200);
    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "client_name": "TV" })).status, 200);
    world.allow_all();

    assert_eq!(Login::of(&world).play(), "done");
}
