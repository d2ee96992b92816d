//! When documents are fetched, what is kept of them, and what makes one useless.

use super::*;

fn fetches(world: &World) -> u32 {
    world.server.platform.fetches.get()
}

/// Starts a new isolate. The objects stay.
fn elsewhere(world: World) -> World {
    let now = world.now();
    let world = world.restarted(&[]);
    assert_eq!(world.now(), now);
    world
}

#[test]
fn a_document_that_cannot_be_used_is_refused_with_the_reason() {
    let typed = |content_type: Option<&str>| {
        let content_type = content_type.map(str::to_owned);
        Ok(FetchedDocument { content_type, ..fetched(&document(URL, &json!({}))) })
    };
    let large = fetched(&document(URL, &json!({ "x": "x".repeat(5_120) })));
    let changed = |changes: Value| Ok(fetched(&document(URL, &changes)));
    for (sent, why) in [
        (Err(NotFetched::Status(404)), "the response has status 404"),
        (Err(NotFetched::Status(204)), "the response has status 204"),
        (Err(NotFetched::Status(302)), "the response has status 302, and redirects are not followed"),
        (Ok(large), "it has more than 5120 bytes"),
        (typed(None), "its Content-Type is '', which is not one of JSON"),
        (typed(Some("text/html")), "its Content-Type is 'text/html', which is not one of JSON"),
        (Ok(fetched(&json!([]))), "it is not a JSON object"),
        (
            changed(json!({ "client_id": HOST })),
            "client_id must be the URL of the document, character for character",
        ),
        (
            changed(json!({ "token_endpoint_auth_method": "client_secret_basic" })),
            "token_endpoint_auth_method must be none or private_key_jwt: there is no secret to share",
        ),
        (
            changed(json!({ "client_secret": "x" })),
            "client_secret must not be there: everybody can read the document",
        ),
    ] {
        let world = world();
        answer(&world, URL, sent);
        let refused = start(&world, URL);
        assert_eq!((refused.status, outcome(&refused).as_str()), (401, "invalid_client"), "{why}");
        assert_eq!(description(&refused), format!("The client ID metadata document cannot be used: {why}."));
    }
    let world = world();
    answer(&world, URL, changed(json!({ "grant_types": ["authorization_code"] })));
    assert!(description(&start(&world, URL)).contains("grant_types must include urn:ietf:params:oauth"));
}

#[test]
fn a_failure_is_never_kept_but_the_next_fetch_waits_ten_seconds() {
    let world = world();
    for failure in [NotFetched::Unreachable, NotFetched::Status(503), NotFetched::Status(429)] {
        answer(&world, URL, Err(failure));
        let refused = start(&world, URL);
        let head = (refused.status, refused.header("retry-after"), outcome(&refused));
        assert_eq!(head, (503, Some("10"), "temporarily_unavailable".to_owned()), "{failure:?}");
        let again = start(&world, URL);
        assert_eq!((again.status, again.header("retry-after")), (429, Some("10")));
        assert_eq!(
            description(&again),
            "The client ID metadata document was just asked for, or many of its host were; try again in 10 seconds."
        );
        world.wait(10);
    }
    assert_eq!(fetches(&world), 3);
    serve(&world, URL, &json!({}));
    assert_eq!(start(&world, URL).status, 200);
}

#[test]
fn all_isolates_share_what_one_of_them_has_fetched() {
    let world = world();
    let started = world.start_with(&[("client_id", URL)]);
    let world = elsewhere(world);
    assert_eq!(outcome(&poll(&world, URL, &started.device_code)), "authorization_pending");
    assert_eq!(fetches(&world), 1, "the poll is at another isolate, within ten seconds");

    world.wait(299);
    assert_eq!(start(&world, URL).status, 200);
    assert_eq!(fetches(&world), 1, "five minutes without Cache-Control");
    world.wait(1);
    assert_eq!((start(&world, URL).status, fetches(&world)), (200, 2));
}

#[test]
fn a_document_is_kept_as_its_cache_control_says() {
    let world = world();
    let cached = FetchedDocument {
        cache_control: Some("max-age=1000".to_owned()),
        age: Some("100".to_owned()),
        ..fetched(&document(URL, &json!({})))
    };
    answer(&world, URL, Ok(cached));
    start(&world, URL);
    world.wait(899);
    assert_eq!((start(&world, URL).status, fetches(&world)), (200, 1));
    world.wait(1);
    assert_eq!((start(&world, URL).status, fetches(&world)), (200, 2));
}

#[test]
fn no_host_is_asked_more_than_thirty_times_a_minute() {
    let world = World::new();
    let_in(&world, HOST, &terms());
    let url = |number: u32| format!("https://{HOST}/{number}");
    (0..31).for_each(|number| serve(&world, &url(number), &json!({})));
    for number in 0..30 {
        assert_eq!(start(&world, &url(number)).status, 200, "{number}");
    }

    let refused = start(&world, &url(30));
    assert_eq!((refused.status, outcome(&refused).as_str()), (429, "temporarily_unavailable"));
    assert_eq!(fetches(&world), 30);
    assert_eq!(start(&world, &url(3)).status, 200, "what is known needs no fetch");
    world.wait(75);
    assert_eq!(start(&world, &url(30)).status, 200);
}

#[test]
fn while_its_server_fails_a_document_that_was_good_counts_for_a_day() {
    let world = world();
    let tokens = signed_in(&world, URL);
    answer(&world, URL, Err(NotFetched::Unreachable));
    world.wait(86_400);

    assert_eq!(start(&world, URL).status, 200);
    assert_eq!(refresh(&world, &tokens).status, 200);
    let world = elsewhere(world);
    world.wait(301);
    assert_eq!(start(&world, URL).status, 503, "a day after it should have been fetched again");
}

#[test]
fn strangers_wait_before_they_cause_a_fetch() {
    let world = world();
    let key = world.rate_key("unproven", "192.0.2.1");
    start(&world, "nobody");
    let key = world
        .server
        .platform
        .rate_keys
        .borrow()
        .iter()
        .find(|key| key.starts_with("unproven/"))
        .cloned()
        .unwrap_or(key);
    world.server.platform.full.borrow_mut().insert(key);

    assert_eq!((start(&world, URL).status, fetches(&world)), (429, 0));
}

#[test]
fn while_the_limiters_cannot_be_reached_nothing_is_fetched() {
    let world = world();
    world.set_down("limits", true);
    assert_eq!((start(&world, URL).status, fetches(&world)), (503, 0));
    world.set_down("limits", false);
    assert_eq!(start(&world, URL).status, 200);
}
