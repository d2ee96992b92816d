//! Named admin tokens: what each of them opens, until when, and what it leaves.

use device_grant::endpoint::http::Request;
use device_grant::secret::{Digest, encode};
use serde_json::{Value, json};

use super::{errors, text};
use crate::support::admin::{Admin, device};
use crate::support::{World, get, json as body};

/// Every kind of access of the admin API: method, address, and the scopes of which a token needs one.
const ACCESS: [(&str, &str, &[&str]); 101] = [
    ("GET", "/doctor", &["read"]),
    ("GET", "/clients", &["read", "clients"]),
    ("POST", "/clients", &["clients"]),
    ("GET", "/clients/demo-tv", &["read", "clients"]),
    ("PUT", "/clients/demo-tv", &["clients"]),
    ("PATCH", "/clients/demo-tv", &["clients"]),
    ("DELETE", "/clients/demo-tv", &["clients"]),
    ("POST", "/clients/demo-tv/secret", &["clients"]),
    ("GET", "/scopes", &["read", "clients"]),
    ("PUT", "/scopes/email", &["clients"]),
    ("DELETE", "/scopes/email", &["clients"]),
    ("PUT", "/scopes/email/claims", &["clients"]),
    ("GET", "/documents", &["read", "clients"]),
    ("GET", "/documents/tool.example", &["read", "clients"]),
    ("PUT", "/documents/tool.example", &["clients"]),
    ("DELETE", "/documents/tool.example", &["clients"]),
    ("GET", "/inventory", &["read", "policy"]),
    ("GET", "/inventory/SN0042AB17", &["read", "policy"]),
    ("PUT", "/inventory/SN0042AB17", &["policy"]),
    ("DELETE", "/inventory/SN0042AB17", &["policy"]),
    ("POST", "/dry-run", &["read"]),
    ("GET", "/providers", &["read", "providers"]),
    ("POST", "/providers", &["providers"]),
    ("GET", "/providers/okta", &["read", "providers"]),
    ("PUT", "/providers/okta", &["providers"]),
    ("PATCH", "/providers/okta", &["providers"]),
    ("DELETE", "/providers/okta", &["providers"]),
    ("GET", "/keys", &["read", "keys"]),
    ("POST", "/keys", &["keys"]),
    ("POST", "/keys/rotate", &["keys"]),
    ("POST", "/keys/k/retire", &["keys"]),
    ("GET", "/outboxes", &["events"]),
    ("GET", "/alerts", &["events"]),
    ("POST", "/alerts/1/close", &["events"]),
    ("GET", "/usage", &["read"]),
    ("GET", "/destinations", &["events"]),
    ("POST", "/destinations", &["events"]),
    ("GET", "/destinations/siem", &["events"]),
    ("PUT", "/destinations/siem", &["events"]),
    ("DELETE", "/destinations/siem", &["events"]),
    ("POST", "/destinations/siem/secret", &["events"]),
    ("POST", "/destinations/siem/test", &["events"]),
    ("GET", "/destinations/siem/deliveries", &["events"]),
    ("POST", "/destinations/siem/deliveries/resend", &["events"]),
    ("DELETE", "/destinations/siem/deliveries/1", &["events"]),
    ("POST", "/destinations/siem/deliveries/1/resend", &["events"]),
    ("GET", "/overview", &["read"]),
    ("GET", "/settings", &["read"]),
    ("GET", "/events", &["events"]),
    ("GET", "/events/export", &["events"]),
    ("GET", "/events/weur%2F3%2F17", &["events"]),
    ("GET", "/ledger/verification", &["events"]),
    ("GET", "/tokens", &["read", "tokens"]),
    ("POST", "/tokens", &["tokens"]),
    ("DELETE", "/tokens/i", &["tokens"]),
    ("GET", "/invitations", &["read", "people"]),
    ("POST", "/invitations", &["people"]),
    ("DELETE", "/invitations/i", &["people"]),
    ("GET", "/scopes/email", &["read", "clients"]),
    ("GET", "/scopes/email/claims", &["read", "clients"]),
    ("GET", "/tokens/i", &["read", "tokens"]),
    ("GET", "/invitations/i", &["read", "people"]),
    ("GET", "/accounts", &["read", "people"]),
    ("POST", "/accounts", &["people"]),
    ("GET", "/accounts/local:a", &["read", "people"]),
    ("DELETE", "/accounts/local:a", &["people"]),
    ("PUT", "/accounts/local:a/groups", &["people"]),
    ("POST", "/accounts/local:a/block", &["people"]),
    ("POST", "/accounts/local:a/unblock", &["people"]),
    ("GET", "/accounts/local:a/devices", &["read", "people"]),
    ("POST", "/accounts/local:a/devices/end", &["people"]),
    ("GET", "/accounts/local:a/sessions", &["read", "people"]),
    ("POST", "/accounts/local:a/sessions/end", &["people"]),
    ("GET", "/devices", &["read", "people"]),
    ("POST", "/devices/end", &["people"]),
    ("GET", "/sessions", &["read", "people"]),
    ("POST", "/sessions/end", &["people"]),
    ("GET", "/grants", &["read", "people"]),
    ("DELETE", "/grants/AAAA", &["people"]),
    ("GET", "/policy", &["read", "policy"]),
    ("PUT", "/policy", &["policy"]),
    ("POST", "/policy/what-if", &["policy"]),
    ("GET", "/policy/report", &["events"]),
    ("POST", "/policy/rollback", &["policy"]),
    ("GET", "/policy/versions", &["read", "policy"]),
    ("GET", "/policy/versions/1", &["read", "policy"]),
    ("GET", "/exceptions", &["read", "policy"]),
    ("POST", "/exceptions", &["policy"]),
    ("GET", "/exceptions/e", &["read", "policy"]),
    ("PUT", "/exceptions/e", &["policy"]),
    ("POST", "/exceptions/e/renew", &["policy"]),
    ("POST", "/exceptions/e/end", &["policy"]),
    ("GET", "/kill-switches", &["read", "policy"]),
    ("POST", "/kill-switches", &["policy"]),
    ("GET", "/kill-switches/k", &["read", "policy"]),
    ("POST", "/kill-switches/k/end", &["policy"]),
    ("GET", "/access-requests", &["read", "policy"]),
    ("GET", "/access-requests/r", &["read", "policy"]),
    ("POST", "/access-requests/r/grant", &["policy"]),
    ("POST", "/access-requests/r/refuse", &["policy"]),
    ("GET", "/openapi.json", &[]),
];
const SCOPES: [&str; 8] = ["read", "events", "clients", "people", "providers", "policy", "keys", "tokens"];

