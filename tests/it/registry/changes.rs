//! Every change through the admin API is an event; and what operators can learn about the outboxes.

use device_grant::audit::ledger::OutboxReport;
use device_grant::courier::delivery::Delivery;
use device_grant::courier::rows::Rows as _;
use device_grant::endpoint::http::Request;
use device_grant::registry::governance::access_requests::AskForAccess;
use device_grant::secret::{Digest, encode};
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use device_grant::time::Timestamp;
use serde_json::{Value, json};

use crate::support::admin::{Admin, device, provider};
use crate::support::person::Person;
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

/// Every operation of the admin API that is no GET, with a body, and the events that it leaves. Each can succeed after
/// those before it.
fn writes() -> Vec<(&'static str, &'static str, Value, Vec<&'static str>)> {
    let tv = |name: &str| {
        device("tv", &json!({ "client_name": name, "token_endpoint_auth_method": "client_secret_basic" }))
    };
    let nothing = || json!({});
    vec![
        ("PUT", "/scopes/{name}", json!({ "description": "Fly" }), vec!["scope_described"]),
        ("PUT", "/scopes/{name}/claims", json!({ "claims": [] }), vec!["scope_mapped"]),
        ("POST", "/clients", tv("TV"), vec!["client_created"]),
        ("PUT", "/clients/{client_id}", tv("Another"), vec!["client_changed"]),
        ("PATCH", "/clients/{client_id}", json!({ "client_name": "TV" }), vec!["client_changed"]),
        ("POST", "/clients/{client_id}/secret", nothing(), vec!["client_secret_rotated"]),
        ("DELETE", "/clients/{client_id}", nothing(), vec!["client_deleted"]),
        ("DELETE", "/scopes/{name}", nothing(), vec!["scope_removed"]),
        ("PUT", "/documents/{entry}", json!({ "scope": "openid" }), vec!["document_allowed"]),
        ("DELETE", "/documents/{entry}", nothing(), vec!["document_removed"]),
        ("PUT", "/inventory/{identifier}", json!({ "accounts": ["local:alice"] }), vec!["inventory_changed"]),
        ("DELETE", "/inventory/{identifier}", nothing(), vec!["inventory_removed"]),
        ("POST", "/keys", json!({ "jwk": own_key(9), "alg": "ES256" }), vec!["key_imported"]),
        ("POST", "/keys/rotate", json!({ "alg": "ES256", "at_once": true }), vec!["keys_rotated"]),
        ("POST", "/keys/{kid}/retire", nothing(), vec!["key_retired"]),
        ("POST", "/providers", provider("okta", &nothing()), vec!["provider_created"]),
        ("PUT", "/providers/{id}", provider("okta", &json!({ "name": "Okta" })), vec!["provider_changed"]),
        ("PATCH", "/providers/{id}", json!({ "enabled": false }), vec!["provider_changed"]),
        ("DELETE", "/providers/{id}", nothing(), vec!["provider_deleted"]),
        (
            "POST",
            "/tokens",
            json!({ "id": "ci", "owner": "Team", "scopes": ["read"] }),
            vec!["admin_token_created"],
        ),
        ("DELETE", "/tokens/{id}", nothing(), vec!["admin_token_revoked"]),
        ("POST", "/invitations", nothing(), vec!["invitation_created"]),
        ("DELETE", "/invitations/{id}", nothing(), vec!["invitation_revoked"]),
        ("POST", "/accounts", json!({ "username": "carol" }), vec!["account_created"]),
        ("PUT", "/accounts/{account}/groups", json!({ "groups": [] }), vec!["account_changed"]),
        ("POST", "/accounts/{account}/devices/end", nothing(), vec!["access_ended"]),
        ("POST", "/accounts/{account}/sessions/end", nothing(), vec!["account_signed_out"]),
        ("POST", "/accounts/{account}/block", nothing(), vec!["account_blocked"]),
        ("POST", "/accounts/{account}/unblock", nothing(), vec!["account_unblocked"]),
        ("DELETE", "/accounts/{account}", nothing(), vec!["account_deleted"]),
        ("POST", "/devices/end", json!({ "account": "local:bob" }), vec!["access_ended"]),
        ("POST", "/sessions/end", json!({ "account": "local:bob" }), vec!["account_signed_out"]),
        ("DELETE", "/grants/{id}", nothing(), vec!["ended"]),
        ("PUT", "/policy", policy("The first"), vec!["policy_changed"]),
        ("PUT", "/policy", policy("The second"), vec!["policy_changed"]),
        ("POST", "/policy/rollback", json!({ "version": 1, "reason": "A mistake" }), vec!["policy_changed"]),
        ("POST", "/exceptions", exception("2026-12-01T00:00:00Z"), vec!["exception_created"]),
        ("PUT", "/exceptions/{id}", exception("2026-11-30T00:00:00Z"), vec!["exception_changed"]),
        (
            "POST",
            "/exceptions/{id}/renew",
            json!({ "reason": "It takes longer.", "expires_at": "2026-12-02T00:00:00Z" }),
            vec!["exception_renewed"],
        ),
        ("POST", "/exceptions/{id}/end", nothing(), vec!["exception_ended"]),
        (
            "POST",
            "/kill-switches",
            json!({
                "id": "stop", "target": { "client": "x" }, "reason": "A test", "until": "2026-12-01T00:00:00Z",
            }),
            vec!["kill_switch_set"],
        ),
        ("POST", "/kill-switches/{id}/end", nothing(), vec!["kill_switch_ended"]),
        (
            "POST",
            "/access-requests/{id}/grant",
            json!({ "owner": "Alice", "expires_at": "2026-12-01T00:00:00Z" }),
            vec!["exception_created", "access_granted"],
        ),
        ("POST", "/access-requests/{id}/refuse", nothing(), vec!["access_refused"]),
        ("POST", "/alerts/{id}/close", nothing(), vec!["alert_closed"]),
        ("POST", "/destinations", destination("https://siem.example/events"), vec!["destination_created"]),
        ("PUT", "/destinations/{id}", destination("https://siem.example/other"), vec!["destination_changed"]),
        ("POST", "/destinations/{id}/secret", nothing(), vec!["destination_secret_rotated"]),
        ("POST", "/destinations/{id}/test", nothing(), vec![]),
        ("POST", "/destinations/{id}/deliveries/resend", nothing(), vec![]),
        ("POST", "/destinations/{id}/deliveries/{delivery}/resend", nothing(), vec!["deliveries_resent"]),
        ("DELETE", "/destinations/{id}/deliveries/{delivery}", nothing(), vec!["delivery_discarded"]),
        ("DELETE", "/destinations/{id}", nothing(), vec!["destination_deleted"]),
        ("POST", "/policy/what-if", json!({ "request": {} }), vec![]),
        ("POST", "/dry-run", json!({ "client_id": "demo-tv", "account": "bob" }), vec![]),
    ]
}

