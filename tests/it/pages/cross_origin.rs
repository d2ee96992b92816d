//! The responses that scripts of other sites can read. `tests/it/tokens/issued.rs` has the preflights.

use device_grant::endpoint::http::{Request, Response};
use serde_json::Value;

use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, get, json, post};

const ELSEWHERE: &str = "https://app.example";
const CLIENT: (&str, &str) = ("client_id", "demo-tv");

/// Sends a request as a script of another site would.
fn from_elsewhere(world: &World, request: Request) -> Response {
    world.send(&Request { origin: Some(ELSEWHERE.to_owned()), ..request })
}

/// Returns a GET of `/userinfo` with a token.
fn userinfo(token: &str) -> Request {
    Request { path: "/userinfo".to_owned(), authorization: Some(format!("Bearer {token}")), ..get() }
}

/// Returns a GET of a path.
fn document(path: &str) -> Request {
    Request { path: path.to_owned(), ..get() }
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).expect("the response has it")
}

#[test]
fn scripts_of_any_site_can_read_every_response_of_an_open_endpoint() {
    let world = World::new();
    let started = world.approved();
    let poll = [CLIENT, ("grant_type", DEVICE_CODE), ("device_code", &started.device_code)];
    let redeemed = from_elsewhere(&world, post("/token", &poll));
    let tokens = json(&redeemed);
    let revocation = [CLIENT, ("token", text(&tokens, "refresh_token"))];

    let answers = [
        (200, "tokens", redeemed),
        (400, "a spent code", from_elsewhere(&world, post("/token", &poll))),
        (200, "codes", from_elsewhere(&world, post("/device_authorization", &[CLIENT]))),
        (401, "no such client", from_elsewhere(&world, post("/device_authorization", &[("client_id", "x")]))),
        (200, "claims", from_elsewhere(&world, userinfo(text(&tokens, "access_token")))),
        (401, "a made-up token", from_elsewhere(&world, userinfo("made.up.token"))),
        (200, "a revocation", from_elsewhere(&world, post("/revoke", &revocation))),
        (400, "nothing to revoke", from_elsewhere(&world, post("/revoke", &[CLIENT]))),
        (200, "keys", from_elsewhere(&world, document("/jwks.json"))),
        (200, "metadata", from_elsewhere(&world, document("/.well-known/oauth-authorization-server"))),
        (200, "discovery", from_elsewhere(&world, document("/.well-known/openid-configuration"))),
        (
            200,
            "a resource",
            from_elsewhere(&world, document("/.well-known/oauth-protected-resource/userinfo")),
        ),
    ];

    for (status, what, answer) in answers {
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{what}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{what}");
        let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
        for name in ["retry-after", "www-authenticate", "dpop-nonce"] {
            assert!(exposed.split(", ").any(|exposed| exposed == name), "{what}: {name}");
        }
    }
}

#[test]
fn scripts_of_any_site_can_read_a_503_and_when_to_try_again() {
    for (object, request) in [
        ("grants", post("/device_authorization", &[CLIENT])),
        ("registry", post("/token", &[CLIENT, ("grant_type", "refresh_token"), ("refresh_token", "x")])),
        ("registry", post("/revoke", &[CLIENT])),
        ("registry", document("/jwks.json")),
    ] {
        let world = World::new();
        world.set_down(object, true);

        let answer = from_elsewhere(&world, request);

        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
}

#[test]
fn scripts_of_other_sites_can_read_no_page_and_nothing_for_operators() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    let credentials =
        [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret"), ("token", "x")];

    let answers = [
        ("a page", person.open("/device")),
        ("the page after it", person.enter(&started.user_code)),
        ("a page that another site asks for", from_elsewhere(&world, document("/device"))),
        ("a form of another site", from_elsewhere(&world, post("/device", &[("step", "code")]))),
        ("the authorization endpoint", from_elsewhere(&world, document("/authorize"))),
        ("introspection", from_elsewhere(&world, post("/introspect", &credentials))),
        ("clients", Admin(&world).get("/clients")),
        ("the document", Admin(&world).get("/openapi.json")),
        ("no admin token", from_elsewhere(&world, document("/admin/api/clients"))),
        ("health", from_elsewhere(&world, document("/healthz"))),
        ("nothing", from_elsewhere(&world, document("/nothing"))),
    ];

    for (what, answer) in answers {
        let open = answer.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
        assert_eq!(open, None, "{what}");
    }
}
