//! What happens to people and devices, told from the first request to the last.

use std::collections::BTreeSet;

use crate::support::person::{Person, hidden};
use crate::support::{Cost, World, json, outcome, post};
use device_grant::client::{Authentication, SecretBy};
use device_grant::endpoint::http::{Request, Response};
use device_grant::scope::Scope;
use serde_json::Value;

const ALICE: (&str, &str) = ("alice", "wonderland-8787");
const BOB: (&str, &str) = ("bob", "builder-8787");

fn enter<'a>(world: &'a World, (username, password): (&str, &str), user_code: &str) -> Person<'a> {
    let person = Person::of(world);
    person.enter_as(username, password, user_code);
    person
}

fn refresh_token(response: &Response) -> String {
    let tokens = json(response);
    tokens.get("refresh_token").and_then(Value::as_str).expect("a refresh token").to_owned()
}

// --- Redemption, replay and time ---

#[test]
fn an_approval_at_the_last_second_leaves_the_device_time_to_poll() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    world.wait(299);
    assert_eq!(person.decide("approve").status, 200);

    world.wait(58);

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn an_approval_that_nobody_comes_for_ends() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    world.wait(299);
    person.decide("approve");

    world.wait(60);

    assert_eq!(world.poll_outcome(&started.device_code), "expired_token");
}

#[test]
fn nothing_is_approved_at_or_after_the_expiry() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);

    world.wait(300);

    assert_eq!(person.decide("approve").status, 409);
    assert_eq!(world.poll_outcome(&started.device_code), "expired_token");
}

#[test]
fn the_loser_of_a_race_harms_nobody() {
    let world = World::new();
    let started = world.approved();
    let winner = world.poll(&started.device_code);

    world.wait_millis(2_999);

    assert_eq!(world.poll_outcome(&started.device_code), "invalid_grant");
    assert_eq!(outcome(&world.refresh(&refresh_token(&winner))), "issued");
}

#[test]
fn a_spent_code_that_comes_back_later_ends_the_tokens_it_led_to() {
    let world = World::new();
    let started = world.approved();
    let tokens = world.poll(&started.device_code);

    world.wait(3);

    assert_eq!(world.poll_outcome(&started.device_code), "invalid_grant");
    assert_eq!(outcome(&world.refresh(&refresh_token(&tokens))), "invalid_grant");
    assert!(world.events().contains(&"device_code_replayed".to_owned()));
}

#[test]
fn a_spent_code_in_another_clients_hands_changes_nothing() {
    let world = World::new();
    let started = world.approved();
    let tokens = world.poll(&started.device_code);
    world.wait(10);
    let theirs = [
        ("grant_type", crate::support::DEVICE_CODE),
        ("client_id", "demo-printer"),
        ("client_secret", "demo-printer-secret"),
        ("device_code", started.device_code.as_str()),
    ];

    assert_eq!(outcome(&world.post("/token", &theirs)), "invalid_grant");

    assert_eq!(outcome(&world.refresh(&refresh_token(&tokens))), "issued");
}

#[test]
fn what_changed_between_approval_and_redemption_counts() {
    let world = World::new();
    let started = world.approved();
    world.change_account("local:alice", |account| account.blocked = true);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");

    world.change_account("local:alice", |account| account.blocked = false);
    world.change_client("demo-tv", |client| client.enabled = false);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");

    world.change_client("demo-tv", |client| client.enabled = true);
    assert_eq!(world.poll_outcome(&started.device_code), "issued", "nothing was spent on the way");
}

#[test]
fn a_pending_poll_is_one_hop_and_a_redemption_two() {
    let world = World::new();
    let started = world.start();
    let hops = || world.server.platform.grant_hops.replace(0);
    hops();

    world.poll(&started.device_code);
    assert_eq!(hops(), 1);

    world.poll("forged");
    assert_eq!(hops(), 0, "a forged code is answered at the edge");

    enter(&world, ALICE, &started.user_code).decide("approve");
    hops();
    world.poll(&started.device_code);
    assert_eq!(hops(), 2);

    world.wait(360);
    world.poll(&started.device_code);
    assert_eq!(hops(), 0, "a code long past its end, too");
}

