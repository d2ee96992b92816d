//! RFC 8628 and the lines around it, one test per statement, through the endpoints.
//!
//! `docs/rfc8628.md` maps each statement to its test.

use crate::support::person::Person;
use crate::support::{
    DEVICE_CODE, ISSUER, World, claims, get, header, json, outcome, post, post_raw, verified,
};
use device_grant::endpoint::http::Request;
use device_grant::token::claims::at_hash;
use device_grant::token::signing_key::Algorithm;
use serde_json::json;

const START: &[(&str, &str)] = &[("client_id", "demo-tv"), ("scope", "openid")];

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {token}")
}

// --- Device authorization endpoint ---

#[test]
fn d1_only_a_posted_form_starts_a_grant() {
    let world = World::new();

    let fetched = world.get("/device_authorization");
    assert_eq!((fetched.status, fetched.header("allow")), (405, Some("POST")));

    let body = br#"{"client_id":"demo-tv"}"#.to_vec();
    let content_type = Some("application/json".to_owned());
    let sent = world.send(&Request { content_type, body: Some(body), ..post("/device_authorization", &[]) });
    assert_eq!((sent.status, json(&sent)["error"].clone()), (400, json!("invalid_request")));

    let untyped = world.send(&Request { content_type: None, ..post("/device_authorization", START) });
    assert_eq!(json(&untyped)["error"], "invalid_request");

    let charset = Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8".to_owned());
    let typed = world.send(&Request { content_type: charset, ..post("/device_authorization", START) });
    assert_eq!(typed.status, 200);
}

#[test]
fn d2_plain_http_is_served_to_this_machine_only() {
    let issuer = [
        ("ENVIRONMENT", "production"),
        ("ISSUER", "https://login.example.com"),
        ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"),
    ];
    let world = World::with(&issuer);
    let at = |secure, host: &str| {
        world.send(&Request { secure, host: host.to_owned(), ..post("/device_authorization", START) }).status
    };

    assert_eq!(at(false, "login.example.com"), 421);
    assert_eq!(at(true, "login.example.com"), 401, "served; production has no demo client");
    assert_eq!(at(true, "other.example.com"), 421);

    let laptop = World::new();
    let foreign =
        laptop.send(&Request { host: "192.0.2.1:8787".to_owned(), ..post("/device_authorization", START) });
    assert_eq!(foreign.status, 421);
}

#[test]
fn d3_a_request_without_a_client_is_refused() {
    let world = World::new();

    let response = world.post("/device_authorization", &[("scope", "openid")]);

    assert_eq!((response.status, json(&response)["error"].clone()), (400, json!("invalid_request")));
}

#[test]
fn d4_a_client_with_credentials_must_authenticate() {
    let world = World::new();
    let start = |form: &[(&str, &str)]| world.post("/device_authorization", form);

    let bare = start(&[("client_id", "demo-printer")]);
    assert_eq!((bare.status, outcome(&bare).as_str()), (401, "invalid_client"));
    assert_eq!(bare.header("www-authenticate"), None, "it did not use the header");

    let right = start(&[("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")]);
    assert_eq!(right.status, 200);

    let authorization = Some(basic("demo-printer", "wrong"));
    let wrong = world.send(&Request { authorization, ..post("/device_authorization", &[]) });
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.header("www-authenticate"), Some("Basic realm=\"device-grant\""));
}

#[test]
fn d4_the_requirement_can_be_switched_off_here_but_not_at_the_token_endpoint() {
    let world = World::with(&[("DEVICE_CLIENT_AUTHENTICATION", "false")]);

    let started = world.start_with(&[("client_id", "demo-printer")]);

    let form =
        [("grant_type", DEVICE_CODE), ("client_id", "demo-printer"), ("device_code", &started.device_code)];
    assert_eq!(outcome(&world.post("/token", &form)), "invalid_client");
}

#[test]
fn d5_a_parameter_without_a_value_is_as_if_omitted() {
    let world = World::new();

    let started =
        world.start_with(&[("client_id", "demo-tv"), ("scope", ""), ("nonce", ""), ("client_secret", "")]);
    assert!(started.answer.get("device_code").is_some());

    let response = world.post("/device_authorization", &[("client_id", "")]);
    assert_eq!((response.status, outcome(&response).as_str()), (400, "invalid_request"));
}

