//! Scopes through the admin API.

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
    assert_eq!(admin.ask("DELETE", "/scopes/profile", None, None).status, 409);
}
