//! What the server finds out about itself.

#![expect(clippy::indexing_slicing, reason = "a broken answer fails its test")]

use std::collections::BTreeMap;
use std::time::Duration;

use device_grant::audit::ledger::OutboxReport;
use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::Platform as _;
use device_grant::identity::account::Account;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::command::{Put, PutAccount};
use device_grant::secret::Digest;
use device_grant::token::signing_key::Algorithm;
use serde_json::{Value, json};

use super::text;
use crate::support::admin::{Admin, device, provider};
use crate::support::{World, get, json as body, made, now_or_never};

/// Returns state, finding and advice of each check, by name.
fn examine(world: &World) -> BTreeMap<String, (String, String, String)> {
    let response = Admin(world).get("/doctor");
    assert_eq!(response.status, 200, "{}", response.body);
    let checks = body(&response)["checks"].as_array().expect("a list").clone();
    let todo = |check: &Value| check["todo"].as_str().unwrap_or_default().to_owned();
    let entry =
        |check: &Value| (text(check, "name"), (text(check, "state"), text(check, "found"), todo(check)));
    checks.iter().map(entry).collect()
}

fn states(world: &World) -> Vec<(String, String)> {
    examine(world).into_iter().map(|(name, (state, ..))| (name, state)).collect()
}

/// Returns a check that has this state, as one text.
fn found(world: &World, name: &str, state: &str) -> String {
    let checks = examine(world);
    let (is, found, todo) = checks.get(name).unwrap_or_else(|| panic!("no {name} in {checks:?}"));
    assert_eq!(is, state, "{name}: {found}");
    assert_eq!(
        todo.is_empty(),
        ["ok", "skipped"].contains(&state),
        "what is not well says what to do: {name}"
    );
    format!("{found} → {todo}")
}

#[test]
fn a_development_server_is_well_except_for_what_is_public() {
    let world = World::new();

    let notices: Vec<String> =
        states(&world).into_iter().filter(|(_, state)| state != "ok").map(|(name, _)| name).collect();

    let expected = ["bindings", "environment", "policy", "secrets", "warnings"];
    assert_eq!(notices.into_iter().filter(|name| name != "passkeys").collect::<Vec<_>>(), expected);
    assert!(found(&world, "bindings", "notice").contains("there is no NETWORK_LIMIT"));
}

#[test]
fn each_object_that_does_not_answer_is_named() {
    for (object, binding) in [
        ("grants", "GRANTS"),
        ("accounts", "ACCOUNTS"),
        ("registry", "REGISTRY"),
        ("ledger", "LEDGER"),
        ("counts", "COUNTS"),
    ] {
        let world = World::new();
        world.set_down(object, true);
        let checks = found(&world, "objects", "problem");
        assert!(checks.starts_with(&format!("no answer from {binding} →")), "{checks}");
    }
    let world = World::new();
    world.set_down("registry", true);
    assert!(found(&world, "signing keys", "skipped").contains("the registry does not answer"));
    assert!(found(&world, "clients", "skipped").contains("the registry does not answer"));
}

#[test]
fn a_key_that_the_master_key_does_not_open_is_a_problem() {
    let world = World::new();
    assert!(found(&world, "signing keys", "ok").starts_with("ES256, RS256 sign"));

    world.set_down("signing", true);

    let checks = found(&world, "signing keys", "problem");
    assert!(
        checks.contains("the keys for ES256, RS256 cannot sign") && checks.contains("MASTER_KEY_PREVIOUS")
    );
}

#[test]
fn clients_that_nobody_can_use_are_named_with_the_reason() {
    let world = World::new();
    let admin = Admin(&world);
    assert!(found(&world, "clients", "ok").starts_with("2 enabled, all of use"));
    let key_jwt =
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://tv.example/keys" });
    for (client_id, members) in [
        ("nothing", json!({ "grant_types": [] })),
        ("placed", json!({ "redemption_place": "same_country" })),
        ("fetched", key_jwt),
        ("off", json!({ "grant_types": [], "enabled": false })),
    ] {
        admin.created(&device(client_id, &members));
    }

    let checks = found(&world, "clients", "problem");

    assert_eq!(
        checks,
        "nobody can use 3 of 5: fetched has a jwks_uri that cannot be fetched; nothing has no device grant in \
         grant_types; placed has a redemption_place, but the platform does not say where requests come from → Change \
         them, or set enabled = false."
    );
    world.server.platform.documents.borrow_mut().insert("https://tv.example/keys".to_owned(), String::new());
    assert!(found(&world, "clients", "problem").starts_with("nobody can use 2 of 5"));
}

