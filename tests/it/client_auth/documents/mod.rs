//! Clients that nobody registered: they name a document that describes them.

mod changes;
mod fetches;

use device_grant::endpoint::http::Response;
use device_grant::endpoint::platform::{FetchedDocument, NotFetched};
use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::signer::{Signer, by};
use crate::support::{DEVICE_CODE, ISSUER, World, claims, json, outcome, post};

const HOST: &str = "tool.example.org";
const URL: &str = "https://tool.example.org/client.json";
const API: &str = "https://api.example.com";

/// Lets in a document or a host.
fn let_in(world: &World, entry: &str, terms: &Value) -> Response {
    Admin(world).ask("PUT", &at(entry), None, Some(terms))
}

fn at(entry: &str) -> String {
    format!("/documents/{}", entry.replace('/', "%2F"))
}

fn terms() -> Value {
    json!({ "scope": "openid offline_access", "audience": [API] })
}

fn document(url: &str, changes: &Value) -> Value {
    let mut document = json!({
        "client_id": url,
        "client_name": "Tool",
        "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
        "redirect_uris": ["http://127.0.0.1/"],
        "token_endpoint_auth_method": "none",
    });
    if let (Some(members), Some(changes)) = (document.as_object_mut(), changes.as_object()) {
        members.extend(changes.clone());
    }
    document
}

fn fetched(document: &Value) -> FetchedDocument {
    FetchedDocument {
        content_type: Some("application/json".to_owned()),
        body: document.to_string().into_bytes(),
        ..FetchedDocument::default()
    }
}

/// Serves a document, with these members changed.
fn serve(world: &World, url: &str, changes: &Value) {
    answer(world, url, Ok(fetched(&document(url, changes))));
}

fn answer(world: &World, url: &str, answer: Result<FetchedDocument, NotFetched>) {
    world.server.platform.client_documents.borrow_mut().insert(url.to_owned(), answer);
}

/// Returns a world that lets in the document at [`URL`].
fn world() -> World {
    let world = World::new();
    serve(&world, URL, &json!({}));
    assert_eq!(let_in(&world, URL, &terms()).status, 201);
    world
}

fn start(world: &World, client_id: &str) -> Response {
    world.post("/device_authorization", &[("client_id", client_id)])
}

