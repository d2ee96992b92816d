//! A code as the target of a kill switch: by its id, by the subject of its events, or as somebody read it out.

use std::time::Duration;

use device_grant::endpoint::http::{Request, Response};
use device_grant::grant::routing::RowKey;
use device_grant::grant::{Denial, State};
use serde_json::{Value, json};

use super::{BOB, Login, text};
use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{World, json as body, outcome};

const ALICE: (&str, &str) = ("alice", "wonderland-8787");

/// A code, with its names.
struct Grant {
    device_code: String,
    /// As a person reads it out.
    typed: String,
    id: String,
    subject: String,
}

impl Grant {
    fn of(login: &Login<'_>) -> Self {
        let known = live(login.world);
        let started = login.start();
        let grants = live(login.world);
        let grant = grants.iter().find(|grant| !known.contains(grant)).expect("it is live");
        let name = |name: &str| grant[name].as_str().expect("a text").to_owned();
        let (device_code, user_code) = (text(&started, "device_code"), text(&started, "user_code"));
        Self {
            device_code,
            typed: user_code.to_lowercase().replace('-', " "),
            id: name("id"),
            subject: name("subject"),
        }
    }

    fn names(&self) -> [&str; 3] {
        [&self.id, &self.subject, &self.typed]
    }

    fn opened<'a>(&self, login: &Login<'a>) -> Person<'a> {
        let browser = login.browser();
        browser.enter_as(login.who.0, login.who.1, &self.typed);
        browser
    }

    fn approved(self, login: &Login<'_>) -> Self {
        assert_eq!(self.opened(login).decide("approve").status, 200);
        self
    }
}

/// Returns the live codes, from all pages.
fn live(world: &World) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = body(&Admin(world).get(&format!("/grants?limit=200{cursor}")));
        found.extend(page.get("grants").and_then(Value::as_array).expect("a list").clone());
        let Some(next) = page.get("next_cursor").and_then(Value::as_str) else { return found };
        cursor = format!("&cursor={next}");
    }
}

fn post(world: &World, query: &str, target: &Value) -> Response {
    world.send(&request(world, query, target))
}

fn request(world: &World, query: &str, target: &Value) -> Request {
    let until = (world.now() + Duration::from_secs(3_600)).to_string();
    let document = json!({ "id": "stop", "target": target, "reason": "A phishing mail", "until": until });
    Admin::request("POST", &format!("/kill-switches{query}"), None, Some(&document))
}

fn counts(answer: &Value) -> [u64; 3] {
    ["devices", "sessions", "codes"].map(|name| answer[name].as_u64().expect("a number"))
}

/// Sets a kill switch after a dry run, which counts the same. Returns how many devices, sessions and codes it ends.
fn kill(world: &World, target: &Value) -> [u64; 3] {
    let tried = post(world, "?dry_run=true", target);
    let set = post(world, "", target);
    assert_eq!((tried.status, set.status), (200, 201), "{} {}", tried.body, set.body);
    assert_eq!(counts(&body(&tried)), counts(&body(&set)));
    counts(&body(&set))
}

#[test]
fn a_code_ends_whatever_has_become_of_it_and_however_it_is_named() {
    for number in 0..3 {
        let world = World::with_policy(&[]);
        let (alice, bob) = (Login::of(&world), Login { who: BOB, ..Login::of(&world) });
        let other = Grant::of(&bob).approved(&bob);
        let code = Grant::of(&alice);
        assert_eq!(
            kill(&world, &json!({ "code": code.names()[number] })),
            [0, 0, 1],
            "nobody has entered it"
        );
        assert_eq!(outcome(&alice.poll(&code.device_code)), "access_denied");
        assert_eq!(outcome(&bob.poll(&other.device_code)), "issued", "another code in the same network");

        let world = World::with_policy(&[]);
        let alice = Login::of(&world);
        let (code, other) = (Grant::of(&alice).approved(&alice), Grant::of(&alice).approved(&alice));
        assert_eq!(kill(&world, &json!({ "code": code.names()[number] })), [0, 0, 1], "it is approved");
        assert_eq!(outcome(&alice.poll(&code.device_code)), "access_denied");
        assert_eq!(outcome(&alice.poll(&other.device_code)), "issued");

        for later in [1, 86_400] {
            let world = World::with_policy(&[]);
            let alice = Login::of(&world);
            let [code, other] = [(); 2].map(|()| Grant::of(&alice).approved(&alice));
            let tokens = [&code, &other].map(|code| alice.poll(&code.device_code));
            world.wait(later);
            let [refreshed, others] = tokens.map(|tokens| alice.refresh(&text(&tokens, "refresh_token")));
            let target = json!({ "code": code.names()[number], "account": "local:alice" });
            assert_eq!(kill(&world, &target), [1, 0, 0], "a device has tokens for {later} s");
            let outcomes =
                [refreshed, others].map(|tokens| outcome(&alice.refresh(&text(&tokens, "refresh_token"))));
            assert_eq!(outcomes, ["invalid_grant", "issued"]);
        }
    }
}

