//! Every change of the registry is an event; and what operators can learn about the outboxes.

use device_grant::audit::ledger::OutboxReport;
use device_grant::endpoint::http::Request;
use device_grant::secret::{Digest, encode};
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use device_grant::time::Timestamp;
use serde_json::{Value, json};

use crate::support::admin::{Admin, device, provider};
use crate::support::{DEVICE_CODE, World, get, json as body, own_key};

/// SHA-256 of the token `test`, in hex.
const TEST_SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Returns what each change so far was, of which subject, and which members changed.
fn changes(world: &World) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let members = |value: &Value| value.as_array().into_iter().flatten().map(text).collect();
    world
        .changes()
        .iter()
        .map(|change| (text(&change["what"]), text(&change["subject"]), members(&change["members"])))
        .collect()
}

#[test]
fn every_change_through_the_admin_api_is_an_event_with_who_and_what_and_without_secrets() {
    let world = World::new();
    let admin = Admin(&world);
    let ok = |method: &str, path: &str, body: Value| {
        let answer = admin.ask(method, path, Some("*"), Some(&body));
        assert!(answer.status < 300, "{method} {path}: {}", answer.body);
        answer
    };
    ok("PUT", "/scopes/fly", json!({ "description": "Fly" }));
    ok("PUT", "/scopes/fly/claims", json!({ "claims": [] }));
    let members = json!({ "token_endpoint_auth_method": "client_secret_basic", "scope": "openid fly" });
    let created = admin.create(&device("tv", &members));
    ok("PATCH", "/clients/tv", json!({ "client_name": "Another", "scope": "openid" }));
    let rotated = ok("POST", "/clients/tv/secret", json!({}));
    ok("DELETE", "/clients/tv", json!({}));
    ok("DELETE", "/scopes/fly", json!({}));
    ok("POST", "/keys/rotate", json!({ "alg": "ES256", "at_once": true }));
    let kid = body(&admin.get("/keys"))["keys"][0]["kid"].as_str().unwrap().to_owned();
    ok("POST", &format!("/keys/{kid}/retire"), json!({}));
    ok("POST", "/providers", provider("okta", &json!({})));
    ok("PATCH", "/providers/okta", json!({ "enabled": false, "client_secret": "another" }));
    ok("PATCH", "/providers/okta", json!({ "client_secret": "another" }));
    ok("DELETE", "/providers/okta", json!({}));
    let imported = body(&ok("POST", "/keys", json!({ "jwk": own_key(9), "alg": "ES256" })));

    let changed: Vec<String> = ["client_name", "scope"].map(str::to_owned).to_vec();
    let none = Vec::new;
    let expected = [
        ("scope_described", "fly", none()),
        ("scope_mapped", "fly", none()),
        ("client_created", "tv", none()),
        ("client_changed", "tv", changed),
        ("client_secret_rotated", "tv", none()),
        ("client_deleted", "tv", none()),
        ("scope_removed", "fly", none()),
        ("keys_rotated", "ES256", none()),
        ("key_retired", kid.as_str(), none()),
        ("provider_created", "okta", none()),
        ("provider_changed", "okta", ["client_secret", "enabled"].map(str::to_owned).to_vec()),
        ("provider_changed", "okta", none()),
        ("provider_deleted", "okta", none()),
        ("key_imported", imported["kid"].as_str().unwrap(), none()),
    ];
    assert_eq!(
        changes(&world),
        expected.map(|(what, subject, members)| (what.into(), subject.into(), members))
    );
    let all = serde_json::to_string(&world.changes()).unwrap();
    for answer in [&created, &rotated] {
        let secret = body(answer)["client_secret"].as_str().unwrap().to_owned();
        assert!(!all.contains(&secret) && !all.contains(&encode(Digest::of(secret.as_bytes()).bytes())));
    }
    assert!(!all.contains(DEVELOPMENT_ADMIN_TOKEN) && !all.contains("s3cret") && !all.contains("another"));
    assert!(!all.contains(own_key(9)["d"].as_str().unwrap()));
    for change in world.changes() {
        assert_eq!(change["by"]["operator"].as_str().map(str::len), Some(8), "{change}");
        assert_eq!(change["at"], world.now().millis());
    }
}

#[test]
fn a_client_that_registers_itself_is_an_event_without_its_secret() {
    let settings = [("OPEN_REGISTRATION", "true"), ("INITIAL_ACCESS_TOKEN_SHA256", TEST_SHA256)];
    let world = World::with(&settings);
    let register = |authorization: Option<&str>| {
        let metadata = json!({ "client_name": "TV", "grant_types": [DEVICE_CODE] });
        let answer = world.send(&Request {
            method: "POST".to_owned(),
            path: "/register".to_owned(),
            authorization: authorization.map(str::to_owned),
            content_type: Some("application/json".to_owned()),
            body: Some(metadata.to_string().into_bytes()),
            ..get()
        });
        (answer.status, body(&answer))
    };

    let (_, open) = register(None);
    let (_, trusted) = register(Some("Bearer test"));
    assert_eq!(register(Some("Bearer wrong")).0, 401);

    let created = |client: &Value| {
        let (format, at, by) = (1, world.now().millis(), "registration");
        json!({ "format": format, "what": "client_created", "at": at, "subject": client["client_id"], "by": by })
    };
    assert_eq!(world.changes(), [created(&open), created(&trusted)]);
    assert!(trusted["client_secret"].is_string());
}

#[test]
fn a_trial_and_a_refused_change_are_no_events() {
    let world = World::new();
    let admin = Admin(&world);

    assert_eq!(admin.ask("POST", "/clients?dry_run=true", None, Some(&device("tv", &json!({})))).status, 200);
    assert_eq!(admin.ask("DELETE", "/clients/nobody", Some("*"), None).status, 404);
    assert_eq!(admin.ask("DELETE", "/clients/demo-tv", Some("\"0.9\""), None).status, 412);
    assert_eq!(admin.ask("DELETE", "/scopes/openid", None, None).status, 409);
    assert_eq!(admin.create(&device("tv", &json!({ "scope": "openid nothing" }))).status, 422);

    assert_eq!(world.changes(), Vec::<Value>::new());
}

#[test]
fn an_operator_learns_how_long_events_have_waited_and_how_many_were_set_aside() {
    let world = World::new();
    let report = |object: &str, waiting, oldest: Option<Timestamp>, set_aside| OutboxReport {
        object: object.to_owned(),
        at: world.now(),
        waiting,
        oldest,
        set_aside,
    };
    for report in [report("registry", 0, None, 0), report("weur/3", 7, Some(world.now()), 2)] {
        world.report(report);
    }
    let reported_at = world.now().seconds();
    world.wait(90);

    let listed = Admin(&world).get("/outboxes");

    assert_eq!(
        body(&listed),
        json!({
            "waiting": 7,
            "set_aside": 2,
            "oldest_age": 90,
            "outboxes": [
                { "object": "registry", "waiting": 0, "set_aside": 0, "reported_at": reported_at },
                { "object": "weur/3", "waiting": 7, "set_aside": 2, "oldest_age": 90, "reported_at": reported_at },
            ],
        })
    );
    world.set_down("ledger", true);
    assert_eq!(Admin(&world).get("/outboxes").status, 503);
}
