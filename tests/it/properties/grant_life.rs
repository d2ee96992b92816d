//! What holds for a grant in any order of events.

use core::time::Duration;

use device_grant::device_kind::DeviceKind;
use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::format::Format;
use device_grant::grant::poll::Poll;
use device_grant::grant::redemption::Redemption;
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
    Hold { account: u8, browser: u8 },
    Approve,
    Deny,
    Redeem { attempt: u8 },
    RefuseElsewhere,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Poll),
        2 => (0..2_u8, 0..2_u8).prop_map(|(account, browser)| Step::Hold { account, browser }),
        1 => Just(Step::Approve),
        1 => Just(Step::Deny),
        2 => (0..3_u8).prop_map(|attempt| Step::Redeem { attempt }),
        1 => Just(Step::RefuseElsewhere),
        3 => (0..120_000_u64).prop_map(Step::Wait),
    ]
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
            Step::Deny => seen.denied |= grant.deny(Denial::Denied, now),
            Step::RefuseElsewhere => {
                let refused = grant.refuse_elsewhere(&secret(), now);
                seen.late |= refused.is_some() && now >= grant.ends_at();
                seen.refused_elsewhere |= refused.is_some();
            }
            Step::Redeem { attempt } => match redeem(&mut grant, attempt, now) {
                Redemption::Won => seen.won.push(attempt),
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

    assert_eq!(redeem(&mut grant.clone(), 1, end), Redemption::Lost);
    assert_eq!(grant.clone().refuse_elsewhere(&secret(), end), None);
    assert_eq!(redeem(&mut grant, 1, end.before(Duration::from_millis(1))), Redemption::Won);
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
        prop_assert!(!(seen.denied || seen.refused_elsewhere) || seen.won.is_empty(), "{seen:?}");
        prop_assert!(!seen.refused_elsewhere || seen.approved, "{seen:?}");
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
            prop_assert!(!matches!(grant.poll(&secret(), &mut last, now), Poll::TooSoon(_)));
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
