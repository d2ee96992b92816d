//! The devices, sessions and live codes of all accounts, through the admin API.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken test fails")]

use std::collections::BTreeSet;

use device_grant::endpoint::http::{Request, Response};
use device_grant::place::Place;
use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{World, json as body_of, outcome, post};

const PEOPLE: [(&str, &str); 2] = [("alice", "wonderland-8787"), ("bob", "builder-8787")];

fn place(country: &str, asn: u32) -> Place {
    Place { country: Some(country.to_owned()), asn: Some(asn), ..Place::default() }
}

/// Starts `demo-tv` at a place, and returns its codes.
fn start(world: &World, place: Place) -> Value {
    let form = [("client_id", "demo-tv"), ("scope", "openid offline_access")];
    body_of(&world.send(&Request { place: place.into(), ..post("/device_authorization", &form) }))
}

/// Lets somebody approve `demo-tv` at a place, and returns its refresh token.
fn device(world: &World, (username, password): (&str, &str), place: Place) -> String {
    let codes = start(world, place);
    Person::of(world).approve_as(username, password, codes["user_code"].as_str().unwrap());
    let tokens = body_of(&world.poll(codes["device_code"].as_str().unwrap()));
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

fn end(world: &World, path: &str, body: &Value) -> Response {
    Admin(world).ask("POST", path, None, Some(body))
}

/// Returns all rows of a list, read page by page, and the number of pages.
fn all(world: &World, path: &str, name: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let response = Admin(world).get(&format!("{path}{cursor}"));
        assert_eq!(response.status, 200, "{}", response.body);
        let page = body_of(&response);
        rows.extend(page[name].as_array().unwrap().clone());
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (rows, pages),
        }
    }
}

fn ids(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn devices_of_all_accounts_are_listed_once_each_and_by_every_condition() {
    let world = World::new();
    for person in PEOPLE {
        for country in ["FR", "NG"] {
            device(&world, person, place(country, if country == "FR" { 64_500 } else { 37_148 }));
            world.wait(60);
        }
    }
    for limit in [1, 3, 200] {
        let (rows, pages) = all(&world, &format!("/devices?limit={limit}"), "devices");
        assert_eq!((rows.len(), ids(&rows).len()), (4, 4), "{limit}");
        assert!(limit == 200 || pages > 1);
    }
    let count = |query: &str| all(&world, &format!("/devices?{query}"), "devices").0.len();
    let (rows, _) = all(&world, "/devices?account=local:bob&country=NG", "devices");
    assert_eq!((rows.len(), rows[0]["account"].as_str()), (1, Some("local:bob")));
    let approval = rows[0]["approval_id"].as_str().unwrap();
    assert_eq!(count(&format!("approval_id={approval}")), 1);
    assert_eq!((count("country=FR"), count("asn=37148"), count("client_id=demo-tv")), (2, 2, 4));
    assert_eq!((count("client_id=other"), count("account=local:nobody")), (0, 0));
    let first = world.now().seconds() - 240;
    assert_eq!(count(&format!("from={first}&to={}", first + 60)), 1);
    for (query, pointer) in [
        ("asn=x", "/asn"),
        ("country=fr", "/country"),
        ("account=bob", "/account"),
        ("cursor=AAAA", "/cursor"),
        ("limit=0", "/limit"),
        ("ids=x", "/ids"),
    ] {
        let response = Admin(&world).get(&format!("/devices?{query}"));
        assert_eq!(
            (response.status, body_of(&response)["errors"][0]["pointer"].as_str()),
            (422, Some(pointer))
        );
    }
}

#[test]
fn devices_of_all_accounts_end_by_network_and_a_dry_run_only_counts_them() {
    let world = World::new();
    let phished = PEOPLE.map(|person| device(&world, person, place("NG", 37_148)));
    let honest = device(&world, PEOPLE[0], place("FR", 64_500));
    let network = json!({ "asn": 37_148 });

    let counted = || {
        let counters = serde_json::to_value(world.server.platform.stored_counters()).unwrap();
        let rows = counters.as_object().unwrap().values();
        rows.filter_map(|row| row["codes"].as_object()).map(serde_json::Map::len).sum::<usize>()
    };
    assert_eq!(counted(), 3);
    for (state, codes) in [("waiting", &waiting), ("opened", &opened), ("approved", &approved)] {
        let path = format!("/grants/{}", row(state)["id"].as_str().unwrap());
        assert_eq!(Admin(&world).ask("DELETE", &path, None, None).status, 204);
        assert_eq!(Admin(&world).ask("DELETE", &path, None, None).status, 404, "it has ended");
        world.wait(6);
        assert_eq!(world.poll_outcome(codes["device_code"].as_str().unwrap()), "access_denied");
    }
    assert_eq!(counted(), 0, "the codes are no longer counted as live");
    assert!(visitor.decide("approve").body.contains("This request has ended"));
    assert_eq!(all(&world, "/grants?limit=1", "grants").0, Vec::<Value>::new());
    for unknown in ["AAAA", "x", "AAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(Admin(&world).ask("DELETE", &format!("/grants/{unknown}"), None, None).status, 404);
    }
    assert_eq!(world.events().iter().filter(|what| *what == "ended").count(), 3);
    assert_eq!(Admin(&world).get("/grants?cursor=AA").status, 422);
}
