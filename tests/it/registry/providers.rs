//! OpenID Providers through the admin API.

use device_grant::settings::Settings;
use serde_json::{Value, json};

use super::errors;
use crate::support::admin::{Admin, provider};
use crate::support::{ISSUER, World, json};

const OKTA: &str = "/providers/okta";

fn create(world: &World, provider: &Value) -> u16 {
    Admin(world).ask("POST", "/providers", None, Some(provider)).status
}

/// Returns the names of the providers that the sign-in page offers.
fn offered(world: &World) -> Vec<String> {
    world.outline().providers.iter().map(|offer| offer.name.clone()).collect()
}

#[test]
fn a_provider_is_shown_with_its_defaults_and_what_to_enter_there_and_never_with_its_secret() {
    let world = World::new();
    let admin = Admin(&world);

    let created = admin.ask("POST", "/providers", None, Some(&provider("okta", &json!({}))));

    let shown = json(&created);
    assert_eq!(
        shown,
        json!({
            "id": "okta", "name": "Example", "issuer": "https://okta.example.com", "client_id": "device-grant",
            "token_endpoint_auth_method": "client_secret_basic", "id_token_signed_response_alg": "RS256",
            "scope": "email openid profile",
            "claims": { "subject": "sub", "name": "name", "email": "email", "username": "preferred_username", "groups": "groups" },
            "allowed_groups": [], "allowed_email_domains": [], "acr_values": [], "strong_amr": [], "strong_acr": [],
            "end_families_on_logout": false, "enabled": true, "order": 0,
            "created_at": 1_795_262_400, "changed_at": 1_795_262_400, "version": 1,
            "redirect_uri": format!("{ISSUER}/callback/okta"),
            "backchannel_logout_uri": format!("{ISSUER}/backchannel-logout/okta"),
            "security_events_uri": format!("{ISSUER}/security-events/okta"),
        })
    );
    assert_eq!(created.status, 201);
    assert_eq!(created.header("location"), Some(format!("{ISSUER}/admin/api/providers/okta").as_str()));
    let read = admin.get(OKTA);
    assert_eq!((json(&read), read.header("etag")), (shown.clone(), created.header("etag")));
    assert_eq!(json(&admin.get("/providers")), json!({ "providers": [shown] }));
    for other in ["/providers/nobody", "/providers/Nobody"] {
        assert_eq!(admin.get(other).status, 404);
    }
}

#[test]
fn the_stored_secret_is_sealed_and_opens_only_with_the_servers_key() {
    let world = World::new();
    assert_eq!(create(&world, &provider("okta", &json!({}))), 201);

    let stored = world.provider("okta").unwrap();

    let sealed = stored.authentication.secret().unwrap();
    assert!(!serde_json::to_string(&stored).unwrap().contains("s3cret"));
    assert_eq!(sealed.open(&world.settings().keyring).as_deref(), Some("s3cret"));
    let key = ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=");
    let elsewhere: Settings = World::with(&[key]).settings().clone();
    assert_eq!(sealed.open(&elsewhere.keyring), None);
}

#[test]
fn a_secret_stays_until_another_one_is_sent() {
    let world = World::new();
    let admin = Admin(&world);
    assert_eq!(create(&world, &provider("okta", &json!({}))), 201);
    let sealed = || world.provider("okta").unwrap().authentication.secret().cloned();
    let first = sealed();

    let changed =
        |members: Value| json(&admin.ask("PUT", OKTA, Some("*"), Some(&provider("okta", &members))));
    for same in [json!({ "client_secret": null }), json!({ "client_secret": "s3cret" })] {
        assert_eq!(changed(same).get("client_secret_changed"), None);
        assert_eq!(sealed(), first);
    }
    assert_eq!(changed(json!({ "client_secret": "another" }))["client_secret_changed"], true);
    let opened = sealed().unwrap().open(&world.settings().keyring);
    assert_eq!(opened.as_deref(), Some("another"));
    assert_eq!(json(&admin.get(OKTA)).get("client_secret_changed"), None);

    // What no longer needs a secret keeps none.
    let with_key = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    assert_eq!(admin.ask("PATCH", OKTA, Some("*"), Some(&with_key)).status, 200);
    let back = json!({ "token_endpoint_auth_method": "client_secret_post", "token_endpoint_auth_signing_alg": null });
    let refused = admin.ask("PATCH", OKTA, Some("*"), Some(&back));
    assert_eq!(errors(&refused)[0].0, "/client_secret");
}

