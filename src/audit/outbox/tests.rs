use core::cell::Cell;

use super::*;

const DAY: i64 = 20_412 * DAY_MILLIS;

/// An outbox and its ledgers, which hold identifiers of events.
#[derive(Default)]
struct Office {
    rows: BTreeMap<i64, (i64, String)>,
    ledgers: BTreeMap<String, Vec<String>>,
    /// Ledgers that refuse everything.
    refusing: Vec<String>,
    aside: Vec<i64>,
    /// How often a ledger was called.
    calls: u32,
    /// How often the outbox was read.
    reads: u32,
    /// How many rows were read.
    rows_read: Cell<usize>,
    waits: Waits,
}

impl Office {
    fn with(events: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let row = |(number, at)| (number, (at, format!(r#"{{"at":{at},"what":"something newer"}}"#)));
        Self { rows: events.into_iter().map(row).collect(), ..Self::default() }
    }

    fn read(&self, from: From) -> Option<Batch> {
        let wanted = |(number, (at, _)): &(&i64, &(i64, String))| {
            **number > from.after && (**number >= from.block_end || *at >= from.day_end)
        };
        let row = |(number, (at, event)): (&i64, &(i64, String))| {
            self.rows_read.update(|before| before + 1);
            Row { number: *number, at: *at, event: Some(event.clone()) }
        };
        Batch::first("weur/3", self.rows.iter().filter(wanted).map(row))
    }

    /// Does what ring 3 does in one alarm.
    fn ring(&mut self, now: Timestamp) -> Option<Shipping> {
        let mut round = Round::begin(now);
        while let Some(from) = round.from(now) {
            self.reads += 1;
            let Some(batch) = self.read(from) else {
                round.end();
                break;
            };
            for (number, _) in &batch.bad {
                self.rows.remove(number);
                self.aside.push(*number);
            }
            match round.next(&batch, &self.waits, now) {
                Next::Skip => continue,
                Next::Send => self.calls += 1,
            }
            if self.refusing.contains(&batch.ledger) {
                round.failed(&batch, &mut self.waits, now);
                continue;
            }
            let ids = batch.shipments.iter().map(|shipment| shipment.id.clone());
            self.ledgers.entry(batch.ledger.clone()).or_default().extend(ids);
            self.rows.retain(|number, (at, _)| {
                let shipped = (batch.first..=batch.last).contains(number);
                !(shipped && (batch.begins()..batch.ends()).contains(at))
            });
            round.arrived(&batch, &mut self.waits);
        }
        (!self.rows.is_empty()).then(|| round.rest(&self.waits))
    }

    fn shipped(&self) -> Vec<String> {
        let mut all: Vec<String> = self.ledgers.values().flatten().cloned().collect();
        all.sort();
        all
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap())
}

#[test]
fn a_batch_is_for_one_object_one_day_and_one_block() {
    let events = [
        (17, DAY),
        (18, DAY + DAY_MILLIS - 1),
        (19, DAY + DAY_MILLIS),
        (BLOCK, DAY + DAY_MILLIS),
        (BLOCK + 1, DAY),
    ];
    let mut office = Office::with(events);

    assert_eq!(office.ring(at(DAY)), None);

    let ledgers: Vec<(&str, Vec<&str>)> = office
        .ledgers
        .iter()
        .map(|(name, ids)| (name.as_str(), ids.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        ledgers,
        [
            ("20412/weur/3/0", vec!["weur/3/17", "weur/3/18"]),
            ("20412/weur/3/1", vec!["weur/3/1000001"]),
            ("20413/weur/3/0", vec!["weur/3/19"]),
            ("20413/weur/3/1", vec!["weur/3/1000000"]),
        ]
    );
}

#[test]
fn an_alarm_ships_until_the_outbox_is_empty_and_rings_again_at_once_while_it_is_not() {
    let most = i64::from(BATCHES) * i64::try_from(BATCH_EVENTS).unwrap();
    let mut office = Office::with((1..=2 * most + 10).map(|number| (number, DAY)));

    assert_eq!(office.ring(at(DAY)), Some(Shipping::AtOnce));
    assert_eq!((office.calls, office.shipped().len()), (BATCHES, usize::try_from(most).unwrap()));
    assert_eq!(office.ring(at(DAY)), Some(Shipping::AtOnce));
    assert_eq!(office.ring(at(DAY)), None);
    assert_eq!(office.shipped().len(), usize::try_from(2 * most + 10).unwrap());
}

#[test]
fn a_batch_is_as_large_as_a_message_may_be_and_reads_no_further() {
    let most = i64::try_from(BATCH_EVENTS).unwrap();
    let office = Office::with((1..=3 * most).map(|number| (number, DAY)));
    let mut large = Office::with((1..=100).map(|number| (number, DAY)));
    let kilobytes = format!(r#"{{"at":"{}"}}"#, "x".repeat(50_000));
    large.rows.values_mut().for_each(|(_, event)| event.clone_from(&kilobytes));

    let [full, heavy] = [&office, &large].map(|office| office.read(From::default()).unwrap());

    assert_eq!((full.shipments.len(), office.rows_read.get()), (BATCH_EVENTS, BATCH_EVENTS));
    assert_eq!((heavy.shipments.len(), large.rows_read.get()), (21, 21), "the last one passes 1 MiB");
    large.rows.values_mut().take(1).for_each(|(_, event)| *event = "x".repeat(2 * BATCH_BYTES));
    let bad = large.read(From::default()).unwrap();
    assert_eq!((bad.shipments.len(), bad.bad.len(), bad.last), (0, 1, 1), "one event is always read");
}

/// What a shard can make: a thousand requests a second, of which each ends a redemption elsewhere, with two events.
const EVENTS_PER_SECOND: i64 = 2_000;
/// Milliseconds until a ledger on another continent has answered.
const LEDGER_MILLIS: u64 = 200;
/// Milliseconds until the runtime rings an alarm that is due at once.
const ALARM_MILLIS: u64 = 1_000;
/// Bytes of an event that has all members which this server writes.
const EVENT_BYTES: usize = 900;

/// Lets an object make events for five minutes of a clock that only ledgers and alarms move. Returns the most that ever
/// waited, and those that wait in the end.
fn busy(events_per_second: i64) -> (usize, usize) {
    let event = format!(r#"{{"at":"{}"}}"#, "x".repeat(EVENT_BYTES - 9));
    let (mut office, mut made, mut most) = (Office::default(), 0, 0);
    let (began, end) = (at(DAY), at(DAY) + Duration::from_secs(300));
    // The first alarm rings two minutes after the first event.
    let mut now = began + Duration::from_secs(120);
    while now < end {
        let mut round = Round::begin(now);
        while let Some(from) = round.from(now) {
            let due = i64::try_from(now.since(began).as_millis()).unwrap() * events_per_second / 1_000;
            office.rows.extend((made + 1..=due).map(|number| (number, (DAY, event.clone()))));
            made = due;
            most = most.max(office.rows.len());
            let Some(batch) = office.read(from) else { break };
            assert_eq!(round.next(&batch, &office.waits, now), Next::Send);
            now = now + Duration::from_millis(LEDGER_MILLIS);
            office.rows = office.rows.split_off(&(batch.last + 1));
            round.arrived(&batch, &mut office.waits);
        }
        now = now + Duration::from_millis(ALARM_MILLIS);
    }
    (most, office.rows.len())
}

#[test]
fn an_outbox_carries_twice_what_a_shard_can_make() {
    let seconds = |events: usize, rate: i64| events / usize::try_from(rate).unwrap();

    let (most, left) = busy(EVENTS_PER_SECOND);
    assert!(
        seconds(most, EVENTS_PER_SECOND) <= 120,
        "{most} wait: those of the two minutes before the first alarm"
    );
    assert!(seconds(left, EVENTS_PER_SECOND) <= 5, "{left} are left");

    let (most, left) = busy(2 * EVENTS_PER_SECOND);
    assert!(seconds(most.max(left), 2 * EVENTS_PER_SECOND) <= 120, "{most} wait, {left} are left");
}

#[test]
fn an_alarm_starts_no_batch_after_its_time() {
    let round = Round::begin(at(DAY));

    assert!(round.from(at(DAY) + Duration::from_secs(29)).is_some());
    assert!(round.from(at(DAY) + ROUND).is_none());
    assert_eq!(round.rest(&Waits::default()), Shipping::AtOnce);
}

#[test]
fn rows_that_cannot_be_shipped_are_set_aside_and_block_nothing() {
    let mut office = Office::with((1..=600).map(|number| (number, DAY)));
    for (number, text) in [(1, "{"), (300, "[]"), (301, "\u{0}"), (600, r#""text""#)] {
        office.rows.insert(number, (DAY, text.to_owned()));
    }
    let padded = |bytes: usize| (DAY, format!(r#"{{"at":"{}"}}"#, "x".repeat(bytes - 9)));
    office.rows.extend([(2, padded(MOST_BYTES + 1)), (3, padded(MOST_BYTES))]);

    assert_eq!(office.ring(at(DAY)), None);

    assert_eq!(office.aside, [1, 2, 300, 301, 600]);
    assert_eq!(office.shipped().len(), 595);
    let one = |event: &str| Row { number: 1, at: DAY, event: Some(event.to_owned()) };
    let secret = Batch::first("weur/3", [one("{\"secret")]).unwrap();
    assert!(!secret.bad[0].1.contains("secret"), "{:?}", secret.bad);
    assert_eq!(Batch::first("weur/3", [Row { number: 1, at: DAY, event: None }]).unwrap().bad.len(), 1);
}

#[test]
fn a_ledger_that_refuses_its_events_delays_no_others() {
    let next = DAY + DAY_MILLIS;
    let days = [(1, DAY), (2, DAY), (3, next), (4, DAY), (5, next), (BLOCK, next), (BLOCK + 1, DAY)];
    let mut office = Office::with(days);
    office.refusing = vec!["20412/weur/3/0".to_owned()];
    let now = at(next + 60_000);

    let rest = office.ring(now);

    assert_eq!(office.rows.keys().copied().collect::<Vec<_>>(), [1, 2, 4], "nothing is lost");
    assert_eq!(rest, Some(Shipping::After(now + LONGEST_WAIT)));
    office.refusing.clear();
    office.ring(now + LONGEST_WAIT);
    assert_eq!(office.ledgers["20412/weur/3/0"], ["weur/3/1", "weur/3/2", "weur/3/4"]);
}

#[test]
fn a_ledger_that_failed_is_tried_again_after_twice_the_time_up_to_a_quarter_of_an_hour() {
    let mut office = Office::with([(1, DAY)]);
    office.refusing = vec!["20412/weur/3/0".to_owned()];
    let mut now = at(DAY) + Duration::from_secs(60);
    let mut waits = Vec::new();

    for _ in 0..6 {
        let Some(Shipping::After(next)) = office.ring(now) else { panic!("the event must wait") };
        waits.push(next.since(now).as_secs() / 60);
        assert_eq!(office.ring(next.before(Duration::from_millis(1))), Some(Shipping::After(next)));
        now = next;
    }

    assert_eq!(waits, [1, 2, 4, 8, 15, 15]);
    assert_eq!(office.calls, 6, "it is not called while it waits");
}

#[test]
fn each_ledger_that_failed_has_a_wait_of_its_own() {
    let mut office = Office::with([(1, DAY), (2, DAY + DAY_MILLIS)]);
    office.refusing = vec!["20412/weur/3/0".to_owned(), "20413/weur/3/0".to_owned()];
    let now = at(DAY + DAY_MILLIS) + SHORTEST_WAIT;
    assert_eq!(office.ring(now), Some(Shipping::After(now + SHORTEST_WAIT)));

    office.refusing.pop();

    assert_eq!(office.ring(now + SHORTEST_WAIT), Some(Shipping::After(now + LONGEST_WAIT)));
    assert_eq!((office.shipped(), office.calls), (vec!["weur/3/2".to_owned()], 3));
}

#[test]
fn after_a_failure_only_events_for_other_ledgers_are_read() {
    let row = Row { number: BLOCK + 1, at: DAY, event: Some("{}".to_owned()) };
    let batch = Batch::first("weur/3", [row]).unwrap();
    let mut round = Round::begin(at(DAY));

    round.failed(&batch, &mut Waits::default(), at(DAY));

    let others = From { after: BLOCK + 1, block_end: 2 * BLOCK, day_end: DAY + DAY_MILLIS };
    assert_eq!(round.from(at(DAY)), Some(others));
}

#[test]
fn an_event_that_is_written_while_a_batch_is_under_way_stays() {
    let mut office = Office::with([(1, DAY), (2, DAY + DAY_MILLIS), (3, DAY)]);
    let batch = office.read(From::default()).unwrap();

    assert_eq!((batch.first, batch.last, batch.shipments.len()), (1, 1, 1));
    office.rows.insert(4, (DAY, "{}".to_owned()));
    assert_eq!(office.ring(at(DAY)), None);
    assert_eq!(office.shipped(), ["weur/3/1", "weur/3/2", "weur/3/3", "weur/3/4"]);
}

#[test]
fn events_that_have_waited_for_more_than_ten_minutes_are_named_in_the_log() {
    let waited = |oldest: Option<Duration>| {
        let (object, now) = ("weur/3".to_owned(), at(DAY));
        lateness(&OutboxReport {
            object,
            at: now,
            waiting: 7,
            oldest: oldest.map(|age| now.before(age)),
            set_aside: 1,
            live_codes: None,
        })
    };

    assert_eq!(waited(None), None);
    assert_eq!(waited(Some(LATE)), None);
    let late = waited(Some(Duration::from_millis(600_001)));
    assert_eq!(late.as_deref(), Some("7 events of weur/3 wait, the oldest for 600 s"));
}

#[test]
fn the_events_of_a_failing_ledger_are_passed_by_in_one_step() {
    let mut office = Office::with((1..=5_000).map(|number| (number, DAY)).chain([(5_001, DAY + DAY_MILLIS)]));
    office.refusing = vec!["20412/weur/3/0".to_owned()];
    let now = at(DAY + DAY_MILLIS);

    office.ring(now);
    assert_eq!((office.shipped().len(), office.reads, office.calls), (1, 3, 2));
    office.ring(now + Duration::from_secs(1));
    assert_eq!((office.reads, office.calls), (5, 2), "while it waits");
}

#[test]
fn an_alarm_rings_for_the_ledger_that_is_tried_again_first() {
    let (young, old) = (DAY + DAY_MILLIS - 1_000, DAY + DAY_MILLIS - 300_000);
    let mut office = Office::with([(1, old), (BLOCK, young)]);
    let ledgers = ["20412/weur/3/0", "20412/weur/3/1"].map(str::to_owned);
    office.refusing = ledgers.to_vec();
    let now = at(DAY + DAY_MILLIS);

    let first = now + SHORTEST_WAIT;
    assert_eq!(office.ring(now), Some(Shipping::After(first)), "an event of a second waits for a minute");
    office.refusing = ledgers[..1].to_vec();
    assert_eq!(
        office.ring(first),
        Some(Shipping::After(now + Duration::from_secs(300))),
        "the other has arrived"
    );

    let later = now + Duration::from_secs(300);
    office.rows = BTreeMap::from([(BLOCK + 1, (young, "{}".to_owned()))]);
    office.refusing = ledgers.to_vec();
    let Some(Shipping::After(again)) = office.ring(later) else { panic!("the event must wait") };
    assert!(again > later, "a ledger without events no longer counts");
}