/// Returns a destination of all events.
fn destination(url: &str) -> Value {
    json!({ "id": "siem", "kind": "webhook", "url": url })
}

/// Lets the receiver of a destination refuse an event until it is given up.
fn kill_a_delivery(world: &World) {
    let platform = &world.server.platform;
    let couriers = platform.couriers.borrow();
    let Some(rows) = couriers.values().next() else { return };
    if !rows.deliveries.borrow().is_empty() {
        return;
    }
    let record = r#"{"format":1,"id":"weur/3/1","at":"2026-11-21T12:00:00Z","event":"{}","since":1,"tries":3,"died_at":1}"#;
    let record = record.replace("\"2026-11-21T12:00:00Z\"", "1");
    let dead: Delivery = serde_json::from_str(&record).expect("a delivery");
    let Ok(()) = rows.add(&dead, world.now());
}

/// Returns a policy with a rule of this description.
fn policy(description: &str) -> Value {
    let rule = json!({ "id": "all", "description": description, "effect": "allow" });
    json!({ "default": "enforced", "reason": "A test", "rules": [rule] })
}

/// Returns an exception for Bob until then.
fn exception(expires_at: &str) -> Value {
    json!({
        "id": "bob", "when": { "clients": ["tv"], "accounts": ["local:bob"] }, "owner": "alice@example.com",
        "reason": "The build machine has no browser.", "ticket": "SEC-1", "expires_at": expires_at,
    })
}

/// Lets Bob ask for access.
fn ask_for_access(world: &World, client_id: &str) {
    let record = json!({
        "format": 1, "id": format!("request-{client_id}"), "client_id": client_id, "client_name": "A client",
        "asker": { "account": "local:bob", "sub": "bobs", "name": "Bob" }, "reason": "I release on Friday.",
        "places": { "person": { "kind": "unknown" } }, "asked_at": world.now().millis(), "state": "open",
    });
    let request = serde_json::from_value(record).expect("it parses");
    world.registry(AskForAccess { request }).expect("there is room");
}

