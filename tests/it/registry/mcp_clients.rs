//! Clients of MCP servers, which register themselves: their requests, as the programs build them, in the order in
//! which the programs send them.

use device_grant::endpoint::form::Form;
use device_grant::endpoint::http::{Request, Response};
use serde_json::{Value, json};

use super::text;
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, ISSUER, World, claims, get, json, outcome, post};

const MCP: &str = "https://mcp.example.com/mcp";
const VSCODE: &str = "https://vscode.dev/redirect";

/// Returns a server that is set up for them.
fn world() -> World {
    World::with(&[
        ("OPEN_REGISTRATION", "true"),
        ("OPEN_REGISTRATION_SCOPES", "openid profile offline_access"),
        ("REGISTRATION_AUDIENCE", MCP),
        ("TRUSTED_REDIRECTS", VSCODE),
    ])
}

fn register(world: &World, metadata: &Value) -> Response {
    world.send(&Request {
        method: "POST".to_owned(),
        path: "/register".to_owned(),
        content_type: Some("application/json".to_owned()),
        body: Some(metadata.to_string().into_bytes()),
        ..get()
    })
}

/// Returns the registration of VS Code for a server with this `grant_types_supported`.
fn vscode(grant_types_supported: Option<&Value>) -> Value {
    let known = ["authorization_code", "refresh_token", DEVICE_CODE];
    let supported = |grant: &&str| {
        grant_types_supported.and_then(Value::as_array).is_none_or(|all| all.contains(&json!(grant)))
    };
    json!({
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "grant_types": known.iter().copied().filter(supported).collect::<Vec<&str>>(),
        "response_types": ["code"],
        "redirect_uris": [
            "https://insiders.vscode.dev/redirect",
            VSCODE,
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
        "scope": "",
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    })
}

/// Registers VS Code, and returns its `client_id`.
fn registered(world: &World) -> String {
    let response = register(world, &vscode(None));
    assert_eq!(response.status, 201, "{}", response.body);
    text(&json(&response), "client_id")
}

/// Returns a query in which every value is encoded.
fn query(pairs: &[(&str, &str)]) -> String {
    let body = post("/", pairs).body.expect("a form has a body");
    String::from_utf8(body).expect("it is encoded")
}

/// Sends what VS Code opens in the browser.
fn authorize(world: &World, client_id: &str, redirect_uri: &str, state: &str) -> Response {
    authorize_with(world, client_id, redirect_uri, &[("state", state)])
}

fn authorize_with(world: &World, client_id: &str, redirect_uri: &str, more: &[(&str, &str)]) -> Response {
    let pairs = [
        ("client_id", client_id),
        ("response_type", "code"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("scope", "openid"),
        ("resource", MCP),
        ("redirect_uri", redirect_uri),
    ];
    world.get(&format!("/authorize?{}", query(&[&pairs[..], more].concat())))
}

/// Returns the parameters that a redirect adds to `redirect_uri`.
fn returned(response: &Response, redirect_uri: &str) -> Form {
    assert_eq!(response.status, 303, "{}", response.body);
    let location = response.header("location").expect("a redirect has it");
    let added = location.strip_prefix(redirect_uri).and_then(|rest| rest.strip_prefix(['?', '&']));
    Form::parse(added.unwrap_or_else(|| panic!("{location}")).as_bytes()).expect("it parses")
}

fn is_refusing_page(response: &Response) -> bool {
    response.status == 400
        && response.header("location").is_none()
        && response.body.contains("on your device")
}

#[test]
fn vscode_gets_through_all_of_its_attempts_to_the_device_code_and_signs_in() {
    let world = world();
    let metadata = json(&world.get("/.well-known/oauth-authorization-server"));
    let registration = json(&register(&world, &vscode(metadata.get("grant_types_supported"))));
    let client_id = registration["client_id"].as_str().unwrap();
    assert_eq!(registration["grant_types"], json!(["refresh_token", DEVICE_CODE]));
    assert!(
        metadata["authorization_endpoint"].is_string(),
        "so VS Code tries two ways before the device code"
    );

    // 1. The loopback server, whose state is base64.
    let (loopback, state) = ("http://127.0.0.1:33418/", "q+/7mWb0n3Y2kJ5v8xTzAg==");
    let first = returned(&authorize(&world, client_id, loopback, state), loopback);
    assert_eq!((first.get("error"), first.get("state")), (Some("unauthorized_client"), Some(state)));
    assert_eq!(first.get("iss"), Some(ISSUER));
    // VS Code copies the description into a header, unencoded.
    let description = first.get("error_description").unwrap();
    assert!(description.bytes().all(|b| b.is_ascii_alphanumeric() || b" .".contains(&b)), "{description}");

    // 2. The URL handler: vscode.dev opens the address in `state`, which ends the attempt for want of a code.
    let state = "vscode://dynamicauthprovider/127.0.0.1:8787/authorize?nonce=0a1b&windowId=1";
    let second = returned(&authorize(&world, client_id, VSCODE, state), VSCODE);
    assert_eq!((second.get("error"), second.get("state")), (Some("unauthorized_client"), Some(state)));
    assert_eq!(second.get("code"), None);

    // 3. The device code. The resource is spelled as the MCP server spells it.
    let started = world.start_with(&[("client_id", client_id), ("scope", "openid"), ("resource", MCP)]);
    let poll = [
        ("grant_type", DEVICE_CODE),
        ("device_code", &*started.device_code),
        ("client_id", client_id),
        ("resource", MCP),
    ];
    assert_eq!(outcome(&world.post("/token", &poll)), "authorization_pending");
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    world.wait(10);
    let tokens = json(&world.post("/token", &poll));
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], json!(MCP));
}