#[test]
fn d6_unknown_parameters_are_ignored() {
    let world = World::new();

    world.start_with(&[
        ("client_id", "demo-tv"),
        ("utm_source", "x"),
        ("redirect_uri", "https://evil.example"),
    ]);
}

#[test]
fn d7_a_repeated_parameter_is_refused() {
    let world = World::new();
    let raw = |body: &str| outcome(&world.send(&post_raw("/device_authorization", body.as_bytes())));

    assert_eq!(raw("client_id=demo-tv&client_id=demo-tv"), "invalid_request");
    assert_eq!(raw("client_id=demo-tv&x=1&x=2"), "invalid_request");
    let resources = "resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb";
    assert_eq!(
        raw(&format!("client_id=demo-tv&{resources}")),
        "invalid_target",
        "RFC 8707: twice is no fault"
    );
}

#[test]
fn d8_d9_d13_the_answer_has_every_member_and_is_not_cached() {
    let world = World::new();

    let response = world.post("/device_authorization", START);

    let answer = json(&response);
    for member in ["device_code", "user_code", "verification_uri", "verification_uri_complete"] {
        assert!(answer[member].is_string(), "{member}");
    }
    assert_eq!((answer["expires_in"].clone(), answer["interval"].clone()), (json!(300), json!(5)));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[test]
fn d10_codes_are_unique_while_they_live() {
    let world = World::with(&[
        ("USER_CODE_CHARSET", "AB"),
        ("USER_CODE_LENGTH", "4"),
        ("ALLOW_WEAK_USER_CODES", "true"),
        ("SHARDS_PER_REGION", "1"),
    ]);
    let mut seen = std::collections::BTreeSet::new();

    // Sixteen codes there are, and only so many of them live in this region: one draw or another collides.
    for _ in 0..40 {
        let response = world.post("/device_authorization", START);
        if response.status == 200 {
            assert!(seen.insert(json(&response)["user_code"].to_string()), "a live code was given out again");
        }
    }

    assert!(!seen.is_empty());
}

#[test]
fn d11_the_verification_uri_is_short_and_has_no_code() {
    let started = World::new().start();

    assert_eq!(started.answer["verification_uri"], format!("{ISSUER}/device"));
    let complete = format!("{ISSUER}/device?user_code={}", started.user_code);
    assert_eq!(started.answer["verification_uri_complete"], complete);
}

#[test]
fn d12_expires_in_is_what_the_server_holds_to() {
    let world = World::with(&[("CODE_LIFETIME_SECONDS", "120")]);
    let started = world.start();
    assert_eq!(started.answer["expires_in"], 120);

    world.wait(119);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
    world.wait(1);
    assert_eq!(world.poll_outcome(&started.device_code), "expired_token");
}

#[test]
fn d14_errors_are_json_with_a_code_and_are_not_cached() {
    let response = World::new().post("/device_authorization", &[]);

    assert_eq!(json(&response)["error"], "invalid_request");
    assert!(json(&response)["error_description"].is_string());
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[test]
fn d15_a_device_code_has_256_bits_of_its_own() {
    let world = World::new();
    let bytes = |code: &str| device_grant::secret::decode(code).unwrap();
    let (one, two) = (bytes(&world.start().device_code), bytes(&world.start().device_code));

    // The secret is the 32 bytes behind format, pair, shard and row key.
    let differing = (20..52).filter(|at| one[*at] != two[*at]).count();

    assert!(differing >= 28, "{differing} of 32 bytes differ");
}

// --- User interaction ---

#[test]
fn u1_a_code_typed_at_the_verification_uri_works() {
    let world = World::new();
    let started = world.start();

    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn u2_nobody_approves_without_signing_in() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    person.enter(&started.user_code);

    let page = person.submit(&[("step", "decide"), ("decision", "approve"), ("confirm_device", "yes")]);

    assert_eq!(page.status, 403);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn u3_both_choices_are_offered_and_both_end_at_the_device() {
    let world = World::new();
    for (decision, back, polled) in [
        ("approve", "<strong>Now go back to your device.</strong>", "issued"),
        ("deny", "You can go back to your device.", "access_denied"),
        ("report", "go back to it and get a new code.", "access_denied"),
    ] {
        let started = world.start();
        let person = Person::of(&world);
        let consent = person.enter_as("alice", "wonderland-8787", &started.user_code);
        assert!(consent.body.contains(&format!("value=\"{decision}\"")), "{decision} is offered");

        let result = person.decide(decision);

        assert!(!consent.body.contains(back) && result.body.contains(back), "{decision}: back to the device");
        assert_eq!(world.poll_outcome(&started.device_code), polled);
    }
}

#[test]
fn u4_the_device_code_appears_on_no_page() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);

    let pages = [
        person.open(&format!("/device?user_code={}", started.user_code)),
        person.enter(&started.user_code),
        person.sign_in("alice", "wonderland-8787"),
        person.decide("approve"),
    ];

    assert!(pages.iter().all(|page| !page.body.contains(&started.device_code)));
}

#[test]
fn u5_the_complete_uri_prefills_the_code_and_approves_nothing() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);

    let page = person.open(&format!("/device?user_code={}", started.user_code));

    assert!(page.body.contains(&started.user_code), "the code is shown, to be compared");
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
    assert_eq!(world.events(), ["device_authorization"], "a GET changes nothing");

    person.submit(&[("step", "code"), ("user_code", &started.user_code)]);
    let consent = person.sign_in("alice", "wonderland-8787");
    assert!(consent.body.contains(&started.user_code) && consent.body.contains("value=\"deny\""));
}