#[test]
fn an_id_never_changes_its_issuer_or_subject_not_even_after_it_was_deleted() {
    let world = World::new();
    let admin = Admin(&world);
    assert_eq!(create(&world, &provider("okta", &json!({}))), 201);
    let elsewhere = provider("okta", &json!({ "issuer": "https://other.example.com" }));
    let other_subject = provider("okta", &json!({ "claims": { "subject": "oid" } }));

    for other in [&elsewhere, &other_subject] {
        let refused = admin.ask("PUT", OKTA, Some("*"), Some(other));
        assert_eq!(
            (refused.status, json(&refused)["detail"].as_str()),
            (
                409,
                Some(
                    "This id stands for ever for the issuer https://okta.example.com and its claim sub, because accounts carry it: use another id."
                )
            )
        );
    }
    assert_eq!(admin.ask("DELETE", OKTA, Some("*"), None).status, 204);
    assert_eq!((create(&world, &elsewhere), create(&world, &other_subject)), (409, 409));
    assert_eq!(create(&world, &provider("okta", &json!({ "name": "Again" }))), 201);
}

#[test]
fn a_change_of_a_provider_needs_its_current_etag() {
    let world = World::new();
    let admin = Admin(&world);
    assert_eq!(create(&world, &provider("okta", &json!({}))), 201);
    assert_eq!(create(&world, &provider("okta", &json!({}))), 409);
    let first = admin.get(OKTA).header("etag").unwrap().to_owned();
    let patch = |if_match| admin.ask("PATCH", OKTA, if_match, Some(&json!({ "order": 7 })));

    assert_eq!(patch(None).status, 428);
    let changed = patch(Some(&first));
    assert_eq!(
        (changed.status, &json(&changed)["version"], &json(&changed)["order"]),
        (200, &json!(2), &json!(7))
    );
    assert_eq!(patch(Some(&first)).status, 412);
    assert_eq!(admin.ask("DELETE", OKTA, Some(&first), None).status, 412);
    let moved = admin.ask("PUT", OKTA, Some("*"), Some(&provider("other", &json!({}))));
    assert_eq!(errors(&moved)[0].1, "id is \"other\": it cannot be changed from \"okta\"");
    assert_eq!(admin.ask("PATCH", "/providers/nobody", Some("*"), Some(&json!({}))).status, 404);
}

#[test]
fn a_trial_of_a_provider_changes_nothing() {
    let world = World::new();
    let admin = Admin(&world);

    let tried = admin.ask("POST", "/providers?dry_run=true", None, Some(&provider("okta", &json!({}))));
    assert_eq!((tried.status, admin.get(OKTA).status), (200, 404));
    assert_eq!(create(&world, &provider("okta", &json!({}))), 201);
    let off = json!({ "enabled": false, "client_secret": "another" });
    let tried = admin.ask("PATCH", &format!("{OKTA}?dry_run=true"), Some("*"), Some(&off));

    assert_eq!(
        (&json(&tried)["enabled"], &json(&tried)["client_secret_changed"]),
        (&json!(false), &json!(true))
    );
    assert_eq!((json(&admin.get(OKTA))["enabled"].as_bool(), world.changes().len()), (Some(true), 1));
}

