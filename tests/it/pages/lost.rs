//! What people find at addresses that they mistyped, and what programs find there.

use device_grant::endpoint::http::{Request, Response};

use crate::support::{World, get};

fn visit(world: &World, path: &str, accept: Option<&str>) -> Response {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let accept = accept.map(str::to_owned);
    world.send(&Request { path: path.to_owned(), query: query.to_owned(), accept, ..get() })
}

/// What browsers send for a page.
const PAGE: Option<&str> = Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

#[test]
fn a_mistyped_address_leads_to_the_page_for_codes() {
    let world = World::new();
    for path in
        ["/", "/device.", "/device/", "/Device", "/DEVICE/", "/activate", "/Activate/", "/device%20", "/link"]
    {
        let page = visit(&world, path, PAGE);

        assert_eq!((page.status, page.header("location")), (303, Some("/device")), "{path}");
    }
    let page = visit(&world, "/Device/?user_code=WDJB-MJHT&e=x", PAGE);
    assert_eq!(page.header("location"), Some("/device?user_code=WDJB-MJHT&e=x"), "with the code");
}

#[test]
fn everywhere_else_a_person_gets_a_page_with_a_link_and_a_program_a_line() {
    let world = World::new();
    for path in ["/nothing", "/devices", "/.well-known/other", "/register", "/device/x"] {
        let page = visit(&world, path, PAGE);
        assert_eq!(
            (page.status, page.header("content-type")),
            (404, Some("text/html; charset=utf-8")),
            "{path}"
        );
        assert!(page.body.contains("href=\"/device\""), "{path}");

        for accept in [None, Some("application/json"), Some("*/*")] {
            let line = visit(&world, path, accept);
            assert_eq!((line.status, line.body.as_str()), (404, "There is nothing here.\n"), "{path}");
        }
    }
    let post = Request {
        method: "POST".to_owned(),
        path: "/device/".to_owned(),
        accept: PAGE.map(str::to_owned),
        ..get()
    };
    assert_eq!(world.send(&post).body, "There is nothing here.\n", "a form is sent nowhere else");
}

#[test]
fn below_the_path_of_an_issuer_the_same_holds() {
    let world = World::with(&[("ISSUER", "http://127.0.0.1:8787/auth")]);

    assert_eq!(visit(&world, "/auth/Device/", PAGE).header("location"), Some("/auth/device"));
    assert_eq!(visit(&world, "/auth", PAGE).header("location"), Some("/auth/device"));
    let outside = visit(&world, "/device", PAGE);
    assert!(outside.status == 404 && outside.body.contains("href=\"/auth/device\""), "{}", outside.body);
}

#[test]
fn every_page_has_an_icon_that_its_policy_allows() {
    let page = visit(&World::new(), "/device", PAGE);

    assert!(page.body.contains("<link rel=\"icon\" type=\"image/svg+xml\" href=\"data:image/svg+xml,"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("; img-src 'self' data:;"), "{policy}");
}
