//! What holds whatever the order of events.

use core::time::Duration;
use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::identity::account::AccountKey;
use std::collections::BTreeMap;

use device_grant::format::Format;
use device_grant::grant::user_code::{CONSONANTS, DIGITS, Shape, UserCode};
use device_grant::grant::{Approval, Denial, Grant, Hold, Poll, Redemption, Request, State};
use device_grant::place::{Origin, Place};
use device_grant::scope::Scope;
use device_grant::secret::Digest;
use device_grant::time::Timestamp;
use device_grant::token::mapping::{MappingFacts, RESERVED, Rule, Rules, Target, map};
use device_grant::token::resource::Own;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

const START: Timestamp = Timestamp::from_millis(1_000_000);
const LIFETIME: u64 = 300;
const GRACE: u64 = 60;

/// One thing that happens to a grant.
#[derive(Clone, Copy, Debug)]
enum Step {
    Poll,
    Hold { account: u8, browser: u8 },
    Approve,
    Deny,
    Redeem { attempt: u8 },
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Poll),
        2 => (0..2_u8, 0..2_u8).prop_map(|(account, browser)| Step::Hold { account, browser }),
        1 => Just(Step::Approve),
        1 => Just(Step::Deny),
        2 => (0..3_u8).prop_map(|attempt| Step::Redeem { attempt }),
        3 => (0..120_000_u64).prop_map(Step::Wait),
    ]
}

fn secret() -> Digest {
    Digest::of(b"device secret")
}

fn grant() -> Grant {
    let origin = Origin { place: Place::default(), device: "Test".to_owned(), at: START };
    let scope = Scope::parse("openid").expect("a scope");
    let (client_id, gauge) = ("demo-tv".to_owned(), "gauge".to_owned());
    Grant {
        format: Format,
        secret: secret(),
        request: Request { client_id, scope, origin, gauge, ..Request::default() },
        expires_at: START + Duration::from_secs(LIFETIME),
        grace: GRACE,
        interval: 5,
        state: State::Pending { hold: None },
        without_key: false,
    }
}

fn approval(at: Timestamp) -> Approval {
    let scope = Scope::parse("openid").expect("a scope");
    Approval {
        account: AccountKey::local("alice"),
        scope,
        auth_time: at,
        amr: vec!["pwd".to_owned()],
        acr: None,
        at,
    }
}

/// What was seen while a grant lived.
#[derive(Debug, Default)]
struct Seen {
    approved: bool,
    denied: bool,
    won: Vec<u8>,
    intervals: Vec<u64>,
    late: bool,
}

fn redeem(grant: &mut Grant, attempt: u8, now: Timestamp) -> Redemption {
    let (attempt, family) = (AttemptId::of_jti(&attempt.to_string()), FamilyId::from_bytes([1; 16]));
    grant.redeem(&secret(), &attempt, family, now)
}

