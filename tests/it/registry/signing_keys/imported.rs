//! Keys that an operator imports.

use serde_json::json;

use super::{DAY, ask, issue, kid_of, next, published, retire, states, views};
use crate::support::{World, json as body, own_key};

#[test]
fn an_imported_key_is_published_and_then_signs_and_no_schedule_replaces_it() {
    let world = World::new();
    let first = kid_of(&issue(&world));

    let imported = ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9) })));

    assert_eq!(imported.status, 201, "{}", imported.body);
    assert_eq!(
        (body(&imported)["imported"].clone(), body(&imported)["state"].clone()),
        (json!(true), json!("announced"))
    );
    assert!(!imported.body.contains("\"d\"") && !imported.body.contains("wrapped"));
    let kid = body(&imported)["kid"].as_str().unwrap().to_owned();
    assert!(published(&world).contains(&kid));
    world.wait(599);
    assert_eq!(kid_of(&issue(&world)), first, "verifiers have ten minutes to fetch the key");
    world.wait(1);
    assert_eq!(kid_of(&issue(&world)), kid);
    world.wait(1_000 * DAY);
    let signing = views(&world).into_iter().find(|key| key["alg"] == "ES256" && key["state"] == "active");
    assert_eq!(signing.unwrap()["kid"], kid.as_str());
}

#[test]
fn an_imported_key_signs_before_announced_keys_and_one_of_them_stands_by() {
    let world = World::new();
    issue(&world);
    let standby = next(&world);
    world.wait(89 * DAY);
    assert_eq!(states(&world), ["active", "announced", "announced"]);

    ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9), "at_once": true })));

    assert_eq!(states(&world), ["verifying", "active", "announced"]);
    assert_eq!(next(&world), standby, "verifiers have had that key longest");
    world.wait(1_000 * DAY);
    assert_eq!((states(&world), next(&world)), (vec!["active".to_owned(), "announced".to_owned()], standby));
}

#[test]
fn while_an_imported_key_waits_a_retirement_promotes_the_key_that_verifiers_have() {
    let world = World::new();
    let first = kid_of(&issue(&world));
    let standby = next(&world);
    world.wait(DAY);
    let imported = body(&ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9) }))));
    assert_eq!(imported["kid"], next(&world));
    world.wait(60);

    retire(&world, &first);

    assert_eq!(kid_of(&issue(&world)), standby);
    world.wait(540);
    assert_eq!(
        kid_of(&issue(&world)),
        imported["kid"].as_str().unwrap(),
        "the imported key takes over after ten minutes"
    );
    assert_eq!(states(&world), ["retired", "verifying", "active", "announced"]);
}

#[test]
fn a_key_can_be_imported_only_once_even_after_it_was_retired() {
    let world = World::new();
    let import = || ask(&world, "POST", "", Some(&json!({ "jwk": own_key(9), "at_once": true })));
    let kid = body(&import())["kid"].as_str().unwrap().to_owned();

    let again = import();
    assert_eq!((again.status, again.body.contains("already exists")), (409, true));
    ask(&world, "POST", &format!("/{kid}/retire"), None);
    let again = import();
    assert_eq!((again.status, again.body.contains("retired")), (409, true));
}
