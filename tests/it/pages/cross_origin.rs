//! The responses that scripts of other sites can read. `tests/it/tokens/issued.rs` has the preflights.

use device_grant::endpoint::http::{Request, Response};
use serde_json::Value;

use crate::support::admin::{Admin, list_origin};
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

/// Returns the headers about other origins of a response, and whether they may be cached for others.
fn readable(answer: &Response) -> (Option<&str>, bool, Option<&str>) {
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    let has = |name| exposed.split(", ").any(|exposed| exposed == name);
    let all = ["retry-after", "www-authenticate", "dpop-nonce"].into_iter().all(has);
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    (answer.header("access-control-allow-origin"), all, answer.header("vary"))
}

/// Returns the responses, with what they are, of the endpoints that clients call, to a page of [`ELSEWHERE`].
fn flow(world: &World) -> [(u16, &'static str, Response); 8] {
    let started = world.approved();
    let poll = [CLIENT, ("grant_type", DEVICE_CODE), ("device_code", &started.device_code)];
    let redeemed = from_elsewhere(world, post("/token", &poll));
    let tokens = json(&redeemed);
    let revocation = [CLIENT, ("token", text(&tokens, "refresh_token"))];
    [
        (200, "tokens", redeemed),
        (400, "a spent code", from_elsewhere(world, post("/token", &poll))),
        (401, "no such client", from_elsewhere(world, post("/token", &with_client("x", &poll)))),
        (400, "no form", from_elsewhere(world, Request { content_type: None, ..post("/token", &poll) })),
        (400, "a poll by wrangler's path", from_elsewhere(world, post("/oauth2/token", &poll))),
        (200, "a revocation", from_elsewhere(world, post("/revoke", &revocation))),
        (400, "nothing to revoke", from_elsewhere(world, post("/revoke", &[CLIENT]))),
        (400, "nothing to revoke", from_elsewhere(world, post("/oauth2/revoke", &[CLIENT]))),
    ]
}

fn with_client<'a>(client_id: &'a str, form: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    form.iter().map(|(name, value)| (*name, if *name == "client_id" { client_id } else { value })).collect()
}

#[test]
fn scripts_of_a_listed_origin_can_read_every_response_of_a_flow() {
    let world = World::new();
    list_origin(&world, "demo-tv", ELSEWHERE);

    for (status, what, answer) in flow(&world) {
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert_eq!(readable(&answer), (Some(ELSEWHERE), true, Some("origin")), "{what}");
    }
}

#[test]
fn scripts_of_other_origins_are_answered_at_the_token_endpoint_but_cannot_read_it() {
    let world = World::new();
    list_origin(&world, "demo-tv", "https://other.example");

    for (status, what, answer) in flow(&world) {
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert_eq!(readable(&answer), (None, false, Some("origin")), "{what}");
    }
}

#[test]
fn an_origin_that_one_client_lists_cannot_read_the_responses_to_another() {
    let world = World::new();
    list_origin(&world, "demo-printer", ELSEWHERE);

    let answer = from_elsewhere(&world, post("/token", &[CLIENT, ("grant_type", "refresh_token")]));

    assert_eq!(readable(&answer), (None, false, Some("origin")));
}

#[test]
fn a_preflight_is_allowed_if_any_enabled_client_lists_the_origin() {
    let world = World::new();
    let preflight = |path: &str| {
        let options = Request { method: "OPTIONS".to_owned(), path: path.to_owned(), ..get() };
        from_elsewhere(&world, options)
    };
    let paths =
        ["/device_authorization", "/token", "/revoke", "/devicecode", "/oauth2/device/auth", "/oauth2/token"];

    for path in paths {
        let refused = preflight(path);
        assert_eq!((refused.status, refused.header("vary")), (403, Some("origin")), "{path}");
        assert_eq!(refused.body, format!("No client lists the origin '{ELSEWHERE}' in allowed_origins.\n"));
        let open = refused.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
        assert_eq!(open, None, "{path}");
    }
    list_origin(&world, "demo-printer", ELSEWHERE);
    for path in paths {
        let allowed = preflight(path);
        assert_eq!((allowed.status, allowed.header("vary")), (204, Some("origin")), "{path}");
        assert_eq!(allowed.header("access-control-allow-origin"), Some(ELSEWHERE), "{path}");
        assert_eq!(allowed.header("access-control-allow-headers"), Some("authorization, *"), "{path}");
    }
    assert_eq!(Admin(&world).patch("demo-printer", &serde_json::json!({ "enabled": false })).status, 200);
    assert_eq!(preflight("/token").status, 403, "a disabled client lists nothing");
    let options = Request { method: "OPTIONS".to_owned(), path: "/token".to_owned(), ..get() };
    assert_eq!(world.send(&options).status, 405, "without an origin, it is no preflight");
}

#[test]
fn scripts_of_any_site_can_read_what_is_public_and_claims() {
    let world = World::new();
    let tokens = json(&world.poll(&world.approved().device_code));

    for (status, what, answer) in [
        (200, "claims", from_elsewhere(&world, userinfo(text(&tokens, "access_token")))),
        (401, "a made-up token", from_elsewhere(&world, userinfo("made.up.token"))),
        (200, "keys", from_elsewhere(&world, document("/jwks.json"))),
        (200, "metadata", from_elsewhere(&world, document("/.well-known/oauth-authorization-server"))),
        (200, "discovery", from_elsewhere(&world, document("/.well-known/openid-configuration"))),
        (
            200,
            "a resource",
            from_elsewhere(&world, document("/.well-known/oauth-protected-resource/userinfo")),
        ),
    ] {
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert_eq!(readable(&answer), (Some("*"), true, None), "{what}");
    }
}

#[test]
fn scripts_of_a_listed_origin_can_read_a_503_and_when_to_try_again() {
    for (object, origin, request) in [
        ("grants", ELSEWHERE, post("/device_authorization", &[CLIENT])),
        ("registry", "*", document("/jwks.json")),
    ] {
        let world = World::new();
        if origin == ELSEWHERE {
            list_origin(&world, "demo-tv", ELSEWHERE);
            world.get("/.well-known/openid-configuration");
        }
        world.set_down(object, true);

        let answer = from_elsewhere(&world, request);

        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
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