#[test]
fn a_poll_that_waits_writes_nothing() {
    let world = World::new();
    let printer = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let one_hop = Cost { grant_hops: 1, ..Cost::default() };
    for client in [&[("client_id", "demo-tv")][..], &printer] {
        let started = world.start_with(client);
        let person = enter(&world, ALICE, &started.user_code);
        let code =
            [("grant_type", crate::support::DEVICE_CODE), ("device_code", started.device_code.as_str())];
        let poll = || outcome(&world.post("/token", &[client, &code].concat()));
        world.cost();

        for _ in 0..10 {
            assert_eq!((poll().as_str(), world.cost()), ("authorization_pending", one_hop));
            world.wait(5);
        }
        assert_eq!(poll(), "authorization_pending");
        world.cost();
        let raised = Cost { grant_writes: 1, ..one_hop };
        for _ in 0..11 {
            assert_eq!((poll().as_str(), world.cost()), ("slow_down", raised), "the new interval is stored");
        }
        assert_eq!((poll().as_str(), world.cost()), ("slow_down", one_hop), "but no longer at its cap");

        person.decide("deny");
        world.cost();
        assert_eq!((poll().as_str(), world.cost()), ("access_denied", one_hop));
    }
}

#[test]
fn a_secret_that_was_replaced_redeems_and_refreshes_nothing() {
    let world = World::new();
    let secret = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let token = |more: &[(&str, &str)]| world.post("/token", &[&secret, more].concat());
    let started = world.start_with(&[&secret[..], &[("scope", "openid offline_access")]].concat());
    enter(&world, ALICE, &started.user_code).decide("approve");
    let poll = [("grant_type", crate::support::DEVICE_CODE), ("device_code", started.device_code.as_str())];
    let replace = |secret: &[u8]| {
        let digest = device_grant::secret::Digest::of(secret);
        world.change_client("demo-printer", |client| {
            client.authentication = Authentication::Secret { digest, previous: None, by: SecretBy::Basic }
        });
    };

    replace(b"another");
    assert_eq!(outcome(&token(&poll)), "access_denied", "though the snapshot still has the old one");

    replace(b"demo-printer-secret");
    let refresh_token = refresh_token(&token(&poll));
    replace(b"another");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    assert_eq!(outcome(&token(&refresh)), "invalid_grant");
}

#[test]
fn a_published_snapshot_is_believed_for_polls_and_not_for_refusals() {
    let world = World::new();
    let started = world.start();
    world.publish();
    let newcomer = |client: &mut device_grant::client::Client| client.client_name = "New name".to_owned();
    world.change_client("demo-tv", newcomer);
    world.set_down("registry", true);
    world.wait(20);
    assert_eq!(
        world.poll_outcome(&started.device_code),
        "authorization_pending",
        "the registry is not asked"
    );

    world.set_down("registry", false);
    world.publish();
    world.change_client("demo-printer", |client| client.authentication = Authentication::None);
    world.wait(20);
    let response = world.post("/device_authorization", &[("client_id", "demo-printer")]);
    assert_eq!(response.status, 200, "what the snapshot would refuse is asked at the source");
}

/// Polls of a printer, where lost answers are given anew.
fn reissuing(vars: &[(&str, &str)]) -> (World, impl Fn(&World) -> Response) {
    let world = World::with(vars);
    let secret = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let started = world.start_with(&[&secret[..], &[("scope", "openid offline_access")]].concat());
    enter(&world, ALICE, &started.user_code).decide("approve");
    let poll = move |world: &World| {
        let code =
            [("grant_type", crate::support::DEVICE_CODE), ("device_code", started.device_code.as_str())];
        world.post("/token", &[&secret[..], &code].concat())
    };
    (world, poll)
}

fn refresh_printer(world: &World, token: &str) -> String {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "demo-printer"),
        ("client_secret", "demo-printer-secret"),
        ("refresh_token", token),
    ];
    outcome(&world.post("/token", &form))
}

#[test]
fn a_lost_answer_is_given_anew_once_where_that_is_switched_on() {
    let (world, poll) = reissuing(&[("REISSUE_LOST_ANSWERS", "true")]);
    let lost = refresh_token(&poll(&world));
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "the loser of a race");

    world.wait(3);
    let again = refresh_token(&poll(&world));
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "the loser of a race, again");
    assert_eq!(refresh_printer(&world, &lost), "invalid_grant", "one family is live, never two");
    assert!(!world.events().contains(&"device_code_replayed".to_owned()));
    world.wait(3);
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "once");
    assert_eq!(refresh_printer(&world, &again), "invalid_grant", "and a third presentation is a replay");
    assert!(world.events().contains(&"reissued".to_owned()));
}