#[test]
fn a_server_that_does_not_close_its_days_is_not_well() {
    let world = World::new();
    found(&world, "ledger", "ok");
    world.approved();
    world.ship();
    let day = world.now().to_string();
    let day = day.split('T').next().expect("a date");
    world.wait(86_400 - world.now().seconds() % 86_400 + 6 * 3_600 - 1);
    found(&world, "ledger", "ok");
    world.wait(1);

    let checks = found(&world, "ledger", "problem");

    assert!(checks.starts_with(&format!("no day from {day} on has a root")), "{checks}");
    for _ in 0..20 {
        assert_eq!(world.close_days(), None);
    }
    found(&world, "ledger", "ok");
    world.wait(30 * 86_400);
    found(&world, "ledger", "ok");
    world.set_down("ledger", true);
    found(&world, "ledger", "skipped");
}

#[test]
fn clocks_that_differ_and_events_that_wait_are_problems() {
    let world = World::new();
    world.server.platform.registry_ahead.set(Duration::from_secs(31));
    assert!(found(&world, "clocks of objects", "problem").contains("31 s apart"));
    world.server.platform.registry_ahead.set(Duration::from_secs(30));
    found(&world, "clocks of objects", "ok");

    let report = |set_aside, oldest| OutboxReport {
        object: "weur/3".to_owned(),
        at: world.now(),
        waiting: 1,
        oldest: Some(oldest),
        set_aside,
        live_codes: None,
    };
    world.report(report(0, world.now().before(Duration::from_secs(601))));
    assert!(found(&world, "events", "problem").contains("for 10 minutes"));
    world.report(report(2, world.now()));
    assert!(found(&world, "events", "notice").contains("2 events could not be read"));
}

#[test]
fn a_provider_that_cannot_be_used_is_a_problem() {
    let world = World::new();
    assert!(found(&world, "providers", "ok").starts_with("people sign in here"));
    let created = Admin(&world).ask("POST", "/providers", None, Some(&provider("okta", &json!({}))));
    assert_eq!(created.status, 201, "{}", created.body);
    let publish = |address: &str, document: &Value| {
        let address = format!("https://okta.example.com{address}");
        world.server.platform.documents.borrow_mut().insert(address, document.to_string());
    };
    let discovery = "/.well-known/openid-configuration";

    assert!(
        found(&world, "providers", "problem")
            .starts_with("okta cannot be reached at https://okta.example.com")
    );
    publish(
        discovery,
        &json!({ "issuer": "https://okta.example.com/", "jwks_uri": "https://okta.example.com/keys" }),
    );
    assert!(
        found(&world, "providers", "problem").contains("okta calls itself https://okta.example.com/, but")
    );
    publish(
        discovery,
        &json!({ "issuer": "https://okta.example.com", "jwks_uri": "https://okta.example.com/keys" }),
    );
    assert!(found(&world, "providers", "problem").starts_with("okta has no keys at its jwks_uri"));
    publish("/keys", &json!({ "keys": [{ "kty": "RSA" }] }));
    assert!(found(&world, "providers", "ok").starts_with("1 reached, with keys"));
}

