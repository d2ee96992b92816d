//! Refresh tokens that come back (RFC 9700 §2.2.2, §4.14): races, lost answers, thieves, and how long they live.

use core::time::Duration;
use device_grant::family::id::AttemptId;
use device_grant::identity::account::AccountKey;
use device_grant::registry::key_schedule::NEVER;

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, get, json as body, outcome};
use device_grant::endpoint::http::{Request, Response};
use device_grant::family::renewal::{RACE, Renewal};
use device_grant::family::{Current, Ending, Family, Presented, Rotation};
use device_grant::format::Format;
use device_grant::scope::Scope;
use device_grant::secret::Digest;
use device_grant::time::Timestamp;
use device_grant::token::confirmation::Confirmation;
use proptest::prelude::*;
use serde_json::{Value, json};

const PRINTER: [(&str, &str); 2] = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];

/// The tokens of one answer.
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

/// A world in which the printer is signed in; it may ask what its tokens are worth.
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

// --- Races ---

#[test]
fn a_client_that_is_disabled_refreshes_nothing_and_loses_nothing() {
    let (world, first) = signed_in(&[]);
    let enable = |enabled| world.change_client("demo-printer", |client| client.enabled = enabled);

    enable(false);
    assert_eq!(
        outcome(&refresh(&world, &first.refresh)),
        "invalid_grant",
        "though the snapshot has it enabled"
    );

    enable(true);
    let second = Tokens::of(&refresh(&world, &first.refresh));
    assert_eq!(outcome(&refresh(&world, &second.refresh)), "issued");
}

#[test]
fn s1_a_loser_of_a_race_is_refused_and_the_winner_goes_on() {
    let (world, first) = signed_in(&[]);
    let second = Tokens::of(&refresh(&world, &first.refresh));
    assert_eq!(userinfo(&world, &second.access), 200, "used at once");
    world.wait_millis(2_999);

    assert_eq!(outcome(&refresh(&world, &first.refresh)), "invalid_grant");

    assert!(is_active(&world, &second.access));
    assert_eq!(outcome(&refresh(&world, &second.refresh)), "issued");
    assert!(!world.events().contains(&"refresh_token_reused".to_owned()));
}

// --- Lost answers ---

#[test]
fn after_a_lost_answer_the_client_gets_another_and_what_was_lost_is_worth_nothing() {
    let (world, first) = signed_in(&[]);
    let lost = Tokens::of(&refresh(&world, &first.refresh));
    world.wait(3);

    let found = Tokens::of(&refresh(&world, &first.refresh));

    assert!(!is_active(&world, &lost.access), "at once, JWT though it is");
    assert_eq!(userinfo(&world, &lost.access), 401);
    assert!(!is_active(&world, &lost.refresh));
    assert!(is_active(&world, &found.access) && is_active(&world, &found.refresh));
    assert!(is_active(&world, &first.access), "the one before had arrived");
    assert_eq!(outcome(&refresh(&world, &found.refresh)), "issued");
    assert!(world.events().contains(&"refreshed_anew".to_owned()));
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
fn a_token_older_than_the_last_ends_its_family_however_soon() {
    let (world, first) = signed_in(&[]);
    let second = Tokens::of(&refresh(&world, &first.refresh));
    let third = Tokens::of(&refresh(&world, &second.refresh));

    assert_eq!(outcome(&refresh(&world, &first.refresh)), "invalid_grant");

    assert_eq!(outcome(&refresh(&world, &third.refresh)), "invalid_grant");
}

// --- How long ---

#[test]
fn s10_a_refresh_token_ends_when_it_lies_idle_and_each_use_begins_anew() {
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
fn however_often_it_is_used_refreshing_ends_and_the_last_access_token_lives_on() {
    let vars = [("REFRESH_TOKEN_SECONDS", "2000"), ("REFRESH_TOKEN_IDLE_SECONDS", "1000")];
    let (world, mut tokens) = signed_in(&vars);
    for wait in [800, 800, 399] {
        world.wait(wait);
        tokens = Tokens::of(&refresh(&world, &tokens.refresh));
    }
    world.wait(1);

    assert_eq!(outcome(&refresh(&world, &tokens.refresh)), "invalid_grant");

    assert!(is_active(&world, &tokens.access), "it has its own end");
    world.wait(898);
    assert!(is_active(&world, &tokens.access));
    world.wait(1);
    assert!(!is_active(&world, &tokens.access));
}

#[test]
fn a_client_may_have_lifetimes_of_its_own() {
    let world = World::new();
    world.change_client("demo-printer", |client| {
        client.tokens.refresh_token_idle_lifetime = Some(100);
        client.tokens.refresh_token_lifetime = Some(250);
    });
    let first = sign_in(&world);
    world.wait(100);
    assert_eq!(outcome(&refresh(&world, &first.refresh)), "invalid_grant", "idle");

    let mut tokens = sign_in(&world);
    for _ in 0..2 {
        world.wait(99);
        tokens = Tokens::of(&refresh(&world, &tokens.refresh));
    }
    world.wait(52);
    assert_eq!(outcome(&refresh(&world, &tokens.refresh)), "invalid_grant", "as a whole");
}

#[test]
fn revocation_reaches_an_access_token_that_outlives_its_refresh_token() {
    let (world, tokens) = signed_in(&[("REFRESH_TOKEN_SECONDS", "60")]);
    world.wait(100);
    assert!(is_active(&world, &tokens.access));

    world.post("/revoke", &[&PRINTER[..], &[("token", tokens.access.as_str())]].concat());

    assert!(!is_active(&world, &tokens.access));
}

// --- Whatever the order ---

/// Something that happens to a family.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A token that was issued before is presented and, if it is good, used: the youngest, or one so many before it.
    Refresh(usize),
    /// The newest access token is seen.
    Arrive,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..4_usize).prop_map(Step::Refresh),
        1 => Just(Step::Arrive),
        4 => (0..8_000_u64).prop_map(Step::Wait),
        1 => (0..90_000_000_u64).prop_map(Step::Wait),
    ]
}