#[test]
fn a_lost_answer_that_arrived_or_is_old_or_a_public_clients_is_a_replay() {
    let (world, poll) = reissuing(&[("REISSUE_LOST_ANSWERS", "true")]);
    let first = refresh_token(&poll(&world));
    assert_eq!(refresh_printer(&world, &first), "issued");
    world.wait(5);
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "its refresh token was used: it had arrived");

    let (world, poll) = reissuing(&[("REISSUE_LOST_ANSWERS", "true")]);
    poll(&world);
    world.wait(60);
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "a minute is over");

    let (world, poll) = reissuing(&[]);
    poll(&world);
    world.wait(5);
    assert_eq!(outcome(&poll(&world)), "invalid_grant", "off by default");

    let world = World::with(&[("REISSUE_LOST_ANSWERS", "true")]);
    let started = world.approved();
    world.poll(&started.device_code);
    world.wait(5);
    assert_eq!(
        world.poll_outcome(&started.device_code),
        "invalid_grant",
        "whoever has the code is not proven"
    );
}

// --- Refresh ---

#[test]
fn a_refresh_token_is_good_once() {
    // The first and the second are older than the one just before the newest, so neither lost a race or an answer.
    for used in [0, 1] {
        let world = World::new();
        let started = world.approved();
        let mut tokens = vec![refresh_token(&world.poll(&started.device_code))];
        for at in 0..3 {
            tokens.push(refresh_token(&world.refresh(&tokens[at])));
        }
        assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 4, "each is new");

        assert_eq!(outcome(&world.refresh(&tokens[used])), "invalid_grant");

        assert_eq!(outcome(&world.refresh(&tokens[3])), "invalid_grant", "the family has ended");
        assert!(world.events().contains(&"refresh_token_reused".to_owned()));
    }
}

#[test]
fn a_refresh_may_ask_for_less_and_not_for_more() {
    let world = World::new();
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));
    let refresh = |token: &str, scope: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "demo-tv"),
            ("refresh_token", token),
            ("scope", scope),
        ];
        world.post("/token", &form)
    };

    assert_eq!(outcome(&refresh(&token, "openid admin")), "invalid_scope");
    let less = refresh(&token, "email");
    assert_eq!(json(&less)["scope"], "email");
    let all = world.refresh(&refresh_token(&less));
    assert_eq!(
        json(&all)["scope"],
        "email offline_access openid profile",
        "the grant itself is as wide as it was"
    );
}

#[test]
fn a_refresh_token_is_its_clients_alone_and_ends_in_time() {
    let world = World::with(&[("REFRESH_TOKEN_SECONDS", "3600")]);
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));
    let theirs = [
        ("grant_type", "refresh_token"),
        ("client_id", "demo-printer"),
        ("client_secret", "demo-printer-secret"),
        ("refresh_token", token.as_str()),
    ];

    assert_eq!(outcome(&world.post("/token", &theirs)), "invalid_grant");
    world.wait(3_599);
    let next = refresh_token(&world.refresh(&token));
    world.wait(1);
    assert_eq!(outcome(&world.refresh(&next)), "invalid_grant");
}

#[test]
fn a_client_that_may_not_stay_signed_in_any_more_does_not() {
    let world = World::new();
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));

    world.change_client("demo-tv", |client| client.scope = client.scope.without("offline_access"));

    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");
}

#[test]
fn a_blocked_account_gets_no_more_tokens() {
    let world = World::new();
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));

    world.change_account("local:alice", |account| account.blocked = true);

    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");
}

// --- Claims: whose page it is ---

#[test]
fn the_page_that_was_opened_last_decides() {
    let world = World::new();
    let started = world.start();
    let older = enter(&world, ALICE, &started.user_code);
    let newer = older.window();
    newer.enter(&started.user_code);

    let refused = older.decide("approve");

    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("Opened elsewhere"));
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
    assert_eq!(newer.decide("approve").status, 200);
}

#[test]
fn another_account_in_the_same_browser_takes_the_page_over() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let alices_window = person.window();

    person.submit(&[("step", "switch_account")]);
    person.sign_in(BOB.0, BOB.1);

    assert_eq!(alices_window.decide("approve").status, 403, "alice is signed out");
    person.decide("approve");
    let claims = crate::support::claims(
        json(&world.poll(&started.device_code))["id_token"].as_str().expect("an ID token"),
    );
    assert_eq!(claims["preferred_username"], "bob");
}