#[test]
fn a_server_says_whether_its_policy_protects_and_which_exception_ends_next() {
    let world = World::new();
    assert!(found(&world, "policy", "notice").starts_with("not protecting: there is no policy"));
    world.set_policy(&json!({ "default": "report_only" }));
    assert!(found(&world, "policy", "notice").starts_with("not protecting: the default is report_only"));
    let rule = |id: &str, state: &str| json!({ "id": id, "description": "A test", "effect": "allow", "state": state });
    world.set_policy(
        &json!({ "default": "enforced", "rules": [rule("a", "enforced"), rule("b", "report_only")] }),
    );
    assert!(found(&world, "policy", "notice").starts_with("version 2: 1 rules, and 1 that only report"));
    world.set_policy(
        &json!({ "default": "enforced", "rules": [rule("a", "enforced"), rule("b", "disabled")] }),
    );
    assert!(found(&world, "policy", "ok").starts_with("version 3: what none of 1 rules allows is refused"));

    assert!(!examine(&world).contains_key("exceptions"), "there are none");
    let exception = |id: &str, days: u64| {
        let end = world.now() + Duration::from_secs(days * 86_400);
        json!({
            "id": id, "when": { "accounts": ["local:bob"] }, "owner": "Alice", "reason": "A test", "ticket": "SEC-1",
            "expires_at": end.to_string(),
        })
    };
    for (id, days) in [("long", 30), ("short", 8)] {
        let made = Admin(&world).ask("POST", "/exceptions", None, Some(&exception(id, days)));
        assert_eq!(made.status, 201, "{}", made.body);
    }
    assert!(found(&world, "exceptions", "ok").starts_with("2 live, of which 2 are wide"));
    world.wait(86_400);
    let notice = found(&world, "exceptions", "notice");
    assert!(notice.contains("short, for which Alice answers, ends at 2026-11-29"), "{notice}");
    assert!(!examine(&world).contains_key("kill_switches"), "none is on");
    let until = (world.now() + Duration::from_secs(60)).to_string();
    let switch = json!({ "id": "stop", "target": { "client": "x" }, "reason": "A test", "until": until });
    assert_eq!(Admin(&world).ask("POST", "/kill-switches", None, Some(&switch)).status, 201);
    let notice = found(&world, "kill_switches", "notice");
    assert!(notice.starts_with(&format!("1 on, the last until {until}: stop")), "{notice}");

    let production = World::with(&production("https://login.example.org"));
    let answer = ask(&production, "login.example.org", "GET", "/doctor");
    let checks = body(&answer)["checks"].as_array().expect("a list").clone();
    let policy = checks.iter().find(|check| check["name"] == "policy").expect("a check");
    assert_eq!(
        (text(policy, "state"), text(policy, "found")),
        ("problem".to_owned(), "there is no policy, so nobody gets a code".to_owned(),)
    );
}

#[test]
fn rules_that_name_a_client_that_does_not_exist_are_found() {
    let world = World::new();
    let rule = |id: &str, clients: Value| json!({ "id": id, "description": "A test", "effect": "deny", "when": { "clients": clients } });
    let known = json!(["demo-tv", "https://tool.example.org/client.json", "https://other.example.org/*"]);
    let entry = json!({ "scope": "openid" });
    assert_eq!(Admin(&world).ask("PUT", "/documents/tool.example.org", None, Some(&entry)).status, 201);
    world.set_policy(&json!({ "default": "enforced", "rules": [rule("a", known.clone())] }));
    assert!(!examine(&world).contains_key("clients_of_rules"));

    let gone = json!(["old-tv", "https://gone.example.org/client.json"]);
    world.set_policy(&json!({ "default": "enforced", "rules": [rule("a", known), rule("b", gone)] }));

    let notice = found(&world, "clients_of_rules", "notice");
    let expected = "rules name clients that do not exist: https://gone.example.org/client.json, old-tv → ";
    assert!(notice.starts_with(expected), "{notice}");
}

