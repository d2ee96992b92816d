use super::*;

const WINDOW: Rule = Rule::Window { limit: 2, window: 300 };
const BACKOFF: Rule = Rule::Backoff { free: 1, longest: 4, window: 300 };

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + seconds * 1_000)
}

fn full(seconds: u64) -> Room {
    Room::Wait(Full { seconds, prefix: None })
}

fn take(row: &mut Row, rule: Rule, seconds: u64) -> Room {
    row.take(&Take { key: String::new(), rule, network: None }, at(seconds))
}

#[test]
fn a_window_never_has_more_attempts_than_its_limit() {
    let mut row = Row::default();

    assert_eq!(take(&mut row, WINDOW, 0), Room::Taken(at(0)));
    assert_eq!(take(&mut row, WINDOW, 100), Room::Taken(at(100)));
    assert_eq!(take(&mut row, WINDOW, 200), full(100), "until the first is 300 s old");
    assert_eq!(take(&mut row, WINDOW, 300), Room::Taken(at(300)));
    assert_eq!(take(&mut row, WINDOW, 301), full(99));
}

#[test]
fn a_refused_attempt_does_not_count() {
    let mut row = Row::default();
    take(&mut row, WINDOW, 0);
    take(&mut row, WINDOW, 0);

    (1..50).for_each(|second| assert!(matches!(take(&mut row, WINDOW, second), Room::Wait(_))));

    assert_eq!(take(&mut row, WINDOW, 300), Room::Taken(at(300)));
}

#[test]
fn a_right_code_gives_back_its_own_attempt_and_no_other() {
    let mut row = Row::default();
    take(&mut row, WINDOW, 0);
    take(&mut row, WINDOW, 1);

    row.give_back(&GiveBack { key: String::new(), at: at(1), network: None });

    assert_eq!(take(&mut row, WINDOW, 2), Room::Taken(at(2)));
    assert!(matches!(take(&mut row, WINDOW, 3), Room::Wait(_)), "the first still counts");
}

#[test]
fn waits_double_up_to_the_longest_and_never_lock() {
    let mut row = Row::default();
    let mut now = 0;
    for wait in [0, 1, 2, 4, 4, 4] {
        if wait > 0 {
            assert_eq!(take(&mut row, BACKOFF, now), full(wait));
        }
        now += wait;
        assert_eq!(take(&mut row, BACKOFF, now), Room::Taken(at(now)));
    }
}

#[test]
fn an_attempt_no_longer_counts_when_its_window_has_passed() {
    let mut row = Row::default();
    take(&mut row, BACKOFF, 0);
    take(&mut row, BACKOFF, 299);

    assert_eq!(take(&mut row, BACKOFF, 300), Room::Taken(at(300)), "only the second still counts");
}

#[test]
fn a_name_that_may_be_used_once_is_taken_once() {
    let mut row = Row::default();
    let mut once = |until, seconds| row.use_once(at(until), at(seconds));

    assert!(once(60, 0));
    assert!(!once(60, 1));
    assert!(!once(60, 60), "too late to remember that it was used");
    assert!(once(120, 60), "the first use is forgotten");
}

/// Reports live codes of one shard, and wrong and right entries. Five guesses at one code are allowed.
fn expose(row: &mut Row, (shard, live): (&str, u64), (wrong, right): (u64, u64), seconds: u64) -> bool {
    let (key, live) = (String::new(), BTreeMap::from([(shard.to_owned(), live)]));
    row.expose(&Expose { key, live, wrong, right, window: 300, allowed: 5 }, at(seconds))
}

#[test]
fn guesses_times_live_codes_decide_whether_guessing_is_too_easy() {
    let mut row = Row::default();

    assert!(!expose(&mut row, ("weur/0", 2), (0, 0), 0), "no guesses");
    assert!(!expose(&mut row, ("weur/1", 3), (1, 0), 1), "one guess at five codes");
    assert!(expose(&mut row, ("weur/1", 3), (1, 0), 2), "two guesses at five codes");
    assert!(!expose(&mut row, ("weur/1", 3), (0, 0), 400), "the guesses are forgotten");
    assert!(expose(&mut row, ("weur/1", 6), (1, 0), 500) && expose(&mut row, ("weur/1", 6), (0, 0), 799));
    assert!(!expose(&mut row, ("weur/1", 6), (0, 0), 800), "a guess counts for 300 s");
}

#[test]
fn one_wrong_entry_to_four_right_ones_is_no_guess() {
    let mut row = Row::default();
    let codes = ("weur/0", 1_000);

    assert!(!expose(&mut row, codes, (25, 100), 0), "as many as honest people may have");
    assert!(expose(&mut row, codes, (1, 0), 1), "one more");
    assert!(!expose(&mut row, codes, (0, 4), 2), "four more right ones");
    assert!(expose(&mut row, codes, (1, 0), 301), "right entries are forgotten, too");
}

