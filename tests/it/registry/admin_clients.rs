//! Clients and scopes through the admin API: made, changed, deleted, and what of it a device notices.

use crate::support::admin::{Admin, device};
use crate::support::{World, json, outcome};
use device_grant::secret::Digest;
use serde_json::{Value, json};

fn errors(response: &device_grant::endpoint::http::Response) -> Vec<(String, String)> {
    let body = json(response);
    let errors = body.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |error: &Value, name| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    errors.iter().map(|error| (text(error, "pointer"), text(error, "detail"))).collect()
}

/// Whether a client may start a grant, by the answer.
fn start(world: &World, client_id: &str, secret: Option<&str>) -> String {
    let mut form = vec![("client_id", client_id)];
    form.extend(secret.map(|secret| ("client_secret", secret)));
    outcome(&world.post("/device_authorization", &form))
}

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
            "consent_prompt": "always",
            "dpop_bound_access_tokens": false,
            "tls_client_certificate_bound_access_tokens": false,
            "client_id_issued_at": 1_795_262_400,
            "client_secret_expires_at": 0,
            "changed_at": 1_795_262_400,
            "version": 1,
        })
    );
    assert_eq!(start(&world, "tv/1", Some(&secret)), "issued");
    assert_eq!(start(&world, "tv/1", Some("wrong")), "invalid_client");
}

#[test]
fn a_client_without_an_identifier_is_given_one_that_nobody_guesses() {
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
fn two_clients_cannot_have_one_identifier() {
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
fn an_update_needs_the_tag_of_what_it_updates() {
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
    assert_eq!(put(Some(&tag), "C").status, 412, "somebody was here before");
    assert_eq!(admin.ask("DELETE", "/clients/tv", Some(&tag), None).status, 412);
    assert_eq!(admin.ask("PATCH", "/clients/tv", Some(&tag), Some(&json!({}))).status, 412);
    assert_eq!(json(&admin.get("/clients/tv"))["client_name"], "B");
    assert_eq!(put(Some("*"), "D").status, 200);
    assert_eq!(
        admin.ask("PUT", "/clients/absent", Some("*"), Some(&device("absent", &json!({})))).status,
        404
    );
}

#[test]
fn a_client_that_was_deleted_and_made_again_is_another() {
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
fn what_is_not_sent_in_an_update_is_as_if_it_had_never_been_and_a_patch_keeps_it() {
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
fn what_was_read_can_be_sent_back() {
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
fn a_secret_stays_when_a_client_is_changed_and_is_drawn_when_one_is_needed_first() {
    let world = World::new();
    let admin = Admin(&world);
    let secret = admin
        .created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_basic" })))
        .unwrap();

    let posts = admin.patch("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" }));
    assert_eq!(json(&posts).get("client_secret"), None);
    assert_eq!(start(&world, "tv", Some(&secret)), "issued");

    admin.patch("tv", &json!({ "token_endpoint_auth_method": "none" }));
    let drawn = json(&admin.patch("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" })));
    let drawn = drawn["client_secret"].as_str().unwrap();
    assert_ne!(drawn, secret);
    assert_eq!(
        (start(&world, "tv", Some(drawn)), start(&world, "tv", Some(&secret))),
        ("issued".to_owned(), "invalid_client".to_owned())
    );
}

#[test]
fn an_old_secret_is_good_for_the_overlap_and_no_longer() {
    let world = World::new();
    let admin = Admin(&world);
    let old =
        admin.created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" }))).unwrap();

    let rotated = json(&admin.ask("POST", "/clients/tv/secret", None, Some(&json!({ "overlap": 600 }))));
    let new = rotated["client_secret"].as_str().unwrap();

    assert_eq!(rotated["previous_client_secret_expires_at"], 1_795_262_400 + 600);
    world.wait(599);
    assert_eq!(
        (start(&world, "tv", Some(&old)), start(&world, "tv", Some(new))),
        ("issued".to_owned(), "issued".to_owned())
    );
    world.wait(1);
    assert_eq!(start(&world, "tv", Some(&old)), "invalid_client");
    assert_eq!(start(&world, "tv", Some(new)), "issued");
}

#[test]
fn an_overlap_of_zero_ends_the_old_secret_at_once_and_none_means_a_day() {
    let world = World::new();
    let admin = Admin(&world);
    let first =
        admin.created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" }))).unwrap();
    let second = json(&admin.ask("POST", "/clients/tv/secret", None, None));
    assert_eq!(second["previous_client_secret_expires_at"], 1_795_262_400 + 86_400);
    assert_eq!(start(&world, "tv", Some(&first)), "issued");

    let third = json(&admin.ask("POST", "/clients/tv/secret", None, Some(&json!({ "overlap": 0 }))));

    assert_eq!(third.get("previous_client_secret_expires_at"), None);
    for gone in [&first, second["client_secret"].as_str().unwrap()] {
        assert_eq!(start(&world, "tv", Some(gone)), "invalid_client");
    }
    assert_eq!(start(&world, "tv", third["client_secret"].as_str()), "issued");
}

#[test]
fn only_a_client_with_a_secret_is_given_another() {
    let world = World::new();
    let admin = Admin(&world);
    let rotate = |body: &Value| admin.ask("POST", "/clients/demo-tv/secret", None, Some(body));

    assert_eq!(rotate(&json!({})).status, 409);
    let wrong = rotate(&json!({ "overlap": 2_592_001, "forever": true }));
    assert_eq!(
        errors(&wrong)[0],
        ("/overlap".to_owned(), "overlap is 2592001: it must be a whole number from 0 to 2592000".to_owned())
    );
    assert_eq!(errors(&wrong)[1], ("/forever".to_owned(), "unknown member \"forever\"".to_owned()));
}

#[test]
fn a_client_that_is_disabled_between_approval_and_redemption_gets_nothing() {
    let world = World::new();
    let started = world.approved();

    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "enabled": false })).status, 200);

    world.wait(5);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
}

