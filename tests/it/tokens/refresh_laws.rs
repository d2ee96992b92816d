//! What holds for a family of refresh tokens in any order of refreshes.

use core::time::Duration;

use device_grant::family::id::AttemptId;
use device_grant::family::renewal::{RACE, Renewal};
use device_grant::family::{Current, Ending, Family, Presented, Rotation};
use device_grant::format::Format;
use device_grant::identity::account_key::AccountKey;
use device_grant::policy::recorded::Recorded;
use device_grant::provenance::Provenance;
use device_grant::registry::key_schedule::NEVER;
use device_grant::scope::Scope;
use device_grant::secret::Digest;
use device_grant::sub::Sub;
use device_grant::time::Timestamp;
use device_grant::token::confirmation::Confirmation;
use proptest::prelude::*;

/// One event in the life of a family.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Somebody presents the token this many before the newest, and uses it if it is good.
    Refresh(usize),
    /// Somebody uses the newest access token, which shows that its response arrived.
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
        sub: Sub::from("acct-a"),
        provenance: Provenance::default(),
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
        recorded: Recorded::default(),
    }
}

/// Refreshes as a shard does, and returns whether the client gets tokens.
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
        Presented::TooSoon(_) | Presented::Raced | Presented::WithoutKey | Presented::Dead => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn at_most_one_lineage_is_alive_and_only_reuse_ends_it(steps in prop::collection::vec(step(), 1..60)) {
        let mut now = Timestamp::from_millis(1_000_000);
        let mut family = family(now);
        let mut issued = 1;
        // For each token, the token whose use created it.
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
                    if let Presented::TooSoon(_) = family.present(&digest(presented), true, now) {
                        prop_assert!(is_current || is_predecessor && now >= rotated_at + RACE);
                        continue;
                    }
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
            prop_assert_eq!(good, usize::from(family.ended.is_none()), "a live family has exactly one good token");
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