#[test]
fn until_the_walk_is_done_nobody_approves_the_code_and_no_token_of_it_is_good() {
    let world = World::with_policy(&[]);
    let alice = Login::of(&world);
    let waiting = Grant::of(&alice);
    let browser = waiting.opened(&alice);
    let approved = Grant::of(&alice).approved(&alice);
    let redeemed = Grant::of(&alice).approved(&alice);
    let token = text(&alice.poll(&redeemed.device_code), "refresh_token");
    world.wait(1);
    for (number, code) in [&waiting, &approved, &redeemed].into_iter().enumerate() {
        let until = (world.now() + Duration::from_secs(3_600)).to_string();
        let document = json!({ "id": format!("n-{number}"), "target": { "code": code.typed }, "reason": "x", "until": until });
        world.set_down("grants", true);
        let broken = Admin(&world).ask("POST", "/kill-switches", None, Some(&document));
        world.set_down("grants", false);
        assert_eq!(broken.status, 503, "{}", broken.body);
    }

    assert_eq!(browser.decide("approve").status, 403);
    assert_eq!(outcome(&alice.poll(&approved.device_code)), "access_denied");
    assert_eq!(outcome(&alice.refresh(&token)), "invalid_grant");
    assert_eq!(Login::of(&world).play(), "done", "other codes of the network start");
}

#[test]
fn a_user_code_is_neither_stored_nor_repeated() {
    let world = World::with_policy(&[]);
    let code = Grant::of(&Login::of(&world));
    let target = json!({ "code": code.typed });
    let set = post(&world, "", &target);
    assert_eq!(body(&set)["target"]["code"], json!([code.subject]));
    let canonical = code.typed.to_uppercase().replace(' ', "");
    let listed = Admin(&world).get("/kill-switches").body;
    let events = serde_json::to_string(&world.changes()).expect("JSON");
    let refused = post(&world, "", &json!({ "code": format!("{}-BBBBB", code.typed) })).body;
    assert!(refused.contains("code must be the id of a live code"), "{refused}");
    for place in [&set.body, &listed, &events, &refused] {
        let plain = place.to_uppercase().replace([' ', '-'], "");
        assert!(!plain.contains(&canonical), "{place}");
    }
    assert!(events.contains(r#""members":["code"]"#), "{events}");
}

#[test]
fn a_user_code_is_found_under_the_key_pair_of_now_and_the_one_before() {
    const NEW: &str = "bmV3IG1hc3RlciBrZXkgb2YgMzIgYnl0ZXMgISEhISE=";
    let old = device_grant::derived_keys::DEVELOPMENT_KEY;
    let world = World::with_policy(&[]);
    let before = Grant::of(&Login::of(&world));
    let world = world.restarted(&[("MASTER_KEY", NEW), ("MASTER_KEY_PREVIOUS", old)]);
    let login = Login::of(&world);
    let token = {
        let browser = login.browser();
        browser.enter_as(ALICE.0, ALICE.1, &before.typed);
        assert_eq!(browser.decide("approve").status, 200);
        text(&login.poll(&before.device_code), "refresh_token")
    };

    let set = post(&world, "", &json!({ "code": before.typed }));

    assert_eq!(
        (counts(&body(&set)), body(&set)["target"]["code"].as_array().map(Vec::len)),
        ([1, 0, 0], Some(2))
    );
    assert_eq!(outcome(&login.refresh(&token)), "invalid_grant");
}

#[test]
fn what_names_no_code_is_refused() {
    let world = World::with_policy(&[]);
    for code in [json!(""), json!("x"), json!(7), json!(["x"]), json!("BCDF-GHJ"), json!("AAAA")] {
        let refused = post(&world, "", &json!({ "code": code }));
        assert!(refused.status == 422 && refused.body.contains("code must be"), "{code}: {}", refused.body);
    }
    assert_eq!(post(&world, "?dry_run=true", &json!({ "code": null })).status, 422, "nothing is selected");
}

/// Puts many codes of another client beside the one of a server, in the same shard and before it, half of them denied.
fn crowd(world: &World) {
    let shards = world.server.platform.shards.borrow();
    let mut shards = shards.values().map(|rows| rows.grants.borrow_mut());
    let mut grants = shards.find(|grants| !grants.is_empty()).expect("a code");
    let mut other = grants.values().next().expect("a code").clone();
    "demo-other".clone_into(&mut other.request.client_id);
    let denied = device_grant::grant::Grant { state: State::Denied { how: Denial::Denied }, ..other.clone() };
    for number in 0..1_250_u16 {
        let [high, low] = number.to_be_bytes();
        for (last, grant) in [(0, &other), (1, &denied)] {
            let key = [0, high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
            grants.insert(RowKey(key), grant.clone());
        }
    }
}

#[test]
fn a_call_of_a_shard_looks_at_a_bounded_number_of_codes_live_or_not() {
    let world = World::with_policy(&[]);
    let alice = Login::of(&world);
    let code = Grant::of(&alice);
    crowd(&world);
    world.cost();

    let set = post(&world, "?dry_run=true", &json!({ "client": "demo-tv" }));

    assert_eq!((set.status, counts(&body(&set))[2]), (200, 1), "{}", set.body);
    assert_eq!(kill(&world, &json!({ "client": "demo-tv" })), [0, 0, 1]);
    assert_eq!(outcome(&alice.poll(&code.device_code)), "access_denied");
    let shards = world.server.platform.shards.borrow();
    assert_eq!(shards.values().map(|rows| rows.most_seen.get()).max(), Some(1_000));
}

#[test]
fn the_shards_of_a_server_without_codes_are_walked_over_in_a_few_rounds() {
    let world = World::with_policy(&[]);
    let target = json!({ "client": "demo-tv" });
    // The first request of an isolate reads the registry besides.
    post(&world, "?dry_run=true", &target);
    world.cost();
    let shards = world.server.settings.keyring.current.shards_per_region;

    let (rounds, answer) = world.in_rounds(request(&world, "?dry_run=true", &target));

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(world.cost().grant_hops >= u32::from(shards) * 6, "all are asked");
    assert!(rounds < 100, "{rounds} rounds for {} shards of codes, and the shards of accounts", shards * 6);
}
