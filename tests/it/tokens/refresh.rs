//! Refresh tokens that are presented twice (RFC 9700 §2.2.2, §4.14), and the lifetimes of refresh tokens.

use device_grant::endpoint::http::{Request, Response};
use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, get, json as body, outcome};

const PRINTER: [(&str, &str); 2] = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];

/// The tokens of a response.
struct Tokens {
    refresh: String,
    access: String,
}

impl Tokens {
    fn of(response: &Response) -> Self {
        assert_eq!(response.status, 200, "{}", response.body);
        let tokens = body(response);
        let text = |name: &str| tokens.get(name).and_then(Value::as_str).expect("it was issued").to_owned();
        Self { refresh: text("refresh_token"), access: text("access_token") }
    }
}

/// Returns a world in which `demo-printer` is logged in, and its tokens. It may introspect them itself.
fn signed_in(vars: &[(&str, &str)]) -> (World, Tokens) {
    let world = World::with(vars);
    let tokens = sign_in(&world);
    (world, tokens)
}

fn sign_in(world: &World) -> Tokens {
    let started = world.start_with(&[&PRINTER[..], &[("scope", "openid offline_access")]].concat());
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    Tokens::of(&world.post("/token", &[&PRINTER[..], &poll].concat()))
}

fn refresh(world: &World, token: &str) -> Response {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    world.post("/token", &[&PRINTER[..], &form].concat())
}

fn is_active(world: &World, token: &str) -> bool {
    let form = [&PRINTER[..], &[("token", token)]].concat();
    body(&world.post("/introspect", &form)).get("active") == Some(&json!(true))
}

fn userinfo(world: &World, token: &str) -> u16 {
    let authorization = Some(format!("Bearer {token}"));
    world.send(&Request { authorization, path: "/userinfo".to_owned(), ..get() }).status
}

#[test]
fn a_disabled_client_refreshes_nothing_and_loses_nothing() {
    let (world, first) = signed_in(&[]);
    let enable = |enabled| world.change_client("demo-printer", |client| client.enabled = enabled);

    enable(false);
    assert_eq!(
        outcome(&refresh(&world, &first.refresh)),
        "invalid_grant",
        "even while the snapshot has it enabled"
    );

    enable(true);
    let second = Tokens::of(&refresh(&world, &first.refresh));
    assert_eq!(outcome(&refresh(&world, &second.refresh)), "issued");
}

// --- Races ---

#[test]
fn s1_a_loser_of_a_race_is_refused_and_the_winner_goes_on() {
    let (world, first) = signed_in(&[]);
    let second = Tokens::of(&refresh(&world, &first.refresh));
    assert_eq!(userinfo(&world, &second.access), 200, "the new token is used at once");
    world.wait_millis(2_999);

    assert_eq!(outcome(&refresh(&world, &first.refresh)), "invalid_grant");

    assert!(is_active(&world, &second.access));
    assert_eq!(outcome(&refresh(&world, &second.refresh)), "issued");
    assert!(!world.events().contains(&"refresh_token_reused".to_owned()));
}

// --- Lost answers and thieves ---

#[test]
fn after_a_lost_answer_the_client_gets_new_tokens_and_the_lost_ones_are_withdrawn() {
    let (world, first) = signed_in(&[]);
    let lost = Tokens::of(&refresh(&world, &first.refresh));
    world.wait(3);

    let found = Tokens::of(&refresh(&world, &first.refresh));

    assert!(!is_active(&world, &lost.access), "a JWT ends at once, too");
    assert_eq!(userinfo(&world, &lost.access), 401);
    assert!(!is_active(&world, &lost.refresh));
    assert!(is_active(&world, &found.access) && is_active(&world, &found.refresh));
    assert!(is_active(&world, &first.access), "the response before had arrived");
    assert_eq!(outcome(&refresh(&world, &found.refresh)), "issued");
    assert!(world.events().contains(&"refreshed_again".to_owned()));
}

#[test]
fn s10_a_thief_who_makes_an_answer_look_lost_is_found_out_by_the_rightful_client() {
    let (world, first) = signed_in(&[]);
    let rightful = Tokens::of(&refresh(&world, &first.refresh));
    world.wait(60);
    let stolen = Tokens::of(&refresh(&world, &first.refresh));

    assert_eq!(outcome(&refresh(&world, &rightful.refresh)), "invalid_grant");

    assert!(!is_active(&world, &stolen.access));
    assert_eq!(outcome(&refresh(&world, &stolen.refresh)), "invalid_grant");
    assert!(world.events().contains(&"refresh_token_reused".to_owned()));
}

