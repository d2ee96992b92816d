//! Instant completion: who may hold a WebSocket open, and when it says "ask now".

use device_grant::endpoint::http::{Request, Response};
use device_grant::grant::instant::Parting;
use serde_json::Value;

use super::{ALICE, BOB, enter};
use crate::support::admin::{Admin, list_origin};
use crate::support::dpop::Key;
use crate::support::{Started, World, get, json, outcome, post};

const MEMBER: &str = "devicegrant_instant_uri";
const PAGE: &str = "https://app.example";

/// Returns the request of a device that opens a WebSocket.
fn upgrade(client_id: &str, device_code: &str) -> Request {
    Request {
        path: "/instant".to_owned(),
        query: format!("client_id={client_id}"),
        upgrade: Some("websocket".to_owned()),
        authorization: Some(format!("DeviceCode {device_code}")),
        address: Some("192.0.2.7".to_owned()),
        ..get()
    }
}

/// Opens a WebSocket as `demo-tv`.
fn open(world: &World, started: &Started) -> Response {
    world.send(&upgrade("demo-tv", &started.device_code))
}

fn description(response: &Response) -> String {
    json(response).get("error_description").and_then(Value::as_str).expect("a description").to_owned()
}

#[test]
fn the_address_is_in_the_metadata_and_with_the_client_in_the_answer_to_a_device() {
    let world = World::new();

    let metadata = json(&world.get("/.well-known/openid-configuration"));
    let answer = world.start().answer;

    assert_eq!(metadata[MEMBER], "ws://127.0.0.1:8787/instant");
    assert_eq!(answer[MEMBER], "ws://127.0.0.1:8787/instant?client_id=demo-tv");
    assert!(!answer[MEMBER].as_str().unwrap().contains(answer["device_code"].as_str().unwrap()));
    let secure = World::with(&[("ISSUER", "https://localhost:8787/tenant")]);
    let metadata = secure.send(&Request {
        path: "/tenant/.well-known/openid-configuration".to_owned(),
        host: "localhost:8787".to_owned(),
        secure: true,
        ..get()
    });
    assert_eq!(json(&metadata)[MEMBER], "wss://localhost:8787/tenant/instant");
}

#[test]
fn the_setting_0_turns_it_off_everywhere() {
    let world = World::with(&[("INSTANT_SOCKETS_PER_SHARD", "0")]);
    let started = world.start();

    assert_eq!(started.answer.get(MEMBER), None);
    assert_eq!(json(&world.get("/.well-known/openid-configuration")).get(MEMBER), None);
    assert_eq!(open(&world, &started).status, 404);
}

#[test]
fn every_decision_says_ask_now_once_and_the_device_may_ask_at_once() {
    for (decision, expected) in
        [("approve", "issued"), ("deny", "access_denied"), ("report", "access_denied")]
    {
        let world = World::new();
        let started = world.start();
        let opened = open(&world, &started);
        assert_eq!((opened.status, opened.socket.is_some()), (101, true), "{}", opened.body);
        assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
        let person = enter(&world, ALICE, &started.user_code);
        assert_eq!(world.sockets(), (1, Vec::new()), "nobody has decided");

        person.decide(decision);

        assert_eq!(world.sockets(), (0, vec![Parting::AskNow]));
        assert_eq!(world.poll_outcome(&started.device_code), expected, "no slow_down");
    }
}

#[test]
fn a_contested_code_and_one_that_an_operator_ends_say_so_too() {
    let world = World::with(&[("SHARDS_PER_REGION", "1")]);
    let started = world.start();
    open(&world, &started);
    enter(&world, ALICE, &started.user_code);

    enter(&world, BOB, &started.user_code);

    assert_eq!(world.sockets(), (0, vec![Parting::AskNow]));
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");

    let other = world.start();
    open(&world, &other);
    let listed = json(&Admin(&world).get("/grants"));
    let id = listed["grants"][0]["id"].as_str().unwrap();
    assert_eq!(Admin(&world).ask("DELETE", &format!("/grants/{id}"), None, None).status, 204);
    assert_eq!(world.sockets(), (0, vec![Parting::AskNow; 2]));
}

