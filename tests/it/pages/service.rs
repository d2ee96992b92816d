//! Whose pages these are: name, logo, color and help of the service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::NotFetched;

use crate::support::person::Person;
use crate::support::{World, get};

const NAMED: &[(&str, &str)] = &[
    ("SERVICE_NAME", "Beispiel <TV>"),
    ("SUPPORT_URL", "https://help.example/devices"),
    ("ACCENT_COLOR", "#7a1fa2"),
];

#[test]
fn every_page_has_the_name_the_color_and_the_help_of_the_service() {
    let world = World::with(NAMED);
    let person = Person::of(&world);
    let enter = person.open("/device");
    let lost = person.submit_only(&[("step", "unknown")]);
    for page in [&enter, &lost] {
        assert!(page.body.contains("· Beispiel &#60;TV&#62;</title>"), "{}", page.body);
        assert!(page.body.contains("<span><bdi>Beispiel &#60;TV&#62;</bdi></span>"));
        assert!(page.body.contains("<a href=\"https://help.example/devices\" rel=\"noopener\">Help</a>"));
        assert!(page.body.contains("--accent: #7a1fa2;"));
    }
}

#[test]
fn the_policy_allows_the_style_sheet_of_the_page_and_no_other() {
    for settings in [NAMED, &[]] {
        let world = World::with(settings);
        let page = Person::of(&world).open("/device");
        let (_, rest) = page.body.split_once("<style>").expect("a style sheet");
        let (style, rest) = rest.split_once("</style>").expect("its end");
        let hash = STANDARD.encode(Sha256::digest(style));

        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
        assert!(!rest.contains("<style"));
    }
}

/// A PNG of 32 × 32 black pixels.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQAAAABbAUdZAAAADElEQVR4nGNgGNwAAACgAAHJg7FWAAAAAElFTkSuQmCC";

fn with_logo(settings: &[(&'static str, &'static str)]) -> World {
    let logo: &'static str = Box::leak(format!("data:image/png;base64,{PNG}").into_boxed_str());
    World::with(&[&[("SERVICE_LOGO", logo)], settings].concat())
}

/// Returns the address of the logo in a page.
fn logo_of(page: &Response) -> String {
    let (_, rest) = page.body.split_once("<img class=\"logo\" src=\"").expect("a logo");
    let (address, rest) = rest.split_once('"').expect("its address");
    assert!(rest.starts_with(" alt=\"\" "), "the name stands beside it");
    address.to_owned()
}

fn fetch(world: &World, method: &str, path: &str) -> Response {
    world.send(&Request { method: method.to_owned(), path: path.to_owned(), ..get() })
}

#[test]
fn every_page_shows_the_logo_of_the_service_in_place_of_our_mark() {
    let world = with_logo(&[]);
    let person = Person::of(&world);
    let (enter, lost) = (person.open("/device"), person.submit_only(&[("step", "unknown")]));

    assert_eq!(logo_of(&enter), logo_of(&lost));
    for page in [&enter, &lost] {
        assert!(!page.body.contains("<svg class=\"mark\""), "{}", page.body);
        assert!(!page.body.contains(PNG), "the image is no part of the page");
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains("; img-src 'self' data:;"), "{policy}");
    }
    let unbranded = Person::of(&World::new()).open("/device");
    assert!(unbranded.body.contains("<svg class=\"mark\"") && !unbranded.body.contains("<img"));
}

#[test]
fn the_logo_is_kept_for_ever_at_the_address_of_its_bytes() {
    let world = with_logo(&[]);
    let address = logo_of(&Person::of(&world).open("/device"));
    let bytes = STANDARD.decode(PNG).expect("base64");

    let image = fetch(&world, "GET", &address);
    assert_eq!((image.status, image.bytes.as_ref(), image.body.as_str()), (200, Some(&bytes), ""));
    for (name, expected) in [
        ("content-type", "image/png"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
    ] {
        assert_eq!(image.header(name), Some(expected));
    }
    let head = fetch(&world, "HEAD", &address);
    assert_eq!((head.status, &head.bytes, &head.headers), (200, &None, &image.headers));
    assert_eq!(fetch(&world, "POST", &address).status, 405);
}

#[test]
fn no_other_address_has_a_logo_or_may_be_cached() {
    let world = with_logo(&[]);
    let address = logo_of(&Person::of(&world).open("/device"));

    for path in ["/logo/", "/logo/x", &format!("{address}/"), &address.to_lowercase()] {
        let answer = fetch(&world, "GET", path);
        assert_eq!((answer.status, answer.header("cache-control")), (404, Some("no-store")), "{path}");
    }
    assert_eq!(fetch(&World::new(), "GET", &address).status, 404, "a server without a logo");
}

const URL: &str = "https://cdn.example/logo.png";

/// Lets the server on the web have this file at [`URL`].
fn publish(world: &World, file: Result<Vec<u8>, NotFetched>) {
    world.server.platform.files.borrow_mut().insert(URL.to_owned(), file);
}

#[test]
fn a_logo_from_another_server_is_fetched_once_and_kept() {
    let world = World::with(&[("SERVICE_LOGO", URL)]);
    let bytes = STANDARD.decode(PNG).expect("base64");
    publish(&world, Ok(bytes.clone()));
    let address = logo_of(&Person::of(&world).open("/device"));
    assert_eq!(world.server.platform.fetches.get(), 0, "no page waits for it");

    for _ in 0..2 {
        let image = fetch(&world, "GET", &address);
        assert_eq!((image.status, image.bytes.as_ref()), (200, Some(&bytes)));
        assert_eq!(image.header("cache-control"), Some("public, max-age=31536000, immutable"));
    }
    publish(&world, Err(NotFetched::Unreachable));
    let world = world.restarted(&[("SERVICE_LOGO", URL)]);
    assert_eq!(fetch(&world, "GET", &address).status, 200, "another isolate has it from the registry");
    assert_eq!(world.server.platform.fetches.get(), 1);

    let world = world.restarted(&[("SERVICE_LOGO", "https://cdn.example/logo.png?v=2")]);
    assert_ne!(logo_of(&Person::of(&world).open("/device")), address, "another URL is another image");
}

#[test]
fn a_logo_that_cannot_be_fetched_is_tried_again_after_ten_seconds() {
    let world = World::with(&[("SERVICE_LOGO", URL)]);
    let address = logo_of(&Person::of(&world).open("/device"));
    for (file, reason) in [(Err(NotFetched::Status(500)), "status"), (Ok(b"<svg/>".to_vec()), "not_an_image")]
    {
        publish(&world, file);
        for (reason, fetches) in [(reason, 1), ("tried_before", 0)] {
            let before = world.server.platform.fetches.get();
            let answer = fetch(&world, "GET", &address);
            assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.decisions.first().map(|line| line.reason), Some(reason));
            assert_eq!(world.server.platform.fetches.get() - before, fetches);
        }
        world.wait(10);
    }
    publish(&world, Ok(STANDARD.decode(PNG).expect("base64")));
    assert_eq!(fetch(&world, "GET", &address).status, 200);
}

#[test]
fn the_logo_is_below_the_path_of_the_issuer() {
    let world = with_logo(&[("ISSUER", "http://127.0.0.1:8787/auth")]);
    let address = logo_of(&fetch(&world, "GET", "/auth/device"));

    assert!(address.starts_with("/auth/logo/"), "{address}");
    assert_eq!(fetch(&world, "GET", &address).status, 200);
    assert_eq!(fetch(&world, "GET", address.trim_start_matches("/auth")).status, 404);
}
