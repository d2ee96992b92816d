//! What keeps the pages safe: CSRF tokens, sealed fields, headers and escaping.

use device_grant::endpoint::http::Request;

use super::{ALICE, BOB, enter};
use crate::support::person::{Person, hidden};
use crate::support::{World, post};

#[test]
fn a_form_from_another_site_or_browser_is_refused() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let page = person.page.borrow().body.clone();
    let (csrf, transaction) =
        (hidden(&page, "csrf").expect("a token"), hidden(&page, "transaction").expect("a field"));
    let form = |csrf: &str| {
        let fields = [
            ("step", "decide"),
            ("decision", "approve"),
            ("confirm_device", "yes"),
            ("transaction", &transaction),
            ("csrf", csrf),
        ];
        post("/device", &fields)
    };
    let origin = |origin: &str| Request { origin: Some(origin.to_owned()), ..form(&csrf) };

    assert_eq!(person.window().send(origin("https://evil.example")).status, 403);
    assert_eq!(person.window().send(form("guess")).status, 403);
    let cross_site = Request { sec_fetch_site: Some("cross-site".to_owned()), ..form(&csrf) };
    assert_eq!(person.window().send(cross_site).status, 403);
    assert_eq!(Person::of(&world).send(form(&csrf)).status, 403, "the same form in another browser");
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");

    assert_eq!(
        person.window().send(origin("null")).status,
        200,
        "`Origin: null` says nothing, so the token decides"
    );
}

#[test]
fn a_transaction_is_good_only_in_its_browser() {
    let world = World::new();
    let started = world.start();
    let alice = enter(&world, ALICE, &started.user_code);
    let stolen = hidden(&alice.page.borrow().body, "transaction").expect("a field");
    let mallory = enter(&world, BOB, &world.start().user_code);

    let fields =
        [("step", "decide"), ("decision", "approve"), ("confirm_device", "yes"), ("transaction", &stolen)];
    let page = mallory.submit_only(&fields);

    assert_eq!(page.status, 403);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn the_sign_in_form_needs_a_csrf_token() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);

    let fields = [("step", "sign_in"), ("username", ALICE.0), ("password", ALICE.1), ("csrf", "guess")];

    assert_eq!(person.send(post("/device", &fields)).status, 403);
}

#[test]
fn pages_carry_the_headers_that_keep_them_safe() {
    let world = World::new();
    let page = Person::of(&world).open("/device");

    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(policy.contains("form-action 'self'") && !policy.contains("unsafe"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let cookie = page.header("set-cookie").expect("a cookie");
    assert!(
        cookie.starts_with("device-grant=")
            && cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
}

#[test]
fn on_https_the_cookie_is_bound_to_the_host() {
    let world = World::with(&[
        ("ENVIRONMENT", "production"),
        ("ISSUER", "https://login.example.net"),
        ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"),
    ]);
    let request = Request {
        secure: true,
        host: "login.example.net".to_owned(),
        path: "/device".to_owned(),
        ..crate::support::get()
    };

    let cookie = world.send(&request).header("set-cookie").map(str::to_owned).expect("a cookie");

    assert!(cookie.starts_with("__Host-device-grant=") && cookie.ends_with("; Secure"), "{cookie}");
}

#[test]
fn a_client_name_with_markup_is_escaped() {
    let world = World::new();
    let started = world.start();
    world.change_client("demo-tv", |client| client.client_name = "<script>alert(1)</script>".to_owned());
    world.wait(20);

    let person = enter(&world, ALICE, &started.user_code);

    let body = &person.page.borrow().body;
    assert!(body.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "the name is shown as text");
    assert!(!body.contains("<script"));
}
