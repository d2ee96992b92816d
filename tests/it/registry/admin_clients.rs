//! Clients through the admin API: created, changed and deleted, and what a device notices.

use serde_json::json;

use super::{errors, start};
use crate::support::admin::{Admin, device};
use crate::support::{World, json, outcome};

#[test]
fn a_client_is_registered_and_shown_with_all_its_members_and_its_secret_once() {
    let world = World::new();
    let admin = Admin(&world);
    let client = json!({ "client_id": "tv/1", "client_name": "TV", "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"] });

    let created = admin.create(&client);

    let body = json(&created);
    let secret = body["client_secret"].as_str().unwrap().to_owned();
    assert_eq!((created.status, secret.len()), (201, 43));
    assert_eq!(created.header("location"), Some("http://127.0.0.1:8787/admin/api/clients/tv%2F1"));
    assert_eq!(created.header("etag"), Some("\"1795262400000.1\""));
    let read = admin.get("/clients/tv%2F1");
    let mut shown = body;
    shown.as_object_mut().unwrap().remove("client_secret");
    assert_eq!((json(&read), read.header("etag")), (shown.clone(), created.header("etag")));
    assert_eq!(
        shown,
        json!({
            "client_id": "tv/1",
            "client_name": "TV",
            "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
            "scope": "openid",
            "token_endpoint_auth_method": "client_secret_basic",
            "id_token_signed_response_alg": "RS256",
            "access_token_signed_response_alg": "ES256",
            "access_token_format": "jwt",
            "enabled": true,
            "user_code_type": "configured",
            "verification_uri_complete": true,
            "redemption_place": "any",
            "consent_prompt": "always",
            "dpop_bound_access_tokens": false,
            "tls_client_certificate_bound_access_tokens": false,
            "client_id_issued_at": 1_795_262_400,
            "client_secret_expires_at": 0,
            "changed_at": 1_795_262_400,
            "version": 1,
            "registered_by": "operator",
        })
    );
    assert_eq!(start(&world, "tv/1", Some(&secret)), "issued");
    assert_eq!(start(&world, "tv/1", Some("wrong")), "invalid_client");
}

#[test]
fn a_client_without_a_client_id_gets_a_random_one() {
    let world = World::new();
    let client = json!({ "client_name": "TV", "token_endpoint_auth_method": "none" });

    let [first, second] = [(); 2].map(|()| json(&Admin(&world).create(&client))["client_id"].clone());

    assert_eq!(first.as_str().map(str::len), Some(22));
    assert_ne!(first, second);
}

#[test]
fn the_device_grant_is_off_for_a_client_until_it_is_listed() {
    let world = World::new();
    let admin = Admin(&world);
    admin.created(&json!({ "client_id": "tv", "client_name": "TV", "token_endpoint_auth_method": "none" }));

    assert_eq!(start(&world, "tv", None), "unauthorized_client");
    let grants = json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"] });
    assert_eq!(admin.patch("tv", &grants).status, 200);
    assert_eq!(start(&world, "tv", None), "issued");
}

#[test]
fn two_clients_cannot_have_the_same_client_id() {
    let world = World::new();
    let admin = Admin(&world);

    let response = admin.create(&device("demo-tv", &json!({})));

    assert_eq!(
        (response.status, json(&response)["detail"].as_str()),
        (409, Some("A client with this client_id already exists."))
    );
    assert_eq!(json(&admin.get("/clients/demo-tv"))["client_name"], "Demo TV");
}

#[test]
fn an_update_needs_the_current_etag() {
    let world = World::new();
    let admin = Admin(&world);
    admin.created(&device("tv", &json!({})));
    let tag = admin.get("/clients/tv").header("etag").unwrap().to_owned();
    let named = |name: &str| device("tv", &json!({ "client_name": name }));
    let put = |if_match, name| admin.ask("PUT", "/clients/tv", if_match, Some(&named(name)));

    assert_eq!(put(None, "A").status, 428);
    assert_eq!(admin.ask("DELETE", "/clients/tv", None, None).status, 428);
    let first = put(Some(&tag), "B");
    assert_eq!((first.status, json(&first)["version"].as_u64()), (200, Some(2)));
    assert_eq!(put(Some(&tag), "C").status, 412, "the client has changed since");
    assert_eq!(admin.ask("DELETE", "/clients/tv", Some(&tag), None).status, 412);
    assert_eq!(admin.ask("PATCH", "/clients/tv", Some(&tag), Some(&json!({}))).status, 412);
    assert_eq!(json(&admin.get("/clients/tv"))["client_name"], "B");
    for malformed in ["", " ", "5.2"] {
        let rotated = admin.ask("POST", "/clients/tv/secret", Some(malformed), Some(&json!({})));
        for refused in [put(Some(malformed), "C"), rotated] {
            let pointers: Vec<String> = errors(&refused).into_iter().map(|(pointer, _)| pointer).collect();
            assert_eq!((refused.status, pointers), (422, vec!["/If-Match".to_owned()]), "{malformed:?}");
        }
    }
    assert_eq!(put(Some("*"), "D").status, 200);
    assert_eq!(
        admin.ask("PUT", "/clients/absent", Some("*"), Some(&device("absent", &json!({})))).status,
        404
    );
}

#[test]
fn keys_that_are_refused_are_not_called_missing_as_well() {
    let world = World::new();
    for method in ["private_key_jwt", "self_signed_tls_client_auth"] {
        for (member, bad) in [("jwks", json!({ "keys": 7 })), ("jwks_uri", json!("http://keys.example/jwks"))]
        {
            let members = json!({ "token_endpoint_auth_method": method, member: bad });
            let errors = errors(&Admin(&world).create(&device("tv", &members)));
            assert_eq!(errors.len(), 1, "{method}: {errors:?}");
            assert!(errors[0].0.starts_with(&format!("/{member}")), "{errors:?}");
        }
    }
}