#[test]
fn a_window_left_behind_by_another_account_says_that_the_request_is_open_elsewhere() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let older = person.page.borrow().clone();
    person.submit(&[("step", "switch_account")]);
    person.sign_in(BOB.0, BOB.1);

    // The same browser, so the newer cookie, and the older form.
    person.page.replace(older);
    let page = person.decide("approve");

    assert_eq!(page.status, 403);
    assert!(page.body.contains("Opened elsewhere"));
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn a_second_account_in_another_browser_ends_the_code() {
    let world = World::new();
    let started = world.start();
    let alice = enter(&world, ALICE, &started.user_code);

    let bob = enter(&world, BOB, &started.user_code);

    assert!(bob.page.borrow().body.contains("didn’t work"));
    assert_eq!(alice.decide("approve").status, 409);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
    assert!(world.events().contains(&"contested".to_owned()));
}

#[test]
fn the_same_account_may_change_browsers() {
    let world = World::new();
    let started = world.start();
    enter(&world, ALICE, &started.user_code);

    let phone = enter(&world, ALICE, &started.user_code);

    assert_eq!(phone.decide("approve").status, 200);
}

#[test]
fn a_decision_is_final() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let again = person.window();
    person.decide("deny");

    assert_eq!(again.decide("approve").status, 409);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
}

#[test]
fn a_form_without_a_decision_is_refused_and_asks_again() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);

    for fields in [&[("step", "decide")][..], &[("step", "decide"), ("decision", "maybe")]] {
        assert_eq!(person.submit(fields).status, 400);
    }

    assert_eq!(person.decide("deny").status, 200);
}

// --- Sessions and forms ---

#[test]
fn the_session_row_decides_not_the_cookie() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);

    world.end_all_sessions();

    assert_eq!(person.decide("approve").status, 403);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn signing_out_ends_the_session_in_every_window() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let window = person.window();

    person.open("/device");
    person.submit(&[("step", "sign_out")]);

    assert_eq!(window.decide("approve").status, 403);
}

#[test]
fn a_session_ends_after_an_hour() {
    let world = World::with(&[("CODE_LIFETIME_SECONDS", "1800")]);
    enter(&world, ALICE, &world.start().user_code);
    let person = enter(&world, ALICE, &world.start().user_code);
    assert!(person.open("/device").body.contains("Alice"));

    world.wait(3_600);

    let page = person.enter(&world.start().user_code);
    assert!(page.body.contains("name=\"password\""), "to be signed in again");
}

#[test]
fn the_session_changes_at_sign_in() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    let (before, csrf_before) = (person.cookie(), hidden(&person.page.borrow().body, "csrf"));

    person.sign_in(ALICE.0, ALICE.1);

    assert_ne!(person.cookie(), before);
    assert_ne!(hidden(&person.page.borrow().body, "csrf"), csrf_before);
}

#[test]
fn a_form_from_elsewhere_is_refused() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    let page = person.page.borrow().body.clone();
    let (csrf, transaction) =
        (hidden(&page, "csrf").expect("a token"), hidden(&page, "transaction").expect("a field"));
    let form = |csrf: &str| {
        let fields = [
            ("step", "decide"),
            ("decision", "approve"),
            ("confirm_device", "yes"),
            ("transaction", &transaction),
            ("csrf", csrf),
        ];
        post("/device", &fields)
    };
    let origin = |origin: &str| Request { origin: Some(origin.to_owned()), ..form(&csrf) };

    assert_eq!(person.window().send(origin("https://evil.example")).status, 403);
    assert_eq!(person.window().send(form("guess")).status, 403);
    let cross_site = Request { sec_fetch_site: Some("cross-site".to_owned()), ..form(&csrf) };
    assert_eq!(person.window().send(cross_site).status, 403);
    assert_eq!(Person::of(&world).send(form(&csrf)).status, 403, "another browser, the same form");
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");

    assert_eq!(person.window().send(origin("null")).status, 200, "null says nothing; the token decides");
}