fn description(response: &Response) -> String {
    json(response).get("error_description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Signs alice in with a code of this client, and returns the tokens.
fn signed_in(world: &World, client_id: &str) -> Value {
    let started = world.start_with(&[("client_id", client_id), ("scope", "openid offline_access")]);
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    let response = poll(world, client_id, &started.device_code);
    assert_eq!(response.status, 200, "{}", response.body);
    json(&response)
}

fn poll(world: &World, client_id: &str, device_code: &str) -> Response {
    let form = [("grant_type", DEVICE_CODE), ("client_id", client_id), ("device_code", device_code)];
    world.post("/token", &form)
}

fn refresh(world: &World, tokens: &Value) -> Response {
    let refresh_token = tokens.get("refresh_token").and_then(Value::as_str).expect("there is one");
    let form = [("grant_type", "refresh_token"), ("client_id", URL), ("refresh_token", refresh_token)];
    world.post("/token", &form)
}

#[test]
fn a_client_by_its_document_signs_in_refreshes_and_revokes() {
    let world = world();
    let started = world.start_with(&[("client_id", URL), ("scope", "openid offline_access email")]);
    assert_eq!(outcome(&poll(&world, URL, &started.device_code)), "authorization_pending");
    let person = Person::of(&world);
    person.approve_as("alice", "wonderland-8787", &started.user_code);
    world.wait(10);
    let tokens = json(&poll(&world, URL, &started.device_code));

    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!((&access["client_id"], &access["scope"]), (&json!(URL), &json!("offline_access openid")));
    assert!(access["aud"].as_array().unwrap().contains(&json!(API)), "{access}");
    let refreshed = json(&refresh(&world, &tokens));
    assert!(refreshed["access_token"].is_string(), "{refreshed}");
    let token = refreshed["refresh_token"].as_str().unwrap();
    assert_eq!(world.post("/revoke", &[("client_id", URL), ("token", token)]).status, 200);
    assert_eq!(outcome(&refresh(&world, &refreshed)), "invalid_grant");
    assert_eq!(world.server.platform.fetches.get(), 1, "one fetch is enough");
}

#[test]
fn the_consent_page_names_the_host_of_the_document() {
    let world = world();
    let started = world.start_with(&[("client_id", URL)]);

    let page = Person::of(&world).enter_as("alice", "wonderland-8787", &started.user_code).body;

    assert!(
        page.contains("Nobody here has checked this app.") && page.contains("is the name that"),
        "{page}"
    );
    assert!(page.contains(">tool.example.org</bdi>"), "{page}");
    let known = world.start();
    let page = Person::of(&world).enter_as("bob", "builder-8787", &known.user_code).body;
    assert!(!page.contains("is the name that"));
}

#[test]
fn a_document_that_nobody_let_in_is_not_fetched_and_the_error_says_whom_to_ask() {
    let world = world();
    serve(&world, "https://other.example.org/client.json", &json!({}));
    let other = "https://tool.example.org/other.json";
    let not_allowed = |url: &str| {
        format!(
            "The client '{url}' is not registered, and no client ID metadata document is let in from there: ask the \
             operator of this server to allow it."
        )
    };
    for url in ["https://other.example.org/client.json", other] {
        let refused = start(&world, url);
        assert_eq!((refused.status, outcome(&refused).as_str()), (401, "invalid_client"));
        assert_eq!(description(&refused), not_allowed(url));
        assert_eq!(description(&start(&world, url)), not_allowed(url), "the second time as well");
    }
    for (url, why) in [
        ("http://tool.example.org/client.json", "does not begin with https://"),
        ("https://tool.example.org/client.json?a=b", "has a query"),
        ("https://tool.example.org/client.json#a", "has a fragment"),
        ("https://me@tool.example.org/client.json", "has a user name"),
        ("https://tool.example.org", "has no path"),
        ("https://tool.example.org/a/../client.json", "has a path with the segment . or .."),
        (
            "https://169.254.169.254/client.json",
            "has a host that is an IP address, or a name of a private network",
        ),
    ] {
        let refused = start(&world, url);
        assert_eq!((refused.status, outcome(&refused).as_str()), (401, "invalid_client"), "{url}");
        let expected = format!(
            "The client_id is not registered, and cannot be the URL of a client ID metadata document: it {why}."
        );
        assert_eq!(description(&refused), expected);
    }
    assert_eq!(description(&start(&world, "nobody")), "The client is unknown or did not authenticate.");
    assert_eq!(world.server.platform.fetches.get(), 0);
}

#[test]
fn a_host_lets_in_all_of_its_documents_and_a_url_has_its_own_terms() {
    let world = World::new();
    let other = "https://tool.example.org/other.json";
    serve(&world, URL, &json!({}));
    serve(&world, other, &json!({}));
    assert_eq!(let_in(&world, HOST, &json!({ "scope": "openid email" })).status, 201);
    assert_eq!(let_in(&world, URL, &json!({ "scope": "openid profile" })).status, 201);
    let scope = |url: &str| {
        let started = world.start_with(&[("client_id", url), ("scope", "openid email profile")]);
        let grants = world.grants();
        let found = grants.iter().find(|grant| grant.request.client_id == url).unwrap();
        assert!(!started.user_code.is_empty());
        found.request.scope.to_string()
    };

    assert_eq!((scope(URL).as_str(), scope(other).as_str()), ("openid profile", "email openid"));
}

#[test]
fn a_client_with_keys_authenticates_wherever_clients_do() {
    let world = World::new();
    let signer = Signer::new(&world, URL, 1);
    let method = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": signer.jwks() });
    serve(&world, URL, &method);
    let_in(&world, URL, &terms());
    let ask = |path: &str, form: &[(&str, &str)]| {
        let assertion = signer.assertion(&json!(ISSUER));
        world.post(path, &[&by(&assertion)[..], form].concat())
    };

    let started = json(&ask("/device_authorization", &[("scope", "openid offline_access")]));
    let code = |name: &str| started[name].as_str().unwrap().to_owned();
    Person::of(&world).approve_as("alice", "wonderland-8787", &code("user_code"));
    let poll = [("grant_type", DEVICE_CODE), ("device_code", &*code("device_code"))];
    let tokens = json(&ask("/token", &poll));
    let token = tokens["access_token"].as_str().unwrap();
    let told = json(&ask("/introspect", &[("token", token)]));
    assert_eq!((&told["active"], &told["client_id"]), (&json!(true), &json!(URL)));
    assert_eq!(ask("/revoke", &[("token", token)]).status, 200);
    assert_eq!(json(&ask("/introspect", &[("token", token)])), json!({ "active": false }));

    assert_eq!(outcome(&start(&world, URL)), "invalid_client", "without its proof");
    let stranger = Signer::new(&world, URL, 2);
    let assertion = stranger.assertion(&json!(ISSUER));
    let refused = world.post("/device_authorization", &by(&assertion));
    assert_eq!(outcome(&refused), "invalid_client", "a key that is not in the document");
    let secret = [("client_id", URL), ("client_secret", "x")];
    assert_eq!(outcome(&world.post("/device_authorization", &secret)), "invalid_client");
}

#[test]
fn keys_are_fetched_from_the_host_of_the_document() {
    let world = World::new();
    let signer = Signer::new(&world, URL, 1);
    let keys = "https://tool.example.org/jwks.json";
    serve(&world, URL, &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": keys }));
    world.server.platform.documents.borrow_mut().insert(keys.to_owned(), signer.jwks().to_string());
    let_in(&world, URL, &terms());

    let assertion = signer.assertion(&json!(ISSUER));
    assert_eq!(world.post("/device_authorization", &by(&assertion)).status, 200);
}

#[test]
fn a_registered_client_costs_no_more_than_without_documents() {
    let (without, with) = (World::new(), world());
    let cost = |world: &World| {
        world.start();
        world.cost();
        world.server.platform.registry_hops.set(0);
        let started = world.start();
        world.poll(&started.device_code);
        (world.cost(), world.server.platform.registry_hops.get())
    };

    let (one, other) = (cost(&without), cost(&with));
    assert_eq!(
        (one.0.limit_hops, one.0.grant_hops, one.1),
        (other.0.limit_hops, other.0.grant_hops, other.1)
    );
    assert_eq!(with.server.platform.fetches.get(), 0);
}

#[test]
fn a_registered_client_comes_before_a_document() {
    let world = world();
    let client = json!({ "client_id": URL, "client_name": "Known", "grant_types": [DEVICE_CODE],
                         "scope": "email", "token_endpoint_auth_method": "none" });
    Admin(&world).created(&client);

    let started = world.start_with(&[("client_id", URL)]);
    let page = Person::of(&world).enter_as("alice", "wonderland-8787", &started.user_code).body;
    assert!(page.contains("Known") && !page.contains("is the name that"), "{page}");
    assert_eq!(world.server.platform.fetches.get(), 0);
}

#[test]
fn the_metadata_says_whether_documents_are_let_in() {
    let supported = |world: &World| {
        json(&world.get("/.well-known/oauth-authorization-server"))
            .get("client_id_metadata_document_supported")
            .cloned()
    };
    let world = World::new();
    assert_eq!(supported(&world), None);
    let_in(&world, HOST, &terms());
    assert_eq!(supported(&world), Some(json!(true)));
    let_in(&world, HOST, &json!({ "scope": "openid", "enabled": false }));
    assert_eq!(supported(&world), None, "the only entry is disabled");
}

#[test]
fn the_authorization_endpoint_sends_the_error_of_such_a_client_to_its_loopback_server() {
    let world = world();
    let query = post("/", &[("client_id", URL), ("redirect_uri", "http://127.0.0.1:33418/"), ("state", "a")]);
    let query = String::from_utf8(query.body.unwrap()).unwrap();

    let sent = world.get(&format!("/authorize?{query}"));
    let location = sent.header("location").unwrap_or_default();
    assert!(location.starts_with("http://127.0.0.1:33418/?error=unauthorized_client"), "{location}");
    let query = query.replace("33418%2F", "33418%2Fother");
    assert_eq!(world.get(&format!("/authorize?{query}")).header("location"), None);
}