#[test]
fn a_token_opens_what_its_scopes_say_and_a_refusal_names_the_scope() {
    let world = World::new();
    let admin = Admin(&world);
    let is_tried = |(method, template): &(String, String)| {
        ACCESS.iter().any(|(other, path, _)| other == method && is_of(path, template))
    };
    let forgotten: Vec<_> = admin.operations().into_iter().filter(|one| !is_tried(one)).collect();
    assert_eq!(forgotten, [], "every operation is tried");
    for scope in SCOPES {
        let token = admin.token(scope, &[scope]);
        for (method, path, needed) in ACCESS {
            // An empty body is no good body, so nothing is changed: what counts is whether it was looked at.
            let answer = admin.ask_as(&token, method, path, None);
            let is_open = needed.is_empty() || needed.contains(&scope);
            assert_eq!(answer.status == 403, !is_open, "{scope}: {method} {path}: {}", answer.body);
            if !is_open {
                let detail = format!("This needs an admin token with the scope {}.", needed.join(" or "));
                assert_eq!(body(&answer)["detail"], detail, "{method} {path}");
                let challenge = format!(
                    "Bearer realm=\"device-grant-admin\", error=\"insufficient_scope\", scope=\"{}\"",
                    needed.join(" ")
                );
                assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
            }
        }
    }
}

#[test]
fn judging_what_people_did_needs_the_scope_for_events_too() {
    let world = World::new();
    let admin = Admin(&world);
    let [policy, both] =
        [&["policy"][..], &["policy", "events"][..]].map(|scopes| admin.token(&scopes.join("-"), scopes));
    let ask =
        |token: &str, question: Value| admin.ask_as(token, "POST", "/policy/what-if", Some(&question)).status;

    assert_eq!(ask(&policy, json!({ "request": {} })), 200);
    for question in [json!({ "days": 1 }), json!({ "event": "weur/9/1" })] {
        assert_eq!(ask(&policy, question.clone()), 403, "{question}");
        assert_ne!(ask(&both, question.clone()), 403, "{question}");
    }
}

/// Returns whether a path is one of those that a template with braces stands for.
fn is_of(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path.iter().zip(&template).all(|(one, other)| one == other || other.starts_with('{'))
}

#[test]
fn a_token_is_shown_once_and_stored_as_its_digest() {
    let world = World::new();
    let admin = Admin(&world);
    let token = admin.token("ci", &["read", "clients"]);

    let listed = admin.get("/tokens");

    let at = world.now().seconds();
    let by = body(&listed)["tokens"][0]["created_by"].clone();
    assert_eq!(by["operator"].as_str().map(str::len), Some(8));
    let view = json!({
        "id": "ci", "owner": "Team", "scopes": ["read", "clients"], "created_at": at, "created_by": by,
        "ends_at": at + 90 * 86_400, "has_ended": false, "current": false,
    });
    assert_eq!(body(&listed), json!({ "tokens": [view] }));
    assert_eq!(body(&admin.get("/tokens/ci")), view);
    assert_eq!(admin.get("/tokens/other").status, 404);
    let stored = world.server.platform.registry_text();
    let digest = encode(Digest::of(token.as_bytes()).bytes());
    assert!(stored.contains(&digest) && !stored.contains(&token) && !listed.body.contains(&digest));
}

