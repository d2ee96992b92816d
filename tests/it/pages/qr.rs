//! The QR code that the server draws for devices that cannot.

use device_grant::endpoint::http::Request;
use serde_json::Value;

use crate::support::{World, get};

/// Returns the address of the image, and the link that it draws.
fn addresses(world: &World) -> (String, String) {
    let answer = world.start().answer;
    let link = answer.get("verification_uri_complete").and_then(Value::as_str).expect("a link").to_owned();
    (link.replace("http://127.0.0.1:8787/device?", "/device/qr?"), link)
}

/// Returns the dark modules of the image, row by row.
fn modules(svg: &str) -> Vec<Vec<bool>> {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let (_, rest) = svg.split_once("viewBox=\"0 0 ").expect("a size");
    let side = number(rest.split(' ').next().expect("a side"));
    let mut rows = vec![vec![false; side]; side];
    let (_, path) = svg.rsplit_once("d=\"").expect("a path");
    for run in path.split('M').skip(1) {
        let (start, rest) = run.split_once('h').expect("a run");
        let (x, y) = start.split_once(' ').expect("a place");
        let (length, _) = rest.split_once('v').expect("a length");
        let row = rows.get_mut(number(y)).expect("a row of the image");
        row.iter_mut().skip(number(x)).take(number(length)).for_each(|module| *module = true);
    }
    rows
}

#[test]
fn the_image_draws_the_complete_link() {
    let world = World::new();
    let (image, link) = addresses(&world);

    let response = world.get(&image);

    assert_eq!((response.status, response.header("content-type")), (200, Some("image/svg+xml")));
    let drawn = qrcode::QrCode::new(&link).expect("a code");
    let expected: Vec<Vec<bool>> = drawn
        .to_colors()
        .chunks(drawn.width())
        .map(|row| row.iter().map(|color| *color == qrcode::Color::Dark).collect())
        .collect();
    let margin = |rows: &[Vec<bool>]| rows.iter().all(|row| row.iter().all(|dark| !dark));
    let rows = modules(&response.body);
    let (top, rest) = rows.split_at(4);
    assert!(margin(top) && margin(&rest[drawn.width()..]));
    let inner: Vec<Vec<bool>> =
        rest[..drawn.width()].iter().map(|row| row[4..4 + drawn.width()].to_vec()).collect();
    assert_eq!(inner, expected);
    assert!(drawn.width() <= 37, "version 5 at most");
}

#[test]
fn the_image_may_be_shown_by_any_page_is_stored_by_none_and_has_a_text() {
    let world = World::new();
    let (image, _) = addresses(&world);
    let (path, query) = image.split_once('?').expect("a query");
    let origin = Some("https://app.example".to_owned());

    let response = world.send(&Request { path: path.to_owned(), query: query.to_owned(), origin, ..get() });

    for (name, value) in [
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("access-control-allow-origin", "*"),
        ("content-security-policy", "default-src 'none'"),
    ] {
        assert_eq!(response.header(name), Some(value));
    }
    assert!(response.body.contains("role=\"img\""));
    assert!(response.body.contains("<title>QR code that opens http://127.0.0.1:8787/device with the code "));
    assert!(response.body.len() < 6_000, "{}", response.body.len());
}

#[test]
fn nothing_but_a_live_link_of_this_server_is_drawn() {
    let world = World::new();
    let (image, _) = addresses(&world);
    let without_proof = image.split('&').next().expect("a path");
    for other in
        ["/device/qr", without_proof, &image.replace("&e=", "&e=A"), "/device/qr?user_code=BBBB-BBBB&e=AAAA"]
    {
        assert_eq!(world.get(other).status, 404, "{other}");
    }
    world.cost();
    world.wait(299);
    assert_eq!(world.get(&image).status, 200);
    world.wait(1);
    assert_eq!(world.get(&image).status, 410);
    let cost = world.cost();
    assert_eq!((cost.grant_hops, cost.limit_hops), (0, 0));
}