#[test]
fn people_are_offered_the_enabled_providers_in_their_order() {
    let world = World::new();
    for (id, name, order, enabled) in
        [("a", "Third", 2, true), ("b", "Second", 1, true), ("c", "Off", 0, false), ("d", "First", 1, true)]
    {
        let members = json!({ "name": name, "order": order, "enabled": enabled });
        assert_eq!(create(&world, &provider(id, &members)), 201);
    }

    assert_eq!(offered(&world), ["First", "Second", "Third"]);
    assert!(!world.snapshot_text().contains("sealed") && !world.snapshot_text().contains("a.example.com"));
}

#[test]
fn a_key_for_the_assertions_of_this_server_is_made_with_the_provider() {
    let world = World::new();
    let algorithms = || {
        let keys = json(&world.get("/jwks.json"));
        keys["keys"].as_array().unwrap().iter().map(|key| key["alg"].clone()).collect::<Vec<_>>()
    };
    assert!(!algorithms().contains(&json!("PS256")));
    let members = json!({
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256",
        "client_secret": null
    });

    assert_eq!(create(&world, &provider("keycloak", &members)), 201);

    assert!(algorithms().contains(&json!("PS256")));
}

#[test]
fn an_operator_hears_that_a_leaver_check_would_check_nobody() {
    let world = World::new();
    let check = |scope| json!({ "recheck_seconds": 3600, "scope": scope });
    let warnings = |members: &Value| {
        let tried =
            Admin(&world).ask("POST", "/providers?dry_run=true", None, Some(&provider("okta", members)));
        json(&tried).get("warnings").cloned()
    };

    assert!(warnings(&check("openid")).unwrap()[0].as_str().unwrap().contains("lacks offline_access"));
    assert_eq!(warnings(&check("openid offline_access")), None);
}

#[test]
fn no_two_providers_have_the_same_scim_token() {
    let world = World::new();
    let token = json!({ "scim_token_sha256": "0f".repeat(32) });
    assert_eq!(create(&world, &provider("okta", &token)), 201);
    assert_eq!(Admin(&world).ask("PATCH", OKTA, Some("*"), Some(&token)).status, 200, "it keeps its own");

    let refused = Admin(&world).ask("POST", "/providers", None, Some(&provider("entra", &token)));
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("provider okta has the same scim_token_sha256"), "{}", refused.body);
    assert_eq!(create(&world, &provider("entra", &json!({}))), 201);
    assert_eq!(Admin(&world).ask("PATCH", "/providers/entra", Some("*"), Some(&token)).status, 409);
}

#[test]
fn no_more_than_fifty_providers_are_stored() {
    let world = World::new();
    for number in 0..50 {
        assert_eq!(create(&world, &provider(&format!("p{number}"), &json!({}))), 201);
    }

    assert_eq!(create(&world, &provider("one-more", &json!({}))), 409);
}

#[test]
fn only_who_may_grant_administration_decides_about_a_provider_of_administrators() {
    let world = World::with(&[("ADMIN_GROUPS", "local:administrators,okta:admins")]);
    let admin = Admin(&world);
    let [plain, mighty] = [("plain", vec!["providers"]), ("mighty", vec!["providers", "tokens"])]
        .map(|(id, scopes)| admin.token(id, &scopes));
    let make = |token: &str, id: &str| {
        admin.ask_as(token, "POST", "/providers", Some(&provider(id, &json!({})))).status
    };

    assert_eq!((make(&plain, "entra"), make(&plain, "okta"), make(&mighty, "okta")), (201, 403, 201));
    let claims = json!({ "claims": { "groups": "roles" } });
    assert_eq!(admin.ask_as(&plain, "PATCH", OKTA, Some(&claims)).status, 403);
    assert_eq!(admin.ask_as(&mighty, "PATCH", OKTA, Some(&claims)).status, 200);
    assert_eq!(admin.ask_as(&plain, "PATCH", "/providers/entra", Some(&claims)).status, 200);
}