#[test]
fn in_a_full_registry_a_client_can_change_but_not_grow() {
    let world = World::new();
    let admin = Admin(&world);
    admin.created(&device("tv", &json!({ "client_name": "Device" })));
    world.multiply_client("tv", 5_000);
    let named = |name: &str| admin.patch("tv", &json!({ "client_name": name })).status;

    assert_eq!(named("Devices"), 409);
    assert_eq!((named("Player"), named("TV")), (200, 200));
}

#[test]
fn a_client_that_was_deleted_and_created_again_has_another_etag() {
    let world = World::new();
    let admin = Admin(&world);
    admin.created(&device("tv", &json!({})));
    let tag = admin.get("/clients/tv").header("etag").unwrap().to_owned();
    world.wait(1);

    assert_eq!(admin.ask("DELETE", "/clients/tv", Some(&tag), None).status, 204);
    assert_eq!(admin.get("/clients/tv").status, 404);
    assert_eq!(start(&world, "tv", None), "invalid_client");
    admin.created(&device("tv", &json!({})));

    assert_eq!(admin.ask("DELETE", "/clients/tv", Some(&tag), None).status, 412);
}

#[test]
fn a_put_removes_the_members_it_does_not_send_and_a_patch_keeps_them() {
    let world = World::new();
    let admin = Admin(&world);
    admin.created(&device(
        "tv",
        &json!({ "owner": "Team TV", "code_lifetime": 600, "contacts": ["tv@example.com"] }),
    ));

    let patched = json(&admin.patch("tv", &json!({ "code_lifetime": null, "client_name": "New" })));
    assert_eq!((&patched["owner"], patched.get("code_lifetime")), (&json!("Team TV"), None));

    let replaced = admin.ask("PUT", "/clients/tv", Some("*"), Some(&device("tv", &json!({}))));
    assert_eq!((json(&replaced).get("owner"), json(&replaced).get("contacts")), (None, None));
}

#[test]
fn a_client_can_be_sent_back_as_it_was_read() {
    let world = World::new();
    let admin = Admin(&world);
    admin.created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" })));
    let read = admin.get("/clients/tv");

    let replaced = admin.ask("PUT", "/clients/tv", read.header("etag"), Some(&json(&read)));

    assert_eq!(replaced.status, 200, "{}", replaced.body);
    let mut expected = json(&read);
    expected["version"] = json!(2);
    assert_eq!(json(&replaced), expected);
}

#[test]
fn a_client_disabled_between_approval_and_redemption_gets_nothing() {
    let world = World::new();
    let started = world.approved();

    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "enabled": false })).status, 200);

    world.wait(5);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
}

#[test]
fn a_deleted_client_refreshes_nothing() {
    let world = World::new();
    let started = world.approved();
    world.wait(5);
    let tokens = json(&world.poll(&started.device_code));

    assert_eq!(Admin(&world).ask("DELETE", "/clients/demo-tv", Some("*"), None).status, 204);

    assert_eq!(outcome(&world.refresh(tokens["refresh_token"].as_str().unwrap())), "invalid_client");
}

#[test]
fn a_demo_client_that_was_deleted_or_changed_does_not_come_back() {
    let world = World::new();
    let admin = Admin(&world);
    assert_eq!(
        json(&admin.get("/clients"))["clients"].as_array().map(Vec::len),
        Some(2),
        "both exist from the first use on"
    );

    admin.ask("DELETE", "/clients/demo-tv", Some("*"), None);
    admin.patch("demo-printer", &json!({ "client_name": "Mine" }));
    let world = world.restarted(&[]);
    world.wait(3_600);

    assert_eq!(start(&world, "demo-tv", None), "invalid_client");
    let clients = json(&Admin(&world).get("/clients"))["clients"].clone();
    assert_eq!((clients.as_array().map(Vec::len), &clients[0]["client_name"]), (Some(1), &json!("Mine")));
}

#[test]
fn every_member_of_a_client_is_kept() {
    let world = World::new();
    let admin = Admin(&world);
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": device_grant::secret::encode(&[1; 32]) });
    let client = json!({
        "client_id": "tv",
        "client_name": "TV",
        "client_uri": "https://tv.example",
        "logo_uri": "https://tv.example/logo.png",
        "policy_uri": "https://tv.example/policy",
        "tos_uri": "https://tv.example/tos",
        "contacts": ["tv@example.com"],
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        "scope": "openid profile",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key] },
        "id_token_signed_response_alg": "PS256",
        "access_token_signed_response_alg": "EdDSA",
        "userinfo_signed_response_alg": "ES256",
        "dpop_bound_access_tokens": true,
        "tls_client_certificate_bound_access_tokens": true,
        "enabled": false,
        "owner": "Team TV",
        "access_token_format": "opaque",
        "audience": ["https://api.tv.example"],
        "code_lifetime": 600,
        "access_token_lifetime": 120,
        "id_token_lifetime": 130,
        "refresh_token_idle_lifetime": 140,
        "refresh_token_lifetime": 150,
        "polling_interval": 7,
        "user_code_type": "digits",
        "verification_uri_complete": false,
        "consent_text": "Your TV will show your photos.",
        "consent_prompt": "always",
    });

    let created = admin.create(&client);

    assert_eq!(created.status, 201, "{}", created.body);
    let read = json(&admin.get("/clients/tv"));
    for (name, value) in client.as_object().unwrap() {
        assert_eq!(read.get(name), Some(value), "{name}");
    }
}