/// Puts what exists into the braces of a path.
fn filled(admin: Admin<'_>, path: &str) -> String {
    let first = |list: &str, name: &str| {
        // The first one has been answered when the second one is.
        let query = if list == "access-requests" { "?state=open" } else { "" };
        let listed = body(&admin.get(&format!("/{list}{query}")));
        let item = listed.get(list.replace('-', "_")).and_then(|all| all.get(0));
        item.and_then(|item| item.get(name)).and_then(Value::as_str).map(str::to_owned)
    };
    let known = [
        ("{name}", "fly"),
        ("{client_id}", "tv"),
        ("{account}", "local:alice"),
        ("{entry}", "tool.example.org"),
        ("{delivery}", "1"),
        ("{identifier}", "SN-0042-AB17"),
    ];
    let path = known.iter().fold(path.to_owned(), |path, (braces, value)| path.replace(braces, value));
    let list = path.split('/').nth(1).unwrap_or_default().to_owned();
    let (braces, name) = if list == "keys" { ("{kid}", "kid") } else { ("{id}", "id") };
    if path.contains(braces) { path.replace(braces, &first(&list, name).expect("it was made")) } else { path }
}

/// Returns kind and actor of every event of a change or an end so far.
fn told(world: &World) -> Vec<(String, Value)> {
    let text = |event: &Value| event.get("what").and_then(Value::as_str).unwrap_or_default().to_owned();
    let ends = world.recorded().into_iter().map(|event| json!(event));
    let ends = ends.filter(|event| ["access_ended", "ended"].contains(&text(event).as_str()));
    let alerts =
        world.server.platform.counts.told.borrow().iter().map(|event| json!(event)).collect::<Vec<_>>();
    let alerts = alerts.into_iter().filter(|event| text(event) == "alert_closed");
    let destinations = world.server.platform.counts.changes.borrow();
    let destinations: Vec<_> = destinations.iter().map(|event| json!(event)).collect();
    let all = world
        .changes()
        .into_iter()
        .chain(world.account_changes())
        .chain(ends)
        .chain(alerts)
        .chain(destinations);
    all.map(|event| (text(&event), event.get("by").cloned().unwrap_or_default())).collect()
}

#[test]
fn every_change_through_the_admin_api_is_an_event_with_who() {
    // So that the first page has all live codes.
    let world = World::with(&[("SHARDS_PER_REGION", "1")]);
    let admin = Admin(&world);
    // Alice and Bob have a device and a session, which are their first, and a code is live.
    world.poll(&world.approved().device_code);
    let bobs = world.start();
    Person::of(&world).approve_as("bob", "builder-8787", &bobs.user_code);
    world.poll(&bobs.device_code);
    world.start();
    world.count();
    for client_id in ["cli", "tv"] {
        ask_for_access(&world, client_id);
    }
    let mut operations = admin.operations();
    operations.retain(|(method, _)| method != "GET");
    let writes = writes();
    let mut covered: Vec<(String, String)> =
        writes.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    covered.sort();
    operations.sort();
    covered.dedup();
    assert_eq!(covered, operations, "every operation that is no GET is tried");

    for (method, path, body, expected) in writes {
        kill_a_delivery(&world);
        let before = told(&world);

        let answer = admin.ask(method, &filled(admin, path), Some("*"), Some(&body));

        assert!(answer.status < 300, "{method} {path}: {}", answer.body);
        let mut after = told(&world);
        for event in &before {
            after.remove(after.iter().position(|other| other == event).expect("an event stays"));
        }
        let whats: Vec<&str> = after.iter().map(|(what, _)| what.as_str()).collect();
        assert_eq!(whats, expected, "{method} {path}");
        assert!(after.iter().all(|(_, by)| by["operator"].as_str().is_some()), "{method} {path}: {after:?}");
    }
}

#[test]
fn the_event_of_a_change_names_what_has_changed_and_no_secret() {
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
        let (at, by) = (world.now().millis(), "registration");
        json!({
            "format": 2,
            "what": "client_created",
            "outcome": "changed",
            "at": at,
            "subject": client["client_id"],
            "by": by,
        })
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
        live_codes: None,
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
