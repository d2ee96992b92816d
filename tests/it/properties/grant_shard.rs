//! Random sequences of commands to a grant shard, at random times.
//!
//! The test runs `shard::apply`, which has all the rules of a `GrantShard`, over rows in memory. A small
//! model beside it says what each reply must be and what the shard must have stored.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::properties::shard_model::{Life, Setting, Step, Typed, Way};

fn step() -> impl Strategy<Value = Step> {
    let mostly = || prop::bool::weighted(0.85);
    let lately = || prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2)];
    prop_oneof![
        1 => Just(Step::Open),
        4 => (mostly(), mostly(), any::<bool>(), prop_oneof![Just(Way::Form), Just(Way::Header)], typed()).prop_map(|(right, key, confidential, way, typed)| {
            Step::Poll { right, key, confidential, way, typed }
        }),
        3 => prop_oneof![4 => Just((0, 0)), 1 => Just((1, 0)), 1 => Just((0, 1)), 1 => Just((1, 1))]
            .prop_map(|(account, browser)| Step::Hold { account, browser }),
        3 => (mostly(), prop_oneof![4 => Just(0), 1 => Just(1), 1 => Just(2), 3 => Just(3)])
            .prop_map(|(fresh, decision)| Step::Decide { stale: !fresh, decision }),
        1 => mostly().prop_map(|fresh| Step::Find { stale: !fresh }),
        1 => mostly().prop_map(|fresh| Step::Withdraw { stale: !fresh }),
        4 => (mostly(), 0..3_u8, any::<bool>(), any::<bool>(), typed())
            .prop_map(|(right, attempt, confidential, far, typed)| Step::Redeem { right, attempt, confidential, far, typed }),
        2 => (mostly(), typed()).prop_map(|(right, typed)| Step::Miss { right, typed }),
        1 => mostly().prop_map(|right| Step::RefuseElsewhere { right }),
        3 => (lately(), lately(), mostly(), mostly())
            .prop_map(|(family, token, key, own)| Step::Refresh { family, token, key, own }),
        4 => (lately(), lately()).prop_map(|(family, token)| Step::Rotate { family, token }),
        1 => lately().prop_map(|family| Step::End { family }),
        1 => Just(Step::RotateOften),
        4 => prop_oneof![8 => 0..10_000_u64, 2 => 10_000..120_000_u64, 1 => 300_000..400_000_u64]
            .prop_map(Step::Wait),
    ]
}

fn typed() -> impl Strategy<Value = Typed> {
    prop_oneof![2 => Just(Typed::Nothing), 2 => Just(Typed::Right), 2 => (0..4_u8).prop_map(Typed::Wrong)]
}

#[test]
fn a_shard_answers_by_the_rules_whatever_it_is_asked() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) };
    let settings = (any::<bool>(), any::<bool>(), any::<bool>());
    let settings = settings.prop_map(|(reissue, bound, stops)| Setting { reissue, bound, stops });
    let begun = prop::sample::select(vec![[].as_slice(), &BEGUN, &VERIFYING]);
    let lives = (settings, begun, prop::collection::vec(step(), 0..80));
    let met = RefCell::default();

    let outcome = TestRunner::new(config).run(&lives, |(setting, begun, steps)| {
        let mut life = Life::new(setting, &met);
        begun.iter().copied().chain(steps).for_each(|step| life.go(step));
        Ok(())
    });

    if let Err(broken) = outcome {
        panic!("{broken}");
    }
    // A rule that no life has met would be untested.
    let met = met.into_inner();
    for needed in OUTCOMES {
        assert!(met.contains_key(needed), "no life has met: {needed}; {met:?}");
    }
}

#[test]
fn the_key_of_a_code_is_free_once_its_row_has_been_swept() {
    let met = RefCell::default();
    let setting = Setting { reissue: false, bound: false, stops: false };
    let mut life = Life::new(setting, &met);

    for step in [Step::Wait(359_999), Step::Open, Step::Wait(1), Step::Open] {
        life.go(step);
    }

    let outcomes: Vec<&str> = met.borrow().keys().copied().collect();
    assert_eq!(outcomes, ["opened", "opened again", "taken"]);
}

/// Steps that lead to tokens. A third of the lives begin with them, because few get there by chance.
const BEGUN: [Step; 3] = [
    Step::Hold { account: 0, browser: 0 },
    Step::Decide { stale: false, decision: 0 },
    Step::Redeem { right: true, attempt: 0, confidential: true, far: false, typed: Typed::Nothing },
];

/// Steps that lead to digits, and to the first wrong ones.
const VERIFYING: [Step; 3] = [
    Step::Hold { account: 0, browser: 0 },
    Step::Decide { stale: false, decision: 3 },
    Step::Miss { right: true, typed: Typed::Wrong(0) },
];

const OUTCOMES: [&str; 40] = [
    "access ended",
    "held",
    "contested",
    "decided",
    "decided before",
    "denied",
    "digits needed",
    "elsewhere",
    "ended",
    "ended code entered",
    "expired",
    "expired unanswered",
    "held elsewhere",
    "opened again",
    "open",
    "mistyped",
    "over",
    "pending",
    "ready",
    "redeemed",
    "redeemed elsewhere",
    "refused elsewhere",
    "refreshed",
    "refreshed again",
    "refreshed too often",
    "reissued",
    "replayed",
    "reused",
    "settled",
    "spent",
    "taken",
    "too soon",
    "too soon in one way only",
    "unknown",
    "verified",
    "withdrawn after redemption",
    "withdrawn before redemption",
    "without key",
    "wrong digits",
    "opened",
];
