//! Open registration: anybody may register a public client, within limits that leave everybody else alone.

use device_grant::endpoint::http::{Request, Response};
use device_grant::registry::quota::MOST_OPEN_BYTES;
use serde_json::{Value, json};

use super::text;
use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, get, json, outcome};

/// SHA-256 of the token `test`, in hex.
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const DAY: u64 = 86_400;
/// Open registration, with scopes of its own.
const OPEN: [(&str, &str); 2] =
    [("OPEN_REGISTRATION", "true"), ("OPEN_REGISTRATION_SCOPES", "openid offline_access")];

fn register(world: &World, address: &str, token: Option<&str>, metadata: &Value) -> Response {
    world.send(&Request {
        method: "POST".to_owned(),
        path: "/register".to_owned(),
        address: Some(address.to_owned()),
        authorization: token.map(|token| format!("Bearer {token}")),
        content_type: Some("application/json".to_owned()),
        body: Some(metadata.to_string().into_bytes()),
        ..get()
    })
}

fn tv() -> Value {
    json!({ "client_name": "TV", "grant_types": [GRANT, "refresh_token"] })
}

/// Registers a client that must be accepted, and returns its identifier.
fn registered(world: &World) -> String {
    let response = register(world, "203.0.113.1", None, &tv());
    assert_eq!(response.status, 201, "{}", response.body);
    text(&json(&response), "client_id")
}

/// Signs alice in at the client, and returns the tokens.
fn sign_in(world: &World, client_id: &str) -> Value {
    let started = world.start_with(&[("client_id", client_id), ("scope", "openid offline_access")]);
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("client_id", client_id), ("device_code", &started.device_code)];
    let response = world.post("/token", &poll);
    assert_eq!(response.status, 200, "{}", response.body);
    json(&response)
}