#[test]
fn vscode_may_take_any_port_and_only_a_trusted_web_address() {
    let world = world();
    let client_id = registered(&world);
    let ask = |uri: &str| authorize(&world, &client_id, uri, "a");

    assert_eq!(ask("http://127.0.0.1:49152/").status, 303);
    for elsewhere in [
        "https://insiders.vscode.dev/redirect",
        "https://vscode.dev/redirect?x=1",
        "https://evil.example/",
        "http://127.0.0.1:1@evil.example/",
        "http://localhost:33418/",
        "http://127.0.0.1:33418/other",
        "vscode://vscode.dev/redirect",
    ] {
        assert!(is_refusing_page(&ask(elsewhere)), "{elsewhere}");
    }
    let strict = World::with(&[("OPEN_REGISTRATION", "true")]);
    let client_id = registered(&strict);
    assert!(is_refusing_page(&authorize(&strict, &client_id, VSCODE, "a")), "nobody trusts it there");
}

#[test]
fn the_authorization_endpoint_redirects_nobody_whose_request_is_in_doubt() {
    let world = world();
    let (client_id, loopback) = (registered(&world), "http://127.0.0.1:1/");
    let more = |pairs: &[(&str, &str)]| authorize_with(&world, &client_id, loopback, pairs);

    assert_eq!(more(&[]).status, 303, "a state is optional");
    assert_eq!(more(&[("response_mode", "query")]).status, 303);
    let longest = "s".repeat(2_048);
    assert_eq!(returned(&more(&[("state", &longest)]), loopback).get("state"), Some(&*longest));
    for pairs in [
        &[("response_mode", "form_post")][..],
        &[("response_mode", "fragment")],
        &[("state", "a"), ("state", "b")],
        &[("redirect_uri", VSCODE)],
        &[("client_id", "demo-tv")],
        &[("state", &"s".repeat(2_049))],
    ] {
        assert!(is_refusing_page(&more(pairs)), "{:?}", pairs[0].0);
    }
    assert!(is_refusing_page(&authorize(&world, "demo-tv", loopback, "a")), "it registered nothing");
    assert!(is_refusing_page(&authorize(&world, "unknown", loopback, "a")));
    let form = [("client_id", &*client_id), ("redirect_uri", loopback), ("state", "a")];
    assert_eq!(world.post("/authorize", &form).status, 303, "a form is as good as a query");
    let injected = more(&[("state", "a\r\nset-cookie: b=c&error=none#")]);
    let location = injected.header("location").unwrap();
    assert!(
        !location.contains(['\r', '\n', '#', ' ']) && location.matches("error=").count() == 1,
        "{location}"
    );

    world.change_client(&client_id, |client| client.enabled = false);
    world.wait(60);
    assert!(is_refusing_page(&more(&[])), "a disabled client can do nothing");
}