#[test]
fn a_token_makes_only_tokens_with_no_more_scopes_and_no_later_end() {
    let world = World::new();
    let admin = Admin(&world);
    let token = admin.token("maker", &["tokens", "read"]);
    let make = |scopes: &[&str], lifetime: Option<u64>| {
        let asked = json!({ "id": "made", "owner": "Team", "scopes": scopes, "lifetime": lifetime });
        admin.ask_as(&token, "POST", "/tokens", Some(&asked))
    };
    world.wait(60);

    let (name, detail) = errors(&make(&["read", "keys"], Some(60))).remove(0);
    assert_eq!(
        (name.as_str(), detail.as_str()),
        ("/scopes", "scopes has \"keys\", which your own token does not have")
    );
    let (name, detail) = errors(&make(&["read"], None)).remove(0);
    assert_eq!(name, "/lifetime");
    assert!(detail.contains("ends earlier, in 7775940 seconds"), "{detail}");

    let smaller = make(&["read"], Some(7_775_940));
    assert_eq!(smaller.status, 201, "{}", smaller.body);
    assert_eq!(body(&smaller)["created_by"], json!({ "token": { "id": "maker", "owner": "Team" } }));
    assert_eq!(make(&["read"], Some(60)).status, 422, "the name is in use");
}

#[test]
fn a_token_ends_when_it_says_and_its_name_is_free_again() {
    let world = World::new();
    let admin = Admin(&world);
    let asked = json!({ "id": "ci", "owner": "Team", "scopes": ["read"], "lifetime": 60 });
    let token = text(&body(&admin.ask("POST", "/tokens", None, Some(&asked))), "token");
    let status = || admin.ask_as(&token, "GET", "/clients", None).status;

    world.wait_millis(59_999);
    assert_eq!(status(), 200);
    world.wait_millis(1);
    assert_eq!(status(), 401);
    assert_eq!(body(&admin.get("/tokens/ci"))["has_ended"], true);
    assert_eq!(admin.ask("POST", "/tokens", None, Some(&asked)).status, 201);
    assert_eq!(status(), 401, "the new token has another text");
    world.wait(60 + 30 * 86_400);
    admin.token("another", &["read"]);
    assert_eq!(admin.get("/tokens/ci").status, 404, "nobody needs to see it any more");
}

#[test]
fn a_token_that_has_ended_is_listed_for_thirty_days() {
    let world = World::new();
    let admin = Admin(&world);
    let asked = json!({ "id": "ci", "owner": "Team", "scopes": ["read"], "lifetime": 60 });
    admin.ask("POST", "/tokens", None, Some(&asked));
    let status = || admin.get("/tokens/ci").status;

    world.wait_millis((60 + 30 * 86_400) * 1_000 - 1);
    admin.token("first", &["read"]);
    assert_eq!(status(), 200);
    world.wait_millis(1);
    assert_eq!(status(), 200, "the next token that is made takes it away");
    admin.token("second", &["read"]);
    assert_eq!(status(), 404);
}

#[test]
fn a_revoked_token_opens_nothing_at_once_and_both_are_events_with_who() {
    let world = World::new();
    let admin = Admin(&world);
    let (root, token) = (admin.token("root", &["tokens"]), admin.token("ci", &["clients"]));
    let scope = json!({ "description": "Fly" });
    assert_eq!(admin.ask_as(&token, "PUT", "/scopes/fly", Some(&scope)).status, 201);

    assert_eq!(admin.ask_as(&root, "DELETE", "/tokens/ci", None).status, 204);

    assert_eq!(admin.ask_as(&token, "GET", "/clients", None).status, 401);
    assert_eq!(admin.ask_as(&root, "DELETE", "/tokens/ci", None).status, 404);
    let changes: Vec<Value> = world.changes();
    let what: Vec<&str> = changes.iter().filter_map(|change| change["what"].as_str()).collect();
    let made = "admin_token_created";
    assert_eq!(what, [made, made, "scope_described", "admin_token_revoked"]);
    assert_eq!(changes[1]["granted"], json!(["clients"]));
    assert_eq!(changes[2]["by"], json!({ "token": { "id": "ci", "owner": "Team" } }));
    assert_eq!(changes[3]["by"], json!({ "token": { "id": "root", "owner": "Team" } }));
    let all = serde_json::to_string(&changes).expect("it serializes");
    assert!(!all.contains(&token) && !all.contains(&encode(Digest::of(token.as_bytes()).bytes())));
}