#[test]
fn u6_wrong_codes_are_limited_per_account() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", "BBBB-BBBB");

    let statuses: Vec<u16> = (0..5).map(|_| person.enter("BBBB-BBBC").status).collect();

    assert_eq!(statuses, [400, 400, 400, 400, 429], "five tries in all, then a wait");
    let page = person.page.borrow();
    assert!(page.header("retry-after").is_some());
    assert!(page.body.contains("5 minutes"), "the page names the wait");
}

#[test]
fn u7_the_page_asks_for_possession_and_the_server_holds_to_it() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    let consent = person.enter_as("alice", "wonderland-8787", &started.user_code);
    assert!(consent.body.contains("name=\"confirm_device\"") && consent.body.contains("Demo TV"));

    let page = person.submit(&[("step", "decide"), ("decision", "approve")]);
    assert_eq!(page.status, 400);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");

    assert_eq!(person.decide("approve").status, 200, "the page that asked again works");
}

#[test]
fn u8_a_code_is_read_however_it_is_typed() {
    let world = World::new();
    for dress in [str::to_lowercase, |code: &str| code.replace('-', " "), |code: &str| format!(" {code}. ")] {
        let started = world.start();

        Person::of(&world).approve_as("alice", "wonderland-8787", &dress(&started.user_code));

        assert_eq!(world.poll_outcome(&started.device_code), "issued");
    }
}