/// A production server at `issuer`, whose admin token is `test`.
fn production(issuer: &'static str) -> [(&'static str, &'static str); 4] {
    [
        ("ENVIRONMENT", "production"),
        ("ISSUER", issuer),
        ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="),
        ("ADMIN_TOKEN_SHA256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ]
}

/// Sends a request to the admin API at `host`, over https.
fn ask(world: &World, host: &str, method: &str, path: &str) -> Response {
    world.send(&Request {
        method: method.to_owned(),
        secure: true,
        host: host.to_owned(),
        path: format!("/admin/api{path}"),
        authorization: Some("Bearer test".to_owned()),
        content_type: Some("application/json".to_owned()),
        body: Some(b"{}".to_vec()),
        ..get()
    })
}

#[test]
fn a_server_that_moved_to_another_host_says_whose_passkeys_are_orphaned() {
    let world = World::with(&production("https://login.example.org"));
    let passkeys = |world: &World, host: &str| {
        let answer = ask(world, host, "GET", "/doctor");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let checks = body(&answer)["checks"].as_array().expect("a list").clone();
        let check = checks.iter().find(|check| check["name"] == "passkeys").expect("a check").clone();
        (text(&check, "state"), text(&check, "found"))
    };
    assert_eq!(ask(&world, "login.example.org", "POST", "/invitations").status, 201);
    let (state, found) = passkeys(&world, "login.example.org");
    let well = "they belong to login.example.org; another host would orphan them";
    assert_eq!((state.as_str(), found.as_str()), ("ok", well));

    let world = world.restarted(&production("https://login.example.org:8443"));
    assert_eq!(passkeys(&world, "login.example.org:8443").0, "ok", "another port is the same host");
    let world = world.restarted(&production("https://id.example.org"));
    let (state, found) = passkeys(&world, "id.example.org");
    assert_eq!(state, "notice");
    assert!(found.contains("people were invited at https://login.example.org"), "{found}");
    let world = world.restarted(&production("https://192.0.2.7"));
    let (state, found) = passkeys(&world, "192.0.2.7");
    assert_eq!(state, "notice");
    assert!(found.contains("at an IP address, 192.0.2.7"), "{found}");
}

#[test]
fn access_in_front_of_the_server_is_reached_or_named() {
    assert!(!examine(&World::new()).contains_key("access"), "it is not set up");
    let tag = "0f".repeat(32);
    let world = World::with(&[("ACCESS_TEAM", "acme"), ("ACCESS_AUDIENCE", &tag)]);
    assert!(found(&world, "access", "problem").contains("no keys at https://acme.cloudflareaccess.com"));
    let uri = "https://acme.cloudflareaccess.com/cdn-cgi/access/certs";
    let publish =
        |set: &str| world.server.platform.documents.borrow_mut().insert(uri.to_owned(), set.to_owned());
    publish(r#"{"keys":[]}"#);
    assert!(found(&world, "access", "problem").contains("no key for RS256"));
    let key = made(Algorithm::Rs256, 7).public;
    publish(&json!({ "keys": [key] }).to_string());
    assert!(found(&world, "access", "ok").contains("with 1 keys"));
}

#[test]
fn users_who_are_pushed_and_never_sign_in_are_counted() {
    let world = World::new();
    assert!(!examine(&world).contains_key("scim"), "nobody pushes users");
    let (token, id) = ("a-scim-token-of-64-characters-for-the-doctor-to-look-at-it-000000", "okta");
    let members = json!({ "scim_token_sha256": Digest::of(token.as_bytes()).hex() });
    assert_eq!(Admin(&world).ask("POST", "/providers", None, Some(&provider(id, &members))).status, 201);
    let push = json!({ "externalId": "7", "userName": "carol" }).to_string();
    let pushed = world.send(&Request {
        method: "POST".to_owned(),
        path: "/scim/v2/Users".to_owned(),
        authorization: Some(format!("Bearer {token}")),
        content_type: Some("application/scim+json".to_owned()),
        body: Some(push.into_bytes()),
        ..get()
    });
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    assert!(
        found(&world, "scim", "ok").starts_with("1 users were pushed, to 1 of whom nobody"),
        "she may sign in tomorrow"
    );

    let carol = world.find_account(&AccountKey::oidc(id, "7").expect("a key")).expect("an account");
    let key = AccountKey::oidc(id, "00u7").expect("a key");
    let other = Account { key, scim_name: None, last_sign_in: Some(world.now()), ..carol };
    let shard = other.key.shard();
    let put = PutAccount { account: Box::new(other), expected: None, event: None };
    assert!(matches!(now_or_never(world.server.platform.accounts(shard, put)), Ok(Put::Stored(_))));
    let notice = found(&world, "scim", "notice");
    assert!(
        notice.starts_with("okta pushed 1 users to whom nobody has signed in, and not 1 people"),
        "{notice}"
    );
}
