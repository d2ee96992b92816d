//! Lists, dry runs and malformed bodies of the admin API.

use serde_json::{Value, json};

use super::errors;
use crate::support::admin::{Admin, device};
use crate::support::{World, json};

#[test]
fn clients_are_listed_page_by_page() {
    let world = World::new();
    let admin = Admin(&world);
    (0..5).for_each(|n| drop(admin.created(&device(&format!("tv-{n}"), &json!({})))));
    let ids = |page: &Value| -> Vec<String> {
        page["clients"]
            .as_array()
            .unwrap()
            .iter()
            .map(|client| client["client_id"].as_str().unwrap().to_owned())
            .collect()
    };

    let first = json(&admin.get("/clients?limit=3"));
    let second =
        json(&admin.get(&format!("/clients?limit=3&cursor={}", first["next_cursor"].as_str().unwrap())));
    let third =
        json(&admin.get(&format!("/clients?limit=3&cursor={}", second["next_cursor"].as_str().unwrap())));

    assert_eq!(ids(&first), ["demo-printer", "demo-tv", "tv-0"]);
    assert_eq!(ids(&second), ["tv-1", "tv-2", "tv-3"]);
    assert_eq!((ids(&third), third.get("next_cursor")), (vec!["tv-4".to_owned()], None));
    assert_eq!(
        json(&admin.get("/clients?limit=7")).get("next_cursor"),
        None,
        "a full last page has no next one"
    );
    for (query, pointer) in
        [("limit=0", "/limit"), ("limit=201", "/limit"), ("cursor=!", "/cursor"), ("page=2", "/page")]
    {
        let response = admin.get(&format!("/clients?{query}"));
        assert_eq!((response.status, errors(&response)[0].0.as_str()), (422, pointer));
    }
}

#[test]
fn a_dry_run_shows_the_result_and_changes_nothing() {
    let world = World::new();
    let admin = Admin(&world);
    let tv = device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post", "scope": "fly" }));

    let refused = admin.ask("POST", "/clients?dry_run=true", None, Some(&tv));
    assert_eq!(
        errors(&refused)[0].1,
        "scope has \"fly\", which has no description: describe that scope first"
    );
    let tried = admin.ask("POST", "/clients?dry_run=true&assuming_scope=fly", None, Some(&tv));

    assert_eq!((tried.status, json(&tried).get("client_secret")), (200, None));
    assert_eq!(json(&tried)["access_token_format"], "jwt");
    assert_eq!(admin.get("/clients/tv").status, 404);
    let replaced =
        admin.ask("PUT", "/clients/demo-tv?dry_run=true", Some("*"), Some(&device("demo-tv", &json!({}))));
    assert_eq!(
        (json(&replaced)["client_name"].as_str(), json(&replaced)["version"].as_u64()),
        (Some("A device"), Some(2))
    );
    assert_eq!(json(&admin.get("/clients/demo-tv"))["client_name"], "Demo TV");
    assert_eq!(
        admin.ask("PUT", "/scopes/fly?dry_run=true", None, Some(&json!({ "description": "Fly" }))).status,
        200
    );
    assert_eq!(admin.get("/scopes/fly").status, 404);
}

#[test]
fn bodies_that_are_not_json_objects_are_refused_with_the_reason() {
    let world = World::new();
    let send = |body: &str, content_type: &str| {
        let request = device_grant::endpoint::http::Request {
            method: "POST".to_owned(),
            path: "/admin/api/clients".to_owned(),
            authorization: Some("Bearer development-admin-token".to_owned()),
            content_type: Some(content_type.to_owned()),
            body: (body != "huge").then(|| body.as_bytes().to_vec()),
            ..crate::support::get()
        };
        let response = world.send(&request);
        (response.status, json(&response)["detail"].as_str().unwrap().to_owned())
    };

    assert_eq!(send("{", "application/json").1, "The body is not valid JSON: see line 1, column 1.");
    assert_eq!(send("[]", "application/json").1, "The body must be a JSON object.");
    assert_eq!(send("{}", "text/plain").0, 415);
    assert_eq!(send("huge", "application/json").0, 413);
    assert_eq!(send("{}", "application/merge-patch+json; charset=utf-8").0, 422);
}