fn live(steps: &[Step]) -> Seen {
    let (mut grant, mut now, mut last, mut seen) = (grant(), START, None, Seen::default());
    for step in steps {
        match *step {
            Step::Wait(millis) => now = now + Duration::from_millis(millis),
            Step::Poll => match grant.poll(&secret(), &mut last, now) {
                Poll::Pending(_) | Poll::TooSoon(_) => seen.late |= now >= grant.expires_at,
                Poll::Ready(_) => seen.late |= now >= grant.ends_at(),
                Poll::Denied(_)
                | Poll::Expired
                | Poll::Spent
                | Poll::Replayed
                | Poll::Unknown
                | Poll::WithoutKey => {}
            },
            Step::Hold { account, browser } => {
                let hold = Hold {
                    account: AccountKey::local(&account.to_string()),
                    session: Digest::of(&[account]),
                    browser: Digest::of(&[browser]),
                    nonce: "nonce".to_owned(),
                };
                grant.hold(hold, now);
                seen.denied |= matches!(grant.state, State::Denied { .. });
            }
            Step::Approve => {
                let approved = grant.approve(approval(now), now);
                seen.late |= approved && now >= grant.expires_at;
                seen.approved |= approved;
            }
            Step::Deny => seen.denied |= grant.deny(Denial::Denied, now),
            Step::Redeem { attempt } => match redeem(&mut grant, attempt, now) {
                Redemption::Won => seen.won.push(attempt),
                Redemption::Again => assert_eq!(seen.won, [attempt], "only the winner's own retry"),
                Redemption::Lost => {}
            },
        }
        seen.intervals.push(grant.interval);
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn an_approval_is_redeemed_at_most_once(steps in prop::collection::vec(step(), 0..40)) {
        let seen = live(&steps);

        prop_assert!(seen.won.len() <= 1);
        prop_assert!(seen.won.is_empty() || seen.approved, "nothing unapproved is redeemed");
    }

    #[test]
    fn a_denial_is_final(steps in prop::collection::vec(step(), 0..40)) {
        let seen = live(&steps);

        prop_assert!(!(seen.denied && seen.approved), "{seen:?}");
        prop_assert!(!seen.denied || seen.won.is_empty(), "{seen:?}");
    }

    #[test]
    fn the_pace_never_shrinks_and_stays_within_its_cap(steps in prop::collection::vec(step(), 0..40)) {
        let seen = live(&steps);

        prop_assert!(seen.intervals.windows(2).all(|pair| pair[0] <= pair[1]));
        prop_assert!(seen.intervals.iter().all(|interval| (5..=60).contains(interval)));
    }

    #[test]
    fn no_code_is_accepted_outside_its_life(steps in prop::collection::vec(step(), 0..40)) {
        prop_assert!(!live(&steps).late);
    }

    #[test]
    fn a_client_that_waits_as_told_is_never_told_to_slow_down(jitter in prop::collection::vec(0..=1_000_u64, 1..20)) {
        let (mut grant, mut now, mut last) = (grant(), START, None);
        for early in jitter {
            prop_assert!(!matches!(grant.poll(&secret(), &mut last, now), Poll::TooSoon(_)));
            now = now + Duration::from_millis(grant.interval * 1_000 - early);
        }
    }

    #[test]
    fn what_is_shown_is_read_back(seed: u64, digits: bool, longer: bool, lower: bool) {
        let shape = if digits { Shape::new(DIGITS, 12, false) } else { Shape::new(CONSONANTS, 8, false) };
        let shape = shape.expect("a good shape");
        let code = UserCode::draw(&shape, longer, &mut ChaCha20Rng::seed_from_u64(seed));

        let shown = if lower { code.to_string().to_lowercase() } else { code.to_string() };

        prop_assert!(UserCode::parse(&shown, &shape) == Some(code));
    }

    #[test]
    fn nothing_typed_makes_the_reader_panic(typed in ".{0,80}") {
        let shape = Shape::new(CONSONANTS, 8, false).expect("a good shape");

        if let Some(code) = UserCode::parse(&typed, &shape) {
            prop_assert!(code.canonical().bytes().all(|symbol| CONSONANTS.as_bytes().contains(&symbol)));
        }
    }

    #[test]
    fn no_request_is_answered_with_a_500(path in 0..4_usize, body in prop::collection::vec(any::<u8>(), 0..400)) {
        let world = crate::support::World::new();
        let path = ["/device_authorization", "/token", "/device", "/authorize"][path];

        let status = world.send(&crate::support::post_raw(path, &body)).status;

        prop_assert!((400..500).contains(&status), "{status}");
    }

    #[test]
    fn no_form_is_answered_with_a_500(
        path in 0..3_usize,
        fields in prop::collection::vec((0..NAMES.len(), "\\PC{0,40}|[\\x00-\\x1f]{0,4}"), 0..8),
    ) {
        let world = crate::support::World::new();
        let path = ["/device_authorization", "/token", "/device"][path];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (NAMES[*name], value.as_str())).collect();

        let status = world.post(path, &fields).status;

        prop_assert!(status < 500, "{status}");
    }
}

const NAMES: &[&str] = &[
    "client_id",
    "client_secret",
    "scope",
    "nonce",
    "grant_type",
    "device_code",
    "refresh_token",
    "user_code",
    "username",
    "password",
    "csrf",
    "transaction",
    "step",
    "decision",
];

/// Every order of two polls that redeem, an approval and a denial, with nothing left to chance.
#[test]
fn in_every_order_at_most_one_redemption_wins() {
    let steps = [
        Step::Approve,
        Step::Deny,
        Step::Redeem { attempt: 0 },
        Step::Redeem { attempt: 1 },
        Step::Redeem { attempt: 0 },
        Step::Poll,
    ];
    let mut orders = 0;
    permute(&mut steps.to_vec(), 0, &mut |order| {
        let seen = live(order);
        assert!(seen.won.len() <= 1 && !(seen.denied && seen.approved), "{order:?}");
        orders += 1;
    });
    assert_eq!(orders, 720);
}

fn permute(steps: &mut Vec<Step>, from: usize, visit: &mut impl FnMut(&[Step])) {
    if from == steps.len() {
        return visit(steps);
    }
    for other in from..steps.len() {
        steps.swap(from, other);
        permute(steps, from + 1, visit);
        steps.swap(from, other);
    }
}

