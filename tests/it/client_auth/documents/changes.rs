//! What happens when a document or its entry changes, and how an operator keeps the allow list.

use std::time::Duration;

use super::*;

#[test]
fn a_disabled_entry_is_as_a_disabled_client_and_can_be_enabled_again() {
    let world = world();
    let tokens = signed_in(&world, URL);
    let mut disabled = terms();
    disabled["enabled"] = json!(false);
    assert_eq!(let_in(&world, URL, &disabled).status, 200);

    assert_eq!(outcome(&start(&world, URL)), "unauthorized_client");
    assert_eq!(outcome(&refresh(&world, &tokens)), "invalid_grant");
    let_in(&world, URL, &terms());
    assert_eq!(refresh(&world, &tokens).status, 200);
}

#[test]
fn without_its_entry_a_client_is_as_a_deleted_one() {
    let world = world();
    let tokens = signed_in(&world, URL);
    let pending = world.start_with(&[("client_id", URL)]);
    assert_eq!(Admin(&world).ask("DELETE", &at(URL), None, None).status, 204);

    assert_eq!(outcome(&start(&world, URL)), "invalid_client");
    assert_eq!(outcome(&refresh(&world, &tokens)), "invalid_client");
    assert_eq!(outcome(&poll(&world, URL, &pending.device_code)), "invalid_client");
    let access = tokens["access_token"].as_str().unwrap();
    let header = format!("Bearer {access}");
    let userinfo = device_grant::endpoint::http::Request {
        path: "/userinfo".to_owned(),
        authorization: Some(header),
        ..crate::support::get()
    };
    assert_eq!(world.send(&userinfo).status, 401, "its tokens are not good");
    let_in(&world, URL, &terms());
    assert_eq!(refresh(&world, &tokens).status, 200, "the family stayed");
}

#[test]
fn an_approval_and_a_redemption_read_the_entry_at_its_source() {
    let world = world();
    let started = world.start_with(&[("client_id", URL)]);
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &started.user_code);
    // Another isolate has removed it; the snapshot of this one is older.
    world.server.platform.registry.documents.borrow_mut().clear();

    person.decide("approve");
    assert_eq!(outcome(&poll(&world, URL, &started.device_code)), "authorization_pending", "not approved");

    let world = crate::client_auth::documents::world();
    let approved = world.start_with(&[("client_id", URL)]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &approved.user_code);
    world.server.platform.registry.documents.borrow_mut().clear();
    assert_eq!(outcome(&poll(&world, URL, &approved.device_code)), "access_denied");
}

#[test]
fn a_newer_entry_is_found_before_the_snapshot_has_it() {
    let world = World::new();
    world.start();
    serve(&world, URL, &json!({}));
    let entry = r#"{"format":1,"entry":"tool.example.org","scope":"openid"}"#;
    let entry = serde_json::from_str(entry).unwrap();
    world.server.platform.registry.documents.borrow_mut().insert(HOST.to_owned(), entry);

    assert_eq!(start(&world, URL).status, 200);
}

#[test]
fn a_document_that_is_gone_ends_refreshing() {
    let world = world();
    let tokens = signed_in(&world, URL);
    answer(&world, URL, Err(NotFetched::Status(404)));
    world.wait(299);
    assert_eq!(start(&world, URL).status, 200, "it is still fresh");
    world.wait(1);
    assert_eq!(outcome(&refresh(&world, &tokens)), "invalid_client");
    world.wait(5);
    assert_ne!(refresh(&world, &tokens).status, 200, "what was good before is forgotten at once");
    world.wait(5);
    assert_eq!(outcome(&refresh(&world, &tokens)), "invalid_client");
    serve(&world, URL, &json!({}));
    world.wait(10);
    assert_eq!(refresh(&world, &tokens).status, 200);
}

