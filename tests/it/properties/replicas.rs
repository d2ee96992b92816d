//! The registry and its replicas over a network that loses, doubles and delays messages, with clocks that differ and run at
//! different speeds, while the objects start again: no read that begins after a change was acknowledged returns what was
//! before it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken model fails its test")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use device_grant::ask::Answer;
use device_grant::client::{Client, demo};
use device_grant::policy::governance::Governance;
use device_grant::registry::command::{AtSource, Command, FindAtSource, Keeper};
use device_grant::registry::key_schedule::Signing;
use device_grant::registry::leases::{Awaited, Leases, Standing};
use device_grant::registry::replica::{Asked, Found, Kept};
use device_grant::sharding::{Region, Replica};
use device_grant::time::Timestamp;
use device_grant::token::signing_key::Algorithm;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

const REPLICAS: usize = 3;
/// The leases that Workers ask for: before and after a change of the setting.
const LEASES: [u64; 2] = [30, 5];

#[derive(Clone, Debug)]
enum Move {
    /// A Worker reads at a replica.
    Read {
        replica: usize,
        lease: usize,
    },
    /// An operator changes the client, and waits for the acknowledgement.
    Change,
    /// A Worker waits again, after an acknowledgement that it did not get.
    Await,
    /// A message arrives.
    Deliver(Index),
    /// A message arrives, and will arrive again.
    Double(Index),
    Lose(Index),
    Wait(u64),
    RestartSource,
    RestartReplica(usize),
}

fn step() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => (0..REPLICAS, 0..LEASES.len()).prop_map(|(replica, lease)| Move::Read { replica, lease }),
        2 => Just(Move::Change),
        1 => Just(Move::Await),
        14 => any::<Index>().prop_map(Move::Deliver),
        2 => any::<Index>().prop_map(Move::Double),
        2 => any::<Index>().prop_map(Move::Lose),
        4 => (0..3_000_u64).prop_map(Move::Wait),
        2 => (3_000..35_000_u64).prop_map(Move::Wait),
        1 => Just(Move::RestartSource),
        1 => (0..REPLICAS).prop_map(Move::RestartReplica),
    ]
}

/// A clock: how far it is ahead at the start, in milliseconds, and how many milliseconds it runs in 1000.
#[derive(Clone, Copy, Debug)]
struct Clock {
    ahead: u64,
    speed: u64,
}

fn clock() -> impl Strategy<Value = Clock> {
    (0..600_000_u64, 992..1_008_u64).prop_map(|(ahead, speed)| Clock { ahead, speed })
}

impl Clock {
    fn at(self, time: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000 + self.ahead + time * self.speed / 1_000)
    }
}

/// What an object remembers dies with it, and so do the calls that it waits for.
type Life = u32;

#[derive(Clone, Debug)]
enum Message {
    /// A replica asks the source, for a read that must not return less than `floor`, if one waits for it.
    Ask { keeper: Keeper, of: (usize, Life), asked: Asked, floor: Option<u64> },
    /// The source answers.
    Reply { keeper: Keeper, to: (usize, Life), asked: Asked, floor: Option<u64>, answer: Answer },
    /// The source tells a replica of a change.
    Invalidate { awaited: Awaited, of: Life },
    /// A replica has forgotten what it kept.
    Confirm { awaited: Awaited, to: Life },
}

/// An acknowledgement that somebody waits for.
#[derive(Debug)]
struct Waiting {
    value: u64,
    awaited: Vec<Awaited>,
}

struct World<'a> {
    time: u64,
    clocks: Vec<Clock>,
    source_clock: Clock,
    /// The client's name, as a number that each change raises. Stored.
    value: u64,
    /// The names of replicas that the source has stored, with their longest leases.
    stored: BTreeMap<Replica, Keeper>,
    leases: Leases,
    source_life: Life,
    replicas: Vec<(Kept, Life)>,
    network: Vec<Message>,
    waiting: Vec<Waiting>,
    /// The latest change that was acknowledged.
    acknowledged: u64,
    met: &'a RefCell<BTreeSet<&'static str>>,
}

fn object(index: usize) -> Replica {
    Replica { region: Region::Weur, index: u8::try_from(index).unwrap() }
}

fn command(keeper: Keeper) -> Command {
    FindAtSource { client_id: "demo-tv".to_owned(), using: true, revision: None, keeper: Some(keeper) }.into()
}

fn value(answer: &Answer) -> u64 {
    let AtSource { client, governance, .. } = answer.read::<FindAtSource>().unwrap();
    let value = client.unwrap().client_name.parse().unwrap();
    assert_eq!(governance.unwrap().revision, value, "the governance is as old as the client");
    value
}

impl<'a> World<'a> {
    fn new(clocks: &[Clock], met: &'a RefCell<BTreeSet<&'static str>>) -> Self {
        let (source_clock, clocks) = clocks.split_first().unwrap();
        Self {
            time: 0,
            clocks: clocks.to_vec(),
            source_clock: *source_clock,
            value: 0,
            stored: BTreeMap::new(),
            leases: Leases::restored([], source_clock.at(0)),
            source_life: 0,
            replicas: (0..REPLICAS).map(|_| (Kept::default(), 0)).collect(),
            network: Vec::new(),
            waiting: Vec::new(),
            acknowledged: 0,
            met,
        }
    }

    fn meet(&self, what: &'static str) {
        self.met.borrow_mut().insert(what);
    }

