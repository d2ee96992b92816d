//! What holds for a grant in any order of events.

use core::time::Duration;
use std::collections::BTreeSet;

use device_grant::device_kind::DeviceKind;
use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::format::Format;
use device_grant::grant::miss::Miss;
use device_grant::grant::poll::Poll;
use device_grant::grant::redemption::Redemption;
use device_grant::grant::verification::Digits;
use device_grant::grant::{Approval, Denial, Grant, Hold, Request, State};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::sign_in::How;
use device_grant::place::{Origin, Place};
use device_grant::policy::recorded::Recorded;
use device_grant::provenance::{ApprovalId, Stage};
use device_grant::scope::Scope;
use device_grant::secret::Digest;
use device_grant::sub::Sub;
use device_grant::time::Timestamp;
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_millis(1_000_000);
const LIFETIME: u64 = 300;
const GRACE: u64 = 60;

/// One event in the life of a grant.
#[derive(Clone, Copy, Debug)]
enum Step {
    Poll,
    Hold {
        account: u8,
        browser: u8,
    },
    Approve,
    ApproveWithDigits,
    Deny,
    /// The digits that the device sends: none, right, or wrong ones with this number.
    Redeem {
        attempt: u8,
        typed: Option<u8>,
    },
    Miss {
        typed: u8,
    },
    /// The person types a wrong end of the device's identifier.
    Misidentify,
    RefuseElsewhere,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Poll),
        2 => (0..2_u8, 0..2_u8).prop_map(|(account, browser)| Step::Hold { account, browser }),
        1 => Just(Step::Approve),
        1 => Just(Step::ApproveWithDigits),
        1 => Just(Step::Deny),
        2 => (0..3_u8, typed()).prop_map(|(attempt, typed)| Step::Redeem { attempt, typed }),
        1 => (0..5_u8).prop_map(|typed| Step::Miss { typed }),
        1 => Just(Step::Misidentify),
        1 => Just(Step::RefuseElsewhere),
        3 => (0..120_000_u64).prop_map(Step::Wait),
    ]
}

fn typed() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![2 => Just(None), 2 => Just(Some(0)), 1 => (1..5_u8).prop_map(Some)]
}

/// Returns the digits that the person was shown, or other ones.
fn digits(number: u8) -> Digits {
    Digits::parse(&format!("004{number}")).expect("four digits")
}

fn secret() -> Digest {
    Digest::of(b"device secret")
}

fn grant() -> Grant {
    let origin = Origin { place: Place::default(), device: DeviceKind::Unknown, at: START, page: None };
    let scope = Scope::parse("openid").expect("a scope");
    let client_id = "demo-tv".to_owned();
    Grant {
        format: Format,
        secret: secret(),
        request: Request { client_id, scope, origin, ..Request::default() },
        expires_at: START + Duration::from_secs(LIFETIME),
        grace: GRACE,
        interval: 5,
        state: State::Pending { hold: None },
        decision: None,
        without_key: false,
        misidentified: 0,
    }
}

fn approval(at: Timestamp) -> Approval {
    let scope = Scope::parse("openid").expect("a scope");
    Approval {
        id: ApprovalId::default(),
        account: AccountKey::local("alice"),
        sub: Sub::from("acct-a"),
        scope,
        auth_time: at,
        amr: vec!["pwd".to_owned()],
        acr: None,
        met_acr: None,
        how: How::Password,
        groups: Vec::new(),
        recorded: Recorded::default(),
        stage: Stage { at, ..Stage::default() },
    }
}

/// What happened while a grant lived.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Seen {
    approved: bool,
    denied: bool,
    refused_elsewhere: bool,
    /// Whether the digits are needed, and those that were sent to spend a try.
    verifying: bool,
    missed: BTreeSet<u8>,
    mistyped: bool,
    /// How many wrong ends there were.
    misidentified: u8,
    won: Vec<u8>,
    intervals: Vec<u64>,
    late: bool,
}

fn redeem(grant: &mut Grant, attempt: u8, typed: Option<u8>, now: Timestamp) -> Redemption {
    let (attempt, family) = (AttemptId::of_jti(&attempt.to_string()), FamilyId::from_bytes([1; 16]));
    let typed = typed.map(digits);
    grant.redeem((&secret(), typed.as_ref()), &attempt, family, now)
}

