//! Kill switches through the admin API: what each ends, in how many steps, and what becomes of one that broke off.

use std::time::Duration;

use device_grant::client::demo::PRINTER_SECRET;
use device_grant::client::rules::AccessTokenFormat;
use device_grant::endpoint::http::Response;
use device_grant::format::Format;
use device_grant::identity::latest_kill::LatestKill;
use device_grant::registry::governance::kills;
use device_grant::sharding::AccountShard;
use device_grant::time::Timestamp;
use serde_json::{Value, json};

use super::{BOB, Login, lagos, text};
use crate::support::admin::Admin;
use crate::support::{World, json as body, outcome};

const PRINTER: &[(&str, &str)] = &[("client_id", "demo-printer"), ("client_secret", PRINTER_SECRET)];
/// The places of the logins of bob.
const ABROAD: (&str, &str) = ("198.51.100.99", "203.0.113.5");

/// Returns a kill switch of an hour, with `members` replaced.
fn written(world: &World, target: &Value) -> Value {
    let until = (world.now() + Duration::from_secs(3_600)).to_string();
    json!({ "id": "stop", "target": target, "reason": "A campaign", "until": until })
}

fn post(world: &World, query: &str, document: &Value) -> Response {
    Admin(world).ask("POST", &format!("/kill-switches{query}"), None, Some(document))
}

/// Sets a kill switch, which must be possible.
fn kill(world: &World, target: &Value) -> Value {
    let response = post(world, "", &written(world, target));
    assert_eq!(response.status, 201, "{}", response.body);
    body(&response)
}

/// Returns how many devices, sessions and codes an answer counts.
fn counts(answer: &Value) -> [u64; 3] {
    ["devices", "sessions", "codes"].map(|name| answer.get(name).and_then(Value::as_u64).expect("a number"))
}

