//! Scopes through the admin API.

use device_grant::registry::command::MOST_SCOPES;
use device_grant::scope::DESCRIPTIONS;
use serde_json::{Value, json};

use super::errors;
use crate::support::admin::{Admin, device};
use crate::support::{World, json};

#[test]
fn a_scope_needs_a_description_and_stays_while_a_client_is_registered_for_it() {
    let world = World::new();
    let admin = Admin(&world);
    let describe = |name: &str, body: &Value| admin.ask("PUT", &format!("/scopes/{name}"), None, Some(body));
    let remove = |name: &str| admin.ask("DELETE", &format!("/scopes/{name}"), None, None);

    for body in [
        json!({}),
        json!({ "description": "" }),
        json!({ "description": "a\nb" }),
        json!({ "description": 1 }),
    ] {
        assert_eq!(errors(&describe("fly", &body))[0].0, "/description");
    }
    assert_eq!(errors(&describe("a%22b", &json!({ "description": "x" })))[0].0, "/name");
    assert_eq!(describe("fly", &json!({ "description": "Fly the drone" })).status, 201);
    assert_eq!(describe("fly", &json!({ "description": "Fly your drone" })).status, 200);
    admin.created(&device("drone", &json!({ "scope": "fly" })));

    let in_use = remove("fly");
    assert_eq!(
        (in_use.status, json(&in_use)["detail"].as_str()),
        (409, Some("The client \"drone\" is registered for this scope."))
    );
    let metadata = json(&world.get("/.well-known/oauth-authorization-server"));
    assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!("fly")));
    admin.patch("drone", &json!({ "scope": "openid" }));
    assert_eq!((remove("fly").status, remove("fly").status), (204, 404));
}

#[test]
fn a_standard_scope_can_be_described_but_not_removed() {
    let world = World::new();
    let admin = Admin(&world);

    let described = admin.ask("PUT", "/scopes/profile", None, Some(&json!({ "description": "Your name" })));
    assert_eq!(json(&described), json!({ "name": "profile", "description": "Your name", "standard": true }));
    let expected = "This is a standard scope: you can change its description, but not remove it.";
    let refused = admin.ask("DELETE", "/scopes/profile", None, None);
    assert_eq!((refused.status, json(&refused)["detail"].as_str()), (409, Some(expected)));
}

#[test]
fn there_is_room_for_five_hundred_scopes_besides_the_standard_ones() {
    let world = World::new();
    let describe = |name: &str| {
        let body = json!({ "description": "Fly the drone" });
        Admin(&world).ask("PUT", &format!("/scopes/{name}"), None, Some(&body)).status
    };
    let own = |number: usize| format!("fly-{number}");
    let known = json(&Admin(&world).get("/scopes"))["scopes"].as_array().expect("a list").len();

    for number in known - DESCRIPTIONS.len()..MOST_SCOPES {
        assert_eq!(describe(&own(number)), 201, "{number}");
    }

    assert_eq!(describe(&own(MOST_SCOPES)), 409);
    assert_eq!(describe(&own(MOST_SCOPES - 1)), 200, "it exists");
}

#[test]
fn a_mapping_that_is_too_much_for_one_client_is_refused_whatever_the_others_have() {
    let world = World::new();
    let admin = Admin(&world);
    let claims = |count: usize| json!(vec![json!({ "claim": "x", "value": "v".repeat(900) }); count]);
    let describe = json!({ "description": "Fly the drone" });
    assert_eq!(admin.ask("PUT", "/scopes/fly", None, Some(&describe)).status, 201);
    for (client, count) in [("a", 0), ("m", 3), ("z", 0)] {
        admin.created(&device(client, &json!({ "scope": "fly", "claims": claims(count) })));
    }

    let refused = admin.ask("PUT", "/scopes/fly/claims", None, Some(&json!({ "claims": claims(2) })));

    assert!(refused.status == 422 && refused.body.contains("client \\\"m\\\""), "{}", refused.body);
}
