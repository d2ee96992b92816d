//! Whole requests to a server in memory, and the forms in them.

use device_grant::endpoint::form::Form;
use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::Digest;
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use crate::support::admin::{Admin, provider};
use crate::support::{World, get};
use crate::text;

/// A form that is read is written as a form that is read as the same.
pub fn forms(input: &[u8]) {
    let Ok(form) = Form::parse(input) else { return };
    let single = form.names().filter_map(|name| form.get(name).map(|value| (name, value)));
    let resources = form.resources().iter().map(|value| ("resource", value.as_str()));
    let encode = |text: &str| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> =
        single.chain(resources).map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let again = Form::parse(pairs.join("&").as_bytes()).expect("a written form is sound");
    assert!(again.names().eq(form.names()) && again.resources() == form.resources());
    assert!(form.names().all(|name| again.get(name) == form.get(name) && form.get(name) != Some("")));
}

/// Whatever the cookie is, the page is shown, with a cookie of bounded length.
pub fn cookies(input: &[u8]) {
    let cookie = text(input);
    let path = "/device".to_owned();
    let response = send(&Request { path, cookie: Some(cookie.to_owned()), ..get() });
    assert_eq!(response.status, 200);
    sane(&response);
}

/// The first line is a method and an address of the admin API, the second `If-Match`, and the rest the body.
pub fn admin(input: &[u8]) {
    let mut lines = text(input).splitn(3, '\n');
    let (method, address) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let if_match = lines.next().filter(|line| !line.is_empty()).map(str::to_owned);
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let response = send(&Request {
        method: method.to_owned(),
        path: format!("/admin/api/{path}"),
        query: query.to_owned(),
        authorization: Some(format!("Bearer {DEVELOPMENT_ADMIN_TOKEN}")),
        content_type: Some("application/json".to_owned()),
        body: Some(lines.next().unwrap_or_default().as_bytes().to_vec()),
        if_match,
        ..get()
    });
    sane(&response);
    if response.header("content-type").is_some_and(|kind| kind.ends_with("json")) && !response.body.is_empty()
    {
        let body: serde_json::Value = serde_json::from_str(&response.body).expect("it says that it is JSON");
        assert!(response.status < 400 || body["status"] == response.status);
    }
}

/// The first line is a method and an address of SCIM, and the rest the body. Whatever is sent, the users that are listed
/// afterwards are found by their names and identifiers.
pub fn scim(input: &[u8]) {
    let world = World::new();
    let members = json!({ "scim_token_sha256": Digest::of(TOKEN.as_bytes()).hex() });
    Admin(&world).ask("POST", "/providers", None, Some(&provider("okta", &members)));
    let carol = r#"{"externalId":"7","userName":"carol","displayName":"Carol","active":true}"#;
    push(&world, "POST", "/Users", carol);
    let (line, body) = text(input).split_once('\n').unwrap_or((text(input), ""));
    let Some((method, address)) = line.split_once(' ').filter(|(_, address)| address.starts_with('/')) else {
        return;
    };
    let id = listed(&world)
        .first()
        .map(|user| user["id"].as_str().expect("a text").to_owned())
        .unwrap_or_default();
    let response = push(&world, method, &address.replace("ID", &id), body);
    sane(&response);
    let is_json = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) && response.status != 204;
    assert!(!is_json || serde_json::from_str::<Value>(&response.body).is_ok());
    for user in listed(&world) {
        for name in ["userName", "externalId"] {
            let filter = format!("{name} eq {}", user[name]);
            let filter = percent_encode(filter.as_bytes(), NON_ALPHANUMERIC);
            let found = push(&world, "GET", &format!("/Users?filter={filter}"), "");
            let found: Value = serde_json::from_str(&found.body).expect("JSON");
            assert_eq!(found["Resources"], json!([user]), "{name}");
        }
    }
}

const TOKEN: &str = "a-scim-token-for-fuzzing-of-more-than-thirty-two-characters";

fn listed(world: &World) -> Vec<Value> {
    let list: Value = serde_json::from_str(&push(world, "GET", "/Users", "").body).expect("JSON");
    list["Resources"].as_array().expect("a list").clone()
}

fn push(world: &World, method: &str, address: &str, body: &str) -> Response {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    world.send(&Request {
        method: method.to_owned(),
        path: format!("/scim/v2{path}"),
        query: query.to_owned(),
        authorization: Some(format!("Bearer {TOKEN}")),
        body: Some(body.as_bytes().to_vec()),
        ..get()
    })
}

fn send(request: &Request) -> Response {
    World::new().send(request)
}

fn sane(response: &Response) {
    assert!((200..500).contains(&response.status), "{}", response.status);
    assert!(response.body.len() < 200_000);
    for (name, value) in &response.headers {
        assert!(value.len() < 8_192 && !value.contains(['\r', '\n', '\0']), "{name}");
    }
}
