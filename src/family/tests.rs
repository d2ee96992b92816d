//! Refresh tokens of a family: current, lost, raced and reused.

use core::time::Duration;

use super::*;
use crate::family::renewal::{LOST, MOST_LOST, RACE};

const NOW: Timestamp = Timestamp::from_millis(1_000);
const DAY: Duration = Duration::from_secs(86_400);

fn current(secret: &str) -> Current {
    Current { digest: digest(secret), attempt: attempt(secret), good_until: NOW + DAY * 30 }
}

fn attempt(secret: &str) -> AttemptId {
    AttemptId::of_jti(secret)
}

fn digest(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

fn family() -> Family {
    Family {
        format: Format,
        client_id: "tv".to_owned(),
        account: AccountKey::local("alice"),
        sub: Sub::from("acct-a"),
        provenance: Provenance::default(),
        scope: Scope::parse("openid offline_access").unwrap(),
        auth_time: NOW,
        amr: vec!["pwd".to_owned()],
        ends_at: NOW + DAY * 30,
        refresh: Some(current("first")),
        ended: None,
        resource: Vec::new(),
        cnf: Confirmation::default(),
        acr: None,
        refreshable_until: NOW + DAY * 30,
        renewal: Renewal::default(),
        recorded: Recorded::default(),
    }
}

impl Family {
    fn turn(&mut self, presented: &str, next: &str, now: Timestamp) -> Rotation {
        self.rotate(&digest(presented), current(next), self.ends_at, now)
    }

    fn is_good(&self, secret: &str, now: Timestamp) -> bool {
        matches!(self.present(&digest(secret), true, now), Presented::Current(_))
    }
}

#[test]
fn the_loser_of_a_race_is_refused_and_nothing_else_happens() {
    let mut family = family();
    assert_eq!(family.turn("first", "second", NOW), Rotation::Rotated);
    let last = NOW + RACE.checked_sub(Duration::from_millis(1)).unwrap();

    assert_eq!(family.present(&digest("first"), true, last), Presented::Raced);
    assert_eq!(family.turn("first", "third", last), Rotation::Lost);

    assert!(family.is_good("second", last));
}

#[test]
fn after_a_lost_response_its_tokens_are_withdrawn_and_replaced() {
    let mut family = family();
    family.turn("first", "second", NOW);

    assert!(family.is_good("first", NOW + RACE));
    assert_eq!(family.turn("first", "third", NOW + RACE), Rotation::Rotated);

    assert!(family.is_good("third", NOW + RACE));
    assert!(family.has_withdrawn(&attempt("second")) && !family.has_withdrawn(&attempt("third")));
    assert_eq!(family.present(&digest("second"), true, NOW + RACE), Presented::Reused, "withdrawn");
}

#[test]
fn a_response_that_arrived_was_not_lost() {
    let mut used = family();
    used.turn("first", "second", NOW);
    used.turn("second", "third", NOW + RACE);
    assert_eq!(used.present(&digest("first"), true, NOW + RACE), Presented::Reused, "its successor was used");

    let mut seen = family();
    seen.turn("first", "second", NOW);
    assert!(!seen.arrive(&attempt("first")), "an older access token proves nothing");
    assert!(seen.arrive(&attempt("second")) && !seen.arrive(&attempt("second")), "changes once");
    assert_eq!(seen.present(&digest("first"), true, NOW), Presented::Raced, "it can still be a race");
    assert_eq!(seen.present(&digest("first"), true, NOW + RACE), Presented::Reused);
}

#[test]
fn a_lost_response_is_replaced_within_a_day_and_at_most_five_times_a_day() {
    let mut family = family();
    family.turn("first", "second", NOW);
    assert_eq!(family.present(&digest("first"), true, NOW + LOST), Presented::Reused);

    for lost in 0..u64::try_from(MOST_LOST).unwrap() {
        let now = NOW + RACE * u32::try_from(lost + 1).unwrap();
        assert_eq!(family.turn("first", &format!("next {lost}"), now), Rotation::Rotated);
    }
    let now = NOW + RACE * u32::try_from(MOST_LOST + 1).unwrap();
    assert_eq!(family.present(&digest("first"), true, now), Presented::Reused);

    let later = now + LOST;
    assert_eq!(family.turn("next 4", "last", later), Rotation::Rotated);
    assert!(family.renewal.withdrawn.is_empty(), "their access tokens have expired");
}

#[test]
fn a_lost_response_counts_for_exactly_a_day() {
    let mut family = family();
    family.turn("first", "second", NOW);
    for lost in 1..=u32::try_from(MOST_LOST).unwrap() {
        assert_eq!(family.turn("first", &format!("next {lost}"), NOW + RACE * lost), Rotation::Rotated);
    }
    let day_later = NOW + RACE + LOST;

    let last = day_later.before(Duration::from_millis(1));
    assert_eq!(family.present(&digest("first"), true, last), Presented::Reused);
    assert_eq!(family.turn("first", "last", day_later), Rotation::Rotated);
    assert_eq!(family.renewal.withdrawn.len(), MOST_LOST, "the first was forgotten");
}

#[test]
fn a_made_up_token_changes_nothing() {
    assert_eq!(family().present(&digest("made up"), false, NOW), Presented::Dead);
}

#[test]
fn of_two_rotations_one_wins_and_wins_again_when_it_is_delivered_twice() {
    let mut family = family();

    assert_eq!(family.turn("first", "second", NOW), Rotation::Rotated);
    assert_eq!(family.turn("first", "third", NOW), Rotation::Lost);
    assert_eq!(family.turn("first", "second", NOW), Rotation::Again);
    assert_eq!(family.turn("first", "second", NOW + RACE), Rotation::Again, "however late");
}

#[test]
fn a_binding_is_never_changed() {
    let to = |jkt: &str| Confirmation { jkt: Some(jkt.to_owned()), ..Confirmation::default() };
    let certificate = Confirmation { x5t_s256: Some("c".to_owned()), ..Confirmation::default() };
    let mut family = family();

    family.bind(to("a"));
    family.bind(to("b"));
    family.bind(Confirmation::default());
    assert_eq!(family.cnf, to("a"));

    family.bind(certificate.clone());
    assert_eq!(family.cnf, Confirmation { x5t_s256: certificate.x5t_s256, ..to("a") });
}

#[test]
fn an_ended_family_stays_ended() {
    let mut family = family();
    family.end(Ending::RefreshTokenReused);
    family.end(Ending::DeviceCodeReplayed);

    assert_eq!(family.ended, Some(Ending::RefreshTokenReused));
    assert_eq!(family.present(&digest("first"), true, NOW), Presented::Dead);
    assert_eq!(family.turn("first", "second", NOW), Rotation::Lost);
}

#[test]
fn a_refresh_token_can_expire_before_its_family() {
    let mut family = family();
    assert_eq!(family.present(&digest("first"), true, family.ends_at), Presented::Dead);

    let idle = NOW + DAY;
    family.refresh = Some(Current { good_until: idle, ..current("first") });
    assert!(family.is_live(idle), "its access token is still good");
    assert_eq!(family.present(&digest("first"), true, idle), Presented::Dead);
    assert_eq!(family.good_until(&digest("first"), idle), None);
    assert_eq!(family.turn("first", "second", idle), Rotation::Lost);
}

#[test]
fn after_a_lost_response_the_former_token_expires_with_the_current_one() {
    let mut family = family();
    let end = NOW + Duration::from_secs(3_600);
    let second = Current { good_until: end, ..current("second") };
    assert_eq!(family.rotate(&digest("first"), second, family.ends_at, NOW), Rotation::Rotated);

    assert!(family.is_good("first", end.before(Duration::from_millis(1))));
    assert_eq!(family.present(&digest("first"), true, end), Presented::Dead);
}

#[test]
fn a_family_ends_at_its_last_instant() {
    let family = family();
    assert!(family.is_live(family.ends_at.before(Duration::from_millis(1))));
    assert!(!family.is_live(family.ends_at));
}
