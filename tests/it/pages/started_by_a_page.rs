//! Codes that a web page requests: who may, and what the consent page says about it.

use device_grant::endpoint::http::{Request, Response};
use device_grant::place::Place;
use serde_json::{Value, json};

use crate::support::admin::{Admin, list_origin};
use crate::support::person::Person;
use crate::support::{World, json as body, outcome, post};

const ELSEWHERE: &str = "https://app.example";
const CLIENT: (&str, &str) = ("client_id", "demo-tv");
const PATHS: [&str; 3] = ["/device_authorization", "/devicecode", "/oauth2/device/auth"];

/// Requests a code with these headers.
fn start(world: &World, path: &str, origin: Option<&str>, site: Option<&str>) -> Response {
    let (origin, sec_fetch_site) = (origin.map(str::to_owned), site.map(str::to_owned));
    world.send(&Request { origin, sec_fetch_site, ..post(path, &[CLIENT]) })
}

fn description(response: &Response) -> String {
    body(response).get("error_description").and_then(Value::as_str).expect("a description").to_owned()
}

#[test]
fn a_page_that_the_client_does_not_list_starts_nothing_and_nothing_is_counted() {
    let world = World::new();
    world.get("/.well-known/openid-configuration");
    world.cost();
    let own = "http://127.0.0.1:8787";

    for path in PATHS {
        for (origin, site) in [
            (Some(ELSEWHERE), Some("cross-site")),
            (Some(ELSEWHERE), None),
            (Some(ELSEWHERE), Some("none")),
            (Some(own), Some("same-origin")),
            (Some("null"), Some("cross-site")),
            (Some(""), None),
            (Some("https://app.example, https://app.example"), None),
            (None, Some("cross-site")),
            (None, Some("same-site")),
            (None, Some("same-origin")),
            (None, Some("something new")),
        ] {
            let refused = start(&world, path, origin, site);

            assert_eq!(
                (refused.status, outcome(&refused).as_str()),
                (400, "invalid_request"),
                "{origin:?} {site:?}"
            );
            let words = description(&refused);
            match origin {
                Some(origin) => assert!(words.contains(&format!("'{origin}'")), "{words}"),
                None => assert!(words.contains("Sec-Fetch-Site"), "{words}"),
            }
            assert_eq!(refused.header("access-control-allow-origin"), None);
            assert_eq!(refused.header("vary"), Some("origin"));
            assert_eq!(refused.decisions[0].reason, "foreign_page");
        }
    }
    let cost = world.cost();
    assert_eq!((cost.grant_hops, cost.limit_hops), (0, 0), "{cost:?}");
    assert!(world.server.platform.stored_counters().is_empty());
    assert_eq!(world.events(), Vec::<String>::new());
}

#[test]
fn the_event_of_a_start_names_the_page() {
    let world = World::new();
    list_origin(&world, "demo-tv", ELSEWHERE);

    assert_eq!(start(&world, PATHS[0], Some(ELSEWHERE), Some("cross-site")).status, 200);
    assert_eq!(start(&world, PATHS[0], None, None).status, 200);

    let pages: Vec<Option<String>> = world
        .recorded()
        .iter()
        .map(|event| event.page.as_ref().map(|page| page.as_str().to_owned()))
        .collect();
    assert_eq!(pages, [Some(ELSEWHERE.to_owned()), None]);
}

#[test]
fn a_refused_page_asks_neither_the_rate_limit_nor_the_registry_for_a_client() {
    let world = World::new();
    world.get("/.well-known/openid-configuration");
    world.set_down("rate limit", true);
    world.set_down("registry", true);

    for form in
        [&[("client_id", "unknown")][..], &[("client_id", "demo-printer"), ("client_secret", "wrong")], &[]]
    {
        let origin = Some(ELSEWHERE.to_owned());
        let refused = world.send(&Request { origin, ..post("/device_authorization", form) });

        assert_eq!(
            (refused.status, outcome(&refused).as_str()),
            (400, "invalid_request"),
            "{}",
            refused.body
        );
        assert!(description(&refused).contains(ELSEWHERE));
    }
}

#[test]
fn programs_start_as_ever_whatever_else_their_headers_say() {
    let world = World::new();

    assert_eq!(start(&world, "/device_authorization", None, None).status, 200);
    assert_eq!(start(&world, "/device_authorization", None, Some("none")).status, 200);
    assert!(world.grants().iter().all(|grant| grant.request.origin.page.is_none()));
}