fn whats(world: &World) -> Vec<String> {
    world.changes().iter().map(|change| change["what"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What has started: alice has a device and, half a minute later, approves a code in Berlin; then bob has a device and an
/// open code in Lagos.
struct Started<'a> {
    alice: Login<'a>,
    bob: Login<'a>,
    at: Timestamp,
    /// The refresh tokens of alice and bob.
    tokens: [String; 2],
    /// The codes that were not redeemed.
    codes: [String; 2],
    /// The approval of alice's device.
    approval: String,
}

impl<'a> Started<'a> {
    fn of(world: &'a World) -> Self {
        let alice = Login::of(world);
        let bob = Login { who: BOB, device: lagos(), person: lagos(), addresses: ABROAD, ..Login::of(world) };
        let at = world.now();
        let first = alice.poll(&alice.approved());
        let approval =
            world.recorded().last().and_then(|event| event.approval_id.clone()).expect("it is approved");
        world.wait(30);
        let approved = alice.approved();
        let second = bob.poll(&bob.approved());
        let waiting = text(&bob.start(), "device_code");
        let tokens = [&first, &second].map(|tokens| text(tokens, "refresh_token"));
        world.wait(1);
        Self { alice, bob, at, tokens, codes: [approved, waiting], approval: approval.as_str().to_owned() }
    }

    /// Returns what becomes of the refresh tokens and of the codes.
    fn outcomes(&self) -> Vec<String> {
        let ([alice, bob], [approved, waiting]) = (&self.tokens, &self.codes);
        vec![
            outcome(&self.alice.refresh(alice)),
            outcome(&self.bob.refresh(bob)),
            outcome(&self.alice.poll(approved)),
            outcome(&self.bob.poll(waiting)),
        ]
    }
}

const REFUSED: [&str; 4] = ["invalid_grant", "invalid_grant", "access_denied", "access_denied"];
const UNTOUCHED: [&str; 4] = ["issued", "issued", "issued", "authorization_pending"];

/// Returns targets, each with the number of devices, sessions and codes that it selects, and which of the tokens and codes
/// are refused.
fn targets(started: &Started<'_>) -> Vec<(Value, [u64; 3], [bool; 4])> {
    let to = (started.at + Duration::from_secs(30)).to_string();
    let window = json!({ "from": started.at.to_string(), "to": to });
    let (alice, bob, none) = ([true, false, true, false], [false, true, false, true], [false; 4]);
    vec![
        (json!({ "client": "demo-tv" }), [2, 0, 2], [true; 4]),
        (json!({ "client": "demo-printer" }), [0, 0, 0], none),
        (json!({ "account": "local:alice" }), [1, 2, 1], alice),
        (json!({ "account": "local:alice", "client": "demo-tv" }), [1, 0, 1], alice),
        (json!({ "account": "local:alice", "country": "NG" }), [0, 0, 0], none),
        (json!({ "approval": started.approval }), [1, 0, 0], [true, false, false, false]),
        (json!({ "country": "NG" }), [1, 1, 1], bob),
        (json!({ "country": "XX" }), [0, 0, 0], none),
        (json!({ "asn": "AS37148" }), [1, 1, 1], bob),
        (json!({ "networks": ["198.51.100.99"] }), [1, 0, 1], bob),
        (json!({ "networks": ["198.51.100.0/24", "203.0.113.0/24"] }), [1, 0, 1], bob),
        (json!({ "networks": ["198.51.100.98"] }), [0, 0, 0], none),
        (json!({ "started": window }), [1, 1, 0], [true, false, false, false]),
    ]
}

#[test]
fn each_kind_of_selection_ends_what_it_selects_and_a_dry_run_counts_the_same_and_changes_nothing() {
    let all = targets(&Started::of(&World::with_policy(&[]))).len();
    for number in 0..all {
        let world = World::with_policy(&[]);
        let started = Started::of(&world);
        let (target, expected, refused) = targets(&started).swap_remove(number);
        let state = || {
            (
                world.changes(),
                world.account_changes(),
                world.recorded(),
                world.live_families(),
                world.sessions(),
            )
        };
        let before = state();

        let tried = post(&world, "?dry_run=true", &written(&world, &target));

        assert_eq!((tried.status, counts(&body(&tried))), (200, expected), "{target}: {}", tried.body);
        assert_eq!(state(), before, "{target}");
        assert_eq!(body(&Admin(&world).get("/kill-switches"))["kill_switches"], json!([]));

        let ended = kill(&world, &target);

        assert_eq!(counts(&ended), expected, "{target}");
        let [devices, sessions, _] = expected.map(|number| usize::try_from(number).expect("a few"));
        let after = state();
        assert_eq!((after.3, after.4), (before.3 - devices, before.4 - sessions), "{target}");
        let outcomes = (0..4).map(|one| if refused[one] { REFUSED[one] } else { UNTOUCHED[one] });
        assert_eq!(started.outcomes(), outcomes.collect::<Vec<_>>(), "{target}");
    }
}

#[test]
fn what_a_kill_switch_has_ended_stays_ended_when_it_is_over() {
    let world = World::with_policy(&[]);
    let started = Started::of(&world);
    kill(&world, &json!({ "client": "demo-tv" }));

    let over = Admin(&world).ask("POST", "/kill-switches/stop/end", None, None);

    assert_eq!(over.status, 200, "{}", over.body);
    assert_eq!(started.outcomes(), REFUSED);
    assert_eq!(Login::of(&world).play(), "done", "new ones start");
    assert_eq!(whats(&world).split_off(whats(&world).len() - 2), ["kill_switch_set", "kill_switch_ended"]);
    assert_eq!(Admin(&world).ask("POST", "/kill-switches/stop/end", None, None).status, 404);
}

#[test]
fn a_kill_switch_of_more_than_one_page_goes_on_at_its_cursor_and_counts_all_of_it() {
    let world = World::with_policy(&[]);
    let started = Started::of(&world);
    let target = json!({ "country": "NG" });
    let more = Login { who: BOB, device: lagos(), person: lagos(), addresses: ABROAD, ..Login::of(&world) };
    for _ in 0..3 {
        more.poll(&more.approved());
        more.start();
    }

    for dry_run in [true, false] {
        let document = written(&world, &target);
        let (mut cursor, mut calls, mut last) = (String::new(), 0, [0; 3]);
        loop {
            let answer = post(&world, &format!("?limit=1&dry_run={dry_run}{cursor}"), &document);
            assert_eq!(answer.status, if calls == 0 && !dry_run { 201 } else { 200 }, "{}", answer.body);
            let answer = body(&answer);
            let sum = |counts: [u64; 3]| counts.iter().sum::<u64>();
            assert!(sum(counts(&answer)) <= sum(last) + 1, "a call ends one at most: {answer}");
            (last, calls) = (counts(&answer), calls + 1);
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(last, [4, 4, 4], "dry run: {dry_run}");
        assert!(calls >= 12, "{calls}");
    }
    assert_eq!(started.outcomes()[1..], ["invalid_grant", "issued", "access_denied"]);
}

#[test]
fn a_kill_switch_that_broke_off_before_its_walk_refuses_already_and_the_same_call_finishes_it() {
    let world = World::with_policy(&[]);
    let started = Started::of(&world);
    let document = written(&world, &json!({ "client": "demo-tv" }));
    world.set_down("grants", true);

    assert_eq!(post(&world, "", &document).status, 503);

    world.set_down("grants", false);
    let listed = body(&Admin(&world).get("/kill-switches"));
    assert_eq!(listed["kill_switches"][0]["id"], "stop");
    let outcomes = started.outcomes();
    assert_eq!(outcomes[..3], REFUSED[..3], "before anything has ended");
    assert_eq!(
        outcomes[3], UNTOUCHED[3],
        "a code that nobody has approved is refused once somebody enters it"
    );
    assert_eq!(Login::of(&world).play(), "start");
    let again = post(&world, "", &document);
    assert_eq!((again.status, counts(&body(&again))), (200, [2, 0, 2]), "{}", again.body);
    assert_eq!(whats(&world).iter().filter(|what| *what == "kill_switch_set").count(), 1, "it was set once");
    let third = post(&world, "", &document);
    assert_eq!((third.status, counts(&body(&third))), (200, [0; 3]), "nothing is left");
}

#[test]
fn introspection_obeys_at_once_even_if_the_snapshot_is_old_and_asks_the_registry_once() {
    let world = World::with_policy(&[]);
    let login = Login { client: PRINTER, ..Login::of(&world) };
    let tokens = login.poll(&login.approved());
    let access = text(&tokens, "access_token");
    let introspect = || {
        let answer = body(&login.ask("/introspect", &[("token", &access)]));
        (answer["active"].as_bool(), world.server.platform.registry_hops.take())
    };
    introspect();
    assert_eq!(introspect(), (Some(true), 0));
    let heard = |revision| {
        let kill = LatestKill { format: Format, revision, at: world.now() };
        for shard in AccountShard::all() {
            world.server.platform.accounts.borrow_mut().entry(shard).or_default().latest_kill.set(Some(kill));
        }
    };

    // Past the admin API, as if another isolate had done it: this one keeps its snapshot, and nothing was ended.
    let reading = |target: &str| {
        let by = device_grant::audit::change::Actor::Registration;
        let target = serde_json::from_value(json!({ "client": target })).expect("a target");
        let until = world.now() + Duration::from_secs(3_600);
        let id = device_grant::policy::name::Name::parse("stop").expect("a name");
        let reason = "A campaign".to_owned();
        device_grant::policy::kill::KillSwitch {
            format: Format,
            id,
            target,
            until,
            reason,
            by,
            at: world.now(),
        }
    };
    let switch = Box::new(reading("demo-printer"));
    let set = world.registry(kills::SetKillSwitch { switch, dry_run: false }).expect("it is set");
    world.server.platform.registry_hops.take();
    assert_eq!(introspect(), (Some(true), 0), "nobody has said anything");
    heard(set.revision);

    assert_eq!(introspect(), (Some(false), 1));
    assert_eq!(introspect(), (Some(false), 0), "this isolate knows it now");
}

#[test]
fn jwts_outlive_the_kill_switch_by_the_lifetime_of_their_client_and_opaque_tokens_do_not() {
    for (format, lifetime, expected) in [
        (AccessTokenFormat::Jwt, None, Some(World::new().settings().access_token)),
        (AccessTokenFormat::Jwt, Some(3_600), Some(3_600)),
        (AccessTokenFormat::Jwt, Some(600), Some(World::new().settings().access_token)),
        (AccessTokenFormat::Opaque, Some(600), None),
    ] {
        let world = World::with_policy(&[]);
        let _started = Started::of(&world);
        world.change_client("demo-tv", |client| {
            (client.tokens.access_token_format, client.tokens.access_token_lifetime) = (format, lifetime);
        });
        world.server.forget_snapshot();
        let until = expected.map(|seconds| (world.now() + Duration::from_secs(seconds)).to_string());
        let target = json!({ "client": "demo-tv" });

        let tried = body(&post(&world, "?dry_run=true", &written(&world, &target)));
        let ended = kill(&world, &target);

        for answer in [tried, ended] {
            assert_eq!(answer.get("jwts_until").and_then(Value::as_str), until.as_deref(), "{answer}");
        }
    }
    let world = World::with_policy(&[]);
    assert_eq!(kill(&world, &json!({ "client": "demo-tv" })).get("jwts_until"), None, "there is none");
}

#[test]
fn jwts_of_a_deleted_client_can_live_for_a_day() {
    let world = World::with_policy(&[]);
    let _started = Started::of(&world);
    assert_eq!(Admin(&world).ask("DELETE", "/clients/demo-tv", Some("*"), None).status, 204);
    world.server.forget_snapshot();

    let ended = kill(&world, &json!({ "client": "demo-tv" }));

    assert_eq!(ended["jwts_until"], (world.now() + Duration::from_secs(86_400)).to_string());
}

#[test]
fn a_network_is_found_under_the_key_pair_of_now_and_the_one_before() {
    const NEW: &str = "bmV3IG1hc3RlciBrZXkgb2YgMzIgYnl0ZXMgISEhISE=";
    let old = device_grant::derived_keys::DEVELOPMENT_KEY;
    let world = World::with_policy(&[]);
    let before = text(
        &{
            let login = Login::of(&world);
            login.poll(&login.approved())
        },
        "refresh_token",
    );
    let world = world.restarted(&[("MASTER_KEY", NEW), ("MASTER_KEY_PREVIOUS", old)]);
    let login = Login::of(&world);
    let after = text(&login.poll(&login.approved()), "refresh_token");

    let ended = kill(&world, &json!({ "networks": ["192.0.2.0/24"] }));

    assert_eq!((counts(&ended)[0], ended["target"]["networks"].as_array().map(Vec::len)), (2, Some(2)));
    assert_eq!(
        [before, after].map(|token| outcome(&login.refresh(&token))),
        ["invalid_grant", "invalid_grant"]
    );
}

#[test]
fn a_kill_switch_runs_out_by_itself_which_is_an_event_and_frees_its_identifier() {
    let world = World::with_policy(&[]);
    kill(&world, &json!({ "client": "demo-tv" }));
    let attend = || {
        let Ok(()) = kills::attend(&world.server.platform.registry, world.now());
        whats(&world).split_off(whats(&world).len() - 1)
    };
    assert_eq!(attend(), ["kill_switch_set"]);

    world.wait(3_600);

    assert_eq!(body(&Admin(&world).get("/kill-switches"))["kill_switches"], json!([]));
    assert_eq!(attend(), ["kill_switch_lapsed"]);
    let told = world.changes().len();
    attend();
    assert_eq!(world.changes().len(), told, "it is told once");
    let event = world.changes().pop().expect("it was told");
    assert_eq!(
        (&event["subject"], &event["by"], &event["outcome"]),
        (&json!("stop"), &json!("server"), &json!("ended"))
    );
    assert_eq!(event["members"], json!(["client"]));
    kill(&world, &json!({ "client": "demo-tv" }));
    assert_eq!(attend(), ["kill_switch_set"]);
}

#[test]
fn a_hundred_can_be_on_and_another_one_with_the_same_identifier_is_refused() {
    let world = World::with_policy(&[]);
    for number in 0..100 {
        let document = json!({ "id": format!("n-{number}"), "target": { "client": "x" }, "reason": "A test", "until": (world.now() + Duration::from_secs(60)).to_string() });
        assert_eq!(post(&world, "?limit=1", &document).status, 201, "{number}");
    }
    assert_eq!(post(&world, "", &written(&world, &json!({ "client": "x" }))).status, 409);
    world.wait(60);
    kill(&world, &json!({ "client": "x" }));
    for (member, value) in [
        ("target", json!({ "client": "y" })),
        ("reason", json!("Another")),
        ("until", json!("2027-01-01T00:00:00Z")),
    ] {
        let mut other = written(&world, &json!({ "client": "x" }));
        other[member] = value;
        assert_eq!(post(&world, "", &other).status, 409, "{member}");
    }
    assert_eq!(body(&Admin(&world).get("/kill-switches/stop"))["target"], json!({ "client": "x" }));
    assert_eq!(Admin(&world).get("/kill-switches/n-1").status, 404);
}

#[test]
fn every_member_is_checked_and_an_empty_target_would_be_everything() {
    let world = World::with_policy(&[]);
    let end = |days: u64| (world.now() + Duration::from_secs(days * 86_400)).to_string();
    for (member, value, expected) in [
        ("id", json!("A B"), "kill switch"),
        ("id", Value::Null, "id is missing"),
        ("reason", Value::Null, "reason is missing: write why it is needed"),
        ("target", Value::Null, "target is missing: write what it ends"),
        ("target", json!({}), "target is empty"),
        ("target", json!({ "client": null }), "target is empty"),
        ("target", json!({ "network": "x" }), "unknown member \"network\": known are client"),
        ("target", json!({ "networks": ["192.0.0.0/16"] }), "a prefix that is counted: a /24 (IPv4)"),
        ("target", json!({ "networks": [] }), "networks is empty"),
        ("target", json!({ "asn": 64_500 }), "the number of a network, such as \"AS64500\""),
        ("target", json!({ "country": "de" }), "the code of a country in two capital letters"),
        ("target", json!({ "account": "bob" }), "the key of an account, such as \"local:bob\""),
        ("target", json!({ "started": { "from": end(1) } }), "to is missing"),
        ("target", json!({ "started": { "from": end(1), "to": end(1) } }), "it must be after"),
        ("until", json!(end(0)), "it must be in the future"),
        ("until", json!(end(367)), "until is more than 366 days away"),
        ("by", json!("me"), "unknown member \"by\""),
    ] {
        let mut document = written(&world, &json!({ "client": "x" }));
        document[member] = value;
        let refused = post(&world, "", &document);
        assert!(
            refused.status == 422 && refused.body.contains(&expected.replace('"', "\\\"")),
            "{document}: {}",
            refused.body
        );
    }
    let document = written(&world, &json!({ "client": "x" }));
    for query in ["?limit=0", "?limit=301", "?cursor=AA", "?dry_run=1", "?x=1"] {
        assert_eq!(post(&world, query, &document).status, 422, "{query}");
    }
    assert_eq!(body(&Admin(&world).get("/kill-switches"))["kill_switches"], json!([]));
}

#[test]
fn the_kill_switch_that_an_alert_proposes_stops_what_it_is_about_and_nothing_else() {
    let addresses: Vec<String> = (0..100).map(|number| format!("198.18.{number}.7")).collect();
    let world = World::new();
    let alice = Login::of(&world);
    let before = alice.poll(&alice.approved());
    let from = |address| Login { device: lagos(), addresses: (address, ABROAD.1), ..Login::of(&world) };
    let codes: Vec<String> =
        addresses.iter().map(|address| text(&from(address).start(), "device_code")).collect();
    world.count();
    let alerts = body(&Admin(&world).get("/alerts"));
    let alert = alerts["alerts"].as_array().unwrap().iter().find(|alert| alert["detection"] == "code_burst");
    let proposed = alert.expect("a burst")["kill_switch"].clone();
    // Somebody looks at the alert, and the attack goes on meanwhile.
    world.wait(60);
    let late = text(&from(&addresses[0]).start(), "device_code");

    let tried = body(&post(&world, "?dry_run=true", &proposed));
    let answer = post(&world, "", &proposed);

    assert_eq!(counts(&tried), [0, 0, 101], "{tried}");
    assert_eq!((answer.status, counts(&body(&answer))), (201, [0, 0, 101]));
    assert_eq!([&codes[0], &late].map(|code| outcome(&alice.poll(code))), ["access_denied", "access_denied"]);
    assert_eq!(outcome(&from(&addresses[0]).start()), "unauthorized_client");
    assert_eq!(outcome(&alice.refresh(&text(&before, "refresh_token"))), "issued", "from another network");
    let id = alert.unwrap()["id"].as_str().expect("a number").to_owned();
    let closed = body(&Admin(&world).ask("POST", &format!("/alerts/{id}/close"), None, None));
    assert!(closed.get("kill_switch").is_none(), "{closed}");
}