fn live(steps: &[Step]) -> Seen {
    let (mut grant, mut now, mut last, mut seen) = (grant(), START, None, Seen::default());
    for step in steps {
        match *step {
            Step::Wait(millis) => now = now + Duration::from_millis(millis),
            Step::Poll => match grant.poll((&secret(), None), &mut last, now) {
                Poll::DigitsNeeded(_) => seen.late |= !seen.verifying || now >= grant.ends_at(),
                Poll::TooSoon(_) if seen.verifying => seen.late |= now >= grant.ends_at(),
                Poll::Pending(_) | Poll::TooSoon(_) => seen.late |= now >= grant.expires_at,
                Poll::Ready(_) => seen.late |= now >= grant.ends_at(),
                Poll::Denied(_)
                | Poll::Expired
                | Poll::Spent
                | Poll::Replayed
                | Poll::Unknown
                | Poll::WrongDigits(_)
                | Poll::WithoutKey => {}
            },
            Step::Hold { account, browser } => {
                let hold = Hold {
                    account: AccountKey::local(&account.to_string()),
                    sub: Sub::from(account.to_string().as_str()),
                    session: Digest::of(&[account]),
                    browser: Digest::of(&[browser]),
                    nonce: "nonce".to_owned(),
                };
                grant.hold(hold, now);
                seen.denied |= matches!(grant.state, State::Denied { how: Denial::Contested });
            }
            Step::Approve => {
                let approved = grant.approve(approval(now), now);
                seen.late |= approved && now >= grant.expires_at;
                seen.approved |= approved;
            }
            Step::ApproveWithDigits => {
                let approved = grant.approve_with(approval(now), digits(0), now);
                seen.late |= approved && now >= grant.expires_at;
                seen.approved |= approved;
                seen.verifying |= approved;
            }
            Step::Miss { typed } => {
                let missed = grant.miss(&secret(), &digits(typed), now);
                assert!(missed.is_none() || typed != 0, "right digits cost nothing");
                if let Some(missed) = missed {
                    seen.missed.insert(typed);
                    seen.mistyped |= matches!(missed, Miss::Last(_));
                    assert_eq!(seen.mistyped, seen.missed.len() == 3, "each digits count once: {seen:?}");
                }
            }
            Step::Misidentify => {
                let hold = grant.holder().cloned();
                if let Some(left) = hold.and_then(|hold| grant.misidentify(&hold, now)) {
                    seen.misidentified += 1;
                    assert_eq!(left, u64::from(3 - seen.misidentified), "never more than three: {seen:?}");
                    seen.denied |= left == 0;
                }
            }
            Step::Deny => seen.denied |= grant.deny(Denial::Denied, now),
            Step::RefuseElsewhere => {
                let refused = grant.refuse_elsewhere(&secret(), now);
                seen.late |= refused.is_some() && now >= grant.ends_at();
                seen.refused_elsewhere |= refused.is_some();
            }
            Step::Redeem { attempt, typed } => match redeem(&mut grant, attempt, typed, now) {
                Redemption::Won => {
                    assert!(!seen.verifying || typed == Some(0), "only with the right digits: {seen:?}");
                    seen.won.push(attempt);
                }
                Redemption::Again => assert_eq!(seen.won, [attempt], "only a retry of the winner"),
                Redemption::Lost => {}
            },
        }
        seen.intervals.push(grant.interval);
    }
    seen
}

#[test]
fn an_approved_grant_is_redeemed_or_refused_only_before_it_ends() {
    let mut grant = grant();
    assert!(grant.approve(approval(START), START));
    let end = grant.live_until(START);

    assert_eq!(redeem(&mut grant.clone(), 1, None, end), Redemption::Lost);
    assert_eq!(grant.clone().refuse_elsewhere(&secret(), end), None);
    assert_eq!(redeem(&mut grant, 1, None, end.before(Duration::from_millis(1))), Redemption::Won);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn an_approval_is_redeemed_at_most_once(steps in prop::collection::vec(step(), 0..40)) {
        let seen = live(&steps);

        prop_assert!(seen.won.len() <= 1);
        prop_assert!(seen.won.is_empty() || seen.approved, "only an approved code is redeemed");
    }

    #[test]
    fn a_denial_is_final(steps in prop::collection::vec(step(), 0..40)) {
        let seen = live(&steps);

        prop_assert!(!(seen.denied && seen.approved), "{seen:?}");
        let is_over = seen.denied || seen.refused_elsewhere || seen.mistyped;
        prop_assert!(!is_over || seen.won.is_empty(), "{seen:?}");
        prop_assert!(!seen.refused_elsewhere || seen.approved, "{seen:?}");
    }

    #[test]
    fn an_approval_to_be_verified_is_redeemed_with_the_right_digits_only_and_ends_after_three_wrong_ones(
        steps in prop::collection::vec(step(), 0..20)
    ) {
        let begun = [Step::Hold { account: 0, browser: 0 }, Step::ApproveWithDigits];
        let seen = live(&[begun.as_slice(), &steps].concat());

        prop_assert!(seen.missed.len() <= 3 && seen.mistyped == (seen.missed.len() == 3), "{seen:?}");
    }

    #[test]
    fn the_interval_never_shrinks_and_stays_within_its_cap(steps in prop::collection::vec(step(), 0..40)) {
        let seen = live(&steps);

        prop_assert!(seen.intervals.windows(2).all(|pair| pair[0] <= pair[1]));
        prop_assert!(seen.intervals.iter().all(|interval| (5..=60).contains(interval)));
    }

    #[test]
    fn no_code_is_accepted_outside_its_life(steps in prop::collection::vec(step(), 0..40)) {
        prop_assert!(!live(&steps).late);
    }

    #[test]
    fn a_client_that_waits_for_the_interval_is_never_told_to_slow_down(jitter in prop::collection::vec(0..=1_000_u64, 1..20)) {
        let (mut grant, mut now, mut last) = (grant(), START, None);
        for early in jitter {
            prop_assert!(!matches!(grant.poll((&secret(), None), &mut last, now), Poll::TooSoon(_)));
            now = now + Duration::from_millis(grant.interval * 1_000 - early);
        }
    }
}

/// Tries all 720 orders of an approval, a denial, three redemptions by two attempts, and a poll.
#[test]
fn in_every_order_at_most_one_redemption_wins() {
    let steps = [
        Step::Approve,
        Step::Deny,
        Step::Redeem { attempt: 0, typed: None },
        Step::Redeem { attempt: 1, typed: None },
        Step::Redeem { attempt: 0, typed: None },
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