#[test]
fn a_code_that_was_not_issued_here_to_this_client_gets_401_and_reaches_no_object() {
    let world = World::new();
    let started = world.start();
    world.cost();
    let with = |authorization: Option<&str>| Request {
        authorization: authorization.map(str::to_owned),
        ..upgrade("demo-tv", "")
    };
    let bearer = format!("Bearer {}", started.device_code);

    for (request, reason) in [
        (upgrade("demo-tv", &format!("{}A", started.device_code)), "forged_device_code"),
        (upgrade("demo-tv", "made-up"), "forged_device_code"),
        (upgrade("demo-printer", &started.device_code), "forged_device_code"),
        (with(None), "no_device_code"),
        (with(Some("DeviceCode")), "no_device_code"),
        (with(Some(&bearer)), "no_device_code"),
    ] {
        let refused = world.send(&request);

        assert_eq!((refused.status, refused.decisions[0].reason), (401, reason));
        assert_eq!(refused.header("www-authenticate"), Some("DeviceCode realm=\"device-grant\""));
        assert_eq!(refused.decisions[0].client, None, "nobody has proven to be the client");
    }
    let nameless = world.send(&Request { query: String::new(), ..upgrade("", &started.device_code) });
    assert_eq!(
        (nameless.status, description(&nameless).as_str()),
        (400, "The parameter client_id is missing.")
    );
    world.wait(300);
    assert_eq!(outcome(&open(&world, &started)), "expired_token");
    assert_eq!((world.cost().grant_hops, world.sockets().0), (0, 0));
}

#[test]
fn the_scheme_is_read_in_any_case_and_anything_but_a_web_socket_is_told_to_be_one() {
    let world = World::new();
    let started = world.start();
    let lower = format!("devicecode {}", started.device_code);
    let plain = |upgrade| Request { upgrade, ..self::upgrade("demo-tv", &started.device_code) };

    for other in [None, Some("h2c".to_owned())] {
        let refused = world.send(&plain(other));
        assert_eq!((refused.status, refused.header("upgrade")), (426, Some("websocket")));
    }
    let posted = world.send(&Request { body: None, ..post("/instant", &[]) });
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET")));
    let request = Request { authorization: Some(lower), ..plain(Some("WebSocket".to_owned())) };
    assert_eq!(world.send(&request).status, 101);
}

#[test]
fn an_upgrade_costs_one_hop_and_writes_nothing_and_so_does_polling_beside_it() {
    let world = World::new();
    let started = world.start();
    world.cost();

    open(&world, &started);

    let cost = world.cost();
    assert_eq!((cost.grant_hops, cost.grant_writes, cost.limit_hops), (1, 0, 0));
    world.poll(&started.device_code);
    let cost = world.cost();
    assert_eq!((cost.grant_hops, cost.grant_writes), (1, 0));
    assert_eq!(world.sockets().0, 1, "polls do not end it");
}

#[test]
fn a_page_opens_a_web_socket_only_if_the_client_lists_its_origin() {
    let world = World::new();
    list_origin(&world, "demo-tv", PAGE);
    let (mine, other) = (world.start(), world.start());
    let from = |origin: Option<&str>, site: Option<&str>, started: &Started| {
        let (origin, sec_fetch_site) = (origin.map(str::to_owned), site.map(str::to_owned));
        world.send(&Request { origin, sec_fetch_site, ..upgrade("demo-tv", &started.device_code) })
    };
    world.cost();

    for (origin, site) in [
        (Some("https://evil.example"), None),
        (Some("null"), Some("cross-site")),
        (None, Some("same-origin")),
    ] {
        let refused = from(origin, site, &other);
        assert_eq!((refused.status, refused.decisions[0].reason), (400, "foreign_page"));
    }
    assert_eq!(world.cost().grant_hops, 0);
    assert_eq!(from(Some(PAGE), Some("cross-site"), &mine).status, 101);
}