/// A rule as somebody might write it, sound or not.
fn rule() -> impl Strategy<Value = serde_json::Value> {
    let name = || prop_oneof![proptest::sample::select(&RESERVED[..]).prop_map(str::to_owned), "[a-z]{1,6}"];
    let target = proptest::sample::select(vec!["access_token", "id_token", "userinfo"]);
    let source = proptest::sample::select(vec![
        "account.sub",
        "account.email",
        "account.groups",
        "account.email_verified",
        "request.client_id",
        "request.scope",
    ]);
    let change = prop_oneof![
        (name(), source).prop_map(|(hold, from)| serde_json::json!({ "hold": hold, "from": from })),
        (name(), "[a-z]{0,8}").prop_map(|(hold, value)| serde_json::json!({ "hold": hold, "value": value })),
        (name(), name()).prop_map(|(hold, to)| serde_json::json!({ "hold": hold, "as": to })),
        name().prop_map(|hold| serde_json::json!({ "drop": hold })),
    ];
    (change, proptest::option::of(target)).prop_map(|(mut rule, into)| {
        if let (Some(into), Some(members)) = (into, rule.as_object_mut()) {
            members.insert("into".to_owned(), serde_json::json!([into]));
        }
        rule
    })
}

proptest! {
    #[test]
    fn no_set_of_rules_changes_a_reserved_claim(
        written in proptest::collection::vec(rule(), 0..20),
        by_scope in proptest::collection::vec(rule(), 0..20),
    ) {
        // Faulty rules are refused when they are saved; the others are all that tokens ever see.
        let sound = |rules: Vec<serde_json::Value>| {
            let rules: Vec<Rule> = rules.into_iter().filter_map(|rule| serde_json::from_value(rule).ok()).collect();
            Rules::try_from(rules).expect("not too many")
        };
        let (client, scopes) = (sound(written), BTreeMap::from([("openid".to_owned(), sound(by_scope))]));
        let account = device_grant::identity::demo::accounts().remove(0);
        let scope = Scope::parse("openid").expect("a scope");
        let facts = MappingFacts { account: &account, client_id: "demo-tv", scope: &scope, resource: &[] };
        let before = serde_json::json!({ "name": "Alice", "email": "alice@example.com" });
        for target in [Target::AccessToken, Target::IdToken, Target::Userinfo] {
            let claims = before.as_object().expect("claims").clone();
            let after = map(&scopes, &client, target, facts, claims);
            prop_assert!(after.keys().all(|hold| !RESERVED.contains(&hold.as_str())), "{after:?}");
        }
    }

    #[test]
    fn a_rule_that_parses_is_written_as_a_rule_that_parses(written in rule()) {
        if let Ok(rule) = serde_json::from_value::<Rule>(written) {
            let again = serde_json::to_value(&rule).expect("it serializes");
            prop_assert_eq!(serde_json::from_value::<Rule>(again).expect("it parses"), rule);
        }
    }

    #[test]
    fn narrowing_never_widens(
        granted in proptest::collection::vec(0..4_usize, 0..4),
        asked in proptest::collection::vec(0..5_usize, 0..4),
        audience in proptest::collection::vec(0..4_usize, 0..4),
        openid in any::<bool>(),
    ) {
        let names = ["https://i.example", "https://a.example", "https://b.example", "urn:c", "https://i.example/userinfo"];
        let list = |picked: &[usize]| picked.iter().map(|at| names[*at].to_owned()).collect::<Vec<_>>();
        let own = Own::of(names[0]);
        let (granted, audience) = (list(&granted), list(&audience));
        let asked: Vec<&str> = asked.iter().map(|at| names[*at]).collect();
        let scope = Scope::parse(if openid { "openid" } else { "email" }).expect("a scope");
        let narrowed = |asked: &[&str]| own.narrowed(asked, &granted, &scope, &audience);
        let Ok(whole) = narrowed(&[]) else {
            prop_assert!(narrowed(&asked).is_err());
            return Ok(());
        };
        prop_assert!(!whole.is_empty());
        let fair = |resource: &String| own.has(resource) || granted.contains(resource) && audience.contains(resource);
        prop_assert!(whole.iter().all(fair));
        if let Ok(less) = narrowed(&asked) {
            prop_assert!(less.iter().all(|resource| whole.contains(resource) || resource == names[4]));
            prop_assert!(asked.is_empty() || less.iter().all(|resource| asked.contains(&resource.as_str())));
        }
    }
}
