//! Devices at their account: entered before the approval is spent, read at every use, and ended with the account.

use std::collections::BTreeSet;

use device_grant::endpoint::http::Response;
use device_grant::endpoint::platform::Platform as _;
use device_grant::identity::account::{Account, Authority, Standing};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::command::{FindAccount, Put, PutAccount};
use device_grant::identity::device::{Device, State};
use serde_json::{Value, json};

use super::{ALICE, BOB, enter, refresh_token};
use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{Cost, DEVICE_CODE, World, claims, get, json, now_or_never, outcome};

const PRINTER: [(&str, &str); 2] = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];

/// Returns all rows of devices.
fn devices(world: &World) -> Vec<Device> {
    let shards = world.server.platform.accounts.borrow();
    shards.values().flat_map(|rows| rows.devices.borrow().values().cloned().collect::<Vec<_>>()).collect()
}

/// Blocks alice, or lifts her block, as an administrator does.
fn set_standing(world: &World, standing: Standing) {
    let key = AccountKey::local("alice");
    let find = world.server.platform.accounts(key.shard(), FindAccount { account: key.clone() });
    let alice = now_or_never(find).expect("an account shard").expect("alice");
    let put = PutAccount {
        expected: Some(alice.version),
        account: Box::new(Account { standing, ..alice }),
        event: None,
    };
    let put = now_or_never(world.server.platform.accounts(key.shard(), put));
    assert!(matches!(put, Ok(Put::Stored(_))));
}

fn blocked(world: &World) -> Standing {
    Standing::Blocked { at: world.now(), by: Authority::Administrator, why: None }
}

/// Lets alice approve the printer, which can introspect its tokens, and returns its tokens.
pub(super) fn tokens_of_printer(world: &World) -> Value {
    let scope = ("scope", "openid offline_access");
    let started = world.start_with(&[&PRINTER[..], &[scope]].concat());
    Person::of(world).approve_as(ALICE.0, ALICE.1, &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    json(&world.post("/token", &[&PRINTER[..], &poll].concat()))
}

pub(super) fn as_printer(world: &World, path: &str, form: &[(&str, &str)]) -> Response {
    world.post(path, &[&PRINTER[..], form].concat())
}

pub(super) fn introspect(world: &World, token: &Value) -> Value {
    json(&as_printer(world, "/introspect", &[("token", token.as_str().expect("a token"))]))
}

#[test]
fn a_redemption_costs_one_hop_and_one_write_at_the_account() {
    let world = World::new();
    let started = world.approved();
    world.cost();

    assert_eq!(world.poll_outcome(&started.device_code), "issued");

    let cost = world.cost();
    assert_eq!((cost.grant_hops, cost.account_hops, cost.account_writes), (2, 1, 2), "its client is new");
    let devices = devices(&world);
    let [device] = devices.as_slice() else { panic!("{devices:?}") };
    assert_eq!((device.state, device.client_name.as_str()), (State::Pending, "Demo TV"));
    assert_eq!(device.account, AccountKey::local("alice"));

    let started = world.approved();
    world.cost();
    assert_eq!(world.poll_outcome(&started.device_code), "issued");
    let cost = world.cost();
    assert_eq!((cost.grant_hops, cost.account_hops, cost.account_writes), (2, 1, 1));
}

#[test]
fn a_refresh_stamps_the_last_use_at_most_once_an_hour_and_needs_no_more_hops() {
    let world = World::new();
    let started = world.approved();
    let mut token = refresh_token(&world.poll(&started.device_code));
    let mut stamps = Vec::new();
    for _ in 0..13 {
        world.wait(600);
        world.cost();
        token = refresh_token(&world.refresh(&token));
        let Cost { grant_hops, account_hops, account_writes, .. } = world.cost();
        assert_eq!((grant_hops, account_hops), (2, 1));
        stamps.push(account_writes);
    }

    assert_eq!(
        stamps,
        [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1],
        "the first one shows that the device has tokens"
    );
    let device = devices(&world).remove(0);
    assert_eq!((device.state, device.last_used_at), (State::Confirmed, world.now()));
}

#[test]
fn a_refused_redemption_enters_no_device_and_spends_nothing() {
    let world = World::new();
    let started = world.approved();
    set_standing(&world, blocked(&world));

    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
    assert!(devices(&world).is_empty());

    set_standing(&world, Standing::Active);
    assert_eq!(world.poll_outcome(&started.device_code), "issued", "the approval is unspent");
}

#[test]
fn a_block_ends_every_token_at_once_and_lifting_it_revives_none() {
    let world = World::new();
    let tokens = tokens_of_printer(&world);
    let refresh = || {
        let token = tokens["refresh_token"].as_str().expect("a refresh token");
        outcome(&as_printer(&world, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]))
    };
    let userinfo = || {
        let authorization = Some(format!("Bearer {}", tokens["access_token"].as_str().expect("a token")));
        world.send(&device_grant::endpoint::http::Request {
            path: "/userinfo".to_owned(),
            authorization,
            ..get()
        })
    };
    assert_eq!(
        (introspect(&world, &tokens["access_token"])["active"].clone(), userinfo().status),
        (json!(true), 200)
    );

    set_standing(&world, blocked(&world));
    for standing in [blocked(&world), Standing::Active] {
        set_standing(&world, standing);

        assert_eq!(introspect(&world, &tokens["access_token"]), json!({ "active": false }));
        assert_eq!(introspect(&world, &tokens["refresh_token"]), json!({ "active": false }));
        assert_eq!((userinfo().status, refresh().as_str()), (401, "invalid_grant"));
    }
    let again = tokens_of_printer(&world);
    assert_eq!(introspect(&world, &again["access_token"])["active"], true, "a new approval is good");
}