    fn go(&mut self, step: &Move) {
        match step {
            Move::Read { replica, lease } => self.read(*replica, LEASES[*lease]),
            Move::Change => {
                self.value += 1;
                for replica in self.leases.change(self.source_clock.at(self.time)) {
                    self.stored.remove(&replica);
                }
                self.begin_to_wait();
            }
            Move::Await => self.begin_to_wait(),
            Move::Deliver(which) => {
                if let Some(message) = self.take(*which) {
                    self.deliver(message);
                }
            }
            Move::Double(which) => {
                if let Some(message) = self.take(*which) {
                    self.network.push(message.clone());
                    self.deliver(message);
                }
            }
            Move::Lose(which) => drop(self.take(*which)),
            Move::Wait(millis) => self.time += millis,
            Move::RestartSource => {
                self.source_life += 1;
                let stored: Vec<Keeper> = self.stored.values().copied().collect();
                self.leases = Leases::restored(stored, self.source_clock.at(self.time));
                // Nobody gets an answer to what the source was waiting for.
                self.waiting.clear();
            }
            Move::RestartReplica(index) => {
                let life = self.replicas[*index].1 + 1;
                self.replicas[*index] = (Kept::default(), life);
            }
        }
        self.acknowledge();
    }

    fn take(&mut self, which: Index) -> Option<Message> {
        let count = self.network.len();
        (count > 0).then(|| self.network.swap_remove(which.index(count)))
    }

    fn read(&mut self, index: usize, lease: u64) {
        let now = self.clocks[index].at(self.time);
        let keeper = Keeper { replica: object(index), lease };
        let floor = self.acknowledged;
        let (kept, life) = &mut self.replicas[index];
        let (asked, of) = (kept.asked(now), (index, *life));
        match kept.find(&command(keeper), now) {
            Found::Nothing => self.network.push(Message::Ask { keeper, of, asked, floor: Some(floor) }),
            Found::Fresh(answer) => self.judge(&answer, floor, "kept"),
            Found::Aging(answer) => {
                self.judge(&answer, floor, "renewed");
                self.network.push(Message::Ask { keeper, of, asked, floor: None });
            }
        }
    }

    fn judge(&self, answer: &Answer, floor: u64, how: &'static str) {
        let value = value(answer);
        assert!(
            value >= floor,
            "{how}: a read returned change {value} after change {floor} was acknowledged"
        );
        self.meet(how);
        if value < self.value {
            self.meet("stale, not acknowledged");
        }
    }

    /// Tells the replicas of the latest change, and waits for them.
    fn begin_to_wait(&mut self) {
        let awaited = self.leases.awaited(self.source_clock.at(self.time));
        let tell = |awaited: &Awaited| Message::Invalidate { awaited: *awaited, of: self.source_life };
        self.network.extend(awaited.iter().map(tell));
        self.waiting.push(Waiting { value: self.value, awaited });
    }

    fn deliver(&mut self, message: Message) {
        match message {
            Message::Ask { keeper, of, asked, floor } => {
                let now = self.source_clock.at(self.time);
                if !self.leases.has(keeper) {
                    self.stored.insert(keeper.replica, keeper);
                }
                self.leases.grant(keeper, now);
                let answer = self.answer(now);
                self.network.push(Message::Reply { keeper, to: of, asked, floor, answer });
            }
            Message::Reply { keeper, to: (index, of), asked, floor, answer } => {
                let (kept, life) = &mut self.replicas[index];
                if *life == of {
                    kept.keep(asked, &command(keeper), &answer).unwrap();
                    if let Some(floor) = floor {
                        self.judge(&answer, floor, "asked");
                    }
                }
            }
            Message::Invalidate { awaited, of } => {
                let index = usize::from(awaited.replica.index);
                self.replicas[index].0.invalidate();
                self.network.push(Message::Confirm { awaited, to: of });
            }
            Message::Confirm { awaited, to } => {
                if to == self.source_life {
                    self.leases.confirm(&awaited);
                }
            }
        }
    }

    fn answer(&self, now: Timestamp) -> Answer {
        let client = Client { client_name: self.value.to_string(), ..demo::clients().remove(0) };
        let signing = vec![Signing { alg: Algorithm::Es256, kid: "k".to_owned() }];
        let governance = Governance { revision: self.value, ..Governance::without_document(false) };
        let found = AtSource {
            client: Some(client),
            document: None,
            signing,
            scope_demands: BTreeMap::new(),
            governance: Some(Box::new(governance)),
            at: now,
        };
        Answer::to::<FindAtSource>(&found)
    }

    /// Acknowledges the changes that need not wait any longer.
    fn acknowledge(&mut self) {
        let now = self.source_clock.at(self.time);
        for waiting in &self.waiting {
            let standings = || waiting.awaited.iter().map(|awaited| self.leases.standing(awaited, now));
            if !standings().any(|standing| matches!(standing, Standing::Waiting(_))) {
                self.acknowledged = self.acknowledged.max(waiting.value);
                let ended = standings().any(|standing| standing == Standing::Ended);
                self.meet(if ended { "acknowledged at the end of a lease" } else { "acknowledged" });
            }
        }
        let acknowledged = self.acknowledged;
        self.waiting.retain(|waiting| waiting.value > acknowledged);
    }
}

#[test]
fn no_read_that_begins_after_a_change_was_acknowledged_returns_what_was_before() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) };
    let clocks = prop::collection::vec(clock(), REPLICAS + 1);
    let lives = (clocks, prop::collection::vec(step(), 1..150));
    let met = RefCell::default();

    // The same lives in every run, so that all outcomes are met in every run.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&lives, |(clocks, steps)| {
        let mut world = World::new(&clocks, &met);
        for step in &steps {
            world.go(step);
        }
        Ok(())
    });

    if let Err(broken) = outcome {
        panic!("{broken}");
    }
    let met = met.into_inner();
    for needed in [
        "kept",
        "renewed",
        "asked",
        "acknowledged",
        "acknowledged at the end of a lease",
        "stale, not acknowledged",
    ] {
        assert!(met.contains(needed), "no life has met: {needed}; {met:?}");
    }
}
