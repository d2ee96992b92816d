//! The `logo_uri` of clients: fetched when an operator writes the client, kept, and shown by this server.

use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::NotFetched;
use device_grant::logo::{LARGEST, Logo};
use serde_json::{Value, json};

use crate::support::admin::{Admin, device};
use crate::support::person::Person;
use crate::support::{World, get, json as body, post};

const ADDRESS: &str = "https://tv.example/logo";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";

/// Lets a server on the web have this file at [`ADDRESS`].
fn publish(world: &World, file: Result<&[u8], NotFetched>) {
    let file = file.map(<[u8]>::to_vec);
    world.server.platform.files.borrow_mut().insert(ADDRESS.to_owned(), file);
}

/// Returns a client with that logo, with `members` added or replaced.
fn client(members: &Value) -> Value {
    let mut client = device("tv", &json!({ "client_name": "TV", "logo_uri": ADDRESS }));
    let more = members.as_object().cloned().expect("members");
    client.as_object_mut().expect("members").extend(more);
    client
}

fn warnings(response: &Response) -> Vec<String> {
    let body = body(response);
    let warnings = body.get("warnings").and_then(Value::as_array).cloned().unwrap_or_default();
    warnings.iter().map(|warning| warning.as_str().expect("text").to_owned()).collect()
}

fn fetches(world: &World) -> u32 {
    world.server.platform.fetches.get()
}

/// Returns the address of the logo on the consent page of a client; `None` if it shows none.
fn shown(world: &World, client_id: &str) -> Option<String> {
    let started = world.start_with(&[("client_id", client_id), ("scope", "openid")]);
    let page = Person::of(world).enter_as("alice", "wonderland-8787", &started.user_code);
    assert!(page.body.contains("<h1>"), "{}", page.body);
    let (_, rest) = page.body.split_once("<img class=\"client-logo\" src=\"")?;
    let (address, rest) = rest.split_once('"').expect("its end");
    assert!(rest.starts_with(" alt=\"\" width=\"40\" height=\"40\">\n<h1>"), "beside the name: {rest}");
    Some(address.to_owned())
}

fn image(world: &World, address: &str) -> Response {
    world.send(&Request { path: address.to_owned(), ..get() })
}