#[test]
fn s10_once_its_successor_was_used_a_refresh_token_that_comes_back_ends_its_family() {
    for use_successor in [
        |world: &World, second: &Tokens| assert_eq!(refresh(world, &second.refresh).status, 200),
        |world: &World, second: &Tokens| assert_eq!(userinfo(world, &second.access), 200),
        |world: &World, second: &Tokens| assert!(is_active(world, &second.access)),
    ] {
        let (world, first) = signed_in(&[]);
        let second = Tokens::of(&refresh(&world, &first.refresh));
        use_successor(&world, &second);
        world.wait(3);

        assert_eq!(outcome(&refresh(&world, &first.refresh)), "invalid_grant");

        assert!(!is_active(&world, &second.access));
        assert!(world.events().contains(&"refresh_token_reused".to_owned()));
    }
}

#[test]
fn a_token_two_generations_old_ends_its_family_at_once() {
    let (world, first) = signed_in(&[]);
    let second = Tokens::of(&refresh(&world, &first.refresh));
    let third = Tokens::of(&refresh(&world, &second.refresh));

    assert_eq!(outcome(&refresh(&world, &first.refresh)), "invalid_grant");

    assert_eq!(outcome(&refresh(&world, &third.refresh)), "invalid_grant");
}

// --- Lifetimes ---

#[test]
fn s10_an_idle_refresh_token_expires_and_each_use_restarts_the_clock() {
    let vars = [("REFRESH_TOKEN_SECONDS", "10000"), ("REFRESH_TOKEN_IDLE_SECONDS", "1000")];
    let (world, mut tokens) = signed_in(&vars);
    for _ in 0..3 {
        world.wait(999);
        tokens = Tokens::of(&refresh(&world, &tokens.refresh));
    }
    world.wait(1_000);

    assert!(!is_active(&world, &tokens.refresh));
    assert_eq!(outcome(&refresh(&world, &tokens.refresh)), "invalid_grant");
}

#[test]
fn a_family_that_is_used_often_ends_too_and_its_last_access_token_lives_on() {
    let vars = [("REFRESH_TOKEN_SECONDS", "2000"), ("REFRESH_TOKEN_IDLE_SECONDS", "1000")];
    let (world, mut tokens) = signed_in(&vars);
    for wait in [800, 800, 399] {
        world.wait(wait);
        tokens = Tokens::of(&refresh(&world, &tokens.refresh));
    }
    world.wait(1);

    assert_eq!(outcome(&refresh(&world, &tokens.refresh)), "invalid_grant");

    assert!(is_active(&world, &tokens.access), "the access token has its own end");
    world.wait(898);
    assert!(is_active(&world, &tokens.access));
    world.wait(1);
    assert!(!is_active(&world, &tokens.access));
}

#[test]
fn a_client_can_have_its_own_lifetimes() {
    let world = World::new();
    world.change_client("demo-printer", |client| {
        client.tokens.refresh_token_idle_lifetime = Some(100);
        client.tokens.refresh_token_lifetime = Some(250);
    });
    let first = sign_in(&world);
    world.wait(100);
    assert_eq!(outcome(&refresh(&world, &first.refresh)), "invalid_grant", "the idle time is over");

    let mut tokens = sign_in(&world);
    for _ in 0..2 {
        world.wait(99);
        tokens = Tokens::of(&refresh(&world, &tokens.refresh));
    }
    world.wait(52);
    assert_eq!(outcome(&refresh(&world, &tokens.refresh)), "invalid_grant", "the lifetime is over");
}

#[test]
fn revocation_reaches_an_access_token_that_outlives_its_refresh_token() {
    let (world, tokens) = signed_in(&[("REFRESH_TOKEN_SECONDS", "60")]);
    world.wait(100);
    assert!(is_active(&world, &tokens.access));

    world.post("/revoke", &[&PRINTER[..], &[("token", tokens.access.as_str())]].concat());

    assert!(!is_active(&world, &tokens.access));
}

#[test]
fn a_family_is_refreshed_ten_times_at_once_and_ten_times_a_minute_and_a_refusal_spends_nothing() {
    let (world, mut tokens) = signed_in(&[]);
    for _ in 0..10 {
        tokens = Tokens::of(&refresh(&world, &tokens.refresh));
    }
    let events = world.events();
    world.cost();

    let refused = refresh(&world, &tokens.refresh);

    assert_eq!((refused.status, outcome(&refused).as_str()), (429, "temporarily_unavailable"));
    assert_eq!(refused.header("retry-after"), Some("6"));
    let description = body(&refused)["error_description"].as_str().unwrap().to_owned();
    assert_eq!(description, "This authorization was refreshed too often; try again in 6 seconds.");
    assert_eq!((world.cost().grant_writes, world.events()), (0, events));
    world.wait(6);
    Tokens::of(&refresh(&world, &tokens.refresh));
}