#[test]
fn a_page_of_a_listed_origin_starts_and_reads_its_errors() {
    let world = World::new();
    list_origin(&world, "demo-tv", ELSEWHERE);
    let page = |path, form: &[(&str, &str)]| {
        world.send(&Request { origin: Some(ELSEWHERE.to_owned()), ..post(path, form) })
    };

    for path in PATHS {
        let started = page(path, &[CLIENT]);
        assert_eq!((started.status, started.header("access-control-allow-origin")), (200, Some(ELSEWHERE)));
    }
    for (status, form) in
        [(400, &[CLIENT, ("scope", "fly")][..]), (400, &[]), (400, &[("client_id", "unknown")])]
    {
        let refused = page("/device_authorization", form);
        assert_eq!(refused.status, status, "{}", refused.body);
        assert_eq!(refused.header("access-control-allow-origin"), Some(ELSEWHERE), "{form:?}");
    }
    let foreign = page("/device_authorization", &[("client_id", "demo-printer")]);
    assert_eq!(foreign.header("access-control-allow-origin"), None, "another client does not list it");
    assert!(description(&foreign).contains(ELSEWHERE));
    for other in
        ["https://app.example:8443", "http://app.example", "https://APP.example", "https://app.example/"]
    {
        assert_eq!(start(&world, PATHS[0], Some(other), None).status, 400, "{other}");
    }
    let pages: Vec<_> = world.grants().iter().map(|grant| grant.request.origin.page.clone()).collect();
    assert_eq!(pages.len(), 3);
    assert!(pages.iter().flatten().all(|page| page.as_str() == ELSEWHERE));
    assert_eq!(Admin(&world).patch("demo-tv", &json!({ "enabled": false })).status, 200);
    assert_eq!(start(&world, PATHS[0], Some(ELSEWHERE), None).status, 400, "a disabled client allows nobody");
}

#[test]
fn an_origin_in_an_error_is_cut_and_cannot_break_out() {
    let world = World::new();
    let origin = format!("https://\"\\<b>\u{e9}\n{}", "x".repeat(1_000));

    let refused = start(&world, PATHS[0], Some(&origin), None);

    let words = description(&refused);
    assert!(words.contains("'https://''<b>??xx") && words.len() < 250, "{words}");
}

#[test]
fn an_operator_who_lists_null_is_warned() {
    let world = World::new();
    let admin = Admin(&world);
    let with = json!({ "allowed_origins": ["https://app.example", "null"] });

    for path in ["/clients/demo-tv?dry_run=true", "/clients/demo-tv"] {
        let answer = body(&admin.ask("PATCH", path, Some("*"), Some(&with)));
        let warnings = answer["warnings"].as_array().expect("a warning");
        assert!(warnings[0].as_str().is_some_and(|text| text.contains("null")), "{answer}");
    }
    let read = body(&admin.get("/clients/demo-tv"));
    assert_eq!(read["warnings"].as_array().map(Vec::len), Some(1));
    let sent_back = admin.ask("PUT", "/clients/demo-tv", Some("*"), Some(&read));
    assert_eq!(sent_back.status, 200, "a response can be sent back: {}", sent_back.body);
    list_origin(&world, "demo-tv", "https://app.example");
    assert_eq!(body(&admin.get("/clients/demo-tv")).get("warnings"), None);
}

/// The sign of a web page, and that of a warning.
const WINDOW: &str = "<path d=\"M3 5.5h18v13.5H3Z";
const TRIANGLE: &str = "<path d=\"M12 3.8 21 19.5H3Z";

/// Returns the consent page of a code that a page of `origin` requested in Lyon, as seen from Lyon.
fn consent(origin: Option<&str>) -> String {
    let world = World::new();
    list_origin(&world, "demo-tv", origin.unwrap_or(ELSEWHERE));
    let place = Place {
        country: Some("FR".to_owned()),
        city: Some("Lyon".to_owned()),
        asn: Some(3_215),
        ..Place::default()
    };
    let request = Request {
        origin: origin.map(str::to_owned),
        place: place.clone().into(),
        ..post("/device_authorization", &[CLIENT])
    };
    let started = body(&world.send(&request));
    let from_lyon =
        |request: &Request| world.send(&Request { place: place.clone().into(), ..request.clone() });
    let person = Person::before(from_lyon, "198.51.100.23");
    person.enter(started.get("user_code").and_then(Value::as_str).expect("a code"));
    person.sign_in("alice", "wonderland-8787").body
}

#[test]
fn the_consent_page_names_the_page_that_started_a_grant() {
    let page = consent(Some(ELSEWHERE));

    assert!(page.contains("Started from a web page at") && page.contains(">https://app.example<"), "{page}");
    assert!(page.contains(WINDOW), "{page}");
}

#[test]
fn a_start_from_null_is_never_said_to_be_near() {
    const NEAR: &str = "Same area as you";

    let hidden = consent(Some("null"));

    assert!(hidden.contains("Started from a web page that hides its address."), "{hidden}");
    assert!(hidden.contains("the same place and network prove nothing") && !hidden.contains(NEAR));
    assert!(
        hidden.contains(WINDOW) && !hidden.contains(TRIANGLE),
        "another sign than that of other warnings"
    );
    let program = consent(None);
    assert!(program.contains(NEAR) && !program.contains("web page"), "{program}");
}