fn refresh(world: &World, client_id: &str, tokens: &Value) -> Response {
    let refresh_token = &*text(tokens, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", refresh_token)];
    world.post("/token", &form)
}

fn last_used_at(world: &World, client_id: &str) -> Option<u64> {
    json(&Admin(world).get(&format!("/clients/{client_id}"))).get("last_used_at")?.as_u64()
}

#[test]
fn open_registration_is_off_unless_it_is_turned_on() {
    let with_token = World::with(&[("INITIAL_ACCESS_TOKEN_SHA256", DIGEST)]);
    assert_eq!(register(&with_token, "203.0.113.1", None, &tv()).status, 401);
    assert_eq!(register(&World::new(), "203.0.113.1", None, &tv()).status, 404);

    let open = World::with(&OPEN);
    let metadata = json(&open.get("/.well-known/oauth-authorization-server"));
    assert_eq!(metadata["registration_endpoint"], "http://127.0.0.1:8787/register");
    assert_eq!(register(&open, "203.0.113.1", None, &tv()).status, 201);
    assert_eq!(register(&open, "203.0.113.1", Some("test"), &tv()).status, 201, "no token could be right");
}

#[test]
fn anybody_registers_a_public_client_with_few_scopes_and_nothing_to_show_but_a_name() {
    let world = World::with(&[&OPEN[..], &[("REGISTRATION_AUDIENCE", "https://mcp.example/mcp")]].concat());
    let wanted = json!({
        "client_name": "TV",
        "grant_types": [GRANT],
        "scope": "openid email profile",
        "token_endpoint_auth_method": "client_secret_basic",
        "jwks_uri": "https://evil.example/keys",
        "client_uri": "https://evil.example",
        "policy_uri": "https://evil.example/policy",
        "tos_uri": "https://evil.example/tos",
        "logo_uri": "https://evil.example/logo.png",
        "contacts": ["a@evil.example"],
        "consent_text": "This is your bank.",
        "owner": "TV team",
        "audience": ["https://api.example"],
        "registered_by": "operator",
    });

    let body = json(&register(&world, "203.0.113.1", None, &wanted));

    assert_eq!((&body["token_endpoint_auth_method"], &body["scope"]), (&json!("none"), &json!("openid")));
    assert_eq!(body["audience"], json!(["https://mcp.example/mcp"]));
    let stored = json(&Admin(&world).get(&format!("/clients/{}", body["client_id"].as_str().unwrap())));
    assert_eq!((&stored["registered_by"], &stored["owner"]), (&json!("anyone"), &json!("open registration")));
    assert!(!stored.to_string().contains("evil.example") && !body.to_string().contains("evil.example"));
    for name in ["client_secret", "consent_text", "jwks_uri"] {
        assert_eq!((body.get(name), stored.get(name)), (None, None), "{name}");
    }
}

#[test]
fn the_consent_page_says_that_nobody_checked_the_app() {
    let world = World::with(&OPEN);
    let page = |client_id: &str| {
        let started = world.start_with(&[("client_id", client_id)]);
        Person::of(&world).enter_as("alice", "wonderland-8787", &started.user_code).body
    };

    assert!(page(&registered(&world)).contains("Nobody here has checked this app."));
    let known = page("demo-tv");
    assert!(known.contains("Let <bdi") && !known.contains("Nobody here has checked"));
}

#[test]
fn a_token_still_registers_on_its_own_terms_and_a_wrong_one_is_refused() {
    let both =
        [&OPEN[..], &[("INITIAL_ACCESS_TOKEN_SHA256", DIGEST), ("REGISTRATION_SCOPES", "openid email")]];
    let world = World::with(&both.concat());

    let trusted = json(&register(&world, "203.0.113.1", Some("test"), &tv()));
    assert_eq!(trusted["scope"], "email openid");
    assert!(trusted["client_secret"].is_string());
    assert_eq!(register(&world, "203.0.113.1", Some("wrong"), &tv()).status, 401);
    assert_eq!(json(&register(&world, "203.0.113.1", None, &tv()))["scope"], "offline_access openid");
}

#[test]
fn strangers_use_up_neither_the_attempts_nor_the_room_of_anybody_else() {
    let world = World::with(&[&OPEN[..], &[("INITIAL_ACCESS_TOKEN_SHA256", DIGEST)]].concat());
    let from = |network: usize| register(&world, &format!("203.0.{network}.1"), None, &tv());

    (0..10).for_each(|_| assert_eq!(from(1).status, 201));
    let refused = from(1);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("3600")), "one network");
    let of_network =
        "Too many clients have registered from this network (/32) within an hour; try again in 3600 seconds.";
    assert_eq!(json(&refused)["error_description"], of_network);
    for network in 2..=10 {
        (0..10).for_each(|_| assert_eq!(from(network).status, 201));
    }
    let refused = from(11);
    assert_eq!(refused.status, 429, "all networks together");
    let in_all =
        "Too many clients have registered without a token within an hour; try again in 3600 seconds.";
    assert_eq!(json(&refused)["error_description"], in_all);
    assert_eq!(register(&world, "203.0.113.1", Some("test"), &tv()).status, 201, "the token is not affected");

    world.wait(3_600);
    let used = registered(&world);
    sign_in(&world, &used);
    world.multiply_client(&used, 500);
    let full = register(&world, "203.0.113.2", None, &tv());
    assert_eq!(
        (full.status, &json(&full)["error_description"]),
        (503, &json!("There is no room for more clients."))
    );
    assert_eq!(register(&world, "203.0.113.1", Some("test"), &tv()).status, 201);
    assert_eq!(Admin(&world).create(&json!({ "client_name": "TV" })).status, 201);
}

#[test]
fn clients_that_nobody_has_used_make_room_after_an_hour_and_used_ones_never() {
    let world = World::with(&OPEN);
    let used = registered(&world);
    sign_in(&world, &used);
    let oldest = registered(&world);
    world.wait(60);
    let second = registered(&world);
    world.multiply_client(&used, 500 - 3);
    let attempt = || register(&world, "203.0.113.2", None, &tv()).status;
    let is_there = |client_id: &str| Admin(&world).get(&format!("/clients/{client_id}")).status == 200;

    world.wait(3_600 - 61);
    assert_eq!(attempt(), 503, "nobody is deleted in the first hour");
    world.wait(1);
    assert_eq!((attempt(), attempt()), (201, 503), "one is older than an hour");
    assert_eq!((is_there(&oldest), is_there(&second), is_there(&used)), (false, true, true));
    world.wait(60);
    assert_eq!((attempt(), is_there(&second)), (201, false));
    world.wait(3_600);
    assert_eq!((attempt(), attempt(), attempt()), (201, 201, 503), "only clients that were used are left");

    assert_eq!((world.open_clients().clients, is_there(&used), world.removed_clients()), (500, true, 0));
    let deleted = |client_id: &str| {
        world
            .changes()
            .into_iter()
            .find(|change| change["what"] == "client_deleted" && change["subject"] == client_id)
    };
    assert_eq!(deleted(&oldest).unwrap()["by"], "registration");
    assert_eq!((deleted(&second).is_some(), deleted(&used)), (true, None));
}

