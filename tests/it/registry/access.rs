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

/// Returns all rows of a list, read page by page, and how many rows each page has.
fn all(world: &World, path: &str, name: &str) -> (Vec<Value>, Vec<usize>) {
    let (mut rows, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let response = Admin(world).get(&format!("{path}{cursor}"));
        assert_eq!(response.status, 200, "{}", response.body);
        let page = body_of(&response);
        let found = page[name].as_array().unwrap();
        pages.push(found.len());
        rows.extend(found.clone());
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
        assert!(limit == 200 || pages.len() > 1);
        assert!(pages.iter().all(|found| *found <= limit), "{limit}: {pages:?}");
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

    let counted = end(&world, "/devices/end?dry_run=true", &network);
    assert_eq!((counted.status, body_of(&counted)), (200, json!({ "count": 2 })));
    assert_eq!(all(&world, "/devices?asn=37148", "devices").0.len(), 2, "nothing has changed");
    assert_eq!(body_of(&end(&world, "/devices/end", &network)), json!({ "count": 2 }));

    assert!(phished.iter().all(|token| outcome(&world.refresh(token)) == "invalid_grant"));
    assert_eq!(world.refresh(&honest).status, 200);
    assert_eq!(body_of(&end(&world, "/devices/end", &network)), json!({ "count": 0 }));
    let by: Vec<bool> = world
        .recorded()
        .into_iter()
        .filter(|event| serde_json::to_value(event.what).unwrap() == "access_ended")
        .map(|event| event.by.is_some())
        .collect();
    assert_eq!(by, [true, true]);
}

#[test]
fn nothing_ends_without_a_condition() {
    let world = World::new();
    let token = device(&world, PEOPLE[0], place("FR", 64_500));
    for path in ["/devices/end", "/sessions/end"] {
        for body in [json!({}), json!({ "country": null })] {
            let response = end(&world, path, &body);
            assert_eq!(response.status, 422, "{path} {body}");
            assert!(response.body.contains("everybody would lose their access"));
        }
        assert_eq!(end(&world, path, &json!({ "region": "x" })).status, 422);
    }
    assert_eq!(world.refresh(&token).status, 200);
}

#[test]
fn more_devices_than_one_request_ends_are_ended_with_the_cursor() {
    let world = World::new();
    let person = Person::of(&world);
    let tokens: Vec<String> = (0..130)
        .map(|number| {
            world.server.platform.reset_counters("");
            world.wait(1);
            let codes = start(&world, place("NG", 37_148));
            person.enter(codes["user_code"].as_str().unwrap());
            if number == 0 {
                person.sign_in(PEOPLE[0].0, PEOPLE[0].1);
            }
            person.decide("approve");
            let tokens = body_of(&world.poll(codes["device_code"].as_str().unwrap()));
            tokens["refresh_token"].as_str().unwrap().to_owned()
        })
        .collect();
    let (mut counts, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = body_of(&end(
            &world,
            &format!("/devices/end?dry_run=false{cursor}"),
            &json!({ "country": "NG" }),
        ));
        counts.push(page["count"].as_u64().unwrap());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((counts[0], counts.iter().sum::<u64>()), (100, 130));
    assert!(tokens.iter().all(|token| outcome(&world.refresh(token)) == "invalid_grant"));
}

#[test]
fn sessions_of_all_accounts_are_listed_and_end_by_place_and_time() {
    let world = World::new();
    let visit = |(username, password), country: &str| {
        let here = place(country, if country == "FR" { 64_500 } else { 37_148 });
        let send = |request: &Request| world.send(&Request { place: here.clone().into(), ..request.clone() });
        let person = Person::before(send, "198.51.100.23");
        person.enter(&world.start().user_code);
        person.sign_in(username, password);
    };
    for country in ["FR", "FR", "FR", "NG"] {
        visit(PEOPLE[0], country);
    }
    world.wait(60);
    visit(PEOPLE[1], "NG");
    let count = |query: &str| all(&world, &format!("/sessions?{query}"), "sessions").0.len();
    assert_eq!(
        (count("limit=1"), count("account=local:alice"), count("country=NG"), count("provider=corp")),
        (5, 4, 2, 0)
    );
    assert_eq!((count("asn=37148"), count("asn=64500&account=local:bob")), (2, 0));
    let last = world.now().seconds();
    assert_eq!((count(&format!("to={last}")), count(&format!("from={last}"))), (4, 1));
    let (rows, _) = all(&world, "/sessions?account=local:bob", "sessions");
    assert_eq!((rows[0]["account"].as_str(), rows[0].get("id")), (Some("local:bob"), None));

    let nigeria = json!({ "country": "NG" });
    assert_eq!(body_of(&end(&world, "/sessions/end?dry_run=true", &nigeria)), json!({ "count": 2 }));
    assert_eq!(body_of(&end(&world, "/sessions/end", &nigeria)), json!({ "count": 2 }));
    assert_eq!((count("limit=9"), count("country=NG")), (3, 0));
    let later = json!({ "account": "local:alice", "from": world.now().seconds() + 1 });
    assert_eq!(body_of(&end(&world, "/sessions/end", &later)), json!({ "count": 0 }));
}

#[test]
fn live_codes_are_listed_once_each_whatever_the_size_of_the_pages() {
    let world = World::new();
    for _ in 0..30 {
        world.server.platform.reset_counters("");
        start(&world, place("NG", 37_148));
    }

    for limit in [1, 2, 7, 200] {
        let (rows, pages) = all(&world, &format!("/grants?limit={limit}"), "grants");
        assert_eq!((rows.len(), ids(&rows).len()), (30, 30), "{limit}");
        assert!(pages.iter().all(|found| *found <= limit), "{limit}: {pages:?}");
    }
}

#[test]
fn live_codes_are_listed_without_the_codes_and_one_can_be_ended() {
    let world = World::new();
    let [waiting, opened, approved] = [(); 3].map(|()| start(&world, place("NG", 37_148)));
    let code = |codes: &Value| codes["user_code"].as_str().unwrap().to_owned();
    let visitor = Person::of(&world);
    visitor.enter_as(PEOPLE[0].0, PEOPLE[0].1, &code(&opened));
    Person::of(&world).approve_as(PEOPLE[1].0, PEOPLE[1].1, &code(&approved));
    let done = world.approved();
    assert_eq!(world.poll_outcome(&done.device_code), "issued");

    let (rows, _) = all(&world, "/grants?limit=1", "grants");
    let text = Value::from(rows.clone()).to_string();
    for codes in [&waiting, &opened, &approved] {
        assert!(!text.contains(&code(codes).replace('-', "")) && !text.contains(&code(codes)));
    }
    let states: BTreeSet<&str> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), states), (3, BTreeSet::from(["approved", "opened", "waiting"])));
    let row = |state: &str| rows.iter().find(|row| row["state"] == state).unwrap().clone();
    assert_eq!(row("waiting")["started"]["country"], "NG");
    assert_eq!(row("waiting").get("account"), None);
    assert!(row("opened")["account"].is_string() && row("approved")["account"].is_string());

    let counted = || world.server.platform.live_codes().iter().sum::<u64>();
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
    let recorded = world.recorded().into_iter();
    let ended = recorded.filter(|event| serde_json::to_value(event.what).unwrap() == "ended");
    let of: Vec<Value> = ended.map(|event| json!(event.account)).collect();
    assert_eq!(of, [Value::Null, row("opened")["account"].clone(), row("approved")["account"].clone()]);
    assert_eq!(Admin(&world).get("/grants?cursor=AA").status, 422);
}