#[test]
fn u9_codes_can_be_digits_only() {
    let world = World::with(&[("USER_CODE_CHARSET", "0123456789"), ("USER_CODE_LENGTH", "12")]);

    let started = world.start();

    assert_eq!(started.user_code.len(), 14, "{}", started.user_code);
    assert!(started.user_code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
    assert!(Person::of(&world).open("/device").body.contains("inputmode=\"numeric\""));
}

#[test]
fn u10_a_public_client_has_no_secret() {
    let world = World::new();
    let with_secret = [("client_id", "demo-tv"), ("client_secret", "guess")];

    assert_eq!(outcome(&world.post("/device_authorization", &with_secret)), "invalid_client");

    let authorization = Some(basic("demo-tv", ""));
    let empty =
        world.send(&Request { authorization, ..post("/device_authorization", &[("client_id", "demo-tv")]) });
    assert_eq!(empty.status, 200, "HTTP Basic with an empty secret is no secret");
}

// --- Token endpoint ---

#[test]
fn t1_the_grant_type_is_exact() {
    let world = World::new();
    let started = world.start();
    let with = |grant_type: &str| {
        let form =
            [("grant_type", grant_type), ("client_id", "demo-tv"), ("device_code", &started.device_code)];
        outcome(&world.post("/token", &form))
    };

    assert_eq!(with(DEVICE_CODE), "authorization_pending");
    assert_eq!(with("device_code"), "unsupported_grant_type");
    assert_eq!(with("password"), "unsupported_grant_type");
    assert_eq!(outcome(&world.post("/token", &[("client_id", "demo-tv")])), "invalid_request");
}

#[test]
fn t2_a_missing_device_code_is_an_invalid_request() {
    let response = World::new().post("/token", &[("grant_type", DEVICE_CODE), ("client_id", "demo-tv")]);

    assert_eq!((response.status, outcome(&response).as_str()), (400, "invalid_request"));
}

#[test]
fn t3_a_client_with_credentials_authenticates_at_the_token_endpoint() {
    let world = World::new();
    let started =
        world.start_with(&[("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")]);
    let code = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    let with = |more: &[(&str, &str)], authorization| {
        world.send(&Request { authorization, ..post("/token", &[&code, more].concat()) })
    };

    assert_eq!(outcome(&with(&[("client_id", "demo-printer")], None)), "invalid_client");
    assert_eq!(outcome(&with(&[], None)), "invalid_request");
    let by_post = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    assert_eq!(outcome(&with(&by_post, None)), "authorization_pending");
    world.wait(5);
    assert_eq!(
        outcome(&with(&[], Some(basic("demo-printer", "demo-printer-secret")))),
        "authorization_pending"
    );
}

#[test]
fn t4_another_clients_code_is_an_invalid_grant_and_is_not_spent() {
    let world = World::new();
    let started = world.approved();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-printer"),
        ("client_secret", "demo-printer-secret"),
        ("device_code", started.device_code.as_str()),
    ];

    assert_eq!(outcome(&world.post("/token", &form)), "invalid_grant");

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn t5_before_a_decision_the_answer_is_authorization_pending() {
    let world = World::new();
    let started = world.start();

    let response = world.poll(&started.device_code);

    assert_eq!((response.status, outcome(&response).as_str()), (400, "authorization_pending"));
    assert_eq!(json(&response)["interval"], 5);
}

#[test]
fn t6_slow_down_adds_five_seconds_for_this_and_all_later_requests() {
    let world = World::new();
    let started = world.start();
    world.poll(&started.device_code);

    world.wait(1);
    let early = world.poll(&started.device_code);
    assert_eq!((early.status, outcome(&early).as_str()), (400, "slow_down"));
    assert_eq!((json(&early)["interval"].clone(), early.header("retry-after")), (json!(10), Some("10")));

    world.wait(8);
    assert_eq!(world.poll_outcome(&started.device_code), "slow_down", "8 s are sooner than 10 less 1");
    world.wait(15);
    let on_time = world.poll(&started.device_code);
    assert_eq!(outcome(&on_time), "authorization_pending", "a client that obeys recovers at once");
    assert_eq!(json(&on_time)["interval"], 15, "and the interval stays");
}

#[test]
fn t6_a_client_that_polls_every_interval_with_jitter_never_meets_it() {
    let world = World::new();
    let started = world.start();

    for jitter in [0, 900, 0, 1_000, 500, 250, 1_000] {
        assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
        world.wait_millis(5_000 - jitter);
    }
}

#[test]
fn t6_only_a_pending_grant_is_paced() {
    let world = World::new();
    let started = world.start();
    world.poll(&started.device_code);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);

    assert_eq!(world.poll_outcome(&started.device_code), "issued", "at any pace");
}

#[test]
fn t7_a_refusal_is_access_denied_and_stays_so() {
    let world = World::new();
    let started = world.start();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &started.user_code);
    person.decide("deny");

    for _ in 0..3 {
        let response = world.poll(&started.device_code);
        assert_eq!((response.status, outcome(&response).as_str()), (400, "access_denied"));
    }
}

#[test]
fn t8_an_expired_code_is_expired_token_now_and_later() {
    let world = World::new();
    let started = world.start();

    for seconds in [300, 30, 30, 3_600] {
        world.wait(seconds);
        let response = world.poll(&started.device_code);
        assert_eq!((response.status, outcome(&response).as_str()), (400, "expired_token"));
    }
}