#[test]
fn as_many_unused_clients_leave_as_a_large_one_needs_and_never_for_others() {
    let resources = |length: usize| format!("https://a.example/{}", "x".repeat(length));
    let world = World::with(
        &[&OPEN[..], &[("REGISTRATION_AUDIENCE", &resources(480)), ("INITIAL_ACCESS_TOKEN_SHA256", DIGEST)]]
            .concat(),
    );
    let large = json!({
        "client_name": "📺".repeat(100),
        "grant_types": [GRANT, "refresh_token"],
        "redirect_uris": (0..10).map(|number| format!("https://a.example/{number}{}", "x".repeat(493))).collect::<Vec<_>>(),
    });
    let kept = text(&json(&register(&world, "203.0.113.1", None, &large)), "client_id");
    sign_in(&world, &kept);
    let of_large = world.open_clients().bytes;
    let before = world.open_clients();
    let small = registered(&world);
    let of_small = world.open_clients().bytes - before.bytes;
    world.multiply_client(&small, 39);
    let room = |world: &World| MOST_OPEN_BYTES - world.open_clients().bytes;
    world.multiply_client(&kept, room(&world) / (of_large + 10));
    world.wait(3_600);
    let full = world.open_clients();
    assert!(room(&world) < of_large && full.clients < 400, "{full:?}");

    assert_eq!(register(&world, "203.0.113.1", Some("test"), &tv()).status, 201);
    assert_eq!(world.open_clients(), full, "a client with a token takes nobody's place");
    world.multiply_client("demo-tv", 5_000);
    assert_eq!(Admin(&world).create(&tv()).status, 409, "nor does one of an operator");
    assert_eq!(world.open_clients(), full);
    assert_eq!(register(&world, "203.0.113.1", None, &large).status, 201);

    let after = world.open_clients();
    let gone = full.clients + 1 - after.clients;
    assert!(
        after.bytes <= MOST_OPEN_BYTES && after.bytes + of_small > MOST_OPEN_BYTES,
        "{after:?}, {gone} left"
    );
    assert!((2..=32).contains(&gone), "{gone} left");
}

#[test]
fn a_client_that_is_not_used_for_thirty_days_is_gone_without_a_trace() {
    let world = World::with(&OPEN);
    let (unused, used) = (registered(&world), registered(&world));
    let start = |client_id: &str| outcome(&world.post("/device_authorization", &[("client_id", client_id)]));

    world.wait(29 * DAY);
    assert_eq!(start(&unused), "issued", "starting alone is not a use");
    sign_in(&world, &used);
    world.wait(DAY);

    assert_eq!((start(&unused).as_str(), start(&used).as_str()), ("invalid_client", "issued"));
    assert_eq!(Admin(&world).get(&format!("/clients/{unused}")).status, 404);
    assert_eq!(
        (world.sweep_registry(), world.sweep_registry()),
        (true, false),
        "one batch, then nothing is left to do"
    );
    assert_eq!(world.removed_clients(), 0, "strangers cannot fill that table");
    world.wait(29 * DAY);
    assert_eq!(start(&used), "invalid_client", "thirty days after its use");
}