#[test]
fn the_last_use_of_a_token_is_known_to_an_hour() {
    let world = World::new();
    let admin = Admin(&world);
    let token = admin.token("ci", &["read"]);
    let last = |as_token: bool| {
        let answer =
            if as_token { admin.ask_as(&token, "GET", "/tokens/ci", None) } else { admin.get("/tokens/ci") };
        (body(&answer)["last_used_at"].as_u64(), body(&answer)["current"].as_bool())
    };
    let start = world.now().seconds();

    assert_eq!(last(false), (None, Some(false)));
    world.wait(10);
    assert_eq!(last(true), (Some(start + 10), Some(true)));
    world.wait(3_599);
    assert_eq!(last(true).0, Some(start + 10));
    world.wait(1);
    assert_eq!(last(true).0, Some(start + 3_610));
}

#[test]
fn made_up_tokens_cost_attempts_and_a_right_one_costs_none() {
    let world = World::new();
    let admin = Admin(&world);
    let token = admin.token("ci", &["read"]);
    let made_up = |number: u8| format!("dgat_{}", encode(&[number; 32]));
    for _ in 0..100 {
        assert_eq!(admin.ask_as(&token, "GET", "/clients", None).status, 200);
    }
    world.server.platform.registry_hops.set(0);

    let answers: Vec<u16> =
        (0..60).map(|number| admin.ask_as(&made_up(number), "GET", "/clients", None).status).collect();

    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 20);
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 40);
    assert_eq!(world.server.platform.registry_hops.get(), 20, "the registry hears about no more");
    assert_eq!(admin.ask_as(&token, "GET", "/clients", None).status, 200, "this isolate knows the token");
}

#[test]
fn without_an_admin_token_in_the_settings_a_named_token_opens_nothing() {
    let world = World::new();
    let token = Admin(&world).token("ci", &["read"]);
    let key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    let production =
        [("ENVIRONMENT", "production"), ("ISSUER", "http://127.0.0.1:8787"), ("MASTER_KEY", key)];
    let world = world.restarted(&production);

    assert_eq!(Admin(&world).ask_as(&token, "GET", "/clients", None).status, 404);
}

#[test]
fn a_token_that_cannot_be_made_is_refused_with_every_fault() {
    let world = World::new();
    let admin = Admin(&world);
    let make = |asked: &Value| admin.ask("POST", "/tokens", None, Some(asked));

    let pointers: Vec<String> = errors(&make(&json!({}))).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/id", "/owner", "/scopes"]);
    let bad =
        json!({ "id": "-ci", "owner": "a\u{202e}b", "scopes": ["read", "all"], "lifetime": 59, "x": 1 });
    let faults = errors(&make(&bad));
    assert_eq!(faults.len(), 5, "{faults:?}");
    assert!(faults[2].1.contains("each entry must be one of read, events, clients"), "{faults:?}");
    assert_eq!(errors(&make(&json!({ "id": "ci", "owner": "Team", "scopes": [] })))[0].0, "/scopes");
    let dry = json!({ "id": "ci", "owner": "Team", "scopes": ["read"] });
    let tried = admin.ask("POST", "/tokens?dry_run=true", None, Some(&dry));
    assert_eq!((tried.status, body(&tried).get("token")), (200, None));
    assert_eq!(body(&admin.get("/tokens")), json!({ "tokens": [] }));
}

#[test]
fn there_is_a_most_of_tokens_and_revoking_one_makes_room() {
    let world = World::new();
    let admin = Admin(&world);
    for number in 0..200 {
        admin.token(&format!("t{number}"), &["read"]);
    }
    let another = json!({ "id": "another", "owner": "Team", "scopes": ["read"] });

    let full = admin.ask("POST", "/tokens", None, Some(&another));

    assert_eq!(full.status, 409);
    assert!(full.body.contains("There are 200 admin tokens"), "{}", full.body);
    admin.ask("DELETE", "/tokens/t7", None, None);
    assert_eq!(admin.ask("POST", "/tokens", None, Some(&another)).status, 201);
}

#[test]
fn a_token_without_bearer_in_front_is_no_token() {
    let world = World::new();
    let token = Admin(&world).token("ci", &["read"]);
    let send = |authorization: String| {
        let path = "/admin/api/clients".to_owned();
        world.send(&Request { path, authorization: Some(authorization), ..get() }).status
    };

    assert_eq!((send(token.clone()), send(format!("Basic {token}"))), (401, 401));
    assert_eq!(send(format!("bearer {token}")), 200);
    assert_eq!(Admin(&world).create(&device("tv", &json!({}))).status, 201);
}