#[test]
fn t9_unknown_and_spent_codes_are_invalid_grants() {
    let world = World::new();
    let started = world.approved();
    assert_eq!(world.poll_outcome(&started.device_code), "issued");

    assert_eq!(world.poll_outcome(&started.device_code), "invalid_grant");
    assert_eq!(world.poll_outcome("AAAA"), "invalid_grant");
    assert_eq!(world.poll_outcome("not base64 \0"), "invalid_grant");
}

#[test]
fn t10_success_is_bearer_tokens_with_scope_and_is_not_cached() {
    let world = World::new();
    let started = world.approved();

    let response = world.poll(&started.device_code);

    let tokens = json(&response);
    assert_eq!(response.status, 200);
    assert_eq!((tokens["token_type"].clone(), tokens["expires_in"].clone()), (json!("Bearer"), json!(900)));
    assert_eq!(tokens["scope"], "email offline_access openid profile");
    assert!(tokens["id_token"].is_string() && tokens["refresh_token"].is_string());
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("pragma"), Some("no-cache"));
}

#[test]
fn t11_an_approval_is_redeemed_once() {
    let world = World::new();
    let started = world.approved();

    let outcomes: Vec<String> = (0..5).map(|_| world.poll_outcome(&started.device_code)).collect();

    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "issued").count(), 1);
    assert_eq!(outcomes.first().map(String::as_str), Some("issued"));
}

// T12 is about clients: `examples/device/main.rs` and the stock clients in `tests/e2e/clients.test.mjs`.

#[test]
fn t13_the_metadata_lists_the_grant_and_its_endpoint() {
    let metadata = json(&World::new().get("/.well-known/oauth-authorization-server"));

    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(DEVICE_CODE)));
    assert_eq!(metadata["device_authorization_endpoint"], format!("{ISSUER}/device_authorization"));
}

// --- Errors: RFC 6749 §5.2, RFC 8628 §3.5 ---

#[test]
fn errors_have_their_registered_code_and_status() {
    let world = World::new();
    let started = world.start();
    let unknown = [("grant_type", DEVICE_CODE), ("client_id", "nobody"), ("device_code", "x")];
    let two = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let both = world.send(&Request {
        authorization: Some(basic("demo-printer", "demo-printer-secret")),
        ..post("/device_authorization", &two)
    });
    for (response, status, code) in [
        (both, 400, "invalid_request"),
        (world.post("/token", &unknown), 401, "invalid_client"),
        (world.poll("forged"), 400, "invalid_grant"),
        (world.refresh("forged"), 400, "invalid_grant"),
        (
            world.post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "admin")]),
            400,
            "invalid_scope",
        ),
        (
            world.post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "a\"b")]),
            400,
            "invalid_scope",
        ),
        (world.poll(&started.device_code), 400, "authorization_pending"),
        (world.poll(&started.device_code), 400, "slow_down"),
    ] {
        assert_eq!((response.status, outcome(&response).as_str()), (status, code));
    }
}

#[test]
fn a_client_without_the_grant_is_an_unauthorized_client() {
    let world = World::new();
    let started = world.start();
    world.change_client("demo-tv", |client| client.grant_types.clear());
    world.wait(10);

    let response = world.post("/device_authorization", START);
    assert_eq!((response.status, outcome(&response).as_str()), (400, "unauthorized_client"));
    assert_eq!(world.poll_outcome(&started.device_code), "unauthorized_client");
}

#[test]
fn an_unknown_client_and_a_wrong_secret_look_alike() {
    let world = World::new();
    let with =
        |id: &str| world.post("/device_authorization", &[("client_id", id), ("client_secret", "wrong")]);

    let (unknown, wrong) = (with("nobody"), with("demo-printer"));

    assert_eq!((unknown.status, unknown.headers, unknown.body), (wrong.status, wrong.headers, wrong.body));
}

// --- Metadata: RFC 8414 ---