#[test]
fn a_transaction_is_one_browsers_own() {
    let world = World::new();
    let started = world.start();
    let alice = enter(&world, ALICE, &started.user_code);
    let stolen = hidden(&alice.page.borrow().body, "transaction").expect("a field");
    let mallory = enter(&world, BOB, &world.start().user_code);

    let fields =
        [("step", "decide"), ("decision", "approve"), ("confirm_device", "yes"), ("transaction", &stolen)];
    let page = mallory.submit_only(&fields);

    assert_eq!(page.status, 403);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}

#[test]
fn strangers_who_try_passwords_do_not_keep_an_owner_waiting_in_her_own_browser() {
    let world = World::new();
    let own = enter(&world, ALICE, &world.start().user_code);
    own.submit(&[("step", "switch_account")]);
    let stranger = Person::at(&world, "203.0.113.66");
    stranger.enter(&world.start().user_code);
    (0..5).for_each(|_| drop(stranger.sign_in(ALICE.0, "wrong")));
    assert_eq!(stranger.sign_in(ALICE.0, "wrong").status, 429);

    let elsewhere = Person::of(&world);
    elsewhere.enter(&world.start().user_code);
    assert_eq!(elsewhere.sign_in(ALICE.0, ALICE.1).status, 429, "in a browser nobody knows");
    assert_eq!(own.sign_in(ALICE.0, ALICE.1).status, 200);
}

#[test]
fn whoever_signs_out_leaves_a_browser_that_knows_nobody() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    person.open("/device");
    person.submit(&[("step", "sign_out")]);

    person.enter_as(BOB.0, BOB.1, &started.user_code);

    assert_eq!(world.poll_outcome(&started.device_code), "access_denied", "two people had the code");
}

#[test]
fn the_sign_in_form_has_its_own_token() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);

    let fields = [("step", "sign_in"), ("username", ALICE.0), ("password", ALICE.1), ("csrf", "guess")];

    assert_eq!(person.send(post("/device", &fields)).status, 403);
}