fn token(number: usize) -> Current {
    Current { digest: digest(number), attempt: AttemptId::of_jti(&number.to_string()), good_until: NEVER }
}

fn digest(number: usize) -> Digest {
    Digest::of(&number.to_be_bytes())
}

fn family(now: Timestamp) -> Family {
    Family {
        format: Format,
        client_id: "tv".to_owned(),
        account: AccountKey::local("alice"),
        scope: Scope::parse("openid").expect("a scope"),
        auth_time: now,
        amr: Vec::new(),
        ends_at: now + Duration::from_secs(365 * 86_400),
        refresh: Some(token(0)),
        ended: None,
        resource: Vec::new(),
        cnf: Confirmation::default(),
        acr: None,
        refreshable_until: now + Duration::from_secs(365 * 86_400),
        renewal: Renewal::default(),
    }
}

/// One refresh, as a shard does it; whether it was answered with tokens.
fn play(family: &mut Family, presented: usize, next: usize, now: Timestamp) -> bool {
    match family.present(&digest(presented), true, now) {
        Presented::Current(_) => {
            let ends_at = family.ends_at;
            assert_eq!(family.rotate(&digest(presented), token(next), ends_at, now), Rotation::Rotated);
            true
        }
        Presented::Reused => {
            family.end(Ending::RefreshTokenReused);
            false
        }
        Presented::Raced | Presented::WithoutKey | Presented::Dead => false,
    }
}

proptest! {
    #[test]
    fn at_most_one_lineage_is_alive_and_only_reuse_ends_it(steps in prop::collection::vec(step(), 1..60)) {
        let mut now = Timestamp::from_millis(1_000_000);
        let mut family = family(now);
        let mut issued = 1;
        // By which use each token came: the one before it in its lineage.
        let mut parents = vec![None];
        let mut rotated_at = now;

        for step in steps {
            let newest = family.refresh.clone().expect("it has one").attempt;
            let predecessor: Option<usize> = parents[newest.as_str().parse::<usize>().expect("a number")];
            match step {
                Step::Refresh(back) => {
                    let presented = (issued - 1_usize).saturating_sub(back);
                    let was_live = family.ended.is_none();
                    let is_current = newest.as_str() == presented.to_string();
                    let is_predecessor = predecessor == Some(presented);
                    if play(&mut family, presented, issued, now) {
                        prop_assert!(is_current || is_predecessor && now >= rotated_at + RACE);
                        if is_predecessor {
                            prop_assert!(family.has_withdrawn(&newest));
                        }
                        parents.push(Some(presented));
                        issued += 1;
                        rotated_at = now;
                    } else if is_predecessor && now < rotated_at + RACE {
                        prop_assert_eq!(family.ended.is_none(), was_live, "a loser ends nothing");
                    } else if !is_current && !is_predecessor {
                        prop_assert!(family.ended.is_some(), "an older token always ends it");
                    }
                }
                Step::Arrive => {
                    family.arrive(&newest);
                }
                Step::Wait(millis) => now = now + Duration::from_millis(millis),
            }
            let late = now + RACE;
            let good = (0..issued).filter(|number| family.good_until(&digest(*number), late).is_some()).count();
            prop_assert_eq!(good, usize::from(family.ended.is_none()), "one token is current, and it is good");
        }
    }

    #[test]
    fn of_parallel_refreshes_one_wins(losers in 1..50_usize, first in 0..50_usize) {
        let now = Timestamp::from_millis(1_000_000);
        let mut family = family(now);
        let looks = (0..=losers).map(|_| family.present(&digest(0), true, now)).collect::<Vec<_>>();
        prop_assert!(looks.iter().all(|look| matches!(look, Presented::Current(_))));

        let rotations = (0..=losers).map(|number| 1 + (first + number) % (losers + 1));
        let ends_at = family.ends_at;
        let won = rotations.filter(|next| family.rotate(&digest(0), token(*next), ends_at, now) == Rotation::Rotated);

        prop_assert_eq!(won.count(), 1);
        prop_assert!(family.ended.is_none());
    }
}