#[test]
fn a_document_that_asks_for_less_narrows_the_next_refresh() {
    let world = world();
    let_in(&world, URL, &json!({ "scope": "openid email offline_access" }));
    let started = world.start_with(&[("client_id", URL), ("scope", "openid email offline_access")]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let tokens = json(&poll(&world, URL, &started.device_code));
    serve(&world, URL, &json!({ "scope": "openid offline_access" }));
    world.wait(300);

    let refreshed = json(&refresh(&world, &tokens));
    assert_eq!(refreshed["scope"], "offline_access openid", "{refreshed}");
}

#[test]
fn a_client_that_gets_keys_must_use_them_from_then_on() {
    let world = world();
    let tokens = signed_in(&world, URL);
    let signer = Signer::new(&world, URL, 1);
    serve(&world, URL, &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": signer.jwks() }));
    world.wait(300);

    assert_eq!(outcome(&refresh(&world, &tokens)), "invalid_client");
}

#[test]
fn an_operator_keeps_the_allow_list() {
    let world = World::new();
    let admin = Admin(&world);
    assert_eq!(json(&admin.get("/documents")), json!({ "documents": [] }));
    let tried = admin.ask("PUT", &format!("{}?dry_run=true", at(URL)), None, Some(&terms()));
    assert_eq!((tried.status, json(&admin.get("/documents"))), (200, json!({ "documents": [] })));
    let shown = json!({ "entry": URL, "scope": "offline_access openid", "audience": [API], "enabled": true });

    assert_eq!((let_in(&world, URL, &terms()).status, let_in(&world, URL, &shown).status), (201, 200));
    assert_eq!(json(&admin.get(&at(URL))), shown);
    assert_eq!(json(&admin.get("/documents"))["documents"], json!([shown]));
    assert_eq!(admin.get(&at(HOST)).status, 404);
    assert_eq!(admin.ask("DELETE", &at(HOST), None, None).status, 404);

    for (entry, terms, pointer, detail) in [
        (HOST, json!({}), "/scope", "scope is missing: it says what the clients of the entry may have"),
        (
            HOST,
            json!({ "scope": "fly" }),
            "/scope",
            "scope has \"fly\", which has no description: describe that scope first",
        ),
        (
            HOST,
            json!({ "scope": "openid", "entry": URL }),
            "/entry",
            "entry is \"https://tool.example.org/client.json\": it must be the one in the address",
        ),
        (HOST, json!({ "scope": "openid", "policy": [] }), "/policy", "unknown member \"policy\""),
        (
            "10.0.0.1",
            json!({ "scope": "openid" }),
            "/entry",
            "the entry has a host that is an IP address, or a name of a private network: it must be the https URL of a \
             document, or a host, such as tool.example.com",
        ),
        (
            "https://tool.example.org",
            json!({ "scope": "openid" }),
            "/entry",
            "the entry has no path: it must be the https URL of a document, or a host, such as tool.example.com",
        ),
    ] {
        let refused = let_in(&world, entry, &terms);
        let error = &json(&refused)["errors"][0];
        assert_eq!(
            (refused.status, &error["pointer"], &error["detail"]),
            (422, &json!(pointer), &json!(detail))
        );
    }
    (0..99)
        .for_each(|number| assert_eq!(let_in(&world, &format!("h{number}.example"), &terms()).status, 201));
    assert_eq!(let_in(&world, "one-more.example", &terms()).status, 409);
    assert_eq!(let_in(&world, "h1.example", &terms()).status, 200, "those that are there can change");
}

#[test]
fn a_kill_switch_ends_devices_of_a_document_that_nobody_can_fetch() {
    let world = world();
    signed_in(&world, URL);
    let world = world.restarted(&[]);
    world.wait(86_400);
    answer(&world, URL, Err(NotFetched::Unreachable));
    let until = (world.now() + Duration::from_secs(60)).to_string();
    let switch = json!({ "id": "stop", "target": { "client": URL }, "reason": "A test", "until": until });
    let fetches = world.server.platform.fetches.get();

    for (query, status) in [("?dry_run=true", 200), ("", 201)] {
        let set = Admin(&world).ask("POST", &format!("/kill-switches{query}"), None, Some(&switch));
        assert_eq!((set.status, &json(&set)["devices"]), (status, &json!(1)), "{}", set.body);
        assert!(json(&set)["jwts_until"].is_string(), "{}", set.body);
    }
    assert_eq!(world.server.platform.fetches.get(), fetches);
}

#[test]
fn a_scope_stays_while_an_entry_has_it() {
    let world = World::new();
    let admin = Admin(&world);
    admin.ask("PUT", "/scopes/fly", None, Some(&json!({ "description": "Fly" })));
    let_in(&world, HOST, &json!({ "scope": "fly" }));

    let refused = admin.ask("DELETE", "/scopes/fly", None, None);
    assert_eq!(
        (refused.status, json(&refused)["detail"].as_str().unwrap_or_default().contains(HOST)),
        (409, true)
    );
    let rules: Vec<Value> =
        (0..5).map(|number| json!({ "claim": format!("c{number}"), "value": "v".repeat(900) })).collect();
    let heavy = admin.ask("PUT", "/scopes/fly/claims", None, Some(&json!({ "claims": rules })));
    assert_eq!(heavy.status, 422, "{}", heavy.body);
    admin.ask("DELETE", &at(HOST), None, None);
    assert_eq!(admin.ask("DELETE", "/scopes/fly", None, None).status, 204);
}

#[test]
fn an_entry_has_a_policy_of_its_own_by_rules_that_name_its_url_or_its_host() {
    let world = world();
    let other = "https://other.example.org/client.json";
    serve(&world, other, &json!({}));
    let_in(&world, "other.example.org", &terms());
    let rule = |id: &str, clients: &str, more: Value| {
        let mut rule =
            json!({ "id": id, "description": id, "effect": "allow", "when": { "clients": [clients] } });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    let short = json!({ "limit": { "access_token_lifetime": 60 } });
    let put = |rules: &Value| {
        let policy = json!({ "default": "enforced", "rules": rules, "reason": "A test" });
        let answer = Admin(&world).ask("PUT", "/policy", Some("*"), Some(&policy));
        assert_eq!(answer.status, 200, "{}", answer.body);
    };

    put(&json!([rule("host", "https://other.example.org/*", short)]));
    assert_eq!(outcome(&start(&world, URL)), "unauthorized_client");
    assert_eq!(signed_in(&world, other)["expires_in"], 60);
    put(&json!([rule("document", URL, json!({}))]));
    assert_eq!(outcome(&start(&world, other)), "unauthorized_client");
    assert_eq!(start(&world, URL).status, 200);
}