#[test]
fn entries_of_a_moment_are_one_item() {
    let mut row = Row::default();
    expose(&mut row, ("weur/0", 1), (0, 0), 0);
    assert!(row.entries.is_empty(), "a report of live codes alone adds no item");
    for second in 0..600 {
        expose(&mut row, ("weur/0", 1), (1, 3), second);
    }

    assert_eq!(row.entries.len(), 30);
    let wrong: u64 = row.entries.iter().map(|entries| entries.wrong).sum();
    assert!((290..=300).contains(&wrong), "{wrong}");
}

fn network(address: &str) -> Network {
    Network::of(Some(address), str::to_owned)
}

fn take_from(row: &mut Row, address: &str, seconds: u64) -> Room {
    let ask = Take { key: String::new(), rule: WINDOW, network: Some(network(address)) };
    row.take(&ask, at(seconds))
}

#[test]
fn wider_prefixes_of_a_network_have_growing_limits() {
    let mut row = Row::default();
    let mut taken =
        |address: &str| (0..9).take_while(|_| take_from(&mut row, address, 0) == Room::Taken(at(0))).count();

    assert_eq!(taken("2001:db8:1:100::1"), 2, "a /64");
    assert_eq!(taken("2001:db8:1:101::1"), 2, "another /64 fills the /56");
    assert_eq!(taken("2001:db8:1:102::1"), 0);
    assert_eq!(taken("2001:db8:1:200::1"), 2, "another /56");
    assert_eq!(taken("2001:db8:1:300::1"), 2, "a third /56 fills the /48");
    assert_eq!(taken("2001:db8:1:400::1"), 0);
    let full = Full { seconds: 300, prefix: Some(Width::Site) };
    assert_eq!(take_from(&mut row, "2001:db8:1:400::1", 0), Room::Wait(full));
    assert_eq!(row.attempts.count(None), 8, "refused attempts take from no prefix");
}

#[test]
fn a_right_attempt_is_given_back_to_every_prefix() {
    let mut row = Row::default();
    let addresses = ["2001:db8:1:100::1", "2001:db8:1:101::1", "2001:db8:1:200::1", "2001:db8:1:300::1"];
    for address in addresses.into_iter().flat_map(|address| [address; 2]) {
        assert_eq!(take_from(&mut row, address, 0), Room::Taken(at(0)));
    }
    assert!(matches!(take_from(&mut row, "2001:db8:1:400::1", 0), Room::Wait(_)));

    let back = GiveBack { key: String::new(), at: at(0), network: Some(network(addresses[1])) };
    row.give_back(&back);

    assert!(matches!(take_from(&mut row, addresses[0], 0), Room::Wait(_)), "another /64 took its own");
    assert_eq!(take_from(&mut row, addresses[1], 0), Room::Taken(at(0)), "/64, /56 and /48 have room");
    row.give_back(&back);
    assert_eq!(take_from(&mut row, "2001:db8:1:400::1", 0), Room::Taken(at(0)), "the /48 has room");
}

#[test]
fn attempts_of_a_moment_count_until_the_last_of_them_is_old_enough() {
    let mut row = Row::default();
    // The clock of these tests is 10 s into a bucket of 15 s.
    take(&mut row, WINDOW, 0);
    take(&mut row, WINDOW, 4);

    assert_eq!(take(&mut row, WINDOW, 5), full(299), "not 295");
    assert_eq!(take(&mut row, WINDOW, 303), full(1));
    assert_eq!(take(&mut row, WINDOW, 304), Room::Taken(at(304)));
}

#[test]
fn however_often_it_is_used_a_row_stays_small() {
    let mut row = Row::default();
    let rule = Rule::Window { limit: 10_000, window: 3_600 };
    for number in 0..6_000_u32 {
        let address = format!("2001:db8:1:{:x}::1", number * 7 % 65_536);
        let ask = Take { key: String::new(), rule, network: Some(network(&address)) };
        assert!(matches!(row.take(&ask, at(u64::from(number) / 2)), Room::Taken(_)));
    }

    assert_eq!(row.attempts.count(None), 6_000);
    let length = serde_json::to_string(&row).unwrap().len();
    assert!(length < 20_000, "{length}");
}

#[test]
fn entries_count_where_no_live_codes_are_reported_with_them() {
    let mut row = Row::default();
    let mut expose = |live: &[(&str, u64)], (wrong, right), seconds| {
        let live = live.iter().map(|(shard, live)| ((*shard).to_owned(), *live)).collect();
        row.expose(&Expose { key: String::new(), live, wrong, right, window: 300, allowed: 5 }, at(seconds))
    };
    assert!(!expose(&[("weur/0", 3)], (0, 0), 0), "no guesses");
    assert!(!expose(&[], (1, 0), 1), "one guess at three codes");
    assert!(expose(&[], (1, 0), 2), "two guesses at three codes");
    assert!(!expose(&[], (0, 4), 3), "four right entries excuse one of them");
}