#[test]
fn a_deleted_account_neither_signs_in_nor_uses_its_tokens() {
    let world = World::new();
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));

    set_standing(&world, Standing::Deleted { at: world.now(), by: Authority::Administrator });

    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    assert_eq!(person.sign_in(ALICE.0, ALICE.1).status, 403);
    assert_eq!(enter(&world, BOB, &world.start().user_code).page.borrow().status, 200);
}

#[test]
fn a_session_ends_with_the_block_of_its_account() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);

    set_standing(&world, blocked(&world));
    assert_eq!(person.decide("approve").status, 403);

    set_standing(&world, Standing::Active);
    assert_eq!(person.decide("approve").status, 403, "the session is over");
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn every_event_after_an_approval_names_it_and_no_two_approvals_share_a_name() {
    let world = World::new();
    for _ in 0..2 {
        let started = world.approved();
        world.refresh(&refresh_token(&world.poll(&started.device_code)));
    }

    let named = |what: &str| -> Vec<String> {
        let events = world.recorded();
        let events = events.iter().map(|event| serde_json::to_value(event).expect("JSON"));
        let events = events.filter(|event| event["what"] == what);
        events.map(|event| event["approval_id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let approvals: BTreeSet<String> = named("approved").into_iter().collect();
    assert_eq!(approvals.len(), 2);
    for what in ["redeemed", "refreshed"] {
        assert_eq!(named(what).into_iter().collect::<BTreeSet<_>>(), approvals, "{what}");
    }
    assert_eq!(named("consent_opened"), ["", ""]);
}

#[test]
fn every_event_after_an_approval_says_how_access_came_about_on_every_refresh_too() {
    let world = World::new();
    let tokens = json(&world.poll(&world.approved().device_code));
    let first = tokens["refresh_token"].as_str().expect("a refresh token");
    world.wait(10);
    let again = json(&world.refresh(first));
    world.wait(4_000);
    world.refresh(again["refresh_token"].as_str().expect("a refresh token"));
    let end = Admin(&world).ask("POST", "/accounts/local:alice/devices/end", None, None);
    assert_eq!(end.status, 200, "{}", end.body);

    let events: Vec<Value> = [world.recorded(), world.account_events()]
        .concat()
        .iter()
        .map(|event| serde_json::to_value(event).expect("JSON"))
        .collect();
    let how = |event: &Value| {
        ["grant", "started", "approved"].map(|name| event.get(name).cloned().unwrap_or_default())
    };
    let approved: [Value; 3] =
        events.iter().find(|event| event["what"] == "approved").map(how).expect("an event");
    assert_eq!(approved[0], "device_code");
    assert!(approved[1..].iter().all(|stage| stage["at"].is_u64()), "{approved:?}");
    let mut seen = BTreeSet::new();
    for event in events.iter().filter(|event| !event["approval_id"].is_null()) {
        assert_eq!(how(event), approved, "{event}");
        seen.insert(event["what"].as_str().expect("a name").to_owned());
    }
    let expected = ["access_ended", "approved", "first_access", "redeemed", "refreshed"];
    assert_eq!(seen, expected.map(str::to_owned).into());
    for event in events.iter().filter(|event| event["approval_id"].is_null()) {
        let [grant, started, approved_at] = how(event);
        assert_eq!((grant, started, approved_at), (Value::Null, approved[1].clone(), Value::Null), "{event}");
    }
}

#[test]
fn introspection_says_how_access_came_about_on_every_refresh_too() {
    let world = World::new();
    let tokens = tokens_of_printer(&world);
    let first = introspect(&world, &tokens["access_token"]);
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    let again =
        json(&as_printer(&world, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]));

    let id = first["approval_id"].as_str().expect("a name");
    let at = world.now().seconds();
    let how = json!({ "grant": "device_code", "approval_id": id, "started": { "at": at }, "approved": { "at": at } });
    for token in [&tokens["access_token"], &again["access_token"], &again["refresh_token"]] {
        let answer = introspect(&world, token);
        let facts: Value = ["grant", "approval_id", "started", "approved"]
            .into_iter()
            .map(|name| (name.to_owned(), answer[name].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        assert_eq!(facts, how);
    }
}

#[test]
fn tokens_say_how_access_came_about_only_if_the_setting_says_so() {
    for (setting, is_told) in [("false", false), ("true", true)] {
        let world = World::with(&[("PROVENANCE_CLAIMS", setting)]);
        let started = world.approved();
        let first = json(&world.poll(&started.device_code));
        let refreshed = json(&world.refresh(first["refresh_token"].as_str().expect("a refresh token")));

        let tokens = [&first["access_token"], &first["id_token"], &refreshed["access_token"]];
        let ids: Vec<Value> =
            tokens.map(|token| claims(token.as_str().expect("a JWT"))["approval_id"].clone()).to_vec();
        assert_eq!(ids[0].is_string(), is_told);
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let claims = claims(first["access_token"].as_str().expect("a JWT"));
        assert_eq!(claims.get("grant") == Some(&json!("device_code")), is_told);
    }
}