#[test]
fn pages_carry_the_headers_that_keep_them_safe() {
    let world = World::new();
    let page = Person::of(&world).open("/device");

    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(policy.contains("form-action 'self'") && !policy.contains("unsafe"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let cookie = page.header("set-cookie").expect("a cookie");
    assert!(
        cookie.starts_with("device-grant=")
            && cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
}

#[test]
fn on_https_the_cookie_is_bound_to_the_host() {
    let world = World::with(&[
        ("ENVIRONMENT", "production"),
        ("ISSUER", "https://login.example.com"),
        ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"),
    ]);
    let request = Request {
        secure: true,
        host: "login.example.com".to_owned(),
        path: "/device".to_owned(),
        ..crate::support::get()
    };

    let cookie = world.send(&request).header("set-cookie").map(str::to_owned).expect("a cookie");

    assert!(cookie.starts_with("__Host-device-grant=") && cookie.ends_with("; Secure"), "{cookie}");
}

#[test]
fn a_hostile_name_is_text() {
    let world = World::new();
    let started = world.start();
    world.change_client("demo-tv", |client| client.client_name = "<script>alert(1)</script>".to_owned());
    world.wait(20);

    let person = enter(&world, ALICE, &started.user_code);

    assert!(!person.page.borrow().body.contains("<script"));
}

#[test]
fn the_page_shows_where_the_request_came_from_and_where_the_person_is() {
    let world = World::new();
    let place = |city: &str, country: &str| device_grant::place::Place {
        city: Some(city.to_owned()),
        country: Some(country.to_owned()),
        operator: Some(format!("{city} Telecom")),
        asn: Some(64500),
        ..Default::default()
    };
    let start = Request {
        place: place("Lyon", "FR"),
        user_agent: Some("curl/8.4".to_owned()),
        ..post("/device_authorization", &[("client_id", "demo-tv")])
    };
    let user_code = json(&world.send(&start))["user_code"].as_str().expect("a code").to_owned();
    let person = Person::of(&world);
    person.enter(&user_code);
    let page = person.page.borrow().body.clone();
    let fields = [
        ("csrf", hidden(&page, "csrf").expect("a token")),
        ("transaction", hidden(&page, "transaction").expect("a field")),
        ("step", "sign_in".to_owned()),
        ("username", ALICE.0.to_owned()),
        ("password", ALICE.1.to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let user_agent = Some("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)".to_owned());

    let consent =
        person.send(Request { place: place("Oslo", "NO"), user_agent, ..post("/device", &fields) }).body;

    for words in [
        "Lyon, FR",
        "Lyon Telecom (AS64500)",
        "Command line (curl)",
        "Oslo, NO",
        "iPhone",
        "Just now, 12:00 UTC",
    ] {
        assert!(consent.contains(words), "{words}");
    }
}

// --- Codes and passwords that are wrong ---

#[test]
fn wrong_used_expired_and_foreign_codes_get_the_same_bytes() {
    let world = World::new();
    let expired = world.start();
    world.wait(300);
    let person = enter(&world, ALICE, &world.start().user_code);
    // From here on no time passes: what follows is all within its life when it is tried.
    let codes = [world.start(), world.start(), world.start(), world.start(), world.start()];
    let [used, denied, reported, contested, contested_before] = &codes;
    enter(&world, BOB, &used.user_code).decide("approve");
    assert_eq!(world.poll_outcome(&used.device_code), "issued");
    enter(&world, BOB, &denied.user_code).decide("deny");
    enter(&world, BOB, &reported.user_code).decide("report");
    enter(&world, BOB, &contested.user_code);
    enter(&world, BOB, &contested_before.user_code);
    let enters = |user_code: &str| {
        // Every account has five tries, and this one needs more.
        world.server.platform.reset_counters("code/");
        Response { decisions: Vec::new(), ..person.enter(user_code) }
    };
    enters(&contested_before.user_code);
    let ends: Vec<String> = codes.iter().map(|code| world.poll_outcome(&code.device_code)).collect();
    assert_eq!(
        ends,
        ["invalid_grant", "access_denied", "access_denied", "authorization_pending", "access_denied"]
    );

    let wrong = enters("BBBB-BBBB");

    assert_eq!(wrong.status, 400);
    for (why, code) in [
        ("used", used),
        ("denied", denied),
        ("reported", reported),
        ("contested now", contested),
        ("contested before", contested_before),
        ("expired", &expired),
    ] {
        assert_eq!(enters(&code.user_code), wrong, "{why}");
    }
    assert_eq!(world.poll_outcome(&contested.device_code), "access_denied");
    assert_eq!(world.poll_outcome(&expired.device_code), "expired_token");
    assert_eq!(world.events().iter().filter(|event| *event == "contested").count(), 2);
}

#[test]
fn before_sign_in_a_right_code_and_a_wrong_one_look_alike() {
    let world = World::new();
    let started = world.start();
    let mask = |page: Response| {
        let transaction = hidden(&page.body, "transaction").expect("a field");
        page.body.replace(&transaction, "")
    };
    let person = Person::of(&world);
    let hops = || world.server.platform.grant_hops.replace(0);
    hops();

    let (right, wrong) = (mask(person.enter(&started.user_code)), mask(person.enter("BBBB-BBBB")));

    assert_eq!(right, wrong);
    assert_eq!(hops(), 0, "nothing was looked up");
}

#[test]
fn a_right_code_costs_nothing_and_forgives_nothing() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB");
    for _ in 0..3 {
        person.enter("BBBB-BBBB");
    }

    for _ in 0..10 {
        assert_eq!(person.enter(&world.start().user_code).status, 200);
    }

    assert_eq!(person.enter("BBBB-BBBB").status, 400, "the fifth");
    assert_eq!(person.enter(&world.start().user_code).status, 429, "and then a wait, for right codes too");
    world.wait(300);
    assert_eq!(person.enter(&world.start().user_code).status, 200);
}

#[test]
fn a_network_has_a_budget_of_its_own() {
    let world = World::new();
    for round in 0..6 {
        // Every account has five tries; the network has thirty, whoever is signed in.
        world.server.platform.reset_counters("code/account");
        let person = Person::of(&world);
        person.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB");
        for _ in 0..4 {
            assert_eq!(person.enter("BBBB-BBBB").status, 400, "round {round}");
        }
    }
    world.server.platform.reset_counters("code/account");

    let here = Person::of(&world);
    assert_eq!(here.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB").status, 429);
    let elsewhere = Person::at(&world, "203.0.113.9");
    assert_eq!(elsewhere.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB").status, 400);
}

#[test]
fn guessing_makes_new_codes_longer_and_refuses_nobody() {
    let world = World::new();
    for _ in 0..4 {
        world.start();
    }
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, "BBBB-BBBB");
    person.enter("CCCC-CCCC");
    person.enter("DDDD-DDDD");
    person.enter("FFFF-FFFF");
    world.wait(10);

    let longer = world.start();

    assert_eq!(longer.user_code.replace('-', "").len(), 10, "{}", longer.user_code);
    Person::at(&world, "203.0.113.9").approve_as(BOB.0, BOB.1, &longer.user_code);
    assert_eq!(world.poll_outcome(&longer.device_code), "issued");
    world.wait(330);
    assert_eq!(world.start().user_code.len(), 9, "when the guesses are forgotten, codes are short again");
}

#[test]
fn a_wrong_password_and_an_unknown_name_look_alike() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    let attempt = |username: &str| {
        let page = person.sign_in(username, "wrong");
        (page.status, page.body.replace(username, ""))
    };

    assert_eq!(attempt("alice"), attempt("nobody"));
}

#[test]
fn wrong_passwords_slow_an_account_down_and_never_lock_it() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    for _ in 0..5 {
        assert_eq!(person.sign_in(ALICE.0, "wrong").status, 400);
    }

    let slowed = person.sign_in(ALICE.0, ALICE.1);
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, Some("1")));
    assert!(slowed.body.contains("1 second"));

    world.wait(1);
    assert_eq!(person.sign_in(ALICE.0, ALICE.1).status, 200);
}

#[test]
fn live_codes_are_capped_per_client_and_network() {
    let world = World::new();
    let started: Vec<_> = (0..20).map(|_| world.start()).collect();
    let one_more = || world.post("/device_authorization", &[("client_id", "demo-tv")]);

    let refused = one_more();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("300")));

    let person = enter(&world, ALICE, &started[0].user_code);
    person.decide("deny");
    assert_eq!(one_more().status, 200, "a code that was refused is not live");
    assert_eq!(one_more().status, 429);
    enter(&world, ALICE, &started[1].user_code).decide("approve");
    world.poll(&started[1].device_code);
    assert_eq!(one_more().status, 200, "nor one that was redeemed");
    world.wait(300);
    assert_eq!(one_more().status, 200, "nor one that has expired");
}

