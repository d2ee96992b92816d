//! Accounts through the admin API, with their devices and sessions.

use device_grant::endpoint::http::Response;
use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{World, json as body_of, outcome};

fn refresh_token(response: &Response) -> String {
    let tokens = body_of(response);
    tokens.get("refresh_token").and_then(Value::as_str).expect("a refresh token").to_owned()
}

fn ask(world: &World, method: &str, path: &str, body: &Value) -> Response {
    Admin(world).ask(method, path, None, Some(body))
}

/// Lets alice approve `demo-tv`, and returns its refresh token.
fn signed_in(world: &World) -> String {
    refresh_token(&world.poll(&world.approved().device_code))
}

fn whats(changes: &[Value]) -> Vec<&str> {
    changes.iter().filter_map(|change| change.get("what").and_then(Value::as_str)).collect()
}

#[test]
fn an_account_is_made_read_and_listed() {
    let world = World::new();
    let admin = Admin(&world);
    let carol = json!({ "username": "Carol", "name": "Carol Danvers", "email": "c@example.com", "groups": ["local:staff"] });

    let created = ask(&world, "POST", "/accounts", &carol);

    assert_eq!((created.status, created.header("etag")), (201, Some("\"1\"")));
    let account = body_of(&created);
    assert_eq!((&account["account"], &account["username"]), (&json!("local:carol"), &json!("carol")));
    assert_eq!(account["standing"], json!({ "is": "active" }));
    assert_eq!(body_of(&admin.get("/accounts/local%3Acarol")), account);
    assert_eq!(ask(&world, "POST", "/accounts", &carol).status, 409);
    assert_eq!(admin.get("/accounts/local%3Adan").status, 404);
    assert_eq!(admin.get("/accounts/carol").status, 404);
    let changes = world.account_changes();
    assert_eq!(whats(&changes), ["account_created"]);
    assert_eq!((&changes[0]["subject"], changes[0]["by"].is_object()), (&account["sub"], true));
}