#[test]
fn a_client_that_is_deleted_gets_nothing_more() {
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
        "they are there at first use"
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
fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let world = World::new();
    let admin = Admin(&world);
    let tv = device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post", "scope": "fly" }));

    let refused = admin.ask("POST", "/clients?dry_run=true", None, Some(&tv));
    assert_eq!(errors(&refused)[0].1, "scope has \"fly\", which nothing describes: describe it first");
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
fn a_scope_needs_words_and_stays_while_a_client_may_have_it() {
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
fn a_standard_scope_is_described_anew_but_not_removed() {
    let world = World::new();
    let admin = Admin(&world);

    let described = admin.ask("PUT", "/scopes/profile", None, Some(&json!({ "description": "Your name" })));
    assert_eq!(json(&described), json!({ "name": "profile", "description": "Your name", "standard": true }));
    assert_eq!(admin.ask("DELETE", "/scopes/profile", None, None).status, 409);
}

#[test]
fn bodies_that_are_not_json_objects_are_refused_exactly() {
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

#[test]
fn everything_that_can_be_registered_is_kept() {
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

#[test]
fn no_answer_holds_the_digest_of_a_secret() {
    let world = World::new();
    let admin = Admin(&world);
    let old =
        admin.created(&device("tv", &json!({ "token_endpoint_auth_method": "client_secret_post" }))).unwrap();
    let new = json(&admin.ask("POST", "/clients/tv/secret", None, None))["client_secret"]
        .as_str()
        .unwrap()
        .to_owned();

    for path in ["/clients", "/clients/tv"] {
        let body = admin.get(path).body;
        for secret in [&old, &new] {
            let digest = device_grant::secret::encode(Digest::of(secret.as_bytes()).bytes());
            assert!(!body.contains(secret) && !body.contains(&digest));
        }
    }
}