#[test]
fn a_shard_takes_no_more_codes_than_it_may() {
    let world = World::with(&[("SHARDS_PER_REGION", "1"), ("LIVE_CODES_PER_SHARD", "3")]);
    for _ in 0..3 {
        world.start();
    }
    world.wait(100);

    let full = world.post("/device_authorization", &[("client_id", "demo-tv")]);

    assert_eq!((full.status, full.header("retry-after")), (429, Some("200")));
}

// --- What cannot be reached ---

#[test]
fn what_cannot_be_reached_is_a_503_and_changes_nothing() {
    for object in ["grants", "limits", "registry", "accounts", "signing"] {
        let world = World::new();
        let pending = world.start();
        let approved = world.approved();
        world.wait(70);
        world.set_down(object, true);

        let polled = world.poll(&approved.device_code);
        let started = world.post("/device_authorization", &[("client_id", "demo-tv")]);
        let answer =
            |response: &Response| (response.status, response.header("retry-after").map(str::to_owned));
        let unavailable = || (503, Some("5".to_owned()));
        // A bearer token is given without a limiter: the gauge of live codes forgets the code in time.
        let polls = if object == "limits" { (200, None) } else { unavailable() };
        let starts = if ["accounts", "signing"].contains(&object) { (200, None) } else { unavailable() };
        assert_eq!((answer(&polled), answer(&started)), (polls, starts), "{object}");

        world.set_down(object, false);
        let spent = object == "limits";
        let outcome = if spent { "invalid_grant" } else { "issued" };
        assert_eq!(world.poll_outcome(&approved.device_code), outcome, "{object}");
        enter(&world, ALICE, &pending.user_code).decide("approve");
        assert_eq!(world.poll_outcome(&pending.device_code), "issued", "{object}");
    }
}

#[test]
fn a_page_that_cannot_reach_something_says_so_and_the_form_still_works() {
    for object in ["grants", "limits", "accounts"] {
        let world = World::new();
        let started = world.start();
        let person = Person::of(&world);
        person.enter(&started.user_code);
        let form = person.window();
        world.set_down(object, true);

        let page = person.sign_in(ALICE.0, ALICE.1);
        assert_eq!((page.status, page.header("retry-after")), (503, Some("5")), "{object}");

        world.set_down(object, false);
        assert_eq!(form.sign_in(ALICE.0, ALICE.1).status, 200, "{object}");
        assert_eq!(form.decide("approve").status, 200, "{object}");
        assert_eq!(world.poll_outcome(&started.device_code), "issued", "{object}");
    }
}