#[test]
fn hermes_signs_in_although_it_adds_a_slash() {
    let world = World::with(&[
        ("OPEN_REGISTRATION", "true"),
        ("OPEN_REGISTRATION_SCOPES", "openid offline_access"),
        ("REGISTRATION_AUDIENCE", "https://mcp.example.com"),
    ]);
    let registration = json(&register(
        &world,
        &json!({
            "client_name": "Hermes Agent",
            "redirect_uris": ["http://127.0.0.1:8420/callback"],
            "grant_types": [DEVICE_CODE, "refresh_token"],
            "response_types": [],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        }),
    ));
    let client_id = registration["client_id"].as_str().unwrap();
    let resource = ("resource", "https://mcp.example.com/");

    let scope = ("scope", "openid offline_access");
    let started = world.start_with(&[("client_id", client_id), resource, scope]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("client_id", client_id), ("device_code", &started.device_code)];
    let tokens = json(&world.post("/token", &[&poll[..], &[resource]].concat()));

    let aud = |tokens: &Value| claims(tokens["access_token"].as_str().unwrap())["aud"].clone();
    assert_eq!(aud(&tokens), "https://mcp.example.com", "the operator's spelling");
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("refresh_token", refresh_token),
        resource,
    ];
    assert_eq!(aud(&json(&world.post("/token", &refresh))), "https://mcp.example.com");
}

#[test]
fn registration_keeps_what_it_knows_and_says_so() {
    let world = world();
    let mut metadata = vscode(None);
    metadata["grant_types"] =
        json!(["authorization_code", "refresh_token", "implicit", DEVICE_CODE, DEVICE_CODE]);
    metadata["redirect_uris"] = json!([
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "javascript:alert(1)",
        "http://app.example/cb",
        "https://app.example/cb",
        "https://app.example/cb",
        "http://[::1]:1/cb",
    ]);

    let body = json(&register(&world, &metadata));

    assert_eq!(body["grant_types"], json!(["refresh_token", DEVICE_CODE]));
    assert_eq!(body["redirect_uris"], json!(["https://app.example/cb", "http://[::1]:1/cb"]));
    assert_eq!(
        (&body["response_types"], &body["scope"]),
        (&json!([]), &json!("offline_access openid profile"))
    );

    for nothing in [Value::Null, json!("")] {
        let without = json!({ "client_name": "A", "grant_types": [DEVICE_CODE], "scope": nothing });
        assert_eq!(
            json(&register(&world, &without))["scope"],
            "offline_access openid profile",
            "all of them"
        );
    }
    let many: Vec<String> = (0..50).map(|port| format!("http://127.0.0.1:{port}/")).collect();
    let many = json!({ "client_name": "A", "grant_types": [DEVICE_CODE], "redirect_uris": many });
    assert_eq!(json(&register(&world, &many))["redirect_uris"].as_array().map(Vec::len), Some(10));
}

#[test]
fn registration_is_refused_if_the_device_grant_is_not_left() {
    let world = world();
    for grant_types in [
        json!(["authorization_code", "refresh_token"]),
        json!(["refresh_token"]),
        json!([]),
        json!(["device_code"]),
        Value::Null,
    ] {
        let response = register(&world, &json!({ "client_name": "A", "grant_types": grant_types }));
        let body = json(&response);
        assert_eq!((response.status, &body["error"]), (400, &json!("invalid_client_metadata")));
        let description = body["error_description"].as_str().unwrap();
        let expected =
            format!("grant_types must include {DEVICE_CODE}: without it, the client cannot do anything");
        assert_eq!(description, expected);
    }
    let odd = register(&world, &json!({ "client_name": "A", "grant_types": [DEVICE_CODE, 1] }));
    assert!(odd.body.contains("grant_types has 1"), "{}", odd.body);
}