#[test]
fn a_list_of_accounts_has_each_of_them_once_whatever_the_size_of_its_pages() {
    let world = World::new();
    for number in 0..40 {
        assert_eq!(
            ask(&world, "POST", "/accounts", &json!({ "username": format!("u{number}") })).status,
            201
        );
    }
    for limit in [1, 7, 40, 200] {
        let (mut names, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = body_of(&Admin(&world).get(&format!("/accounts?limit={limit}{cursor}")));
            let accounts = page["accounts"].as_array().expect("accounts");
            assert!(accounts.len() <= limit);
            names.extend(
                accounts.iter().map(|account| account["username"].as_str().expect("a name").to_owned()),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 40, "{limit}");
    }
    let page = body_of(&Admin(&world).get("/accounts?prefix=local:u3"));
    assert_eq!(page["accounts"].as_array().map(Vec::len), Some(11), "u3 and u30 to u39");
}

#[test]
fn faulty_accounts_are_refused_with_every_fault() {
    let world = World::new();
    for (body, pointers) in [
        (json!({}), vec!["/username"]),
        (json!({ "username": "" }), vec!["/username"]),
        (json!({ "username": "a b\u{202e}" }), vec!["/username"]),
        (
            json!({ "username": "a", "email": "nobody", "groups": ["staff", "corp:staff"] }),
            vec!["/email", "/groups/0", "/groups/1"],
        ),
        (json!({ "username": "a", "password": "x" }), vec!["/password"]),
    ] {
        let response = ask(&world, "POST", "/accounts", &body);
        assert_eq!(response.status, 422, "{body}");
        let errors = body_of(&response)["errors"].as_array().expect("errors").clone();
        let found: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        assert_eq!(found, pointers, "{body}");
    }
}

#[test]
fn groups_of_this_server_are_replaced_if_the_account_is_the_expected_version() {
    let world = World::new();
    signed_in(&world);
    let admin = Admin(&world);
    let set = |if_match, groups: &[&str]| {
        admin.ask("PUT", "/accounts/local:alice/groups", if_match, Some(&json!({ "groups": groups })))
    };

    let changed = set(Some("\"1\""), &["local:staff"]);
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")));
    assert_eq!(body_of(&changed)["groups"], json!(["local:staff"]));
    assert_eq!(set(Some("\"1\""), &[]).status, 412);
    assert_eq!(set(Some("\"7\", \"2\""), &["local:staff"]).header("etag"), Some("\"2\""), "nothing changed");
    assert_eq!(set(None, &["corp:staff"]).status, 422, "only the provider sets its groups");
    let events = world.account_changes();
    assert_eq!((whats(&events), &events[0]["members"]), (vec!["account_changed"], &json!(["groups"])));
}

#[test]
fn a_block_ends_all_access_and_lifting_it_revives_none() {
    let world = World::new();
    let token = signed_in(&world);
    let path = |what: &str| format!("/accounts/local:alice/{what}");

    let blocked = ask(&world, "POST", &path("block"), &json!({ "why": "left" }));

    assert_eq!(blocked.status, 200, "{}", blocked.body);
    let standing = &body_of(&blocked)["standing"];
    assert_eq!((&standing["is"], &standing["why"]), (&json!("blocked"), &json!("left")));
    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");
    let events = world.recorded();
    let ended = events.last().map(|event| serde_json::to_value(event).expect("JSON")).expect("an event");
    assert_eq!((&ended["what"], ended["by"].is_object()), (&json!("access_ended"), true));
    assert_eq!(ask(&world, "POST", &path("block"), &json!({})).status, 200, "again changes nothing");

    assert_eq!(ask(&world, "POST", &path("unblock"), &json!({})).status, 200);
    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");
    assert_eq!(body_of(&Admin(&world).get(&path("devices")))["devices"], json!([]));
    let again = signed_in(&world);
    assert_eq!(outcome(&world.refresh(&again)), "issued");
    assert_eq!(whats(&world.account_changes()), ["account_blocked", "account_unblocked"]);
}

#[test]
fn a_deleted_account_leaves_a_row_without_what_it_knew() {
    let world = World::new();
    let token = signed_in(&world);

    let deleted = Admin(&world).ask("DELETE", "/accounts/local:alice", None, None);

    let left = body_of(&deleted);
    assert_eq!((deleted.status, &left["standing"]["is"]), (200, &json!("deleted")));
    assert_eq!(
        (&left["groups"], left.get("email"), &left["has_password"]),
        (&json!([]), None, &json!(false))
    );
    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");
    assert_eq!(ask(&world, "POST", "/accounts", &json!({ "username": "alice" })).status, 409);
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    assert!(person.sign_in("alice", "wonderland-8787").status >= 400);
}

#[test]
fn access_ends_if_its_grant_shard_cannot_be_reached_and_the_rest_follows_later() {
    let world = World::new();
    let token = signed_in(&world);
    world.set_down("grants", true);

    assert_eq!(ask(&world, "POST", "/accounts/local:alice/block", &json!({})).status, 503);

    world.set_down("grants", false);
    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant", "the account has ended it");
    assert!(!world.events().contains(&"access_ended".to_owned()));
    assert_eq!(ask(&world, "POST", "/accounts/local:alice/block", &json!({})).status, 200);
    assert!(world.events().contains(&"access_ended".to_owned()));
}

#[test]
fn devices_are_listed_counted_and_ended_by_what_they_have_in_common() {
    let world = World::new();
    let tokens = [signed_in(&world), signed_in(&world)];
    let list = || {
        let devices = body_of(&Admin(&world).get("/accounts/local:alice/devices"));
        devices["devices"].as_array().expect("devices").clone()
    };
    let end = |query: &str, body: &Value| {
        let response = ask(&world, "POST", &format!("/accounts/local:alice/devices/end{query}"), body);
        body_of(&response)["count"].clone()
    };
    let devices = list();
    assert_eq!(devices.len(), 2);
    assert_eq!(
        (&devices[0]["client_name"], &devices[0]["scope"]),
        (&json!("Demo TV"), &json!("email offline_access openid profile"))
    );

    for none in
        [json!({ "client_id": "other" }), json!({ "country": "FR" }), json!({ "asn": 7 }), json!({ "to": 1 })]
    {
        assert_eq!(end("", &none), json!(0), "{none}");
    }
    let one = json!({ "approval_id": devices[0]["approval_id"] });
    assert_eq!(end("?dry_run=true", &one), json!(1));
    assert_eq!(list().len(), 2);
    assert_eq!((end("", &one), end("", &one)), (json!(1), json!(0)));
    assert_eq!(list(), [devices[1].clone()]);
    let issued = tokens.iter().filter(|token| outcome(&world.refresh(token)) == "issued").count();
    assert_eq!(issued, 1);
    assert_eq!(end("", &json!({})), json!(1));
}

#[test]
fn a_device_that_gave_its_tokens_back_is_not_listed() {
    let world = World::new();
    let token = signed_in(&world);

    world.post("/revoke", &[("client_id", "demo-tv"), ("token", &token)]);

    assert_eq!(body_of(&Admin(&world).get("/accounts/local:alice/devices"))["devices"], json!([]));
}

#[test]
fn sessions_are_listed_counted_and_ended() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &world.start().user_code);
    let sessions = || body_of(&Admin(&world).get("/accounts/local:alice/sessions"))["sessions"].clone();
    let end = |query: &str| {
        body_of(&ask(&world, "POST", &format!("/accounts/local:alice/sessions/end{query}"), &json!({})))["count"].clone()
    };

    let listed = sessions();
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["how"]), (Some(1), &json!("password")));
    assert_eq!((end("?dry_run=true"), end(""), end("")), (json!(1), json!(1), json!(0)));
    assert_eq!(sessions(), json!([]));
    assert_eq!(person.decide("approve").status, 403);
}

#[test]
fn only_a_token_for_tokens_lifts_the_block_of_an_administrator() {
    let world = World::with(&[("ADMIN_GROUPS", "local:developers")]);
    let admin = Admin(&world);
    world.approved();
    let (people, both) = (admin.token("people", &["people"]), admin.token("both", &["people", "tokens"]));
    let ask = |token: &str, path: &str| admin.ask_as(token, "POST", path, None).status;

    assert_eq!(ask(&people, "/accounts/local:alice/block"), 200, "blocking grants nothing");
    assert_eq!(ask(&people, "/accounts/local:alice/unblock"), 403, "alice is one of the developers");
    assert_eq!(body_of(&admin.get("/accounts/local:alice"))["standing"]["is"], "blocked");
    assert_eq!(ask(&both, "/accounts/local:alice/unblock"), 200);
}
