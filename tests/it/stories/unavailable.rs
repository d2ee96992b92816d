//! What devices and people see while an object cannot be reached.

use device_grant::endpoint::http::Response;
use device_grant::grant::Grant;
use device_grant::scope::Scope;

use super::{ALICE, enter};
use crate::support::World;
use crate::support::person::Person;

#[test]
fn an_unreachable_object_is_a_503_and_changes_nothing() {
    for object in ["grants", "limits", "registry", "accounts", "signing"] {
        let world = World::new();
        let pending = world.start();
        let approved = world.approved();
        world.wait(70);
        let before = stored(&world);
        world.set_down(object, true);

        let answer =
            |response: &Response| (response.status, response.header("retry-after").map(str::to_owned));
        let unavailable = || (503, Some("5".to_owned()));
        // Neither starts nor bearer tokens need the limiter.
        let polled = answer(&world.poll(&approved.device_code));
        assert_eq!(polled, if object == "limits" { (200, None) } else { unavailable() }, "{object}");
        assert_eq!(stored(&world) == before, object != "limits", "{object}");
        let before = stored(&world);
        let started = answer(&world.post("/device_authorization", &[("client_id", "demo-tv")]));
        let starts =
            if ["accounts", "signing", "limits"].contains(&object) { (200, None) } else { unavailable() };
        assert_eq!(started, starts, "{object}");
        assert_eq!(stored(&world) == before, starts == unavailable(), "{object}");

        world.set_down(object, false);
        let spent = object == "limits";
        let outcome = if spent { "invalid_grant" } else { "issued" };
        assert_eq!(world.poll_outcome(&approved.device_code), outcome, "{object}");
        enter(&world, ALICE, &pending.user_code).decide("approve");
        assert_eq!(world.poll_outcome(&pending.device_code), "issued", "{object}");
    }
}

/// Returns the stored grants, and how many codes count as live.
fn stored(world: &World) -> (Vec<Grant>, u64) {
    (world.grants(), world.server.platform.live_codes().iter().sum())
}

#[test]
fn a_page_says_that_an_object_is_unreachable_and_its_form_works_later() {
    for object in ["grants", "limits", "accounts"] {
        let world = World::new();
        let started = world.start();
        let person = Person::of(&world);
        person.enter(&started.user_code);
        let form = person.window();
        world.set_down(object, true);

        let page = person.sign_in(ALICE.0, ALICE.1);
        assert_eq!((page.status, page.header("retry-after")), (503, Some("5")), "{object}");

        world.set_down(object, false);
        assert_eq!(form.sign_in(ALICE.0, ALICE.1).status, 200, "{object}");
        assert_eq!(form.decide("approve").status, 200, "{object}");
        assert_eq!(world.poll_outcome(&started.device_code), "issued", "{object}");
    }
}

#[test]
fn a_decision_stands_even_if_the_name_of_the_client_cannot_be_read() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    world.wait(20);
    world.set_down("registry", true);

    assert_eq!(person.decide("deny").status, 200, "the page must not say that nothing has changed");

    world.set_down("registry", false);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
}

#[test]
fn while_a_client_has_a_scope_without_a_description_requests_get_a_503() {
    let world = World::new();
    world.change_client("demo-tv", |client| client.scope = Scope::parse("openid fly").expect("a scope"));
    world.wait(device_grant::endpoint::SNAPSHOT_STALE_AGE.as_secs());

    assert_eq!(world.post("/device_authorization", &[("client_id", "demo-tv")]).status, 503);
}