#[test]
fn the_use_of_a_client_is_written_at_most_once_a_day_and_is_not_a_change() {
    let world = World::with(&OPEN);
    let client_id = registered(&world);
    let etag = || Admin(&world).get(&format!("/clients/{client_id}")).header("etag").map(str::to_owned);
    let (stamps, before) = (|| world.stamps(), etag());
    assert_eq!(last_used_at(&world, &client_id), None);

    let mut tokens = sign_in(&world, &client_id);
    let first = last_used_at(&world, &client_id);
    assert_eq!((first, stamps()), (Some(world.now().seconds()), 1));
    for _ in 0..5 {
        world.wait(3_600);
        tokens = json(&refresh(&world, &client_id, &tokens));
    }
    assert_eq!((last_used_at(&world, &client_id), stamps()), (first, 1));
    world.wait(DAY);
    assert_eq!(outcome(&refresh(&world, &client_id, &tokens)), "issued");
    assert_eq!((last_used_at(&world, &client_id), stamps()), (Some(world.now().seconds()), 2));
    assert_eq!(etag(), before);

    Admin(&world).patch(&client_id, &json!({ "client_name": "Set" }));
    assert_eq!(last_used_at(&world, &client_id), Some(world.now().seconds()), "a change keeps it");
    assert_eq!(json(&Admin(&world).get(&format!("/clients/{client_id}")))["registered_by"], "anyone");
}

#[test]
fn only_redemptions_and_refreshes_of_these_clients_are_noted() {
    let world = World::with(&OPEN);
    let client_id = registered(&world);
    let started = world.start_with(&[("client_id", &client_id)]);
    let poll =
        [("grant_type", DEVICE_CODE), ("client_id", &*client_id), ("device_code", &started.device_code)];

    assert_eq!(outcome(&world.post("/token", &poll)), "authorization_pending");
    let approved = world.approved();
    assert_eq!(world.poll_outcome(&approved.device_code), "issued");

    assert_eq!((last_used_at(&world, &client_id), last_used_at(&world, "demo-tv")), (None, None));
}

#[test]
fn a_client_that_registers_itself_is_marked_with_and_without_a_token() {
    let world = World::with(&[&OPEN[..], &[("INITIAL_ACCESS_TOKEN_SHA256", DIGEST)]].concat());
    let mark = "Nobody here has checked this app.";
    for token in [None, Some("test")] {
        let metadata =
            json!({ "client_name": "TV", "grant_types": [GRANT], "token_endpoint_auth_method": "none" });
        let client_id = text(&json(&register(&world, "203.0.113.1", token, &metadata)), "client_id");
        let started = world.start_with(&[("client_id", &client_id)]);
        let consent = Person::of(&world).enter_as("alice", "wonderland-8787", &started.user_code);
        assert!(consent.body.contains(mark), "{token:?}: {}", consent.body);
    }
    let consent = Person::of(&world).enter_as("alice", "wonderland-8787", &world.start().user_code);
    assert!(consent.body.contains("Demo TV") && !consent.body.contains(mark), "an operator's client");
}

#[test]
fn a_client_that_registers_itself_neither_speaks_for_the_service_nor_imitates_a_client() {
    let world = World::with(&[&OPEN[..], &[("INITIAL_ACCESS_TOKEN_SHA256", DIGEST)]].concat());
    for (name, why) in [
        ("Demo TV", "looks like the name of another client"),
        ("demo-tv", "looks like the name of another client"),
        ("Dеmo ТV", "looks like the name of another client"),
        ("Example Support", "must not contain 'support'"),
        ("0fficial app", "must not contain 'official'"),
        ("Device Sign-In", "must not contain 'sign in'"),
        ("127.0.0.1", "must not contain '127.0.0.1'"),
    ] {
        for token in [None, Some("test")] {
            let response = register(
                &world,
                "203.0.113.1",
                token,
                &json!({ "client_name": name, "grant_types": [GRANT] }),
            );

            let body = json(&response);
            assert_eq!(
                (response.status, text(&body, "error")),
                (400, "invalid_client_metadata".to_owned()),
                "{name}"
            );
            assert!(text(&body, "error_description").contains(why), "{body}");
        }
        world.server.platform.reset_counters("open-registration");
    }
    let response =
        register(&world, "203.0.113.1", None, &json!({ "client_name": "Demo TV 2", "grant_types": [GRANT] }));
    assert_eq!(response.status, 201, "{}", response.body);
    Admin(&world).created(&json!({ "client_name": "Official Support" }));
}