#[test]
fn a_decision_stands_though_the_clients_name_cannot_be_had() {
    let world = World::new();
    let started = world.start();
    let person = enter(&world, ALICE, &started.user_code);
    world.wait(20);
    world.set_down("registry", true);

    assert_eq!(person.decide("deny").status, 200, "it is not told that nothing has changed");

    world.set_down("registry", false);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
}

#[test]
fn the_platforms_rate_limit_is_a_429() {
    let world = World::new();
    world.set_down("rate limit", true);

    let refused = world.post("/device_authorization", &[("client_id", "demo-tv")]);

    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
}

#[test]
fn a_client_with_a_scope_that_nothing_describes_stops_the_server_at_its_start() {
    let world = World::new();
    world.change_client("demo-tv", |client| client.scope = Scope::parse("openid fly").expect("a scope"));
    world.wait(20);

    assert_eq!(world.post("/device_authorization", &[("client_id", "demo-tv")]).status, 503);
}

// --- A change of key and of mapping ---

#[test]
fn codes_survive_one_change_of_the_master_key_and_of_the_shards() {
    const NEW: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";
    let world = World::new();
    let (pending, approved) = (world.start(), world.approved());

    let world = world.restarted(&[
        ("MASTER_KEY", NEW),
        ("MASTER_KEY_PREVIOUS", device_grant::derived_keys::DEVELOPMENT_KEY),
        ("SHARDS_PER_REGION", "3"),
        ("SHARDS_PER_REGION_PREVIOUS", "8"),
    ]);

    let tokens = world.poll(&approved.device_code);
    assert_eq!(outcome(&world.refresh(&refresh_token(&tokens))), "issued");
    enter(&world, ALICE, &pending.user_code).decide("approve");
    assert_eq!(world.poll_outcome(&pending.device_code), "issued");
    let fresh = world.start();
    enter(&world, ALICE, &fresh.user_code).decide("approve");
    assert_eq!(world.poll_outcome(&fresh.device_code), "issued");
}

// --- What is told ---

#[test]
fn every_transition_leaves_an_event() {
    let world = World::new();
    let started = world.approved();
    let tokens = world.poll(&started.device_code);
    world.refresh(&refresh_token(&tokens));

    assert_eq!(
        world.events(),
        ["device_authorization", "consent_opened", "approved", "redeemed", "refreshed"]
    );
}

#[test]
fn every_decision_leaves_a_line_with_our_reason_and_no_secret() {
    let world = World::new();
    let started = world.start();
    let poll = world.poll(&started.device_code);
    let unknown = world
        .post("/token", &[("grant_type", crate::support::DEVICE_CODE), ("client_id", &started.device_code)]);

    let line = |response: &Response| {
        serde_json::to_string(response.decisions.first().expect("a decision")).expect("it serializes")
    };

    let expected =
        r#"{"what":"poll","client":"demo-tv","outcome":"authorization_pending","reason":"pending"}"#;
    assert_eq!(line(&poll), expected);
    assert_eq!(line(&unknown), r#"{"what":"poll","outcome":"invalid_client","reason":"unknown_client"}"#);
    let person = enter(&world, ALICE, &started.user_code);
    let said: Vec<_> =
        person.page.borrow().decisions.iter().map(|decision| (decision.what, decision.outcome)).collect();
    assert_eq!(said, [("code_entry", "consent_shown"), ("sign_in", "signed_in")]);
}

#[test]
fn a_form_without_its_transaction_leaves_a_line_at_every_step() {
    let world = World::new();
    let person = enter(&world, ALICE, &world.start().user_code);
    let steps = [
        ("sign_in", vec![("step", "sign_in"), ("username", "alice"), ("password", "wonderland-8787")]),
        ("sign_out", vec![("step", "switch_account")]),
        ("decision", vec![("step", "decide"), ("decision", "approve"), ("confirm_device", "yes")]),
    ];

    for (what, form) in steps {
        let page = person.submit_only(&form);
        let line = page.decisions.first().unwrap_or_else(|| panic!("{what} left no line"));
        assert_eq!((line.what, line.outcome), (what, "refused"), "{line:?}");
    }
}