#[test]
fn the_logo_of_an_operators_client_is_fetched_once_and_shown_by_this_server() {
    let world = World::new();
    publish(&world, Ok(PNG));
    let created = Admin(&world).create(&client(&json!({})));
    assert_eq!((created.status, warnings(&created)), (201, Vec::new()));

    let address = shown(&world, "tv").expect("a logo");

    assert_eq!(address, format!("/logo/{}", Logo::read(PNG.to_vec()).unwrap().hash()));
    let first = image(&world, &address);
    assert_eq!((first.status, first.bytes.as_deref()), (200, Some(PNG)));
    for (name, expected) in [
        ("content-type", "image/png"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("content-security-policy", "default-src 'none'; sandbox"),
    ] {
        assert_eq!(first.header(name), Some(expected));
    }
    let hops = world.server.platform.registry_hops.get();
    assert_eq!(image(&world, &address), first, "from the memory of the isolate");
    assert_eq!((world.server.platform.registry_hops.get(), fetches(&world)), (hops, 1));
    assert_eq!(shown(&world, "demo-tv"), None);
}

#[test]
fn neither_the_record_nor_an_answer_has_the_image() {
    let world = World::new();
    publish(&world, Ok(PNG));

    let created = Admin(&world).create(&client(&json!({})));

    let clients = world.server.platform.registry.clients.borrow();
    let record = serde_json::to_string(&clients["tv"]).unwrap();
    assert!(
        record.contains(Logo::read(PNG.to_vec()).unwrap().hash()) && !record.contains("iVBOR"),
        "{record}"
    );
    let names: Vec<String> = body(&created).as_object().unwrap().keys().cloned().collect();
    assert!(!names.iter().any(|name| name == "logo"), "{names:?}");
}

#[test]
fn a_logo_that_cannot_be_kept_is_a_warning_and_the_client_is_stored() {
    let large = [PNG, &vec![0; LARGEST]].concat();
    for (file, expected) in [
        (Err(NotFetched::Unreachable), "could not be fetched: the server at that address did not send it"),
        (Err(NotFetched::Status(404)), "could not be fetched: the response has status 404"),
        (Err(NotFetched::Status(302)), "has status 302, and redirects are not followed"),
        (Ok(large.as_slice()), "could not be fetched: it has more than 32768 bytes"),
        (Ok(b"<svg/>".as_slice()), "cannot be shown: the file is no PNG, WebP or JPEG image"),
    ] {
        let world = World::new();
        publish(&world, file);

        let created = Admin(&world).create(&client(&json!({ "allowed_origins": ["null"] })));

        assert_eq!(created.status, 201, "{}", created.body);
        let [about_origins, about_logo] = warnings(&created).try_into().expect("both warnings");
        assert!(about_origins.starts_with("allowed_origins has null"));
        assert!(about_logo.starts_with("logo_uri ") && about_logo.contains(expected), "{about_logo}");
        assert!(
            about_logo
                .ends_with("No page shows a logo of this client; send the client again to fetch it again")
        );
        let read = warnings(&Admin(&world).get("/clients/tv"));
        assert!(
            read[1].starts_with("logo_uri could not be fetched when this client was last written"),
            "{read:?}"
        );
        assert_eq!(shown(&world, "tv"), None);
        assert!(world.server.platform.registry.logos.borrow().is_empty());
    }
}

#[test]
fn the_logo_of_the_service_is_refused_as_that_of_a_client() {
    for own in ["data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==", "https://login.example/own.png"] {
        let world = World::with(&[("SERVICE_LOGO", own)]);
        publish(&world, Ok(PNG));
        let own_file = Ok(PNG.to_vec());
        world.server.platform.files.borrow_mut().insert("https://login.example/own.png".to_owned(), own_file);

        let created = Admin(&world).create(&client(&json!({})));

        let [warning] = warnings(&created).try_into().expect("a warning");
        assert!(
            warning.contains("is the logo of this service, which no client may show as its own"),
            "{warning}"
        );
        assert_eq!(shown(&world, "tv"), None);
    }
}

#[test]
fn a_logo_is_fetched_again_with_every_change_and_stays_if_that_fails() {
    let world = World::new();
    let admin = Admin(&world);
    publish(&world, Ok(PNG));
    admin.create(&client(&json!({})));
    let first = shown(&world, "tv").unwrap();

    publish(&world, Err(NotFetched::Status(500)));
    let [warning] =
        warnings(&admin.patch("tv", &json!({ "owner": "Team TV" }))).try_into().expect("a warning");
    assert!(warning.contains("The image that was fetched before stays"), "{warning}");
    assert_eq!((shown(&world, "tv"), image(&world, &first).status), (Some(first.clone()), 200));
    assert_eq!(warnings(&admin.get("/clients/tv")), Vec::<String>::new());

    publish(&world, Ok(JPEG));
    admin.patch("tv", &json!({ "owner": null }));
    let second = shown(&world, "tv").unwrap();
    assert_ne!(second, first, "another image has another address");
    assert_eq!(image(&world, &second).bytes.as_deref(), Some(JPEG));
    assert_eq!(image(&world, &first).status, 404);

    let other = "https://tv.example/other";
    admin.patch("tv", &json!({ "logo_uri": other }));
    assert_eq!(shown(&world, "tv"), None, "the image of another address is not shown for it");
    assert!(world.server.platform.registry.logos.borrow().is_empty());
}

#[test]
fn a_logo_goes_with_its_address_and_with_its_client() {
    let world = World::new();
    let admin = Admin(&world);
    let kept = || world.server.platform.registry.logos.borrow().len();
    publish(&world, Ok(PNG));
    admin.create(&client(&json!({})));
    assert_eq!(kept(), 1);
    admin.patch("tv", &json!({ "logo_uri": null }));
    assert_eq!((kept(), shown(&world, "tv")), (0, None));

    admin.patch("tv", &json!({ "logo_uri": ADDRESS }));
    assert_eq!(kept(), 1);
    admin.ask("DELETE", "/clients/tv", Some("*"), None);
    assert_eq!(kept(), 0);
}

#[test]
fn a_dry_run_fetches_nothing_and_keeps_what_there_is() {
    let world = World::new();
    let admin = Admin(&world);
    publish(&world, Ok(PNG));
    let tried = admin.ask("POST", "/clients?dry_run=true", None, Some(&client(&json!({}))));
    assert_eq!((tried.status, warnings(&tried), fetches(&world)), (200, Vec::new(), 0));
    admin.create(&client(&json!({})));

    admin.ask("PATCH", "/clients/tv?dry_run=true", Some("*"), Some(&json!({ "logo_uri": null })));

    assert_eq!(fetches(&world), 1);
    assert!(shown(&world, "tv").is_some());
}

#[test]
fn nobody_who_registers_themselves_chooses_what_is_fetched_or_shown() {
    // SHA-256 of the token `test`.
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let world = World::with(&[("INITIAL_ACCESS_TOKEN_SHA256", digest)]);
    publish(&world, Ok(PNG));
    let registered = world.send(&Request {
        authorization: Some("Bearer test".to_owned()),
        content_type: Some("application/json".to_owned()),
        body: Some(client(&json!({ "scope": "openid" })).to_string().into_bytes()),
        ..post("/register", &[])
    });
    assert_eq!(registered.status, 201, "{}", registered.body);
    let registered = body(&registered);
    let client_id = registered["client_id"].as_str().unwrap();
    assert_eq!((&registered["logo_uri"], fetches(&world)), (&json!(ADDRESS), 0));

    let changed = Admin(&world).patch(client_id, &json!({ "owner": "Team TV" }));

    assert_eq!((changed.status, fetches(&world)), (200, 0));
    assert_eq!(warnings(&changed), Vec::<String>::new());
    assert!(world.server.platform.registry.logos.borrow().is_empty());
}

#[test]
fn a_logo_is_only_fetched_over_https() {
    let production = [
        ("ENVIRONMENT", "production"),
        ("ISSUER", "https://login.example.net"),
        ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"),
        ("SERVICE_LOGO", "http://127.0.0.1:8788/logo.png"),
    ];
    let world = World::with(&production);
    let (_, name) = logo_of_the_page(&world);

    let answer =
        world.send(&Request { secure: true, host: "login.example.net".to_owned(), path: name, ..get() });

    assert_eq!((answer.status, fetches(&world)), (503, 0));
    assert_eq!(answer.decisions.first().map(|line| line.reason), Some("insecure"));
}

fn logo_of_the_page(world: &World) -> (Response, String) {
    let page = world.send(&Request {
        secure: true,
        host: "login.example.net".to_owned(),
        path: "/device".to_owned(),
        ..get()
    });
    let (_, rest) = page.body.split_once("<img class=\"logo\" src=\"").expect("a logo");
    let address = rest.split('"').next().expect("its address").to_owned();
    (page, address)
}

#[test]
fn a_made_up_address_does_not_reach_the_registry() {
    let world = World::new();
    world.get("/device");
    let hops = world.server.platform.registry_hops.get();

    for name in ["x", "", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"] {
        assert_eq!(image(&world, &format!("/logo/{name}")).status, 404);
    }

    assert_eq!(world.server.platform.registry_hops.get(), hops);
}
