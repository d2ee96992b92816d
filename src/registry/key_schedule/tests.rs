use super::*;
use crate::format::Format;
use crate::token::signing_key::Material;

const DAY: Duration = Duration::from_secs(86_400);
const MONTH: Option<Duration> = Some(Duration::from_secs(30 * 86_400));
const START: Timestamp = Timestamp::from_millis(1_000_000_000);

fn key(name: &str, signs_from: Timestamp) -> StoredKey {
    let material = Material::Okp { crv: "Ed25519".to_owned(), x: name.to_owned() };
    let mut public = PublicKey::new(Algorithm::EdDsa, material);
    public.kid = name.to_owned();
    StoredKey {
        format: Format,
        public,
        wrapped: String::new(),
        created_at: START,
        signs_from,
        retired_at: None,
        imported: false,
    }
}

fn states(keys: &[StoredKey], now: Timestamp) -> Vec<State> {
    keys.iter().map(|key| KeySchedule::new(keys).state(key, now)).collect()
}

#[test]
fn a_key_is_published_before_it_signs_and_verifies_long_after() {
    use State::{Active, Announced, Ended, Verifying};

    let turn = START + DAY;
    let keys = [key("a", START), key("b", turn)];
    let end = turn + DAY * 7;
    let before = turn.before(Duration::from_millis(1));

    assert_eq!(states(&keys, before), [Active, Announced]);
    assert_eq!(states(&keys, turn), [Verifying, Active]);
    assert_eq!(states(&keys, end.before(Duration::from_millis(1))), [Verifying, Active]);
    assert_eq!(states(&keys, end), [Ended, Active]);
    assert_eq!(KeySchedule::new(&keys).published(before).len(), 2);
    assert_eq!(KeySchedule::new(&keys).published(end).len(), 1);
}

#[test]
fn the_schedule_asks_for_a_key_a_day_ahead_and_once() {
    let alg = [Algorithm::EdDsa];
    let mut keys = vec![key("a", START)];
    let due = START + DAY * 30;
    let missing = |keys: &[StoredKey], now| KeySchedule::new(keys).missing(&alg, MONTH, now);

    assert_eq!(missing(&[], START), Some((Algorithm::EdDsa, START)), "the first signs at once");
    assert_eq!(missing(&keys, START), Some((Algorithm::EdDsa, due)), "and another stands by");
    keys.push(key("b", due));
    assert_eq!(missing(&keys, due.before(LEAD + LEAD)), None);
    assert_eq!(missing(&keys, due.before(LEAD)), Some((Algorithm::EdDsa, due + DAY * 30)));
    keys.push(key("c", due + DAY * 30));
    assert_eq!(missing(&keys, due), None);
}

#[test]
fn a_retired_key_neither_signs_nor_verifies() {
    let keys = [key("a", START), StoredKey { retired_at: Some(START + DAY), ..key("b", START + DAY) }];
    let now = START + DAY;

    assert_eq!(states(&keys, now), [State::Active, State::Retired]);
    assert_eq!(KeySchedule::new(&keys).active(Algorithm::EdDsa, now).unwrap().public.kid, "a");
    assert_eq!(KeySchedule::new(&keys).published(now).len(), 1);
}

const ALG: [Algorithm; 1] = [Algorithm::EdDsa];

/// Returns the keys after all missing keys were made and all turns brought up to date.
fn tended(mut keys: Vec<StoredKey>, rotation: Option<Duration>, now: Timestamp) -> Vec<StoredKey> {
    for count in 0..4 {
        let schedule = KeySchedule::new(&keys);
        if let Some(dated) = schedule.misdated(&ALG, rotation, now) {
            keys.retain(|key| key.public.kid != dated.public.kid);
            keys.push(dated);
        } else if let Some((_, turn)) = schedule.missing(&ALG, rotation, now) {
            let name = format!("{}-{count}", now.millis());
            keys.push(StoredKey { created_at: now, ..key(&name, turn) });
        } else {
            keys.sort_by(|one, other| order(one).cmp(&order(other)));
            return keys;
        }
    }
    panic!("the keys still change after four steps: {keys:?}");
}

fn turns(keys: &[StoredKey]) -> Vec<Timestamp> {
    keys.iter().map(|key| key.signs_from).collect()
}

#[test]
fn a_key_stands_by_from_the_start_and_another_from_the_day_before_its_turn() {
    let month = MONTH.unwrap();
    let due = START + month;
    let keys = tended(Vec::new(), MONTH, START);
    assert_eq!(turns(&keys), [START, due], "the first signs at once");

    let keys = tended(keys, MONTH, (due.before(LEAD)).before(Duration::from_millis(1)));
    assert_eq!(turns(&keys), [START, due]);
    let keys = tended(keys, MONTH, due.before(LEAD));
    assert_eq!(turns(&keys), [START, due, due + month]);
    assert_eq!(turns(&tended(keys, MONTH, due)), [START, due, due + month]);

    let daily = tended(Vec::new(), Some(DAY), START);
    assert_eq!(turns(&daily), [START, START + DAY, START + DAY * 2]);
}

#[test]
fn without_a_schedule_and_after_an_operators_own_key_a_key_stands_by_indefinitely() {
    let late = START + DAY * 1_000;
    assert_eq!(turns(&tended(Vec::new(), None, START)), [START, NEVER]);
    let own = vec![StoredKey { imported: true, ..key("a", START) }];
    assert_eq!(turns(&tended(own, MONTH, late)), [START, NEVER]);
}

#[test]
fn if_no_key_stands_by_the_next_one_is_published_a_day_before_it_signs() {
    let month = MONTH.unwrap();
    let late = START + DAY * 100;

    assert_eq!(turns(&tended(vec![key("a", START)], MONTH, late)), [START, late + LEAD, late + LEAD + month]);
}

#[test]
fn the_turn_of_a_standby_key_follows_the_setting() {
    let month = MONTH.unwrap();
    let later = START + DAY * 40;
    let keys = tended(Vec::new(), None, START);

    let scheduled = tended(keys.clone(), MONTH, START + DAY * 10);
    assert_eq!(turns(&scheduled), [START, START + month]);
    assert_eq!(turns(&tended(scheduled, None, START + DAY * 20)), [START, NEVER]);
    let overdue = tended(keys, MONTH, later);
    assert_eq!(turns(&overdue), [START, later, later + month], "published long enough ago");
}

#[test]
fn a_key_that_signs_is_made_before_a_key_that_stands_by() {
    let both = [Algorithm::EdDsa, Algorithm::Rs256];
    let keys = [key("a", START)];

    assert_eq!(KeySchedule::new(&keys).missing(&both, None, START), Some((Algorithm::Rs256, START)));
}

#[test]
fn the_successor_is_a_key_that_every_verifier_can_have() {
    let now = START + PUBLICATION;
    let fresh = StoredKey { created_at: now, ..key("b", now + PUBLICATION) };
    let keys = [key("a", START), fresh.clone(), key("c", NEVER)];

    let successor = |keys: &[StoredKey], now| {
        KeySchedule::new(keys).successor(Algorithm::EdDsa, now).map(|key| key.public.kid.clone())
    };
    assert_eq!(successor(&keys, now).as_deref(), Some("c"));
    assert_eq!(successor(&keys, now.before(Duration::from_millis(1))).as_deref(), Some("b"));
    assert_eq!(successor(&keys[..2], now).as_deref(), Some("b"), "there is no other");
    assert_eq!(successor(&keys[..1], now), None);
}
