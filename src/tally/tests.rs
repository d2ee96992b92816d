use super::*;
use proptest::prelude::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_500_000 + seconds * 1_000)
}

fn part(number: u16) -> Part {
    Part::of(&["part", &number.to_string()])
}

#[test]
fn a_bucket_counts_until_its_latest_instant() {
    let mut tally = Tally::default();
    for second in [0, 5, 14, 15] {
        tally.add(at(second), &[]);
    }

    tally.forget(at(13));
    assert_eq!((tally.count(None), tally.first(None), tally.last(None)), (4, Some(at(14)), Some(at(15))));
    tally.forget(at(14));
    assert_eq!((tally.count(None), tally.first(None)), (1, Some(at(15))));
    tally.forget(at(15));
    assert!(tally.is_empty());
}

#[test]
fn a_tally_says_when_there_is_room_again() {
    let mut tally = Tally::default();
    for second in [0, 30, 30, 60] {
        tally.add(at(second), &[part(1)]);
    }
    tally.add(at(0), &[part(2)]);

    let free = |limit| tally.free_at(Some(part(1)), limit);
    assert_eq!([5, 4, 3, 2, 1].map(free), [None, Some(at(0)), Some(at(30)), Some(at(30)), Some(at(60))]);
    assert_eq!(free(0), Some(at(60)), "never, but not later than that");
    assert_eq!(tally.free_at(Some(part(3)), 1), None);
    assert_eq!(tally.free_at(None, 5), Some(at(0)));
}

#[test]
fn what_is_removed_no_longer_counts_and_nothing_else_changes() {
    let mut tally = Tally::default();
    tally.add(at(0), &[part(1)]);
    let before = tally.clone();
    tally.add(at(1), &[part(1), part(2)]);

    tally.remove(at(1), &[part(1), part(2)]);
    tally.remove(at(400), &[part(1)]);

    assert_eq!((tally.count(None), tally.count(Some(part(1))), tally.count(Some(part(2)))), (1, 1, 0));
    tally.remove(at(0), &[part(1)]);
    assert!(tally.is_empty() && !before.is_empty());
}

#[test]
fn what_is_removed_at_once_leaves_the_latest_instant_as_it_was() {
    let mut tally = Tally::default();
    tally.add(at(1), &[]);
    tally.add(at(0), &[]);
    let before = tally.clone();
    for second in [4, 1] {
        tally.add(at(second), &[]);
        tally.remove(at(second), &[]);
        assert_eq!(tally.last(None), Some(at(1)));
    }
    assert_eq!(tally.count(None), before.count(None));
}

#[test]
fn a_tally_is_stored_as_lists() {
    let mut tally = Tally::default();
    tally.add(at(0), &[part(1)]);
    tally.add(at(20), &[]);

    let text = serde_json::to_string(&tally).unwrap();

    let Part(name) = part(1);
    assert_eq!(text, format!("[[1500000,0,1,0,[[{name},1]]],[1520000,0,1,0,[]]]"));
    assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(50) })]

    #[test]
    fn a_tally_of_any_number_is_small_and_never_counts_too_few(
        added in prop::collection::vec((0..3_600_u64, 0..2_000_u16), 0..3_000),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..300),
        now in 0..3_600_u64,
    ) {
        let mut tally = Tally::default();
        for (second, number) in &added {
            tally.add(at(*second), &[part(*number), part(*number / 100 + 5_000)]);
        }
        let mut left = added;
        for index in removed {
            if !left.is_empty() {
                let (second, number) = left.swap_remove(index.index(left.len()));
                tally.remove(at(second), &[part(number), part(number / 100 + 5_000)]);
            }
        }
        tally.forget(at(now));

        let later = |than: u64| left.iter().filter(move |(second, _)| *second > than);
        prop_assert!(tally.parts() <= MOST);
        prop_assert!(tally.count(None) >= later(now).count() as u64);
        let late = left.iter().filter(|(second, _)| second + WIDTH.as_secs() > now).count() as u64;
        prop_assert!(tally.count(None) <= late);
        for number in (0..2_000).step_by(37) {
            let own = later(now).filter(|(_, other)| *other == number).count() as u64;
            prop_assert!(tally.count(Some(part(number))) >= own);
        }
    }
}