#[test]
fn m1_the_metadata_stand_between_host_and_path_of_the_issuer() {
    let world = World::with(&[("ISSUER", "http://127.0.0.1:8787/auth")]);

    let found = world.get("/.well-known/oauth-authorization-server/auth");
    assert_eq!((found.status, found.header("content-type")), (200, Some("application/json")));
    assert_eq!(json(&found)["token_endpoint"], format!("{ISSUER}/auth/token"));
    assert_eq!(world.get("/auth/.well-known/openid-configuration").body, found.body);
    assert_eq!(world.get("/.well-known/oauth-authorization-server").status, 404);
}

#[test]
fn m2_the_issuer_is_the_one_it_was_asked_at() {
    let metadata = json(&World::new().get("/.well-known/openid-configuration"));

    assert_eq!(metadata["issuer"], ISSUER);
}

#[test]
fn m3_m4_only_response_types_supported_is_empty() {
    let metadata = json(&World::new().get("/.well-known/oauth-authorization-server"));

    let empty: Vec<&String> = metadata
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| value.as_array().is_some_and(Vec::is_empty))
        .map(|(name, _)| name)
        .collect();

    assert_eq!(empty, ["response_types_supported"]);
    let refused = World::new().get("/authorize");
    assert_eq!(refused.status, 400, "the authorization endpoint explains itself and refuses");
    assert!(refused.body.contains("device"));
}

// --- Tokens, as far as this grant is concerned ---

#[test]
fn j1_j2_an_access_token_is_an_rfc_9068_token() {
    let world = World::new();
    let started = world.approved();
    let tokens = json(&world.poll(&started.device_code));
    let access = tokens["access_token"].as_str().unwrap();

    let claims = verified(access);

    assert_eq!(
        (header(access)["typ"].clone(), header(access)["alg"].clone()),
        (json!("at+jwt"), json!("ES256"))
    );
    assert_eq!((claims["iss"].clone(), claims["aud"].clone()), (json!(ISSUER), json!(ISSUER)));
    assert_eq!(claims["client_id"], "demo-tv");
    assert_eq!(claims["scope"], "email offline_access openid profile");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 900);
    assert!(claims["sub"].is_string() && claims["jti"].is_string());
}

#[test]
fn an_id_token_says_who_and_how_and_is_bound_to_the_access_token() {
    let world = World::new();
    let started =
        world.start_with(&[("client_id", "demo-tv"), ("scope", "openid email"), ("nonce", "n-0S6_WzA2Mj")]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let tokens = json(&world.poll(&started.device_code));

    let id = claims(tokens["id_token"].as_str().unwrap());

    assert_eq!(id["aud"], "demo-tv");
    assert_eq!(id["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(id["amr"], json!(["pwd"]));
    assert_eq!(id["auth_time"], crate::support::START / 1_000);
    assert_eq!(
        (id["email"].clone(), id.get("name")),
        (json!("alice@example.com"), None),
        "only what was granted"
    );
    let hash = at_hash(tokens["access_token"].as_str().unwrap(), Algorithm::Rs256);
    assert_eq!(id["at_hash"], hash);
    assert_eq!(tokens.get("refresh_token"), None, "offline_access was not granted");
}

#[test]
fn without_openid_there_is_no_id_token() {
    let world = World::new();
    let started = world.start_with(&[("client_id", "demo-tv"), ("scope", "email")]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);

    assert_eq!(json(&world.poll(&started.device_code)).get("id_token"), None);
}

#[test]
fn what_authentik_documents_works() {
    let world = World::new();

    let started = world.start_with(&[("client_id", "demo-tv"), ("scopes", "openid email my-other-scope")]);

    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    assert_eq!(json(&world.poll(&started.device_code))["scope"], "email openid");
}

// --- Routes ---

#[test]
fn everything_else_is_not_found_and_a_wrong_method_names_the_right_ones() {
    let world = World::new();
    for path in ["/", "/login", "/token/", "/device/x", "/admin", "/register", "//token", "/.well-known/"] {
        assert_eq!(world.get(path).status, 404, "{path}");
    }
    for (path, allow) in [
        ("/token", "POST"),
        ("/device_authorization", "POST"),
        ("/device", "GET, HEAD, POST"),
        ("/jwks.json", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
    ] {
        let response = world.send(&Request { method: "DELETE".to_owned(), path: path.to_owned(), ..get() });
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{path}");
    }
    assert_eq!(json(&world.get("/healthz"))["version"], "0.0.0-test");
}