#[test]
fn upgrades_pass_the_rate_limit_of_their_client_network_and_shard_before_any_object() {
    let world = World::new();
    let started = world.start();
    world.cost();
    let [shard] = &world.server.platform.shard_names()[..] else { panic!("one code has one shard") };
    let key = world.rate_key(&format!("instant/demo-tv/{shard}"), "192.0.2.7");
    world.server.platform.full.borrow_mut().insert(key);

    let refused = open(&world, &started);

    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert_eq!(
        description(&refused),
        "Too many connections by this client from this network; try again in 60 seconds."
    );
    assert_eq!(world.cost().grant_hops, 0);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending", "polling goes on");
}

#[test]
fn a_code_that_is_bound_to_a_key_needs_a_proof_of_that_key() {
    let (world, key, thief) = (World::new(), Key::new(1), Key::new(2));
    let answer = json(&key.post(&world, "/device_authorization", &[("client_id", "demo-tv")]));
    let device_code = answer["device_code"].as_str().unwrap();
    let with =
        |proof: Option<String>| world.send(&Request { dpop: proof, ..upgrade("demo-tv", device_code) });
    let proof = |key: &Key, method: &str| Some(key.sign(&key.parts(&world, method, "/instant")));

    for proof in [None, proof(&thief, "GET")] {
        let refused = with(proof);
        assert_eq!((refused.status, refused.decisions[0].reason), (401, "device_code_without_key"));
    }
    assert_eq!(outcome(&with(proof(&key, "POST"))), "invalid_dpop_proof");
    let opened = with(proof(&key, "GET"));
    assert_eq!((opened.status, opened.header("dpop-nonce").is_some()), (101, true));
}

#[test]
fn a_newer_web_socket_replaces_the_older_one_but_not_at_once() {
    let world = World::new();
    let started = world.start();
    assert_eq!(open(&world, &started).status, 101);

    let early = open(&world, &started);
    assert_eq!((early.status, early.header("retry-after")), (429, Some("5")));
    assert_eq!(world.sockets(), (1, Vec::new()));
    world.wait(5);

    assert_eq!(open(&world, &started).status, 101);
    assert_eq!(world.sockets(), (1, vec![Parting::Replaced]));
    enter(&world, ALICE, &started.user_code).decide("approve");
    assert_eq!(world.sockets(), (0, vec![Parting::Replaced, Parting::AskNow]));
}

#[test]
fn a_shard_takes_no_more_web_sockets_than_the_setting_says() {
    let world = World::with(&[("INSTANT_SOCKETS_PER_SHARD", "2"), ("SHARDS_PER_REGION", "1")]);
    let started: Vec<Started> = (0..3).map(|_| world.start()).collect();
    let opened: Vec<Response> = started.iter().map(|started| open(&world, started)).collect();

    assert_eq!(opened.iter().map(|response| response.status).collect::<Vec<_>>(), [101, 101, 429]);
    assert_eq!(opened[2].header("retry-after"), Some("60"));
    enter(&world, ALICE, &started[0].user_code).decide("deny");
    assert_eq!(open(&world, &started[2]).status, 101, "there is room again");
}

#[test]
fn a_confidential_client_waits_with_the_code_alone_and_still_needs_its_secret_for_tokens() {
    let world = World::new();
    let form = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let started = world.start_with(&form);

    assert_eq!(world.send(&upgrade("demo-printer", &started.device_code)).status, 101);

    enter(&world, ALICE, &started.user_code).decide("approve");
    let grant = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", &started.device_code),
    ];
    assert_eq!(outcome(&world.post("/token", &[&form[..1], &grant].concat())), "invalid_client");
    assert_eq!(outcome(&world.post("/token", &[&form[..], &grant].concat())), "issued");
}

#[test]
fn a_code_that_is_decided_gets_409_and_one_whose_shard_is_down_gets_503() {
    let world = World::new();
    let (approved, pending) = (world.approved(), world.start());

    let over = open(&world, &approved);
    assert_eq!((over.status, over.decisions[0].reason), (409, "nothing_to_wait_for"));
    assert_eq!(world.poll_outcome(&approved.device_code), "issued");

    world.set_down("grants", true);
    assert_eq!(open(&world, &pending).status, 503);
    world.set_down("grants", false);
    assert_eq!(world.poll_outcome(&pending.device_code), "authorization_pending");
}
